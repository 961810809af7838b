"""The rows of the example list, made of stored results, or of examples analysed now."""

from __future__ import annotations

from collections.abc import Sequence

from curator.workspace.analysis.analyst import tally
from curator.workspace.analysis.current_results import CurrentResults
from curator.workspace.records import Row
from curator.workspace.storage.examples import ExampleRow, StoredExamples

COPIES = frozenset({"duplicate_example", "near_duplicate_example"})
"""The rules that find copies of an example."""


CONFLICT = "conflicting_answers"
"""The rule that finds other answers to the same prompt."""


def make_rows(stored: StoredExamples, current_results: CurrentResults, ids: Sequence[int]) -> list[Row]:
    """Rows for some ids, in their order; an example without a result is analysed now, for the row alone."""
    touched = stored.example_rows(ids)
    labels = stored.labels(ids)
    versions = [(i, touched[i].version if i in touched else 0) for i in ids]
    results = current_results.results(versions)
    for example, version in versions:
        if example not in results:
            raw = stored.raw(example, touched.get(example))
            results[example] = current_results.analyst.analyse(example, version, raw).result
    overall = current_results.overall(ids)
    rows, source, ids_of_source = [], None, range(0)
    default_side, surprises = "train" if stored.split_made else None, stored.surprises(ids)
    for example in ids:
        if example not in ids_of_source:
            source = stored.source_of(example)
            ids_of_source = (
                range(0) if source is None else range(source.first_id, source.first_id + source.line_file.lines)
            )
        result, row = results[example], touched.get(example, _UNTOUCHED)
        overall_problems = overall.get(example, ())
        errors, warnings = tally(overall_problems) if overall_problems else (0, 0)
        problems = (*result.problems, *overall_problems)
        rows.append(
            Row(
                id=example,
                line=None if source is None else source.line(example),
                source="" if source is None else source.name,
                preview=result.preview,
                answer=result.answer,
                roles=result.roles,
                messages=result.messages,
                errors=result.errors + errors,
                warnings=result.warnings + warnings,
                rules=tuple(dict.fromkeys([problem.rule for problem in problems])) if problems else (),
                tokens=result.tokens,
                labels=labels.get(example, ()),
                split=None if row.split == "none" else row.split or default_side,
                rating=row.rating,
                review=row.review,
                stale=row.review is not None and row.reviewed != row.version,
                deleted=bool(row.deleted),
                edited=row.version > 0 and source is not None,
                new=source is None,
                duplicate=any(problem.rule in COPIES for problem in overall_problems),
                conflict=any(problem.rule == CONFLICT for problem in overall_problems),
                surprise=surprises.get(example),
            )
        )
    return rows


_UNTOUCHED = ExampleRow(0, None, 0, None, 0, None, None, None, None, None)
"""The row of an example that nobody has touched."""
