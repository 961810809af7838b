"""What was read of files that are to be imported, before they are part of a workspace."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from curator.core.convert.maps import KEEP
from curator.core.convert.verdicts import Verdict
from curator.workspace.exchange.late_verdicts import LateVerdicts
from curator.workspace.exchange.marks_file import MarkedLine, Marks
from curator.workspace.files.preview import Preview


@dataclass(slots=True)
class PreparedFile:
    """A file that was copied to `sources/` but is not yet part of the workspace."""

    preview: Preview
    file: str
    lines: int
    stat: os.stat_result
    """Of the file before it was read."""
    added: int = 0
    duplicates: int = 0
    broken: int = 0
    misfits: list[tuple[int, str]] = field(default_factory=list)
    """(line, reason) of the records that the map did not fit; they are kept as they are."""
    left_behind: Counter[str] = field(default_factory=Counter)
    """Places of records that are in no example (`conversations[].weight`), with how many records have them."""
    lines_read: int = 0
    """Physical lines that were looked at on the way of a copy."""
    verdicts: list[tuple[int, Verdict]] = field(default_factory=list)
    """(position among the lines, what is said) of the answers that the data judges."""
    late_verdicts: LateVerdicts = field(default_factory=partial(LateVerdicts, KEEP))
    """What columns say that the first records did not speak of."""
    beside: list[MarkedLine] | None = None
    """What the file with marks beside it holds; None where there is none."""
    hashes: list[str] = field(default_factory=list)
    """The hash of each line, where there are marks beside the file."""
    marks: dict[int, Marks] = field(default_factory=dict)
    """Labels, ratings, reviews and notes by position among the lines."""
    lost_marks: int = 0
    """Marks beside the file that fit no line of it."""
    keys_taken: bool = False
    """Whether marks stood under a key of the lines, which was taken out."""

    def settle_late_verdicts(self) -> None:
        """Use the verdicts of columns that the first records lack; they count as left behind no longer."""
        self.verdicts = [*self.late_verdicts.added_to(self.verdicts)]
        self.left_behind -= Counter(self.late_verdicts.columns)

    @property
    def marked(self) -> int:
        """How many examples have marks."""
        return len(self.marks)

    @property
    def unmapped(self) -> int:
        """How many records the map did not fit."""
        return len(self.misfits)

    @property
    def bad(self) -> int:
        """How many answers the data calls bad."""
        return sum(verdict == "bad" for _, verdict in self.verdicts)

    @property
    def unclear(self) -> int:
        """How many answers have a verdict that cannot be read."""
        return sum(verdict == "unclear" for _, verdict in self.verdicts)


@dataclass(slots=True)
class Import:
    """The prepared files of one import; `added` counts all records, `duplicates` and `broken` some of these."""

    files: list[PreparedFile] = field(default_factory=list)

    def total(self, name: str) -> int:
        """The sum of a count (`added`, `broken`, …) over all files."""
        return sum(int(getattr(file, name)) for file in self.files)

    @property
    def left_behind(self) -> Counter[str]:
        """Places of records that are in no example, with how many records have them."""
        return sum((file.left_behind for file in self.files), Counter[str]())

    @property
    def format(self) -> str:
        """The shape of the files, `mixed` where they differ."""
        shapes = {file.preview.shape for file in self.files}
        return shapes.pop() if len(shapes) == 1 else "mixed"
