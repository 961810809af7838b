"""Evaluates a query to a mask: one byte for each possible id, 1 where the example matches."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

from curator.core.duplicates.texts import messages_of
from curator.core.example import parse
from curator.core.query.query import And, Choice, Not, Or, Query, Range, Text, mentions
from curator.errors import UsageError
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.analyst import PREVIEW_CHARS, answer_text
from curator.workspace.analysis.current_results import CurrentResults
from curator.workspace.search.answer_order import order_by_answer
from curator.workspace.search.text_scan import scan
from curator.workspace.search.view import View
from curator.workspace.storage.example_order import START, Order
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.id_mask import IdMask

Mask = bytearray
SORTS = (
    "line",
    "id",
    "tokens",
    "messages",
    "errors",
    "rating",
    "split",
    "labels",
    "review",
    "source",
    "length",
    "text",
    "prompt",
    "answer",
    "surprise",
)
_SORTED_BY_TEXT = {"text": "lower(preview)", "prompt": "lower(preview)"}
"""The SQL expression for each sort by words."""
_DUPLICATES = ("duplicate_example", "near_duplicate_example")


Meanwhile = Callable[[View], None]
"""Called with the matches so far."""
FIRST = 100
"""This number of matches fills a screen: they are reported at once."""
PATIENCE = 0.1
"""Seconds between two calls of `Meanwhile`, which may raise to stop the search."""


class QueryEvaluation:
    """One evaluation of a query over a workspace as it is now."""

    def __init__(
        self, stored: StoredExamples, current_results: CurrentResults, guard: AbstractContextManager[object]
    ) -> None:
        self.stored = stored
        self.current_results = current_results
        self.guard = guard
        with guard:
            self.size = stored.next_id()
        self._last: Query | None = None
        """The text node that is evaluated last, among the matches of all others: its matches are the answer."""
        self._meanwhile: Callable[[Mask], None] = lambda mask: None

    def view(
        self, query: Query, text: str, sort: str, descending: bool, meanwhile: Meanwhile | None = None
    ) -> View:
        """The matching ids in order. Raises UsageError for an unknown sort.

        `meanwhile` is called every `PATIENCE` seconds while text is searched: with the matches so far where they
        are the beginning of the answer, else with an empty view. What it raises ends the search.
        """
        sort = "" if sort in ("line", "position") else sort
        if sort and sort not in SORTS:
            raise UsageError(f"cannot sort by '{sort}': use one of {', '.join(SORTS)}")
        with self.guard:
            order, all_ids, live = self.stored.order, self.stored.order.all, self.stored.order.live
        if meanwhile is not None:
            final = order.ascending and not sort and not descending and not mentions(query, "is", "deleted")
            self._last = _last(query) if final else None
            self._meanwhile = lambda mask: meanwhile(View(self._live_ids(mask, order), text, ascending_ids=True))
        if query == And():
            ids = live
        elif mentions(query, "is", "deleted"):
            ids = self._ids_in_order(self.mask(query, None), all_ids)
        else:
            ids = self._live_ids(self.mask(query, None), order)
        starts: Sequence[int] = ()
        if sort == "answer":
            with self.guard:
                ids, starts = self._by_answer(ids, descending)
        elif sort:
            with self.guard:
                ids = self._sorted(ids, sort, descending)
        elif descending:
            ids = ids[::-1]
        ascending = order.ascending and not sort and not descending
        return View(ids, text, sort, descending, ascending, starts)

    def _live_ids(self, mask: Mask, order: Order) -> Sequence[int]:
        """The ids of a mask that are not deleted, in order."""
        if not order.ascending:
            return self._ids_in_order(mask, order.live)
        if order.live == range(1, self.size):
            return IdMask(Mask(1) + mask[1:])
        with self.guard:
            return IdMask(_combine([mask, order.mask(self.size)], int.__and__))

    def _ids_in_order(self, mask: Mask, domain: Sequence[int]) -> Sequence[int]:
        return array("q", (example for example in domain if example < self.size and mask[example]))

    def mask(self, query: Query, within: Mask | None) -> Mask:
        """1 for each example for which the query holds, else 0; also 0, perhaps, where `within` is given and 0."""
        if isinstance(query, And):
            return self._all(query.items, within)
        if isinstance(query, Or):
            if ranges := [item for item in query.items if isinstance(item, Range) and item.field == "id"]:
                others = tuple(item for item in query.items if item not in ranges)
                of_ids = self._ids_in(ranges)
                return _combine([of_ids, self.mask(Or(others), within)], int.__or__) if others else of_ids
            masks = [self.mask(item, within) for item in sorted(query.items, key=_cost)]
            return _combine(masks, int.__or__)
        if isinstance(query, Not):
            inner = self.mask(query.item, within)
            return Mask(inner.translate(_FLIP))
        if isinstance(query, Text):
            return self._text(query, within)
        with self.guard:
            return self._range(query) if isinstance(query, Range) else self._choice(query)

    def _all(self, items: Sequence[Query], within: Mask | None) -> Mask:
        for item in sorted(items, key=_cost):
            matches = self.mask(item, within)
            within = matches if within is None else _combine([within, matches], int.__and__)
        return Mask(b"\1" * self.size) if within is None else within

    def _text(self, text: Text, within: Mask | None) -> Mask:
        """The matches of a text node; reports those so far to `meanwhile`."""
        mask = Mask(self.size)
        with self.guard:
            states, roles = self.current_results.flags.columns(self.size, "states", "roles")
        count, last_call = 0, time.monotonic()
        for start, matches in scan(self.stored, text, within, (states, roles), self.guard):
            end = min(start + len(matches), self.size)  # examples behind it were added meanwhile
            mask[start:end] = matches[: max(0, end - start)]
            more = matches.count(1)
            if count < FIRST <= count + more or time.monotonic() - last_call > PATIENCE:
                self._meanwhile(mask if text is self._last else Mask(self.size))
                last_call = time.monotonic()
            count += more
        return mask

    def _range(self, query: Range) -> Mask:
        """The matches of a comparison such as `tokens:>100`."""
        if query.field == "id":
            return self._ids_in([query])
        if query.field == "line":
            return self._lines(query)
        if query.field == "surprise":
            return self._mask_of((i,) for i, number in self.stored.surprises().items() if query.holds(number))
        if query.field == "rating":
            where, values = _between("rating", query)
            return self._mask_of(self._ids_where(where, values))
        self.current_results.prepare()
        if query.field == "tokens":
            self.current_results.require_tokens()
            if all(bound is None or bound < flags.MOST_TOKENS for bound in (query.low, query.high)):
                return self._tokens(query)
        elif all(bound is None or bound < flags.MANY for bound in (query.low, query.high)):
            low, high = math.ceil(query.low or 0), flags.MANY if query.high is None else math.floor(query.high)
            return self._messages(low, high)
        where, values = _between(query.field, query)
        return self.current_results.flags.select(where, values, self.size)

    def _messages(self, low: int, high: int) -> Mask:
        counts = self.current_results.flags.columns(self.size, "messages")[0].translate(flags.between(low, high))
        return counts if low > 0 else _combine([counts, self._states(flags.LOOKED, flags.LOOKED)], int.__and__)

    def _tokens(self, query: Range) -> Mask:
        """The matches of a range of token counts, from the columns `low` and `high`."""
        low, high = self.current_results.flags.columns(self.size, "low", "high")
        if query.high is not None and query.high < 0:
            return Mask(self.size)
        enough = flags.at_least(low, high, max(0, math.ceil(query.low or 0)))
        if query.high is None:
            return enough
        above = flags.at_least(low, high, math.floor(query.high) + 1)
        return _combine([enough, Mask(above.translate(_FLIP))], int.__and__)

    def _states(self, bits: int, among: int) -> Mask:
        return self.current_results.flags.columns(self.size, "states")[0].translate(flags.having(bits, among))

    def _ids_in(self, ranges: Sequence[Range]) -> Mask:
        """The matches of at least one of many ranges of ids, in one mask."""
        mask = Mask(self.size)
        for each in ranges:
            low = max(0, int(each.low or 0))
            high = min(self.size - 1, self.size if each.high is None else int(each.high))
            mask[low : high + 1] = b"\1" * max(0, high + 1 - low)
        return mask

    def _lines(self, query: Range) -> Mask:
        """The matches of a range of line numbers."""
        mask = Mask(self.size)
        low = 0 if query.low is None else int(query.low)
        high = self.size if query.high is None else int(query.high)
        for source in self.stored.sources:
            if len(source.numbers):
                for number, line in enumerate(source.numbers):
                    mask[source.first_id + number] = int(low <= line <= high)
                continue
            first, last = max(low, 1) - 1, min(high, source.line_file.lines) - 1
            if last >= first:
                mask[source.first_id + first : source.first_id + last + 1] = b"\1" * (last + 1 - first)
        return mask

    def _choice(self, query: Choice) -> Mask:
        leaf: Callable[[str], Mask] = getattr(self, f"_{query.field}")
        return _combine([leaf(value) for value in query.values], int.__or__)

    def _is(self, state: str) -> Mask:
        """The matches of `is:STATE`."""
        if state == "deleted":
            return self._mask_of(self._ids_where("deleted = 1"))
        if state == "edited":
            return self._mask_of(self._ids_where("version > 0 AND place IS NULL"))
        if state == "new":
            return self._mask_of(self._ids_where("place IS NOT NULL"))
        if state == "reviewed":
            return self._mask_of(self._ids_where("review IS NOT NULL AND reviewed = version"))
        self.current_results.prepare()
        if state == "duplicate":
            return _combine([self._rule(rule) for rule in _DUPLICATES], int.__or__)
        if state == "conflict":
            return self._rule("conflicting_answers")
        states_with_overall = self.current_results.flags.states_with_overall
        if state == "clean":
            bad = flags.ERROR | flags.WARNING
            return states_with_overall(self.size, bad).translate(flags.having(flags.LOOKED, flags.LOOKED | bad))
        bit = flags.ERROR if state == "error" else flags.WARNING
        return states_with_overall(self.size, bit).translate(flags.having(bit, bit))

    def _rule(self, rule: str) -> Mask:
        self.current_results.prepare()
        if rule == "example_too_long":
            self.current_results.require_tokens()
        return self.current_results.flags.with_finding(rule, self.size)

    def _role(self, role: str) -> Mask:
        self.current_results.prepare()
        bit = flags.ROLES[role]
        return self.current_results.flags.columns(self.size, "roles")[0].translate(flags.having(bit, bit))

    def _label(self, label: str) -> Mask:
        return self._mask_of(self.stored.db.execute("SELECT example FROM label WHERE label = ?", (label,)))

    def _split(self, split: str) -> Mask:
        if split in ("validation", "test"):
            return self.stored.sides().mask(self.size, split)
        if split == "train" and self.stored.split_made:
            return Mask(self.stored.sides().mask(self.size, "validation", "test", "none").translate(_FLIP))
        mask = self._mask_of(self._ids_where("split = ?", (split,)))
        default = "train" if self.stored.split_made else "none"
        if split != default:
            return mask
        others = self._mask_of(self._ids_where("split IS NOT NULL AND split <> ?", (split,)))
        return Mask(others.translate(_FLIP))

    def _review(self, state: str) -> Mask:
        if state == "none":
            return Mask(self._mask_of(self._ids_where("review IS NOT NULL")).translate(_FLIP))
        return self._mask_of(self._ids_where("review = ?", (state,)))

    def _source(self, name: str) -> Mask:
        mask = Mask(self.size)
        for source in self.stored.sources:
            if source.name == name or source.name.lower() == name.lower():
                mask[source.first_id : source.first_id + source.line_file.lines] = b"\1" * source.line_file.lines
        return mask

    def _ids_where(self, where: str, values: Sequence[object] = ()) -> Iterable[tuple[int]]:
        return self.stored.db.execute(f"SELECT id FROM example WHERE {where}", tuple(values))

    def _mask_of(self, rows: Iterable[tuple[int]]) -> Mask:
        mask = Mask(self.size)
        for (example,) in rows:
            if START < example < self.size:
                mask[example] = 1
        return mask

    def _sorted(self, ids: Sequence[int], sort: str, descending: bool) -> Sequence[int]:
        if sort == "id":
            return array("q", sorted(ids, reverse=descending))
        keys = self._keys(sort, ids)
        present = [example for example in ids if keys.get(example) is not None]
        absent = [example for example in ids if keys.get(example) is None]
        present.sort(key=lambda example: keys[example], reverse=descending)  # type: ignore[arg-type, return-value]
        return array("q", present + absent)

    def _by_answer(self, ids: Sequence[int], descending: bool) -> tuple[Sequence[int], Sequence[int]]:
        """The ids ordered by answer, and where each group of equal answers begins."""
        self.current_results.prepare()
        beginnings = {example: str(answer) for example, answer in self.current_results.column("answer").items()}

        def read_whole(alike: Sequence[int]) -> dict[int, str]:
            return {i: answer_text(messages_of(parse(raw).value)) for i, raw in self.stored.raws(alike)}

        return order_by_answer(ids, beginnings, PREVIEW_CHARS, read_whole, descending)

    def _keys(self, sort: str, ids: Sequence[int]) -> dict[int, object]:
        """What the examples are sorted by, such as the rating, by id; examples without such a value are absent."""
        db = self.stored.db
        if sort in ("rating", "split", "review"):
            keys: dict[int, object] = dict(db.execute(f"SELECT id, {sort} FROM example WHERE {sort} IS NOT NULL"))
            return keys
        if sort == "labels":
            return dict(db.execute("SELECT example, group_concat(label, ' ') FROM label GROUP BY example"))
        if sort == "source":
            return {i: source.name if (source := self.stored.source_of(i)) is not None else "" for i in ids}
        if sort == "surprise":
            return dict(self.stored.surprises(ids))
        if sort == "length":
            return {i: len(raw) for i, raw in self.stored.raws(ids)}
        self.current_results.prepare()
        if sort == "tokens":
            self.current_results.require_tokens()
        return self.current_results.column(
            {"errors": "errors * 1000000 + warnings", **_SORTED_BY_TEXT}.get(sort, sort)
        )


_FLIP = bytes([1, 0]) + bytes(254)


def _combine(masks: Sequence[Mask], how: Callable[[int, int], int]) -> Mask:
    """Masks combined bit by bit as large integers: one millisecond for a million ids."""
    if len(masks) == 1:
        return masks[0]
    number = int.from_bytes(masks[0], "little")
    for mask in masks[1:]:
        number = how(number, int.from_bytes(mask, "little"))
    return Mask(number.to_bytes(len(masks[0]), "little"))


def _last(query: Query) -> Query | None:
    """The node that is evaluated last, among the matches of all others."""
    return _last(sorted(query.items, key=_cost)[-1]) if isinstance(query, And) and query.items else query


def _cost(query: Query) -> int:
    """The sort key by which cheap nodes come first, so that text is searched in few examples only."""
    if isinstance(query, Text):
        return {"word": 10, "regex": 30, "fuzzy": 40}[query.kind]
    if isinstance(query, Not):
        return _cost(query.item) + 1
    if isinstance(query, And | Or):
        return max((_cost(item) for item in query.items), default=0) + 2
    return 1


def _between(column: str, query: Range) -> tuple[str, list[float]]:
    """The SQL condition of a range, and its values."""
    conditions, values = [f"{column} IS NOT NULL"], []
    if query.low is not None:
        conditions.append(f"{column} >= ?")
        values.append(query.low)
    if query.high is not None:
        conditions.append(f"{column} <= ?")
        values.append(query.high)
    return " AND ".join(conditions), values
