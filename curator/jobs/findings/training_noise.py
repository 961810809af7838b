"""The models that were trained alike but for the seed, and how far they differ on the same prompts."""

from __future__ import annotations

from curator.core.scores.metrics import mean
from curator.core.scores.noise import TrainingNoise, measure_noise
from curator.jobs.findings.best_of import right_shares
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.runs.evaluation import Evaluation


def noise_of(result: Evaluation, ledger: Ledger) -> TrainingNoise | None:
    """The noise of the last model's training, by the primary metric.

    None where no other model that was trained alike but for the seed has answered the same prompts.
    """
    own_id = ledger.run_of_model(result.last.model)
    runs = [run for run in ledger.runs() if run.fine_tuned_model and not run.foreign]
    own = next((run for run in runs if run.run == own_id), None)
    if own is None:
        return None
    siblings = [str(run.fine_tuned_model) for run in runs if _alike(run) == _alike(own)]
    return measure_noise([mean(scores) for scores in right_shares(result, siblings, ledger)])


def _alike(run: Run) -> tuple[object, ...]:
    """Everything that a training depends on, but its seed."""
    params = {name: value for name, value in run.params.items() if name not in ("seed", "suffix")}
    return run.origin, run.model, run.method, run.dataset_sha256, run.validation_sha256, sorted(params.items())
