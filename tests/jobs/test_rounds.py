"""`curator history --rounds`: what changed between trainings, and what it did to the scores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from curator.core import splice
from curator.errors import UsageError
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.rounds import comparing, round_facts, rounds
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.made_rounds import FIRST, SECOND, add_round, chat, dataset_file
from tests.jobs.test_commands import run
from tests.workspace.test_three_sides import dataset
from tests.workspace.test_twins import NEW

pytestmark = pytest.mark.by_turns

METRICS = ("--metric", "exact_match", "--metric", "token_f1")


@pytest.fixture
def workspace_path(tmp_path: Path) -> Path:
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(dataset().values()) + b"\n")
    with open_workspace(data) as workspace:
        workspace.changes.split(0.4, 1)
        return workspace.path


def right_answers(path: Path) -> dict[str, str]:
    """The expected answer of each prompt."""
    messages = [json.loads(raw)["messages"] for raw in dataset().values()]
    return {each[1]["content"]: each[2]["content"] for each in messages}


def train(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> str:
    status, lines, error = run(capsys, "train", path, "--yes", "--wait", *words)
    assert status == 0, error
    return str(lines[-1]["fine_tuned_model"])


def evaluate(capsys: pytest.CaptureFixture[str], path: Path, model: str) -> dict[str, Any]:
    status, [report], error = run(capsys, "evaluate", path, "--model", model, *METRICS)
    assert status == 0, error
    return dict(report)


def told(capsys: pytest.CaptureFixture[str], path: Path, which: str = "") -> list[dict[str, Any]]:
    status, [report], _ = run(capsys, "history", path, "--rounds", *([which] if which else []))
    assert status == 0
    return list(report["rounds"])


def test_three_rounds_with_a_changed_split_keep_comparable_deltas(
    served: FakeProvider,
    workspace_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, right = workspace_path, right_answers(workspace_path)
    assert told(capsys, path) == []
    served.answers = {}
    first = train(capsys, path)
    evaluate(capsys, path, first)  # everything wrong
    with open_workspace(path) as workspace:
        (added,) = workspace.changes.add(NEW).ids
        held = set(workspace.view("split:validation").ids)
    served.answers = dict(right)
    second = train(capsys, path)
    evaluate(capsys, path, second)  # everything right
    with open_workspace(path) as workspace:
        workspace.changes.edit(added, "messages[2].content", "Jules Verne did, I believe.")
        workspace.changes.split(0.4, 99)
        held_now = set(workspace.view("split:validation").ids)
    common = held & held_now
    assert common and held - held_now
    third = train(capsys, path, "--epochs", "5")
    broken = min(common)
    served.answers = dict(right)
    served.answers.pop(json.loads(dataset()[broken])["messages"][1]["content"])
    evaluate(capsys, path, third)

    one, two, three = told(capsys, path)
    assert [each["round"] for each in (one, two, three)] == [1, 2, 3]
    assert (one["added"], one["delta"], one["prompts_compared"]) == ([], {}, 0)
    assert one["metrics"]["exact_match"]["value"] == 0
    assert (two["added"], two["removed"], two["edited"]) == ([added], [], [])
    assert two["delta"]["exact_match"] == {"value": 1.0, "ci": [1.0, 1.0]}
    assert two["flips"]["broken"] == [] and set(two["flips"]["fixed"]) <= held
    assert two["yardstick"] == {
        "id": one["yardstick"]["id"],
        "prompts": one["yardstick"]["prompts"],
        "side": "validation",
    }
    assert (three["added"], three["edited"]) == ([], [added])
    assert three["yardstick"]["id"] != two["yardstick"]["id"]
    questions = {json.loads(dataset()[i])["messages"][1]["content"] for i in common}
    assert three["prompts_compared"] == len(questions) < three["yardstick"]["prompts"]
    assert three["flips"] == {"fixed": [], "broken": [broken]}
    change = three["delta"]["exact_match"]
    assert (
        change["value"] == pytest.approx(-1 / len(questions))
        and change["ci"][0] < change["value"] < change["ci"][1]
    )
    assert three["settings_changed"] == ["epochs"] and three["hyperparameters"]["epochs"] == 5
    with monkeypatch.context() as nothing_works_out:  # what was worked out once is read
        for name in ("compare_models", "_count_misses"):
            module = comparing if name == "compare_models" else round_facts
            nothing_works_out.setattr(module, name, lambda *_: pytest.fail("worked out again"))
        assert told(capsys, path) == [one, two, three]
    with Ledger(path / "runs.db") as ledger:  # what no Curator keeps is worked out again
        for key, kept in ledger.facts("round").items():
            if "mark" in kept:
                ledger.add_fact("round", key, {"mark": kept["mark"], "value": {"kinds": 3, "fixed": "odd"}})
    assert told(capsys, path) == [one, two, three]
    with open_workspace(path) as workspace:  # what the third said is right too
        said = next(row for row in evaluate(capsys, path, third)["results"] if row["line"] == broken)["answers"][
            third
        ]
        workspace.changes.accept_answers({broken: (said,)})
    judged = told(capsys, path)[2]
    assert judged["flips"]["broken"] == [] and judged["delta"]["exact_match"]["value"] == 0
    assert [each["round"] for each in told(capsys, path, "2..")] == [2, 3]
    assert [each["round"] for each in told(capsys, path, "..1")] == [1]


def test_the_test_side_is_asked_and_each_look_is_counted(
    served: FakeProvider, workspace_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace_path
    with open_workspace(path) as workspace:
        workspace.changes.split(0.2, 7, test=0.2)
        tested = set(workspace.view("split:test").ids)
    words = ("evaluate", path, "--model", "gpt-4.1-mini-2025-04-14", *METRICS)
    assert run(capsys, *words)[1][0]["test_opened"] == 0
    for opened in (1, 2):
        status, [report], error = run(capsys, *words, "--on", "test")
        assert (status, report["test_opened"], report["yardstick"]["side"]) == (0, opened, "test")
        assert {row["line"] for row in report["results"]} == tested
        assert f"opened {opened} time" in error


def test_the_data_of_a_round_is_there_byte_for_byte(
    served: FakeProvider, workspace_path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = workspace_path
    train(capsys, path)
    with open_workspace(path) as workspace:
        revision = workspace.revision()
        workspace.changes.edit(1, "messages[2].content", "Something else entirely.")
        workspace.changes.delete([2])
        workspace.changes.add(NEW)
        workspace.changes.split(0.3, 5)
    train(capsys, path)
    one, two = told(capsys, path)
    assert one["dataset_sha256"] != two["dataset_sha256"] and one["revision"] == revision
    frozen = (path / "datasets" / f"{one['dataset_sha256']}.jsonl").read_bytes()
    assert hashlib.sha256(frozen).hexdigest() == one["dataset_sha256"]
    with open_workspace(path) as workspace:
        workspace.changes.undo_to(revision)
    status, [report], _ = run(capsys, "export", path, "-o", tmp_path / "one.jsonl", "--filter", "split:train")
    assert (status, report["sha256"]) == (0, one["dataset_sha256"])
    assert (tmp_path / "one.jsonl").read_bytes() == frozen


@pytest.mark.parametrize("text", ["x", "1", "3..1", "0..1", "1..9", "..", "1..2..3", "²..3"])
def test_ranges_of_rounds(text: str) -> None:
    all_rounds: list[Any] = [1, 2, 3]
    if text == "..":
        assert rounds.rounds_in_range(all_rounds, text) == all_rounds
        return
    with pytest.raises(UsageError):
        rounds.rounds_in_range(all_rounds, text)


def test_strange_ledgers_are_read(
    workspace_path: Path, capsys: pytest.CaptureFixture[str], served: FakeProvider
) -> None:
    path = workspace_path
    model = train(capsys, path)
    with Ledger.for_path(path) as ledger:
        ledger.add_yardstick("odd", "test", [{"key": 1}, {"key": "k", "expected": "x"}])
        ledger.add_evaluation(
            "d", model, None, {"yardstick": "odd", "scores": {"bleu": [1, 2], "exact_match": [0, 0, 1]}}
        )
        ledger.add_evaluation("d", "other", None, {"yardstick": "missing"})
    (only,) = told(capsys, path)
    assert only["metrics"] == {"exact_match": {"value": 0.0, "ci": [0.0, 1.0]}}
    assert splice.dump(only)


async def test_one_round_is_told_noted_written_and_gone_back_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_workspace(dataset_file(tmp_path)) as workspace, Ledger.for_path(workspace.path) as ledger:
        path = workspace.path
        workspace.changes.split(0.3, 1)
        one = await add_round(workspace, ledger, FIRST, 1e9, lambda at, prompt: prompt.expected)
        workspace.changes.add(chat("Brand new?", "(surprise)"))
        workspace.changes.add(chat("As new, and never learnt?", "(surprise)"))
        workspace.changes.pin([21], "train")
        workspace.changes.pin([22], "validation")
        workspace.changes.delete([next(iter(workspace.view("split:train").ids))])
        workspace.changes.undo()  # going back by undoing would end elsewhere
        workspace.changes.split(0.2, 9)
        two = await add_round(workspace, ledger, SECOND, 1e9 + 900, lambda at, prompt: "(surprise)")
    words = ("history", path, "--round", "2")
    status, [report], _ = run(capsys, *words, "--note", "worse `now`", "--tag", "bad", "--tag", "tried")
    assert (status, report["note"], report["tags"], report["against"]) == (0, "worse `now`", ["bad", "tried"], 1)
    assert [each["id"] for each in report["explained"]] == report["flips"]["broken"]
    because = [reason for each in report["explained"] for reason in each["because"]]
    assert {"id": 21, "words": "added: teaches what it says now"} in because
    assert 22 not in {reason["id"] for reason in because}
    assert run(capsys, *words, "--against", "1")[1][0]["delta"] == report["delta"]
    for kind, heading in (
        ("run-card", "## Broken Prompts"),
        ("model-card", "## Bias, Risks, and Limitations"),
        ("dataset-card", "## Dataset Structure"),
    ):
        status, [_], error = run(capsys, *words, "--write", kind, "-o", tmp_path / "card.md")
        assert status == 0, error
        card = (tmp_path / "card.md").read_text("utf-8")
        assert heading in card and str(two.dataset_sha256) in card
        assert kind != "run-card" or ("worse `now`" in card and "Loss by step." in card)
    status, [_], _ = run(capsys, "history", path, "--round", "1", "--write", "data", "-o", tmp_path / "one.jsonl")
    assert hashlib.sha256((tmp_path / "one.jsonl").read_bytes()).hexdigest() == one.dataset_sha256
    with open_workspace(path) as workspace:
        for revision, frozen in ((one.revision, one), (two.revision, two), (one.revision, one)):
            workspace.changes.restore_to(int(revision or 0))
            raws = [workspace.raw(i) for i in workspace.view("split:train").ids]
            assert hashlib.sha256(b"".join(raw + b"\n" for raw in raws)).hexdigest() == frozen.dataset_sha256
    (path / "datasets" / f"{one.dataset_sha256}.jsonl").write_bytes(b"{}\n")
    for faulty in (
        ("--round", "3"),
        ("--round", "1", "--write", "data", "-o", tmp_path / "two.jsonl"),  # it was changed
        ("--round", "1", "--against", "1"),
        ("--round", "1", "--write", "data"),
        ("--note", "x"),
        ("--round", "1", "--tag", "x" * 61),
    ):
        status, _, error = run(capsys, "history", path, *faulty)
        assert status == 2 and "Traceback" not in error and error.strip(), faulty
    assert not (tmp_path / "two.jsonl").exists()
