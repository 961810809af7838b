"""A job's state on disk: adapter, optimiser moments and step in one file that replaces the old one whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from curator.atomic import sync_folder, write_bytes
from curator.server.engines.embedded.adamw import AdamW
from curator.server.engines.embedded.lora import Adapter, write_peft
from curator.server.engines.job import KEPT_CHECKPOINTS

_FILE = "state.safetensors"


def save_state(folder: Path, optimiser: AdamW, step: int, fingerprint: dict[str, Any]) -> None:
    """Write the state after `step`; the step is inside the one file, `state.json` repeats it for readers."""
    from safetensors.numpy import save as dump

    note = {"step": step, **fingerprint}
    tensors = {"adapter": optimiser.flat, "mean": optimiser.mean, "square": optimiser.square}
    write_bytes(folder / _FILE, dump(tensors, metadata={"state": json.dumps(note, sort_keys=True)}))
    write_bytes(folder / "state.json", json.dumps(note).encode())


def restore_state(folder: Path, optimiser: AdamW, fingerprint: dict[str, Any]) -> int:
    """Fill the optimiser and its parameters from the saved state; the step it was saved after, 0 where none fits.

    A state of other data or hyperparameters is not this job's and is not used.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(folder / _FILE), "numpy") as file:
            note = json.loads((file.metadata() or {}).get("state", "{}"))
            step = int(note.pop("step", 0))
            values = {name: file.get_tensor(name) for name in ("adapter", "mean", "square")}
    except (OSError, ValueError, SafetensorError):
        return 0
    if note != json.loads(json.dumps(fingerprint)) or values["adapter"].shape != optimiser.flat.shape:
        return 0
    optimiser.flat[:], optimiser.mean[:], optimiser.square[:] = values["adapter"], values["mean"], values["square"]
    return step


def write_checkpoint(folder: Path, adapter: Adapter, step: int, base: str) -> str:
    """Write the adapter as a PEFT folder that appears whole; returns its name. Keeps the last three."""
    name = f"ckpt-{step}"
    part = folder / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_peft(part, adapter, base)
    shutil.rmtree(folder / name, ignore_errors=True)
    part.rename(folder / name)
    sync_folder(folder)
    steps = sorted(int(p.name[5:]) for p in folder.glob("ckpt-*") if p.name[5:].isdigit())
    for old in steps[:-KEPT_CHECKPOINTS]:
        shutil.rmtree(folder / f"ckpt-{old}", ignore_errors=True)
    return name
