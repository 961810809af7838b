"""The list of proposals: each key, what is out of date, what arrives while it is open, and hostile text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from curator.tui.screens.dataset.proposals_dialog import ProposalsDialog
from curator.workspace.opening import open_workspace
from curator.workspace.operations.propose import Proposing
from curator.workspace.operations.proposed import proposals_of
from tests.tui.scene import dataset, many, opened

pytestmark = pytest.mark.by_turns

ADDED = {"messages": [{"role": "user", "content": "hey"}, {"role": "assistant", "content": "(wave)"}]}


def propose(path: Path, *ops: dict[str, Any], by: str = "claude") -> None:
    """What another program does while the window is open."""
    with open_workspace(path, read_only=True) as workspace, Proposing(workspace, by) as proposing:
        for op in ops:
            proposing.propose(op)


def edit(example: int, value: str, **more: str) -> dict[str, Any]:
    return {"op": "edit", "example": example, "location": "messages[2].content", "value": value, **more}


async def test_a_list_like_a_pull_request(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(6)), (110, 32)) as scene:
        await scene.press("W")
        assert isinstance(scene.app.screen, ProposalsDialog) and "Nothing is proposed" in scene.screen_text()
        propose(
            scene.workspace.path,
            edit(1, "(b)[red]\x1b[2J", why="it is\x07 bright"),
            {"op": "label", "examples": [2, 3], "label": "good"},
            {"op": "add", "example": ADDED, "labels": ["drafted"]},
            edit(4, "(four)"),
            {"op": "delete", "example": 5},
            by="m[bold]",
        )
        await scene.until("edit messages[2].content of line 1")  # which came while the list was open
        text = scene.screen_text()
        assert "m[bold]" in text and "because it is␇ bright" in text and "(b)[red]␛[2J" in text  # word by word
        assert "label 2 examples good" in text and "add hey → (wave)" in text
        await scene.press("a")
        assert b"[red]" in scene.workspace.raw(1) and "proposed by m[bold]" in scene.toasts()
        await scene.press("u")
        assert b"[red]" not in scene.workspace.raw(1) and len(proposals_of(scene.workspace)) == 5
        await scene.press("x")
        assert len(proposals_of(scene.workspace)) == 4
        assert "accepted so far: m[bold] 0 of 1" in scene.screen_text()
        scene.app.session.edit(4, "messages[1].content", "another question")
        await scene.press("down", "down", "a")  # the change of line 4, which is not as it was
        assert "line 4 changed since" in scene.screen_text().lower()
        await scene.press("escape")
        assert b"(four)" not in scene.workspace.raw(4)
        await scene.press("A")  # all others at once
        revision = scene.workspace.revision()
        assert [each.operation["op"] for each in proposals_of(scene.workspace)] == ["edit"]
        assert "Left open: proposal 4" in scene.toasts() and scene.workspace.record(5).deleted
        assert scene.workspace.counts().labels == {"good": 2, "drafted": 1}
        await scene.press("a", "enter")  # as it is now, after all
        assert b"(four)" in scene.workspace.raw(4) and scene.workspace.revision() == revision + 1
        assert not proposals_of(scene.workspace)
        await scene.press("u", "u", "X")
        assert {each.state for each in proposals_of(scene.workspace, None)} == {"rejected"}
        assert not scene.workspace.record(5).deleted
        await scene.press("escape")
        assert scene.data.current == 1


async def test_going_to_the_example_and_editing_what_was_proposed(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(4))
    open_workspace(path).close()
    propose(tmp_path / "data.curator", edit(3, "(three)"), {"op": "add", "example": ADDED})
    async with opened(path) as scene:
        await scene.until("claude proposes 2 changes")
        await scene.press("W", "enter")
        assert scene.current == 3
        await scene.press("W", "down", "enter")
        assert "not in the data yet" in scene.toasts()
        await scene.press("e")
        assert scene.current == 5 and scene.workspace.raw(5).count(b"(wave)") == 1
        await scene.until("hey")
        await scene.type("!")
        await scene.press("escape")
        assert b"!" in scene.workspace.raw(5)
        states = [each.state for each in proposals_of(scene.workspace, None)]
        assert states == ["open", "edited"]


async def test_a_damaged_file_of_proposals_is_a_sentence(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(2))
    open_workspace(path).close()
    (tmp_path / "data.curator" / "proposals.db").write_bytes(b"no database at all" * 99)
    async with opened(path, (120, 30)) as scene:
        await scene.press("W")
        assert "cannot be read" in scene.toasts()
        await scene.press("a", "A", "x", "X", "e", "enter")
        assert isinstance(scene.app.screen, ProposalsDialog)
