"""Facets: what the examples of a view have in common, each value with its count and the query that lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from curator.core.answers.contract import Contract
from curator.core.duplicates.texts import SYSTEM_ROLES, message_text, messages_of, prompt_and_answer
from curator.core.query.query import grouped
from curator.tui.stage_models.dataset_bars import LONG, query_for_ids, query_for_text

if TYPE_CHECKING:
    from curator.workspace.records import Record
    from curator.workspace.workspace import Workspace

MOST = 400
"""Most values of one kind that are listed."""
TITLES = {
    "split": "Side of the split",
    "review": "Review",
    "label": "Labels",
    "source": "Sources",
    "turns": "Messages",
    "tool": "Tools that are called",
    "system": "System prompts",
    "finding": "Findings",
}
"""The headings of all kinds but the answers, in their order; the answers stand before the findings."""
REPORT_EVERY = 500
"""Examples between two reports of how far the counting is."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a kind, or, without a query, a heading or an answer that nobody gives."""

    kind: str
    text: str
    times: int = 0
    query: str = ""
    heading: bool = False
    mark: str = ""
    """`rare`, `unused`, or empty."""


@dataclass(slots=True)
class _Values:
    """Ids of examples by value, for one kind."""

    ids: dict[str, list[int]] = field(default_factory=dict)

    def add(self, value: str, example: int) -> None:
        self.ids.setdefault(value, []).append(example)

    def by_count(self) -> list[tuple[str, list[int]]]:
        return sorted(self.ids.items(), key=lambda item: (-len(item[1]), item[0]))


def count_facets(workspace: Workspace, ids: Sequence[int], report: Callable[[float], bool]) -> list[Facet] | None:
    """All facets of some examples; None if stopped. `report(share)` is called now and then; True stops it."""
    kinds = {name: _Values() for name in (*TITLES, "answer")}
    systems: Counter[str] = Counter()
    """In how many examples a text is one of the system prompts."""
    for at, record in enumerate(workspace.records(ids)):
        if at % REPORT_EVERY == 0 and report(at / max(1, len(ids))):
            return None
        for kind, values in _values_of(record, systems):
            for value in values:
                kinds[kind].add(value, record.id)
    kinds["finding"].ids = _findings(workspace, ids)
    contract = workspace.context().contract
    queries: dict[str, dict[str, str]] = {
        "split": {side: f"split:{side}" for side in kinds["split"].ids},
        "review": {state: f"review:{state}" for state in kinds["review"].ids},
        "label": {name: _label_query(name) for name in kinds["label"].ids},
        "finding": {rule: f"rule:{rule}" for rule in kinds["finding"].ids},
        "source": {name: _source_query(name) for name in kinds["source"].ids},
        "turns": {number: f"messages:{number}" for number in kinds["turns"].ids},
        "tool": {},
        "system": _system_queries(kinds["system"], systems),
    }
    *plain, findings = (_plain(kind, TITLES[kind], kinds[kind], queries[kind], len(ids)) for kind in TITLES)
    answers = _answers(kinds["answer"], contract if isinstance(contract, Contract) else None)
    return [*chain.from_iterable(plain), *answers, *findings]


def _findings(workspace: Workspace, ids: Sequence[int]) -> dict[str, list[int]]:
    """The examples among some that each rule finds something in."""
    among = set(ids)
    by_rule = {rule: workspace.view(f"rule:{rule}").ids for rule in workspace.counts().rules}
    found = {rule: [example for example in examples if example in among] for rule, examples in by_rule.items()}
    return {rule: examples for rule, examples in found.items() if examples}


