"""A job's saved state: adapter, optimiser moments and step in one file, replaced atomically.

Late imports of safetensors: heavy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.server.engines.embedded.adamw import AdamW
from curator.server.engines.learning_curves import LearningCurves

_FILE = "state.safetensors"


def save_state(
    folder: Path, optimiser: AdamW, step: int, fingerprint: dict[str, Any], curves: LearningCurves
) -> None:
    """Write the state after update `step`. `state.json` repeats step and fingerprint for people."""
    from safetensors.numpy import save as dump

    note = {"step": step, **fingerprint}
    tensors = {
        "adapter": optimiser.flat,
        "mean": optimiser.mean,
        "square": optimiser.square,
        "losses": curves.losses,
    }
    write_bytes(folder / _FILE, dump(tensors, metadata={"state": json.dumps(note, sort_keys=True)}))
    write_bytes(folder / "state.json", json.dumps(note).encode())


def restore_state(folder: Path, optimiser: AdamW, fingerprint: dict[str, Any], curves: LearningCurves) -> int:
    """Read the saved state into the optimiser, its parameters and the curves; returns the step after which it was
    saved.

    Returns 0 and changes nothing if there is no state, or its fingerprint (data, hyperparameters) is another.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(folder / _FILE), "numpy") as file:
            note = json.loads((file.metadata() or {}).get("state", "{}"))
            step = int(note.pop("step", 0))
            values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (OSError, ValueError, SafetensorError):
        return 0
    if note != json.loads(json.dumps(fingerprint)) or values["adapter"].shape != optimiser.flat.shape:
        return 0
    optimiser.flat[:], optimiser.mean[:], optimiser.square[:] = values["adapter"], values["mean"], values["square"]
    if "losses" in values:  # older states have none
        curves.losses[:] = values["losses"]
    return step
