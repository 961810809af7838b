"""Which engine runs a model on this machine: decided by its files, the installed packages and the GPU."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from curator.errors import InputError

HF_PACKAGES = ("torch", "transformers", "peft", "accelerate", "trl")


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine's name, `embedded` or `hf`, and the reason as half a sentence."""

    engine: str
    reason: str


def missing_packages() -> list[str]:
    """The packages of the `hf` extra that are not installed. Imports none of them."""
    return [name for name in HF_PACKAGES if importlib.util.find_spec(name) is None]


def choose_engine(model: Path, engine: str = "auto") -> EngineChoice:
    """The engine for a model folder; `engine` is "auto", "embedded" or "hf".

    "auto" is embedded if it can run the model and there is no GPU that hf could use, else hf. Raises InputError,
    which says what to do, if no engine can run the model.
    """
    from curator.basemodels.weights import find_gguf, why_unsupported  # heavy: NumPy

    if not model.is_dir():
        raise InputError(f"There is no model folder {model}: pull the model, or name its folder")
    obstacle, missing = why_unsupported(model), missing_packages()
    if obstacle and find_gguf(model) is not None:
        raise InputError(f"{model.name} cannot run here: {obstacle}")
    if engine == "embedded" or (engine == "auto" and missing):
        if obstacle is None:
            return EngineChoice("embedded", "the hf extra is not installed" if missing else "it was asked for")
        if engine == "embedded":
            raise InputError(f"{model.name} cannot run on the embedded engine: {obstacle}")
    if missing:
        why = f" ({obstacle})" if obstacle else ""
        raise InputError(
            f"{model.name} needs the hf engine{why}: install curator-ft[hf] (missing: {', '.join(missing)})"
        )
    if engine == "hf":
        return EngineChoice("hf", "it was asked for")
    if obstacle is not None:
        return EngineChoice("hf", obstacle)
    if find_gguf(model) is None and (device := accelerator()):
        return EngineChoice("hf", f"there is {device} to run on")
    return EngineChoice("embedded", "the model is small and there is no accelerator for it")


def accelerator() -> str | None:
    """The GPU that torch can use ("cuda" or "mps"), or None. Imports torch."""
    import torch  # heavy

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None
