"""Epochs by default, billed tokens, dollars only where the price is known."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core import cost, models

MINI = models.table()["gpt-4o-mini-2024-07-18"]


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [
        (0, 25),
        (1, 25),
        (4, 25),
        (5, 20),
        (10, 10),
        (33, 3),
        (34, 3),
        (569, 3),
        (8_333, 3),
        (8_334, 2),
        (25_001, 1),
    ],
)
def test_default_epochs(examples: int, epochs: int) -> None:
    assert cost.default_epochs(examples) == epochs


@pytest.mark.parametrize(
    ("examples", "tokens", "billed"),
    [(569, 20_961, 62_883), (569, 19_522, 58_566), (10, 361, 3_610), (4_563, 168_948, 506_844)],
)
def test_published_totals(examples: int, tokens: int, billed: int) -> None:
    counts = [tokens // examples] * (examples - 1)
    counts.append(tokens - sum(counts))
    assert cost.estimate(counts, MINI).billed_tokens == billed


def test_the_pricing_pages_own_example() -> None:
    bill = cost.estimate([1_000] * 100, MINI, epochs=3)
    assert (bill.usd, bill.priced_on) == (0.9, date(2025, 11, 1))


def test_over_long_examples_are_billed_up_to_the_limit() -> None:
    assert cost.estimate([70_000, 10], MINI, epochs=1).tokens_per_epoch == 65_546
    assert cost.estimate([70_000, 10], MINI, epochs=1, limit=100).tokens_per_epoch == 110


def test_unknown_prices_stay_unknown() -> None:
    assert cost.estimate([5], None, name="mystery").as_dict() == {
        "model": "mystery",
        "epochs": 25,
        "tokens_per_epoch": 5,
        "billed_tokens": 125,
        "usd": None,
        "priced_on": None,
    }
    assert cost.estimate([5], models.table()["o4-mini-2025-04-16"]).usd is None
    assert cost.estimate([5], MINI.on("azure")).usd is None


def test_local_training_is_free() -> None:
    assert cost.estimate([2_000], models.table()["smollm2-135m-instruct"]).usd == 0
    assert cost.estimate([2_000], models.table()["smollm2-135m-instruct"], 1).billed_tokens == 1_024


def test_hosting_a_deployment() -> None:
    assert MINI.on("azure").hosting_hour == 1.70 and MINI.hosting_hour is None


@given(st.lists(st.integers(0, 100_000), max_size=50), st.integers(1, 50))
def test_the_bill_never_shrinks_with_more_data(counts: list[int], epochs: int) -> None:
    bill = cost.estimate(counts, MINI, epochs)
    more = cost.estimate([*counts, 7], MINI, epochs)
    assert more.billed_tokens == bill.billed_tokens + 7 * epochs


@pytest.mark.parametrize(
    ("usd", "said"), [(0, "0.00"), (1234.5, "1,234.50"), (0.01, "0.01"), (0.0021, "0.0021"), (1.4e-6, "0.0000014")]
)
def test_small_amounts_show_their_digits(usd: float, said: str) -> None:
    assert cost.money(usd) == said
