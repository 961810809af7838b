"""Labels and review states of examples whose answers the data itself judges."""

from __future__ import annotations

from collections.abc import Iterable

from curator.core.convert.verdicts import Verdict, certain_columns, verdict_of
from curator.core.example import parse
from curator.workspace.storage.journal import Addition, FieldChange

_REVIEWS: dict[Verdict, str] = {"good": "accepted", "bad": "rejected", "unclear": "flagged"}


def verdict_marks(verdicts: Iterable[tuple[int, Verdict]]) -> list[FieldChange]:
    """The marks of some (id, verdict): `good`, accepted; `bad`, rejected; `unclear`, flagged."""
    parts: list[FieldChange] = []
    for example, verdict in verdicts:
        parts.append(FieldChange(example, f"label:{verdict}", 0, 1))
        parts.append(FieldChange(example, "review", None, _REVIEWS[verdict]))
        parts.append(FieldChange(example, "reviewed", None, 0))
    return parts


def marks_of_lines(additions: Iterable[Addition]) -> list[FieldChange]:
    """The marks of new lines whose columns speak of nothing but verdicts."""
    verdicts: list[tuple[int, Verdict]] = []
    for added in additions:
        value = parse(added.raw).value
        verdict = verdict_of(value, certain_columns(value))
        if verdict is not None:
            verdicts.append((added.id, verdict))
    return verdict_marks(verdicts)
