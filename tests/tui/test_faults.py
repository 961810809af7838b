"""When the workspace cannot be written: said in one sentence, what was typed stays, it works again afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from curator.locks import Lock
from curator.tui.session.background import Following
from curator.tui.widgets.text_field import MessageField
from curator.workspace.opening import open_workspace
from tests.tui.scene import dataset, many, opened

pytestmark = pytest.mark.by_turns


async def test_a_second_window_says_who_writes_and_only_reads(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(4))
    more = tmp_path / "more.jsonl"
    more.write_bytes(many(5)[4] + b"\n")
    with open_workspace(path) as holder:
        async with opened(path) as scene:
            assert "This window only reads: data.curator is held by process" in scene.toasts()
            assert "read only" in scene.screen_text().splitlines()[0]
            for key in ("d", "a", "x", "f", "1", "D", "u", "plus"):
                await scene.press(key)
            await scene.press("e", "x", "y")
            await scene.press("escape")
            assert scene.data.editing  # the text stays
            await scene.press("backspace", "backspace", "escape")
            await scene.press("I")
            scene.app.screen.query_one("#path", Input).value = str(more)
            await scene.pilot.pause(0.3)
            await scene.settle()
            await scene.press("enter")
            assert "not saved: data.curator is open for reading only" in scene.toasts()
            await scene.press("escape", "slash")
            await scene.type("number 2")
            await scene.press("enter", "s", "alt+6", "alt+1")
            assert scene.app.session.view.total > 0
        assert holder.revision() == 1
        assert sorted(p.name for p in (holder.path / "sources").iterdir()) == [
            "1-data.jsonl", "1-data.jsonl.idx",
        ]  # fmt: skip


async def test_a_second_window_follows_the_first_and_writes_once_that_has_left(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(4))
    holder = open_workspace(path)
    async with opened(path) as scene:
        following = Following(scene.app.session)
        holder.changes.delete([1])
        holder.changes.label([2], "good")
        following.look()
        await scene.settle()
        assert scene.current == 2 and "good" in scene.screen_text()
        holder.close()
        following.look()
        await scene.settle()
        assert "data.curator is free again" in scene.toasts()
        assert "read only" not in scene.screen_text()
        await scene.press("u")
        assert not scene.workspace.record(2).labels
        scene.app.session.stop()


async def test_a_full_disk_keeps_the_text_on_the_screen_and_saving_works_afterwards(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        db = scene.workspace.db
        await scene.press("e")
        field = next(iter(scene.app.screen.query(MessageField)))
        field.text = "typed " * 4000
        await scene.settle()
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages}")
        await scene.press("escape")
        assert "not saved: database or disk is full" in scene.toasts()
        assert scene.data.editing and field.text.startswith("typed")
        assert scene.workspace.revision() == 1
        await scene.press("escape")  # there is room again
        assert "editing line" not in scene.screen_text()
        assert b"typed typed" in scene.workspace.raw(1)
        await scene.press("u")
        assert scene.workspace.raw(1) == many(1)[0]


async def test_a_folder_that_became_read_only_is_opened_for_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dataset(tmp_path, many(3))
    open_workspace(path).close()

    def refused(self: Lock, wait: float = 0.0) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Lock, "acquire", refused)
    async with opened(path) as scene:
        assert "the folder cannot be written (Read-only file system)" in scene.toasts()
        await scene.press("d")
        assert "not saved" in scene.toasts()
        assert len(scene.workspace.ids()) == 3
