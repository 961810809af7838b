"""What may be interrupted at any moment, and what must be found afterwards; `strace` does the interrupting.

The kernel's view: the n-th write, sync, rename, truncation or removal of an operation is its last (SIGKILL), or
fails (EIO, ENOSPC). Used by `test_crash.py` for a few moments and by `scripts/crash_all.py` for every one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.workspace.checks.soundness import soundness
from curator.workspace.opening import open_workspace
from curator.workspace.operations.proposed import proposals_of
from curator.workspace.workspace import Workspace

CALLS = (
    "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat",
    "ftruncate", "mkdir",
)  # fmt: skip
FAULTS = ("signal=SIGKILL", "error=EIO", "error=ENOSPC")
EXAMPLES, MORE = 30, 5


def write(path: Path, count: int = EXAMPLES) -> Path:
    """A dataset of so many chat lines."""
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


OPS: tuple[dict[str, Any], ...] = (
    {"op": "edit", "example": 3, "location": "messages[1].content", "value": "v1"},
    {"op": "label", "examples": [4, 5], "label": "l2"},
    {"op": "note", "example": 6, "note": "n3"},
    {"op": "add", "example": {"messages": [{"role": "user", "content": "a4"}]}, "after": 7},
    {"op": "delete", "example": 8},
    {"op": "undo"},
)


def _state(workspace: Workspace, number: int) -> bool:
    """Whether the effect of operation `number` of `OPS` is there."""
    raws = [record.raw for record in workspace.records(workspace.ids())]
    checks: tuple[Callable[[], bool], ...] = (
        lambda: b"v1" in workspace.raw(3),
        lambda: workspace.record(4).labels == workspace.record(5).labels == ("l2",),
        lambda: workspace.record(6).note == "n3",
        lambda: any(b"a4" in raw for raw in raws),
        lambda: bool(workspace.record(8).deleted),
    )
    return checks[number]()


@dataclass(frozen=True)
class Operation:
    """`code` runs in a process of its own with the folder as `sys.argv[1]`; `check` gets what it printed."""

    code: str
    check: Callable[[Path, bytes], None]


def _main(*words: str) -> str:
    listed = ", ".join(f"f + '/{word[1:]}'" if word.startswith("@") else repr(word) for word in words)
    return f"from curator.cli.main import main; f = sys.argv[1]; sys.exit(main([{listed}]))"


def _edited(folder: Path, printed: bytes) -> None:
    answers = [json.loads(line)["ok"] for line in printed.splitlines() if line.endswith(b"}")]
    stands = [number for number, ok in enumerate(answers) if ok and OPS[number]["op"] != "undo"]
    undone = answers[len(OPS) - 1 :] == [True]
    with open_workspace(folder / "data.curator") as workspace:
        assert not workspace.read_only
        assert workspace.revision() in (sum(answers) + 1, sum(answers) + 2)  # perhaps one that was not told
        sure = stands[:-1] if undone or len(answers) == len(OPS) - 1 else stands  # or even the undo
        assert all(_state(workspace, number) for number in sure), (answers, sure)
        assert not undone or not all(answers) or not workspace.record(8).deleted
        while workspace.changes.undo():
            pass
        lines = (folder / "data.jsonl").read_bytes().splitlines()
        assert [record.raw for record in workspace.records(workspace.ids())] == lines


def _imported(folder: Path, _: bytes) -> None:
    with open_workspace(folder / "data.curator") as workspace:
        names = [source.name for source in workspace.stored.sources]
        assert len(workspace.ids()) == EXAMPLES + MORE * (len(names) - 1)
        files = {path.name for path in (workspace.path / "sources").iterdir()}
        wanted = {source.file for source in workspace.stored.sources}
        assert {name.removesuffix(".idx") for name in files} == wanted  # nothing half-written lies about


def _imported_first(folder: Path, _: bytes) -> None:
    if (folder / "new.curator" / "workspace.db").exists():
        with open_workspace(folder / "new.curator") as workspace:
            assert len(workspace.ids()) in (0, MORE)
            done = len(workspace.ids()) > 0
        assert soundness(folder / "new.curator") == []
    else:
        done = False
    if not done:  # the same command takes it up again
        words = ["import", str(folder / "more.jsonl"), "-w", str(folder / "new.curator")]
        subprocess.run([sys.executable, "-m", "curator", *words], check=True, capture_output=True)
        with open_workspace(folder / "new.curator") as workspace:
            assert len(workspace.ids()) == MORE
    assert soundness(folder / "new.curator") == []


def _opened(folder: Path, _: bytes) -> None:
    with open_workspace(folder / "more.jsonl") as workspace:
        assert len(workspace.ids()) == MORE
    assert soundness(folder / "more.curator") == []


def _exported(folder: Path, _: bytes) -> None:
    assert (folder / "out.jsonl").read_bytes() in (b"old\n", (folder / "data.jsonl").read_bytes())


def _written_back(folder: Path, _: bytes) -> None:
    before = write(folder / "before.jsonl").read_bytes()
    after = b"".join(before.splitlines(keepends=True)[1:])
    found = (folder / "data.jsonl").read_bytes()
    assert found in (before, after)
    backups = list(folder.glob("data.jsonl.bak-*"))
    assert all(path.read_bytes() == before for path in backups)
    assert found == before or backups
    with open_workspace(folder / "data.curator") as workspace:
        assert len(workspace.ids()) == EXAMPLES - 1
        if workspace.source_changed():
            from curator.workspace.exchange.merge_source import compare

            found_ = compare(workspace, 1)
            assert (found_.new, found_.removed_ids) == (0, ())


def _migrated(folder: Path, _: bytes) -> None:
    path = folder / "data.curator" / "workspace.db"
    db = sqlite3.connect(path)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    there = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone()[0]
    assert (version, there) in ((1, 0), (2, 1))
    assert db.execute("SELECT note FROM example WHERE note IS NOT NULL").fetchall() == [("kept",)]
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    subprocess.run([sys.executable, "-c", f"import sys\n{MIGRATE}", str(folder)], check=True)
    backup = sqlite3.connect(path.with_name("workspace.db.v1"))
    assert backup.execute("SELECT note FROM example WHERE note IS NOT NULL").fetchall() == [("kept",)]
    backup.close()


def _proposed(folder: Path, printed: bytes) -> None:
    """Whatever was answered is there, and what was accepted is there as a whole or not at all."""
    lines = [json.loads(line) for line in printed.splitlines() if line.endswith(b"}")]
    answered = [line["proposal"] for line in lines if line.get("ok")]
    with open_workspace(folder / "data.curator") as workspace:
        kept = proposals_of(workspace, None)
        states = {proposal.state for proposal in kept}
        assert [proposal.id for proposal in kept][: len(answered)] == answered
        assert len(states) < 2 and (states == {"accepted"} or not any("accepted" in line for line in lines))
        done = [_state(workspace, number) for number in range(5)]
        assert done == [states == {"accepted"}] * 5


def _rewritten(folder: Path, printed: bytes) -> None:
    """All examples have new bytes or none has; what was answered is there, and an undo gives every byte back."""
    with open_workspace(folder / "data.curator") as workspace:
        new = [b'"v1"' in record.raw for record in workspace.records(range(1, EXAMPLES + 1))]
        assert len(set(new)) == 1
        revision = workspace.revision()
        assert (revision, new[0]) in ((1, False), (2, True), (3, False))
        assert revision > printed.count(b"\n")
        if revision == 2:
            workspace.changes.undo()
        lines = (folder / "data.jsonl").read_bytes().splitlines()
        assert [record.raw for record in workspace.records(workspace.ids())] == lines


def _merged(folder: Path, _: bytes) -> None:
    with open_workspace(folder / "data.curator") as workspace:
        done = workspace.revision() == 3
        assert len(workspace.ids()) == EXAMPLES - 1 + (MORE if done else 0)
        assert done or workspace.source_changed() == [1]


MIGRATE = """
from pathlib import Path
from curator.workspace.storage import database, tables
tables.VERSION = 2
tables.MIGRATIONS[1] = ("CREATE TABLE later(x)", "UPDATE example SET rating = 5")
database.migrate(Path(sys.argv[1]) / "data.curator" / "workspace.db")
"""
_WRITE_BACK = """
from curator.workspace.exchange.write_back import plan_write_back, write_back
from curator.workspace.opening import open_workspace
with open_workspace(sys.argv[1] + "/data.curator") as workspace:
    write_back(workspace, plan_write_back(workspace, 1))
