"""Killed, out of room, cut off: what was told as saved is there, the rest whole or absent, the next start works.

Here a few moments are tried; `python scripts/crash_all.py` tries every one, and
`CURATOR_CRASH_RUNS=200 pytest tests/workspace/test_crash.py` kills at random more often.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import pytest

from curator import atomic
from curator.errors import NotSaved
from curator.workspace import background as analysis
from curator.workspace.checks.soundness import soundness
from curator.workspace.exchange import import_files as importer
from curator.workspace.exchange.export import export
from curator.workspace.opening import open_workspace
from curator.workspace.storage import database as schema
from curator.workspace.storage import tables
from curator.workspace.workspace import Workspace
from tests.thorough import THOROUGH, rotating
from tests.workspace import crashes
from tests.workspace.crashes import write

pytestmark = pytest.mark.by_turns

RUNS = int(os.environ.get("CURATOR_CRASH_RUNS", "2"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl")


def operations(seed: int, count: int) -> list[dict[str, Any]]:
    """Operations whose effect can be told from the workspace: every one sets something nobody set before."""
    chance = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number in range(count):
        one = chance.randint(1, 30)
        found.append(
            chance.choice(
                [
                    {"op": "edit", "example": one, "location": "messages[1].content", "value": f"v{number}"},
                    {"op": "label", "examples": [one, one % 30 + 1], "label": f"l{number}"},
                    {"op": "note", "example": one, "note": f"n{number}"},
                    {
                        "op": "add",
                        "example": {"messages": [{"role": "user", "content": f"a{number}"}]},
                        "after": one,
                    },
                ]
            )
        )
    return found


def holds(workspace: Workspace, op: dict[str, Any], later: list[dict[str, Any]]) -> bool:
    """Whether an operation's effect is there, unless a later one (told or perhaps done) wrote over it."""
    if op["op"] == "label":
        return all(op["label"] in workspace.record(i).labels for i in op["examples"])
    if op["op"] == "add":
        text = op["example"]["messages"][0]["content"].encode()
        return any(text in r.raw for r in workspace.records(workspace.ids()) if r.new)
    over = [o for o in later if o["op"] == op["op"] and o.get("example") == op["example"]]
    record = workspace.record(op["example"])
    if op["op"] == "note":
        return record.note in {op["note"], *(o["note"] for o in over)}
    answers = {op["value"], *(o["value"] for o in over)}
    return record.example.value["messages"][1]["content"] in answers


