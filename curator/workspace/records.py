"""What the workspace hands out: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from curator.core.example import Example


@dataclass(frozen=True, slots=True)
class Record:
    """One example with everything people said about it."""

    id: int
    example: Example
    line: int | None
    """Physical line in its source, from 1; None for an example that was made here."""
    source: str
    """Name of the file it came from; empty for an example that was made here."""
    split: str | None
    """`train`, `validation`, or None where no split was made."""
    labels: tuple[str, ...] = ()
    rating: int | None = None
    review: str | None = None
    """`accepted`, `rejected`, `flagged` or None."""
    stale: bool = False
    """The example changed after its review."""
    note: str = ""
    deleted: bool = False
    version: int = 0
    """The change that made these bytes; 0 for the bytes of the source."""

    @property
    def raw(self) -> bytes:
        """The exact bytes, without a line terminator."""
        return self.example.raw

    @property
    def new(self) -> bool:
        """Made in Curator, not imported."""
        return self.line is None

    @property
    def edited(self) -> bool:
        """An imported example whose bytes were changed here."""
        return self.version > 0 and self.line is not None


class Row(Struct, frozen=True, gc=False):  # made by the page: a dataclass takes three times as long
    """What a line of the list shows. Counts are None while they are not known yet."""

    id: int
    line: int | None
    source: str
    preview: str
    """The first user text (else the first text), cut; untrusted."""
    roles: str
    """One letter a message in order (`s`ystem, `d`eveloper, `u`ser, `a`ssistant, `t`ool, `f`unction, `?`)."""
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

    @property
    def mark(self) -> str:
        """`E`, `W`, `✓` or, where it is not checked yet, `·`."""
        if self.errors is None:
            return "·"
        return "E" if self.errors else "W" if self.warnings else "✓"


@dataclass(frozen=True, slots=True)
class Change:
    """What one action did; its inverse is kept with it."""

    id: int
    kind: str
    label: str
    """In words, e.g. `Labelled 41 examples good`; may quote untrusted text."""
    ids: tuple[int, ...]
    """The examples it touched; empty where it touched all or none, and in long lists."""
    examples: int
    created_at: float
    """Unix time, for people; the order is that of the ids."""
    undone: bool = False
    reverts: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals over the examples that are not deleted; what rests on analysis covers `analysed` of them."""

    examples: int
    deleted: int
    edited: int
    new: int
    reviewed: int
    train: int
    validation: int
    analysed: int
    errors: int
    """Examples with at least one error."""
    warnings: int
    """Examples with warnings and no error."""
    rules: dict[str, int] = field(default_factory=dict)
    """Findings by rule."""
    tokens: int | None = None
    """Total of what is counted so far; None where nothing is."""
    assistant_tokens: int | None = None
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> int:
        """Analysed examples without an error or a warning."""
        return self.analysed - self.errors - self.warnings
