"""Counts what the dataset consists of, for the bars of the Balance dialog, each with a query for its examples.

Also rewrites examples so that all have the same system prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from curator.core import splice
from curator.core.answers.balance import Balance, BalanceTally, Lengths, Share
from curator.core.answers.contract import Contract
from curator.core.counting.spread import histogram, spread
from curator.core.example import Path
from curator.core.text import count_of
from curator.core.turns import Turn, turns
from curator.workspace.checks.statistics import DatasetCounts

if TYPE_CHECKING:
    from curator.core.charts.bars import Bars
    from curator.workspace.workspace import Workspace

ANSWERS = 12
"""Most answers, system prompts and scripts listed."""
UNUSED = 8
"""Most allowed but unused answers named."""
LONG = 200
"""Most characters of a text that go into a query."""
RANGES = 5_000
"""Most ranges of ids in one query, which then has some 50,000 characters."""
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the dialog; a heading where `times` is None."""

    text: str
    times: int | None = None
    share: float = 0.0
    query: str = ""
    """The query that lists its examples; empty where there is nothing to list."""
    mark: str = ""
    """The style "warning" where it deserves a look, else empty."""
    opens_counts: bool = False
    """Whether choosing it opens the list of all answers with their counts."""


def count_dataset(workspace: Workspace, report: Callable[[int], bool]) -> DatasetCounts | None:
    """Count all examples; None if stopped. Every 200 examples calls `report(done)`, which returns True to stop."""
    contract = workspace.context().contract
    counts = DatasetCounts(BalanceTally(contract if isinstance(contract, Contract) else Contract()), keep_ids=True)
    for at, record in enumerate(workspace.records(workspace.ids())):
        if at % 200 == 0 and report(at):
            return None
        counts.add(record.id, list(turns(record.example.value)))
    read_tokens(workspace, counts)
    return counts


def read_tokens(workspace: Workspace, counts: DatasetCounts) -> bool:
    """Take up the token counts that the workspace has by now; True where there are other ones than before."""
    before = counts.tokens
    counts.tokens, counts.limit = list(workspace.tokens().values()), workspace.context().limit
    return counts.tokens != before


def bars(counts: DatasetCounts, contract: bool) -> list[Bar]:
    """All lines of the dialog; `contract` tells whether the workspace has an answer contract."""
    balance = counts.tally.result()
    return [
        *_answers(balance, contract),
        *_systems(counts, balance),
        *_scripts(counts, balance),
        *_tokens(counts),
        *_lengths("Prompts", balance.prompt_lengths, counts.prompts),
        *_lengths("Answers", balance.answer_lengths, _answer_lengths(balance)),
    ]


def section_maxima(listed: Sequence[Bar]) -> list[float]:
    """For each line the largest share of a bar with a query in its section; 1 where there is none."""
    sections = accumulate(bar.times is None for bar in listed)
    most: dict[int, float] = {}
    numbered = list(zip(sections, listed, strict=True))
    for section, bar in numbered:
        if bar.query:
            most[section] = max(most.get(section, 0.0), bar.share)
    return [most.get(section) or 1.0 for section, _ in numbered]


def section_chart(listed: Sequence[Bar], index: int) -> Bars:
    """The bars of the section of a line, for a picture or a table."""
    from curator.core.charts.bars import Bars  # heavy: what draws pictures

    heads = [at for at, bar in enumerate(listed) if bar.times is None and bar.text[:1].isupper()]
    first = max((at for at in heads if at <= index), default=0)
    end = next((at for at in heads if at > first), len(listed))
    rows = [(bar.text, float(bar.times)) for bar in listed[first:end] if bar.times is not None]
    return Bars(listed[first].text if listed else "", "examples", rows)


def _answers(balance: Balance, contract: bool) -> list[Bar]:
    lines = [Bar(f"Answers: {balance.total:,}, {len(balance.answers):,} different")]
    dominant = {share.text for share in balance.dominant}
    for share in balance.answers[:ANSWERS]:
        mark = "warning" if share.text in dominant else ""
        lines.append(_share_bar(share, query_for_text("assistant", share.text), mark))
    rest = balance.answers[ANSWERS:]
    if rest:
        once = sum(share.times == 1 for share in rest)
        times = sum(share.times for share in rest)
        others = f"{count_of(len(rest), 'other')}, {once:,} of them once ⏎"
        lines.append(Bar(others, times, times / balance.total, opens_counts=True))
    if contract:
        mark = "warning" if balance.unknown else ""
        broken = Bar("outside the answer contract", balance.unknown, balance.unknown_share, "", mark)
        lines.append(_with_query(broken, "rule:answer_outside_contract"))
    if balance.unused:
        named = " ".join(balance.unused[:UNUSED])
        more = " … ⏎ lists all" if len(balance.unused) > UNUSED else ""
        lines.append(Bar(f"{len(balance.unused):,} allowed and never used: {named}{more}", opens_counts=True))
    return lines


def _with_query(bar: Bar, query: str) -> Bar:
    return Bar(bar.text, bar.times, bar.share, query if bar.times else "", bar.mark)


def _systems(counts: DatasetCounts, balance: Balance) -> list[Bar]:
    many = len(balance.systems)
    lines = [Bar(f"System prompts: {many:,} different{' · U unifies them' if many > 1 else ''}")]
    for at, share in enumerate(balance.systems[:ANSWERS]):
        named_share = Share(share.text or "(no system prompt)", share.times, share.share)
        lines.append(_share_bar(named_share, query_for_ids(counts.systems[share.text]), "warning" if at else ""))
    return lines


