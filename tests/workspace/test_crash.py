"""Killed, out of room, cut off: what was told as saved is there, the rest whole or absent, the next start works.

`CURATOR_CRASH_RUNS=200 pytest tests/workspace/test_crash.py` is the full run; without it few kills are tried.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest

from curator import atomic
from curator.workspace import analysis, importer, schema
from curator.workspace.exporter import export
from curator.workspace.schema import NotSaved
from curator.workspace.soundness import soundness
from curator.workspace.workspace import Workspace

RUNS = int(os.environ.get("CURATOR_CRASH_RUNS", "4"))


def write(path: Path, count: int = 30) -> Path:
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"question {n}"},
                {"role": "assistant", "content": f"answer {n}"},
            ]
        }
        for n in range(1, count + 1)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


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
    Workspace.open(data).close()
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
    with Workspace.open(folder) as workspace:  # no manual step, no lock left
        assert not workspace.read_only
        for at, op in enumerate(ops[:told]):
            assert holds(workspace, op, ops[at + 1 :]), op
        assert workspace.revision() in (told + 1, told + 2)  # the import, and perhaps one that was not told
        while workspace.undo():
            pass
        assert [r.raw for r in workspace.records(workspace.ids())] == data.read_bytes().splitlines()
    assert soundness(folder) == []


CALLS = "pwrite64,fsync,fdatasync,rename,unlink,ftruncate"


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_killed_at_every_write_and_sync_of_edits(data: Path, tmp_path: Path) -> None:
    """The kernel's view: SIGKILL at the n-th write, sync, rename or unlink that SQLite or we make."""
    ops = operations(3, 12)
    feed = tmp_path / "ops"
    feed.write_text("".join(json.dumps(op) + "\n" for op in ops))
    start = tmp_path / "start"
    Workspace.open(data).close()
    shutil.copytree(data.with_name("data.curator"), start)
    step = 29 if RUNS <= 4 else 1
    for nth in range(1, 400, step):
        folder = tmp_path / f"{nth}.curator"
        shutil.copytree(start, folder)
        inject = f"inject={CALLS}:signal=SIGKILL:when={nth}"
        words = ["strace", "-f", "-q", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", inject]
        words += [sys.executable, "-m", "curator", "apply", str(folder), str(feed)]
        done = subprocess.run(words, capture_output=True, timeout=120)
        if done.returncode == 1 and b"ptrace" in done.stderr:
            pytest.skip("tracing is not allowed here")
        told = sum(json.loads(line)["ok"] for line in done.stdout.splitlines() if line.endswith(b"}"))
        with Workspace.open(folder) as workspace:
            assert all(holds(workspace, op, ops[at + 1 :]) for at, op in enumerate(ops[:told])), nth
            assert workspace.revision() in (told + 1, told + 2), nth
        assert soundness(folder) == [], nth
        if done.returncode == 0:
            assert told == len(ops)
            return
    raise AssertionError("it never came to its end")


def _feed(stdin: IO[bytes], stdout: IO[bytes], ops: list[dict[str, Any]]) -> dict[str, Any]:
    stdin.write(json.dumps(ops[0]).encode() + b"\n")
    stdin.flush()
    answer: dict[str, Any] = json.loads(stdout.readline())
    return answer


_KILLER = """
import os, sys, signal
from pathlib import Path
at, calls = int(sys.argv[1]), 0
def counted(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("fsync", "replace", "open", "unlink"):
    counted(name)
Path.replace = lambda self, target: (os.replace(self, target), Path(target))[1]
from curator.workspace import exporter, importer
from curator.workspace.workspace import Workspace
from curator.cli.main import main
code = {code}
print(calls)
"""


def _killed_at_every_step(code: str, folder: Path, limit: int) -> int:
    """Run `code` again and again, killed at its 1st, 2nd, … sync, rename or open; how often it was killed."""
    script = _KILLER.replace("{code}", code)
    for at in range(1, limit):
        yield_code = subprocess.run([sys.executable, "-c", script, str(at), str(folder)], capture_output=True)
        if yield_code.returncode == 0:
            return at - 1
        assert yield_code.returncode == -signal.SIGKILL, yield_code.stderr.decode()
        _check_state(folder)
    return limit


def _check_state(folder: Path) -> None:
    """What every kill must leave: a workspace that opens, holds all lines or none, and a whole export or none."""
    data = folder / "data.jsonl"
    with Workspace.open(data) as workspace:
        imported = [base for base in workspace.stored.bases if base.name == "more.jsonl"]
        assert len(workspace.ids()) == 30 + 5 * len(imported)
    assert soundness(workspace.path) == []
    out = folder / "out.jsonl"
    assert (
        not out.exists()
        or out.read_bytes() in (b"old\n", data.read_bytes())
        or out.read_bytes().count(b"\n") % 5 == 0
    )


def test_killed_at_every_step_of_import_and_export(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl")
    write(tmp_path / "more.jsonl", 5)
    (tmp_path / "out.jsonl").write_bytes(b"old\n")
    code = (
        "(lambda f: (main(['import', f + '/more.jsonl', '-w', f + '/data.jsonl']), "
        "main(['export', f + '/data.curator', '-o', f + '/out.jsonl'])))(sys.argv[2])"
    )
    with Workspace.open(tmp_path / "data.jsonl"):
        pass
    killed = _killed_at_every_step(code, tmp_path, 8 if RUNS <= 4 else 200)
    assert killed >= 3


def test_a_first_opening_that_was_cut_off_is_taken_up_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data.with_name("data.curator")
    (folder / "sources").mkdir(parents=True)
    schema.create(folder / "workspace.db").close()
    with Workspace.open(data) as workspace:
        assert len(workspace.ids()) == 30


def test_a_failed_first_opening_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "picture.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(Exception, match="PNG|binary"):
        Workspace.open(path)
    assert [p.name for p in tmp_path.iterdir()] == ["picture.jsonl"]


_LIMITED = """
import resource, sys, json
from curator.workspace.schema import NotSaved
from curator.workspace.workspace import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    workspace.note([1], "before")
    size = (workspace.path / "workspace.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 90000, resource.RLIM_INFINITY))
    said = []
    for n in range(20):
        try:
            workspace.note([n + 1], "x" * 3000)
            said.append(n + 1)
        except NotSaved as error:
            print(json.dumps({"error": error.message, "kept": workspace.record(n + 1).note[:1]}), flush=True)
            break
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    workspace.note([29], "after")
    print(json.dumps({"said": said, "kept": [n for n in range(1, 31) if workspace.record(n).note]}))
"""


def test_a_full_disk_is_told_and_saving_works_again_afterwards(data: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED, str(data)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    refused, kept = map(json.loads, done.stdout.splitlines())
    assert refused["error"].startswith("not saved: ") and refused["kept"] != "x"
    with Workspace.open(data) as workspace:
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

    with Workspace.open(data) as workspace:
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
    with Workspace.open(data) as workspace:
        before = sorted(p.name for p in (workspace.path / "sources").iterdir())
        monkeypatch.setattr(atomic, "replacing", _raising)
        with pytest.raises(NotSaved, match="No space left"):
            importer.add(workspace, [more])
        assert sorted(p.name for p in (workspace.path / "sources").iterdir()) == before
        assert workspace.revision() == 1


def _raising(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_migration_is_backed_up_and_whole_or_absent(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace.open(data) as workspace:
        workspace.note([1], "kept")
    path = workspace.path / "workspace.db"
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(schema.MIGRATIONS, 1, ("CREATE TABLE later(x)", "CREATE TABLE later(x)"))
    with pytest.raises(NotSaved, match="left as it was"):
        schema.migrate(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'later'").fetchall()
    db.close()
    backup = sqlite3.connect(path.with_name("workspace.db.v1"))
    assert backup.execute("SELECT note FROM example").fetchall() == [("kept",)]
    backup.close()
    monkeypatch.setitem(schema.MIGRATIONS, 1, ("CREATE TABLE later(x)",))
    schema.migrate(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_a_killed_analysis_goes_on_and_ends_with_the_same_results(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(data, 3000)
    with Workspace.open(data) as workspace:
        child = analysis.start(workspace)
        _wait(child, lambda: child.progress().done >= 1000)
        child._child.kill()
        child.stop()
        assert not workspace.derived.finished
        child = analysis.start(workspace)
        _wait(child, lambda: child.progress().phase == "done")
        counts = workspace.counts()
        child.stop()
        assert counts.analysed == 3000 and counts.tokens
        workspace.edit(5, "messages[0].role", "robot")
        assert workspace.counts().errors == counts.errors + 1
        assert list(workspace.view("is:error").ids) == [5]
    with Workspace.open(data) as again:
        assert again.counts().errors == counts.errors + 1
        assert again.counts().analysed == 3000


def _wait(child: analysis.Analysis, done: Any, limit: float = 120.0) -> None:
    until = time.monotonic() + limit
    while not done():
        child.poll()
        assert child.progress().phase != "failed", child.progress()
        assert time.monotonic() < until, child.progress()
        time.sleep(0.02)
