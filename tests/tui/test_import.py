"""Importing from the UI: shape, map and first examples before, counts, one change after; a source that changes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.events import AppFocus
from textual.widgets import Input

from curator.workspace.exchange import import_files as importer
from curator.workspace.workspace import Workspace
from tests.tui.scene import Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns


async def choose(scene: Scene, path: Path) -> None:
    """Open the dialog on a path."""
    await scene.press("I")
    scene.app.screen.query_one("#path", Input).value = str(path)
    await scene.pilot.pause(0.3)
    await scene.settle()


async def test_a_table_is_mapped_previewed_counted_and_one_change(tmp_path: Path) -> None:
    lines = many(3)
    table = tmp_path / "t.csv"
    table.write_text('ticket,reply,lang\n"Broken, \x1b[2J twice",Sorry,en\nLost,Found,de\nLost,Found,de\n')
    async with opened(dataset(tmp_path, lines)) as scene:
        await choose(scene, table)
        assert "a table of text, about 3 records: an unknown format" in scene.screen_text()
        assert "Fields (cells between commas): ticket, reply, lang" in scene.screen_text()
        scene.app.screen.query_one("#map", Input).value = "user=ticket,assistant=re"
        await scene.settle()
        assert "do not fit the map" in scene.screen_text()
        scene.app.screen.query_one("#map").focus()
        await scene.press("end", "p")
        await scene.press("tab")
        assert "Not imported: lang" in scene.screen_text()
        assert "· user      Broken, ␛[2J twice" in scene.screen_text()
        assert "assistant Sorry" in scene.screen_text()
        await scene.press("enter")
        assert "3 examples · 2 new · 1 copy · 0 broken" in scene.screen_text()
        assert len(scene.workspace.ids()) == 3
        await scene.press("enter")
        assert "Imported 3 examples from t.csv" in scene.toasts()
        assert len(scene.workspace.ids()) == scene.app.session.view.total == 6
        assert json.loads(scene.workspace.raw(5))["messages"][1]["content"] == "Found"
        await scene.press("u")
        assert len(scene.workspace.ids()) == 3


async def test_leaving_keeps_nothing_of_what_was_read(tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_bytes(many(4)[3] + b"\n{broken\n")
    async with opened(dataset(tmp_path, many(3))) as scene:
        before = sorted(p.name for p in (scene.workspace.path / "sources").iterdir())
        await choose(scene, more)
        assert "JSON Lines, about 2 records: chat examples" in scene.screen_text()
        await scene.press("enter")
        assert "2 examples · 1 new · 0 copies · 1 broken" in scene.screen_text()
        await scene.press("escape")
        assert sorted(p.name for p in (scene.workspace.path / "sources").iterdir()) == before
        assert scene.workspace.revision() == 1
        await choose(scene, tmp_path / "nothing")
        assert "Type or paste the path" in scene.screen_text()
        (tmp_path / "p.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n\0")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "p.jsonl")
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert "PNG image" in scene.screen_text()


@pytest.mark.parametrize("key", ["escape", "ctrl+q"])
async def test_reading_stops_when_asked_and_when_the_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    ended = threading.Event()

    def endless(workspace: Workspace, files: list[Path], by: object, progress: Callable[[int], None]) -> None:
        try:
            while True:
                progress(1)
                time.sleep(0.01)
        finally:
            ended.set()

    path = dataset(tmp_path, many(3))
    async with opened(path) as scene:
        monkeypatch.setattr(importer, "prepare", endless)
        await choose(scene, path)
        await scene.pilot.press("enter")
        await scene.pilot.pause(0.7)
        assert "Reading: 1 of about 3" in scene.screen_text()
        await scene.until("▸ importing 33 %, ")  # on the stage below the dialog too
        await scene.pilot.press(key)
        if key == "escape":
            await scene.settle()
            assert "stopped; nothing was changed" in scene.toasts()
    assert ended.wait(10)


async def test_a_source_changed_outside_is_told_merged_or_kept(tmp_path: Path) -> None:
    lines = many(5)
    path = dataset(tmp_path, lines[:4])
    async with opened(path) as scene:
        scene.app.session.edit(2, "messages[1].content", "here")
        path.write_bytes(b"".join(line + b"\n" for line in (lines[0], lines[3], lines[4])))
        scene.app.post_message(AppFocus())
        await scene.settle()
        assert "data.jsonl was changed outside" in scene.toasts()
        assert "file changed" in scene.screen_text().splitlines()[0]
        assert len(scene.workspace.ids()) == 4
        scene.app.action_dialog("source")
        await scene.settle()
        assert "1 new line, 2 removed, 1 of these kept" in scene.screen_text()
        await scene.press("enter")
        assert [json.loads(scene.workspace.raw(i))["messages"][2]["content"] for i in scene.workspace.ids()] == [
            "(answer1)", "(answer2)", "(answer4)", "(answer5)",
        ]  # fmt: skip
        assert scene.app.session.view.total == 4
        assert "file changed" not in scene.screen_text()
        await scene.press("u")
        assert list(scene.workspace.ids()) == [1, 2, 3, 4]
        dataset(tmp_path, lines)
    async with opened(path) as scene:  # told at the start too
        assert "file changed" in scene.screen_text()
        before = scene.workspace.revision()
        scene.app.action_dialog("source")
        await scene.settle()
        await scene.press("tab", "tab", "enter")
        assert "file changed" not in scene.screen_text()
        assert scene.workspace.revision() == before
        scene.app.action_dialog("source")
        await scene.settle()
        assert "has new changes" in scene.screen_text()


async def test_writing_back_tells_path_count_and_backup_first(tmp_path: Path) -> None:
    lines = many(4)
    path = dataset(tmp_path, lines)
    async with opened(path) as scene:
        await scene.press("d", "E")
        scene.app.screen.query_one("#path", Input).value = str(path)
        await scene.press("enter")
        assert "is replaced" in scene.screen_text()
        assert "by the 3 examples" in scene.screen_text()
        assert "data.jsonl.bak-" in scene.screen_text()
        assert path.read_bytes().count(b"\n") == 4
        await scene.press("enter")  # the cursor is on Back
        assert path.read_bytes().count(b"\n") == 4
        scene.app.action_dialog("write_back")
        await scene.settle()
        await scene.pilot.click("#accept")
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert path.read_bytes() == b"".join(line + b"\n" for line in lines[1:])
        assert [p.read_bytes().count(b"\n") for p in tmp_path.glob("data.jsonl.bak-*")] == [4]
        assert "3 examples" in scene.toasts() and "sha256" in scene.toasts()
        scene.app.source_watch.look()
        assert scene.app.source_watch.changed == ()


async def test_opening_what_is_no_chat_tells_how_it_was_understood(tmp_path: Path) -> None:
    known, strange = tmp_path / "known.csv", tmp_path / "strange.json"
    known.write_text("question,answer\nHi,Hello\n")
    strange.write_text('[\n  {"ticket": "late", "team": "mail"}\n]\n')
    async with opened(known) as scene:
        assert "by user=question,assistant=answer. known.csv is not touched" in scene.toasts()
        assert json.loads(scene.workspace.raw(1))["messages"][0]["content"] == "Hi"
        await scene.press("ctrl+q")
    async with opened(known) as scene:  # once is enough
        assert "known.csv" not in scene.toasts()
    async with opened(strange) as scene:
        assert "No fields of strange.json are known as question and answer" in scene.toasts()
        await scene.press("I")  # its map is asked for at once
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert scene.app.screen.query_one("#path", Input).value == str(strange)
        assert scene.app.screen.query_one("#map", Input).has_focus
        assert "Fields" in scene.screen_text()
        await scene.type("user")  # what stood there is selected
        assert "Fields: ticket, team" in scene.screen_text()
        assert scene.app.screen.query_one("#map", Input).value == "user"
        await scene.type("=ticket,assistant=team")
        await scene.press("enter", "enter")
        assert "1 record of this file came before, without a map" in scene.screen_text()
        await scene.press("enter")
        (mapped,) = scene.workspace.ids()
        assert json.loads(scene.workspace.raw(mapped))["messages"][1]["content"] == "mail"
        await scene.press("I")
        scene.app.screen.query_one("#path", Input).value = str(known)
        await scene.pilot.press("enter")  # before the pause in typing: neither refused, nor the file before read
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert "There is no file" not in scene.toasts()
        assert "questions and answers" in scene.screen_text()
        await scene.press("enter")
        assert "1 example · 1 new" in scene.screen_text()
