"""The metrics of one row of an evaluation, from its answers and what is known of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from curator.core.answers.contract import Contract
from curator.core.scores import free_text, metrics
from curator.errors import UsageError
from curator.jobs.runs.asking import Prompt

NAMES = tuple(dict.fromkeys((*metrics.NAMES, *free_text.NAMES, "perplexity")))
"""All metrics. `perplexity` is that of the wanted answers, where the provider can score a given text."""
_UNKNOWN = metrics.Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class RowScores:
    """The metrics of one row with their 95 % intervals, and how packages measured them, by metric."""

    intervals: dict[str, metrics.Interval]
    signatures: dict[str, str]


def require_measurable(names: Sequence[str], prompts: Sequence[Prompt]) -> None:
    """Raise UsageError for a metric that there is not, or that cannot be measured here, with the reason."""
    for name in names:
        if name not in NAMES:
            raise UsageError(f"No metric '{name}': there are {', '.join(NAMES)}.")
        if name in free_text.NAMES:
            reason = free_text.why_absent(name, [prompt.references for prompt in prompts])
            if reason is not None:
                raise UsageError(f"{reason}.")


def score_answers(
    names: Sequence[str],
    prompts: Sequence[Prompt],
    answers: Sequence[str],
    likelihoods: Sequence[Sequence[float] | None],
    contract: Contract | None,
) -> RowScores:
    """Each metric over the answers of one row.

    `likelihoods` are the log probabilities of each wanted answer's tokens (None: not measured). A metric without
    any value is not a number.
    """
    expected = [prompt.reference(answer) for prompt, answer in zip(prompts, answers, strict=True)]
    accepted = {text for prompt in prompts for text in prompt.also_right}
    intervals: dict[str, metrics.Interval] = {}
    signatures: dict[str, str] = {}
    for name in names:
        if name == "perplexity":
            logprobs = [value for row in likelihoods for value in row or ()]
            intervals[name] = metrics.perplexity_interval(logprobs) if logprobs else _UNKNOWN
        elif name in free_text.NAMES:
            score = free_text.measure(name, [prompt.references for prompt in prompts], answers)
            intervals[name], signatures[name] = score.interval, score.signature
        else:
            intervals[name] = metrics.score(name, expected, answers, _allowed(contract, accepted))
    return RowScores(intervals, signatures)


def _allowed(contract: Contract | None, accepted: Collection[str]) -> Callable[[str], bool] | None:
    """Whether an answer keeps the contract, or was accepted as right all the same."""
    return None if contract is None else lambda answer: answer in accepted or contract.allows(answer)
