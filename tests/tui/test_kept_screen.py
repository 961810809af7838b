"""The kept first screen: what would be drawn anew, or nothing; never what another opened, changed or wrote."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from curator import locks, paths
from curator.tui.looks.first_colours import ThemeColours
from curator.tui.session.list_place import ListPlace
from curator.tui.terminal import file_look, first_screen, kept_screen
from curator.workspace import opening
from curator.workspace.workspace import Workspace
from tests.tui.scene import chat, dataset, many
from tests.tui.test_terminal import terminal

pytestmark = pytest.mark.by_turns

KEPT_ALONE = "import sys; sys.modules['curator.cli.main'] = None; from curator.cli.entry import entry; entry()"
"""The program, whose code behind the kept screen cannot be loaded."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    monkeypatch.setenv("COLORTERM", "truecolor")
    return dataset(tmp_path, many(30))


def keep(file: Path) -> str | None:
    """Open a file as the UI does, and leave it; the screen that was kept."""
    workspace = opening.open_workspace(file)
    text, files = first_screen.draw(workspace, ""), first_screen.files_of(workspace, str(file), "")
    workspace.close(lambda: kept_screen.keep(str(file), text, files))
    return text


def frame_lines(workspace: Workspace) -> list[str]:
    """What the first screen says, line by line, without colours."""
    text = first_screen.frame(workspace, ListPlace.of(workspace), 120, 40, ThemeColours())
    drawn = re.findall(r"\d+;1H([^\n]*)", re.sub(r"\x1b\[[0-9;]*m|\r", "", text).replace("\x1b[", "\n"))
    return [line[:2] + line[6:] for line in drawn]  # without the marks of the check


def edit(file: Path) -> None:
    with opening.open_workspace(file) as workspace:
        workspace.changes.label([3], "good", True)


def lock(file: Path) -> None:
    """Another window opens it."""
    other = locks.Lock(file.with_suffix(".curator") / "lock")
    assert other.acquire()
    other.release()


def change_the_source(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"{}\n")


def change_the_theme(_: Path) -> None:
    own = paths.config_dir() / "themes"
    own.mkdir(parents=True)
    (own / "curator-dark.toml").write_text("name = 'curator-dark'\n")


def choose_a_theme(_: Path) -> None:
    remember("curator-light")


def remember(theme: str) -> None:
    """What the UI remembers of the dataset that was open last."""
    paths.state_dir().mkdir(parents=True, exist_ok=True)
    (paths.state_dir() / "ui.json").write_text(json.dumps({"theme": theme, "last": "another.curator"}))


CHANGES = [edit, lock, change_the_source, change_the_theme, choose_a_theme]


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
def test_it_is_drawn_until_anything_it_shows_has_changed(file: Path, change: Callable[[Path], None]) -> None:
    text = keep(file)
    assert text is not None and "Question number 1 " in text
    assert kept_screen.recall(str(file)) == text
    remember("")  # another dataset was opened meanwhile
    assert kept_screen.recall(str(file)) == text
    change(file)
    assert kept_screen.recall(str(file)) is None
    assert keep(file) == kept_screen.recall(str(file)) != None  # noqa: E711 (both are the new text)


def test_it_is_of_one_size_one_palette_one_path_and_one_version(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = keep(file)
    monkeypatch.chdir(tmp_path)
    assert kept_screen.recall(file.name) == text
    assert kept_screen.recall("") is None
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((81, 24)))
        assert kept_screen.recall(file.name) is None
    with monkeypatch.context() as meanwhile:
        meanwhile.setenv("NO_COLOR", "1")
        assert kept_screen.recall(file.name) is None
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(kept_screen, "FORMAT", "another version")
        assert kept_screen.recall(file.name) is None
    kept = next((paths.cache_dir() / "first_screens").iterdir())
    assert kept.stat().st_mode & 0o777 == 0o600
    whole = kept.read_bytes()
    for bad in (b"", b"x", b"\xff\n\n\xff", whole[:40], b"\n".join(whole.split(b"\n")[:5])):
        kept.write_bytes(bad)
        assert kept_screen.recall(file.name) is None


def test_it_stands_before_the_program_is_loaded_and_is_taken_away_where_that_fails(tmp_path: Path) -> None:
    path = str(dataset(tmp_path, many(3)))
    with terminal(path, cwd=tmp_path) as seen:
        assert seen.read_until(b"\x1b[?1000h")
        os.write(seen.master, b"\x11")
        assert seen.end() == 0
    with terminal(path, code=KEPT_ALONE, cwd=tmp_path) as seen:
        assert seen.end() == 1
        kept, _, after = seen.output.partition(b"\x1b[?1049l")
        assert b"Question number 1 " in kept
        assert b"ModuleNotFoundError" in after


def test_a_new_file_is_drawn_of_its_lines_as_its_workspace_will_be(file: Path) -> None:
    hostile = chat("two\nlines \x1b[2J\u202e", "日本語 \t x", system="Be brief.")
    file.write_bytes(b"\n".join([*many(20), hostile, *many(9)]))
    look = file_look.look_at(file, 30)
    assert look is not None
    early = frame_lines(cast("Workspace", look))
    with opening.open_workspace(file) as workspace:
        assert list(look.ids()) == list(workspace.ids())
        later = frame_lines(workspace)
    assert any("two" in line for line in early)
    assert early == later
    assert file_look.look_at(file, 30) is None  # it has a workspace now


GOOD = chat("Hi", "Hello")
NOT_PLAIN = {
    "broken": b'{"messages": [',
    "no-chat": b'{"prompt": "x", "completion": "y"}',
    "no-messages": b'{"messages": []}',
    "a-list": b"[1]",
    "parts": chat("Hi", "x").replace(b'"Hi"', b'["Hi"]'),
    "tool": GOOD.replace(b'"user"', b'"tool"'),
    "a-further-key": GOOD.replace(b'"role": "user"', b'"role": "user", "name": "x"'),
    "bom": b"\xef\xbb\xbf" + GOOD,
    "half-an-emoji": GOOD.replace(b"Hi", b"\\ud83d"),
    "latin-1": GOOD.replace(b"Hi", b"\xe9"),
    "blank": b"\n" + GOOD,
    "empty": b"",
    "deep": b"[" * 100_000,
}


def test_what_is_not_plain_or_lies_elsewhere_is_left_to_the_program(file: Path) -> None:
    for name, line in NOT_PLAIN.items():
        file.write_bytes(line + b"\n" + GOOD + b"\n" if line else b"")
        assert file_look.look_at(file, 9) is None, name
    file.write_bytes(GOOD + b"\n{")
    assert file_look.look_at(file, 1) is not None  # what is not on the screen does not matter
    assert file_look.look_at(file, 2) is None
    assert file_look.look_at(file.parent, 1) is None
    assert file_look.look_at(file.with_name("nothing.jsonl"), 1) is None
    file.write_bytes(GOOD * 1 + b"\n" + GOOD[:-1].ljust(1 << 20) + b"}\n")
    large = file_look.look_at(file, 1)
    assert large is not None and len(large.ids()) > 1000  # about as many as it has room for
    (paths.data_dir() / "workspaces").mkdir(parents=True)
    assert file_look.look_at(file, 1) is None
