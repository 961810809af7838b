"""A job's checkpoints, the same for both engines: PEFT adapter folders `ckpt-STEP` inside the job's folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from curator.atomic import sync_folder

KEPT_CHECKPOINTS = 3


def publish_checkpoint(
    job_folder: Path, step: int, fill: Callable[[Path], None], kept_step: int | None = None
) -> str:
    """Have `fill` write the adapter's files into a hidden folder, rename that to `ckpt-STEP` and return the name.

    The last three checkpoints are kept, and that of `kept_step`; older ones are removed.
    """
    name = f"ckpt-{step}"
    part = job_folder / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fill(part)
    shutil.rmtree(job_folder / name, ignore_errors=True)
    part.rename(job_folder / name)
    sync_folder(job_folder)
    steps = sorted(int(path.name[5:]) for path in job_folder.glob("ckpt-*") if path.name[5:].isdigit())
    for old in steps[:-KEPT_CHECKPOINTS]:
        if old == kept_step:
            continue
        shutil.rmtree(job_folder / f"ckpt-{old}", ignore_errors=True)
    return name
