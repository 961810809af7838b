"""The queue of disagreements after a merge: one key picks a side, undo opens it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from curator.workspace.exchange.disagreements import all_disagreements
from curator.workspace.exchange.merge_marks import commit_merge, find_merge
from curator.workspace.opening import create_workspace, open_workspace
from tests.tui.scene import dataset, many, opened

pytestmark = pytest.mark.by_turns


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of which another person rated and labelled three examples otherwise."""
    monkeypatch.setenv("CURATOR_NAME", "kim")
    path = dataset(tmp_path, many(4))
    with open_workspace(path) as here, create_workspace(tmp_path / "other.curator") as there:
        from curator.workspace.exchange.import_files import add  # late: as the command does

        add(there, [path])
        for workspace, rating in ((here, 2), (there, 5)):
            workspace.changes.rate([1, 2], rating)
        here.changes.label([3], "good")
        there.changes.rate([3], 1)
        there.changes.label([3], "[red]x")
        commit_merge(here, find_merge(here, there, "alex [b]"))
    return path


async def test_one_key_picks_a_side(merged: Path) -> None:
    async with opened(merged) as scene:
        await scene.press("ctrl+p")
        await scene.type("disagreements")
        await scene.press("enter")
        text = scene.screen_text()
        assert "Disagreement 1 of 4" in text and "line 1: rating" in text
        assert "mine: 2" in text and "alex [b]: 5" in text and "Question number 1" in text
        await scene.press("t")
        assert scene.workspace.row(1).rating == 5
        assert "kim decided rating of line 1 with alex [b]" in scene.toasts()
        assert "Disagreement 1 of 3" in scene.screen_text() and "line 2: rating" in scene.screen_text()
        await scene.press("m")
        assert scene.workspace.row(2).rating == 2
        assert "label [red]x" in scene.screen_text() and "mine: has it not" in scene.screen_text()
        await scene.press("u")
        assert "line 2: rating" in scene.screen_text()
        await scene.press("space")
        assert "Disagreement 2 of 3" in scene.screen_text()
        await scene.press("right")
        assert scene.workspace.row(3).labels == ("[red]x", "good")
        await scene.press("left", "left")
        assert "Nothing is disagreed about" in scene.screen_text()
        decided = {
            (each.example, each.what): (each.decided, each.decided_by)
            for each in all_disagreements(scene.workspace)
        }
        assert decided[1, "rating"] == ("theirs", "kim") and decided[2, "rating"] == ("mine", "kim")
        assert decided[3, "label:[red]x"] == ("theirs", "kim") and len(decided) == 4
        await scene.press("escape")
        assert scene.workspace.history(1)[0].label.startswith("kim decided")
