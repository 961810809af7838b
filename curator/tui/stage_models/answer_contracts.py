"""Counts the workspace's answers, suggests answer contracts that fit them, and checks them against a contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.core.answers.contract import (
    MAX_ANSWER,
    MAX_ANSWERS,
    PROPOSED,
    Contract,
    ContractOffer,
    parse_vocabulary,
    propose,
)
from curator.core.turns import turns
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

SHORTCODES = "emojibot-shortcodes.txt"
"""The list of the packaged EmojiBot sample: a selection made for it, and no list of any product."""
MAX_BYTES = 64 << 20
"""Largest vocabulary file that is read: `core.answers` takes at most 100,000 answers of 1,000 characters."""
LISTED = 5
"""Most violations listed, each with the nearest allowed answer."""
MOST_DIFFERENT = 0.75
"""Largest share of different ones among the answers for which a list of them is preselected."""
NAMED = 6
"""Most answers named as the most frequent ones, and as examples of those that occur once."""


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
    used: tuple[tuple[str, int], ...] = ()
    """(answer, count) of the most frequent answers."""
    once: tuple[str, ...] = ()
    """Some of the answers that occur once: among these are the typing mistakes."""
    times_once: int = 0
    """How many answers occur once."""


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
    """The vocabularies to choose from, the answers that the data uses first; preselected is the present contract.

    Without one it is the sample's own list where it fits the answers, else the answers used, unless nearly all
    differ.
    """
    proposal = propose(counts.elements())
    choices = [*_choices_in_data(counts)]
    if current is not None and current.vocabulary is not None:
        words = f"the {len(current.vocabulary):,} allowed now"
        choices.append(VocabularyChoice("kept", words, current.vocabulary))
    if _count_covered(counts, shortcodes()) >= PROPOSED * counts.total() > 0:
        words = f"the {len(shortcodes()):,} of Curator's EmojiBot sample"
        choices.append(VocabularyChoice("sample", words, shortcodes()))
    choices.append(VocabularyChoice("any", "any answer", None))
    best, pattern = _best_choice(counts, current, proposal, {choice.name for choice in choices})
    return SuggestedContract(proposal.sentence if proposal else "", tuple(choices), best, pattern)


def _best_choice(
    counts: Counter[str], current: Contract | None, proposal: ContractOffer | None, offered: set[str]
) -> tuple[str, str]:
    """The name of the preselected choice, and the pattern beside it."""
    if current is not None:
        return ("kept" if current.vocabulary is not None else "any"), current.pattern or ""
    if "sample" in offered:
        return "sample", ""
    if "used" in offered and len(counts) <= MOST_DIFFERENT * counts.total():
        return "used", ""
    return "any", (proposal.contract.pattern or "") if proposal else ""


def _choices_in_data(counts: Counter[str]) -> Iterator[VocabularyChoice]:
    """The answers that the data uses, and those that it uses twice or more, each with its numbers."""
    if not 0 < len(counts) <= MAX_ANSWERS or max(map(len, counts)) > MAX_ANSWER:
        return
    yield VocabularyChoice("used", f"the {len(counts):,} that this data uses", frozenset(counts))
    repeated = frozenset(answer for answer, times in counts.items() if times > 1)
    if 0 < len(repeated) < len(counts):
        share = f"{_count_covered(counts, repeated):,} of {counts.total():,}"
        words = f"the {len(repeated):,} used at least twice ({share})"
        yield VocabularyChoice("repeated", words, repeated)


def _count_covered(counts: Counter[str], vocabulary: frozenset[str]) -> int:
    """How many answers are in a vocabulary."""
    return sum(times for answer, times in counts.items() if answer in vocabulary)


@cache
def shortcodes() -> frozenset[str]:
    """The list of the packaged EmojiBot sample."""
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
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    once = [answer for answer, times in ordered if times == 1]
    used, rare = tuple(ordered[:NAMED]), tuple(once[:NAMED])
    return ContractVerdict(counts.total(), broken.total(), commonest, used, rare, len(once))


def _nearest(contract: Contract, text: str) -> str:
    return next(iter(contract.suggest(text, 1)), "")


def completions(contract: Contract | None, text: str, limit: int = 5) -> list[str]:
    """Allowed answers that start with the text typed so far, or else the nearest ones; none if it is allowed."""
    if contract is None or not text.strip() or contract.allows(text):
        return []
    candidates: Iterable[str] = contract.complete(text, limit) or contract.suggest(text, limit)
    return [answer for answer in candidates if contract.allows(answer)]
