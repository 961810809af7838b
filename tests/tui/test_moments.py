"""Small things that got in somebody's way, each where it would come back; docs/moments.md lists all of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from textual.widgets import Input

from curator.core.answers.contract import Contract
from curator.jobs.http import provider_records as records
from curator.jobs.http.provider_records import Event
from curator.jobs.ledger.ledger import Run
from curator.jobs.runs.pace import seconds_for
from curator.tui.screens.train.curve_chart import CurveChart
from curator.tui.screens.train.screen import TrainScreen
from curator.tui.session.job_watch import JobWatch
from curator.tui.stage_models.comparing import board as boards
from curator.tui.stage_models.loop.loop_state import loop_state
from curator.workspace.opening import open_workspace
from tests.tui.scene import NARROW, WIDE, Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns


@pytest.fixture(autouse=True)
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider is asked: the ledger alone says what there is."""
    monkeypatch.setattr(JobWatch, "start", lambda self: None)


def make_run(scene: Scene) -> None:
    """A training whose validation loss is least at step 20 of 60, with checkpoints."""
    ledger = scene.app.job_watch.ledger
    ledger.claim(Run("run-1", "local", "x", "base", "succeeded", "f", time.time(), "ftjob-1", "ft:base:last"))
    events = []
    for step in range(1, 61):
        data: dict[str, float] = {"step": step, "total_steps": 60, "train_loss": 3 / step}
        if step % 10 == 0:
            data["full_valid_loss"] = data["valid_loss"] = 1 + abs(step - 20) / 10
        events.append(Event(f"e{step}", 1000 + step, "info", "Step", "metrics", data))
    ledger.add_events("run-1", events)
    ledger.set_checkpoints(
        "run-1",
        [
            records.Checkpoint(
                f"c{step}", f"ft:base:step-{step}", step, 1, {"full_valid_loss": 1 + abs(step - 20) / 10}
            )
            for step in (20, 40, 60)
        ],
    )


def _next_step(scene: Scene) -> str:
    """What the status line says is next in the loop."""
    return loop_state(scene.app.session.summary(), scene.workspace, scene.app.job_watch).next_step


async def test_the_recommended_checkpoint_is_taken_with_one_key(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(6)), WIDE) as scene:
        scene.app.session.split(validation=0.3, seed=1)
        make_run(scene)
        ledger = scene.app.job_watch.ledger
        assert _next_step(scene) == "alt+5 compares"
        ledger.add_evaluation("held out", "ft:base:last", "run-1", {"scores": {}})
        assert _next_step(scene) == "alt+5: mend its misses"
        assert seconds_for(1_000, "local", "base", ledger) is None
        ledger.update("run-1", trained_tokens=6_000)  # 100 tokens a second
        assert seconds_for(1_000, "local", "base", ledger) == pytest.approx(10)
        assert seconds_for(1_000, "local", "other", ledger) is None
        await scene.press("alt+4")
        screen = scene.app.screen
        assert isinstance(screen, TrainScreen)
        assert "loss (nats a token), smoothed 0.6" in scene.screen_text() and "─ step ─" in scene.screen_text()
        await scene.press("right_square_bracket", "left_square_bracket")
        assert f"step {screen.query_one(CurveChart).steps[-2]:g} · train " in scene.screen_text()
        await scene.press("escape", "s", "l")
        assert "logarithmic, smoothed 0.9" in scene.screen_text()
        await scene.press("s", "s", "l")
        assert "loss (nats a token), smoothed 0.6" in scene.screen_text()
        await scene.pilot.hover("#curves", offset=(12, 3))
        assert " · validation " in scene.screen_text()
        for ending, begins in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".csv", b"step,train,validation")):
            await scene.press("w")
            scene.app.screen.query_one("#path", Input).value = str(tmp_path / f"curves{ending}")
            await scene.press("enter")
            assert (tmp_path / f"curves{ending}").read_bytes().startswith(begins)
        await scene.press("w")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "curves.gif")
        await scene.press("enter", "escape")
        assert "The name must end in .svg, .png or .csv" in scene.toasts()
        await scene.press("b")
        assert scene.app.current_mode == "compare"
        assert "step 20 is ticked" in scene.toasts()
        assert scene.workspace.meta(boards.STORED)["ticks"] == {"ft:base:step-20": True}
        assert screen.taken == {"run-1": "ft:base:step-20"}
        guest = Run("run-9", "local", "x", "base", "succeeded", "f", time.time(), "ftjob-9", "ft:base:guest")
        screen.put_on_board(guest, "ft:base:guest", is_own=False)
        stored = scene.workspace.meta(boards.STORED)
        assert [way["model"] for way in stored["ways"]] == ["ft:base:guest"]
        assert stored["ticks"] == {"ft:base:step-20": True}


