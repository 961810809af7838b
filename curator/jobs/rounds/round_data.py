"""The data that a round was trained with: its lines, and a copy with the same sha256."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from pathlib import Path

from curator import atomic
from curator.errors import InputError
from curator.jobs.ledger.ledger import Ledger, Run

_PIECE = 1 << 20


@dataclass(frozen=True)
class RoundLines:
    """The lines of a dataset file that never changes, read one by one; `starts` are their places and the end."""

    path: Path
    starts: list[int]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, index: int) -> bytes:
        """A line without its end."""
        with self.path.open("rb") as file:
            file.seek(self.starts[index])
            return file.read(self.starts[index + 1] - self.starts[index]).removesuffix(b"\n")


def frozen_file(ledger: Ledger, run: Run, side: str = "train") -> Path:
    """The file of a run's training or validation examples. Raises InputError where it has none, or it is gone."""
    digest = run.dataset_sha256 if side == "train" else run.validation_sha256
    if not digest:
        raise InputError("this round had no validation examples" if side != "train" else "its data is not known")
    path = ledger.datasets / f"{digest}.jsonl"
    if path.is_symlink() or not path.is_file():
        raise InputError(
            f"the data of this round is gone: there is no {path.name} in {path.parent}. R goes back to its "
            "revision, from which E writes it again."
        )
    return path


def read_lines(path: Path) -> RoundLines:
    """Find where the lines of a file begin; it is not read into memory. Raises InputError."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if not size:
                return RoundLines(path, [0])
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return RoundLines(path, _starts(content, size))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _starts(content: mmap.mmap, size: int) -> list[int]:
    import numpy as np  # heavy

    starts = [0]
    for begin in range(0, size, 64 * _PIECE):
        part = np.frombuffer(content[begin : begin + 64 * _PIECE], dtype=np.uint8)
        starts += (np.flatnonzero(part == 10) + begin + 1).tolist()
    return starts if starts[-1] == size else [*starts, size]


def copy_data(source: Path, target: Path) -> str:
    """Copy a frozen file and return the sha256 of what was written, which is in its name.

    Raises InputError where the copy is not what the name promises, or cannot be written; then nothing is written.
    """
    digest = hashlib.sha256()
    try:
        with source.open("rb") as file, atomic.replacing(target) as out:
            while piece := file.read(_PIECE):
                digest.update(piece)
                out.write(piece)
            if digest.hexdigest() != source.stem:
                raise InputError(
                    f"{source} was changed: its sha256 is not the one in its name. Nothing is written."
                )
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    return digest.hexdigest()
