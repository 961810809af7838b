"""Two people, one truth: marks come over by the examples' bytes, differences wait, agreement is measured."""

from __future__ import annotations

import json
import math
import random
import shutil
import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.core.scores.raters import rater_agreement
from curator.workspace.exchange.disagreements import decide, open_disagreements
from curator.workspace.exchange.merge_marks import commit_merge, find_merge
from curator.workspace.opening import open_workspace


def chat(number: int) -> str:
    texts = [("user", f"What is thing {number}?"), ("assistant", f"Thing {number}.")]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


def exact(ours: list[Any], theirs: list[Any], categories: list[Any]) -> tuple[Fraction | None, Fraction]:
    """Kappa and AC1 as fractions, by the formulas of Cohen (1960) and Gwet (2008)."""
    count = len(ours)
    table = {
        (one, other): Fraction(sum((a, b) == (one, other) for a, b in zip(ours, theirs, strict=True)), count)
        for one in categories
        for other in categories
    }
    observed = sum((table[each, each] for each in categories), Fraction(0))
    rows = {one: sum((table[one, other] for other in categories), Fraction(0)) for one in categories}
    columns = {other: sum((table[one, other] for one in categories), Fraction(0)) for other in categories}
    chance = sum((rows[each] * columns[each] for each in categories), Fraction(0))
    kappa = None if chance == 1 else (observed - chance) / (1 - chance)
    shares = [(rows[each] + columns[each]) / 2 for each in categories]
    expected = sum((share * (1 - share) for share in shares), Fraction(0)) / (len(categories) - 1)
    return kappa, (observed - expected) / (1 - expected)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=60))
