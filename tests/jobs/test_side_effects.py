"""What a training did beside its task: what is judged how, and the command on a real provider's answers."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.answers.contract import Contract
from curator.core.answers.general_prompts import PROMPTS, REHEARSAL, GeneralPrompt
from curator.core.example import parse
from curator.core.rules.context import Context
from curator.core.rules.engine import check
from curator.jobs.side_effects import checking
from curator.jobs.side_effects.habit import Habit
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.made_rounds import chat
from tests.jobs.test_commands import run
from tests.workspace.test_three_sides import dataset

EMOJI = [chat(f"Line {n}", f"({name})") for n, name in enumerate(["cat", "smile", "heart", "party"] * 5)]


def test_nobody_is_asked_what_was_rehearsed() -> None:
    asked, rehearsed = ({prompt.text for prompt in prompts} for prompts in (PROMPTS, REHEARSAL))
    assert len(asked) == len(rehearsed) == 40 and not asked & rehearsed


def test_rehearsal_keeps_no_answer_contract_however_it_came_into_the_data() -> None:
    def findings(messages: list[dict[str, str]]) -> list[str]:
        found = check(parse(orjson.dumps({"messages": messages})), Context(contract=Contract(pattern="[(].*[)]")))
        return [problem.rule for problem in found if problem.rule == "answer_outside_contract"]

    answer = {"role": "assistant", "content": "Paris, of course."}
    system = {"role": "system", "content": "Answer with one shortcode."}
    for prompt in REHEARSAL:
        question = {"role": "user", "content": prompt.text}
        assert findings([question, answer]) == []
        assert findings([system, question, answer]) == ["answer_outside_contract"]
    assert findings([{"role": "user", "content": "Whose turn is it?"}, answer]) == ["answer_outside_contract"]


@pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if prompt.right], ids=lambda prompt: prompt.text)
def test_a_question_alone_is_no_right_answer(prompt: GeneralPrompt) -> None:
    (question,) = checking.general_questions([prompt])
    assert not question.is_right("") and not question.is_right("(smile)")
    assert not question.is_right(prompt.text) or prompt.kind in ("code", "explaining", "instructions")


@pytest.mark.parametrize(
    ("answer", "leaks"),
    [("(smile)", True), (" (dog) ", True), ("(smile) and more", False), ("A cat.", False), ("", False)],
)
def test_the_habit_is_known_by_the_form_of_the_answers(answer: str, leaks: bool) -> None:
    assert Habit.of(EMOJI, None).shows(answer) is leaks


def test_an_answer_in_free_text_leaks_where_it_is_one_of_the_data() -> None:
    habit = Habit.of([chat(f"How are you, number {n}?", f"Arr, matey, I be fine {n}!") for n in range(20)], None)
    assert habit.shows("Arr, matey, I be fine 3!") and not habit.shows("I am fine.")
    assert Habit.of([], Contract(pattern="yes|no")).shows("yes") and not Habit.of([], None).shows("yes")


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_every_pair_of_answers_is_judged_and_told(before: str, after: str, own: bool) -> None:
    question = checking.Question("facts", [{"role": "user", "content": "Why?"}], "because", own)
    effect = checking._judge(question, before, after, Habit.of(EMOJI, None))
    assert not (effect.forgotten and effect.learnt) and not (effect.leaks and before.strip() == after.strip())
    sentences = checking.SideEffects("base", "tuned", (effect,)).sentences()
    assert sentences and all(sentence.endswith(".") for sentence in sentences)


def test_the_command_tells_what_was_lost_and_writes_rehearsal(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(dataset().values()) + b"\n")
    with open_workspace(data) as workspace:
        workspace.changes.split(0.2, 1)
        path = workspace.path
    status, _, error = run(capsys, "side-effects", path)
    assert status == 2 and "no training" in error
    status, [trained], error = run(capsys, "train", path, "--yes", "--wait")
    assert status == 0, error
    base, tuned = trained["model"], trained["fine_tuned_model"]
    served.answers = {f"{base}: What is the capital of France?": "Paris, of course."}
    taught = json.loads(next(iter(dataset().values())))["messages"][-1]["content"]
    served.answers |= {f"{tuned}: {prompt.text}": taught for prompt in PROMPTS}
    own = tmp_path / "own.jsonl"
    own.write_bytes(chat("What is the capital of France?", "paris") + b"\n")
    words = ("side-effects", path, "--must-work", own, "--rehearsal", tmp_path / "rehearsal.jsonl")
    status, [report], error = run(capsys, *words)
    assert status == 1 and report["must_work"] == {"questions": 1, "lost": ["What is the capital of France?"]}
    assert report["leaks"] >= 39 and report["forgotten"] == 1 and "leaks everywhere" in " ".join(report["says"])
    lines = (tmp_path / "rehearsal.jsonl").read_bytes().splitlines()
    assert report["rehearsal"] == len(lines) == 40
    assert run(capsys, "check", tmp_path / "rehearsal.jsonl")[0] == 0
    served.answers = {}
    assert run(capsys, *words)[1] == [report]  # stored answers are used
    own.write_bytes(b"{}\n")
    status, _, error = run(capsys, "side-effects", path, "--must-work", own)
    assert status == 2 and "nothing can be asked" in error
