"""Counts the workspace's answers, suggests answer contracts that fit them, and checks them against a contract."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.core.answers.contract import PROPOSED, Contract, Proposal, parse_vocabulary, propose
from curator.core.turns import turns
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

SHORTCODES = "teams-shortcodes.txt"
"""The vocabulary file packaged with Curator."""
MAX_BYTES = 64 << 20
"""Largest vocabulary file that is read: `core.answers` takes at most 100,000 answers of 1,000 characters."""
LISTED = 5
"""Most violations listed, each with the nearest allowed answer."""
_SHORTCODE = re.compile(r"\([a-z0-9]+\)|:[a-z0-9_+-]+:")
_MOST = 0.5
"""Share of answers that must look like shortcodes for the packaged vocabulary to be offered."""


@dataclass(frozen=True, slots=True)
class VocabularyChoice:
    """A vocabulary that the dialog offers; None allows any answer."""

    name: str
    words: str
    vocabulary: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class SuggestedContract:
    """What the dialog shows first."""

    sentence: str
    """A description of the answers; empty where they have no pattern."""
    choices: tuple[VocabularyChoice, ...]
    best: str
    """The name of the choice that fits the answers best."""
    pattern: str


@dataclass(frozen=True, slots=True)
class ContractVerdict:
    """How many answers break a contract, and the most frequent of those."""

    total: int
    outside: int
    commonest: tuple[tuple[str, int, str], ...]
    """(answer, count, nearest allowed answer or "") of answers that break it, most frequent first."""


def trained_answers(value: Any) -> Iterator[str]:
    """The answers of a parsed example that a contract applies to: trained texts of turns without tool calls."""
    for turn in turns(value):
        if turn.trained and not (turn.message.get("tool_calls") or turn.message.get("function_call")):
            content = turn.message.get("content")
            if isinstance(content, str) and content:
                yield content


def count_answers(workspace: Workspace, stop: Callable[[], bool]) -> Counter[str]:
    """Count each answer of the workspace; returns the counts so far once `stop()` is true."""
    counts: Counter[str] = Counter()
    for at, record in enumerate(workspace.records(workspace.ids())):
        if at % 200 == 0 and stop():
            break
        counts.update(trained_answers(record.example.value))
    return counts


def suggest_contract(counts: Counter[str], current: Contract | None) -> SuggestedContract:
    """The vocabularies to choose from; preselected is the present contract, else the one that fits best."""
    proposal = propose(counts.elements())
    choices = [VocabularyChoice("any", "any answer", None)]
    if current is not None and current.vocabulary is not None:
        words = f"the {len(current.vocabulary):,} allowed now"
        choices.append(VocabularyChoice("kept", words, current.vocabulary))
    choices += _bundled_choices(counts)
    if proposal is not None and proposal.contract.vocabulary is not None:
        repeated = proposal.contract.vocabulary
        choices.append(VocabularyChoice("seen", f"the {len(repeated):,} that the data repeat", repeated))
    best, pattern = _best_choice(counts, current, proposal, choices)
    return SuggestedContract(proposal.sentence if proposal else "", tuple(choices), best, pattern)


def _best_choice(
    counts: Counter[str], current: Contract | None, proposal: Proposal | None, choices: list[VocabularyChoice]
) -> tuple[str, str]:
    if current is not None:
        return ("kept" if current.vocabulary is not None else "any"), current.pattern or ""
    for choice in choices:
        covered = sum(n for text, n in counts.items() if choice.vocabulary and text in choice.vocabulary)
        if covered and covered >= PROPOSED * counts.total():
            return choice.name, ""
    return "any", (proposal.contract.pattern or "") if proposal else ""


def _bundled_choices(counts: Counter[str]) -> list[VocabularyChoice]:
    alike = sum(n for text, n in counts.items() if _SHORTCODE.fullmatch(text))
    if not alike or alike < _MOST * counts.total():
        return []
    words = shortcodes()
    return [VocabularyChoice("teams", f"the {len(words):,} shortcodes of Microsoft Teams", words)]


@cache
def shortcodes() -> frozenset[str]:
    """The vocabulary packaged with Curator."""
    return read_vocabulary(paths.packaged("sample_data") / SHORTCODES)


def read_vocabulary(path: Path) -> frozenset[str]:
    """The answers listed in a file, one a line or as a JSON list. Raises InputError if it cannot be used."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for a list of answers.")
        return parse_vocabulary(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}.") from None


def check_answers(contract: Contract, counts: Counter[str], stop: Callable[[], bool]) -> ContractVerdict | None:
    """Check all answers against a contract; None once `stop()` is true."""
    broken: Counter[str] = Counter()
    for at, (text, times) in enumerate(counts.items()):
        if at % 200 == 0 and stop():
            return None
        if not contract.allows(text):
            broken[text] = times
    most_frequent = sorted(broken.items(), key=lambda item: (-item[1], item[0]))[:LISTED]
    commonest = tuple((text, times, _nearest(contract, text)) for text, times in most_frequent)
    return ContractVerdict(counts.total(), broken.total(), commonest)


def _nearest(contract: Contract, text: str) -> str:
    return next(iter(contract.suggest(text, 1)), "")


def completions(contract: Contract | None, text: str, limit: int = 5) -> list[str]:
    """Allowed answers that start with the text typed so far, or else the nearest ones; none if it is allowed."""
    if contract is None or not text.strip() or contract.allows(text):
        return []
    candidates: Iterable[str] = contract.complete(text, limit) or contract.suggest(text, limit)
    return [answer for answer in candidates if contract.allows(answer)]
