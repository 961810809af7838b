"""A verdict on a training run from its curves alone, in words, with the reason and the next step.

The conditions are tried in this order. `train` and `valid` are losses; smoothed values are means over a tenth of the
points, at least three.

| verdict | condition |
|---|---|
| learning | fewer than 6 training points, which is too early for a verdict |
| unstable | a loss is not finite; or the smoothed train loss rose again by more than half of what it had fallen (and by more than 10 % of its first value); or at least 3 steps, and more than 5 % of all, jump to three times the values before them and above the first loss |
| underfitting | more than half of the run is over, and train, whose first value was above 0.5, has fallen by less than 10 % of it |
| overfitting | valid is above its lowest value by more than 5 % (one value an epoch) or 10 % (values of single batches; or three times their variation, if that is more), while train fell |
| too_little_validation | there is no validation, or on fewer than 10 examples, or its values vary by more than 30 % around their trend |
| underfitting | the run has ended, and in its last third valid still fell by 10 % or more |
| plateau | in the last third of the points train and valid changed by less than 2 % |
| learning | anything else |

The best checkpoint is the one with the lowest full validation loss, else the lowest smoothed validation loss;
without validation it is the last one.
"""  # noqa: E501 - a table

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

from curator.core.text import count_of

Kind = Literal["learning", "plateau", "overfitting", "underfitting", "too_little_validation", "unstable"]
Curve = list[tuple[int, float]]
"""(step, value), by step."""

MIN_POINTS = 6
MIN_VALIDATION = 10
_SMALL_LOSS = 0.5


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict: `sentence` says what the curves show, `reason` gives the figures, `next_step` what to do."""

    kind: Kind
    sentence: str
    reason: str
    next_step: str
    best_checkpoint_step: int | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of one run."""

    train: Curve
    valid: Curve
    """Loss on one validation batch a step."""
    full_valid: Curve
    """Loss on the whole validation file, once an epoch."""
    progress: float = 0.0
    """Share of all steps done; 1 for a finished run."""


def read_curves(metrics: Iterable[Mapping[str, Any]]) -> Curves:
    """The curves from the `data` of metrics events or the `metrics` of checkpoints.

    These may come in any order, repeat steps and leave out values.
    """
    rows: dict[int, dict[str, Any]] = {}
    total = 0
    for data in metrics:
        step = data.get("step")
        if isinstance(step, int) and not isinstance(step, bool):
            rows.setdefault(step, {}).update({key: value for key, value in data.items() if value is not None})
            total = max(total, _integer_or_zero(data.get("total_steps")))
    steps = sorted(rows)

    def curve(key: str) -> Curve:
        return [(step, float(rows[step][key])) for step in steps if _is_number(rows[step].get(key))]

    progress = steps[-1] / total if steps and total else 0.0
    return Curves(curve("train_loss"), curve("valid_loss"), curve("full_valid_loss"), min(1.0, progress))


def diagnose(
    metrics: Iterable[Mapping[str, Any]],
    *,
    validation_examples: int | None = None,
    checkpoints: Sequence[int] = (),
    finished: bool = False,
) -> Diagnosis:
    """The verdict on a run from its metrics (event `data` objects), see the module's table.

    `checkpoints` are the steps among which the best is chosen; without them it is any step with a validation
    value. `validation_examples` is the size of the validation file; None where it is not known.
    """
    run = read_curves(metrics)
    done = 1.0 if finished else run.progress
    best = _best_checkpoint(run, checkpoints)
    if (steps := len(run.train)) < MIN_POINTS:
        return Diagnosis(
            "learning",
            "Too short to tell." if finished else "Too early to tell.",
            f"{steps} training step{'' if steps == 1 else 's'}{'' if finished else ' so far'}.",
            "Compare the answers with those of the base." if finished else "Wait for more steps.",
            best,
        )
    checks = (
        _unstable(run, best),
        _hardly_learning(run, done, best),
        _overfitting(run, best),
        _too_little_validation(run, validation_examples, best),
        _still_improving(run, done, best),
        _plateau(run, best),
    )
    return next((verdict for verdict in checks if verdict), None) or _learning(run, done, best)


