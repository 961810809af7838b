"""Training, validation and test: nothing leaks between any two of them, and each is about as large as asked."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.core import splice
from curator.errors import UsageError
from curator.workspace.duplicates.split import divide
from curator.workspace.duplicates.three_sides import divide_in_three
from curator.workspace.duplicates.twins import find_twins
from curator.workspace.opening import open_workspace
from tests.workspace.test_twins import example

pytestmark = pytest.mark.by_turns

WORDS = (
    "bicycle tyre", "balcony garden", "sourdough bread", "fixed mortgage", "Norwegian hike", "tetanus shot",
    "Latin verbs", "old piano", "stray kitten", "leaking tap", "tax return", "night train", "wool jumper",
    "garden pond", "school choir", "election day", "broken zip", "blood donor", "cheese fondue", "lost passport",
)  # fmt: skip
ASKS = ("How would you describe the {} to a child of five?", "Where in town do they talk about the {} now?")


def dataset() -> dict[int, bytes]:
    """Forty questions, and after each fourth a copy and a reworded one."""
    lines: list[bytes] = []
    for number, word in enumerate(WORDS):
        for ask in ASKS:
            lines.append(splice.dump(example(ask.format(word), f"{word} is what {number} people love.")))
        if number % 4 == 0:
            lines.append(lines[-1])
            lines.append(
                splice.dump(example(ASKS[1].format(word) + " Please.", f"{word} is what {number} people love."))
            )
    return dict(enumerate(lines, 1))


@pytest.mark.parametrize("seed", range(4))
def test_no_two_sides_share_a_copy(seed: int) -> None:
    raws = dataset()
    sides = divide_in_three(raws, 0.2, 0.2, seed)
    ids = {"train": sides.train, "validation": sides.validation, "test": sides.test}
    assert sorted(i for each in ids.values() for i in each) == list(raws)
    for one, other in combinations(ids.values(), 2):
        assert not find_twins({i: raws[i] for i in one}, {i: raws[i] for i in other})
    assert sides.leaks == 0
    assert all(6 <= len(ids[side]) <= 14 for side in ("validation", "test"))
    assert sides == divide_in_three(raws, 0.2, 0.2, seed)
    two = divide(raws, 0.2, seed)
    assert (two.validation, 0) == (sides.validation, divide_in_three(raws, 0.2, 0, seed).leaks)


def test_sides_that_leave_nothing_to_train_on_are_refused() -> None:
    for validation, test in ((0.5, 0.5), (30, 20), (0.1, 50), (0.1, 1.5), (0.1, -1)):
        with pytest.raises(UsageError):
            divide_in_three(dataset(), validation, test)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(dataset().values()) + b"\n")
    return data


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[Any], str]:
    status = main([*map(str, words), "--json"])
    said = capsys.readouterr()
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def test_a_workspace_has_three_sides(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_workspace(path) as workspace:
        folder = workspace.path
    ops = tmp_path / "ops"
    ops.write_text('{"op": "split", "validation": 0.2, "test": 0.2, "seed": 7}')
    assert run(capsys, "apply", folder, ops)[0] == 0
    listed = {
        side: {row["id"] for row in run(capsys, "list", folder, "--filter", f"split:{side}")[1][0]["examples"]}
        for side in ("train", "validation", "test")
    }
    assert all(listed.values()) and set.union(*listed.values()) == set(dataset())
    with open_workspace(folder) as workspace:
        counts = workspace.counts()
        assert (counts.train, counts.validation, counts.test) == tuple(map(len, listed.values()))
        one = min(listed["train"])
        workspace.changes.pin([one], "test")
        workspace.changes.delete([min(listed["test"])])
        workspace.changes.split(0.2, 3, test=0.1)
        counts, ids = workspace.counts(), workspace.view("split:test").ids
        assert workspace.record(one).split == "test" and len(ids) == counts.test
        assert counts.train + counts.validation + counts.test == counts.examples
        workspace.changes.undo()
        workspace.changes.undo()
        assert workspace.counts().test == len(listed["test"]) + 1
        assert workspace.meta("split")["test"] == 0.2
        joined = workspace.changes.add(workspace.raw(min(listed["test"])))
        assert joined.twins[0].side == "test"
        with pytest.raises(UsageError, match="train, validation, test"):
            workspace.changes.assign([1], "exam")


def test_split_writes_a_test_file(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    status, [report], _ = run(capsys, "split", path, "-d", out, "--validation", "0.2", "--test", "0.2")
    assert status == 0 and report["leaks"] == 0
    for side in ("train", "validation", "test"):
        assert len((out / f"{side}.jsonl").read_bytes().splitlines()) == report[side]["examples"] > 0
    together = b"".join((out / f"{side}.jsonl").read_bytes() for side in ("train", "validation", "test"))
    assert sorted(together.splitlines()) == sorted(dataset().values())
    status, [compared], _ = run(capsys, "split", path, "-d", tmp_path / "two", "--test", out / "test.jsonl")
    assert status == 0 and len(compared["test"]["leaks"]) > 0 and not (tmp_path / "two" / "test.jsonl").exists()
    for bad in ("0", "-1", "nan", "9999"):
        status, lines, error = run(capsys, "split", path, "-d", tmp_path / "bad", "--test", bad)
        assert (status, lines) == (2, []) and error.count("\n") == 1 and not (tmp_path / "bad").exists()
