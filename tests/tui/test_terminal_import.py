"""The bytes that reach the terminal while hostile names, fields and records go through a workspace."""

from __future__ import annotations

import os
import select
import struct
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.tui.scene import many
from tests.tui.test_terminal import ALLOWED, HOSTILE, Terminal, restored, terminal

pytestmark = pytest.mark.by_turns

NAME = "a\x1b[2Jb\u202e[link='\x9b31m"
"""Of files; what is in front of it is typed, the rest is completed or shown."""


def drain(seen: Terminal) -> None:
    """Read what a dialog still paints: what is looked for next must come of the next key."""
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        if select.select([seen.master], [], [], 0.1)[0]:
            seen.output += os.read(seen.master, 65536)


def test_hostile_names_fields_and_records_reach_no_terminal(tmp_path: Path) -> None:
    data = tmp_path / f"{NAME}.jsonl"
    data.write_bytes(b"".join(line + b"\n" for line in many(4)))
    fields = [f"{text} {n}".translate({0: None, 10: None, 34: None}) for n, text in enumerate(HOSTILE)]
    rows = [",".join(f'"{text}"' for text in fields)] * 2
    table = tmp_path / "t.csv"
    table.write_text("\n".join([f"question,answer,{','.join(fields)}", *(f"q,a,{row}" for row in rows), ""]))
    with terminal(str(data), cwd=tmp_path) as seen:
        assert seen.read_until(b"4 examples")
        seen.press(b"I", b"File")
        os.write(seen.master, b"t.csv")
        assert seen.read_until(b"Not imported")
        seen.press(b"\x1b[B\r", b"2 examples")  # an arrow that a field ignores, then enter
        for columns, lines in [(20, 5), (200, 60), (1, 1), (61, 17), (80, 24)] * 4:  # a storm of resizes
            ioctl(seen.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            time.sleep(0.02)
        seen.press(b"\r", b"Imported 2 examples")
        seen.press(b"E", b"Format")
        drain(seen)
        seen.press(b"\x1b", b"Question number 1")
        seen.press(b"\x1b6", b"in force")
        seen.press(b"d", b"What changed since")
        drain(seen)
        seen.press(b"\x1b", b"in force")
        data.write_bytes(data.read_bytes() + b'{"\x1b]52;c;eA==\x07": "\x9b2J"}\n')
        assert seen.read_until(b"file changed")
        os.write(seen.master, b"q")
        assert seen.end() == 0
        assert restored(seen)
    left = ALLOWED.sub(b"", seen.output)
    assert b"\x1b" not in left, left[left.index(b"\x1b") - 40 : left.index(b"\x1b") + 40]
    text = left.decode()
    bad = [c for c in text if (ord(c) < 32 and c not in "\r\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066"]
    assert not bad, (bad, text[text.index(bad[0]) - 60 : text.index(bad[0]) + 60])
