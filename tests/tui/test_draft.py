"""What was typed is not lost: kept on the disk meanwhile, offered at the next start, dropped once it is saved."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.tui.screens.data.draft_dialog import DraftDialog
from curator.tui.screens.data.note_dialog import NoteDialog
from curator.tui.session import kept_draft
from curator.workspace.opening import open_workspace
from curator.workspace.storage import typed_text
from curator.workspace.storage.typed_text import TypedText
from tests.thorough import examples, rotating
from tests.tui.scene import Scene, chat, dataset, many, opened
from tests.tui.test_terminal import PATIENCE, Terminal, terminal

pytestmark = pytest.mark.by_turns

WORDS = "half a sentence"


def draft_of(folder: Path) -> TypedText | None:
    """The draft in the only workspace of a folder."""
    return typed_text.read(next(folder.glob("*.curator")))


async def kept(scene: Scene) -> TypedText:
    """Wait until the draft is on the disk, and return it."""
    while scene.app.session.kept_draft.state != kept_draft.KEPT:
        await asyncio.sleep(0.02)
    await scene.settle()
    found = typed_text.read(scene.workspace.path)
    assert found is not None
    return found


def answers(raw: bytes) -> list[str]:
    """The contents of a chat's messages."""
    return [message["content"] for message in json.loads(raw)["messages"]]


def type_until_kept(seen: Terminal, path: Path, keys: bytes, name: str = "typed.draft") -> None:
    """Type into the real program, and wait until a draft with all of `WORDS` is kept."""
    assert seen.read_until(b"examples")
    os.write(seen.master, keys)
    ends = time.monotonic() + PATIENCE
    while not any(WORDS.encode() in draft.read_bytes() for draft in path.parent.glob(f"*.curator/{name}")):
        assert time.monotonic() < ends and seen.read()


def kill(seen: Terminal) -> None:
    """Kill the real program."""
    os.kill(seen.child.pid, signal.SIGKILL)
    assert seen.child.wait() == -signal.SIGKILL


# The real program


@pytest.mark.parametrize("typed", rotating(2, ["answers", "new example"]))
def test_what_was_typed_before_a_kill_9_is_offered_and_saved(tmp_path: Path, typed: str) -> None:
    if typed == "answers":
        answers_of_two_windows_are_offered(tmp_path)
    else:
        new_example_is_offered(tmp_path)


