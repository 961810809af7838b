"""What the dataset is made of, line by line, each line with the query that lists its examples. No widgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from curator.core import splice
from curator.core.answers.balance import Balance, Lengths, Share, Tally, script, text_of
from curator.core.answers.contract import Contract
from curator.core.answers.refusal import is_refusal
from curator.core.counting.spread import histogram, spread
from curator.core.example import Path
from curator.core.turns import Turn, turns
from curator.workspace.checks.statistics import wanted

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

ANSWERS = 12
"""Commonest answers listed."""
UNUSED = 8
"""Never-used answers named."""
LONG = 200
"""Characters of a text that a query holds."""
RANGES = 500
"""Most ranges of ids in one query."""
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: a heading where `times` is None."""

    text: str
    times: int | None = None
    share: float = 0.0
    query: str = ""
    """What lists its examples; empty where there is nothing to list."""
    mark: str = ""
    """"warning" where it deserves a look."""


@dataclass(slots=True)
class Counted:
    """The balance, and which examples refuse, are of a script, have a system prompt."""

    tally: Tally
    refusing: list[int] = field(default_factory=list)
    scripts: dict[str, list[int]] = field(default_factory=dict)
    systems: dict[str, list[int]] = field(default_factory=dict)
    prompts: list[tuple[int, int]] = field(default_factory=list)
    """Characters of each prompt, and the example."""
    tokens: list[int] = field(default_factory=list)
    """Of each example whose tokens are counted."""
    limit: int | None = None
    """Tokens of an example that training reads."""

    def add(self, example: int, value: Any) -> None:
        """Count one example."""
        messages = [turn.message for turn in turns(value) if wanted(turn)]
        self.tally.add(messages)
        spoken = [(m, text) for m in messages if isinstance(m, dict) and (text := text_of(m.get("content")))]
        prompt = "\n".join(text for m, text in spoken if m.get("role") == "user")
        if prompt:
            self.scripts.setdefault(script(prompt), []).append(example)
            self.prompts.append((len(prompt), example))
        if any(m.get("role") == "assistant" and m.get("weight", 1) != 0 and is_refusal(t) for m, t in spoken):
            self.refusing.append(example)
        system = "\n\n".join(text for m, text in spoken if m.get("role") in _SYSTEM)
        self.systems.setdefault(system, []).append(example)


def count(workspace: Workspace, report: Callable[[int], bool]) -> Counted | None:
    """Count all examples; `report` gets how many are done and says whether to stop: then None."""
    contract = workspace.context().contract
    counted = Counted(Tally(contract if isinstance(contract, Contract) else Contract()))
    for at, record in enumerate(workspace.records(workspace.ids())):
        if at % 200 == 0 and report(at):
            return None
        counted.add(record.id, record.example.value)
    counted.tokens, counted.limit = list(workspace.tokens().values()), workspace.context().limit
    return counted


def bars(counted: Counted, contract: bool) -> list[Bar]:
    """All lines; `contract`: whether there is one that answers can break."""
    balance = counted.tally.result()
    return [
        *_answers(balance, contract),
        *_systems(counted, balance),
        *_scripts(counted, balance),
        *_tokens(counted),
        *_lengths("Prompts", balance.prompt_lengths, counted.prompts),
        *_lengths("Answers", balance.answer_lengths, _answer_lengths(balance)),
    ]


def largest(listed: Sequence[Bar]) -> list[float]:
    """For each line the largest share in its section among those that list something; 1 where there is none."""
    sections = accumulate(bar.times is None for bar in listed)
    most: dict[int, float] = {}
    numbered = list(zip(sections, listed, strict=True))
    for section, bar in numbered:
        if bar.query:
            most[section] = max(most.get(section, 0.0), bar.share)
    return [most.get(section) or 1.0 for section, _ in numbered]


def _answers(balance: Balance, contract: bool) -> list[Bar]:
    made = [Bar(f"Answers: {balance.total:,}, {len(balance.answers):,} different")]
    dominant = {share.text for share in balance.dominant}
    for share in balance.answers[:ANSWERS]:
        mark = "warning" if share.text in dominant else ""
        made.append(_bar(share, exactly("assistant", share.text), mark))
    rest = balance.answers[ANSWERS:]
    if rest:
        once = sum(share.times == 1 for share in rest)
        times = sum(share.times for share in rest)
        made.append(Bar(f"{len(rest):,} others, {once:,} of them once", times, times / balance.total))
    if contract:
        mark = "warning" if balance.unknown else ""
        broken = Bar("outside the answer contract", balance.unknown, balance.unknown_share, "", mark)
        made.append(_listing(broken, "rule:answer_outside_contract"))
    if balance.unused:
        named = " ".join(balance.unused[:UNUSED])
        made.append(Bar(f"{len(balance.unused):,} allowed and never used: {named}"))
    return made


def _listing(bar: Bar, query: str) -> Bar:
    return Bar(bar.text, bar.times, bar.share, query if bar.times else "", bar.mark)


