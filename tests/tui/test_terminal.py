"""The real program on a real pseudo-terminal: what it writes, and how it ends."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest

from curator.errors import UsageError
from curator.tui.start import open_ui
from curator.tui.terminal import leaving
from tests.thorough import every
from tests.tui.scene import chat, dataset, many

pytestmark = pytest.mark.by_turns

PATIENCE = 30.0
"""Seconds after which a test gives up waiting; the machine may be busy."""
CRASHING = (
    "import sys\n"
    "from curator.tui.widgets.status_line import StatusLine\n"
    "def render(self):\n"
    "    secret_in_a_local = 'sk-not-to-be-shown-0123456789'\n"
    "    raise ValueError('a bug')\n"
    "StatusLine.render = render\n"
    "from curator.cli.main import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)
ALLOWED = re.compile(
    rb"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*H|\x1b\[\?[0-9;]*[hl]|\x1b\[\?[0-9;]*\$p|\x1b\[[<>=?]?[0-9;]*u"
    rb"|\x1b\]22;[a-z-]*(?:\x07|\x1b\\)"
)
HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07", "\x1b]0;title\x07", "\x1b[2J", "\x1bP1$r0m\x1b\\", "\x9b31m", "\x00\x07\x08\x0e\x7f",
    "\u202eevil\u2066", "[/b] [link='x'] [@click=app.quit]", "a\u2028b\u0085c", "😀👩‍👩‍👧 日本語", "\x1b[6n\x05",
)  # fmt: skip

PASTED = "pasted\u202e\u2066\u009b31m\x0e\x07\x7f[b][@click=app.quit]"


class Terminal:
    """`curator` on a pseudo-terminal of 80×24."""

    def __init__(self, *words: str, code: str = "", cwd: Path) -> None:
        self.master, self.slave = pty.openpty()
        ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        start = ["-c", code] if code else ["-m", "curator"]
        self.child = subprocess.Popen(
            [sys.executable, *start, *words],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True, cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        )  # fmt: skip
        self.output = b""

    def read_until(self, wanted: bytes, since: int = 0) -> bool:
        """Read until these bytes were written; False where the program ended or time ran out before."""
        until = time.monotonic() + PATIENCE
        while wanted not in self.output[since:] and time.monotonic() < until and self.read():
            pass
        return wanted in self.output[since:]

    def read(self) -> bool:
        """Read what was written, for a tenth of a second at most; False where the program has ended."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return self.child.poll() is None
        try:
            self.output += os.read(self.master, 65536)
        except OSError:
            return False
        return True

    def press(self, keys: bytes, wanted: bytes) -> None:
        """Send keys and wait for what they bring to the screen."""
        since = len(self.output)
        os.write(self.master, keys)
        assert self.read_until(wanted, since), (keys, self.output[-2000:])

    def end(self) -> int:
        """Read what is left and return the exit status."""
        self.read_until(b"never written")
        return self.child.wait(PATIENCE)


@contextmanager
def terminal(*words: str, code: str = "", cwd: Path) -> Iterator[Terminal]:
    """A terminal that is gone at the end."""
    opened = Terminal(*words, code=code, cwd=cwd)
    try:
        yield opened
    finally:
        if opened.child.poll() is None:
            opened.child.kill()
            opened.child.wait()
        for handle in (opened.master, opened.slave):
            try:
                os.close(handle)
            except OSError:
                continue


def restored(seen: Terminal) -> bool:
    """Whether screen, cursor, mouse and paste mode are as a shell wants them, and the line discipline too."""
    last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", seen.output))
    modes = all(last.get(code) == b"l" for code in (b"1049", b"1000", b"1003", b"2004"))
    return modes and last[b"25"] == b"h" and termios.tcgetattr(seen.slave) == seen.before


