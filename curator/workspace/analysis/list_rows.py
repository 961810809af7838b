"""What the list shows: rows made of stored results, or of a look taken now."""

from __future__ import annotations

from collections.abc import Sequence

from curator.workspace.analysis.analyst import tally
from curator.workspace.analysis.current_results import Derived
from curator.workspace.records import Row
from curator.workspace.storage.examples import ExampleRow, StoredExamples

COPIES = frozenset({"duplicate_example", "near_duplicate_example"})
"""Rules that say: there is another one like this."""


def make_rows(stored: StoredExamples, derived: Derived, ids: Sequence[int]) -> list[Row]:
    """Rows for ids in order; examples that nobody has analysed yet are looked at now."""
    touched = stored.example_rows(ids)
    labels = stored.labels(ids)
    versions = [(i, touched[i].version if i in touched else 0) for i in ids]
    results = derived.results(versions)
    for example, version in versions:
        if example not in results:
            results[example] = derived.analyst.look(
                example, version, stored.raw(example, touched.get(example))
            ).result
    overall = derived.overall(ids)
    rows, source, inside = [], None, range(0)
    split = "train" if stored.split_made else None
    for example in ids:
        if example not in inside:
            source = stored.source_of(example)
            inside = (
                range(0) if source is None else range(source.first_id, source.first_id + source.line_file.lines)
            )
        result, row = results[example], touched.get(example, _UNTOUCHED)
        whole = overall.get(example, ())
        errors, warnings = tally(whole) if whole else (0, 0)
        problems = (*result.problems, *whole)
        rows.append(
            Row(
                id=example,
                line=None if source is None else source.line(example),
                source="" if source is None else source.name,
                preview=result.preview,
                roles=result.roles,
                messages=result.messages,
                errors=result.errors + errors,
                warnings=result.warnings + warnings,
                rules=tuple(dict.fromkeys([problem.rule for problem in problems])) if problems else (),
                tokens=result.tokens,
                labels=labels.get(example, ()),
                split=None if row.split == "none" else row.split or split,
                rating=row.rating,
                review=row.review,
                stale=row.review is not None and row.reviewed != row.version,
                deleted=bool(row.deleted),
                edited=row.version > 0 and source is not None,
                new=source is None,
                duplicate=bool(whole) and any(problem.rule in COPIES for problem in whole),
            )
        )
    return rows


_UNTOUCHED = ExampleRow(0, None, 0, None, 0, None, None, None, None, None)