def _scripts(counts: DatasetCounts, balance: Balance) -> list[Bar]:
    lines = [Bar("Scripts and refusals")]
    lines += [_share_bar(share, query_for_ids(counts.scripts[share.text])) for share in balance.scripts[:ANSWERS]]
    refusals = Bar("refusals", balance.refusals, balance.refusal_share, query_for_ids(counts.refusing))
    return [*lines, refusals]


def _answer_lengths(balance: Balance) -> list[tuple[int, int]]:
    return [each for share in balance.answers for each in [(len(share.text), 0)] * share.times]


def _lengths(title: str, lengths: Lengths, measured: list[tuple[int, int]]) -> list[Bar]:
    """Bars of a histogram over `measured`: (characters, id); with id 0 the query matches answers by length."""
    if not measured:
        return []
    spread = f"{lengths.least:,} to {count_of(lengths.most, 'character')}, median {lengths.median:,.0f}"
    lines = [Bar(f"{title}: {spread}, 90 % up to {lengths.p90:,.0f}")]
    bins = histogram([length for length, _ in measured])
    for part in bins:
        low = max(part.low, lengths.least)
        last = max(low, lengths.most if part is bins[-1] else part.high - 1)
        ids = [example for length, example in measured if low <= length <= last and example]
        query = query_for_ids(ids) if ids else rf"assistant:/\A[\s\S]{{{low},{last}}}\Z/"
        name = f"{low:,}–{last:,} characters" if last > low else f"{low:,} character{'s' * (low != 1)}"
        lines.append(_with_query(Bar(name, part.count, part.count / len(measured)), query))
    return lines


def _tokens(counts: DatasetCounts) -> list[Bar]:
    """Bars for the tokens of the examples, and for those longer than training reads."""
    tokens, limit = counts.tokens, counts.limit
    if not tokens:
        return []
    summary = spread(tokens)
    words = f"{summary.min:,.0f} to {summary.max:,.0f}, median {summary.median:,.0f}"
    total = counts.tally.examples
    some = f" of {len(tokens):,} of {count_of(total)}" if len(tokens) < total else ""
    lines = [Bar(f"Tokens{some}: {words}, 90 % up to {summary.p90:,.0f}")]
    bins = histogram(tokens)
    for part in bins:
        low, last = part.low, max(part.low, max(tokens) if part is bins[-1] else part.high - 1)
        name = f"{low:,}–{last:,} tokens" if last > low else f"{low:,} token{'s' * (low != 1)}"
        bar = Bar(name, part.count, part.count / len(tokens))
        lines.append(_with_query(bar, f"tokens>={low} tokens<={last}"))
    over = sum(count > limit for count in tokens) if limit is not None else 0
    if over:
        bar = Bar(f"over the {limit:,} that training reads", over, over / len(tokens), "", "warning")
        lines.append(_with_query(bar, "rule:example_too_long"))
    return lines


def _share_bar(share: Share, query: str, mark: str = "") -> Bar:
    return Bar(share.text, share.times, share.share, query, mark)


def query_for_text(role: str, text: str) -> str:
    """The query for messages of a role that equal `text`, or that start with it where it is long."""
    end = r"\Z" if len(text) <= LONG else ""
    text = text[:LONG]
    body = re.sub(r"[\\.^$*+?{}\[\]|()/\n]", lambda match: "\\n" if match[0] == "\n" else f"\\{match[0]}", text)
    return rf"{role}:/\A{body}{end}/"


def query_for_ids(ids: Sequence[int]) -> str:
    """The query for these examples as ranges of ids; limited to the first `RANGES` ranges."""
    ranges = _ranges(ids)
    return "id:" + "|".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges) if ranges else ""


def words_if_cut(ids: Sequence[int]) -> str:
    """What to add to a message where `query_for_ids` could not name all of these examples; else nothing."""
    named = sum(last - first + 1 for first, last in _ranges(ids))
    return "" if named == len(ids) else f" The first {named:,} of {len(ids):,} are listed."


def _ranges(ids: Sequence[int]) -> list[tuple[int, int]]:
    """The first `RANGES` ranges of ids, both ends included."""
    ranges: list[tuple[int, int]] = []
    for example in sorted(ids):
        if ranges and example == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], example)
        elif len(ranges) == RANGES:
            break
        else:
            ranges.append((example, example))
    return ranges


# One system prompt for all


def commonest_system(counts: DatasetCounts) -> str:
    """The system prompt that most examples have; "" where none has one."""
    times_used = {text: len(ids) for text, ids in counts.systems.items() if text}
    return min(times_used, key=lambda text: (-times_used[text], text), default="")


def with_system(raw: bytes, value: Any, text: str) -> bytes | None:
    """An example's bytes with `text` as its only system prompt; None where nothing changes.

    Examples without messages, with several system messages, or with one that is no plain text stay as they are.
    """
    all_turns = list(turns(value))
    system_turns = [turn for turn in all_turns if turn.role in _SYSTEM]
    if not all_turns or len(system_turns) > 1:
        return None
    if not system_turns:
        return splice.insert(raw, (*_list_path(all_turns[0]), 0), {"role": "system", "content": text})
    content = system_turns[0].message.get("content")
    if not isinstance(content, str) or content == text:
        return None
    return splice.set_value(raw, (*system_turns[0].path, "content"), text)


def _list_path(turn: Turn) -> Path:
    return turn.path[:-1]


def unify_system_prompts(workspace: Workspace, ids: Iterable[int], text: str) -> dict[int, bytes]:
    """The new bytes of those of the examples whose system prompt changes to `text`."""
    changed: dict[int, bytes] = {}
    for record in workspace.records(list(ids)):
        raw = with_system(record.raw, record.example.value, text)
        if raw is not None:
            changed[record.id] = raw
    return changed