def _systems(counted: Counted, balance: Balance) -> list[Bar]:
    many = len(balance.systems)
    made = [Bar(f"System prompts: {many:,} different{' · U unifies them' if many > 1 else ''}")]
    for at, share in enumerate(balance.systems[:ANSWERS]):
        shown = Share(share.text or "(no system prompt)", share.times, share.share)
        made.append(_bar(shown, of_ids(counted.systems[share.text]), "warning" if at else ""))
    return made


def _scripts(counted: Counted, balance: Balance) -> list[Bar]:
    made = [Bar("Scripts and refusals")]
    made += [_bar(share, of_ids(counted.scripts[share.text])) for share in balance.scripts[:ANSWERS]]
    refusals = Bar("refusals", balance.refusals, balance.refusal_share, of_ids(counted.refusing))
    return [*made, refusals]


def _answer_lengths(balance: Balance) -> list[tuple[int, int]]:
    return [each for share in balance.answers for each in [(len(share.text), 0)] * share.times]


def _lengths(title: str, about: Lengths, found: list[tuple[int, int]]) -> list[Bar]:
    """`found`: characters and the example, 0 where a query tells those by the length of an answer."""
    if not found:
        return []
    spread = f"{about.least:,} to {about.most:,} characters, median {about.median:,.0f}"
    made = [Bar(f"{title}: {spread}, 90 % up to {about.p90:,.0f}")]
    bins = histogram([length for length, _ in found])
    for each in bins:
        low = max(each.low, about.least)
        last = max(low, about.most if each is bins[-1] else each.high - 1)
        ids = [example for length, example in found if low <= length <= last and example]
        query = of_ids(ids) if ids else rf"assistant:/\A[\s\S]{{{low},{last}}}\Z/"
        name = f"{low:,}–{last:,} characters" if last > low else f"{low:,} character{'s' * (low != 1)}"
        made.append(_listing(Bar(name, each.count, each.count / len(found)), query))
    return made


def _tokens(counted: Counted) -> list[Bar]:
    """How many tokens the examples have, and how many are beyond what training reads."""
    found, limit = counted.tokens, counted.limit
    if not found:
        return []
    each = spread(found)
    made = [
        Bar(f"Tokens: {each.min:,.0f} to {each.max:,.0f}, median {each.median:,.0f}, 90 % up to {each.p90:,.0f}")
    ]
    bins = histogram(found)
    for part in bins:
        low, last = part.low, max(part.low, max(found) if part is bins[-1] else part.high - 1)
        name = f"{low:,}–{last:,} tokens" if last > low else f"{low:,} token{'s' * (low != 1)}"
        bar = Bar(name, part.count, part.count / len(found))
        made.append(_listing(bar, f"tokens>={low} tokens<={last}"))
    over = sum(count > limit for count in found) if limit is not None else 0
    if over:
        bar = Bar(f"over the {limit:,} that training reads", over, over / len(found), "", "warning")
        made.append(_listing(bar, "rule:example_too_long"))
    return made


def _bar(share: Share, query: str, mark: str = "") -> Bar:
    return Bar(share.text, share.times, share.share, query, mark)


def exactly(role: str, text: str) -> str:
    """The query for messages of a role that are this text and nothing else; of a long one, that begin so."""
    end = r"\Z" if len(text) <= LONG else ""
    text = text[:LONG]
    body = re.sub(r"[\\.^$*+?{}\[\]|()/\n]", lambda match: "\\n" if match[0] == "\n" else f"\\{match[0]}", text)
    return rf"{role}:/\A{body}{end}/"


def of_ids(ids: Sequence[int]) -> str:
    """The query for these examples, as ranges; of very many scattered ones the first."""
    parts: list[tuple[int, int]] = []
    for example in sorted(ids):
        if parts and example == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], example)
        elif len(parts) == RANGES:
            break
        else:
            parts.append((example, example))
    return " or ".join(f"id:{a}" if a == b else f"id:{a}-{b}" for a, b in parts)


# One system prompt for all


def commonest_system(counted: Counted) -> str:
    """The system prompt that most examples have; empty where none has one."""
    known = {text: len(ids) for text, ids in counted.systems.items() if text}
    return min(known, key=lambda text: (-known[text], text), default="")


def with_system(raw: bytes, value: Any, text: str) -> bytes | None:
    """An example's bytes with this as its only system prompt; None where it has it, or has no place for one.

    Several system messages, and contents that are no plain text, are left alone.
    """
    listed = list(turns(value))
    found = [turn for turn in listed if turn.role in _SYSTEM]
    if not listed or len(found) > 1:
        return None
    if not found:
        return splice.insert(raw, (*_list_path(listed[0]), 0), {"role": "system", "content": text})
    content = found[0].message.get("content")
    if not isinstance(content, str) or content == text:
        return None
    return splice.set_value(raw, (*found[0].path, "content"), text)


def _list_path(turn: Turn) -> Path:
    return turn.path[:-1]


def unified(workspace: Workspace, ids: Iterable[int], text: str) -> dict[int, bytes]:
    """The new bytes of those examples that get another system prompt."""
    made: dict[int, bytes] = {}
    for record in workspace.records(list(ids)):
        raw = with_system(record.raw, record.example.value, text)
        if raw is not None:
            made[record.id] = raw
    return made
