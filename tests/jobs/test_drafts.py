"""`curator study drafts`: what a model writes passes the gate first, and then waits as its proposals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.errors import CuratorError
from curator.jobs.drafts import kept_texts
from curator.jobs.drafts.style import Style
from curator.jobs.drafts.write import plan_drafts, seeds_of
from curator.jobs.runs.chat import chat as ask_model
from curator.workspace.opening import open_workspace
from curator.workspace.operations import inbox
from curator.workspace.operations.proposed import proposals_of, shares
from curator.workspace.operations.settle import accept, reject
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run

TEXTS = [
    "The cat sleeps on my keyboard", "Our train was two hours late", "We won the pub quiz", "It pours again",
    "My bread burnt black", "Somebody stole my bike", "The band played all night", "I lost both gloves",
    "She passed her driving test", "The lift is stuck again", "Grandma turns ninety", "He snores like a bear",
]  # fmt: skip
ANSWERS = ["(cat)", "(train)", "(party)", "(rain)"] * 3
SYSTEM = {"role": "system", "content": "One shortcode."}


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [SYSTEM, {"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve examples with four answers, two of them held out, and a contract that allows these answers."""
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(chat(*pair)) + "\n" for pair in zip(TEXTS, ANSWERS, strict=True)))
    with open_workspace(data) as workspace:
        workspace.changes.assign(range(1, 11), "train")
        workspace.changes.assign([11, 12], "validation")
        workspace.set_meta("contract", {"vocabulary": sorted(set(ANSWERS))})
        return workspace.path


def sent_texts(served: FakeProvider) -> str:
    return b"\n".join(request.body for request in served.wire.requests if "chat" in request.path).decode()


def writing(texts: list[str]) -> Callable[[str, str], str]:
    numbers = count()
    return lambda model, asked: texts[next(numbers) % len(texts)]


def test_drafts_pass_the_gate_before_they_are_shown_and_wait_as_proposals(
    served: FakeProvider, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.reply = writing(
        ['"Puddles in every street"', "Grandma turns ninety!", "it pours again", "", "Puddles in every street"]
    )
    words = ("study", "drafts", folder, "--like", 'answer:"(rain)"', "--count", "5", "--provider", "fake")
    status, lines, error = run(capsys, *words)
    assert status == 2 and not lines and "5 questions: about $" in error and "add --yes" in error  # money first
    assert not sent_texts(served)
    status, [report], _ = run(capsys, *words, "--yes")
    assert status == 0 and report["model"] == MODEL
    assert report["drafts"] == [{"proposal": 1, "prompt": "Puddles in every street", "answer": "(rain)"}]
    reasons = {each["prompt"]: each["why"] for each in report["refused"]}
    assert "held out" in reasons["Grandma turns ninety!"] and "copy of example 4" in reasons["it pours again"]
    assert "wrote nothing" in reasons[""] and "written just now" in reasons["Puddles in every street"]
    assert "Grandma" not in sent_texts(served) and "snores" not in sent_texts(served)  # never what is held out
    assert "It pours again" in sent_texts(served)  # the style of the nearest
    with open_workspace(folder) as workspace:
        [proposal] = proposals_of(workspace)
        assert proposal.by == MODEL and proposal.why.startswith("written like line ")  # of whichever came first
        assert proposal.operation["example"] == chat("Puddles in every street", "(rain)")
        settled = accept(workspace, [1])
        assert settled.change is not None and workspace.record(settled.change.ids[0]).labels == (MODEL,)

    served.reply = writing(["Nobody brought an umbrella", "The river rises"])
    status, [report], _ = run(capsys, *words[:-4], "--count", "2", "--provider", "fake", "--yes")
    with open_workspace(folder) as workspace:
        reject(workspace, [report["drafts"][0]["proposal"]])
        assert shares(proposals_of(workspace, None)) == {
            MODEL: {"open": 1, "accepted": 1, "edited": 0, "rejected": 1}
        }
    served.fault("POST", "/chat/completions", "fail_before", times=99, status=401)
    status, lines, error = run(capsys, *words, "--yes")
    assert status == 3 and not lines and error.count("\n") == 1


def test_what_was_written_before_a_fault_is_kept_and_not_paid_twice(
    served: FakeProvider, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served.reply = writing(
        ["Puddles in every street", "The river rises", "Nobody brought an umbrella", "It leaks"]
    )
    words = ("study", "drafts", folder, "--like", 'answer:"(rain)"', "--count", "4", "--provider", "fake", "--yes")
    asked = count()

    async def failing_from_the_third_on(*given: Any, **named: Any) -> Any:
        if next(asked) < 2:
            return await ask_model(*given, **named)
        while len(inbox.read(folder)) < 2:
            await asyncio.sleep(0.01)
        raise CuratorError("No more credit.")

    with monkeypatch.context() as patched:
        patched.setattr(kept_texts, "chat", failing_from_the_third_on)
        status, lines, error = run(capsys, *words)
    assert status == 1 and not lines and "No more credit" in error
    with open_workspace(folder) as workspace:
        first, second = proposals_of(workspace)
        reject(workspace, [second.id])
    before = sent_texts(served).count(MODEL)
    assert before == 2
    status, [report], _ = run(capsys, *words)
    assert status == 0 and sent_texts(served).count(MODEL) == before + 2
    assert first.id in {each["proposal"] for each in report["drafts"]} and len(report["drafts"]) == 3
    [refused] = report["refused"]
    assert refused["prompt"] == second.operation["example"]["messages"][1]["content"]
    assert "you rejected the very same" in refused["why"]


def test_where_answers_are_free_the_model_writes_them_too(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    answers = [f"Well, {text.lower()}, and that is how it is, number {at}." for at, text in enumerate(TEXTS)]
    data.write_text("".join(json.dumps(chat(*pair)) + "\n" for pair in zip(TEXTS, answers, strict=True)))
    with open_workspace(data) as workspace:
        folder = workspace.path
        plan = plan_drafts(workspace, seeds_of(workspace, [3]), 2)
        assert not plan.style.keeps_answer(plan.seeds[0]) and plan.nearest[0][0].example == 3
    served.reply = lambda model, asked: "A new one" if asked == "Write one message." else f"So: {asked}"
    words = ("study", "drafts", folder, "--like", "line:3", "--count", "1", "--provider", "fake", "--yes")
    status, [report], _ = run(capsys, *words)
    assert status == 0 and report["drafts"][0]["answer"] == "So: A new one"


def test_a_style_repeats_an_answer_that_repeats() -> None:
    style = Style((at, json.dumps(chat(f"q{at}", answer)).encode()) for at, answer in enumerate(ANSWERS, 1))
    assert [each.example for each in style.models][:2] == [1, 2] and style.models[0].system == [SYSTEM]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["drafts", "data.jsonl"], "is no workspace"),
        (["drafts", "data.curator", "--like", "rating>99"], "no example with a question"),
        (["drafts", "data.curator", "--like", "("], "something to look for"),
        (["drafts", "data.curator", "--provider", "nobody"], "nobody"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(
    words: list[str], says: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert main(["study", *words]) == 2
    printed = capfd.readouterr()
    assert printed.out == "" and says in printed.err and printed.err.count("\n") == 1