def answers_of_two_windows_are_offered(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    with terminal(str(path), cwd=tmp_path) as writer:
        type_until_kept(writer, path, b"je" + WORDS.encode())
        with terminal(str(path), cwd=tmp_path) as reader:
            type_until_kept(reader, path, b"e" + WORDS.encode(), "typed-*.draft")
            kill(writer)
            kill(reader)
    with open_workspace(path) as workspace:
        assert workspace.raw(2) == many(3)[1]  # nothing was saved yet
    with terminal(str(path), cwd=tmp_path) as seen:
        for line, left in ((b"line 2", 1), (b"line 1", 0)):
            assert seen.read_until(b"Restore the draft of " + line)
            seen.press(b"\r", b"editing " + line)
            seen.press(b"\x1b", b"Edit")  # the list's key: the editor is left
            while len(list(tmp_path.glob("*.curator/typed*.draft"))) > left:
                assert seen.read()
        os.write(seen.master, b"q")
        assert seen.end() == 0
    with open_workspace(path) as workspace:
        assert [answers(workspace.raw(example))[2] for example in (1, 2)] == [
            f"(answer1){WORDS}",
            f"(answer2){WORDS}",
        ]
        assert list(workspace.path.glob("typed*")) == []


def new_example_is_offered(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(2))
    with terminal(str(path), cwd=tmp_path) as seen:
        type_until_kept(seen, path, b"+" + WORDS.encode())
        kill(seen)
    with terminal(str(path), cwd=tmp_path) as seen:
        assert seen.read_until(b"Restore the draft of a new example?")
        seen.press(b"\r", b"editing a new example")
        seen.press(b"\x1b", b"Added an example")
        os.write(seen.master, b"q")
        assert seen.end() == 0
    with open_workspace(path) as workspace:
        assert [answers(workspace.raw(example))[1] for example in workspace.ids()][1] == WORDS


# Keeping


async def test_the_frame_tells_what_is_saved_and_what_is_kept(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e")
        assert "editing line 1 · ✓ saved" in scene.screen_text()
        await scene.pilot.press("x")
        assert "● not saved yet" in scene.screen_text()
        text = await kept(scene)
        assert "● not saved yet · draft kept" in scene.screen_text()
        assert answers(text.typed)[2] == "(answer1)x" and text.begun == scene.workspace.raw(1)
        await scene.press("ctrl+s")
        assert "✓ saved" in scene.screen_text()
        assert typed_text.read(scene.workspace.path) is None


async def test_typing_without_a_pause_is_kept_too(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e")
        while typed_text.read(scene.workspace.path) is None:
            await scene.pilot.press("x")  # a timer that each key starts anew would never end
        assert answers(scene.workspace.raw(1))[2] == "(answer1)"


async def test_saved_text_and_text_taken_away_again_leave_no_draft(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e", "x")
        await kept(scene)
        await scene.press("backspace")
        assert typed_text.read(scene.workspace.path) is None
        assert "✓ saved" in scene.screen_text()
        await scene.press("escape")
        for ending, behind in {"escape": ["j"], "alt+6": ["alt+1", "escape", "j"], "ctrl+q": []}.items():
            example = scene.current
            await scene.press("e", "x")
            await kept(scene)
            await scene.press(ending)
            assert answers(scene.workspace.raw(example))[2] == f"(answer{example})x", ending
            assert draft_of(tmp_path) is None, ending
            assert sorted(path.name for path in tmp_path.glob("*.curator/.typed*")) == [], ending
            if behind:
                await scene.press(*behind)


async def test_a_draft_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, text: TypedText, name: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(typed_text, "write", full)
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e", "x")
        while "No space" not in scene.app.session.kept_draft.state:
            await asyncio.sleep(0.02)
        await scene.settle()
        assert "no draft: No space left on device" in scene.screen_text()


async def test_a_text_too_long_for_a_draft_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_text, "MAX_BYTES", 300)
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e", "x")
        assert "the text is too long for one" in scene.screen_text()
        await scene.press("escape")
        assert answers(scene.workspace.raw(1))[2] == "(answer1)x"


async def test_a_window_that_only_reads_keeps_a_draft_of_its_own_and_offers_none(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    with open_workspace(path) as holder:
        typed_text.write(holder.path, TypedText("example", (1,), b"{}", b"[]"))
        async with opened(path) as scene:
            assert not isinstance(scene.app.screen, DraftDialog)
            await scene.press("e", "x")
            while scene.app.session.kept_draft.state != kept_draft.KEPT:
                await asyncio.sleep(0.02)
            [own] = [draft.name for draft in holder.path.glob("typed-*.draft")]
            assert typed_text.left_over(holder.path, typed_text.NAME) == []  # its window lives
            kept_text = typed_text.read(holder.path, own)
            assert kept_text is not None and answers(kept_text.typed)[2] == "(answer1)x"
            await scene.press("backspace", "escape")
            assert list(holder.path.glob("typed-*")) == []
        assert typed_text.read(holder.path) == TypedText("example", (1,), b"{}", b"[]")


# Offering


def leave_draft(path: Path, text: TypedText) -> Path:
    """A workspace whose last window was killed with this draft; returns its folder."""
    with open_workspace(path) as workspace:
        typed_text.write(workspace.path, text)
        return workspace.path


async def test_escape_discards_the_draft(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    folder = leave_draft(path, TypedText("example", (2,), many(3)[1], chat("q", "(other)")))
    async with opened(path) as scene:
        assert isinstance(scene.app.screen, DraftDialog)
        assert "(other)" in scene.screen_text() and "meanwhile" not in scene.screen_text()
        await scene.press("escape")
        assert "discarded" in scene.toasts()
        assert scene.workspace.raw(2) == many(3)[1]
    assert typed_text.read(folder) is None


async def test_an_example_that_changed_meanwhile_is_told(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    leave_draft(path, TypedText("example", (2,), many(3)[1], chat("q", "(other)")))
    with open_workspace(path) as workspace:
        workspace.changes.replace(2, chat("q", "(by a script)"))
    async with opened(path) as scene:
        assert "Line 2 was changed meanwhile" in scene.screen_text()
        assert "(by a script)" in scene.screen_text() and "(other)" in scene.screen_text()
        await scene.press("enter")
        assert "editing line 2 · ● not saved yet" in scene.screen_text()
        await scene.press("escape")
        assert answers(scene.workspace.raw(2))[2] == "(other)"


async def test_an_example_that_was_deleted_meanwhile_comes_back(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    leave_draft(path, TypedText("example", (2,), many(3)[1], chat("q", "(other)")))
    with open_workspace(path) as workspace:
        workspace.changes.delete([2])
    async with opened(path) as scene:
        assert "Line 2 was deleted meanwhile" in scene.screen_text()
        await scene.press("enter")
        await scene.press("escape")
        assert list(scene.workspace.ids()) == [1, 2, 3]
        assert answers(scene.workspace.raw(2))[2] == "(other)"


async def test_a_draft_that_was_saved_after_all_is_not_offered(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    folder = leave_draft(path, TypedText("example", (2,), b"{}", many(3)[1]))
    async with opened(path) as scene:
        assert scene.data.current == 1
    assert typed_text.read(folder) is None


@pytest.mark.parametrize("ids", rotating(3, [(99,), (-5,), (2**70,)]))
async def test_a_draft_of_no_known_example_becomes_a_new_one(tmp_path: Path, ids: tuple[int, ...]) -> None:
    path = dataset(tmp_path, many(3))
    leave_draft(path, TypedText("example", ids, b"{}", chat("q", "(other)")))
    async with opened(path) as scene:
        await scene.press("enter")
        await scene.press("escape")
        assert answers(scene.workspace.raw(scene.current))[2] == "(other)"
        assert len(scene.workspace.ids()) == 4


async def test_a_note_is_kept_while_it_is_typed_and_offered(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    async with opened(path) as scene:
        await scene.press("space", "space", "t")
        await scene.type("why is this")
        text = await kept(scene)
        assert (text.kind, text.examples, text.typed) == ("note", (1, 2), b"why is this")
        await scene.press("escape")
        assert typed_text.read(scene.workspace.path) is None
    leave_draft(path, text)
    async with opened(path) as scene:
        assert "a note on 2 examples" in scene.screen_text() and "why is this" in scene.screen_text()
        await scene.press("enter")
        assert isinstance(scene.app.screen, NoteDialog)
        await scene.press("exclamation_mark", "enter")
        assert [scene.workspace.record(example).note for example in (1, 2, 3)] == ["why is this!"] * 2 + [""]
        assert typed_text.read(scene.workspace.path) is None


# The file


@settings(max_examples=examples(20), deadline=None)  # each is synced to the disk
@given(
    st.sampled_from(["example", "new", "note"]), st.integers(-(2**80), 2**80), st.binary(max_size=200),
    st.binary(max_size=200),
)  # fmt: skip
def test_a_draft_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, kind: str, example: int, begun: bytes, typed: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = TypedText(kind, (example,), begun, typed)  # type: ignore[arg-type]
    typed_text.write(folder, text)
    assert typed_text.read(folder) == text
    assert stat.S_IMODE((folder / typed_text.NAME).stat().st_mode) == 0o600
    typed_text.remove(folder)
    typed_text.remove(folder)
    assert typed_text.read(folder) is None


GOOD = b'{"format": 1, "kind": "example", "examples": [1], "begun": 1, "typed": 2}\nabc'
BROKEN = (
    b"", b"\n", b"abc", b"[]\nabc", b"{}\nabc", GOOD[:-1], GOOD + b"d", b"\xff" * 100, b"[" * 100_000 + b"\n",
    GOOD.replace(b"[1]", b'["1"]'), GOOD.replace(b"[1]", b"[true]"), GOOD.replace(b"[1]", b"[1, 2]"),
    GOOD.replace(b"[1]", b"[]"), GOOD.replace(b"[1]", b"1"), GOOD.replace(b'"format": 1', b'"format": 2'),
    GOOD.replace(b"example\"", b"job\""), GOOD.replace(b'"begun": 1', b'"begun": -1'),
    GOOD.replace(b'"begun": 1, "typed": 2', b'"begun": -1, "typed": 4'),
    GOOD.replace(b'"typed": 2', b'"typed": true'),
)  # fmt: skip


def test_the_whole_file_is_a_draft(tmp_path: Path) -> None:
    (tmp_path / typed_text.NAME).write_bytes(GOOD)
    assert typed_text.read(tmp_path) == TypedText("example", (1,), b"a", b"bc")


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_whole_draft_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / typed_text.NAME).write_bytes(content)
    assert typed_text.read(tmp_path) is None


def test_neither_links_nor_huge_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(GOOD)
    (tmp_path / typed_text.NAME).symlink_to(tmp_path / "elsewhere")
    assert typed_text.read(tmp_path) is None
    typed_text.remove(tmp_path)
    assert (tmp_path / "elsewhere").exists()
    with (tmp_path / typed_text.NAME).open("wb") as file:
        file.write(GOOD)
        file.truncate(1 << 30)
    assert typed_text.read(tmp_path) is None
