"""Verdicts on curves: of a real run, made after the figures of others, or made to show one rule."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.scores.diagnosis import Diagnosis, diagnose, read_curves
from tests.thorough import examples


def run(
    train: list[float], valid: dict[int, float] | None = None, full: dict[int, float] | None = None
) -> list[dict[str, Any]]:
    """Metrics events of a run with one train loss a step."""
    return [
        {
            "step": step,
            "total_steps": len(train),
            "train_loss": loss,
            "valid_loss": (valid or {}).get(step),
            "full_valid_loss": (full or {}).get(step),
        }
        for step, loss in enumerate(train, 1)
    ]


def decay(start: float, end: float, steps: int, noise: float = 0.05, half_life: float = 0.15) -> list[float]:
    """A falling, noisy loss curve."""
    chance = random.Random(7)
    return [
        (end + (start - end) * 0.5 ** (at / steps / half_life)) * (1 + chance.uniform(-noise, noise))
        for at in range(steps)
    ]


# Made after a run on 503 examples, 3 epochs: train loss by epoch 2.317, 1.106, .537; held-out 1.631 … 1.394
GOOD = run(
    decay(4.5, 1.6, 63, 0.15) + decay(1.3, 1.0, 63, 0.15, 0.5) + decay(0.7, 0.5, 63, 0.15, 0.5),
    full={63: 1.55, 126: 1.42, 189: 1.394},
)
# Made after a run on 100 examples at three times the rate: known by heart, held-out loss rises
OVERFIT = run(
    decay(4.5, 1.5, 13, 0.1) + decay(1.2, 0.6, 13, 0.1) + decay(0.4, 0.15, 13, 0.1),
    full={13: 1.82, 26: 1.90, 39: 2.163},
)


def test_a_good_run_is_learning() -> None:
    verdict = diagnose(GOOD, validation_examples=64, finished=True)
    assert verdict.kind == "learning"
    assert verdict.best_checkpoint_step == 189


# fmt: off
# SmolLM2-135M-Instruct on 111 examples of the clean sample, 3 epochs, 19 held out: as its events told it
TRAIN = [
    5.12, 4.28, 3.34, 2.82, 2.22, 1.98, 2.32, 2.23, 1.38, 1.86, 1.48, 1.54, 1.1, 1.38, 1.26, 1.21,
    1.17, 1.33, 1.16, 1.1, 1.02, 0.96, 1.21, 0.57, 1.22, 1.19, 0.96, 0.97, 0.62, 0.78, 0.56, 0.77,
    0.69, 0.46, 1.05, 0.7, 0.56, 0.71, 0.23, 0.83, 0.72, 0.63,
]
VALID = [
    4.8, 3.27, 2.51, 2.54, 1.84, 1.99, 1.88, 1.5, 1.88, 1.61, 1.78, 1.84, 1.64, 1.79, 1.82, 1.89,
    1.73, 1.69, 1.77, 1.64, 1.74, 1.6, 1.52, 1.72, 1.59, 1.76, 1.55, 1.62, 1.67, 1.61, 1.69, 1.59,
    1.54, 1.66, 1.67, 1.7, 1.64, 1.54, 1.68, 1.71, 1.71, 1.66,
]
# fmt: on


def test_a_real_run_on_the_sample() -> None:
    events = run(TRAIN, dict(enumerate(VALID, 1)), {14: 1.794, 28: 1.616, 42: 1.663})
    for seen, kind, best in (
        (10, "learning", 10),
        (20, "learning", 10),
        (30, "learning", 28),
        (42, "learning", 28),
    ):
        verdict = diagnose(events[:seen], validation_examples=19, finished=seen == 42)
        assert (verdict.kind, verdict.best_checkpoint_step) == (kind, best)


def test_held_out_losses_as_recorded_over_503_examples() -> None:
    train = decay(4.8, 1.9, 63, 0.2) + decay(1.3, 1.0, 63, 0.2, 0.5) + decay(0.6, 0.5, 63, 0.2, 0.5)
    events = run(train, full={40: 1.631, 80: 1.499, 120: 1.416, 160: 1.431, 189: 1.394})
    verdict = diagnose(events, validation_examples=64, checkpoints=[63, 126, 189], finished=True)
    assert (verdict.kind, verdict.best_checkpoint_step) == ("learning", 189)


def test_overfitting_names_the_checkpoint_to_take() -> None:
    verdict = diagnose(OVERFIT, validation_examples=64, checkpoints=[13, 26, 39], finished=True)
    assert (verdict.kind, verdict.best_checkpoint_step) == ("overfitting", 13)
    assert "step 13" in verdict.next_step
    assert "1.82" in verdict.reason


def test_a_rise_within_the_noise_is_no_overfitting() -> None:
    events = run(decay(4, 0.5, 39), full={13: 1.50, 26: 1.42, 39: 1.44})
    assert diagnose(events, validation_examples=64, finished=True).kind == "learning"


def test_overfitting_from_batches_alone() -> None:
    valid = {step: 2 - 0.02 * step if step <= 40 else 1.2 + 0.015 * (step - 40) for step in range(1, 101)}
    verdict = diagnose(run(decay(4, 0.2, 100), valid), validation_examples=50)
    assert verdict.kind == "overfitting"
    assert 35 <= (verdict.best_checkpoint_step or 0) <= 60


def test_noisy_batches_are_not_taken_for_overfitting_on_the_way() -> None:
    """Made after the first 40 steps of a real run on 281 examples, which was called overfitting at step 20."""
    valid = [
        3.9,
        4.4,
        3.6,
        4.1,
        3.0,
        3.5,
        2.6,
        3.1,
        2.2,
        2.9,
        1.9,
        2.6,
        2.4,
        1.7,
        2.2,
        1.94,
        1.34,
        2.80,
        2.34,
        1.77,
    ]
    valid += [2.1, 1.5, 2.6, 1.6, 2.2, 1.4, 2.5, 1.7, 2.0, 1.5, 2.3, 1.6, 1.9, 3.0, 1.4, 1.8, 2.1, 2.4, 1.4, 1.0]
    curve = dict(enumerate(valid, 1))
    for upto in range(6, 41):
        events = run(decay(4.3, 1.2, 108, 0.2)[:upto], curve)
        assert diagnose(events, validation_examples=49).kind != "overfitting", upto


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_unstable(bad: float) -> None:
    verdict = diagnose(run([*decay(4, 1, 20), bad, 1.0]))
    assert verdict.kind == "unstable"
    assert "step 21" in verdict.reason


def test_divergence_is_unstable() -> None:
    assert diagnose(run(decay(4, 1, 30) + [1.5, 2, 3, 4, 5, 6])).kind == "unstable"


def test_spikes_are_unstable_and_small_ones_are_not() -> None:
    base = decay(4, 0.8, 60)
    spiky = [9.0 if at in (25, 33, 41, 49) else value for at, value in enumerate(base)]
    tiny = [0.3 if at in (25, 33, 41, 49) else value * 0.05 for at, value in enumerate(decay(4, 0.8, 60))]
    assert diagnose(run(spiky)).kind == "unstable"
    assert diagnose(run(tiny)).kind != "unstable"


def test_no_progress_is_underfitting() -> None:
    assert diagnose(run(decay(3.0, 2.9, 40, 0.01)), finished=True).kind == "underfitting"


def test_slow_start_is_not_judged_before_half_time() -> None:
    events = [{**event, "total_steps": 200} for event in run(decay(3.0, 2.9, 40, 0.01))]
    assert diagnose(events).kind != "underfitting"


def test_still_falling_at_the_end_is_underfitting() -> None:
    events = run(decay(4, 1, 30, half_life=0.6), full={10: 2.5, 20: 2.0, 30: 1.6})
    verdict = diagnose(events, validation_examples=40, finished=True)
    assert (verdict.kind, verdict.next_step) == ("underfitting", "Train for more epochs.")


def test_flat_is_a_plateau() -> None:
    events = run(decay(4, 0.5, 100, 0.0, 0.05), full={33: 0.7, 66: 0.61, 100: 0.605})
    assert diagnose(events, validation_examples=40, finished=True).kind == "plateau"


@pytest.mark.parametrize(
    ("valid", "full", "examples"),
    [
        ({}, {}, None),
        ({}, {20: 1.0, 40: 0.9, 60: 0.85}, 4),
        ({step: 1.0 + (-1) ** step * 0.6 for step in range(1, 61)}, {}, None),
    ],
)
def test_too_little_validation(valid: dict[int, float], full: dict[int, float], examples: int | None) -> None:
    verdict = diagnose(run(decay(4, 0.5, 60), valid, full), validation_examples=examples, finished=True)
    assert verdict.kind == "too_little_validation"


def test_too_early() -> None:
    assert diagnose([]) == Diagnosis(
        "learning", "Too early to tell.", "0 training steps so far.", "Wait for more steps."
    )
    assert diagnose(run([4, 3, 2])).sentence == "Too early to tell."


def test_checkpoints_without_validation_means_the_last() -> None:
    assert diagnose(run(decay(4, 1, 30)), checkpoints=[10, 20, 30]).best_checkpoint_step == 30


def test_curves_take_events_in_any_order_with_repeats() -> None:
    found = read_curves(
        [
            {"step": 2, "train_loss": 1.0, "total_steps": 4},
            {"step": 1, "train_loss": 2.0, "valid_loss": None},
            {"step": 2, "train_loss": 1.5, "full_valid_loss": 3},
            {"step": "x", "train_loss": 1.0},
            {"train_loss": True, "step": 3},
        ]
    )
    assert found.train == [(1, 2.0), (2, 1.5)]
    assert (found.valid, found.full_valid, found.progress) == ([], [(2, 3.0)], 0.75)


LOSS = st.none() | st.floats(allow_nan=True) | st.integers(-5, 5)


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"step": st.integers(0, 50)},
            optional={"train_loss": LOSS, "valid_loss": LOSS, "full_valid_loss": LOSS, "total_steps": LOSS},
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_any_events_get_a_verdict(events: list[dict[str, Any]], finished: bool) -> None:
    verdict = diagnose(events, finished=finished)
    assert verdict.sentence
    assert verdict.reason
    assert verdict.next_step