def test_tokens_stay_in_the_list_when_the_contract_changes(tmp_path: Path) -> None:
    with open_workspace(dataset(tmp_path, many(3))) as workspace:
        workspace.count_tokens(workspace.ids())
        tokens = [row.tokens for row in workspace.rows(workspace.ids())]
        assert None not in tokens
        workspace.set_meta("contract", Contract(None, r"\(\w+\)").to_json())
        workspace.counts()
        assert [row.tokens for row in workspace.rows(workspace.ids())] == tokens


async def test_the_conversation_is_wrapped_at_its_width_after_the_json_editor(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3)), NARROW) as scene:
        before = scene.screen_text().split("\n")[11:20]
        for _ in range(2):
            await scene.press("e", "f6", "escape")
            scene.app.clear_notifications()
            await scene.settle()
            assert scene.screen_text().split("\n")[11:20] == before
        await scene.press("e")
        await scene.pilot.resize_terminal(120, 40)
        await scene.press("escape")
        assert "Question number 1 about thing 919" in scene.screen_text()


async def test_a_system_prompt_is_given_to_examples_that_have_none(tmp_path: Path) -> None:
    line = json.dumps({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]})
    async with opened(dataset(tmp_path, [line.encode()] * 2), NARROW) as scene:
        await scene.press("B", "U", "enter")
        assert "Type the system prompt" in scene.toasts()
        scene.app.screen.query_one("#system", Input).value = "Be brief."
        await scene.press("enter")
        assert "Give 2 examples this system prompt?" in scene.screen_text()
        await scene.press("enter")
        assert json.loads(scene.workspace.raw(1))["messages"][0] == {"role": "system", "content": "Be brief."}
        await scene.press("escape", "u")
        assert scene.workspace.raw(2) == line.encode()


async def test_columns_are_chosen_moved_and_remembered(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    async with opened(path, WIDE) as scene:
        assert scene.screen_text().split("\n")[2].split()[:4] == ["line", "prompt", "answer", "split"]
        await scene.app.run_action("dialog('columns')")
        await scene.settle()
        await scene.press(
            "G",
            "space",
            "k",
            "k",
            "k",
            "less_than_sign",
            "greater_than_sign",
            "less_than_sign",
            "plus",
            "plus",
            "minus",
            "plus",
        )
        assert "The answer has 50 %" in scene.screen_text()
        await scene.press("g", "j", "space")
        assert "The column line always stays" in scene.toasts()
        await scene.press("enter")
        head = scene.screen_text().split("\n")[2].split()[:3]
        assert head == ["line", "answer", "prompt"]
        before = scene.data.examples.drawn_columns
        share, edge = before.width_of("answer"), 2 + 4 + 1 + 4 + 1 + before.width_of("answer")
        for begin, end in ((edge, edge - 6), (2 + 4 + 1 + 4, 2 + 4 + 1 + 4 + 3)):  # behind the answer, the line
            await scene.pilot.mouse_down("#list", offset=(begin, 0))
            await scene.pilot.hover("#list", offset=(end, 0))
            await scene.pilot.mouse_up("#list", offset=(end, 0))
            await scene.settle()
        dragged = scene.data.examples.drawn_columns
        assert dragged.width_of("line") == 7
        assert share - 8 <= dragged.width_of("answer") <= share - 6
        assert scene.app.session.sort == ""  # the button was not let go where it was pressed: no click
    async with opened(path, WIDE) as scene:
        assert scene.screen_text().split("\n")[2].split()[:3] == head
        assert scene.data.examples.drawn_columns == dragged
        scene.workspace.set_meta("ui.columns", {"order": ["split", 7], "hidden": "x", "answer_share": "y"})
        scene.app.session.publish(())
        await scene.settle()
        assert scene.screen_text().split("\n")[2].split()[:2] == ["split", "line"]
