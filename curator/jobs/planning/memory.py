"""What a training on this machine will take of its memory, told before it starts."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from curator import paths
from curator.jobs.planning.plan import Params
from curator.jobs.providers import Provider

_RANK, _BATCH = 16, 8
"""The local server's defaults."""


def memory_for(
    provider: Provider, model: str, method: str, params: Params, tokens: Sequence[int], threads: int | None = None
) -> int | None:
    """About how many bytes the training takes; None where it does not run here, or not by the embedded engine.
    `tokens`: of each example."""
    if provider.kind != "local" or not provider.managed or importlib.util.find_spec("torch") is not None:
        return None
    from curator.basemodels import training_memory  # heavy: NumPy

    return training_memory.of_folder(
        paths.models_dir() / model,
        tokens,
        batch=params.batch_size or _BATCH,
        rank=params.lora_rank or _RANK,
        threads=threads or os.cpu_count() or 1,
        packing=params.packing is not False and method != "dpo",
    )


def memory_notice(needed: int | None, free: int | None) -> str | None:
    """A sentence where a training takes more memory than is free."""
    if needed is None or free is None or needed <= free:
        return None
    return (
        f"This training takes about {gigabytes(needed)} of memory, and {gigabytes(free)} are free: "
        "smaller batches, a lower rank or a smaller model take less."
    )


def gigabytes(size: int) -> str:
    """A size in words, such as "1.5 GB"."""
    return f"{size / 1e9:.1f} GB"


def free_memory() -> int | None:
    """Bytes of memory that programs can have without swapping; None where the system does not tell (not Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
