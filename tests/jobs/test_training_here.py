"""`train` with the local provider as a program: a real server, a real (tiny) training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator import pricing
from tests.jobs.test_commands import run


def pair(n: int) -> dict[str, Any]:
    return {
        "input": {"messages": [{"role": "user", "content": f"word {n}"}]},
        "preferred_output": [{"role": "assistant", "content": f"yes {n}"}],
        "non_preferred_output": [{"role": "assistant", "content": f"never ever {n}"}],
    }


def test_preferences_are_trained_here(tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps(pair(n)) + "\n" for n in range(12)))
    words = ("--provider", "local", "--model", tiny, "--method", "dpo", "--beta", "0.2", "--epochs", "4")
    status, lines, said = run(capsys, "train", data, *words, "--yes", "--wait", "--events")
    *events, last = lines
    losses = [event["data"]["train_loss"] for event in events if event["type"] == "metrics"]
    assert status == 0 and last["status"] == "succeeded", said
    assert losses[0] == pytest.approx(0.693, abs=0.01) and losses[-1] < 0.6  # ln 2: no preference yet
    assert "dpo" in pricing.table()["smollm2-135m-instruct"].methods
