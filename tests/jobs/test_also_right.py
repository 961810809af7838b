"""Another right answer is kept with the workspace, goes out and comes in again, and counts in every metric."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.scores.references import best_reference
from curator.errors import UsageError
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run
from tests.jobs.test_leaks_block import MANY, lines


@given(st.text(), st.lists(st.text(), max_size=4), st.text())
def test_the_reference_is_one_of_the_right_answers(expected: str, others: list[str], answer: str) -> None:
    reference = best_reference(expected, others, answer)
    assert reference in (expected, *others)
    if answer in (expected, *others):
        assert reference.strip() == answer.strip()


def test_the_expected_answer_wins_a_tie() -> None:
    assert best_reference("yes", ["no"], "perhaps") == "yes"
    assert best_reference("Yes, do", ["no"], "No.") == "no"
    assert best_reference("a cat sat", ["the dogs ran far"], "dogs ran") == "the dogs ran far"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data.jsonl"
    data.write_bytes(lines(*MANY))
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids()[:4], "validation")
        return workspace.path


def apply(capsys: pytest.CaptureFixture[str], folder: Path, *ops: dict[str, Any]) -> tuple[int, list[Any]]:
    file = folder.parent / "ops"
    file.write_text("\n".join(map(json.dumps, ops)))
    status, answers, _ = run(capsys, "apply", folder, file)
    return status, answers


def test_it_counts_in_every_metric(served: FakeProvider, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = MANY[0]["messages"][1]["content"]
    served.answers = {asked: "Go to a workshop!"}
    names = ("exact_match", "accuracy", "contract", "token_f1", "bleu", "rouge1", "rougeL", "macro_f1")
    words = ["evaluate", str(folder), "--model", MODEL, *(w for name in names for w in ("--metric", name))]
    with open_workspace(folder) as workspace:
        workspace.set_meta("contract", {"pattern": "Answer [0-9]\\."})
    _, [before], _ = run(capsys, *words)
    status, [answer] = apply(capsys, folder, {"op": "also_right", "example": 1, "answer": "Go to a workshop!"})
    assert (status, answer["examples"]) == (0, 1)
    _, [after], _ = run(capsys, *words)
    for name in names:
        assert after["models"][MODEL][name] > before["models"][MODEL][name], name
    assert after["models"][MODEL]["exact_match"] == before["models"][MODEL]["exact_match"] + 0.25


def test_it_is_kept_undone_exported_and_imported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    run(capsys, "export", folder, "-o", out)
    assert not (tmp_path / "out.jsonl.also-right.jsonl").exists()
    with open_workspace(folder) as workspace:
        changes = workspace.changes
        changes.accept_answers({2: ("Peas.", "Peas."), 5: ("  (odd) ☃ ",)})
        assert workspace.also_right() == {2: ("Peas.",), 5: ("  (odd) ☃ ",)}
        assert changes.accept_answers({2: ("Peas.",)}).examples == 0
        changes.accept_answers({2: ("Beans.",)})
        changes.accept_answers({2: ("Peas.",)}, on=False)
        assert workspace.also_right()[2] == ("Beans.",)
        changes.undo()
        changes.undo()
        for bad in ("", " \n"):
            with pytest.raises(UsageError):
                changes.accept_answers({2: (bad,)})
        changes.delete([1])
    with open_workspace(folder) as workspace:
        assert workspace.also_right() == {2: ("Peas.",), 5: ("  (odd) ☃ ",)}
    _, [report], _ = run(capsys, "export", folder, "-o", out)
    beside = Path(report["also_right"])
    assert [json.loads(line)["line"] for line in beside.read_text().splitlines()] == [1, 4]
    run(capsys, "import", out, "-w", tmp_path / "new.curator")
    with open_workspace(tmp_path / "new.curator") as workspace:
        assert workspace.also_right() == {1: ("Peas.",), 4: ("  (odd) ☃ ",)}
    beside.write_text('{"line": "1"}\n')
    status, _, error = run(capsys, "import", out, "-w", tmp_path / "other.curator")
    assert status == 2 and "line 1" in error.splitlines()[-1] and not (tmp_path / "other.curator").exists()
