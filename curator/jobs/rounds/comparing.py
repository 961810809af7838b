"""Two models compared on the prompts that both answered, whichever split was in force when they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from curator.core.answers.contract import Contract, propose
from curator.core.scores import free_text, metrics
from curator.core.scores.references import best_reference
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.rounds.kept import keep, terms

PAIRED = ("exact_match", "contract", "accuracy", "token_f1", "length", "macro_f1", *free_text.NAMES)
"""Metrics whose difference can be taken on the prompts that both models answered."""
PRIMARY = ("exact_match", "accuracy", "contract")
"""Metrics by which an answer is right or wrong; the first one measured says which prompts flipped."""
RightById = Mapping[int, tuple[str, ...]]
"""Further right answers by example id."""


@dataclass(frozen=True)
class Asked:
    """A prompt of a yardstick: the key of its question, its example's id, and the right answer."""

    key: str
    line: int
    expected: str
    also_right: tuple[str, ...] = ()
    text: str = ""
    """The words of its last message."""


@dataclass(frozen=True)
class Flip:
    """A prompt that only one of two models gets right, with what each of them said."""

    prompt: Asked
    before: str
    after: str


@dataclass(frozen=True)
class ModelDifference:
    """What a later model does differently on the prompts that both answered; `count` is their number."""

    count: int
    delta: dict[str, metrics.Interval]
    fixed: tuple[Flip, ...]
    broken: tuple[Flip, ...]
    p_value: float
    """McNemar's, of as many prompts fixed and broken by chance."""

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it: flips by the keys of their questions."""
        return {
            "count": self.count,
            "delta": {name: [each.value, each.low, each.high] for name, each in self.delta.items()},
            "fixed": [flip.prompt.key for flip in self.fixed],
            "broken": [flip.prompt.key for flip in self.broken],
            "p_value": self.p_value,
        }


def compare_models(
    ledger: Ledger, models: tuple[str, str], names: Sequence[str], contract: Contract | None, also_right: RightById
) -> ModelDifference | None:
    """The difference between two models by the metrics `names`; None where they answered no common prompt.

    `contract` is the workspace's; None: the one that the right answers suggest.
    """
    prompts, before, after = _answered_by_both(ledger, models, also_right)
    if not prompts:
        return None
    if contract is None:
        proposal = propose(prompt.expected for prompt in prompts)
        contract = proposal.contract if proposal else None
    judge = partial(_score, allowed=contract.allows if contract else None)
    differences = {name: _difference(name, prompts, before, after, judge) for name in names if name in PAIRED}
    delta = {name: difference for name, difference in differences.items() if difference is not None}
    primary = next((name for name in PRIMARY if name in names), "exact_match")
    flips = metrics.flips(*(_rights(primary, prompts, answers, judge) for answers in (before, after)))
    fixed, broken = (
        tuple(Flip(prompts[at], before[at], after[at]) for at in places) for places in (flips.fixed, flips.broken)
    )
    return ModelDifference(len(prompts), delta, fixed, broken, flips.p_value)


def compare_once(
    ledger: Ledger, models: tuple[str, str], names: Sequence[str], contract: Contract | None, also_right: RightById
) -> ModelDifference | None:
    """As `compare_models`; worked out once, and kept in the ledger as long as the same is compared."""
    fresh: list[ModelDifference | None] = []

    def work_out() -> dict[str, Any]:
        fresh.append(compare_models(ledger, models, names, contract, also_right))
        return fresh[0].to_json() if fresh[0] is not None else {}

    kept = keep(ledger, "difference of models", models, [list(names), terms(contract, also_right)], work_out)
    if fresh or not kept:
        return fresh[0] if fresh else None
    try:
        return _from_json(kept, ledger, models, also_right)
    except (KeyError, TypeError):  # what no Curator writes
        return compare_models(ledger, models, names, contract, also_right)


def _from_json(
    kept: dict[str, Any], ledger: Ledger, models: tuple[str, str], also_right: RightById
) -> ModelDifference:
    """The difference that `ModelDifference.to_json` wrote, with the texts of its flips."""
    prompts = _asked_prompts(ledger, models, also_right)
    keys = [key for name in ("fixed", "broken") for key in kept[name] if key in prompts]
    before, after = (ledger.answers(model, keys) for model in models)
    fixed, broken = (
        tuple(Flip(prompts[k], _text(before, k) or "", _text(after, k) or "") for k in kept[name] if k in prompts)
        for name in ("fixed", "broken")
    )
    delta = {name: metrics.Interval(*row) for name, row in kept["delta"].items()}
    return ModelDifference(kept["count"], delta, fixed, broken, kept["p_value"])


def _macro_f1(prompts: Sequence[Asked], answers: Sequence[str]) -> Callable[[Any], float]:
    """A function from row numbers to the macro F1 of these rows."""
    pairs = zip(prompts, answers, strict=True)
    expected = [best_reference(prompt.expected, prompt.also_right, answer) for prompt, answer in pairs]
    return metrics.macro_f1_of_rows(expected, answers)


def _rights(
    name: str, prompts: Sequence[Asked], answers: Sequence[str], judge: Callable[[str, Asked, str], float]
) -> list[bool]:
    """Whether each answer is right by a metric."""
    return [judge(name, prompt, answer) == 1 for prompt, answer in zip(prompts, answers, strict=True)]


def _answered_by_both(
    ledger: Ledger, models: tuple[str, str], also_right: RightById
) -> tuple[list[Asked], list[str], list[str]]:
    """The prompts that two models answered, and what each of them said; each question once."""
    prompts = _asked_prompts(ledger, models, also_right)
    first, second = (ledger.answers(model, list(prompts)) for model in models)
    both = [p for key, p in prompts.items() if None not in (_text(first, key), _text(second, key))]
    both.sort(key=lambda prompt: (prompt.line, prompt.key))
    return both, [str(_text(first, p.key)) for p in both], [str(_text(second, p.key)) for p in both]


def _asked_prompts(ledger: Ledger, models: tuple[str, str], also_right: RightById) -> dict[str, Asked]:
    """The prompts that one of two models was asked, by the key of the question; the right answer and the id are
    those of the newest yardstick with it."""
    prompts: dict[str, Asked] = {}
    yardsticks = (str(each.get("yardstick")) for each in ledger.evaluations() if each["model"] in models)
    for yardstick in dict.fromkeys(yardsticks):
        stored = ledger.yardstick(yardstick)
        for row in stored[1] if stored else ():
            prompt = _asked(row, also_right)
            if prompt is not None:
                prompts.setdefault(prompt.key, prompt)
    return prompts


def _asked(row: Any, also_right: RightById) -> Asked | None:
    """The prompt of a stored row; None for a row of another shape, as in a foreign ledger."""
    key, line, expected, text = (
        row.get(name) if isinstance(row, dict) else None for name in ("key", "line", "expected", "text")
    )
    if not isinstance(key, str) or not isinstance(expected, str):
        return None
    line = line if isinstance(line, int) else 0
    return Asked(key, line, expected, also_right.get(line, ()), text if isinstance(text, str) else "")


def _text(answers: dict[str, dict[str, Any]], key: str) -> str | None:
    answer = answers.get(key, {}).get("answer")
    return answer if isinstance(answer, str) else None


def _score(name: str, prompt: Asked, answer: str, *, allowed: Callable[[str], bool] | None) -> float:
    """The score of one answer by a metric of `PAIRED`."""
    if name == "contract":
        return float(allowed is None or answer in prompt.also_right or allowed(answer))
    expected = best_reference(prompt.expected, prompt.also_right, answer)
    if name == "accuracy":
        return float(metrics.label(expected) == metrics.label(answer))
    if name == "length":
        return float(len(answer))
    return metrics.PER_EXAMPLE[name](expected, answer)


def _difference(
    name: str,
    prompts: Sequence[Asked],
    before: Sequence[str],
    after: Sequence[str],
    judge: Callable[[str, Asked, str], float],
) -> metrics.Interval | None:
    """The difference of a metric on the prompts with its paired bootstrap interval.

    None where the package that measures it is not here.
    """
    if name in free_text.NAMES:
        references = [(prompt.expected, *prompt.also_right) for prompt in prompts]
        absent = free_text.why_absent(name, references) is not None
        return None if absent else free_text.measure_difference(name, references, before, after)
    if name == "macro_f1":
        old, new = (_macro_f1(prompts, answers) for answers in (before, after))
        return metrics.bootstrap(len(prompts), lambda rows: new(rows) - old(rows))
    triples = zip(prompts, before, after, strict=True)
    return metrics.bootstrap_mean(
        [judge(name, prompt, new) - judge(name, prompt, old) for prompt, old, new in triples]
    )
