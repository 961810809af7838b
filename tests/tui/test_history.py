"""History stage: what was done, newest first, and going to any point of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.scene import SIZES, dataset, many, opened

pytestmark = pytest.mark.by_turns


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_changes_are_listed_newest_first_in_words(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(6)), size) as scene:
        await scene.press("d", "1", "alt+6")
        text = scene.screen_text()
        assert text.index("Labelled") < text.index("Deleted") < text.index("Imported 6 examples")


async def test_enter_goes_back_to_a_point_and_forward_again(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(6))) as scene:
        await scene.press("d", "d", "d", "alt+6")
        assert len(scene.workspace.ids()) == 3
        assert "Deleted 3 examples" in scene.screen_text()
        await scene.press("enter", "down", "down", "down", "enter")
        assert len(scene.workspace.ids()) == 5
        assert "↶" in scene.screen_text()
        await scene.press("g", "enter")
        assert len(scene.workspace.ids()) == 3
        assert "↶" not in scene.screen_text()


async def test_many_steps_are_asked_first(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(20))) as scene:
        await scene.press(*["d"] * 12, "alt+6", "enter", *["down"] * 12)
        await scene.press("enter")
        assert "Take back 11 changes?" in scene.screen_text()
        await scene.press("escape")
        assert len(scene.workspace.ids()) == 8
        await scene.press("enter")
        await scene.press("enter")
        assert len(scene.workspace.ids()) == 19


async def test_showing_the_example_of_a_change(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(6))) as scene:
        await scene.press("down", "down", "1", "alt+6", "o")
        assert scene.current == 3


async def test_it_is_all_there_after_a_restart(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(6))
    async with opened(path) as scene:
        await scene.press("d", "d")
    async with opened(path) as scene:
        await scene.press("alt+6", "down", "enter")
        assert len(scene.workspace.ids()) == 5


async def test_what_changed_since_a_version_is_listed_with_its_words(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(6))) as scene:
        await scene.press("1")  # the version to compare with
        scene.app.session.edit(2, "messages[1].content", "Question number two about [/b] \x1b[2J")
        scene.app.session.delete([5])
        scene.app.session.add(many(7)[6], 6)
        await scene.press("alt+6", "down", "down", "down", "d")
        text = scene.screen_text()
        assert "1 added, 1 removed, 1 edited" in text
        assert "~ line 2" in text and "+ new" in text and "- line 5" in text
        assert "messages[1].content" in text and "[/b] ␛[2J" in text
        await scene.press("down", "down", "enter")
        assert "is:deleted" in scene.toasts()
        await scene.press("up", "enter")
        assert scene.workspace.record(scene.current).new
