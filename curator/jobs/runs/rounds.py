"""The rounds of a workspace's loop: what changed in data and settings, and what it did to the scores.

Two rounds are compared on the prompts that both of their models answered, whichever split was in force: every
answer lies in the ledger under the question that was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.core.answers.contract import Contract, propose
from curator.core.scores import metrics
from curator.core.scores.references import best_reference
from curator.errors import UsageError
from curator.jobs.ledger.ledger import Ledger, Run

if TYPE_CHECKING:
    from curator.workspace.versions import RevisionDifference

Compare = Callable[[int, int], "RevisionDifference"]
"""The difference between two revisions of the workspace."""
_PAIRED = ("exact_match", "contract", "accuracy", "token_f1", "bleu", "rouge1", "rouge2", "rougeL", "length")
"""Metrics with a score for each answer, whose difference can be taken prompt by prompt."""
_PRIMARY = ("exact_match", "contract", "accuracy")
_SETTINGS = ("epochs", "batch_size", "learning_rate_multiplier", "beta", "seed")


@dataclass(frozen=True)
class Asked:
    """A prompt of a yardstick: the key of its question, its example's id, and the right answer."""

    key: str
    line: int
    expected: str
    also_right: tuple[str, ...] = ()


@dataclass(frozen=True)
class Round:
    """One training with what came of it; the comparisons are with the latest earlier round that has a model."""

    number: int
    run: Run
    difference: RevisionDifference | None
    """Examples that changed since the round before; None for the first, and where a revision is unknown."""
    yardstick: dict[str, Any] | None
    scores: dict[str, metrics.Interval] = field(default_factory=dict)
    delta: dict[str, metrics.Interval] = field(default_factory=dict)
    fixed: tuple[int, ...] = ()
    """The ids of the prompts that only this round's model gets right, not the earlier one's."""
    broken: tuple[int, ...] = ()
    prompts_compared: int = 0
    settings_changed: tuple[str, ...] = ()

    @property
    def both_changed(self) -> bool:
        """Whether data and settings changed together, so that nobody can tell what made the difference."""
        data = self.difference
        return bool(self.settings_changed and data and (data.added or data.removed or data.edited))

    def to_json(self) -> dict[str, Any]:
        """An entry of `rounds` in `history --rounds --json` (docs/cli.md)."""
        return self._run_json() | {
            "yardstick": self.yardstick,
            "metrics": _json(self.scores),
            "delta": _json(self.delta),
            "flips": {"fixed": list(self.fixed), "broken": list(self.broken)},
            "prompts_compared": self.prompts_compared,
        }

    def _run_json(self) -> dict[str, Any]:
        run, changes = self.run, self.difference
        return {
            "round": self.number,
            "run": run.run,
            "status": run.status,
            "provider": run.provider,
            "model": run.model,
            "fine_tuned_model": run.fine_tuned_model,
            "revision": run.revision,
            "dataset_sha256": run.dataset_sha256,
            "examples": run.examples,
            "added": list(changes.added) if changes else [],
            "removed": list(changes.removed) if changes else [],
            "edited": list(changes.edited) if changes else [],
            "hyperparameters": settings_of(run),
            "settings_changed": list(self.settings_changed),
            "trained_tokens": run.trained_tokens,
            "usd_estimate": run.usd_estimate,
            "seconds": run.finished_at - run.created_at if run.finished_at else None,
        }


def list_rounds(
    ledger: Ledger,
    compare: Compare,
    contract: Contract | None,
    also_right: Mapping[int, tuple[str, ...]] | None = None,
) -> list[Round]:
    """All rounds, oldest first. `contract` is the workspace's; None: the one that the right answers suggest.

    `also_right` are further right answers by id, which count for every round.
    """
    evaluated = _evaluations(ledger)
    all_rounds: list[Round] = []
    before: Run | None = None
    with_model: Run | None = None
    for number, run in enumerate((run for run in reversed(ledger.runs()) if not run.foreign), 1):
        difference = None
        if before is not None and before.revision is not None and run.revision is not None:
            difference = compare(before.revision, run.revision)
        changed = () if before is None else _changed_settings(before, run)
        evaluation = evaluated.get(run.fine_tuned_model or "")
        latest = Round(number, run, difference, None, settings_changed=changed)
        if evaluation is not None:
            latest = _scored(latest, evaluation, ledger, with_model, contract, also_right or {})
            with_model = run
        all_rounds.append(latest)
        before = run
    return all_rounds


def rounds_in_range(all_rounds: Sequence[Round], text: str) -> list[Round]:
    """The rounds `A..B` of all; an empty text or end stands for the first or last. Raises UsageError."""
    first, dots, last = text.partition("..")
    if not text:
        return list(all_rounds)
    if not dots or not all(end == "" or (end.isascii() and end.isdigit()) for end in (first, last)):
        raise UsageError(f"'{text}' is no range of rounds: write FROM..TO, e.g. 1..3")
    low, high = int(first or 1), int(last or len(all_rounds))
    if not 1 <= low <= high <= len(all_rounds):
        raise UsageError(f"there is no range of rounds {text}: the rounds are 1 to {len(all_rounds)}")
    return list(all_rounds[low - 1 : high])


def settings_of(run: Run) -> dict[str, Any]:
    """The hyperparameters of a run: as the job has them, else as they were asked for."""
    job = run.job.get("hyperparameters")
    reported = {"epochs": job.get("n_epochs"), **job} if isinstance(job, dict) else {}
    settings = {name: reported.get(name, run.params.get(name)) for name in _SETTINGS}
    settings["epochs"] = settings["epochs"] if settings["epochs"] not in (None, "auto") else run.epochs
    return {name: value for name, value in settings.items() if value is not None}


