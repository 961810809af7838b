"""Scores of answers against the expected ones, with confidence intervals.

The score of one pair is between 0 and 1; no text makes a metric raise. `free_text` has those of the packages.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
RESAMPLES = 1_000

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Flips:
    """The prompts (by index) that a newer model fixed and broke, and McNemar's p value."""

    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    p_value: float


@dataclass(frozen=True, slots=True)
class TextLengths:
    """Statistics of the lengths of texts, in characters."""

    mean: float
    median: float
    low: int
    high: int


def exact_match(expected: str, answer: str) -> float:
    """1 where both texts are equal but for surrounding white space, else 0."""
    return float(expected.strip() == answer.strip())


def label(text: str) -> str:
    """A text as a class label: case folded, single blanks, no punctuation around it (unless it is all
    punctuation)."""
    folded = " ".join(text.casefold().split())
    return folded.strip(string.punctuation + " ") or folded


def token_f1(expected: str, answer: str) -> float:
    """F1 of the common words, counted with repetition, without articles and punctuation.

    SQuAD's second measure (Rajpurkar et al. 2016, arXiv:1606.05250).
    """
    return _f1(Counter(_squad(expected)), Counter(_squad(answer)), expected, answer)


def accuracy(expected: Sequence[str], answers: Sequence[str]) -> float:
    """Share of answers with the expected label (see `label`); 0 for no answers."""
    return share([label(a) == label(b) for a, b in zip(expected, answers, strict=True)])


def macro_f1(expected: Sequence[str], answers: Sequence[str]) -> float:
    """The mean F1 over all expected labels: a rare label weighs as much as a common one.

    An answer that is no expected label counts as a miss, not as a class of its own.
    """
    expected_labels, answer_labels = [label(text) for text in expected], [label(text) for text in answers]
    hits = Counter(a for a, b in zip(expected_labels, answer_labels, strict=True) if a == b)
    expected_counts, answer_counts = Counter(expected_labels), Counter(answer_labels)
    return mean([2 * hits[name] / (expected_counts[name] + answer_counts[name]) for name in expected_counts])


def macro_f1_of_rows(expected: Sequence[str], answers: Sequence[str]) -> Callable[[NDArray[np.int64]], float]:
    """A function from row numbers, in which rows may repeat, to the `macro_f1` of these rows."""
    import numpy as np  # heavy: NumPy

    pairs = [(label(right), label(answer)) for right, answer in zip(expected, answers, strict=True)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for pair in pairs for name in pair))}
    right_numbers, answer_numbers = (
        np.asarray([numbers[pair[side]] for pair in pairs], dtype=np.int64) for side in (0, 1)
    )

    def statistic(rows: NDArray[np.int64]) -> float:
        right, answer = right_numbers[rows], answer_numbers[rows]
        expected_counts, answer_counts, hits = (
            np.bincount(each, minlength=len(numbers)) for each in (right, answer, right[right == answer])
        )
        in_question = expected_counts > 0
        if not in_question.any():
            return 0.0
        return float((2 * hits[in_question] / (expected_counts + answer_counts)[in_question]).mean())

    return statistic


def perplexity(log_probabilities: Sequence[float]) -> float:
    """exp of the mean negative natural log probability of the expected tokens; infinite for no tokens."""
    if not log_probabilities:
        return math.inf
    try:
        return math.exp(-math.fsum(log_probabilities) / len(log_probabilities))
    except OverflowError:
        return math.inf


def lengths(texts: Sequence[str]) -> TextLengths:
    """The lengths of `texts`; zeros for no texts."""
    sizes = sorted(map(len, texts))
    if not sizes:
        return TextLengths(0.0, 0.0, 0, 0)
    middle = len(sizes) // 2
    median = sizes[middle] if len(sizes) % 2 else (sizes[middle - 1] + sizes[middle]) / 2
    return TextLengths(mean(sizes), float(median), sizes[0], sizes[-1])


