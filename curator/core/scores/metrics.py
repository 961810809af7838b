"""Scores of answers against the expected ones, and how sure one may be of them.

Every score of a pair is between 0 and 1; nothing raises on odd text. Words are runs of letters and digits, an
ideograph or kana each for itself.
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

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_BLEU_TOKEN = re.compile(rf"\([\w-]+\)|:[\w+-]+:|[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
"""Words, marks, and shortcodes as a whole: that `(tired)` and `(happy)` share their brackets is no agreement.
BLEU leaves it to its user what a token is (Post 2018, arXiv:1804.08771)."""
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
    """What changed from one model to another: indexes of the prompts, and McNemar's p value."""

    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    p_value: float


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of texts, in characters."""

    mean: float
    median: float
    low: int
    high: int


def exact_match(expected: str, answer: str) -> float:
    """1 where both are the same text, surrounding white space aside."""
    return float(expected.strip() == answer.strip())


def label(text: str) -> str:
    """A text as a class label, case, space and punctuation around it folded away (kept where nothing is left)."""
    folded = " ".join(text.casefold().split())
    return folded.strip(string.punctuation + " ") or folded


def token_f1(expected: str, answer: str) -> float:
    """F1 of the words in common, counted with repetition, without articles and punctuation.

    SQuAD's second measure (Rajpurkar et al. 2016, arXiv:1606.05250).
    """
    return _f1(Counter(_squad(expected)), Counter(_squad(answer)), expected, answer)


def rouge_n(expected: str, answer: str, n: int) -> float:
    """ROUGE-N as F1 of the word n-grams in common (Lin 2004), lower-cased, not stemmed."""
    return _f1(_ngrams(_words(expected), n), _ngrams(_words(answer), n), expected, answer)


def rouge_l(expected: str, answer: str) -> float:
    """ROUGE-L as F1 of the longest common subsequence of words (Lin 2004), lower-cased, not stemmed."""
    from rapidfuzz.distance import LCSseq

    left, right = _words(expected), _words(answer)
    if not left or not right:
        return exact_match(expected, answer)
    common = LCSseq.similarity(left, right)
    return 2 * int(common) / (len(left) + len(right))


def bleu(expected: str, answer: str, order: int = 4) -> float:
    """BLEU of one answer (Papineni et al. 2002), smoothed: for n > 1 one is added to matches and total.

    (Lin and Och 2004.) Orders longer than the answer are left out, so that a one-word answer can score 1.
    """
    return _bleu([_matches(expected, answer, order)], smooth=True)


def corpus_bleu(expected: Sequence[str], answers: Sequence[str], order: int = 4) -> float:
    """BLEU of all answers together, one reference each, not smoothed (Papineni et al. 2002)."""
    pairs = zip(expected, answers, strict=True)
    return _bleu([_matches(reference, answer, order) for reference, answer in pairs], smooth=False)


def accuracy(expected: Sequence[str], answers: Sequence[str]) -> float:
    """Share of answers with the expected label (see `label`); 0 for no answers."""
    return share([label(a) == label(b) for a, b in zip(expected, answers, strict=True)])


def macro_f1(expected: Sequence[str], answers: Sequence[str]) -> float:
    """Mean F1 over the labels that are expected anywhere: a rare label weighs as much as a common one.

    An answer that is no expected label is a miss, and no class of its own.
    """
    gold, said = [label(text) for text in expected], [label(text) for text in answers]
    hits = Counter(a for a, b in zip(gold, said, strict=True) if a == b)
    wanted, given = Counter(gold), Counter(said)
    return mean([2 * hits[name] / (wanted[name] + given[name]) for name in wanted])


def perplexity(log_probabilities: Sequence[float]) -> float:
    """exp of the mean negative natural log probability of the expected tokens; infinite for none."""
    if not log_probabilities:
        return math.inf
    try:
        return math.exp(-math.fsum(log_probabilities) / len(log_probabilities))
    except OverflowError:
        return math.inf


def lengths(texts: Sequence[str]) -> Lengths:
    """Lengths of `texts`; zeros for none."""
    sizes = sorted(map(len, texts))
    if not sizes:
        return Lengths(0.0, 0.0, 0, 0)
    middle = len(sizes) // 2
    median = sizes[middle] if len(sizes) % 2 else (sizes[middle - 1] + sizes[middle]) / 2
    return Lengths(mean(sizes), float(median), sizes[0], sizes[-1])


def share(flags: Sequence[bool]) -> float:
    """Share of true ones; 0 for none."""
    return sum(flags) / len(flags) if flags else 0.0


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 for none."""
    return math.fsum(values) / len(values) if values else 0.0


