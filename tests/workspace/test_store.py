"""What was told as saved is there, ids never change, undo is the exact inverse."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import CuratorError, InputError, NotSaved, UsageError
from curator.workspace.checks.soundness import _database as soundness_of
from curator.workspace.checks.soundness import soundness
from curator.workspace.exchange.export import dataset_sha256
from curator.workspace.opening import open_workspace
from curator.workspace.records import Change
from curator.workspace.storage import database as schema
from curator.workspace.workspace import Workspace
from tests.thorough import examples


def example(asked: str, said: str = "yes") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}


def write(path: Path, count: int = 12) -> Path:
    path.write_text("".join(json.dumps(example(f"question {n}")) + "\n" for n in range(1, count + 1)))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl")


def state(workspace: Workspace) -> list[Any]:
    """Everything a user can see of every example, in order."""
    return [
        (r.id, r.raw, r.labels, r.rating, r.review, r.stale, r.note, r.split, r.deleted, r.version)
        for r in workspace.records(workspace.ids(deleted=True))
    ]


def test_opening_a_file_makes_a_workspace_beside_it_and_leaves_the_file_alone(data: Path) -> None:
    before = data.read_bytes()
    with open_workspace(data) as workspace:
        assert workspace.path == data.with_name("data.curator")
        assert list(workspace.ids()) == list(range(1, 13))
        assert workspace.record(3).line == 3
    assert data.read_bytes() == before
    assert soundness(workspace.path) == []


def test_a_folder_that_cannot_be_written_gets_its_workspace_in_the_data_folder(
    data: Path, curator_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != data.parent)
    with open_workspace(data) as workspace:
        assert curator_home in workspace.path.parents
    with open_workspace(data) as again:
        assert again.path == workspace.path


def test_files_of_one_name_with_different_endings_have_workspaces_of_their_own(data: Path) -> None:
    table = data.with_suffix(".csv")
    table.write_text("question,answer\nwhy,because\n")
    for _ in range(2):  # also once both are there
        with open_workspace(data) as workspace:
            assert workspace.source_name == "data.jsonl" and len(workspace.ids()) == 12
        with open_workspace(table) as workspace:
            assert workspace.source_name == "data.csv" and len(workspace.ids()) == 1
            assert workspace.path.name == "data.csv.curator"
    renamed = data.rename(data.with_suffix(".ndjson"))
    with open_workspace(renamed) as workspace:  # its old name is gone: it is the same data
        assert len(workspace.ids()) == 12


@pytest.mark.parametrize(
    "content, ids",
    [
        (b'{"a":1}\n\n{"b":2}\r\n  \n{"c":3}', [1, 3, 5]),
        (b'\xef\xbb\xbf{"a":1}\n', [1]),
        (b"", []),
        (b"\n\n", []),
        ('{"a":"x\u2028y\x0b\x85"}\n{"b":1}\n'.encode(), [1, 2]),
    ],
)
def test_lines_end_at_lf_only_and_blank_lines_keep_their_numbers(
    tmp_path: Path, content: bytes, ids: list[int]
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(content)
    with open_workspace(path) as workspace:
        assert list(workspace.ids()) == ids
        assert [r.line for r in workspace.records(workspace.ids())] == ids
        assert all(
            b"\r" not in r.raw and not r.raw.startswith(b"\xef") for r in workspace.records(workspace.ids())
        )


def test_everything_survives_a_restart_and_undo_goes_on_where_it_was(data: Path) -> None:
    with open_workspace(data) as workspace:
        start = state(workspace)
        workspace.changes.edit(2, "messages[1].content", "no")
        workspace.changes.label([1, 2, 3], "good")
        workspace.changes.rate([4], 5)
        workspace.changes.review([5], "accepted")
        workspace.changes.note([6], "look again")
        workspace.changes.delete([7, 8])
        added = workspace.changes.add(example("new"), after=2).ids[0]
        workspace.changes.split(0.25, 7)
        full = state(workspace)
        digest = dataset_sha256(workspace)
    with open_workspace(data) as workspace:
        assert state(workspace) == full
        assert dataset_sha256(workspace) == digest
        assert list(workspace.ids())[:4] == [1, 2, added, 3]
        while workspace.changes.undo():
            pass
        assert state(workspace) == start
    with open_workspace(data) as workspace:
        while workspace.changes.redo():
            pass
        assert state(workspace) == full
        assert soundness(workspace.path) == []


def test_an_edit_changes_only_what_was_edited(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    raw = (
        b'{"x":1.00, "messages" :[{"role":"user","content":"\\u00e9"},{"content":"b","role":"assistant"}],"z":1e5}'
    )
    path.write_bytes(raw + b"\n")
    with open_workspace(path) as workspace:
        workspace.changes.edit(1, "messages[1].content", "c")
        assert workspace.raw(1) == raw.replace(b'"content":"b"', b'"content":"c"')
        assert workspace.record(1).edited
        workspace.changes.undo()
        assert workspace.raw(1) == raw
        assert not workspace.record(1).edited


def test_ids_are_never_used_again(data: Path) -> None:
    with open_workspace(data) as workspace:
        first = workspace.changes.add(example("a")).ids[0]
        workspace.changes.undo()
        assert first not in workspace.ids(deleted=True)
        with pytest.raises(CuratorError, match="no example"):
            workspace.changes.label([first], "x")
        second = workspace.changes.add(example("b")).ids[0]
        assert second > first


def test_a_review_goes_stale_when_the_example_changes_and_back_with_undo(data: Path) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.review([1], "accepted")
        workspace.changes.edit(1, "messages[0].content", "other")
        assert workspace.row(1).stale
        assert 1 not in workspace.view("is:reviewed").ids
        workspace.changes.undo()
        assert not workspace.row(1).stale
        assert list(workspace.view("is:reviewed").ids) == [1]


def test_problems_of_a_small_file_are_there_at_once_and_follow_an_edit(data: Path) -> None:
    with open_workspace(data) as workspace:
        errors = workspace.counts().errors
        workspace.changes.edit(1, "messages[1].role", "robot")
        assert "unrecognized_role" in {p.rule for p in workspace.problems(1)}
        assert workspace.row(1).mark == "E"
        assert workspace.counts().errors == errors + 1
        assert list(workspace.view("is:error").ids) == [1]
        workspace.changes.undo()
        assert workspace.counts().errors == errors


def test_fix_is_one_change_over_many_examples(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps(example(f"q{n}", " padded ")) + "\n" for n in range(5)))
    with open_workspace(path) as workspace:
        change = workspace.changes.fix(workspace.ids(), "surrounding_whitespace")
        assert change.examples == 5
        assert "5 examples" in change.label and "surrounding_whitespace" in change.label
        assert workspace.counts().rules.get("surrounding_whitespace") is None
        workspace.changes.undo()
        assert workspace.counts().rules["surrounding_whitespace"] == 5


@pytest.mark.parametrize("raw", [b"", b"  ", b'{"a":\n1}'])
def test_a_line_that_is_no_line_is_refused(data: Path, raw: bytes) -> None:
    with open_workspace(data) as workspace:
        with pytest.raises(UsageError):
            workspace.changes.replace(1, raw)
        assert workspace.revision() == 1


def test_a_broken_line_can_be_saved_and_is_listed_as_broken(data: Path) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.replace(1, b"{nonsense \xff")
        assert workspace.raw(1) == b"{nonsense \xff"
        assert workspace.row(1).mark == "E"


def test_a_second_instance_reads_only_and_says_who_writes(data: Path) -> None:
    with open_workspace(data) as first, open_workspace(data) as second:
        assert second.read_only and "process" in second.holder
        first.changes.label([1], "seen")
        assert second.record(1).labels == ("seen",)
        with pytest.raises(NotSaved, match="reading only"):
            second.changes.label([1], "mine")
    with open_workspace(data) as third:
        assert not third.read_only


def test_a_second_instance_follows_the_first_and_writes_once_that_has_left(data: Path) -> None:
    with open_workspace(data) as first, open_workspace(data) as second:
        assert not second.follow()
        first.changes.delete([2])
        first.changes.edit(3, "messages[0].role", "robot")
        first.set_meta("context", {"profile": "azure"})
        assert second.follow() and not second.follow()
        assert list(second.ids()) == list(first.ids())
        assert second.counts() == first.counts() and second.context().profile == "azure"
        assert not second.take_over()
        first.close()
        assert second.take_over() and not second.read_only
        assert second.changes.undo() is not None and second.counts().edited == 0
    with open_workspace(data, read_only=True) as looker:
        assert not looker.take_over()  # it was not asked to write


def test_what_cannot_be_opened_for_writing_is_read_until_it_can(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_workspace(data).close()
    with monkeypatch.context() as full:
        full.setattr(schema, "_sync_each_commit", _full)
        with open_workspace(data) as workspace:
            assert workspace.read_only and "cannot be opened for writing: disk I/O error" in workspace.holder
            assert len(workspace.ids()) == 12 and not workspace.take_over()
            full.undo()
            assert workspace.take_over() and workspace.changes.label([1], "room again").examples == 1


def _full(_: sqlite3.Connection) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_who_begins_to_write_does_not_change_what_others_read(data: Path) -> None:
    """Nobody wrote when the reader came: no file of SQLite's is made for it, nor does it see half of a change."""
    open_workspace(data).close()
    folder = data.with_name("data.curator")
    with open_workspace(folder, read_only=True) as reader, soundness_of(folder / "workspace.db") as checked:
        assert not list(folder.glob("*-shm"))
        with open_workspace(folder) as writer:
            for number in range(40):  # enough for new pages everywhere
                writer.changes.note(writer.ids(), f"{number}" * 2000)
        assert reader.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert reader.revision() == 1 and not reader.record(5).note
        assert checked.execute("SELECT count(*) FROM change").fetchone() == (1,)
    with open_workspace(folder) as writer, soundness_of(folder / "workspace.db") as checked:
        assert checked.execute("SELECT count(*) FROM change").fetchone() == (41,)
        writer.changes.add(example("while it is checked"))
        assert checked.execute("SELECT count(*) FROM change").fetchone() == (41,)


