"""Which rows the search found to be copies of each other, without comparing any two of them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.groups import Pair


class KnownCopies:
    """Rows that say the same by equality or by a verified pair; a copy of a copy is none.

    `equal` are sets of rows that say the same word for word, `pairs` the verified pairs at the threshold.
    """

    def __init__(self, equal: Iterable[Sequence[int]], pairs: Iterable[Pair]) -> None:
        self._forms = DisjointSets()
        for rows in equal:
            for other in rows[1:]:
                self._forms.join(rows[0], other)
        self._alike: dict[int, set[int]] = {}
        for pair in pairs:
            if pair.relation == "copy":
                a, b = self._forms.find(pair.a), self._forms.find(pair.b)
                self._alike.setdefault(a, set()).add(b)
                self._alike.setdefault(b, set()).add(a)

    def across(self, rows: Iterable[int], others: Iterable[int]) -> Iterator[tuple[list[int], list[int]]]:
        """The sets of rows that say the same, each with its copies among some others, in order."""
        others_by_form = self._by_form(others)
        for form, same_rows in self._by_form(rows).items():
            alike = others_by_form.keys() & {form, *self._alike.get(form, ())}
            if alike:
                yield same_rows, sorted(other for each in alike for other in others_by_form[each])

    def _by_form(self, rows: Iterable[int]) -> dict[int, list[int]]:
        by_form: dict[int, list[int]] = {}
        for row in rows:
            by_form.setdefault(self._forms.find(row), []).append(row)
        return by_form
