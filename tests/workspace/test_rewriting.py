"""Many examples rewritten at once: written as they come, and otherwise as if all were written together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.errors import CuratorError
from curator.workspace import meter
from curator.workspace.changes import rewriting
from curator.workspace.opening import open_workspace
from curator.workspace.storage.open_change import NewBytes, OpenChange
from curator.workspace.workspace import Workspace
from tests.tui.scene import chat, dataset

COUNT = 40


def changed_bytes(example: int, raw: bytes) -> bytes:
    """Nothing for some, new bytes, several lines, or none at all for others."""
    if example % 5 == 0:
        return raw
    if example % 7 == 0:
        return b""
    new = raw.replace(b"answer", b"reply")
    return b"\n".join([new, new.replace(b"reply", b"more")]) if example % 11 == 0 else new


def state(workspace: Workspace) -> list[Any]:
    """All that a change of bytes may change, and the history."""
    ids = list(workspace.ids())
    records = [(r.id, r.raw, r.version, r.split, r.deleted) for r in workspace.records(ids)]
    told = [(c.id, c.kind, c.label, c.ids, c.examples, c.undone) for c in workspace.history(undos=True)]
    return [ids, records, told, workspace.counts()]


def make(folder: Path) -> Workspace:
    """Examples of which the last one is held out; the change makes copies of it of others."""
    folder.mkdir()
    lines = [chat(f"Question {n % 9} of its kind", f"answer {n} of many words") for n in range(COUNT)]
    workspace = open_workspace(dataset(folder, lines))
    workspace.changes.assign([COUNT], "validation")
    workspace.changes.edit(3, "messages[1].content", "answer 3, changed before")
    return workspace


def as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every change one of many."""
    monkeypatch.setattr(rewriting, "TOGETHER", 3)
    monkeypatch.setattr(rewriting, "_AT_ONCE", 4)


def test_written_as_it_comes_or_together_it_is_the_same_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[list[Any]] = []
    for way in ("together", "as it comes"):
        if way == "as it comes":
            as_it_comes(monkeypatch)
        with make(tmp_path / way) as workspace:
            done = rewriting.rewrite(
                workspace.changes.writing, "edit", "Edited {}", workspace.ids(), changed_bytes
            )
            states.append([done.label, done.ids, done.examples, sorted(done.twins), state(workspace)])
            before = state(workspace)
            workspace.changes.undo()
            states[-1].append(state(workspace))
            workspace.changes.redo()
            assert state(workspace)[:2] == before[:2]
            states[-1].append(state(workspace))
    assert states[0] == states[1]


def test_an_undo_gives_every_byte_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_comes(monkeypatch)
    monkeypatch.setattr("curator.workspace.storage.open_change.EVERY", 3)
    with make(tmp_path / "w") as workspace:
        before = state(workspace)
        rewriting.rewrite(workspace.changes.writing, "edit", "Edited {}", workspace.ids(), changed_bytes)
        workspace.changes.undo()
        assert state(workspace)[:2] == before[:2] and workspace.counts() == before[3]


def test_new_bytes_are_written_before_the_next_are_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_comes(monkeypatch)
    worked_out = written = most = 0
    write = OpenChange.rewrite

    def counted(self: OpenChange, examples: list[NewBytes]) -> None:
        nonlocal written, most
        most = max(most, worked_out - written)
        written += len(examples)
        write(self, examples)

    def change(_: int, raw: bytes) -> bytes:
        nonlocal worked_out
        worked_out += 1
        return raw + b" "

    monkeypatch.setattr(OpenChange, "rewrite", counted)
    with make(tmp_path / "w") as workspace:
        rewriting.rewrite(workspace.changes.writing, "edit", "Edited {}", workspace.ids(), change)
    assert written == COUNT and most <= 3 + 4 + 1


@pytest.mark.parametrize("at", [2, 11, COUNT])
def test_what_stops_it_in_the_middle_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    as_it_comes(monkeypatch)
    monkeypatch.setattr(meter, "EVERY", 1)

    def change(example: int, raw: bytes) -> bytes:
        if example == at:
            raise CuratorError("enough")
        return raw + b" "

    with make(tmp_path / "w") as workspace:
        before = state(workspace)
        with pytest.raises(CuratorError, match="enough"):
            rewriting.rewrite(workspace.changes.writing, "edit", "Edited {}", workspace.ids(), change)
        assert state(workspace) == before

        def tell(what: str, done: int, _: int) -> None:
            if (what, done) in (("Changing", at), ("Finishing", 0)):
                raise CuratorError("cancelled")

        with pytest.raises(CuratorError, match="cancelled"), workspace.reporting_to(tell):
            workspace.changes.edit_many(workspace.ids(), "messages[1].content", "new")
        assert state(workspace) == before
        assert workspace.changes.edit_many(workspace.ids(), "messages[1].content", "new").examples == COUNT


def test_lines_are_read_in_blocks_as_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    lines = [b"\xef\xbb\xbf{}", b'{"a": 1}\r', b"", b"  ", b'{"b": 2}', *(b"[%d]" % n for n in range(2000))]
    path.write_bytes(b"\n".join(lines))
    with open_workspace(path) as workspace:
        workspace.changes.replace(9, b'{"new": 1}')
        stored = workspace.stored
        for ids in (list(range(1, len(lines) + 9)), [5, 2, 9, 1], [1999, 3, 4], range(700, 1400), [1, 2000]):
            expected = []
            for example in ids:
                try:
                    expected.append((example, stored.raw(example, stored.example_rows([example]).get(example))))
                except KeyError:
                    continue
            assert list(stored.raws(ids)) == expected
        assert json.loads(dict(stored.raws([1]))[1]) == {}
