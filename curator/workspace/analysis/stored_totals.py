"""Totals over all stored results, kept beside them so that reopening shows them without a pass."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from curator.workspace.analysis.result_store import Result, Results

_SUMS = """SELECT count(*), coalesce(sum(errors > 0), 0), coalesce(sum(errors = 0 AND warnings > 0), 0),
    coalesce(sum(tokens), 0), coalesce(sum(assistant), 0), count(tokens) FROM result"""
_ONLY_OVERALL = """SELECT count(DISTINCT overall.id) FROM overall JOIN result ON result.id = overall.id
    WHERE overall.severity = ? AND result.errors = 0"""
_KEYS = ("analysed", "errors", "warnings", "tokens", "assistant", "counted")


class Totals:
    """Sums of the result table and findings by rule; `add` while rows come in, `recount` when rows changed."""

    def __init__(self, results: Results) -> None:
        self._results = results
        stored = orjson.loads(results.about("totals") or "{}")
        self._rules: dict[str, int] = stored.pop("rules", {})
        self._sums: dict[str, int] = {key: stored.get(key, 0) for key in _KEYS}

    def add(self, found: Iterable[Result]) -> None:
        """Count rows that were not there before."""
        sums, by_rule = self._sums, self._rules
        for result in found:
            sums["analysed"] += 1
            sums["errors"] += result.errors > 0
            sums["warnings"] += result.errors == 0 and result.warnings > 0
            sums["tokens"] += result.tokens or 0
            sums["assistant"] += result.assistant or 0
            sums["counted"] += result.tokens is not None
            for problem in result.problems:
                by_rule[problem.rule] = by_rule.get(problem.rule, 0) + 1
        self._save()

    def recount(self) -> None:
        """Count everything anew, what the rules over the whole dataset found included."""
        db = self._results.db
        self._sums = dict(zip(_KEYS, db.execute(_SUMS).fetchone(), strict=True))
        errors = db.execute(_ONLY_OVERALL, ("error",)).fetchone()[0]
        covered = db.execute(
            """SELECT count(DISTINCT overall.id) FROM overall JOIN result ON result.id = overall.id
            WHERE overall.severity = 'error' AND result.errors = 0 AND result.warnings > 0"""
        ).fetchone()[0]
        warnings = db.execute(
            """SELECT count(DISTINCT id) FROM overall AS o WHERE severity = 'warning'
            AND EXISTS (SELECT 1 FROM result WHERE result.id = o.id AND errors = 0 AND warnings = 0)
            AND NOT EXISTS (SELECT 1 FROM overall AS e WHERE e.id = o.id AND e.severity = 'error')"""
        ).fetchone()[0]
        self._sums["errors"] += errors
        self._sums["warnings"] += warnings - covered
        rules = dict(db.execute("SELECT rule, sum(count) FROM finding GROUP BY rule"))
        for rule, count in db.execute("SELECT rule, count(*) FROM overall WHERE id IS NOT NULL GROUP BY rule"):
            rules[rule] = rules.get(rule, 0) + count
        self._rules = rules
        self._save()

    def _save(self) -> None:
        self._results.set_about("totals", orjson.dumps({**self._sums, "rules": self._rules}).decode())
