"""The whole loop as a script runs it, with the real base model: train, see the loss fall, ask both models."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curator import paths

MODELS = paths.models_dir()
"""The user's own models folder: asked before each test gets a home of its own."""
SAMPLE = paths.packaged("sample_data")


@pytest.fixture
def base_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SmolLM2 as `scripts/test.py` has fetched it; the local server that was started is stopped afterwards."""
    if not (MODELS / "smollm2-135m-instruct").is_dir() and not os.environ.get("CI"):
        pytest.skip("the base model is not here: curator models pull smollm2-135m-instruct")
    monkeypatch.setenv("CURATOR_MODELS", str(MODELS))
    yield
    with contextlib.suppress(OSError, ValueError):
        os.kill(json.loads((paths.server_dir() / "server.json").read_text())["pid"], signal.SIGTERM)


def curator(*words: str) -> Any:
    done = subprocess.run([sys.executable, "-m", "curator", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tuned_model_answers_in_shortcodes_where_the_base_rambles(tmp_path: Path, base_model: None) -> None:
    data, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    data.write_bytes(b"\n".join((SAMPLE / "emojibot-clean.jsonl").read_bytes().splitlines()[:72]) + b"\n")
    held.write_bytes(b"\n".join((SAMPLE / "emojibot-test.jsonl").read_bytes().splitlines()[:12]) + b"\n")
    common = ("--provider", "local", "--json")
    *events, run = curator(
        "train", str(data), "--epochs", "2", "--seed", "1", "--yes", "--wait", "--events", *common
    )
    losses = [event["data"]["train_loss"] for event in events if event["type"] == "metrics"]
    assert run["status"] == "succeeded"
    assert sum(losses[-3:]) / 3 < 0.7 * sum(losses[:3]) / 3
    (report,) = curator("evaluate", str(held), "--model", run["fine_tuned_model"], "--metric", "contract", *common)
    base, tuned = report["models"]["smollm2-135m-instruct"], report["models"][run["fine_tuned_model"]]
    assert base["contract"] <= 0.1
    assert tuned["contract"] >= 0.9
