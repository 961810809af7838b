"""Nothing runs unseen, nothing that is said is lost; a message lies over nothing, a zoom keeps the frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from curator.errors import CuratorError
from curator.tui.app import CuratorApp
from curator.tui.screens.activity import ActivityDialog
from curator.tui.screens.panes import RememberedPanes
from tests.tui.scene import NARROW, SIZES, WIDE, chat, dataset, many, opened, without_messages

pytestmark = pytest.mark.by_turns


async def test_messages_lie_over_nothing_and_are_kept(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(30)), NARROW) as scene:
        CuratorApp.notify(scene.app, "soon over", timeout=0.2)
        await scene.until("soon over")
        await scene.until("30 examples", minutes=0.2)
        rows = scene.screen_text().split("\n")
        assert "Query" in rows[-1] and "30 examples" in rows[-2]
        scene.app.session.toast("first [b]words[/b]")
        await scene.settle()
        after = scene.screen_text().split("\n")
        assert "i first [b]words[/b]" in after[-2]
        assert [*after[:-2], after[-1]] == [*rows[:-2], rows[-1]]  # no pane moves, the keys stay
        scene.app.session.say(CuratorError("a fault\x1b[2J"), title="Export")
        scene.app.session.toast("last words")
        await scene.settle()
        after = scene.screen_text().split("\n")
        assert "✗ Export: a fault␛[2J" in after[-2]
        assert "i last words" in after[-1]
        assert after[:-2] == rows[:-2]
        await scene.press("T")  # a dialog of the whole height
        screen = scene.app.screen
        line = screen.query_one("#message-line").region
        assert line.height == 2
        assert not line.overlaps(screen.query_one(".box").region)
        await scene.press("escape", "exclamation_mark")
        assert isinstance(scene.app.screen, ActivityDialog)
        text = scene.screen_text()
        assert "first [b]words[/b]" in text
        assert "Nothing runs in the background." in text
        await scene.press("down")
        assert scene.screen_text().count("Export: a fault") == 2  # the list, and the message line below
        await scene.press("escape")
        scene.app.session.toast("long " * 400)
        await scene.settle()
        assert "! shows all of it" in scene.screen_text()
        scene.app.clear_notifications()
        await scene.settle()
        assert scene.screen_text().split("\n")[-2:] == rows[-2:]


async def test_tasks_and_the_next_step_stand_in_the_status_line(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [*many(8), b"no json"]), NARROW) as scene:
        stopped: list[str] = []
        task = scene.app.session.tasks.begin("asking models", lambda: stopped.append("models"))
        task.report(0.25)
        other = scene.app.session.tasks.begin("copying")
        scene.app.session.publish(())
        await scene.settle()
        assert "▸ asking models 25 % and 1 more" in scene.screen_text()
        await scene.press("exclamation_mark")
        text = scene.screen_text()
        assert "asking models 25 %" in text
        assert "copying" in text
        assert "1 error · no split · not trained yet. Next: /is:error to see" in text
        await scene.press("c", "down", "c")
        assert stopped == ["models"]
        assert "Stopping: asking models" in scene.toasts() and "cannot be stopped: copying" in scene.toasts()
        task.end()
        other.end()
        other.end()
        await scene.press("escape")
        scene.app.session.delete([9])
        await scene.settle()
        await without_messages(scene)
        assert "asking" not in scene.screen_text()
        assert "next: S splits" in scene.screen_text()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_zoomed_pane_has_all_but_status_and_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, [*many(50), chat("x", "")]), size) as scene:
        for pane in ("list", "conversation", "problems"):
            scene.app.screen.query_one(f"#{pane}").focus()
            await scene.press("z")
            rows = scene.screen_text().split("\n")
            region = scene.app.screen.query_one(f"#{pane}").region
            assert (region.width, region.y, region.bottom) == (size[0], 1, size[1] - 2), pane
            assert "51 examples" in rows[-2]
            assert "Help" in rows[-1]
            await scene.press("z")
        await scene.press("escape", "z", "e")  # editing needs the editor, so the zoom ends
        assert scene.data.zoomed is None
        assert scene.app.screen.query_one("#editor").region.height > 5


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_border_is_dragged_with_the_mouse(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(50)), size) as scene:
        first = scene.data.examples.region
        border = (first.right, 8) if size == WIDE else (40, first.bottom)
        target = (40, 8) if size == WIDE else (40, first.bottom + 4)
        await scene.pilot.mouse_down(offset=border)
        await scene.pilot.hover(offset=target)
        await scene.pilot.mouse_up(offset=target)
        await scene.settle()
        after = scene.data.examples.region
        grown = (first.right - after.right) if size == WIDE else (after.bottom - first.bottom)
        assert grown > 2
        await scene.pilot.hover(offset=border)  # it is let go
        assert scene.data.examples.region == after


async def test_a_contradiction_says_how_the_other_answers_and_enter_goes_there(tmp_path: Path) -> None:
    lines = [chat("I won!", "(moneybag)"), *many(3), chat("I won!", "(moneymouth)")]
    async with opened(dataset(tmp_path, lines), WIDE) as scene:
        assert "line 5 answers the same prompt otherwise: (moneymouth)" in scene.screen_text()
        scene.data.problems.focus()
        await scene.press("enter")
        assert scene.current == 5
        await scene.press("alt+2")
        await scene.until("I won! → (moneybag) ≠ (moneymouth)")


PANES = {
    "duplicates": "copies-panes",
    "compare": "compare-panes",
    "history": "history-panes",
    "train": "train-panes",
}


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_borders_of_other_stages_are_dragged_or_moved_by_keys_and_stay(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with opened(dataset(tmp_path, many(5)), size) as scene:
        for stage, name in PANES.items():
            await scene.app.go_to_stage(stage)
            await scene.settle()
            if stage == "history":  # as if there were rounds
                scene.app.screen.query_one("#rounds").display = True
                await scene.settle()
            panes = scene.app.screen.query_one(f"#{name}", RememberedPanes)
            first = panes.children[0]
            before, beside = first.region, panes.beside
            bottom = before.bottom - bool(first.styles.border_bottom[0])
            border = (before.right, before.y + 2) if beside else (40, bottom)
            target = (border[0] - 15, border[1]) if beside else (40, panes.region.y + panes.region.height // 2)
            await scene.pilot.mouse_down(offset=border)
            await scene.pilot.hover(offset=target)
            await scene.pilot.mouse_up(offset=target)
            await scene.settle()
            after = first.region
            assert after != before, stage
            there = after.right if beside else after.bottom
            assert abs(there - (target[0] if beside else target[1])) <= 1, stage
            await scene.press("z", "z")
            assert first.region == after, stage
            await scene.press(">")
            assert first.region.size > after.size, stage
            await scene.press("<")
            kept = first.region
            await scene.app.go_to_stage("data")
            await scene.app.go_to_stage(stage)
            assert first.region == kept, stage
    async with opened(tmp_path / "data.jsonl", size) as scene:
        await scene.app.go_to_stage("duplicates")
        await scene.settle()
        panes = scene.app.screen.query_one("#copies-panes", RememberedPanes)
        share = scene.workspace.meta("ui.panes")[f"copies-panes.{'beside' if size == WIDE else 'below'}"]
        now, room = (
            (panes.children[0].region.width, panes.region.width)
            if size == WIDE
            else (panes.children[0].region.height, panes.region.height)
        )
        assert abs(100 * now / room - share) <= 8
