"""Scores against values worked out by hand, and what must hold for any text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.scores import metrics
from tests.thorough import examples


@pytest.mark.parametrize(
    ("expected", "answer", "score"), [("(cat)", " (cat)\n", 1), ("(cat)", "(Cat)", 0), ("", "", 1), ("", "x", 0)]
)
def test_exact_match(expected: str, answer: str, score: float) -> None:
    assert metrics.exact_match(expected, answer) == score


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ("the cat sat on the mat", "A cat sat.", 2 * 2 / (4 + 2)),  # cat sat on mat | cat sat
        ("good good day", "good day day", 2 * 2 / 6),
        ("(tired)", "tired", 1.0),
        ("🙂", "🙂", 1.0),
        ("🙂", "🙃", 0.0),
        ("the", "a", 0.0),
        ("one", "two", 0.0),
    ],
)
def test_token_f1(expected: str, answer: str, score: float) -> None:
    assert metrics.token_f1(expected, answer) == pytest.approx(score)


def test_labels_forgive_case_and_punctuation() -> None:
    assert metrics.accuracy(["(Tired)", "yes", "no"], ["tired", " YES. ", "maybe"]) == pytest.approx(2 / 3)
    assert metrics.label("?!") == "?!"


def test_macro_f1_by_hand() -> None:
    gold = ["a", "a", "a", "b"]
    said = ["a", "a", "b", "x"]
    # a: 2 hits, 3 expected, 2 said → 4/5; b: 0 hits → 0
    assert metrics.macro_f1(gold, said) == pytest.approx((4 / 5 + 0) / 2)
    assert metrics.macro_f1([], []) == 0
    rows = [0, 0, 1, 3, 3]
    drawn = metrics.macro_f1_of_rows(gold, said)(np.asarray(rows))
    assert drawn == pytest.approx(metrics.macro_f1([gold[at] for at in rows], [said[at] for at in rows]))


def test_perplexity() -> None:
    assert metrics.perplexity([math.log(1 / 4)] * 3) == pytest.approx(4)
    assert metrics.perplexity([]) == math.inf
    assert metrics.perplexity([-1e6]) == math.inf


def test_perplexity_has_an_interval() -> None:
    found = metrics.perplexity_interval([math.log(1 / 2), math.log(1 / 8)] * 50)
    assert found.value == pytest.approx(4)
    assert 3 < found.low < 4 < found.high < 5
    assert metrics.perplexity_interval([]).value == math.inf


def test_lengths() -> None:
    assert metrics.lengths(["a", "bbb", "cc", "dddd"]) == metrics.TextLengths(2.5, 2.5, 1, 4)
    assert metrics.lengths([]) == metrics.TextLengths(0, 0, 0, 0)


def test_wilson_by_hand() -> None:
    found = metrics.wilson(8, 10)
    assert (round(found.value, 3), round(found.low, 3), round(found.high, 3)) == (0.8, 0.490, 0.943)
    none = metrics.wilson(0, 10)
    assert (none.low, round(none.high, 4)) == (0.0, 0.2775)
    assert metrics.wilson(0, 0) == metrics.Interval(0, 0, 1)


def test_bootstrap_is_seeded_and_brackets_the_mean() -> None:
    values = [0.0] * 50 + [1.0] * 50
    first = metrics.bootstrap_mean(values, seed=3)
    assert first == metrics.bootstrap_mean(values, seed=3)
    assert first != metrics.bootstrap_mean(values, seed=4)
    assert first.value == 0.5
    # the normal approximation: 0.5 ± 1.96 · 0.05
    assert first.low == pytest.approx(0.402, abs=0.02)
    assert first.high == pytest.approx(0.598, abs=0.02)
    assert metrics.bootstrap_mean([]) == metrics.Interval(0, 0, 0)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 2, 0.109375), (3, 3, 1.0)],
)
def test_mcnemar_by_hand(fixed: int, broken: int, p: float) -> None:
    assert metrics.mcnemar(fixed, broken) == pytest.approx(p)


def test_flips() -> None:
    found = metrics.flips([True, False, False, True], [True, True, False, False])
    assert (found.fixed, found.broken, found.p_value) == ((1,), (3,), 1.0)
    with pytest.raises(ValueError, match="shorter"):
        metrics.flips([True, True], [True])


@pytest.mark.parametrize("metric", metrics.NAMES)
def test_every_metric_has_an_interval_around_its_value(metric: str) -> None:
    expected = ["the cat sat", "yes", "(tired)", "no way"] * 5
    answers = ["the cat sat down", "yes", "tired", "way"] * 5
    found = metrics.score(metric, expected, answers, allowed=lambda text: len(text) < 5)
    assert found.low <= found.value <= found.high
    assert 0 < found.value <= (1 if metric != "length" else 20)
    empty = metrics.score(metric, [], [])
    assert empty.value == 0


def test_unknown_metric() -> None:
    with pytest.raises(KeyError):
        metrics.score("charm", ["a"], ["a"])


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_scores_are_shares_and_full_for_the_same_text(expected: str, answer: str) -> None:
    for one in metrics.PER_EXAMPLE.values():
        assert 0 <= one(expected, answer) <= 1 + 1e-9
        assert one(expected, expected) == pytest.approx(1)
