"""Totals for the status line, without a pass over all examples."""

from __future__ import annotations

from collections import Counter

from curator.workspace.analysis.current_results import CurrentResults
from curator.workspace.analysis.sums import Sums, severities
from curator.workspace.records import Counts
from curator.workspace.storage.examples import StoredExamples


def count(stored: StoredExamples, current_results: CurrentResults) -> Counts:
    """Counts over the examples that are not deleted."""
    sums, rules = _analysis_totals(stored, current_results)
    live = len(stored.order.live)
    current_results.mark_counts.update(stored)
    marks = current_results.mark_counts.counts
    train = marks["train"]
    if stored.split_made:
        train = live - marks["validation"] - marks["test"] - marks["none"]
    return Counts(
        examples=live,
        deleted=marks["deleted"],
        edited=marks["edited"],
        new=marks["new"],
        reviewed=marks["reviewed"],
        train=train,
        validation=marks["validation"],
        test=marks["test"],
        analysed=sums.analysed,
        errors=sums.errors,
        warnings=sums.warnings,
        rules=rules,
        tokens=sums.tokens if sums.counted else None,
        assistant_tokens=sums.assistant if sums.counted else None,
        labels=dict(sorted(current_results.mark_counts.labels.items())),
    )


def _analysis_totals(stored: StoredExamples, current_results: CurrentResults) -> tuple[Sums, dict[str, int]]:
    """Sums and findings by rule over analysed examples that are not deleted: the child's totals, less its outdated
    results, and this process's results that the child lacks."""
    sums, rules = Sums(), Counter[str]()
    store, fresh = current_results.file, current_results.fresh
    if store is not None:
        outdated = current_results.outdated()
        sums = outdated.stored_sums - outdated.sums
        rules.update(outdated.stored_rules)
        rules.subtract(outdated.rules)
    ids = [row[0] for row in fresh.db.execute("SELECT id FROM result")]
    touched = stored.example_rows(ids)
    ids = [i for i in ids if i not in touched or not touched[i].deleted]
    overall = current_results.overall(ids) if current_results.inline else {}
    stored_versions = store.versions(ids) if store is not None else {}
    fresh_versions = dict(fresh.db.execute("SELECT id, version FROM result"))
    for result in fresh.get([i for i in ids if stored_versions.get(i) != fresh_versions[i]]).values():
        overall_problems = overall.get(result.id, ())
        sums.add(result, *severities(overall_problems))
        rules.update(problem.rule for problem in (*result.problems, *overall_problems))
    return sums, {rule: n for rule, n in sorted(rules.items()) if n > 0}
