"""What a study's process reads and writes in its folder: what is asked, how far it is, the result.

Which files are there tells the study's state, so that it survives every process: `result.json` (succeeded),
`failed.json`, `control` (it was cancelled), a held `lock` (running).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.errors import InputError

REPORT_EVERY = 0.5
"""Least seconds between two reports."""


@dataclass(frozen=True, slots=True)
class StudySpec:
    """The content of `study.json`. `examples` is a JSONL file whose lines trials and questions name, from 0."""

    folder: Path
    kind: str
    model: str
    model_path: Path
    examples: Path
    shared: Path
    """The folder of what studies have in common: results of trials, features of training examples."""
    threads: int
    asked: dict[str, Any]
    """What is asked, by kind: `routes/studies.py`."""

    @staticmethod
    def read(folder: Path) -> StudySpec:
        """Read `study.json` of a study's folder. Raises InputError if it is missing or incomplete."""
        try:
            raw = json.loads((folder / "study.json").read_bytes())
            return StudySpec(
                folder=folder,
                kind=str(raw["kind"]),
                model=str(raw["model"]),
                model_path=Path(raw["model_path"]),
                examples=folder / "examples.jsonl",
                shared=Path(raw["shared"]),
                threads=max(1, int(raw["threads"])),
                asked=dict(raw["asked"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / 'study.json'} cannot be used: {error!r}") from error


@dataclass(slots=True)
class StudyProgress:
    """How far a study is, in units of work: `progress.json`, which is replaced as a whole.

    Work that an earlier process did counts as done, but not for the time that is left.
    """

    folder: Path
    total: float = 0.0
    done: float = 0.0
    doing: str = ""
    _found: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _reported: float = 0.0

    def found(self, units: float) -> None:
        """Count work that was done before."""
        self.done += units
        self._found += units

    def advance(self, units: float) -> None:
        """Count work that is done now, and report it."""
        self.done += units
        self.report()

    def begin(self, doing: str) -> None:
        """Say what is done next."""
        self.doing = doing
        self.report(at_once=True)

    def report(self, at_once: bool = False) -> None:
        """Write the file, unless that was done a moment ago."""
        now = time.monotonic()
        if not at_once and now - self._reported < REPORT_EVERY:
            return
        self._reported = now
        own, remaining = self.done - self._found, max(0.0, self.total - self.done)
        seconds = (now - self._began) / own * remaining if own > 0 else None
        facts = {"done": round(self.done, 3), "total": round(self.total, 3), "doing": self.doing}
        write_json(self.folder / "progress.json", facts | {"seconds_left": seconds})


class StudyStopped(Exception):  # noqa: N818 (it is no error)
    """The study was asked to stop; what it has is on the disk."""


Stop = Callable[[], bool]
"""Whether the study was asked to stop."""


def write_json(path: Path, value: Any) -> None:
    """Replace a file by a value as JSON."""
    write_bytes(path, json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