def _unstable(run: Curves, best: int | None) -> Diagnosis | None:
    values = [value for _, value in run.train]
    broken = next((step for step, value in run.train + run.valid if not math.isfinite(value)), None)
    if broken is not None:
        return _unstable_because(f"The loss at step {broken} is not a number.", best)
    smooth_losses = moving_means(values)
    start, low, end = smooth_losses[0], min(smooth_losses), smooth_losses[-1]
    if end - low > 0.5 * (start - low) and end - low > 0.1 * start and end > _SMALL_LOSS / 5:
        return _unstable_because(f"Train loss fell to {low:.2f} and rose again to {end:.2f}.", best)
    jumps = [
        step
        for at, (step, value) in enumerate(run.train[3:], 3)
        if value > 3 * median(values[max(0, at - 5) : at]) and value > max(start, _SMALL_LOSS)
    ]
    if len(jumps) >= 3 and len(jumps) > 0.05 * len(values):
        return _unstable_because(f"{len(jumps)} of {len(values)} steps jump to thrice the loss before them.", best)
    return None


def _unstable_because(reason: str, best: int | None) -> Diagnosis:
    return Diagnosis(
        "unstable",
        "Training is unstable.",
        reason,
        "Halve the learning rate multiplier or double the batch size; look for broken or contradicting examples.",
        best,
    )


def _hardly_learning(run: Curves, done: float, best: int | None) -> Diagnosis | None:
    smooth_losses = moving_means([value for _, value in run.train])
    if done < 0.5 or smooth_losses[0] <= _SMALL_LOSS or smooth_losses[-1] <= 0.9 * smooth_losses[0]:
        return None
    return Diagnosis(
        "underfitting",
        "The model hardly learns from this data.",
        f"Train loss went from {smooth_losses[0]:.2f} to {smooth_losses[-1]:.2f} only.",
        "Raise the learning rate multiplier, look for contradicting answers, or add examples of the same kind.",
        best,
    )


def _overfitting(run: Curves, best: int | None) -> Diagnosis | None:
    curve, margin = _validation_curve(run)
    if len(curve) < 2 or not all(math.isfinite(value) for _, value in curve):
        return None
    low_step, low = min(curve, key=lambda point: point[1])
    end = curve[-1][1]
    before, after = _train_loss_at(run, low_step), _train_loss_at(run, curve[-1][0])
    if end <= low * (1 + margin) or end - low < 0.02 or after >= before:
        return None
    earlier = "Take an earlier checkpoint, train" if best is None else f"Take the checkpoint of step {best}, train"
    where = "Train" if best == curve[-1][0] else earlier  # the last one is the best one that was kept
    return Diagnosis(
        "overfitting",
        "The model learns its training examples by heart.",
        f"Validation loss rose from {low:.2f} (step {low_step}) to {end:.2f}; train loss fell to {after:.2f}.",
        f"{where} for fewer epochs, or add more varied examples.",
        best,
    )


def _too_little_validation(run: Curves, examples: int | None, best: int | None) -> Diagnosis | None:
    curve = run.full_valid or run.valid
    advice = "Put a tenth of the examples, ten at least, into a validation split."
    if not curve:
        reason = "There are no validation values."
    elif examples is not None and examples < MIN_VALIDATION:
        reason = (
            f"{count_of(examples, 'validation example is', 'validation examples are')} below {MIN_VALIDATION}."
        )
    elif not run.full_valid and _relative_noise(run.valid) > 0.3:
        reason = f"Validation loss swings by {_relative_noise(run.valid):.0%} from one batch to the next."
        advice = "The end of the epoch tells the loss of all held-out examples; hold out more if that swings too."
    else:
        return None
    return Diagnosis(
        "too_little_validation",
        "Train loss falls, but nobody can tell whether the model learned more than its examples.",
        reason,
        advice,
        best,
    )


