"""What people said in review counts: a rejected example is trained nowhere; flagged and stale ones are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.make_plan import Wish, plan
from curator.jobs.planning.plan import TrainingPlan
from curator.jobs.planning.reviews import Review, left_out_words, trained_words
from curator.jobs.planning.warning_words import imbalance_words
from curator.workspace.opening import open_workspace

PAIR_OR_CHAT = pytest.mark.parametrize("method", ["supervised", "dpo"])


def example(number: int, method: str, answer: str = "") -> dict[str, Any]:
    question = [{"role": "user", "content": f"question {number} of the set"}]
    good = [{"role": "assistant", "content": answer or f"good answer {number}"}]
    if method == "supervised":
        return {"messages": [*question, *good]}
    bad = [{"role": "assistant", "content": f"bad answer {number}"}]
    return {"input": {"messages": question}, "preferred_output": good, "non_preferred_output": bad}


def workspace_of(folder: Path, examples: Sequence[dict[str, Any]]) -> Path:
    file = folder / "data.jsonl"
    file.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in examples))
    with open_workspace(file) as workspace:
        return workspace.path


async def planned(path: Path, **wish: Any) -> TrainingPlan:
    with Ledger.for_path(path) as ledger:
        return await plan(path, Wish(provider="openai", model="gpt-4.1-mini-2025-04-14", **wish), ledger)


def numbers(made: TrainingPlan) -> list[set[int]]:
    """The numbers of the questions in the training and the validation file."""
    files = [made.training, *([made.validation] if made.validation else [])]
    texts = [file.path.read_text() for file in files]
    return [{n for n in range(30) if f"question {n} of the set" in text} for text in texts]


@PAIR_OR_CHAT
@pytest.mark.parametrize("validation", [None, 0.2, "stored"])
async def test_rejected_examples_are_on_neither_side(
    tmp_path: Path, method: str, validation: float | str | None
) -> None:
    path = workspace_of(tmp_path, [example(n, method) for n in range(30)])
    with open_workspace(path) as workspace:
        if validation == "stored":
            workspace.changes.split(0.2, seed=1)
        ids = list(workspace.ids())
        held = list(workspace.view("split:validation").ids)
        rejected = [ids[4], ids[17], *held[:1]]
        workspace.changes.review(rejected, "rejected")
    made = await planned(path, method=method, validation=None if validation == "stored" else validation)
    left_out = {ids.index(each) for each in rejected}
    assert set.union(*numbers(made)) == set(range(30)) - left_out
    assert made.notices[0] == f"Rejected in review and left out: {len(left_out)}."
    assert made.blocking == ()


async def test_a_rejected_example_stays_out_after_a_change_and_comes_back_once_accepted(tmp_path: Path) -> None:
    path = workspace_of(tmp_path, [example(n, "supervised") for n in range(30)])
    with open_workspace(path) as workspace:
        first, second, third = list(workspace.ids())[:3]
        workspace.changes.review([first], "rejected")
        workspace.changes.review([second], "flagged")
        workspace.changes.review([third], "accepted")
        for each in (first, third):
            workspace.changes.edit(each, "messages[1].content", "write to anna@example.org")
    made = await planned(path)
    assert 0 not in numbers(made)[0]
    assert made.notices[:3] == (
        "Rejected in review and left out: 1, 1 of them changed since (accept those to train them).",
        "Flagged in review, trained all the same: 1.",
        "Changed after they were accepted, trained all the same: 1.",
    )
    assert "Texts that look like personal data: 1." in made.notices
    listed = "missing_system_message 29 · few_examples 1 · missing_validation_file 1 · pii_like 1"
    assert made.told() == {
        "reviews": {"rejected": 1, "flagged": 1, "stale": 1},
        "warnings": made.warnings,
        "notices": list(made.notices),
    }
    assert made.warning_words == f"32 warnings: {listed}"
    with open_workspace(path) as workspace:
        workspace.changes.review([first], "accepted")
    made = await planned(path)
    assert 0 in numbers(made)[0]
    assert not any("Rejected" in notice for notice in made.notices)


async def test_a_validation_workspace_gives_no_rejected_examples_either(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    held = workspace_of(tmp_path / "v", [example(n, "supervised") for n in range(20, 30)])
    with open_workspace(held) as workspace:
        workspace.changes.review([workspace.ids()[0]], "rejected")
    made = await planned(
        workspace_of(tmp_path, [example(n, "supervised") for n in range(20)]), validation=str(held)
    )
    assert numbers(made)[1] == set(range(21, 30))


async def test_a_dominant_answer_is_named(tmp_path: Path) -> None:
    same = [example(n, "supervised", "(sleeping)") for n in range(12)]
    path = workspace_of(tmp_path, [*same, *(example(n, "supervised", f"({n}x)") for n in range(12, 30))])
    assert "Unbalanced answers: '(sleeping)' is 40 % of 30." in (await planned(path)).notices


def test_what_a_pair_teaches_to_avoid_is_no_dominant_answer() -> None:
    pairs = [example(n, "dpo") for n in range(30)]
    for pair in pairs:
        pair["non_preferred_output"][0]["content"] = "I cannot help with that"
    assert imbalance_words([json.dumps(pair).encode() for pair in pairs]) == ""


def test_split_and_export_of_a_workspace_leave_rejected_out_or_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace_of(tmp_path, [example(n, "supervised") for n in range(30)])
    with open_workspace(path) as workspace:
        workspace.changes.review(list(workspace.ids())[:2], "rejected")
    assert main(["split", str(path), "-d", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rejected"] == 2
    assert report["train"]["examples"] + report["validation"]["examples"] == 28
    assert main(["export", str(path), "-o", str(tmp_path / "all.jsonl"), "--json"]) == 0
    told = capsys.readouterr()
    assert "note: rejected in review: 2 examples of these" in told.err
    assert (json.loads(told.out)["examples"], json.loads(told.out)["rejected"]) == (30, 2)


STATES = list(product([None, "accepted", "rejected", "flagged"], [False, True]))


@pytest.mark.parametrize("count", range(4))
def test_the_sentences_tell_every_review_once(count: int) -> None:
    for states in product(STATES, repeat=count):
        reviews = [Review(*state) for state in states]
        rejected = sum(review.state == "rejected" for review in reviews)
        words = left_out_words(reviews)
        assert (f"left out: {rejected:,}" in words) if rejected else (words == "")
        sentences = trained_words(reviews)
        assert any("Flagged" in each for each in sentences) == any(state == "flagged" for state, _ in states)
        assert any("accepted" in each for each in sentences) == (("accepted", True) in states)