def _values_of(record: Record, systems: Counter[str]) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the kinds of an example with their values; its system prompts are also counted in `systems`."""
    yield "split", (record.split or "none",)
    yield "review", (record.review or "none",)
    yield "label", record.labels or ("",)
    yield "source", (record.source,)
    messages = [message for message in messages_of(record.example.value) if isinstance(message, dict)]
    if not messages:
        return
    yield "turns", (str(len(messages_of(record.example.value))),)
    yield "tool", dict.fromkeys(_tool_names(messages))
    prompts = [message_text(message) for message in messages if message.get("role") in SYSTEM_ROLES]
    systems.update(set(prompts))
    yield "system", (prompts[0] if prompts else "",)
    _, answer = prompt_and_answer(record.example.value)
    if answer is not None:
        yield "answer", (answer,)


def _tool_names(messages: Iterable[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                yield function["name"]


def _plain(kind: str, title: str, values: _Values, queries: dict[str, str], total: int) -> Iterator[Facet]:
    """A heading and one line a value; a value without a query of its own is listed by the ids of its examples.

    Where all examples have the same value the heading tells it: a tick would narrow nothing.
    """
    ordered = values.by_count()
    if kind == "review":
        reviewed = total - len(values.ids.get("none", ()))
        title = f"{title}: {reviewed:,} of {total:,} reviewed"
    elif len(ordered) != 1 or len(ordered[0][1]) < total:
        title = f"{title}: {len(ordered):,}"
    if all(len(ids) == total for _, ids in ordered):
        same = ", ".join(value or f"no {kind}" for value, _ in ordered)
        if kind != "review":
            title = f"{TITLES[kind]}: {f'{same} (all)' if same else 'none'}"
        yield Facet(kind, title, heading=True)
        return
    yield Facet(kind, title, heading=True)
    for value, ids in ordered[:MOST]:
        yield Facet(kind, value or f"(no {kind})", len(ids), queries.get(value) or query_for_ids(ids))
    yield from _rest(kind, ordered)


def _rest(kind: str, ordered: Sequence[tuple[str, list[int]]]) -> Iterator[Facet]:
    """A line that tells how many values are not listed; nothing where all are."""
    if len(ordered) > MOST:
        times = len(ordered[MOST][1])
        yield Facet(kind, f"… and {len(ordered) - MOST:,} more, each in {times:,} or fewer", heading=True)


def _label_query(name: str) -> str:
    return f"label:{_quoted(name)}" if name else ""  # those without one are listed by their ids


def _source_query(name: str) -> str:
    return f"source:{_quoted(name)}" if name else "is:new"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _system_queries(values: _Values, systems: Counter[str]) -> dict[str, str]:
    """A query by text for each prompt that is found exactly by it; the others are listed by ids."""
    queries = {}
    for text, ids in values.ids.items():
        if text and len(text) <= LONG and systems[text] == len(ids):
            queries[text] = f"( {query_for_text('system', text)} or {query_for_text('developer', text)} )"
    return queries


def _answers(values: _Values, contract: Contract | None) -> Iterator[Facet]:
    """The answers, the most frequent first; those that occur once are marked, then those that never occur."""
    ordered = values.by_count()
    once = [ids[0] for _, ids in ordered if len(ids) == 1]
    if ordered:
        yield Facet("answer", f"Answers: {len(ordered):,}", heading=True)
    if once and len(once) < len(ordered):
        yield Facet("answer", f"all that occur once: {len(once):,}", len(once), query_for_ids(once), mark="rare")
    for text, ids in ordered[:MOST]:
        query = query_for_text("answer", text) if text and len(text) <= LONG else query_for_ids(ids)
        yield Facet("answer", text or "(empty)", len(ids), query, mark="rare" if len(ids) == 1 else "")
    yield from _rest("answer", ordered)
    unused = sorted((contract.vocabulary or frozenset()) - values.ids.keys()) if contract is not None else []
    if unused:
        yield Facet("answer", f"Allowed and never used: {len(unused):,}", heading=True)
    yield from (Facet("answer", text, mark="unused") for text in unused)


def narrowed(base: str, ticked: Iterable[Facet]) -> str:
    """The query for what matches `base` and, of each kind with ticks, one of the ticked values."""
    by_kind: dict[str, list[str]] = {}
    for facet in ticked:
        by_kind.setdefault(facet.kind, []).append(facet.query)
    parts = [queries[0] if len(queries) == 1 else f"( {' or '.join(queries)} )" for queries in by_kind.values()]
    parts = [part if " or " not in part or part.startswith("( ") else f"( {part} )" for part in parts]
    return f"{grouped(base) if parts else base}{' '.join(parts)}".strip()