def test_agreement_is_that_of_exact_fractions(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = [list(side) for side in zip(*pairs, strict=True)]
    kappa, ac1 = exact(ours, theirs, [1, 2, 3, 4, 5])
    found = rater_agreement(ours, theirs, (1, 2, 3, 4, 5))
    assert found.kappa is None if kappa is None else math.isclose(found.kappa or 0, kappa, abs_tol=1e-15)
    assert math.isclose(found.ac1 or 0, ac1, abs_tol=1e-15)


def test_agreement_is_that_of_the_reference() -> None:
    """The table `cont3x3abstractors` and its results in the README of irrCAC, the package of AC1's author."""
    table = {
        ("ectopic", "ectopic"): 13,
        ("aiu", "aiu"): 20,
        ("aiu", "niu"): 7,
        ("niu", "aiu"): 4,
        ("niu", "niu"): 56,
    }
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    ours, theirs = [list(side) for side in zip(*pairs, strict=True)]
    found = rater_agreement(ours, theirs, ("ectopic", "aiu", "niu"))
    assert (found.percent, round(found.kappa or 0, 7), round(found.ac1 or 0, 7)) == (89.0, 0.7964094, 0.8493305)


def test_kappa_falls_where_nearly_all_judgements_are_equal() -> None:
    ours, theirs = ["+"] * 123 + ["-"] * 2, ["+"] * 118 + ["-"] * 5 + ["+"] * 2
    found = rater_agreement(ours, theirs, ("+", "-"))
    assert found.kappa is not None and found.kappa < 0 and found.ac1 is not None and found.ac1 > 0.9
    assert rater_agreement(["a"], ["a"], ("a", "b")).kappa is None
    assert rater_agreement([], [], ("a", "b")).percent is None


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `mine.curator` and `theirs.curator`: 200 labels each, ratings and reviews, and some alone."""
    folder = tmp_path_factory.mktemp("two")
    lines = [chat(number) for number in range(220)]
    lines[10] = lines[11]  # two equal examples
    (folder / "mine.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "theirs.jsonl").write_text("\n".join([chat(9000), *lines[::-1]]) + "\n")
    rng = random.Random(18)
    for name in ("mine", "theirs"):
        with open_workspace(folder / f"{name}.jsonl") as workspace:
            number = {
                example: json.loads(workspace.raw(example))["messages"][0]["content"]
                for example in workspace.ids()
            }
            order = sorted(workspace.ids(), key=lambda example: number[example])
            changes = workspace.changes
            for example in order[:200]:
                changes.label([example], "good" if rng.random() < 0.8 else "bad")
            for rating in (1, 2, 3, 4, 5):
                changes.rate(order[rating * 10 : rating * 10 + (9 if name == "mine" else 11)], rating)
            changes.rate(order[12:16], 1 if name == "mine" else 4)
            changes.review(order[:30], "accepted")
            changes.review(order[(20 if name == "mine" else 25) : 30], "rejected")
    return folder


def copies(two: Path, tmp_path: Path) -> tuple[Path, Path]:
    for name in ("mine", "theirs"):
        shutil.copytree(two / f"{name}.curator", tmp_path / f"{name}.curator")
    return tmp_path / "mine.curator", tmp_path / "theirs.curator"


def merge(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
    status = main(["merge", *map(str, words), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_two_workspaces_become_one(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = copies(two, tmp_path)
    before = {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    status, told = merge(capsys, theirs, "-w", mine, "--dry-run", "--name", "alex")
    with open_workspace(mine, read_only=True) as here, open_workspace(theirs, read_only=True) as there:
        assert not open_disagreements(here)  # the dry run changed nothing
        others = {there.raw(example): example for example in there.ids() if example != there.ids()[0]}
        pairs = [(here.row(i), there.row(others[here.raw(i)])) for i in here.ids() if i not in (11, 12)]
    assert (told["same"], told["only_here"], told["only_there"]) == (220, 0, 1)
    both = [(one, other) for one, other in pairs if one.labels and other.labels]
    for label in ("good", "bad"):
        ours, yours = ([label in row.labels for row in side] for side in zip(*both, strict=True))
        counted = rater_agreement(ours, yours, (False, True))
        kappa, ac1 = exact(ours, yours, [False, True])
        assert kappa is not None
        assert math.isclose(counted.kappa or 0, kappa, abs_tol=1e-15)
        assert math.isclose(counted.ac1 or 0, ac1, abs_tol=1e-15)
        measured = told["agreement"][f"label:{label}"]
        assert measured["examples"] == 200 and abs(measured["kappa"] - float(kappa)) < 0.03  # and the equal pair
    assert status == 1
    again, same = merge(capsys, theirs, "-w", mine, "--name", "alex")
    assert again == 1 and same["disagreements"] == told["disagreements"] and same["taken"] == told["taken"]
    _, third = merge(capsys, theirs, "-w", mine, "--name", "alex")
    assert (third["disagreements"], third["taken"]) == ([], 0)
    assert third["known"] == len(told["disagreements"]) > 20
    assert before == {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    with open_workspace(mine) as here:
        waiting = open_disagreements(here)
        first = waiting[0]
        change = decide(here, [(first, "theirs"), (waiting[1], "mine")], "kim")
        assert "kim decided 2 disagreements" in change.label
        assert len(open_disagreements(here)) == len(waiting) - 2
        here.changes.undo()
        assert open_disagreements(here) == waiting
        here.changes.undo()
        assert not open_disagreements(here)
    status, decided = merge(capsys, theirs, "-w", mine, "--name", "alex", "--take", "theirs")
    assert (status, decided["decided"]) == (0, "theirs")
    _, after = merge(capsys, theirs, "-w", mine, "--name", "alex")
    assert (after["disagreements"], after["taken"], after["known"]) == ([], 0, 0)
    assert {each["kappa"] for each in after["agreement"].values()} == {1.0}
    assert main(["check", str(mine), "--quick"]) in (0, 1)
    assert "sound" in capsys.readouterr().out


def test_a_difference_that_is_settled_over_there_waits_no_longer(two: Path, tmp_path: Path) -> None:
    mine, theirs = copies(two, tmp_path)
    with open_workspace(mine) as here, open_workspace(theirs) as there:
        commit_merge(here, find_merge(here, there, "alex"))
        rating = next(each for each in open_disagreements(here) if each.what == "rating")
        raw = here.raw(rating.example)
        there.changes.rate([i for i in there.ids() if there.raw(i) == raw], int(str(rating.mine)))
        count = len(open_disagreements(here))
        commit_merge(here, find_merge(here, there, "alex"))
        assert len(open_disagreements(here)) == count - 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("missing", "there is no workspace"),
        ("file", "is no workspace"),
        ("foreign", "not a Curator workspace"),
        ("newer", "newer"),
        ("damaged", "damaged"),
        ("link", "link"),
        ("table", "table"),
        ("self", "is this workspace itself"),
    ],
)
def test_a_workspace_that_cannot_be_merged_is_told(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: str, words: str
) -> None:
    mine, theirs = copies(two, tmp_path)
    database, other = theirs / "workspace.db", theirs
    if spoil == "missing":
        other = tmp_path / "none.curator"
    elif spoil == "file":
        other = two / "theirs.jsonl"
    elif spoil == "self":
        other = mine
    elif spoil == "damaged":
        data = bytearray(database.read_bytes())
        data[100:9000] = b"\xff" * 8900
        database.write_bytes(data)
    elif spoil == "link":
        database.rename(tmp_path / "elsewhere.db")
        database.symlink_to(tmp_path / "elsewhere.db")
    else:
        with sqlite3.connect(database) as db:
            statement = {
                "foreign": "PRAGMA application_id=7",
                "newer": "PRAGMA user_version=99",
                "table": "CREATE TABLE evil(a)",
            }[spoil]
            db.execute(statement)
        db.close()
    assert main(["merge", str(other), "-w", str(mine)]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.err.startswith("curator:") and told.err.count("\n") == 1 and not told.out
    with open_workspace(mine, read_only=True) as here:
        assert not open_disagreements(here) and here.journal.history(1)[0].kind == "review"


def test_marks_that_no_curator_writes_are_left_out(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, theirs = copies(two, tmp_path)
    with sqlite3.connect(theirs / "workspace.db") as db:
        db.execute("UPDATE example SET rating = 77 WHERE id = (SELECT id FROM example WHERE rating = 5 LIMIT 1)")
        db.execute("INSERT INTO label VALUES('\x1b[31mred', 5)")
    db.close()
    _, told = merge(capsys, theirs, "-w", mine)
    assert told["refused"] == 2
    assert not any("\x1b" in each["what"] for each in told["disagreements"])
    assert main(["merge", str(theirs), "-w", str(mine), "--name", "\x1b[31mred"]) == 2
    assert "a name is 1 to 100 visible characters" in capsys.readouterr().err


def test_diff_reads_well(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = copies(two, tmp_path)
    assert main(["diff", str(mine), str(mine)]) == 0
    assert "0 only in the first" in capsys.readouterr().err
    assert main(["diff", str(mine), str(theirs), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [each["text"] for each in told["added"]] == ["user: What is thing 9000? | assistant: Thing 9000."]
    assert (told["removed"], told["equal"]) == ([], 220)
    assert {"rating", "review", "label good"} <= {each["what"] for each in told["marks"]}
    assert main(["diff", str(mine), str(theirs), "--limit", "2"]) == 1
    assert "more" in capsys.readouterr().out
    (tmp_path / "a.jsonl").write_text(chat(1) + "\n{broken \x1b[31m\n")
    assert main(["diff", str(tmp_path / "a.jsonl")]) == 0
    assert capsys.readouterr().out == "user: What is thing 1?\nassistant: Thing 1.\n\n{broken ␛[31m\n\n"
