"""Enter goes ahead wherever the cursor is in a dialog; space ticks a box and opens a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from curator.tui.screens.dialog import Dialog
from curator.tui.screens.split.dialog import SplitDialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.tick import DeletionTick, Tick
from tests.tui.scene import dataset, many, opened


class Form(Dialog[str]):
    """A form with each kind of field that takes keys of its own."""

    def compose_body(self) -> ComposeResult:
        """A list, a box, and a box for what is to be deleted."""
        yield DropDown([("one", 1), ("two", 2)], value=1, allow_blank=False, id="choice")
        yield Tick(Content("tick"), id="tick")
        yield DeletionTick(Content("delete"), id="deletion")

    def action_accept(self) -> None:
        """Dismiss with the values."""
        self.dismiss(f"{self.query_one(DropDown).value} {self.query_one('#tick', Tick).value}")


@pytest.fixture
def answers() -> Iterator[list[str | None]]:
    """What the form was dismissed with."""
    yield []


@pytest.mark.parametrize(
    ("field", "keys", "answer"),
    [
        ("choice", ["enter"], "1 False"),
        ("choice", ["space", "down", "enter", "enter"], "2 False"),
        ("choice", ["down", "down", "enter", "enter"], "2 False"),
        ("tick", ["enter"], "1 False"),
        ("tick", ["space", "enter"], "1 True"),
    ],
)
async def test_enter_accepts_and_space_chooses(
    field: str, keys: list[str], answer: str, answers: list[str | None]
) -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.push_screen(Form(), answers.append)
        app.screen.query_one(f"#{field}").focus()
        for key in keys:
            assert not answers
            await pilot.press(key)
            await pilot.pause()
        assert answers == [answer]


async def test_enter_on_what_is_to_be_deleted_only_ticks_it(answers: list[str | None]) -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.push_screen(Form(), answers.append)
        box = app.screen.query_one("#deletion", DeletionTick)
        box.focus()
        await pilot.press("enter")
        assert box.value and not answers


async def test_enter_on_the_box_of_the_split_dialog_splits(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(20))) as scene:
        await scene.press("S")
        assert isinstance(scene.app.screen, SplitDialog)
        scene.app.screen.query_one(Tick).focus()
        await scene.press("enter")
        assert scene.workspace.counts().validation
