"""The rounds of a workspace's loop: what changed in data and settings, and what it did to the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.core.answers.contract import Contract
from curator.core.scores import metrics
from curator.errors import UsageError
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.ledger.remarks import Remark
from curator.jobs.planning.plan import LOCAL_SETTINGS
from curator.jobs.rounds.comparing import Flip, RightById, compare_once
from curator.jobs.rounds.kept import difference_once
from curator.jobs.rounds.round_facts import count_round_misses, flattery_of_rounds

if TYPE_CHECKING:
    from curator.core.answers.misses import MissKind
    from curator.core.scores.flattery import Flattery
    from curator.workspace.versions import RevisionDifference
    from curator.workspace.workspace import Workspace

Compare = Callable[[int, int], "RevisionDifference"]
"""The difference between two revisions of the workspace."""


@dataclass(frozen=True)
class Basis:
    """What rounds are compared by."""

    compare: Compare
    contract: Contract | None
    """The workspace's contract; None: the one that the right answers suggest."""
    also_right: RightById = field(default_factory=dict)
    """Further right answers by id, which count for every round."""

    @classmethod
    def of(cls, workspace: Workspace) -> Basis:
        """The basis for the rounds of a workspace."""
        from curator.workspace.versions import difference  # heavy

        stored = workspace.meta("contract")
        contract = Contract.from_json(stored) if isinstance(stored, dict) else None
        return cls(
            partial(difference, workspace), None if contract == Contract() else contract, workspace.also_right()
        )


_SETTINGS = ("epochs", "batch_size", "learning_rate_multiplier", "beta", *LOCAL_SETTINGS, "seed")


@dataclass(frozen=True)
class Round:
    """One training with what came of it; the comparisons are with the latest earlier round that has a model."""

    number: int
    run: Run
    difference: RevisionDifference | None
    """Examples that changed since the round before; None for the first, and where a revision is unknown."""
    yardstick: dict[str, Any] | None = None
    scores: dict[str, metrics.Interval] = field(default_factory=dict)
    delta: dict[str, metrics.Interval] = field(default_factory=dict)
    fixed: tuple[Flip, ...] = ()
    """The prompts that only this round's model gets right, not the earlier one's."""
    broken: tuple[Flip, ...] = ()
    p_value: float | None = None
    """McNemar's, of as many prompts fixed and broken by chance."""
    prompts_compared: int = 0
    settings_changed: tuple[str, ...] = ()
    since: int | None = None
    """The number of the round that data and settings are compared with."""
    against: int | None = None
    """The number of the round whose model delta and flips are taken against."""
    validation_examples: int | None = None
    remark: Remark = Remark()
    model: str | None = None
    """The name under which its tuned model is asked; None: it has none."""
    misses: dict[MissKind, int] = field(default_factory=dict)
    """How many of its wrong answers are of each kind."""
    flattery: Flattery | None = None
    """Of the latest evaluated round: how far the best of many on these prompts is flattered."""

    @property
    def data_changed(self) -> bool:
        """Whether any example was added, removed or edited."""
        data = self.difference
        return bool(data and (data.added or data.removed or data.edited))

    @property
    def both_changed(self) -> bool:
        """Whether data and settings changed together, so that nobody can tell what made the difference."""
        return bool(self.settings_changed) and self.data_changed

    def to_json(self) -> dict[str, Any]:
        """An entry of `rounds` in `history --rounds --json` (docs/cli.md)."""
        flips = {
            name: [flip.prompt.line for flip in each]
            for name, each in (("fixed", self.fixed), ("broken", self.broken))
        }
        return self._run_json() | {
            "yardstick": self.yardstick,
            "metrics": _json(self.scores),
            "delta": _json(self.delta),
            "flips": flips,
            "prompts_compared": self.prompts_compared,
            "misses": self.misses,
            "flattered": self.flattery and self.flattery.to_json(),
            "against": self.against,
            "tags": list(self.remark.tags),
            "note": self.remark.note,
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
            "validation_examples": self.validation_examples,
            **{name: list(getattr(changes, name, ())) for name in ("added", "removed", "edited")},
            "hyperparameters": settings_of(run),
            "settings_changed": list(self.settings_changed),
            "trained_tokens": run.trained_tokens,
            "usd_estimate": run.usd_estimate,
            "seconds": run.finished_at - run.created_at if run.finished_at else None,
        }