def test_a_newer_workspace_is_refused_and_left_as_it_was(data: Path) -> None:
    open_workspace(data).close()
    path = data.with_name("data.curator") / "workspace.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="newer Curator"):
        open_workspace(data)
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE source SET first_id = 'abc'",
        "UPDATE source SET file = 'a' || char(0)",
        "INSERT INTO example(id, raw) VALUES(1, 'text')",
        "INSERT INTO example(id, rating) VALUES(1, 'five')",
        "INSERT INTO example(id, place, raw) VALUES(-5, 0, x'7b7d')",
        "INSERT INTO label VALUES(x'ff1b', 1)",
        "UPDATE change SET created_at = 9e99",
        "INSERT INTO meta VALUES('context', '{bad')",
        "INSERT INTO meta VALUES('labels', '7')",
    ],
)
def test_a_strangers_values_are_refused_and_found_by_check(data: Path, statement: str) -> None:
    open_workspace(data).close()
    path = data.with_name("data.curator") / "workspace.db"
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()
    with pytest.raises(InputError, match="no Curator writes"):
        open_workspace(data)
    assert any("no Curator writes" in words for words in soundness(path.parent))


def test_a_stranger_cannot_have_a_file_of_ours_copied(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "away" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("{}\n")
    open_workspace(data).close()
    folder = data.with_name("data.curator")
    db = sqlite3.connect(folder / "workspace.db")
    db.execute("UPDATE source SET lines = NULL, origin = ?, file = '1-secret'", (str(secret),))
    db.commit()
    db.close()
    with pytest.raises(InputError, match="is not the workspace of"):
        open_workspace(data)
    assert not list(folder.glob("sources/*secret*"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON change BEGIN DELETE FROM part; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE extra(x)",
        "DROP TABLE label",
        "PRAGMA application_id=1",
    ],
)
def test_a_strangers_schema_is_refused(data: Path, statement: str) -> None:
    open_workspace(data).close()
    path = data.with_name("data.curator")
    db = sqlite3.connect(path / "workspace.db")
    db.execute(statement)
    db.commit()
    db.close()
    with pytest.raises(InputError):
        open_workspace(path)
    assert soundness(path)


@pytest.mark.parametrize(
    "name", ["lock", "workspace.db", "analysis.db", "runs.db", "analysis.lock", "sources", "sources/1-data.jsonl"]
)
@pytest.mark.parametrize("make", [os.symlink, lambda _, path: os.mkfifo(path)], ids=["link", "pipe"])
def test_a_strangers_links_and_pipes_are_refused_and_not_followed(
    data: Path, name: str, make: Callable[[Path, Path], None]
) -> None:
    open_workspace(data).close()
    folder, mine = data.with_name("data.curator"), data.with_name("mine")
    mine.write_bytes(b"precious")
    inside = folder / name
    if inside.is_dir():
        inside.rename(data.with_name("elsewhere"))
    inside.unlink(missing_ok=True)
    make(mine, inside)
    for attempt in (open_workspace, lambda path: open_workspace(path, read_only=True)):
        with pytest.raises(InputError, match="is refused"):
            attempt(folder)
    assert soundness(folder)
    assert mine.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", ".."])
def test_a_source_outside_the_workspace_is_refused(data: Path, name: str) -> None:
    open_workspace(data).close()
    path = data.with_name("data.curator")
    db = sqlite3.connect(path / "workspace.db")
    db.execute("UPDATE source SET file = ?", (name,))
    db.commit()
    db.close()
    with pytest.raises(InputError, match="outside"):
        open_workspace(path)
    assert soundness(path)


def test_damage_is_found_and_nothing_is_changed_by_looking(data: Path) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.edit(1, "messages[0].content", "x")
        workspace.changes.label([2], "good")
    folder = workspace.path
    for statement in (
        "UPDATE example SET raw = x'7b7d' WHERE id = 1",
        "DELETE FROM label",
        "INSERT INTO label VALUES('ghost', 999)",
        "UPDATE source SET lines = 3",
        "INSERT INTO part VALUES(77, 1, 'note', NULL, 'x')",
    ):
        db = sqlite3.connect(folder / "workspace.db", isolation_level=None)
        db.execute("BEGIN")
        db.execute(statement)
        db.execute("COMMIT")
        before = {
            file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*") if file.is_file()
        }
        assert soundness(folder), statement
        assert before == {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in folder.rglob("*") if f.is_file()}
        db.close()


def test_changed_source_bytes_are_damage(data: Path) -> None:
    open_workspace(data).close()
    copy = data.with_name("data.curator") / "sources" / "1-data.jsonl"
    copy.chmod(0o644)
    copy.write_bytes(copy.read_bytes().replace(b"question 1", b"question X"))
    assert soundness(copy.parent.parent)


def test_history_is_in_words_and_jumps_back(data: Path) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.label([1, 2], "good")
        middle = state(workspace)
        mark = workspace.revision()
        workspace.changes.delete([3])
        workspace.changes.rate([4], 2)
        labels = [change.label for change in workspace.history()]
        assert labels[:3] == ["Rated line 4 2", "Deleted line 3", "Labelled 2 examples good"]
        workspace.changes.undo_to(mark)
        assert state(workspace) == middle


def act(workspace: Workspace, kind: str, one: int, first: int, pick: int) -> Change:
    """One action of a kind on one example."""
    match kind:
        case "edit":
            return workspace.changes.edit(one, "messages[0].content", f"t{pick}")
        case "label":
            return workspace.changes.label([one, first], "odd", bool(pick % 2))
        case "delete":
            return workspace.changes.delete([one])
        case "restore":
            return workspace.changes.restore(workspace.ids(deleted=True))
        case "rate":
            return workspace.changes.rate([one], pick % 6)
        case "add":
            return workspace.changes.add(example(f"a{pick}"), one)
    return workspace.changes.note([one], "n" * pick)


Deeds = st.lists(
    st.tuples(
        st.sampled_from(["edit", "label", "delete", "restore", "rate", "add", "note", "undo", "redo"]),
        st.integers(0, 9),
    ),
    max_size=25,
)


@settings(max_examples=examples(25), deadline=None)
@given(deeds=Deeds)
def test_undo_is_the_inverse_of_every_action(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]]
) -> None:
    path = write(tmp_path_factory.mktemp("w") / "d.jsonl", 5)
    with open_workspace(path) as workspace:
        for kind, pick in deeds:
            before = state(workspace)
            ids = workspace.ids(deleted=True)
            one = ids[pick % len(ids)]
            if kind in ("undo", "redo"):
                change = getattr(workspace.changes, kind)()
                assert change is not None or state(workspace) == before
                continue
            change = act(workspace, kind, one, ids[0], pick)
            after = state(workspace)
            if after != before:
                assert workspace.changes.undo() is not None
                assert state(workspace) == before
                assert workspace.changes.redo() is not None
                assert state(workspace) == after
            assert change.id == workspace.revision() or after != before
        order = list(workspace.ids())
        assert len(set(order)) == len(order)
    assert soundness(workspace.path) == []
    with open_workspace(path) as again:
        assert list(again.ids()) == order
