"""The totals over all results of `analysis.db`, stored in it, so that opening a workspace needs no pass over
them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from curator.workspace.analysis.result_store import Result, Results
from curator.workspace.analysis.sums import Sums


class StoredTotals:
    """Sums over the results, and findings by rule: `add` new results, `recount` after results were replaced."""

    def __init__(self, results: Results) -> None:
        self._results = results
        stored = orjson.loads(results.fact("totals") or "{}")
        self._rules: dict[str, int] = stored.get("rules", {})
        self._sums = Sums.from_dict(stored)

    def add(self, results: Iterable[Result]) -> None:
        """Count results of examples that had none."""
        by_rule = self._rules
        for result in results:
            self._sums.add(result)
            for problem in result.problems:
                by_rule[problem.rule] = by_rule.get(problem.rule, 0) + 1
        self._save()

    def recount(self) -> None:
        """Count everything anew, the findings of the rules on the dataset as a whole included."""
        db = self._results.db
        self._sums = Sums.of_store(db)
        rules = dict(db.execute("SELECT rule, sum(count) FROM finding GROUP BY rule"))
        for rule, count in db.execute("SELECT rule, count(*) FROM overall WHERE id IS NOT NULL GROUP BY rule"):
            rules[rule] = rules.get(rule, 0) + count
        self._rules = rules
        self._save()

    def _save(self) -> None:
        totals = {**self._sums.as_dict(), "rules": self._rules}
        self._results.set_fact("totals", orjson.dumps(totals).decode())
