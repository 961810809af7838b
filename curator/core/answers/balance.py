"""The composition of a dataset: how often each answer occurs, system prompts, lengths, scripts, refusals."""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median
from typing import Any, NamedTuple

from curator.core.answers.contract import Contract
from curator.core.answers.refusal import is_refusal
from curator.core.turns import is_learnt

DOMINANT = 0.1
"""An answer is dominant if its share of all answers is at least this, and `OUTSTANDING` times its fair share."""
OUTSTANDING = 3.0
"""The fair share is 1 / number of different answers."""


class Share(NamedTuple):
    """A text, how many times it occurs, and its share of the whole (0 to 1)."""

    text: str
    times: int
    share: float


class Lengths(NamedTuple):
    """Statistics of lengths in characters; all 0 for no texts."""

    least: int = 0
    most: int = 0
    mean: float = 0.0
    median: float = 0.0
    p90: float = 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """The composition of a dataset. Lists are sorted by count, then by text."""

    examples: int
    total: int
    """Learnt answers with a text; a conversation may have several or none."""
    answers: list[Share]
    dominant: list[Share]
    unused: list[str]
    """Answers of the contract's vocabulary that do not occur, in order."""
    unknown: int
    """Answers that break the contract."""
    systems: list[Share]
    """System prompts by number of examples; the text "" stands for no system prompt."""
    prompt_lengths: Lengths
    answer_lengths: Lengths
    scripts: list[Share]
    """Scripts of the user's messages ("Latin", "Cyrillic") by number of examples; see `script`."""
    refusals: int
    """Answers that refuse."""

    @property
    def unknown_share(self) -> float:
        """The share of answers that break the contract, 0 to 1."""
        return self.unknown / self.total if self.total else 0.0

    @property
    def refusal_share(self) -> float:
        """The share of answers that refuse, 0 to 1."""
        return self.refusals / self.total if self.total else 0.0


class ConversationParts(NamedTuple):
    """The parts of one conversation that are counted."""

    system: str
    """Its system prompt, "" where it has none."""
    prompt: str
    """The texts of the user messages."""
    script: str
    """The script of the prompt, "" where there is no prompt."""
    answers: tuple[str, ...]
    """The texts of the learnt assistant messages."""


@dataclass(slots=True)
class BalanceTally:
    """Counts conversations one by one, for data that does not fit into memory."""

    contract: Contract = field(default_factory=Contract)
    _examples: int = 0
    _answers: Counter[str] = field(default_factory=Counter)
    _systems: Counter[str] = field(default_factory=Counter)
    _scripts: Counter[str] = field(default_factory=Counter)
    _prompt_lengths: array[int] = field(default_factory=lambda: array("L"))

    @property
    def examples(self) -> int:
        """The conversations counted so far."""
        return self._examples

    def add(self, messages: Sequence[Any]) -> ConversationParts:
        """Count one conversation; values that are no messages and messages without text are skipped."""
        self._examples += 1
        with_text = [(m, text) for m in messages if isinstance(m, dict) and (text := text_of(m.get("content")))]
        system = "\n\n".join(text for m, text in with_text if m.get("role") in ("system", "developer"))
        prompt = "\n".join(text for m, text in with_text if m.get("role") == "user")
        conversation = ConversationParts(
            system, prompt, script(prompt) if prompt else "", tuple(_learnt_texts(with_text))
        )
        self._systems[system] += 1
        if prompt:
            self._prompt_lengths.append(len(prompt))
            self._scripts[conversation.script] += 1
        self._answers.update(conversation.answers)
        return conversation

    def result(self) -> Balance:
        """The balance of all conversations counted so far."""
        total = self._answers.total()
        answers = _shares(self._answers, total)
        fair = OUTSTANDING / len(answers) if answers else 0.0
        words = self.contract.vocabulary or frozenset()
        return Balance(
            examples=self._examples,
            total=total,
            answers=answers,
            dominant=[answer for answer in answers if answer.share >= max(DOMINANT, fair)],
            unused=sorted(words - self._answers.keys()),
            unknown=sum(n for text, n in self._answers.items() if not self.contract.allows(text)),
            systems=_shares(self._systems, self._examples),
            prompt_lengths=_lengths(self._prompt_lengths),
            answer_lengths=_lengths(length for text, n in self._answers.items() for length in [len(text)] * n),
            scripts=_shares(self._scripts, self._scripts.total()),
            refusals=sum(n for text, n in self._answers.items() if is_refusal(text)),
        )


def balance(conversations: Iterable[Sequence[Any]], contract: Contract | None = None) -> Balance:
    """The balance of a dataset; each conversation is its list of messages (`Example.messages`)."""
    tally = BalanceTally(contract or Contract())
    for messages in conversations:
        tally.add(messages)
    return tally.result()


def text_of(content: Any) -> str:
    """The text of a message's content: the string, or its text parts joined by newlines; else ""."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def script(text: str) -> str:
    """The script of most letters of `text`, by the first word of their Unicode names; "None" without letters.

    A text with kana is Japanese, its Han characters included.
    """
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else "None"
    counts = Counter(_letter_script(letter) for letter in text if letter.isalpha())
    if counts.keys() & {"Hiragana", "Katakana"}:
        kana = counts.pop("Hiragana", 0) + counts.pop("Katakana", 0)
        counts["Japanese"] = kana + counts.pop("Han", 0)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else "None"


@lru_cache(maxsize=4096)
def _letter_script(letter: str) -> str:
    word = unicodedata.name(letter, "OTHER").split()[0].split("-")[0]
    return {"CJK": "Han", "FULLWIDTH": "Latin", "FEMININE": "Latin", "MASCULINE": "Latin"}.get(word, word.title())


def _learnt_texts(with_text: list[tuple[dict[str, Any], str]]) -> Iterator[str]:
    for message, text in with_text:
        if is_learnt(message):
            yield text


def _shares(counts: Counter[str], total: int) -> list[Share]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Share(text, count, count / total) for text, count in ordered]


def _lengths(lengths: Iterable[int]) -> Lengths:
    """The statistics of some lengths; p90 is interpolated linearly, as numpy.quantile does by default."""
    ordered = sorted(lengths)
    if not ordered:
        return Lengths()
    position = 0.9 * (len(ordered) - 1)
    low = ordered[int(position)]
    high = ordered[min(int(position) + 1, len(ordered) - 1)]
    p90 = low + (high - low) * (position - int(position))
    return Lengths(ordered[0], ordered[-1], sum(ordered) / len(ordered), float(median(ordered)), p90)
