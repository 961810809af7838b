"""A training whose data leaks into the yardstick is not started, whichever way the copy came there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.core import splice
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import run
from tests.workspace.test_twins import COPY, NEW, OTHER_ANSWER, QUESTIONS, REWORDED, example


def lines(*examples: dict[str, Any]) -> bytes:
    return b"".join(splice.dump(each) + b"\n" for each in examples)


OWN = [example(text, f"Answer {n}.") for n, text in enumerate(QUESTIONS)]
MANY = [*OWN, *(example(f"Tell me of the {word} and its history", f"{word} it is") for word in (
    "accordion", "bagpipe", "cello", "drum", "flute", "guitar", "harp", "lute", "oboe", "piano",
))]  # fmt: skip


@pytest.mark.parametrize(("extra", "leaks"), [(COPY, True), (REWORDED, True), (NEW, False)])
def test_a_file_with_copies_of_its_validation_file(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: dict[str, Any], leaks: bool
) -> None:
    held, train = tmp_path / "held.jsonl", tmp_path / "train.jsonl"
    held.write_bytes(lines(*OWN[:2]))
    train.write_bytes(lines(*MANY[2:], extra))
    status, _, error = run(capsys, "train", train, "--validation", held, "--yes")
    assert (status == 1) is leaks
    assert ("1 training example is a copy or near copy of a held-out one (line 15)" in error) is leaks
    assert bool(served.jobs) is not leaks


def test_a_workspace_whose_sides_were_set_by_hand(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_bytes(lines(*MANY))
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids(), "train")
        workspace.changes.assign([1, 2], "validation")
        (copy,) = workspace.changes.add(REWORDED).ids
        workspace.changes.assign([copy], "train")  # what a person says counts, but the plan tells of it
        folder = workspace.path
    status, _, error = run(capsys, "train", folder, "--yes")
    assert status == 1 and f"(example {copy})" in error and not served.jobs
    with open_workspace(folder) as workspace:
        workspace.changes.assign([1], "train")  # the twin is no yardstick any more
    assert run(capsys, "train", folder, "--yes")[0] == 0 and served.jobs


def test_apply_answers_with_side_and_twin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, ops = tmp_path / "data.jsonl", tmp_path / "ops"
    data.write_bytes(lines(*MANY))
    with open_workspace(data) as workspace:
        workspace.changes.assign([1, 2], "validation")
        folder = workspace.path
    orders = [
        {"op": "add", "example": COPY},
        {"op": "add", "example": NEW},
        {"op": "edit", "example": 5, "location": "messages", "value": REWORDED["messages"]},
        {"op": "edit", "examples": [6, 7], "location": "messages", "value": OTHER_ANSWER["messages"]},
        {"op": "edit", "example": 5, "location": "messages", "value": example("Who ate my cake?")["messages"]},
        {"op": "edit", "examples": [6, 7], "location": "messages", "value": example("What is rain?")["messages"]},
        {"op": "edit", "example": 6, "location": "messages", "value": example("Who is it, Sir?")["messages"]},
        {"op": "edit", "example": 2, "location": "messages", "value": example("Why not now?")["messages"]},
    ]
    ops.write_text("\n".join(map(json.dumps, orders)))
    status, answers, _ = run(capsys, "apply", folder, ops)
    assert status == 0
    assert (answers[0]["side"], answers[0]["twin"]) == ("validation", 1)
    assert "side" not in answers[1] and "twins" not in answers[1]
    assert (answers[2]["side"], answers[2]["twin"]) == ("validation", 1)
    assert [(twin["example"], twin["side"]) for twin in answers[3]["twins"]] == [
        (6, "validation"),
        (7, "validation"),
    ]
    assert (answers[4]["side"], answers[4]["twin"]) == ("train", None)  # it copies none any more, and goes back
    assert "twins" not in answers[5]  # these two copy each other now, and both are held out
    assert (answers[6]["side"], answers[6]["twin"]) == ("train", None)
    assert "side" not in answers[7]  # no copy was ever joined: a person held it out
    with open_workspace(folder) as workspace:
        assert [workspace.record(i).split for i in (2, 5, 6, 7)] == ["validation", None, None, "validation"]
    more = tmp_path / "more.jsonl"
    more.write_bytes(lines(NEW, COPY, REWORDED))
    _, [report], _ = run(capsys, "import", more, "-w", folder)
    assert len(report["twins"]) == 2