def _still_improving(run: Curves, done: float, best: int | None) -> Diagnosis | None:
    curve, _ = _validation_curve(run)
    decrease = -_change_in_last_third(curve)
    if done < 1 or len(curve) < 3 or decrease < 0.1:
        return None
    return Diagnosis(
        "underfitting",
        "The run ended while it was still getting better.",
        f"Validation loss fell by {decrease:.0%} in the last third.",
        "Train for more epochs.",
        best,
    )


def _plateau(run: Curves, best: int | None) -> Diagnosis | None:
    train = list(zip([step for step, _ in run.train], moving_means([v for _, v in run.train]), strict=True))
    curve, _ = _validation_curve(run)
    if abs(_change_in_last_third(train)) >= 0.02 or (len(curve) > 2 and abs(_change_in_last_third(curve)) >= 0.02):
        return None
    return Diagnosis(
        "plateau",
        "The model has learned what this data can teach it.",
        f"Train loss stays at {train[-1][1]:.2f} and moved by less than 2 % in the last third.",
        "More epochs will not help: look at the wrong answers and add examples for them.",
        best,
    )


def _learning(run: Curves, done: float, best: int | None) -> Diagnosis:
    smooth_losses = moving_means([value for _, value in run.train])
    curve, _ = _validation_curve(run)
    valid = f", validation loss from {curve[0][1]:.2f} to {curve[-1][1]:.2f}" if len(curve) > 1 else ""
    return Diagnosis(
        "learning",
        "The model is learning.",
        f"Train loss went from {smooth_losses[0]:.2f} to {smooth_losses[-1]:.2f}{valid}.",
        "Compare its answers with the base model's on held-out prompts." if done >= 1 else "Let it go on.",
        best,
    )


def moving_means(values: Sequence[float]) -> list[float]:
    """Trailing means over a tenth of the values, at least three; one mean for each value."""
    width = max(3, len(values) // 10)
    first = fmean(values[:width]) if values else 0.0
    return [first if at < width else fmean(values[at - width + 1 : at + 1]) for at in range(len(values))]


def _validation_curve(run: Curves) -> tuple[Curve, float]:
    """The validation curve that the verdict uses, and the margin (a share) by which its end must exceed its lowest
    value to count as a rise."""
    if len(run.full_valid) >= 2:
        return run.full_valid, 0.05
    if len(run.valid) < MIN_POINTS:
        return run.valid if len(run.valid) >= 2 else [], 0.1
    values = moving_means([value for _, value in run.valid])
    margin = max(0.1, 3 * _relative_noise(run.valid))  # the noise is a median: half of the batches exceed it
    return list(zip([step for step, _ in run.valid], values, strict=True)), margin


def _best_checkpoint(run: Curves, checkpoints: Sequence[int]) -> int | None:
    curve, _ = _validation_curve(run)
    loss_by_step = {step: value for step, value in curve if math.isfinite(value)}
    if checkpoints:
        losses = {step: loss_by_step[step] for step in checkpoints if step in loss_by_step}
        return min(losses, key=lambda step: losses[step]) if losses else max(checkpoints)
    if loss_by_step:
        return min(loss_by_step, key=lambda step: loss_by_step[step])
    return run.train[-1][0] if run.train else None


def _train_loss_at(run: Curves, step: int) -> float:
    """The smoothed train loss at the last training point up to `step`."""
    smooth_losses = moving_means([value for _, value in run.train])
    losses = [value for (at, _), value in zip(run.train, smooth_losses, strict=True) if at <= step]
    return losses[-1] if losses else smooth_losses[0]


def _change_in_last_third(curve: Curve) -> float:
    """The relative change over the last third of a curve; 0 for fewer than two points."""
    if len(curve) < 2:
        return 0.0
    before, after = curve[-1 - max(1, len(curve) // 3)][1], curve[-1][1]
    return (after - before) / max(abs(before), 1e-9)


def _relative_noise(curve: Curve) -> float:
    """The noise of a curve: the median distance of its values from the smoothed curve, as a share of that
    curve."""
    values = [value for _, value in curve]
    pairs = zip(values, moving_means(values), strict=True)
    return median([abs(value - mean) / max(mean, 1e-9) for value, mean in pairs])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer_or_zero(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
