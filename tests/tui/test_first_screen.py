"""The first screen is there before Textual, looks as the app will, and gives the terminal over or back."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from curator.tui.looks.first_colours import ThemeColours, read_palette
from curator.tui.session.list_place import ListPlace
from curator.tui.terminal import first_screen
from curator.workspace import background as analysis
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.tui.scene import SIZES, WIDE, chat, dataset, many, opened, without_messages
from tests.tui.test_terminal import restored, terminal

pytestmark = pytest.mark.by_turns

PLACED = re.compile(r"\x1b\[(\d+);1H([^\x1b]*(?:\x1b\[[0-9;]*m[^\x1b]*)*)")


def drawn(workspace: Workspace, size: tuple[int, int]) -> list[str]:
    """What the first screen says, line by line; what is drawn later lies over it."""
    lines: dict[int, str] = {}
    for at, text in PLACED.findall(first_screen.frame(workspace, ListPlace.of(workspace), *size, ThemeColours())):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        lines[int(at)] = plain if plain.strip() else lines.get(int(at), plain)
    return [lines[at] for at in sorted(lines)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_list_stands_where_the_app_draws_it(tmp_path: Path, size: tuple[int, int]) -> None:
    path = dataset(tmp_path, [*many(60), chat("日本語 \x1b[2J \u202eevil", "(x)"), b'{"messages": []}'])
    async with opened(path, size) as scene:
        await scene.press("G", "k", "1", "k", "5", "a", "d")
        await without_messages(scene)
        scene.data.examples.reveal()
        scene.app.keep()
        scene.app.clear_notifications()  # the message has a line of its own, which the list lacks
        await scene.settle()
        app = scene.screen_text().split("\n")
        early = drawn(scene.workspace, size)
    rows = 36 if size == WIDE else 9
    assert [line.rstrip() for line in early[1:2]] == [" / filter"]
    for mine, theirs in zip(early[2 : 2 + rows], app[2 : 2 + rows], strict=True):
        assert mine.strip()
        assert theirs.startswith(mine.rstrip()), (mine, theirs)
    assert early[0].rstrip() == app[0].rstrip()
    assert early[-1].strip() == ""  # small datasets are counted later


async def test_stored_counts_are_there_at_once(tmp_path: Path) -> None:
    path = dataset(tmp_path, [*many(9), b"broken"])
    async with opened(path):
        pass  # settles for which model it is
    with open_workspace(path) as workspace:
        child = analysis.start(workspace)
        while not workspace.current_results.finished:
            child.poll()
            time.sleep(0.02)
        child.stop()
    async with opened(path, WIDE) as scene:
        status = drawn(scene.workspace, WIDE)[-1].partition("\r")[2]
        assert "10 examples · 1 E" in status
        assert scene.screen_text().split("\n")[38].startswith(status)


async def test_a_remembered_query_or_a_small_terminal_is_left_to_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.__stderr__", None)
    with open_workspace(dataset(tmp_path, many(3))) as workspace:
        assert first_screen.show(workspace, "") is None
        ListPlace(query="is:error").store(workspace)
        assert first_screen.show(workspace, "") is None


def test_colours_come_from_theme_files_and_none_are_written_where_none_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert "48;2;20;23;29" in read_palette("curator-dark").paint("row", "x")
    assert ";44m" in read_palette("curator-ansi").paint("cursor", "x")
    assert read_palette("../../secret").colours == {}
    assert ThemeColours({"foreground": "\x1b[2J", "background": "\x1b]0;x"}).paint("row", "x") == "\x1b[0mx"
    monkeypatch.setenv("NO_COLOR", "1")
    assert "2;" not in read_palette("curator-dark").paint("row", "x")


def test_it_is_there_before_the_app_and_keys_pressed_meanwhile_are_not_lost(tmp_path: Path) -> None:
    with terminal(str(dataset(tmp_path, many(50))), cwd=tmp_path) as seen:
        assert seen.read_until(b"Question number 1 ")
        early = seen.output
        os.write(seen.master, b"G")
        assert b"\x1b[?1000h" not in early
        assert seen.read_until(b"Question number 50 ")
        os.write(seen.master, b"q")
        assert seen.end() == 0
        assert restored(seen)
        assert seen.output.count(b"\x1b[?1049h") == 1
        assert seen.output.count(b"G\x1b") == 0  # not echoed


def test_flow_control_keys_typed_before_the_app_are_keys(tmp_path: Path) -> None:
    with terminal(str(dataset(tmp_path, many(3))), cwd=tmp_path) as seen:
        assert seen.read_until(b"\x1b[?1049h")  # the terminal is raw before this is written
        os.write(seen.master, b"\x13\x11")  # ctrl+s would stop all output, ctrl+q only start it again
        assert seen.end() == 0
        assert restored(seen)


def test_a_signal_before_the_app_restores_the_terminal(tmp_path: Path) -> None:
    with terminal(str(dataset(tmp_path, many(3))), cwd=tmp_path) as seen:
        assert seen.read_until(b"\x1b[?1049h")
        seen.child.send_signal(signal.SIGTERM)
        assert seen.end() == 143
        assert restored(seen)


def test_a_fault_found_after_it_is_said_on_the_shells_own_screen(tmp_path: Path, curator_home: Path) -> None:
    config = curator_home / "config"
    config.mkdir(exist_ok=True)
    (config / "models.toml").write_text("not toml")
    with terminal(str(dataset(tmp_path, many(3))), cwd=tmp_path) as seen:
        assert seen.end() == 2
        after = seen.output[seen.output.rindex(b"\x1b[?1049l") :]
        assert b"models.toml" in after


def test_a_stopped_program_draws_everything_again_when_it_goes_on(tmp_path: Path) -> None:
    with terminal(str(dataset(tmp_path, many(9))), cwd=tmp_path) as seen:
        assert seen.read_until(b"9 examples")
        seen.press(b"j", b"line 2")
        seen.child.send_signal(signal.SIGTSTP)
        assert seen.read_until(b"\x1b[?1049l")
        os.waitid(os.P_PID, seen.child.pid, os.WSTOPPED | os.WNOWAIT)
        since = len(seen.output)
        seen.child.send_signal(signal.SIGCONT)
        assert seen.read_until(b"Question number 5 ", since)
        os.write(seen.master, b"q")
        assert seen.end() == 0
        assert restored(seen)