def _changed_settings(before: Run, after: Run) -> tuple[str, ...]:
    """The names of what was asked for differently: hyperparameters, base model, method and provider."""
    changed = [name for name in _SETTINGS if before.params.get(name) != after.params.get(name)]
    return (*changed, *(n for n in ("model", "method", "provider") if getattr(before, n) != getattr(after, n)))


def _evaluations(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """The newest evaluation of each model that names its yardstick."""
    newest: dict[str, dict[str, Any]] = {}
    for each in ledger.evaluations():
        if isinstance(each.get("yardstick"), str):
            newest.setdefault(str(each["model"]), each)
    return newest


def _scored(
    latest: Round,
    evaluation: dict[str, Any],
    ledger: Ledger,
    earlier: Run | None,
    contract: Contract | None,
    also_right: Mapping[int, tuple[str, ...]],
) -> Round:
    """A round with its scores, and with its difference to an earlier round's model."""
    yardstick = ledger.yardstick(evaluation["yardstick"])
    side, count = (yardstick[0], len(yardstick[1])) if yardstick else ("", len(evaluation.get("answers") or ()))
    about = {"id": evaluation["yardstick"], "prompts": count, "side": side}
    scores = _intervals(evaluation.get("scores"))
    scored = replace(latest, yardstick=about, scores=scores)
    if earlier is None:
        return scored
    models = str(earlier.fine_tuned_model), str(scored.run.fine_tuned_model)
    return _compared(scored, _answered_by_both(ledger, models, also_right), contract)


def _compared(
    scored: Round, answered: tuple[list[Asked], list[str], list[str]], contract: Contract | None
) -> Round:
    """A round with its difference to an earlier model on the prompts that both answered."""
    prompts, before, after = answered
    if not prompts:
        return scored
    if contract is None:
        proposal = propose(prompt.expected for prompt in prompts)
        contract = proposal.contract if proposal else None
    judge = partial(_score, allowed=contract.allows if contract else None)
    delta = {name: _difference(name, prompts, before, after, judge) for name in scored.scores if name in _PAIRED}
    primary = next((name for name in scored.scores if name in _PRIMARY), "exact_match")
    rights = [
        [judge(primary, prompt, answer) == 1 for prompt, answer in zip(prompts, answers, strict=True)]
        for answers in (before, after)
    ]
    flips = metrics.flips(*rights)
    fixed, broken = (tuple(prompts[at].line for at in places) for places in (flips.fixed, flips.broken))
    return replace(scored, delta=delta, fixed=fixed, broken=broken, prompts_compared=len(prompts))


def _answered_by_both(
    ledger: Ledger, models: tuple[str, str], also_right: Mapping[int, tuple[str, ...]]
) -> tuple[list[Asked], list[str], list[str]]:
    """The prompts that two models answered, and what each of them said; each question once.

    The right answer and the id are those of the newest yardstick with the question.
    """
    prompts: dict[str, Asked] = {}
    for each in ledger.evaluations():
        stored = ledger.yardstick(str(each.get("yardstick"))) if each["model"] in models else None
        for row in stored[1] if stored else ():
            prompt = _asked(row, also_right)
            if prompt is not None:
                prompts.setdefault(prompt.key, prompt)
    first, second = (ledger.answers(model, list(prompts)) for model in models)
    both = [p for key, p in prompts.items() if None not in (_text(first, key), _text(second, key))]
    both.sort(key=lambda prompt: (prompt.line, prompt.key))
    return both, [str(_text(first, p.key)) for p in both], [str(_text(second, p.key)) for p in both]


def _asked(row: Any, also_right: Mapping[int, tuple[str, ...]]) -> Asked | None:
    """The prompt of a stored row; None for a row of another shape, as in a foreign ledger."""
    key, line, expected = (
        row.get(name) if isinstance(row, dict) else None for name in ("key", "line", "expected")
    )
    if not isinstance(key, str) or not isinstance(expected, str):
        return None
    line = line if isinstance(line, int) else 0
    return Asked(key, line, expected, also_right.get(line, ()))


def _text(answers: dict[str, dict[str, Any]], key: str) -> str | None:
    answer = answers.get(key, {}).get("answer")
    return answer if isinstance(answer, str) else None


def _score(name: str, prompt: Asked, answer: str, *, allowed: Callable[[str], bool] | None) -> float:
    """The score of one answer by a metric of `_PAIRED`."""
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
) -> metrics.Interval:
    """The mean difference of a metric over the prompts with its paired bootstrap interval."""
    triples = zip(prompts, before, after, strict=True)
    return metrics.bootstrap_mean(
        [judge(name, prompt, new) - judge(name, prompt, old) for prompt, old, new in triples]
    )


def _intervals(stored: Any) -> dict[str, metrics.Interval]:
    """Stored scores, [value, low, high] by name; entries of another shape are left out."""
    rows = stored.items() if isinstance(stored, dict) else ()
    return {
        name: metrics.Interval(*map(float, row))
        for name, row in rows
        if isinstance(row, list) and len(row) == 3 and all(isinstance(number, int | float) for number in row)
    }


def _json(scores: dict[str, metrics.Interval]) -> dict[str, Any]:
    return {name: {"value": each.value, "ci": [each.low, each.high]} for name, each in scores.items()}
