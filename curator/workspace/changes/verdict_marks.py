"""Labels and review states of examples whose answers the data itself judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from curator.core.convert.verdicts import Verdict, verdict_of
from curator.core.example import parse
from curator.workspace.storage.open_change import Addition, FieldChange

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
    return verdict_marks(verdicts_of_lines((added.id, added.raw) for added in additions))


def verdicts_of_lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Verdict]]:
    """(number, verdict) of those of some numbered lines whose columns speak of nothing but verdicts.

    A line without such a heading is not parsed.
    """
    for number, raw in lines:
        if b'"label"' in raw or b'"kto_tag"' in raw or b'"verdict"' in raw or b'"desirable"' in raw:
            verdict = verdict_of(parse(raw.strip()).value, ())
            if verdict is not None:
                yield number, verdict