def bare_rounds(ledger: Ledger) -> list[Round]:
    """All rounds, oldest first, as the ledger alone has them: without differences, deltas and flips."""
    evaluated, remarks = _evaluations(ledger), ledger.remarks()
    deployed = {(item.origin, item.model): item.name for item in ledger.deployments()}
    all_rounds = []
    own_runs = [run for run in reversed(ledger.runs()) if not run.foreign]
    for number, run in enumerate(own_runs, 1):
        estimate = ledger.step(run.run, "estimate")
        held_out = estimate[1].get("validation_examples") if estimate else None
        model = deployed.get((run.origin, run.fine_tuned_model or ""), run.fine_tuned_model)
        each = Round(number, run, None, remark=remarks.get(run.run, Remark()), model=model)
        each = replace(each, validation_examples=held_out if isinstance(held_out, int) else None)
        evaluation = evaluated.get(model or "")
        all_rounds.append(each if evaluation is None else _with_scores(each, evaluation, ledger))
    return all_rounds


def list_rounds(ledger: Ledger, basis: Basis) -> list[Round]:
    """All rounds, oldest first, each compared with what came before it."""
    all_rounds: list[Round] = []
    with_model: Round | None = None
    for each in bare_rounds(ledger):
        latest = each
        if all_rounds:
            latest = _with_difference(latest, all_rounds[-1], ledger, basis.compare)
        if latest.yardstick is not None:
            if with_model is not None:
                latest = _with_delta(latest, with_model, ledger, basis)
            latest = _with_misses(latest, ledger, basis)
            with_model = latest
        all_rounds.append(latest)
    return [_with_flattery(each, all_rounds, ledger, basis) if each is with_model else each for each in all_rounds]


def _with_misses(each: Round, ledger: Ledger, basis: Basis) -> Round:
    """A round with the kinds of its model's misses on its own prompts."""
    if each.model is None or each.yardstick is None:
        return each
    kinds = count_round_misses(ledger, each.model, str(each.yardstick["id"]), basis.contract, basis.also_right)
    return replace(each, misses=kinds or {})


def _with_flattery(latest: Round, all_rounds: Sequence[Round], ledger: Ledger, basis: Basis) -> Round:
    """The latest evaluated round with how far the best of all models on its prompts is flattered."""
    models = [each.model for each in all_rounds if each.model is not None]
    yardstick = str(latest.yardstick["id"]) if latest.yardstick else ""
    flattery = flattery_of_rounds(ledger, models, yardstick, basis.also_right)
    return latest if flattery is None else replace(latest, flattery=flattery)


def between(earlier: Round, later: Round, ledger: Ledger, basis: Basis) -> Round:
    """The later round compared with an earlier one, whatever rounds lie between."""
    bare = replace(later, delta={}, fixed=(), broken=(), p_value=None, prompts_compared=0, against=None)
    changed = _with_difference(bare, earlier, ledger, basis.compare)
    return _with_delta(changed, earlier, ledger, basis)


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
    of_job = {"epochs": job.get("n_epochs"), **job} if isinstance(job, dict) else {}
    settings = {name: of_job.get(name, run.params.get(name)) for name in _SETTINGS}
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


def _with_difference(later: Round, earlier: Round, ledger: Ledger, compare: Compare) -> Round:
    old, new = earlier.run.revision, later.run.revision
    difference = None
    if old is not None and new is not None:
        difference = difference_once(ledger, old, new, compare)
    changed = _changed_settings(earlier.run, later.run)
    return replace(later, difference=difference, settings_changed=changed, since=earlier.number)


def _with_scores(latest: Round, evaluation: dict[str, Any], ledger: Ledger) -> Round:
    yardstick = ledger.yardstick(evaluation["yardstick"])
    side, count = (yardstick[0], len(yardstick[1])) if yardstick else ("", len(evaluation.get("answers") or ()))
    about = {"id": evaluation["yardstick"], "prompts": count, "side": side}
    return replace(latest, yardstick=about, scores=_intervals(evaluation.get("scores")))


def _with_delta(later: Round, earlier: Round, ledger: Ledger, basis: Basis) -> Round:
    """A round with its difference to an earlier round's model on the prompts that both answered."""
    compared = replace(later, against=earlier.number)
    if earlier.model is None or later.model is None:
        return compared
    models, names = (earlier.model, later.model), list(compared.scores)
    difference = compare_once(ledger, models, names, basis.contract, basis.also_right)
    if difference is None:
        return compared
    return replace(
        compared,
        delta=difference.delta,
        fixed=difference.fixed,
        broken=difference.broken,
        p_value=difference.p_value,
        prompts_compared=difference.count,
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