def share(flags: Sequence[bool]) -> float:
    """The share of true flags; 0 for no flags."""
    return sum(flags) / len(flags) if flags else 0.0


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 for no values."""
    return math.fsum(values) / len(values) if values else 0.0


def wilson(hits: int, n: int, z: float = Z95) -> Interval:
    """The share `hits / n` with Wilson's score interval (Wilson 1927), good for few examples and near 0 or 1."""
    if n <= 0:
        return Interval(0.0, 0.0, 1.0)
    p, z2 = hits / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def bootstrap(
    n: int, statistic: Callable[[NDArray[np.int64]], float], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """`statistic` of the rows 0 to n-1 with its percentile bootstrap interval (Efron 1979), reproducible by
    `seed`.

    `statistic` takes an array of row numbers, in which rows may repeat.
    """
    import numpy as np  # heavy: only where an interval is asked for

    value = float(statistic(np.arange(n)))
    if n == 0:
        return Interval(value, value, value)
    random = np.random.default_rng(seed)
    statistics = [statistic(random.integers(0, n, n)) for _ in range(resamples)]
    low, high = np.quantile(statistics, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def bootstrap_mean(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The mean of per-example scores with its bootstrap interval; 0 for no scores."""
    import numpy as np  # heavy: NumPy

    scores = np.asarray(values, dtype=float)
    return bootstrap(len(values), lambda rows: float(scores[rows].mean()) if len(rows) else 0.0, seed, resamples)


def perplexity_interval(log_probabilities: Sequence[float], seed: int = 0) -> Interval:
    """The perplexity with its bootstrap interval over the tokens; infinite for no tokens."""
    if not log_probabilities:
        return Interval(math.inf, math.inf, math.inf)
    interval = bootstrap_mean(log_probabilities, seed, resamples=200)
    # a higher mean log probability is a lower perplexity, so the ends of the interval swap
    return Interval(*(perplexity([mean_log]) for mean_log in (interval.value, interval.high, interval.low)))


def score(
    metric: str,
    expected: Sequence[str],
    answers: Sequence[str],
    allowed: Callable[[str], bool] | None = None,
    seed: int = 0,
) -> Interval:
    """One metric of `NAMES` over all answers of a model, with its 95 % interval.

    `allowed(answer)` decides the metric "contract". Shares get Wilson intervals, all else bootstrap intervals.
    Raises KeyError for an unknown metric.
    """
    pairs = list(zip(expected, answers, strict=True))
    if metric == "exact_match":
        return wilson(sum(exact_match(a, b) == 1 for a, b in pairs), len(pairs))
    if metric == "accuracy":
        return wilson(sum(label(a) == label(b) for a, b in pairs), len(pairs))
    if metric == "contract":
        return wilson(sum(allowed is None or allowed(answer) for answer in answers), len(pairs))
    if metric == "length":
        return bootstrap_mean([len(answer) for answer in answers], seed)
    if metric == "macro_f1":
        return bootstrap(len(pairs), macro_f1_of_rows(expected, answers), seed)
    return bootstrap_mean([PER_EXAMPLE[metric](a, b) for a, b in pairs], seed)


def mcnemar(fixed: int, broken: int) -> float:
    """The exact two-sided p value of "both models are equally good", from the prompts where they differ.

    McNemar (1947) in its binomial form: 2 · P(X ≤ min) for X ~ B(fixed + broken, ½), at most 1.
    """
    n = fixed + broken
    tail = sum(math.comb(n, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, 2 * tail / (1 << n))


SURE = 0.05
"""The p value below which a difference is reported as one."""


def difference_words(fixed: int, broken: int) -> str:
    """What McNemar's test says of prompts that a newer model fixed and broke, in words without a full stop."""
    counts = f"{fixed} fixed, {broken} broken"
    p_value = mcnemar(fixed, broken)
    if not fixed and not broken:
        return "both models get the same prompts right"
    if p_value >= SURE:
        return f"{counts}: too few to judge (p = {p_value:.2g})"
    return f"{counts}: clearly {'better' if fixed > broken else 'worse'} (p = {p_value:.2g})"


def flips(before: Sequence[bool], after: Sequence[bool]) -> Flips:
    """The prompts that a newer model fixed and broke. Raises ValueError for lists of different length."""
    pairs = list(zip(before, after, strict=True))
    fixed = tuple(row for row, (old, new) in enumerate(pairs) if new and not old)
    broken = tuple(row for row, (old, new) in enumerate(pairs) if old and not new)
    return Flips(fixed, broken, mcnemar(len(fixed), len(broken)))


def _squad(text: str) -> list[str]:
    return _ARTICLE.sub(" ", text.casefold().translate(_NO_PUNCTUATION)).split()


def _f1(expected_counts: Mapping[Any, int], answer_counts: Mapping[Any, int], expected: str, answer: str) -> float:
    """F1 of two multisets; where one is empty (only punctuation or emoji, too short) it is `exact_match`."""
    sizes = sum(expected_counts.values()), sum(answer_counts.values())
    if not all(sizes):
        return exact_match(expected, answer)
    common = sum(min(count, answer_counts.get(item, 0)) for item, count in expected_counts.items())
    return 2 * common / sum(sizes)


PER_EXAMPLE: dict[str, Callable[[str, str], float]] = {
    "exact_match": exact_match,
    "token_f1": token_f1,
}
"""Metrics of one answer: functions of (expected, answer) to a score from 0 to 1."""
NAMES = (*PER_EXAMPLE, "contract", "accuracy", "macro_f1", "length")
"""All metrics that need only texts; perplexity needs the model's log probabilities."""
