"""Totals for the status line, without a pass over everything."""

from __future__ import annotations

from collections import Counter

from curator.core.problem import Problem
from curator.workspace.analysis.current_results import Derived, total_of
from curator.workspace.analysis.outdated_results import KEYS
from curator.workspace.analysis.result_store import Result
from curator.workspace.records import Counts
from curator.workspace.storage.examples import StoredExamples


def count(stored: StoredExamples, derived: Derived) -> Counts:
    """Counts over the examples that are not deleted: the child's totals, corrected by what changed since."""
    totals, rules = _derived_totals(stored, derived)
    live = len(stored.order.live)
    derived.marks.settle(stored)
    marks = derived.marks.counts
    train = marks["train"]
    if stored.split_made:
        train = live - marks["validation"] - marks["none"]
    return Counts(
        examples=live,
        deleted=marks["deleted"],
        edited=marks["edited"],
        new=marks["new"],
        reviewed=marks["reviewed"],
        train=train,
        validation=marks["validation"],
        analysed=totals["analysed"],
        errors=totals["errors"],
        warnings=totals["warnings"],
        rules=rules,
        tokens=totals["tokens"] if totals["counted"] else None,
        assistant_tokens=totals["assistant"] if totals["counted"] else None,
        labels=dict(sorted(derived.marks.labels.items())),
    )


def _derived_totals(stored: StoredExamples, derived: Derived) -> tuple[dict[str, int], dict[str, int]]:
    """Totals and findings by rule over the live examples that somebody looked at."""
    totals, rules = dict.fromkeys(KEYS, 0), Counter[str]()
    if derived.file is not None:
        wrong = derived.wrong()
        totals = {key: int(wrong.whole.get(key, 0)) - wrong.totals[key] for key in KEYS}
        rules = Counter(wrong.whole.get("rules", {}))
        rules.subtract(wrong.rules)
    ids = [row[0] for row in derived.fresh.db.execute("SELECT id FROM result")]
    touched = stored.example_rows(ids)
    ids = [i for i in ids if i not in touched or not touched[i].deleted]
    overall = derived.overall(ids) if derived.inline else {}
    have = derived.file.versions(ids) if derived.file is not None else {}
    ours = dict(derived.fresh.db.execute("SELECT id, version FROM result"))
    fresh = list(derived.fresh.get([i for i in ids if have.get(i) != ours[i]]).values())
    _add(totals, rules, fresh, overall)
    return totals, {rule: n for rule, n in sorted(rules.items()) if n > 0}


def _add(
    totals: dict[str, int], rules: Counter[str], results: list[Result], overall: dict[int, list[Problem]]
) -> None:
    for key, number in total_of(results, overall).items():
        totals[key] += number
    for result in results:
        rules.update(problem.rule for problem in (*result.problems, *overall.get(result.id, ())))
