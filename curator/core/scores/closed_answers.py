"""Scores of closed answers, each one of a list: precision, recall and F1 of each, and what is mistaken for what.

Answers are compared as labels (`metrics.label`): case, blanks and punctuation around them do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from curator.core.scores.metrics import label

_SHORT_WORDS = 3
"""Median words of the wanted answers up to which they are closed: BLEU compares four words in a row."""
_LETTERS_A_WORD = 5
"""Letters that count as a word where nothing stands between words, as in Chinese or Thai."""
_LONG_ANSWER = 60
"""Characters; where a tenth of the wanted answers is longer, they are free text."""

TaskKind = Literal["closed", "free"]


@dataclass(frozen=True, slots=True)
class Task:
    """What kind of answers is wanted, with the reason in words (no full stop)."""

    kind: TaskKind
    words: str


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """How well one answer is found: `hits` of `expected` prompts that want it, `given` times in all."""

    answer: str
    expected: int
    given: int
    hits: int

    @property
    def precision(self) -> float:
        """The share of right ones where this answer was given; 0 where it never was."""
        return self.hits / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """The share of the prompts that want this answer and got it; 0 where none wants it."""
        return self.hits / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.hits / (self.expected + self.given) if self.expected + self.given else 0.0


@dataclass(frozen=True, slots=True)
class Confusion:
    """One answer that was given in another's stead, and the prompts (by index) where."""

    expected: str
    given: str
    prompts: tuple[int, ...]


def find_task(expected: Sequence[str], vocabulary: int | None = None) -> Task:
    """Whether the wanted answers are closed or free text. `vocabulary`: how many the contract lists."""
    if vocabulary is not None:
        return Task("closed", f"an answer is one of {vocabulary:,} allowed ones")
    if not expected:
        return Task("free", "there is no wanted answer")
    labels = Counter(map(label, expected))
    long_answers = sum(len(text) > _LONG_ANSWER for text in expected)
    if long_answers * 10 < len(expected):
        words = median(map(_count_words, expected))
        if words <= _SHORT_WORDS:
            return Task("closed", f"the wanted answers have {words:g} word{'s' * (words != 1)} at the median")
        if len(expected) >= 20 and len(labels) * 10 <= len(expected):
            return Task("closed", f"the wanted answers are {len(labels):,} different ones that repeat")
    return Task("free", "the wanted answers are sentences that differ")


def _count_words(text: str) -> int:
    """About how many words a text has, also in scripts without blanks between them."""
    words = text.split()
    return sum(1 if word.isascii() else max(1, len(word) // _LETTERS_A_WORD) for word in words)


def answer_scores(expected: Sequence[str], answers: Sequence[str]) -> list[AnswerScore]:
    """The score of each answer that is wanted or was given, the most wanted first, then the most given.

    An answer is shown as it is written most often. Raises ValueError for lists of different length.
    """
    pairs = [(label(right), label(answer)) for right, answer in zip(expected, answers, strict=True)]
    wanted_counts, given_counts = Counter(right for right, _ in pairs), Counter(answer for _, answer in pairs)
    hits = Counter(right for right, answer in pairs if right == answer)
    spellings = _spellings([*expected, *answers])
    names = sorted(
        wanted_counts | given_counts, key=lambda name: (-wanted_counts[name], -given_counts[name], name)
    )
    return [AnswerScore(spellings[name], wanted_counts[name], given_counts[name], hits[name]) for name in names]


def confusions(expected: Sequence[str], answers: Sequence[str]) -> list[Confusion]:
    """Which answers were given in whose stead, the most frequent first.

    Raises ValueError for lists of different length.
    """
    prompts: dict[tuple[str, str], list[int]] = {}
    for at, (right, answer) in enumerate(zip(expected, answers, strict=True)):
        if label(right) != label(answer):
            prompts.setdefault((label(right), label(answer)), []).append(at)
    spellings = _spellings([*expected, *answers])
    ranked = sorted(prompts.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Confusion(spellings[right], spellings[answer], tuple(at)) for (right, answer), at in ranked]


def _spellings(texts: Sequence[str]) -> dict[str, str]:
    """For each label the text that is written most often, without blanks around it; of equals the first."""
    spellings: dict[str, Counter[str]] = {}
    for text in texts:
        spellings.setdefault(label(text), Counter())[text.strip()] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in spellings.items()}
