"""Statistics as numpy computes them, and histograms that lose nobody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.counting.spread import Bin, Spread, TokenTally, histogram, spread
from curator.tokens import Tokens

TOY = [45, 111, 26, 28, 8032]


def test_the_toy_files_published_statistics() -> None:
    assert spread(TOY) == Spread(26, 8032, 1648.4, 45, 26.8, 4863.6)
    assert spread([10, 28, 9, 4, 8000]).p90 == 4811.200000000001
    assert spread([3, 9, 2, 2, 3]).p90 == 6.6000000000000005


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_as_numpy(numbers: list[int]) -> None:
    found = spread(numbers)
    assert [found.median, found.p10, found.p90] == list(np.quantile(numbers, [0.5, 0.1, 0.9]))
    assert found.mean == pytest.approx(np.mean(numbers))


def test_no_numbers() -> None:
    assert spread([]) == Spread()
    assert histogram([]) == []


def test_histogram_as_it_is_read() -> None:
    assert histogram([20, 25, 31, 44, 45], 3) == [Bin(20, 30, 2), Bin(30, 40, 1), Bin(40, 50, 2)]
    assert histogram([5, 5]) == [Bin(5, 6, 2)]


def test_a_long_tail_is_one_bin() -> None:
    bins = histogram([10] * 98 + [12, 9_000])
    assert bins[-1].high == 9_000
    assert bins[-1].count == 2
    assert len(bins) <= 9


@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=60), st.integers(1, 12))
def test_every_number_is_in_one_bin(numbers: list[int], wanted: int) -> None:
    bins = histogram(numbers, wanted)
    assert sum(bin_.count for bin_ in bins) == len(numbers)
    assert len(bins) <= wanted + 3
    assert all(a.high == b.low for a, b in zip(bins, bins[1:], strict=False))


def test_token_tally_is_the_contracts_object() -> None:
    tally = TokenTally(limit=40)
    for total in TOY:
        tally.add(Tokens(total, 1))
    found = tally.as_dict("m", "o200k_base")
    assert (found["total"], found["assistant"], found["over_limit"]) == (8242, 5, 3)
    assert found["per_example"] == {
        "min": 26,
        "max": 8032,
        "mean": 1648.4,
        "median": 45,
        "p10": 26.8,
        "p90": 4863.6,
    }
