"""Lines that break parsers, databases and terminals go through every door and come out as they went in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curator.cli.main import main
from curator.workspace import background as analysis
from curator.workspace.checks.check import check_file
from curator.workspace.checks.one_pass import Options
from curator.workspace.checks.soundness import soundness
from curator.workspace.opening import open_workspace

pytestmark = pytest.mark.by_turns

TURN = '{"messages": [{"role": "user", "content": %s}, {"role": "assistant", "content": %s}]}'
HOSTILE = [
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    (TURN % ("NaN", "Infinity")).encode(),
    (TURN % (r'"\ud83d half"', r'"\udc00"')).encode(),
    (TURN % ('"x"', "1" * 6000)).encode(),
    b'{"messages": [], "messages": 5, "messages": [{"role": "user", "role": "tool", "content": "\\u001b[2J"}]}',
    (TURN % (r'"\u0000 nul"', r'"\u001b]0;title\u0007"')).encode(),
    b'{"messages": "\xff\xfe\x00"}',
    b"\x1b[31mred\x1b[0m",
    '{"messages": [{"role": "\u202etxt", "content": "\u200b\u2028\x85\x0b\x0c"}]}'.encode(),
    b"null",
    b'"\\ud800"',
    b'{"messages": [null, 5, "x", [], {"role": null}, {"role": {"a": 1}, "zz": 1}]}',
    b'{"messages": [{"role": "user", "content": [[]]}]}',
    b'{"messages": {"role": "user"}, "tools": 7, "input": [], "prompt": null, "completion": {}}',
    (TURN % (json.dumps("=" * 50_000), '"long"')).encode(),
    b'{"\xed\xa0\x80": 1}',
    b"{}\r\r",
    b'{"weight": 1e999, "big": 123456789012345678901234567890}',
]


def test_lines_of_great_size_are_checked_or_told(tmp_path: Path) -> None:
    """A line over the limit, very many messages, and a text of a million equal characters, which has no blanks."""
    path, count = tmp_path / "great.jsonl", 2_000
    turns = ", ".join(['{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}'] * count)
    lines = [TURN % ('"' + "word " * 3_400_000 + '"', '"b"'), f'{{"messages": [{turns}]}}']
    path.write_text("\n".join([*lines, TURN % (json.dumps("=" * 1_000_000), '"b"')]) + "\n")
    check = check_file(path, Options())
    assert check.errors == {"invalid_json": 1, "too_few_examples": 1}
    told = next(found for found in check.findings.shown if found.problem.rule == "invalid_json")
    assert told.line == 1 and "16 MB" in told.problem.message
    least, most = sorted(check.findings.totals)  # 64 signs are one token
    assert most == count * 2 * 5 + 3 and 1_000_000 / 64 <= least < 1_000_000 / 63


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b'{"messages": []}\n' + b"\n".join(HOSTILE) + b"\n")
    return path


def test_nothing_is_lost_and_nothing_falls_over(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open_workspace(data) as workspace:
        ids = list(workspace.ids())
        assert [workspace.raw(i) for i in ids[1:]] == [line.removesuffix(b"\r") for line in HOSTILE]
        rows = workspace.rows(ids)
        assert len(rows) == len(HOSTILE) + 1 and all("\ud83d" not in row.preview for row in rows)
        counts = workspace.counts()
        assert counts.analysed == len(rows)
        child = analysis.start(workspace)
        until = time.monotonic() + 120
        while child.progress().running and time.monotonic() < until:
            child.poll()
            time.sleep(0.02)
        assert child.progress().phase == "done", child.progress()
        child.stop()
        assert workspace.counts().rules == counts.rules
        for query in ("half", "~title", "/red|nul/", "is:error", "role:user", "messages>0", "tokens>=0"):
            workspace.view(query)
        for sort in ("text", "errors", "length", "tokens"):
            workspace.view("", sort)
        workspace.changes.fix(ids)
        for example in ids:
            workspace.changes.label([example], "seen")
            workspace.problems(example)
    assert soundness(workspace.path) == []
    for words in (["list", str(data), "--json"], ["list", str(data)], ["list", str(workspace.path), "--json"]):
        assert main(words) == 0
        shown = capfd.readouterr()
        assert not set(map(chr, [*range(10), *range(11, 32), *range(127, 160)])) & set(shown.out + shown.err)
    assert main(["export", str(data), "-o", str(data.with_name("out.jsonl"))]) == 0
    assert data.with_name("out.jsonl").read_bytes() == data.read_bytes().replace(b"}\r\r\n", b"}\r\n")
    assert main(["export", str(data), "-o", str(data.with_name("out.csv")), "--format", "csv"]) == 1
    assert "2 examples cannot be written as csv and were left out" in capfd.readouterr().err


@pytest.mark.parametrize("make", ["fifo", "folder", "device", "missing", "unreadable"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: str) -> None:
    path = tmp_path / "odd.jsonl"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "folder":
        path.mkdir()
    elif make == "device":
        path = Path("/dev/zero")
    elif make == "unreadable":
        if os.geteuid() == 0:
            pytest.skip("root reads everything")
        path.write_bytes(b"{}")
        path.chmod(0)
    for words in (["list", path], ["import", path, "-w", tmp_path / "w.curator"], ["export", path, "-o", "x"]):
        done = subprocess.run(
            [sys.executable, "-m", "curator", *map(str, words)], capture_output=True, timeout=60, text=True
        )
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
    assert not (tmp_path / "w.curator").exists()
