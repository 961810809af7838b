"""The values that a workspace returns: records, list rows, changes and counts. All are immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from curator.core.example import Example


@dataclass(frozen=True, slots=True)
class Record:
    """One example with its labels, rating, review, note and side of the split."""

    id: int
    example: Example
    line: int | None
    """Line number in its source, from 1; None for an example that was added here."""
    source: str
    """Name of the file it was imported from; empty for an example that was added here."""
    split: str | None
    """`train`, `validation`, `test`, or None: on no side, or there was no split yet."""
    labels: tuple[str, ...] = ()
    rating: int | None = None
    review: str | None = None
    """`accepted`, `rejected`, `flagged` or None."""
    stale: bool = False
    """Whether the example was changed after its review."""
    note: str = ""
    deleted: bool = False
    version: int = 0
    """The id of the change that made these bytes; 0 for those of the source."""

    @property
    def raw(self) -> bytes:
        """The exact bytes, without a line terminator."""
        return self.example.raw

    @property
    def new(self) -> bool:
        """Whether it was added here, not imported."""
        return self.line is None

    @property
    def edited(self) -> bool:
        """Whether it was imported and its bytes were changed here."""
        return self.version > 0 and self.line is not None


class Row(
    Struct, frozen=True, gc=False
):  # a dataclass takes three times as long to make, and each key makes a page
    """What a line of the list shows. Counts are None until the example is analysed."""

    id: int
    line: int | None
    source: str
    preview: str
    """The beginning of the first user text, else of the first text; untrusted."""
    answer: str
    """The beginning of the last assistant text, empty where there is none; untrusted."""
    roles: str
    """One letter for each message (`s`ystem, `d`eveloper, `u`ser, `a`ssistant, `t`ool, `f`unction, `?`)."""
    messages: int
    errors: int | None
    warnings: int | None
    rules: tuple[str, ...]
    tokens: int | None
    labels: tuple[str, ...]
    split: str | None
    rating: int | None
    review: str | None
    stale: bool
    deleted: bool
    edited: bool
    new: bool
    duplicate: bool
    conflict: bool
    """Whether another example has the same prompt and another answer."""
    surprise: float | None = None
    """How surprising its answer was in the last study of suspects; None where it was not studied as it is now."""

    @property
    def mark(self) -> str:
        """`E` (errors), `W` (warnings), `✓` (neither) or `·` (not analysed yet)."""
        if self.errors is None:
            return "·"
        return "E" if self.errors else "W" if self.warnings else "✓"


class Twin(NamedTuple):
    """An example that a change put on the side of its held-out twin, which it copies or contradicts."""

    example: int
    twin: int
    side: str


class Parted(NamedTuple):
    """An example that had joined a held-out twin, copies none any more, and went back to the side before that."""

    example: int
    side: str | None
    """The side on which it is again; None: that of training, as of all that is on no side."""
    held_out: str
    """The side that it left."""


@dataclass(frozen=True, slots=True)
class Change:
    """One action, as it stands in the history; it can be undone."""

    id: int
    kind: str
    label: str
    """What it did in words, e.g. `Labelled 41 examples good`; may quote untrusted text."""
    ids: tuple[int, ...]
    """The examples it touched; empty where these are none, all, or more than 1,000."""
    examples: int
    created_at: float
    """Unix time, to be shown; changes are ordered by id."""
    undone: bool = False
    reverts: int | None = None
    """For an undo or redo, the id of the change that it took back or did again."""
    twins: tuple[Twin, ...] = ()
    """The examples that joined the side of a held-out twin by it; only in what the change itself returns."""
    parted: tuple[Parted, ...] = ()
    """The examples that had joined such a twin and went back, as they copy none any more since this change."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals over the examples that are not deleted; findings and tokens cover the `analysed` ones."""

    examples: int
    deleted: int
    edited: int
    new: int
    reviewed: int
    train: int
    validation: int
    test: int
    analysed: int
    errors: int
    """Examples with at least one error."""
    warnings: int
    """Examples with warnings and no error."""
    rules: dict[str, int] = field(default_factory=dict)
    """Number of findings by rule."""
    tokens: int | None = None
    """Sum over the examples counted so far; None where there are none."""
    assistant_tokens: int | None = None
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> int:
        """Analysed examples without an error or a warning."""
        return self.analysed - self.errors - self.warnings