def wilson(hits: int, n: int, z: float = Z95) -> Interval:
    """A share with Wilson's score interval (Wilson 1927): sound for few examples and for shares near 0 or 1."""
    if n <= 0:
        return Interval(0.0, 0.0, 1.0)
    p, z2 = hits / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def bootstrap(
    n: int, statistic: Callable[[NDArray[np.int64]], float], seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """`statistic` of the rows 0…n-1 with the percentile bootstrap interval (Efron 1979); the same for a seed.

    `statistic` takes an array of row numbers, repeated ones among them.
    """
    import numpy as np  # heavy: only where an interval is asked for

    value = float(statistic(np.arange(n)))
    if n == 0:
        return Interval(value, value, value)
    chance = np.random.default_rng(seed)
    found = [statistic(chance.integers(0, n, n)) for _ in range(resamples)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def bootstrap_mean(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The mean of per-example scores with its bootstrap interval; 0 for none."""
    import numpy as np

    known = np.asarray(values, dtype=float)
    return bootstrap(len(values), lambda rows: float(known[rows].mean()) if len(rows) else 0.0, seed, resamples)


def perplexity_interval(log_probabilities: Sequence[float], seed: int = 0) -> Interval:
    """Perplexity with its bootstrap interval over the tokens; infinite for none."""
    if not log_probabilities:
        return Interval(math.inf, math.inf, math.inf)
    found = bootstrap_mean(log_probabilities, seed, resamples=200)
    # a higher mean log probability is a lower perplexity: the ends change places
    return Interval(*(perplexity([mean_log]) for mean_log in (found.value, found.high, found.low)))


def score(
    metric: str,
    expected: Sequence[str],
    answers: Sequence[str],
    allowed: Callable[[str], bool] | None = None,
    seed: int = 0,
) -> Interval:
    """A model's value of one metric of `NAMES` over all prompts, with its 95 % interval.

    `allowed` says whether an answer keeps the contract (metric "contract"). Shares have Wilson intervals,
    everything else bootstrap ones. Raises KeyError for another name.
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
        return bootstrap(
            len(pairs), lambda rows: macro_f1([expected[i] for i in rows], [answers[i] for i in rows]), seed, 200
        )
    return bootstrap_mean([PER_EXAMPLE[metric](a, b) for a, b in pairs], seed)


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p value that two models are equally good, from the prompts where they differ.

    (McNemar 1947 in its binomial form: 2 · P(X ≤ min) for X ~ B(fixed + broken, ½), 1 at most.)
    """
    n = fixed + broken
    tail = sum(math.comb(n, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, 2 * tail / (1 << n))


def flips(before: Sequence[bool], after: Sequence[bool]) -> Flips:
    """Which prompts a newer model fixed and which it broke. Raises ValueError for unequal lengths."""
    pairs = list(zip(before, after, strict=True))
    fixed = tuple(row for row, (old, new) in enumerate(pairs) if new and not old)
    broken = tuple(row for row, (old, new) in enumerate(pairs) if old and not new)
    return Flips(fixed, broken, mcnemar(len(fixed), len(broken)))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _squad(text: str) -> list[str]:
    return _ARTICLE.sub(" ", text.casefold().translate(_NO_PUNCTUATION)).split()


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _f1(left: Mapping[Any, int], right: Mapping[Any, int], expected: str, answer: str) -> float:
    """F1 of two bags; where a text has nothing to count (punctuation, emoji, too short) only equality counts."""
    sizes = sum(left.values()), sum(right.values())
    if not all(sizes):
        return exact_match(expected, answer)
    common = sum(min(count, right.get(item, 0)) for item, count in left.items())
    return 2 * common / sum(sizes)


@dataclass(frozen=True, slots=True)
class _Matches:
    """Clipped n-gram matches and totals by order, and both lengths in words."""

    hits: tuple[int, ...]
    totals: tuple[int, ...]
    expected: int
    answer: int


def _matches(expected: str, answer: str, order: int) -> _Matches:
    left, right = _BLEU_TOKEN.findall(expected.casefold()), _BLEU_TOKEN.findall(answer.casefold())
    hits, totals = [], []
    for n in range(1, order + 1):
        wanted, said = _ngrams(left, n), _ngrams(right, n)
        hits.append(sum(min(count, wanted[gram]) for gram, count in said.items()))
        totals.append(said.total())
    return _Matches(tuple(hits), tuple(totals), len(left), len(right))


def _bleu(all_matches: Sequence[_Matches], smooth: bool) -> float:
    hits = [sum(column) for column in zip(*(each.hits for each in all_matches), strict=True)]
    totals = [sum(column) for column in zip(*(each.totals for each in all_matches), strict=True)]
    expected, answer = sum(each.expected for each in all_matches), sum(each.answer for each in all_matches)
    if not expected or not answer:
        return float(expected == answer and bool(all_matches))
    orders = [n for n, total in enumerate(totals) if total]
    logs = []
    for n in orders:
        extra = int(smooth and n > 0)
        if not hits[n] + extra:
            return 0.0
        logs.append(math.log((hits[n] + extra) / (totals[n] + extra)))
    brevity = min(0.0, 1 - expected / answer)
    return math.exp(brevity + mean(logs))


PER_EXAMPLE: dict[str, Callable[[str, str], float]] = {
    "exact_match": exact_match,
    "token_f1": token_f1,
    "bleu": bleu,
    "rouge1": lambda expected, answer: rouge_n(expected, answer, 1),
    "rouge2": lambda expected, answer: rouge_n(expected, answer, 2),
    "rougeL": rouge_l,
}
"""Metrics that score one answer: (expected, answer) to 0…1."""
NAMES = (*PER_EXAMPLE, "contract", "accuracy", "macro_f1", "length")
"""Metrics that need only texts; perplexity needs the model's log probabilities."""
