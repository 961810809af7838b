"""Judging in the Compare stage, blind and by a model, and the playground, on a scripted provider's answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from curator.jobs.findings.preference_pairs import preference_pairs
from curator.jobs.ledger.judgements import Judgement
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Prompt, Way, message_key
from curator.jobs.runs.board import BoardRow
from curator.jobs.runs.questions import Questions
from curator.jobs.runs.yardstick import Yardstick
from curator.tui.screens.compare.judge_dialog import JudgeDialog
from curator.tui.screens.compare.judge_model_dialog import JudgeModelDialog
from curator.tui.screens.compare.playground import Playground
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.train.dialog import TrainDialog
from curator.tui.stage_models.comparing.board import LoadedBoard, rows_to_ask
from curator.tui.stage_models.comparing.prompt_sources import LoadedPrompts, PromptSource
from curator.tui.widgets.line_list import LineList
from tests.jobs.fake_provider import FakeProvider
from tests.tui.scene import Scene
from tests.tui.test_compare import MODEL, WORDS, ask, on_split, question, shown, side

pytestmark = pytest.mark.by_turns


def test_older_local_models_are_asked_what_they_lack(tmp_path: Path) -> None:
    prompts = [Prompt(at, [{"role": "user", "content": question(at)}], "(red)") for at in range(3)]
    rows = [
        BoardRow(Way("base"), "local", "base", "base"),
        BoardRow(Way("one"), "local", "one", "tuned", 1),
        BoardRow(Way("never"), "local", "never", "tuned", 2),
        BoardRow(Way("dear"), "openai", "dear", "tuned", 3),
        BoardRow(Way("new"), "local", "new", "tuned", 4),
    ]
    with Ledger(tmp_path / "runs.db") as ledger:
        for row in (rows[0], rows[1], rows[3]):
            ledger.add_answer(row.name, message_key(prompts[0].messages), {"answer": "(blue)"})
        questions = {row.name: Questions(row.way, prompts, ledger) for row in rows}

        def asked(kind: str, *wanted: BoardRow) -> list[str]:
            source = PromptSource(kind, kind)
            loaded = LoadedPrompts(source, prompts, [None] * 3, None, Yardstick.of(prompts, source.side))
            board = LoadedBoard(loaded, (), questions, {}, {})
            return [row.name for row in rows_to_ask(board, rows, wanted)]

        assert asked("validation", rows[4]) == ["new", "one"]
        assert asked("test", rows[4]) == ["new"] and asked("file", rows[4]) == ["new"]
        for prompt in prompts:
            ledger.add_answer("new", message_key(prompt.messages), {"answer": "(red)"})
        questions["new"] = Questions(rows[4].way, prompts, ledger)
        assert asked("validation", rows[4]) == []


async def judge_by_model(scene: Scene, fake: FakeProvider, mark: Judgement) -> None:
    """A model judges the rows that a person has judged: off until it is named, rubbish, too few marks, a score."""
    screen, asked_before = shown(scene), len(fake.wire.requests)
    await scene.press("J")
    dialog = scene.app.screen
    assert isinstance(dialog, JudgeModelDialog)

    async def ask(model: str, *keys: str) -> str:
        dialog.query_one("#model", Input).value = model
        dialog.query_one("#rubric", Input).value = "The livelier one is better."
        await scene.press(*keys)
        while dialog.is_asking:
            await scene.settle()
        await scene.settle()
        return " ".join(str(dialog.query_one(name).render()) for name in ("#judge-cost", "#judge-report"))

    assert "name the model that judges" in scene.screen_text()
    assert "nobody judges themselves" in await ask(MODEL, "enter")
    assert len(fake.wire.requests) == asked_before
    fake.reply = lambda model, asked: "I cannot say, sorry." if model == "judge-1" else None
    await ask("judge-1", "enter")
    assert isinstance(scene.app.screen, Confirm)  # the price is unknown
    assert len(fake.wire.requests) == asked_before
    assert "worth nothing" in await ask("judge-1", "enter")
    both_orders = len(fake.wire.requests) - asked_before
    assert both_orders == 2 * 18  # the marked pairs are among them
    fake.reply = lambda model, asked: "A" if asked.index("!") < asked.index("## Answer B") else "B"
    text = await ask("judge-1", "enter", "enter")
    assert "score is not shown" in text and "mark 15 more" in text and "%" not in text
    for number in range(15):
        answers = {"first_answer": f"({number})", "second_answer": f"{number}!", "verdict": "second"}
        screen.ledger.add_judgement(replace(mark, id="", prompt=f"p{number}", **answers))  # type: ignore[arg-type]
    text = await ask("judge-1", "enter", "enter")
    assert "prefers" in text and "agrees with you on" in text and "of 20 pairs" in text, text
    assert len(fake.wire.requests) - asked_before == 2 * 2 * 18 + 2 * 15  # a verdict is never asked for twice
    fake.reply = lambda model, asked: None
    await scene.press("escape", "J")
    assert "judge-1" in scene.screen_text()
    await scene.press("escape")
    for judgement in screen.ledger.judgements()[5:]:
        screen.ledger.remove_judgement(judgement.id)


async def test_blind_judging_by_keys_becomes_preference_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_split(tmp_path, monkeypatch) as (scene, fake):
        await scene.press("b")
        assert "Judging takes two rows" in scene.toasts()
        await scene.press("m")
        scene.app.screen.query_one("#system", Input).value = "Be brief."
        await scene.press("enter")
        fake.answers = {}
        await ask(scene, "o", "down", "down", "enter", "r")  # the training side, 18 prompts
        screen = shown(scene)
        first, second = screen.rows
        assert screen.board is not None and side(scene) == "train"
        questions = screen.board.questions[second.name]
        for at in range(6, 24):  # the other row answers otherwise
            answer, key = {"answer": f"{WORDS[at % 8]}!"}, questions.keys[at - 6]
            questions.answers[key] = answer
            screen.ledger.add_answer(questions.way.answers_as, key, answer)
        screen.query_one("#board", LineList).cursor = 0
        await scene.press("b")
        dialog = scene.app.screen
        assert isinstance(dialog, JudgeDialog) and dialog.pair is not None
        left = dialog.pair.left
        await scene.press("3", "left", "t", "b", "g", "s", "right", "u", "right")
        given = screen.ledger.judgements()
        assert [judgement.verdict for judgement in given[1:4]] == ["tie", "both_bad", "both_right"]
        assert len(given) == 5 and given[0].criteria == ("accuracy",)
        better = given[0].first_answer if given[0].verdict == "first" else given[0].second_answer
        assert better == left
        assert dialog.pair is not None and "6 of 18" not in scene.screen_text()
        await scene.press("escape", "b", "escape")
        await judge_by_model(scene, fake, given[0])
        await scene.press("p")
        await scene.settle()
        train = scene.app.screen
        assert isinstance(train, TrainDialog) and train._wish().method == "dpo"
        assert train._data is not None
        pairs = [json.loads(line) for line in train._data.read_bytes().splitlines()]
        assert len(pairs) == 4  # two preferences, and the wanted answer against either where both are bad
        assert {"input", "preferred_output", "non_preferred_output"} == set(pairs[0])


async def test_the_playground_talks_with_several_models_and_its_answers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_split(tmp_path, monkeypatch) as (scene, fake):
        fake.answers = {"Which one?": "(red) of course", "And now?": "(blue)"}
        await scene.press("a")
        play = scene.app.screen
        assert isinstance(play, Playground)
        assert play.query_one("#system", Input).value == "Answer with one shortcode."
        play.query_one("#samples", Input).value = "0"
        play.query_one("#prompt", Input).value = "Which one?"
        await scene.press("enter")
        assert "Samples is a number from 1 to 32" in scene.toasts() and "(red)" not in scene.screen_text()
        scene.app.clear_notifications()
        play.query_one("#samples", Input).value = "2"
        await scene.press("enter")
        assert "(red) of course" in scene.screen_text() and "0 of 2 in the form" in scene.screen_text()
        play.query_one("#prompt", Input).value = "And now?"
        await scene.press("enter")
        (_, kept), *_ = scene.app.job_watch.ledger.talks()
        assert [turn["prompt"] for turn in kept["turns"]] == ["Which one?", "And now?"]
        roles = [message["role"] for message in fake.wire.requests[-1].json()["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        play.query_one("#talk").focus()
        samples = play._talk.turns[-1].samples
        samples[0].text = "(grey)"  # as if they differed
        await scene.press("2", "up", "1")
        assert "1 preference pair of this turn" in scene.toasts() and "#2" in scene.screen_text()
        (judged,) = scene.app.job_watch.ledger.judgements()
        assert (judged.first_answer, judged.second_answer) == ("(grey)", "(blue)")
        (pair,) = preference_pairs([judged]).training
        assert json.loads(pair)["preferred_output"][0]["content"] == "(grey)"
        assert preference_pairs([judged], frozenset({judged.prompt})).held_out == [pair]
        await scene.press("3")  # now it is the worse one
        assert [each.first_answer for each in scene.app.job_watch.ledger.judgements()] == ["(blue)"]
        await scene.press("0")
        assert scene.app.job_watch.ledger.judgements() == []
        samples[0].text = "(blue)"
        await scene.press("down", "c")
        assert "→" in scene.screen_text()
        await scene.press("v")  # to the test prompts: opened in the editor, to write the right answer
        await scene.press("escape")
        added = scene.workspace.ids()[-1]
        record = scene.workspace.record(added)
        assert record.split == "test" and "from playground" in record.labels
        assert record.example.messages[-1]["content"] == "(blue)"
        await scene.press("alt+5", "a")  # what was said is still there
        assert "(blue)" in scene.screen_text()
        play = scene.app.screen
        play.query_one("#talk").focus()
        await scene.press("t", "escape")
        assert scene.workspace.record(scene.workspace.ids()[-1]).split in ("train", "test", None)
        await scene.press("alt+5", "a")
        scene.app.screen.query_one("#system", Input).value = "Only colours."
        scene.app.screen.query_one("#talk").focus()
        await ask(scene, "s")  # the system prompt over the whole held-out set
        screen = shown(scene)
        tried = next(row for row in screen.rows if row.way.system == "Only colours.")
        assert screen.board is not None and screen.board.answered(tried.name) == 4
        await scene.press("a")
        scene.app.screen.query_one("#talk").focus()
        await scene.press("n")
        assert "Ask something" in scene.screen_text()