def test_only_harmless_sequences_are_written_whatever_the_data_holds(tmp_path: Path) -> None:
    lines = [chat(f"{text} end{n}", f"({text})", f"sys {text}") for n, text in enumerate(HOSTILE)]
    raw = b'{"messages": [{"role": "us\x1b[2Jer", "content": "\x1b]52;c;eA==\x07"}]}'
    with terminal(str(dataset(tmp_path, [*lines, raw])), cwd=tmp_path) as seen:
        assert seen.read_until(b"12 examples")
        for _ in range(12):
            os.write(seen.master, b"j")
            time.sleep(0.05)
        seen.press(b"ge", b"editing line")
        seen.press(b"\x1b", b"Query")
        for keys in (b"/", b"\x1b[Bt", b"\x1b:"):  # the query, a note, the palette
            seen.press(keys + b"\x1b[200~" + PASTED.encode() + b"\x1b[201~", b"pasted")
        os.write(seen.master, b"\x1b\x11")
        assert seen.end() == 0
        assert restored(seen)
        left = ALLOWED.sub(b"", seen.output)
        assert b"\x1b" not in left, left[left.index(b"\x1b") - 40 : left.index(b"\x1b") + 40]
        text = left.decode()
        assert not [
            c for c in text if ord(c) < 32 and c not in "\r\n" or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"
        ]


@pytest.mark.parametrize(
    ("number", "status"), every(3, [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
)
def test_signals_save_the_draft_and_restore_the_terminal(tmp_path: Path, number: int, status: int) -> None:
    path = dataset(tmp_path, many(3))
    with terminal(str(path), cwd=tmp_path) as seen:
        assert seen.read_until(b"3 examples")
        seen.press(b"e", b"editing line 1")
        seen.press(b"typed", b"typed")
        seen.child.send_signal(number)
        assert seen.end() == status
        assert restored(seen)
    from curator.workspace.opening import open_workspace

    with open_workspace(path) as workspace:
        assert b"typed" in workspace.raw(1)


def test_a_vanished_terminal_ends_the_program(tmp_path: Path) -> None:
    with terminal(str(dataset(tmp_path, many(3))), cwd=tmp_path) as seen:
        assert seen.read_until(b"3 examples")
        os.close(seen.slave)
        os.close(seen.master)
        assert seen.child.wait(PATIENCE) != 0


def test_a_crash_is_one_line_and_status_1(tmp_path: Path, curator_home: Path) -> None:
    with terminal(str(dataset(tmp_path, many(3))), code=CRASHING, cwd=tmp_path) as seen:
        assert seen.end() == 1
        assert restored(seen)
        after = seen.output[seen.output.rindex(b"\x1b[?1049l") :]
        assert b"unexpected ValueError" in after
        assert b"curator.log" in after.replace(b"\r\n", b"")
        assert b"Traceback" not in seen.output
        assert b"sk-not-to-be-shown" not in seen.output
    log = (curator_home / "state" / "curator.log").read_text()
    assert "a bug" in log
    assert "sk-not-to-be-shown-0123456789'" not in log.replace("secret_in_a_local = '***", "")


@pytest.mark.parametrize("words", [[], ["nothing-here.jsonl"]])
def test_no_terminal_is_said_in_one_sentence(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "curator", *words], stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_that_cannot_place_a_cursor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(leaving, "is_terminal", lambda: True)
    with pytest.raises(UsageError, match=r"\(TERM=dumb\) cannot place a cursor"):
        open_ui(None)


def test_a_path_that_is_no_dataset_is_said_before_the_screen_is_taken(tmp_path: Path) -> None:
    with terminal("nothing-here.jsonl", cwd=tmp_path) as seen:
        assert seen.end() == 2
        assert b"\x1b[?1049h" not in seen.output
        assert b"nothing-here.jsonl" in seen.output
        assert list(tmp_path.iterdir()) == []


def test_first_start_opens_the_sample_and_the_next_one_the_last(tmp_path: Path, curator_home: Path) -> None:
    with terminal(cwd=tmp_path) as seen:
        assert seen.read_until(b"330 examples")
        os.write(seen.master, b"q")
        assert seen.end() == 0
    with terminal(str(dataset(tmp_path, many(3))), cwd=tmp_path) as seen:
        assert seen.read_until(b"3 examples")
        os.write(seen.master, b"q")
        assert seen.end() == 0
    with terminal(cwd=tmp_path) as seen:
        assert seen.read_until(b"3 examples")
        os.write(seen.master, b"q")
        assert seen.end() == 0
