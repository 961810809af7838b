"""Verdicts on answers in columns of which the first records of a file, by which it is judged, say nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from curator.core.convert.maps import Map
from curator.core.convert.shapes import judges_by_itself
from curator.core.convert.verdicts import Verdict, VerdictColumn, certain_columns, speaking_cells

_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""A verdict is kept as its index in this tuple."""


class LateVerdicts:
    """Collects the values of columns not mapped as verdicts; all values decide whether they are."""

    def __init__(self, by: Map) -> None:
        self._is_open = not judges_by_itself(by)
        self._inside = by.inside[0] if by.inside else ""
        self._settled = {*by.verdict, *by.user, *by.assistant, *by.system}
        self._columns: dict[str, tuple[VerdictColumn, array[int], bytearray]] = {}

    def may_speak(self, left_behind: Iterable[str]) -> bool:
        """Whether a record may hold a verdict, by the places that are left behind of it."""
        prefix = f"{self._inside}." if self._inside else ""
        names = [place.removeprefix(prefix) for place in left_behind]
        return self._is_open and any(True for _ in speaking_cells(dict.fromkeys(names, 1), self._settled))

    def look_at(self, position: int, record: Any) -> None:
        """Note what the record at a position among the lines says."""
        if self._inside and isinstance(record, dict):
            record = record.get(self._inside)
        if not self._is_open:
            return
        for key, value in speaking_cells(record, {*self._settled, *certain_columns(record)}):
            unread = (VerdictColumn(key), array("Q"), bytearray())
            column, positions, verdicts = self._columns.setdefault(key, unread)
            verdict = column.add(value)
            if column.can_be:
                positions.append(position)
                verdicts.append(_VERDICTS.index(verdict))
            else:
                self._columns[key] = (column, array("Q"), bytearray())

    @property
    def columns(self) -> dict[str, int]:
        """The columns that do hold verdicts, with how many could be read."""
        prefix = f"{self._inside}." if self._inside else ""
        unclear = _VERDICTS.index("unclear")
        return {
            prefix + key: len(verdicts) - verdicts.count(unclear)
            for key, (column, _, verdicts) in self._columns.items()
            if column.holds_verdicts
        }

    def added_to(self, verdicts: list[tuple[int, Verdict]]) -> Iterator[tuple[int, Verdict]]:
        """The verdicts that are known together with these; two that disagree are unclear."""
        said = dict(verdicts)
        for column, positions, indexes in self._columns.values():
            if column.holds_verdicts:
                for position, index in zip(positions, indexes, strict=True):
                    verdict = _VERDICTS[index]
                    said[position] = verdict if said.get(position, verdict) == verdict else "unclear"
        yield from said.items()
