"""The whole loop with a real (tiny) training on one server: round 0, three sides, a miss, rounds, the ledger."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from curator import paths
from curator.workspace.opening import open_workspace
from tests.jobs.test_commands import run

CLEAN = paths.packaged("sample_data") / "emojibot-clean.jsonl"
METRICS = ("--metric", "exact_match", "--metric", "token_f1")
SHORT = ("--model", "tiny", "--provider", "local", "--epochs", "1", "--yes", "--wait")


class Loop:
    """A workspace, and the commands that a person runs on it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._capsys, self._patch = path, capsys, monkeypatch

    def tell(self, *words: str | Path) -> Any:
        """The last JSON line that a successful command prints."""
        status, lines, error = run(self._capsys, *words)
        assert status == 0, error
        return lines[-1]

    def apply(self, **operation: Any) -> Any:
        """The answer of `apply` to one operation."""
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(operation).encode())))
        return self.tell("apply", self.path)

    def evaluate(self, model: str, *words: str) -> Any:
        """The report of `evaluate` on the validation side."""
        return self.tell("evaluate", self.path, "--model", model, "--provider", "local", *METRICS, *words)


def like(row: dict[str, Any], answer: str) -> dict[str, Any]:
    """An example that asks nearly what a held-out prompt asks."""
    question = f"{row['prompt'].rstrip('.!?')} !"
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def test_from_round_0_to_the_ledger(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(CLEAN.read_bytes().splitlines()[:40]) + b"\n")
    with open_workspace(data) as workspace:
        path = workspace.path
    loop = Loop(path, capsys, monkeypatch)
    loop.apply(op="split", validation=0.2, test=0.1, seed=3)

    board = loop.evaluate(tiny, "--baseline", tiny, "--shots", "4:nearest")  # before any training
    assert len(board["models"]) == 2 and board["yardstick"]["side"] == "validation"
    assert loop.tell("history", path, "--rounds") == {"rounds": []}

    first = loop.tell("train", path, *SHORT)
    missed = next(
        row
        for row in loop.evaluate(first["fine_tuned_model"])["results"]
        if row["answers"][first["fine_tuned_model"]].strip() != row["expected"]
    )
    near = like(missed, missed["expected"])
    added = loop.apply(op="add", example=near)  # a near copy of what is held out is never trained
    assert (added["side"], added["twin"]) == ("validation", missed["line"])
    other = tmp_path / "more.jsonl"
    other.write_text(json.dumps(near) + "\n")
    assert [twin["twin"] for twin in loop.tell("import", other, "-w", path)["twins"]] == [missed["line"]]
    with open_workspace(path) as workspace:
        train = list(workspace.view("split:train").ids)
    edited = loop.apply(op="edit", example=train[0], location="messages[1].content", value=missed["prompt"])
    assert edited["side"] == "validation" and edited["twin"] == missed["line"]
    loop.apply(op="undo")
    question = {"role": "user", "content": "The ferry to the island was late once more, what a morning"}
    example = {"messages": [question, {"role": "assistant", "content": missed["expected"]}]}
    fresh = loop.apply(op="add", example=example)
    assert "twin" not in fresh

    second = loop.tell("train", path, *SHORT)
    loop.evaluate(second["fine_tuned_model"])
    one, two = loop.tell("history", path, "--rounds")["rounds"]
    new_ids = set(two["added"])
    assert len(new_ids) == 3 and two["removed"] == [] and two["edited"] == [] and one["dataset_sha256"]
    assert two["examples"] == one["examples"] + 1 and two["prompts_compared"] >= 8
    assert set(two["delta"]) == {"exact_match", "token_f1"} and set(two["flips"]) == {"fixed", "broken"}
    assert two["settings_changed"] == []

    effects = loop.tell("side-effects", path, "--provider", "local")
    assert effects["questions"] == 40 and effects["says"]
    card = tmp_path / "card.md"
    loop.tell("history", path, "--round", "2", "--write", "model-card", "-o", card)
    assert all(sentence in card.read_text("utf-8") for sentence in effects["says"])
    loop.apply(op="restore", revision=one["revision"])
    out = tmp_path / "one.jsonl"
    assert loop.tell("export", path, "-o", out, "--filter", "split:train")["sha256"] == one["dataset_sha256"]
    loop.tell("history", path, "--round", "2", "--write", "data", "-o", out)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == two["dataset_sha256"]
