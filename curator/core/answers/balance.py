"""What a dataset is made of: its answers and how often, system prompts, lengths, scripts, refusals."""

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
"""An answer with at least this share of all answers, and `OUTSTANDING` times its fair share, is dominant."""
OUTSTANDING = 3.0


class Share(NamedTuple):
    """How many times something occurs, and its part of the whole, 0 to 1."""

    text: str
    times: int
    share: float


class Lengths(NamedTuple):
    """Lengths in characters; all 0 where there are none."""

    least: int = 0
    most: int = 0
    mean: float = 0.0
    median: float = 0.0
    p90: float = 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """What `balance` counted. Lists are sorted by count, then by text."""

    examples: int
    total: int
    """Trained answers with a text: a conversation may have several or none."""
    answers: list[Share]
    dominant: list[Share]
    unused: list[str]
    """Answers of the contract's vocabulary that no example gives, in order."""
    unknown: int
    """Answers that break the contract."""
    systems: list[Share]
    """System prompts by examples; the text "" stands for none."""
    prompt_lengths: Lengths
    answer_lengths: Lengths
    scripts: list[Share]
    """Scripts by examples ("Latin", "Cyrillic"), the one with most letters of what the user says."""
    refusals: int
    """Answers that refuse."""

    @property
    def unknown_share(self) -> float:
        """Part of the answers that break the contract, 0 to 1."""
        return self.unknown / self.total if self.total else 0.0

    @property
    def refusal_share(self) -> float:
        """Part of the answers that refuse, 0 to 1."""
        return self.refusals / self.total if self.total else 0.0


class Conversation(NamedTuple):
    """The texts of one conversation that are counted."""

    system: str
    """Its system prompt, "" where it has none."""
    prompt: str
    """All that the user says."""
    script: str
    """The script of the prompt, "" where there is no prompt."""
    answers: tuple[str, ...]
    """The texts of learnt answers."""


@dataclass(slots=True)
class Tally:
    """Counts conversations one by one (for data that does not fit in memory); `balance` is the short way."""

    contract: Contract = field(default_factory=Contract)
    _examples: int = 0
    _answers: Counter[str] = field(default_factory=Counter)
    _systems: Counter[str] = field(default_factory=Counter)
    _scripts: Counter[str] = field(default_factory=Counter)
    _prompt_lengths: array[int] = field(default_factory=lambda: array("L"))

    def add(self, messages: Sequence[Any]) -> Conversation:
        """Count one conversation; what is no message or has no text is passed over."""
        self._examples += 1
        spoken = [(m, text) for m in messages if isinstance(m, dict) and (text := text_of(m.get("content")))]
        system = "\n\n".join(text for m, text in spoken if m.get("role") in ("system", "developer"))
        prompt = "\n".join(text for m, text in spoken if m.get("role") == "user")
        conversation = Conversation(system, prompt, script(prompt) if prompt else "", tuple(_trained(spoken)))
        self._systems[system] += 1
        if prompt:
            self._prompt_lengths.append(len(prompt))
            self._scripts[conversation.script] += 1
        self._answers.update(conversation.answers)
        return conversation

    def result(self) -> Balance:
        """Everything counted so far."""
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
            unknown=sum(n for text, n in self._answers.items() if not self.contract.keeps(text)),
            systems=_shares(self._systems, self._examples),
            prompt_lengths=_lengths(self._prompt_lengths),
            answer_lengths=_lengths(length for text, n in self._answers.items() for length in [len(text)] * n),
            scripts=_shares(self._scripts, self._scripts.total()),
            refusals=sum(n for text, n in self._answers.items() if is_refusal(text)),
        )


def balance(conversations: Iterable[Sequence[Any]], contract: Contract | None = None) -> Balance:
    """What a dataset is made of; each conversation is its list of messages (`Example.messages`)."""
    tally = Tally(contract or Contract())
    for messages in conversations:
        tally.add(messages)
    return tally.result()


def text_of(content: Any) -> str:
    """The text of a message's content: the string, or its text parts one after another; else ""."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def script(text: str) -> str:
    """The script that most letters of `text` belong to, by the first word of their Unicode names; "None"
    where there are no letters. Kana and Han together are Japanese."""
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


def _trained(spoken: list[tuple[dict[str, Any], str]]) -> Iterator[str]:
    for message, text in spoken:
        if is_learnt(message):
            yield text


def _shares(counts: Counter[str], total: int) -> list[Share]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Share(text, count, count / total) for text, count in ordered]


def _lengths(lengths: Iterable[int]) -> Lengths:
    """Sorted once; p90 by linear interpolation between the two nearest (numpy.quantile's default)."""
    ordered = sorted(lengths)
    if not ordered:
        return Lengths()
    place = 0.9 * (len(ordered) - 1)
    low = ordered[int(place)]
    high = ordered[min(int(place) + 1, len(ordered) - 1)]
    p90 = low + (high - low) * (place - int(place))
    return Lengths(ordered[0], ordered[-1], sum(ordered) / len(ordered), float(median(ordered)), p90)
