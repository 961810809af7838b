"""The Compare stage before and after a training, on answers of a scripted provider over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select

from curator.jobs.runs.evaluation import prompts_key
from curator.jobs.studies.asking import StudyState
from curator.jobs.studies.reasons import Pusher, Reasons
from curator.tui.screens.compare.conversations_dialog import ConversationsDialog
from curator.tui.screens.compare.screen import CompareScreen
from curator.tui.screens.compare.why_dialog import WhyDialog
from curator.tui.screens.dataset.drafts_dialog import DraftsDialog
from curator.tui.screens.dataset.proposals_dialog import ProposalsDialog
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.studies import studies
from curator.tui.session import drafting
from curator.tui.session.changed import Changed
from curator.tui.stage_models.comparing import board as boards
from curator.tui.widgets.line_list import LineList
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import KEY, FakeProvider, running
from tests.jobs.wire import Request
from tests.tui.scene import NARROW, WIDE, Scene, chat, dataset, opened, without_messages

pytestmark = pytest.mark.by_turns

MODEL = "gpt-4.1-mini-2025-04-14"
WORDS = ["red", "blue", "green", "grey", "pink", "brown", "black", "white"]


def question(at: int) -> str:
    return f"{WORDS[at % 8]} {WORDS[at // 8]} thing {at * 7919}"


@asynccontextmanager
async def on_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = NARROW
) -> AsyncIterator[tuple[Scene, FakeProvider]]:
    """The Compare stage of 24 examples, 4 of them held out for validation, 2 for the test."""
    lines = [chat(question(at), f"({WORDS[at % 8]})") for at in range(24)]
    before = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "(hi)"}]
    in_two_turns = json.loads(lines[3])
    in_two_turns["messages"][1:1] = before
    lines[3] = json.dumps(in_two_turns).encode()
    async with running() as fake:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", fake.base_url)
        path = dataset(tmp_path, lines)
        with open_workspace(path) as workspace:
            workspace.set_meta("ui.provider", "openai")
            workspace.set_meta("context", {"profile": "openai", "model": MODEL})
            ids = workspace.ids()
            workspace.changes.assign(ids[6:], "train")
            workspace.changes.assign(ids[:4], "validation")
            workspace.changes.assign(ids[4:6], "test")
        async with opened(path, size) as scene:
            await scene.press("alt+5")
            yield scene, fake


def shown(scene: Scene) -> CompareScreen:
    screen = scene.app.screen
    assert isinstance(screen, CompareScreen), screen
    return screen


async def ask(scene: Scene, *pressed: str) -> None:
    """Press keys after which rows are asked, and wait until their answers are scored."""
    await scene.press(*pressed)
    while shown(scene).is_asking or shown(scene)._is_loading:
        await scene.settle()
    await scene.settle()


def side(scene: Scene) -> str:
    board = shown(scene).board
    assert board is not None
    return board.prompts.source.kind


async def test_the_board_works_before_any_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_split(tmp_path, monkeypatch) as (scene, fake):
        fake.answers = {question(at): f"({WORDS[at % 8]})" if at else "(blue)" for at in range(6)}
        text = " ".join(scene.screen_text().split())
        assert "4 prompts tell ±" in text and "too few to judge" in text
        assert "not asked yet" in text and "r asks the ticked rows: 4 questions" in text
        assert "T trains" in text
        await ask(scene, "r")
        text = " ".join(scene.screen_text().split())
        assert "3 of 4 right" in text and "75%" in text, text
        assert len(fake.wire.requests) == 4
        shown(scene).action_confusion()
        await scene.settle()
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "confusion.csv")
        await scene.press("enter")
        assert "(blue)" in (tmp_path / "confusion.csv").read_text("utf-8").splitlines()[0]
        await scene.press("alt+1", "alt+5")
        assert len(fake.wire.requests) == 4  # nothing is asked twice

        # a row with the nearest training examples before each question
        await scene.press("m")
        scene.app.screen.query_one("#shots", Input).value = "2"
        await ask(scene, "enter", "r")
        assert "+ 2 nearest" in scene.screen_text()
        screen = shown(scene)
        assert len(screen.rows) == 2 and screen.board is not None and len(screen.board.scored) == 2
        sent = screen.board.questions[screen.rows[1].name]
        assert not sent.unanswered

        # the answers: a miss leads to the held-out example, or its answer is accepted
        screen.query_one("#board", LineList).cursor = 0
        screen.query_one("#answers").focus()
        await scene.press("f")
        assert "(blue)" in scene.screen_text() and screen.query_one("#answers", LineList).count == 1
        await scene.press("equals_sign")
        assert scene.workspace.also_right() == {scene.workspace.ids()[0]: ("(blue)",)}
        assert "4 of 4 right" in scene.screen_text() or "100%" in scene.screen_text()
        await scene.press("u")
        assert scene.workspace.also_right() == {}
        screen = shown(scene)
        screen.query_one("#answers").focus()
        await without_messages(scene)
        assert "right form, wrong answer (by rule" in scene.screen_text()
        await scene.press("4")
        await without_messages(scene)
        assert "refuses (as you said" in scene.screen_text()
        await scene.press("f", "f")  # where the rows differ, then the first kind of miss
        assert "Showing refuses: 1" in scene.toasts()
        await scene.press("f", "0", "7")
        assert scene.workspace.also_right() == {scene.workspace.ids()[0]: ("(blue)",)}
        await scene.press("u")
        other = scene.workspace.ids()[-1]  # asks the same as the held-out prompt, and wants another answer
        scene.workspace.changes.replace(other, chat(f"{question(0)}?", "(grey)"))
        scene.workspace.changes.assign([other], "train")
        screen.query_one("#answers", LineList).cursor = 0
        await scene.press("w")
        assert isinstance(scene.app.screen, WhyDialog)
        text = scene.screen_text()
        assert 0 < text.index("taught") < text.index("against") < text.index("near")
        assert "(blue)" in text[text.index("taught") :].split("\n")[0]
        assert f"{question(0)}?" in text[text.index("against") :].split("\n")[0] and text.count("against") == 1
        while "asks the same and wants another answer" not in scene.screen_text():
            before = scene.app.screen.query_one("#teachers", LineList).cursor
            await scene.press("down")
            assert scene.app.screen.query_one("#teachers", LineList).cursor > before, scene.screen_text()
        await scene.press("enter")
        assert scene.current == other
        await scene.press("alt+5")
        screen.query_one("#answers", LineList).cursor = 0
        await scene.press("w")
        await ask_what_pushed(scene, monkeypatch)
        await scene.press("enter")
        assert scene.current == scene.workspace.ids()[9]
        await scene.press("alt+5")
        screen.query_one("#answers", LineList).cursor = 0
        await scene.press("enter")
        assert scene.data.current == scene.workspace.ids()[0]
        await scene.press("alt+5")
        await hold_conversations(scene, fake)
        screen.query_one("#answers").focus()
        await scene.press("plus", "escape")
        assert len(scene.workspace.ids()) == 24  # nothing was typed
        await scene.press("alt+5", "plus", "w", "h", "y", "escape")
        new = scene.workspace.ids()[-1]
        assert len(scene.workspace.ids()) == 25 and b'"why"' in scene.workspace.raw(new)
        assert scene.workspace.row(new).labels

        # a taller terminal shows more rows of the board, a lower one fewer
        await scene.press("alt+5")
        screen = shown(scene)
        screen.rows = screen.rows * 4
        for size, rows in ((NARROW, 6), (WIDE, 9)):
            await scene.pilot.resize_terminal(*size)
            await scene.settle()
            assert screen.query_one("#board", LineList).size.height == rows


async def ask_what_pushed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """`r` lists the examples that are still there by their share of the push, and how each was learnt."""
    ids = scene.workspace.ids()

    async def reasons(path: Path, ledger: Any, model: str, questions: Any, report: Any) -> list[Reasons]:
        report(StudyState("running", "gradients of ckpt-3", 0.4, 20.0))
        pushers = [
            Pusher(ids[9], 3, 0.25, ["question"], "question\x1b[31m nine", "(blue)", True, (4.0, 0.5)),
            Pusher(None, 4, 0.2, [], "changed since", "(red)", False),
            Pusher(ids[11], 5, 0.1, [], "question eleven", "(red)", False),
        ]
        return [Reasons(each, [], pushers, "9,000 take too long: 5,000 were compared.") for each in questions]

    monkeypatch.setattr(studies, "reasons", reasons)
    await scene.press("r")
    text = scene.screen_text()
    assert text.index("25.0%") < text.index("10.0%") and "changed since" not in text and "\x1b" not in text
    assert "these 2 have 35% of it" in text and "5,000 were compared" in text
    assert "Shared words: question. Learnt: 4.0 → 0.5 nats." in text
    await scene.press("down")
    assert "No shared words." in scene.screen_text()
    await scene.press("up")


async def test_a_provider_that_dies_in_the_middle_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown_boards: list[tuple[str, ...]] = []
    monkeypatch.setattr(boards, "_AT_ONCE", 0)  # as with many answers: the board is shown before they are measured
    take = CompareScreen.take

    def note(screen: CompareScreen, rows: Any, ticked: Any, board: Any, trouble: str) -> None:
        shown_boards.append(board.unmeasured)
        take(screen, rows, ticked, board, trouble)

    monkeypatch.setattr(CompareScreen, "take", note)
    async with on_split(tmp_path, monkeypatch) as (scene, fake):
        fake.answers = {question(at): f"({WORDS[at % 8]})" for at in range(2)}
        broken = fake.fault("POST", "chat/completions", "refuse", 99, status=400)
        broken.times = 0

        def dies(request: Request) -> bool:
            asked = request.json()["messages"][-1]["content"] if request.body else ""
            return "chat/completions" in request.path and asked not in fake.answers

        monkeypatch.setattr(broken, "takes", dies)
        await ask(scene, "r")
        screen = shown(scene)
        assert screen.board is not None and screen.troubles
        answered = screen.board.answered(screen.rows[0].name)
        text = " ".join(scene.screen_text().split())
        assert "refused" in text and "r asks the ticked rows" in text, text
        monkeypatch.setattr(broken, "takes", lambda request: False)
        before = len(fake.wire.requests)
        await ask(scene, "r")
        assert len(fake.wire.requests) == before + 4 - answered
        assert not screen.troubles and screen.board.answered(screen.rows[0].name) == 4
        name = screen.rows[0].name
        assert name in screen.board.scored and not screen.board.unmeasured
        shown_boards.clear()
        screen.data_changed(Changed())
        await ask(scene)
        assert shown_boards == [()]  # the scores are kept: nothing is measured twice

        # a model that is gone, and one that says nothing
        await scene.press("m")
        scene.app.screen.query_one("#model", Input).value = "ft:gone:org::1"
        await scene.press("enter")
        fake.fault("POST", "chat/completions", "refuse", 99, status=404)
        await ask(scene, "r", "enter")
        assert list(screen.troubles) == ["ft:gone:org::1"]
        assert "ft:gone:org::1" in " ".join(scene.screen_text().split())
        fake.wire.faults.clear()
        fake.reply = lambda model, asked: ""
        await ask(scene, "r")
        assert not screen.troubles and "All 4 answers of ft:gone:org::1 are empty." in screen._sentence()


async def test_ten_thousand_prompts_are_asked_only_after_price_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(b"".join(chat(f"Question {at} of very many", "(yes)") + b"\n" for at in range(10_000)))
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b'{"messages": [{"role": "user", "content": "no answer"}]}\n')
    async with on_split(tmp_path, monkeypatch, WIDE) as (scene, fake):
        for path, words in ((empty, "no example there ends with an answer"), (many, "10,000 questions: about $")):
            await scene.press("o")
            scene.app.screen.query_one("#path", Input).value = str(path)
            await ask(scene, "enter")
            assert words in " ".join(scene.screen_text().split())
        await scene.press("r")
        assert isinstance(scene.app.screen, Confirm)
        text = " ".join(scene.screen_text().split())
        assert "10,000 questions: about $" in text and "minutes" in text
        await scene.press("escape")
        assert not fake.wire.requests and not shown(scene).is_asking


async def test_the_test_side_is_sealed_and_each_look_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_split(tmp_path, monkeypatch, WIDE) as (scene, fake):
        await scene.press("o", "down")
        assert "🔒" in scene.screen_text() and "opened 0 times" in scene.screen_text()
        await scene.press("enter")
        assert isinstance(scene.app.screen, Confirm)
        await scene.press("escape")
        assert side(scene) == "validation"
        await scene.press("o", "down", "enter", "enter")
        assert side(scene) == "test"
        await ask(scene, "r")
        assert "opened 1 time" in scene.screen_text()
        await ask(scene, "o", "enter")
        await ask(scene, "o", "down", "enter", "enter")
        assert scene.app.job_watch.ledger.times_opened() == 2


async def hold_conversations(scene: Scene, fake: FakeProvider) -> None:
    """Whole conversations are held after their price was seen; a pattern or a person says what is done."""
    screen, before = shown(scene), len(fake.wire.requests)
    screen.query_one("#board", LineList).cursor = 0
    await scene.press("c")
    dialog = scene.app.screen
    assert isinstance(dialog, ConversationsDialog)
    is_asking = partial(getattr, dialog, "is_asking")
    fake.answers[question(3)] = '{"colour": "grey"}'

    def words() -> str:
        return str(dialog.query_one("#task-words").render())

    await scene.until("held")
    assert "3 of 4 conversations held" in scene.screen_text()  # what was answered before is not asked for again
    dialog.query_one("#rule", Input).value = "("
    await scene.press("enter")
    assert "no regular expression" in scene.toasts() and len(fake.wire.requests) == before
    assert scene.app.screen is dialog  # nothing is asked for by a rule that is none
    dialog.query_one("#rule", Input).value = r"^\((blue|green)\)$"
    await scene.press("enter", "enter")
    while is_asking():
        await scene.settle()
    await scene.settle()
    assert "3 of 4 did their task" in words()
    assert len(fake.wire.requests) == before + 2
    assert screen.board is not None
    key = prompts_key(screen.board.prompts.prompts)
    share = (screen.ledger.evaluation(key, screen.rows[0].name) or {})["scores"]["completion"]
    assert share[0] == 0.75
    await scene.press("home", "x")
    assert "2 of 4 did their task" in words() and "1 by your word" in words()
    assert scene.screen_text().count("✗ you") == 1
    await scene.press("p", "0")
    assert "3 of 4 did their task" in words() and "by your word" not in words()
    # the same conversations by a JSON Schema, once it can be read and is one
    schema = Path(str(scene.workspace.path)).with_name("task.json")
    for text, told in (
        (None, "cannot be read"),
        ("[1]", "a JSON Schema is an object"),
        ('{"type": 3}', "no JSON Schema"),
    ):
        if text is not None:
            schema.write_text(text)
        dialog.query_one("#rule", Input).value = str(schema)
        dialog.query_one("#rule").focus()
        await scene.press("enter")
        assert told in scene.toasts() and "did their task" not in words()
    schema.write_text('{"type": "object", "properties": {"colour": {"enum": ["grey"]}}, "required": ["colour"]}')
    await scene.press("enter")
    assert "1 of 4 did their task" in words() and len(fake.wire.requests) == before + 2
    share = (screen.ledger.evaluation(key, screen.rows[0].name) or {})["scores"]["completion"]
    assert share[0] == 0.25
    dialog.query_one("#conversations").focus()
    await scene.press("home", "x", "escape")
    await scene.settle()
    stored = screen.ledger.evaluation(key, screen.rows[0].name) or {}
    assert "completion" in stored["scores"] and len(stored["scores"]) > 1


async def stop_drafts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far drafts are stands in `!`, where they are stopped."""

    async def write(*given: Any) -> None:
        given[-1](1, 4)
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(drafting, "write", write)
        await scene.press("i")
        await scene.until("How many")
        scene.app.screen.query_one("#model", Input).value = MODEL
        await scene.until("questions:")
        await scene.press("enter")
        [task] = scene.app.session.tasks
        assert task.share == 0.25 and task.words == f"{MODEL} writes drafts"
        await scene.press("exclamation_mark", "c", "escape")
        assert not list(scene.app.session.tasks) and "not paid twice" in scene.toasts()