def apply_process(workspace: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "curator", "apply", str(workspace)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_at_random_every_acknowledged_operation_is_there(data: Path, seed: int) -> None:
    open_workspace(data).close()
    folder = data.with_name("data.curator")
    ops = operations(seed, 400)
    child = apply_process(folder)
    assert child.stdin is not None and child.stdout is not None
    first = _feed(child.stdin, child.stdout, ops)
    chance = random.Random(seed)
    until = time.monotonic() + chance.uniform(0.0, 0.4)
    told = 1
    for op in ops[1:]:
        if time.monotonic() > until:
            break
        child.stdin.write(json.dumps(op).encode() + b"\n")
        child.stdin.flush()
        if chance.random() < 0.9 or told < 5:  # else it is in flight when the kill comes
            told += bool(json.loads(child.stdout.readline())["ok"])
    child.send_signal(signal.SIGKILL)
    rest = [json.loads(line) for line in child.stdout.read().splitlines() if line.endswith(b"}")]
    child.wait()
    child.stdin.close() if not child.stdin.closed else None
    child.stdout.close()
    told += sum(answer["ok"] for answer in rest)
    assert first["ok"]
    with open_workspace(folder) as workspace:  # no manual step, no lock left
        assert not workspace.read_only
        for at, op in enumerate(ops[:told]):
            assert holds(workspace, op, ops[at + 1 :]), op
        assert workspace.revision() in (told + 1, told + 2)  # the import, and perhaps one that was not told
        while workspace.changes.undo():
            pass
        assert [r.raw for r in workspace.records(workspace.ids())] == data.read_bytes().splitlines()
    assert soundness(folder) == []


@pytest.mark.parametrize("name", rotating(3, list(crashes.OPERATIONS)))
def test_interrupted_at_some_moment_nothing_told_is_lost(tmp_path: Path, name: str) -> None:
    """The kernel's view: a write, sync, rename, truncation or removal is the last one, or fails."""
    if not crashes.can_trace():
        pytest.skip("needs strace, and leave to trace")
    start = crashes.prepare(tmp_path, name)
    found = crashes.moments(name, start)
    chance = random.Random(name)
    call, nth = chance.choice([moment for moment in found if moment[0] not in ("write", "unlink")])
    assert crashes.interrupt(name, start, call, nth, "signal=SIGKILL") == "killed"
    call, nth = chance.choice(found)
    crashes.interrupt(name, start, call, nth, chance.choice(crashes.FAULTS[1:]))


def _feed(stdin: IO[bytes], stdout: IO[bytes], ops: list[dict[str, Any]]) -> dict[str, Any]:
    stdin.write(json.dumps(ops[0]).encode() + b"\n")
    stdin.flush()
    answer: dict[str, Any] = json.loads(stdout.readline())
    return answer


def test_a_first_opening_that_was_cut_off_is_taken_up_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data.with_name("data.curator")
    (folder / "sources").mkdir(parents=True)
    schema.create(folder / "workspace.db")
    with open_workspace(data) as workspace:
        assert len(workspace.ids()) == 30


def test_a_failed_first_opening_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "picture.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(Exception, match="PNG|binary"):
        open_workspace(path)
    assert [p.name for p in tmp_path.iterdir()] == ["picture.jsonl"]


_LIMITED = """
import resource, sys, json
from curator.errors import NotSaved
from curator.workspace.opening import open_workspace
with open_workspace(sys.argv[1]) as workspace:
    workspace.changes.note([1], "before")
    size = (workspace.path / "workspace.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 90000, resource.RLIM_INFINITY))
    said = []
    for n in range(20):
        try:
            workspace.changes.note([n + 1], "x" * 3000)
            said.append(n + 1)
        except NotSaved as error:
            print(json.dumps({"error": error.message, "kept": workspace.record(n + 1).note[:1]}), flush=True)
            break
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    workspace.changes.note([29], "after")
    print(json.dumps({"said": said, "kept": [n for n in range(1, 31) if workspace.record(n).note]}))
"""


def test_a_full_disk_is_told_and_saving_works_again_afterwards(data: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED, str(data)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    refused, kept = map(json.loads, done.stdout.splitlines())
    assert refused["error"].startswith("not saved: ") and refused["kept"] != "x"
    with open_workspace(data) as workspace:
        notes = [n for n in range(1, 31) if workspace.record(n).note]
        assert notes == kept["kept"] == sorted({1, *kept["said"], 29})
    assert soundness(workspace.path) == []


def test_an_export_onto_a_full_disk_leaves_the_old_file(data: Path) -> None:
    out = data.with_name("out.jsonl")
    out.write_bytes(b"old\n")
    script = (
        "import resource, sys\n"
        "from curator.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))\n"
        "sys.exit(main(['export', sys.argv[1], '-o', sys.argv[2]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(data), str(out)], capture_output=True, text=True)
    assert done.returncode == 2 and "cannot write" in done.stderr and "Traceback" not in done.stderr
    assert out.read_bytes() == b"old\n"
    assert sorted(p.name for p in data.parent.iterdir()) == ["data.jsonl", "out.jsonl"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY


@pytest.mark.parametrize("nth", range(1, 5))
def test_a_failing_sync_is_never_called_saved(
    data: Path, nth: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"old\n")
    real, calls = os.fsync, 0

    def failing(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(5, "Input/output error")
        real(handle)

    with open_workspace(data) as workspace:
        monkeypatch.setattr(os, "fsync", failing)
        try:
            report = export(workspace, workspace.ids(), out)
        except Exception as error:
            assert "Input/output error" in str(error)
            assert out.read_bytes() in (b"old\n", data.read_bytes())
        else:
            assert out.read_bytes() == data.read_bytes() and report.examples == 30
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_an_import_that_fails_leaves_no_file_and_no_change(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = write(data.with_name("more.jsonl"), 5)
    with open_workspace(data) as workspace:
        before = sorted(p.name for p in (workspace.path / "sources").iterdir())
        monkeypatch.setattr(atomic, "replacing", _raising)
        with pytest.raises(NotSaved, match="No space left"):
            importer.add(workspace, [more])
        assert sorted(p.name for p in (workspace.path / "sources").iterdir()) == before
        assert workspace.revision() == 1


def _raising(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_migration_is_backed_up_and_whole_or_absent(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.note([1], "kept")
    path = workspace.path / "workspace.db"
    monkeypatch.setattr(tables, "VERSION", 2)
    monkeypatch.setitem(tables.MIGRATIONS, 1, ("CREATE TABLE later(x)", "CREATE TABLE later(x)"))
    with pytest.raises(NotSaved, match="left as it was"):
        schema.migrate(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'later'").fetchall()
    db.close()
    backup = sqlite3.connect(path.with_name("workspace.db.v1"))
    assert backup.execute("SELECT note FROM example").fetchall() == [("kept",)]
    backup.close()
    monkeypatch.setitem(tables.MIGRATIONS, 1, ("CREATE TABLE later(x)",))
    schema.migrate(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_a_killed_analysis_goes_on_and_ends_with_the_same_results(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data, 3000)
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        _wait(child, lambda: child.progress().done >= 1000)
        child._child.kill()
        child.stop()
        assert not workspace.current_results.finished
        child = analysis.start(workspace)
        _wait(child, lambda: child.progress().phase == "done")
        counts = workspace.counts()
        child.stop()
        assert counts.analysed == 3000 and counts.tokens
        workspace.changes.edit(5, "messages[0].role", "robot")
        assert workspace.counts().errors == counts.errors + 1
        assert list(workspace.view("is:error").ids) == [5]
    with open_workspace(data) as again:
        assert again.counts().errors == counts.errors + 1
        assert again.counts().analysed == 3000


def _wait(child: analysis.Analysis, done: Any, limit: float = 120.0) -> None:
    until = time.monotonic() + limit
    while not done():
        child.poll()
        assert child.progress().phase != "failed", child.progress()
        assert time.monotonic() < until, child.progress()
        time.sleep(0.02)


def test_two_processes_take_turns_and_no_edit_is_lost(data: Path, tmp_path: Path) -> None:
    """Edits of the same ten examples from two processes that wait for each other, under a reader's eyes."""
    most = 250 if THOROUGH else 60  # in one go
    open_workspace(data).close()
    folder = data.with_name("data.curator")
    told: list[str] = []

    def writer(name: str) -> None:
        for turn in range(2):
            keys = [f"{name}{turn * most + n}" for n in range(most)]
            ops = [
                json.dumps({"op": "edit", "example": n % 10 + 1, "location": key, "value": key})
                for n, key in enumerate(keys)
            ]
            words = [sys.executable, "-m", "curator", "apply", str(folder)]
            done = subprocess.run(words, input="\n".join(ops).encode(), capture_output=True)
            assert done.returncode == 0, done.stderr
            told.extend(keys)

    threads = [threading.Thread(target=writer, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        with open_workspace(folder, read_only=True) as reader:
            assert len(reader.ids()) == 30 and reader.revision() >= seen
            seen = reader.revision()
        time.sleep(0.3)
    with open_workspace(folder) as workspace:
        there = {key for record in workspace.records(range(1, 11)) for key in record.example.value}
        assert len(told) == 4 * most and set(told) <= there
        assert workspace.revision() == 4 * most + 1
    assert soundness(folder) == []
