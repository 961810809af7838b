"""The six sums of the status line over analysis results, counted one by one or by SQL over a whole store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from curator.core.problem import Problem, Severity

_RESULTS = """SELECT count(*), coalesce(sum(errors > 0), 0), coalesce(sum(errors = 0 AND warnings > 0), 0),
    coalesce(sum(tokens), 0), coalesce(sum(assistant), 0), count(tokens) FROM result"""
_ERRORS_ONLY_OVERALL = """SELECT count(DISTINCT overall.id) FROM overall JOIN result ON result.id = overall.id
    WHERE overall.severity = 'error' AND result.errors = 0"""
_WARNINGS_UNDER_SUCH_ERRORS = _ERRORS_ONLY_OVERALL + " AND result.warnings > 0"
_WARNINGS_ONLY_OVERALL = """SELECT count(DISTINCT id) FROM overall AS o WHERE severity = 'warning'
    AND EXISTS (SELECT 1 FROM result WHERE result.id = o.id AND errors = 0 AND warnings = 0)
    AND NOT EXISTS (SELECT 1 FROM overall AS e WHERE e.id = o.id AND e.severity = 'error')"""


class SummedResult(Protocol):
    """The part of an analysis result that is summed up: findings by severity, and tokens (None: not counted)."""

    @property
    def errors(self) -> int:
        """Findings at error level of the rules on single examples."""

    @property
    def warnings(self) -> int:
        """Findings at warning level."""

    @property
    def tokens(self) -> int | None:
        """Tokens of the example."""

    @property
    def assistant(self) -> int | None:
        """Tokens of its trained answers."""


@dataclass(slots=True)
class Sums:
    """Sums over some analysis results."""

    analysed: int = 0
    """Examples with a result."""
    errors: int = 0
    """Examples with at least one error."""
    warnings: int = 0
    """Examples with a warning and no error."""
    tokens: int = 0
    assistant: int = 0
    """Tokens of trained answers."""
    counted: int = 0
    """Examples whose tokens are counted."""

    def add(
        self, result: SummedResult, overall_error: bool = False, overall_warning: bool = False, sign: int = 1
    ) -> None:
        """Add one result; with the sign -1 take it away.

        `overall_error` and `overall_warning` say whether a rule on the dataset as a whole found one at the
        example.
        """
        faulty = result.errors > 0 or overall_error
        self.analysed += sign
        self.errors += sign * faulty
        self.warnings += sign * (not faulty and (result.warnings > 0 or overall_warning))
        if result.tokens is not None:
            self.counted += sign
            self.tokens += sign * result.tokens
            self.assistant += sign * (result.assistant or 0)

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) + getattr(other, name) for name in KEYS))

    def __sub__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) - getattr(other, name) for name in KEYS))

    def as_dict(self) -> dict[str, int]:
        """The sums by name, to be stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Sums:
        """The inverse of `as_dict`; what is missing is 0."""
        return cls(*(int(stored.get(name, 0)) for name in KEYS))

    @classmethod
    def of_store(cls, db: sqlite3.Connection) -> Sums:
        """The sums over all results of an `analysis.db`, with the findings of the rules on the whole dataset."""
        sums = cls(*db.execute(_RESULTS).fetchone())
        sums.errors += db.execute(_ERRORS_ONLY_OVERALL).fetchone()[0]
        sums.warnings += db.execute(_WARNINGS_ONLY_OVERALL).fetchone()[0]
        sums.warnings -= db.execute(_WARNINGS_UNDER_SUCH_ERRORS).fetchone()[0]
        return sums


KEYS = tuple(field.name for field in fields(Sums))


def severities(problems: Iterable[Problem]) -> tuple[bool, bool]:
    """Whether there are an error and a warning among some problems."""
    levels = {problem.severity for problem in problems}
    return Severity.ERROR in levels, Severity.WARNING in levels