async def test_a_model_drafts_what_was_missed_and_what_is_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_split(tmp_path, monkeypatch, WIDE) as (scene, fake):
        fake.reply = lambda model, asked: f"Something {len(fake.wire.requests)} wholly new {asked[-7:]}"
        await scene.until("wanted  (red)")
        await scene.press("tab", "i")
        assert isinstance(scene.app.screen, DraftsDialog)
        scene.app.screen.query_one("#provider", Select).value = "openai"
        scene.app.screen.query_one("#count", Input).value = "none"
        await scene.until("a whole number from 1 to 100")
        scene.app.screen.query_one("#model", Input).value = MODEL
        scene.app.screen.query_one("#count", Input).value = "2"
        await scene.until("2 questions: about $")  # the price first
        assert not [request for request in fake.wire.requests if "chat" in request.path]
        await scene.press("enter")
        await scene.until("Something")  # in the list of proposals, which opened by itself
        assert isinstance(scene.app.screen, ProposalsDialog) and "2 passed" in scene.toasts()
        sent = b"".join(request.body for request in fake.wire.requests)
        assert question(0).encode() not in sent  # the held-out prompt itself
        await scene.press("A", "escape", "alt+1")
        assert scene.workspace.counts().labels == {MODEL: 2}
        await stop_drafts(scene, monkeypatch)
        for pressed in (["i"], ["B", "i"]):
            await scene.press(*pressed)
            await scene.until("How many")
            await scene.press("escape")
