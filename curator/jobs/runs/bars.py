"""Bars that an evaluation has to reach: a value of a metric, or being no worse than an earlier run's model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from curator.core.scores import metrics
from curator.core.text import count_of
from curator.errors import InputError, UsageError
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.evaluation import NAMES, Evaluation, right_answers

Bar = tuple[str, float]
"""(metric, least value)"""

COMPLETION = "completion"
"""The share of whole conversations that did their task, which is measured beside the metrics of single answers."""
_NOT_HIGHER_BETTER = ("perplexity", "length")
SURE = 0.05
"""The p value of McNemar's test below which a model counts as worse, not as unlucky."""


def parse_bar(text: str) -> Bar:
    """`exact_match=0.4` as a bar. Raises UsageError for another form, metric or number."""
    name, sign, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not sign or name not in (*NAMES, COMPLETION) or name in _NOT_HIGHER_BETTER or not math.isfinite(value):
        usable = ", ".join(each for each in (*NAMES, COMPLETION) if each not in _NOT_HIGHER_BETTER)
        raise UsageError(f"'{text}' is no bar: write METRIC=NUMBER with one of {usable}")
    return name, value


def model_of_run(ledger: Ledger, run_id: str) -> str:
    """The tuned model of a run, named by its id, its job's id, or the beginning of either. Raises InputError."""
    fits = [run for run in ledger.runs() if run.run.startswith(run_id) or str(run.job_id).startswith(run_id)]
    if len(fits) != 1:
        number = "no run" if not fits else count_of(len(fits), "run")
        raise InputError(f"there is {number} '{run_id}'; `curator history` lists the runs of a workspace")
    if not fits[0].fine_tuned_model:
        raise InputError(f"{run_id} has no model: its job did not succeed")
    return fits[0].fine_tuned_model


def missed(result: Evaluation, bars: Sequence[Bar], earlier: str | None) -> list[str]:
    """A sentence for each bar that the last model misses."""
    sentences = []
    for name, least in bars:
        score = result.last.scores.get(name)
        if score is None:
            sentences.append(f"{name} could not be measured, so it does not reach {least:g}.")
        elif score.value < least:
            sentences.append(f"{name} is {score.value:.3f}, below {least:g}.")
    if earlier is not None and (sentence := _worse_than(result, earlier)):
        sentences.append(sentence)
    return sentences


def _worse_than(result: Evaluation, earlier: str) -> str | None:
    """Why the last model is worse than an earlier one, on the prompts that both answered; None where it is not."""
    former = next(scored for scored in result.models if scored.model == earlier)
    before, after = (
        right_answers(result.primary, result.contract, result.prompts, each) for each in (former, result.last)
    )
    flips = metrics.flips(before, after)
    if len(flips.broken) <= len(flips.fixed) or flips.p_value >= SURE:
        return None
    counts = f"{len(flips.broken)} broken, {len(flips.fixed)} fixed, p = {flips.p_value:.2g}"
    return f"{result.last.model} is worse than {earlier}: {counts} by {result.primary}."
