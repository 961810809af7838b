"""A training process that only pretends; the base model's name says how it behaves. Speaks the worker protocol."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
JOB = json.loads((FOLDER / "job.json").read_text())
BEHAVIOUR = JOB["model"]
TOTAL = 400 if BEHAVIOUR == "slow" else 12
stopped = False


def tell(kind: str, **values: Any) -> None:
    """Append one fact."""
    with (FOLDER / "progress.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind, **values}) + "\n")


def on_term(*_: object) -> None:
    """Remember SIGTERM."""
    global stopped
    stopped = True


def metrics(step: int) -> dict[str, float]:
    """Numbers that look like a run."""
    found = {"train_loss": 2.0 / step, "train_mean_token_accuracy": 1 - 1 / (step + 1)}
    if JOB["validation_file"] and step % 4 == 0:
        found |= {"valid_loss": 2.5 / step, "valid_mean_token_accuracy": 0.5}
    if JOB["validation_file"] and step == TOTAL:
        found |= {"full_valid_loss": 0.4, "full_valid_mean_token_accuracy": 0.75}
    return found


def checkpoint(step: int) -> None:
    """A folder that is there only when it is whole."""
    folder = FOLDER / f"ckpt-{step}"
    if not folder.exists():
        part = FOLDER / f"part-{step}"
        part.mkdir(exist_ok=True)
        (part / "adapter_model.safetensors").write_text("x")
        part.rename(folder)
    tell("checkpoint", step=step, path=folder.name, metrics=metrics(step))


def save(step: int) -> None:
    """As a real one: at any moment the state is whole, the last or the one before it."""
    part = FOLDER / "state.part"
    part.write_text(str(step))
    part.replace(FOLDER / "state.json")


def control() -> str:
    """What the server asks for."""
    try:
        return (FOLDER / "control").read_text()
    except FileNotFoundError:
        return ""


def main() -> None:
    """Train, so to say."""
    signal.signal(signal.SIGTERM, on_term)
    state = FOLDER / "state.json"
    done = json.loads(state.read_text()) if state.exists() else 0
    tell("started", total_steps=TOTAL, steps_per_epoch=TOTAL // 4, n_epochs=4, batch_size=2,
         learning_rate_multiplier=1.0, seed=JOB["seed"])  # fmt: skip
    for step in range(done + 1, TOTAL + 1):
        time.sleep(0.02)
        tell("step", step=step, total_steps=TOTAL, seconds=0.02, **metrics(step))
        if step % (TOTAL // 4) == 0:
            checkpoint(step)
        save(step)
        if BEHAVIOUR == "crashing" or (BEHAVIOUR == "crashing-once" and done == 0 and step == 5):
            sys.stderr.write("out of cheese\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        if BEHAVIOUR == "failing" and step == 3:
            tell("failed", code="diverged", message="The loss is not a number any more.")
            sys.exit(1)
        if control() in ("pause", "cancel"):
            tell({"pause": "paused", "cancel": "cancelled"}[control()], step=step)
            sys.exit(0)
        if stopped:
            sys.exit(0)
    tell("succeeded", trained_tokens=1234, path=f"ckpt-{TOTAL}")


main()
