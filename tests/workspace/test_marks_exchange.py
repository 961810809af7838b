"""Labels, ratings, reviews and notes leave with an export and come back: beside the file, or under keys."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.errors import InputError
from curator.workspace.exchange.export import export
from curator.workspace.exchange.import_files import add, prepare
from curator.workspace.exchange.marks_file import marks_of, marks_path
from curator.workspace.opening import create_workspace, open_workspace
from curator.workspace.workspace import Workspace

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MARK = st.fixed_dictionaries({
    "labels": st.lists(st.sampled_from(["good", "bad", "später", "a, b", '"q"']), max_size=2, unique=True),
    "rating": st.none() | st.integers(1, 5),
    "review": st.sampled_from([None, "accepted", "rejected", "flagged"]),
    "stale": st.booleans(),
    "note": TEXT,
})  # fmt: skip
VALUES: tuple[Any, ...] = (
    {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes"}], "label": True},
    {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes"}]},
    {"messages": [{"role": "user", "content": "ümlaut \u2028?"}, {"role": "assistant", "content": "No"}]},
    {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "curator_marks"}]},
)
LINE = st.sampled_from(
    [json.dumps(value, ensure_ascii=escaped).encode() for value in VALUES for escaped in (False, True)]
)


def mark(workspace: Workspace, example: int, given: dict[str, Any]) -> None:
    """Give an example these marks, as a person would."""
    changes = workspace.changes
    for label in given["labels"]:
        changes.label([example], label)
    changes.rate([example], given["rating"])
    changes.note([example], given["note"])
    changes.review([example], given["review"])
    if given["stale"] and given["review"]:
        raw = workspace.raw(example)
        changes.replace(example, raw + b" ")


def told(workspace: Workspace) -> list[tuple[bytes, Any]]:
    """Bytes and marks of all examples, in order."""
    marks = marks_of(workspace.stored)
    return [(workspace.raw(example), marks.get(example)) for example in workspace.ids()]


@given(rows=st.lists(st.tuples(LINE, MARK), min_size=1, max_size=5), keys=st.booleans(), ordered=st.booleans())
def test_what_leaves_with_an_export_comes_back(
    rows: list[tuple[bytes, dict[str, Any]]],
    keys: bool,
    ordered: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("marks")
    (folder / "data.jsonl").write_bytes(b"".join(line + b"\n" for line, _ in rows))
    out = folder / "out.jsonl"
    with open_workspace(folder / "data.jsonl") as first:
        for example, (_, given_marks) in zip(first.ids(), rows, strict=True):
            mark(first, example, given_marks)
        before = told(first)
        export(first, first.ids(), out, marks="keys" if keys else "sidecar")
    if not ordered:  # lines move, also beside a copy with other marks: those of equal bytes may change places
        lines = out.read_bytes().splitlines(keepends=True)
        random.Random(1).shuffle(lines)
        out.write_bytes(b"".join(lines))
    with create_workspace(folder / "again.curator") as second:
        add(second, [out])
        after = told(second)
    if keys:  # the blanks behind an edited line stay where they are, before the key
        before, after = ([(raw.strip(), marks) for raw, marks in each] for each in (before, after))
    if ordered:
        assert after == before
    else:
        assert sorted(map(repr, after)) == sorted(map(repr, before))


def test_marks_of_changed_lines_are_told_and_come_to_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps(VALUES[1])
    (tmp_path / "data.jsonl").write_text(f"{line}\n{json.dumps(VALUES[2])}\n{{broken\n")
    data, out = tmp_path / "data.curator", tmp_path / "out.jsonl"
    assert main(["import", str(tmp_path / "data.jsonl"), "-w", str(data)]) == 0
    with open_workspace(data) as workspace:
        workspace.changes.label([1, 3], "good")
        workspace.changes.rate([2], 4)
    capsys.readouterr()
    assert main(["export", str(data), "-o", str(out), "--marks", "sidecar", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["marks"] == str(marks_path(out))
    out.write_text(out.read_text().replace("ümlaut", "Umlaut").replace("\\u00fcmlaut", "Umlaut"))
    assert main(["import", str(out), "-w", str(tmp_path / "b.curator"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["marked"], report["lost_marks"]) == (2, 1)
    with open_workspace(tmp_path / "b.curator") as workspace:
        assert [row.labels for row in workspace.rows([1, 2, 3])] == [("good",), (), ("good",)]
        assert workspace.row(2).rating is None
        assert workspace.changes.undo() is None or workspace.ids()
    assert main(["export", str(data), "-o", str(out), "--marks", "keys"]) == 1  # the broken line has no keys
    assert "1 broken lines have no keys" in capsys.readouterr().err
    assert main(["export", str(data), "-o", str(out), "--marks", "keys", "--format", "csv"]) == 2
    assert "a CSV file holds no marks" in capsys.readouterr().err


def test_marks_go_along_with_another_format(tmp_path: Path) -> None:
    lines = [json.dumps(VALUES[1]), json.dumps({"messages": []}), json.dumps(VALUES[2])]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    for place in ("sidecar", "keys"):
        out = tmp_path / f"{place}.jsonl"
        with open_workspace(tmp_path / "data.jsonl") as workspace:
            workspace.changes.label([3], "good")
            report = export(workspace, workspace.ids(), out, "sharegpt", marks=place)
            assert report.skipped == (2,)
        with create_workspace(tmp_path / f"{place}.curator") as workspace:
            add(workspace, [out])
            assert [row.labels for row in workspace.rows(workspace.ids())] == [(), ("good",)]
            assert json.loads(workspace.raw(2)) == VALUES[2]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{", "mend it or take the file away"),
        ('{"line": 0, "xxh3": "a"}', "mend it"),
        ('{"line": 1, "xxh3": "a", "rating": 9}', "rating"),
        ('{"line": 1, "xxh3": "a", "labels": ["\\u001b[31mred"]}', "cannot be a label"),
        ('{"line": 1, "xxh3": "a", "review": "maybe"}', "review"),
        ("[" * 5000, "mend it"),
    ],
    ids=["broken", "line", "rating", "label", "review", "deep"],
)
def test_hostile_marks_are_refused(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(VALUES[1]) + "\n")
    marks_path(path).write_text(row + "\n")
    with create_workspace(tmp_path / "data.curator") as workspace:
        with pytest.raises(InputError, match=words):
            prepare(workspace, [path])
        assert not workspace.ids() and not list((tmp_path / "data.curator" / "sources").iterdir())


def test_keys_that_are_no_marks_stay_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    wrong = json.dumps({**VALUES[1], "curator_marks": {"rating": "high"}})
    path.write_text(wrong + "\n" + json.dumps({**VALUES[2], "curator_marks": {"rating": 2}}) + "\n")
    with create_workspace(tmp_path / "data.curator") as workspace:
        prepared, _ = add(workspace, [path])
        assert workspace.raw(1) == wrong.encode() and workspace.row(2).rating == 2
        assert prepared.files[0].misfits[0][0] == 1 and "are no marks" in prepared.files[0].misfits[0][1]