"""
_MERGE = """
from curator.workspace.exchange.merge_source import merge
from curator.workspace.opening import open_workspace
with open_workspace(sys.argv[1] + "/data.curator") as workspace:
    merge(workspace, 1)
"""
_REWRITE = """
import contextlib, os
from curator.workspace.changes import rewriting
from curator.workspace.opening import open_workspace
rewriting.TOGETHER, rewriting._AT_ONCE = 3, 4
with open_workspace(sys.argv[1] + "/data.curator") as workspace:
    workspace.journal.db.execute("PRAGMA cache_size=1")  # so that it writes before the end
    workspace.changes.edit_many(workspace.ids(), "messages[1].content", "v1")
    with contextlib.suppress(OSError):
        os.write(1, b"changed\\n")
    workspace.changes.undo()
    with contextlib.suppress(OSError):
        os.write(1, b"undone\\n")
"""
_OPEN = """
from curator.workspace.opening import open_workspace
open_workspace(sys.argv[1] + "/more.jsonl").close()
"""
_PROPOSE = """
from curator.cli.main import main
folder = sys.argv[1] + "/data.curator"
refused = main(["apply", folder, sys.argv[1] + "/proposed", "--propose"])
sys.exit(refused or main(["proposals", folder, "--accept", "--all", "--json"]))
"""
OPERATIONS = {
    "edit": Operation(_main("apply", "@data.curator", "@ops"), _edited),
    "import": Operation(_main("import", "@more.jsonl", "-w", "@data.curator"), _imported),
    "first import": Operation(_main("import", "@more.jsonl", "-w", "@new.curator"), _imported_first),
    "open": Operation(_OPEN, _opened),
    "rewrite": Operation(_REWRITE, _rewritten),
    "export": Operation(_main("export", "@data.curator", "-o", "@out.jsonl"), _exported),
    "write back": Operation(_WRITE_BACK, _written_back),
    "migrate": Operation(MIGRATE, _migrated),
    "merge": Operation(_MERGE, _merged),
    "propose": Operation(_PROPOSE, _proposed),
}


def prepare(scratch: Path, name: str) -> Path:
    """A folder to make copies of at `scratch/run` (a workspace knows its source by path) for running it once."""
    folder = scratch / "run"
    folder.mkdir()
    data = write(folder / "data.jsonl")
    write(folder / "more.jsonl", MORE)
    (folder / "out.jsonl").write_bytes(b"old\n")
    (folder / "ops").write_text("".join(json.dumps(op) + "\n" for op in OPS))
    (folder / "proposed").write_text("".join(json.dumps(op) + "\n" for op in OPS[:-1]))
    with open_workspace(data) as workspace:
        if name in ("write back", "merge"):
            workspace.changes.delete([1])
        elif name == "migrate":
            workspace.changes.note([1], "kept")
    if name == "merge":
        data.write_bytes(data.read_bytes() + (folder / "more.jsonl").read_bytes().replace(b"answer", b"reply"))
    return folder.rename(scratch / "start")


def _traced(operation: Operation, folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    words = ["strace", "-f", "-q", "-e", f"trace={','.join(CALLS)}", *options]
    return subprocess.run(
        [*words, sys.executable, "-c", f"import sys\n{operation.code}", str(folder)],
        capture_output=True, timeout=300, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def can_trace() -> bool:
    """Whether `strace` is there and allowed to trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-q", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def moments(name: str, start: Path) -> list[tuple[str, int]]:
    """Every (call, n) of the operation: its n-th write, sync, … ."""
    folder, log = _copy_of(start), start.with_name("log")
    done = _traced(OPERATIONS[name], folder, "-o", str(log))
    assert done.returncode == 0, done.stderr.decode()
    OPERATIONS[name].check(folder, done.stdout)
    found = Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(errors="replace"), re.M))
    return [(call, n) for call in CALLS for n in range(1, found[call] + 1)]


def _copy_of(start: Path) -> Path:
    folder = start.with_name("run")
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(start, folder))


def interrupt(name: str, start: Path, call: str, nth: int, fault: str) -> str:
    """Run the operation on a copy of `start` with the fault at a moment, and check what it left.

    Returns how it ended: `killed`, `refused`, `done`. Raises AssertionError where something is wrong.
    """
    folder = _copy_of(start)
    done = _traced(
        OPERATIONS[name], folder, "-o", "/dev/null", "-e", f"inject={call}:{fault}:when={nth}"
    )  # the traced process dies by the same signal as its tracer reports
    where = f"{name}, {fault} at {call} {nth}"
    assert b"Traceback" not in done.stderr or b"curator.errors" in done.stderr or b"NotSaved" in done.stderr, (
        where, done.stderr.decode(),
    )  # fmt: skip
    try:
        OPERATIONS[name].check(folder, done.stdout)
        for made in folder.glob("*.curator"):
            assert name == "migrate" or soundness(made) == []  # that one is of a version to come
    except Exception as error:
        raise AssertionError(f"{where}: {error!r}; {done.stderr.decode()[-300:]}") from error
    return "killed" if done.returncode < 0 or done.returncode == 137 else "refused" if done.returncode else "done"
