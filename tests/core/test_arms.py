"""Differences between trainings: what is told, and how often an interval is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from curator.core.scores import arms


def test_a_difference_is_paired_and_knows_both_kinds_of_luck() -> None:
    before, after = [[0.0, 1.0, 0.0, 1.0]] * 2, [[1.0, 1.0, 0.0, 1.0]] * 2
    told = arms.difference(before, after)
    assert told.value == 0.25 and told.low < 0 < told.high
    # the same prompts, better everywhere: sure at once, unless the seeds differ as much
    assert arms.is_told(arms.difference([[0.0, 1.0, 2.0]] * 2, [[1.0, 2.0, 3.0]] * 2))
    assert not arms.is_told(arms.difference([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [[1.0, 2.0, 3.0]] * 2))
    assert arms.level([[1.0]]).high == math.inf


def test_ninety_five_of_a_hundred_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        prompts = random.normal(0.3, 1, 60)
        before, after = ([random.normal(0, 0.2) + random.normal(0, 0.1, 60) for _ in range(2)] for _ in range(2))
        told = arms.difference([row.tolist() for row in before], [(row + prompts).tolist() for row in after])
        held += told.low <= 0.3 <= told.high
    assert held >= 370


def test_a_curve_is_continued_and_flat_or_noisy_ones_are_not_told() -> None:
    sizes = (50, 100, 150, 200)
    grows = [(n, [[0.1 * math.log(n) + 0.01 * at for at in range(20)]] * 2) for n in sizes]
    told = arms.gain_of_more(grows, 100)
    assert told.value == pytest.approx(0.1 * math.log(1.5)) and arms.is_told(told)
    flat = [(n, [[0.5] * 20, [0.6] * 20]) for n in sizes]
    assert not arms.is_told(arms.gain_of_more(flat, 100))
    assert not arms.is_told(arms.gain_of_more([(50, [[0.1], [0.2]])], 100))
