"""Changing many examples: a thread does it behind a dialog that tells how far it is, and escape stops it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from curator.tui.screens.working import Working
from curator.tui.session import changing
from curator.tui.widgets import progress_line
from curator.tui.widgets.progress_line import ProgressLine
from curator.workspace import meter
from curator.workspace.storage.open_change import OpenChange
from tests.tui.scene import SIZES, Scene, chat, dataset, many, opened, without_messages

pytestmark = pytest.mark.by_turns


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything counts as long; the headings of the dialogs that came up."""
    monkeypatch.setattr(changing, "MARKS_AT_ONCE", 1)
    monkeypatch.setattr(changing, "BYTES_AT_ONCE", 1)
    headings: list[str] = []
    plain = Working.__init__

    def noted(self: Working, heading: str, job: Any) -> None:
        headings.append(heading)
        plain(self, heading, job)

    monkeypatch.setattr(Working, "__init__", noted)
    return headings


async def test_marks_deletions_and_undo_of_many(tmp_path: Path, began: list[str]) -> None:
    async with opened(dataset(tmp_path, many(8))) as scene:
        await scene.press("ctrl+a", "1")
        name = scene.data.labels()[0]
        assert scene.workspace.ids_with_label(name) == set(range(1, 9))
        assert f"Labelled 8 examples {name} · u takes it back" in scene.toasts()
        await scene.press("1")
        assert not scene.workspace.ids_with_label(name)
        await scene.press("a")
        assert all(row.review == "accepted" for row in scene.workspace.rows(range(1, 9)))
        await scene.press("d")
        assert len(scene.workspace.ids()) == 0 and "No examples yet" in scene.screen_text()
        await without_messages(scene)
        assert "0 W · 0 tok" in scene.screen_text()
        await scene.press("u")
        await without_messages(scene)
        assert len(scene.workspace.ids()) == 8 and "Question number 8" in scene.screen_text()
        await scene.press("ctrl+y")
        assert len(scene.workspace.ids()) == 0
    assert began == [
        *["Labelling 8 examples"] * 2,
        "Marking 8 examples",
        "Deleting 8 examples",
        "Taking back a change of 8 examples",
        "Doing again a change of 8 examples",
    ]


async def test_one_example_is_changed_at_once(tmp_path: Path, began: list[str]) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("1", "a", "d", "u")
    assert not began


async def test_fixing_a_rule_everywhere(tmp_path: Path, began: list[str]) -> None:
    lines = [chat(f"Question {n} of its own", f" (answer{n})") for n in range(6)]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("tab", "tab", "ctrl+f")
        await scene.press("enter")
        assert not any(b'" (' in scene.workspace.raw(i) for i in scene.workspace.ids())
        assert "Fixed surrounding_whitespace in 6 examples" in scene.toasts()
    assert began == ["Fixing 6 examples"]


async def test_dividing_closes_its_dialog_and_going_back_takes_it_back(tmp_path: Path, began: list[str]) -> None:
    async with opened(dataset(tmp_path, many(30))) as scene:
        await scene.press("S", "enter")
        await scene.settle()
        assert scene.workspace.counts().validation == 3
        assert not isinstance(scene.app.screen, Working) and len(scene.app.screen_stack) == 1
        await scene.press("alt+6", "down", "enter")
        assert scene.workspace.counts().validation == 0
        assert "1 change taken back or done again" in scene.toasts()
    assert began == ["Dividing 30 examples", "Taking back or doing again 30 examples"]


async def test_settling_all_copies(tmp_path: Path, began: list[str]) -> None:
    lines = [chat(f"Question {n // 3} of its own", "(answer)") for n in range(9)]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("alt+2", "X")
        await scene.press("enter")
        assert list(scene.workspace.ids()) == [1, 4, 7]
        assert "= 0 exact  ≈ 0 same words  ~ 0 near" in scene.screen_text()
    assert began == ["Deleting 6 examples"]


class Held:
    """A thread that waits in the middle of its work until it is stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.was_stopped = False
        plain = ProgressLine.phase

        def phase(line: ProgressLine, what: str, done: int, total: int) -> None:
            plain(line, what, done, total)
            if done >= 3:
                self.was_stopped = self.go.wait(30)
                plain(line, what, done, total)

        stop = ProgressLine.stop

        def stopped(line: ProgressLine) -> None:
            stop(line)
            self.go.set()

        monkeypatch.setattr(ProgressLine, "phase", phase)
        monkeypatch.setattr(ProgressLine, "stop", stopped)
        monkeypatch.setattr(meter, "EVERY", 1)
        monkeypatch.setattr(progress_line, "AFTER", 0.0)


async def shown(scene: Scene, text: str) -> None:
    """Wait until it stands on the screen."""
    for _ in range(100):
        if text in scene.screen_text():
            return
        await scene.pilot.pause(0.05)
    raise AssertionError(scene.screen_text())


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_meanwhile_it_tells_how_far_it_is_draws_and_hears_escape_alone(
    tmp_path: Path, began: list[str], monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with opened(dataset(tmp_path, many(8)), size) as scene:
        Held(monkeypatch)
        await scene.press("ctrl+a")
        await scene.pilot.press("1")
        await shown(scene, "Saving: 18 %")
        assert "Labelling 8 examples" in scene.screen_text() and "esc stops" in scene.screen_text()
        await scene.pilot.press("d", "enter", "u", "1", "q")
        await scene.pilot.resize_terminal(100, 30)
        await scene.pilot.resize_terminal(*size)
        await shown(scene, "Saving: 18 %")
        await scene.pilot.press("escape")
        await scene.settle()
        assert "stopped; nothing was changed" in scene.toasts()
        assert not scene.workspace.ids_with_label(scene.data.labels()[0])
        await without_messages(scene)
        assert len(scene.workspace.ids()) == 8 and "Question number 8" in scene.screen_text()
        await scene.press("1")
        assert len(scene.workspace.ids_with_label(scene.data.labels()[0])) == 8


async def test_leaving_stops_it(tmp_path: Path, began: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = dataset(tmp_path, many(8))
    async with opened(path) as scene:
        held = Held(monkeypatch)
        await scene.press("ctrl+a")
        await scene.pilot.press("d")
        await shown(scene, "Saving: 18 %")
        await scene.pilot.press("ctrl+q")
    assert held.was_stopped
    monkeypatch.undo()
    async with opened(path) as scene:
        assert len(scene.workspace.ids()) == 8


async def test_a_failure_is_told_and_nothing_is_changed(
    tmp_path: Path, began: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(dataset(tmp_path, many(8))) as scene:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(OpenChange, "apply", full)
        await scene.press("ctrl+a", "d")
        assert "No space left on device" in scene.toasts()
        assert len(scene.workspace.ids()) == 8
