"""The answers of the open workspace, which contracts may fit them, and what a contract would find. No widgets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.core.answers.contract import PROPOSED, Contract, Proposal, propose, vocabulary
from curator.core.turns import turns
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

SHORTCODES = "teams-shortcodes.txt"
"""The vocabulary that comes with Curator."""
MAX_BYTES = 64 << 20
"""Largest vocabulary file that is read: `core.answers` takes 100,000 answers of 1,000 characters at most."""
SHOWN = 5
"""Violations shown with what was probably meant."""
_SHORTCODE = re.compile(r"\([a-z0-9]+\)|:[a-z0-9_+-]+:")
_MOST = 0.5


@dataclass(frozen=True, slots=True)
class Offer:
    """A vocabulary to choose; None allows any answer."""

    name: str
    words: str
    vocabulary: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the dialog begins with."""

    sentence: str
    """What the data look like; empty where they look like nothing in particular."""
    offers: tuple[Offer, ...]
    chosen: str
    """The name of the offer that fits best."""
    pattern: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a contract says about the answers."""

    total: int
    outside: int
    commonest: tuple[tuple[str, int, str], ...]
    """Answers outside of it, how often, and the nearest allowed one (or ""), the commonest first."""


def learnt(value: Any) -> Iterator[str]:
    """The answers of a parsed example that a contract judges: texts that are trained, without tool calls."""
    for turn in turns(value):
        if turn.trained and not (turn.message.get("tool_calls") or turn.message.get("function_call")):
            content = turn.message.get("content")
            if isinstance(content, str) and content:
                yield content


def count(workspace: Workspace, stop: Callable[[], bool]) -> Counter[str]:
    """All answers with their counts; what was counted so far where `stop` says so."""
    counts: Counter[str] = Counter()
    for at, record in enumerate(workspace.records(workspace.ids())):
        if at % 200 == 0 and stop():
            break
        counts.update(learnt(record.example.value))
    return counts


def suggest(counts: Counter[str], current: Contract | None) -> Suggested:
    """The vocabularies to choose from; the present contract first, else the one that the data speak for."""
    proposal = propose(counts.elements())
    offers = [Offer("any", "any answer", None)]
    if current is not None and current.vocabulary is not None:
        offers.append(Offer("kept", f"the {len(current.vocabulary):,} allowed now", current.vocabulary))
    offers += _bundled(counts)
    if proposal is not None and proposal.contract.vocabulary is not None:
        seen = proposal.contract.vocabulary
        offers.append(Offer("seen", f"the {len(seen):,} that the data repeat", seen))
    chosen, pattern = _choice(counts, current, proposal, offers)
    return Suggested(proposal.sentence if proposal else "", tuple(offers), chosen, pattern)


def _choice(
    counts: Counter[str], current: Contract | None, proposal: Proposal | None, offers: list[Offer]
) -> tuple[str, str]:
    if current is not None:
        return ("kept" if current.vocabulary is not None else "any"), current.pattern or ""
    for offer in offers:
        covered = sum(n for text, n in counts.items() if offer.vocabulary and text in offer.vocabulary)
        if covered and covered >= PROPOSED * counts.total():
            return offer.name, ""
    return "any", (proposal.contract.pattern or "") if proposal else ""


def _bundled(counts: Counter[str]) -> list[Offer]:
    alike = sum(n for text, n in counts.items() if _SHORTCODE.fullmatch(text))
    if not alike or alike < _MOST * counts.total():
        return []
    words = shortcodes()
    return [Offer("teams", f"the {len(words):,} shortcodes of Microsoft Teams", words)]


@cache
def shortcodes() -> frozenset[str]:
    """The bundled vocabulary."""
    return read_vocabulary(paths.packaged("sample_data") / SHORTCODES)


def read_vocabulary(path: Path) -> frozenset[str]:
    """The answers listed in a file, one a line or as a JSON list. Raises InputError in words."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for a list of answers.")
        return vocabulary(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}.") from None


def judge(contract: Contract, counts: Counter[str], stop: Callable[[], bool]) -> Verdict | None:
    """How many answers break a contract, and the commonest of them; None where `stop` says so."""
    broken: Counter[str] = Counter()
    for at, (text, times) in enumerate(counts.items()):
        if at % 200 == 0 and stop():
            return None
        if not contract.keeps(text):
            broken[text] = times
    shown = sorted(broken.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    commonest = tuple((text, times, _nearest(contract, text)) for text, times in shown)
    return Verdict(counts.total(), broken.total(), commonest)


def _nearest(contract: Contract, text: str) -> str:
    return next(iter(contract.suggest(text, 1)), "")


def completions(contract: Contract | None, text: str, limit: int = 5) -> list[str]:
    """What an answer that is being typed may become: allowed answers that begin so, else those that are meant."""
    if contract is None or not text.strip() or contract.keeps(text):
        return []
    found: Iterable[str] = contract.complete(text, limit) or contract.suggest(text, limit)
    return [answer for answer in found if contract.keeps(answer)]
