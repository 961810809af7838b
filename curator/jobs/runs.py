"""The RUN object of the contract, made from the ledger."""

from __future__ import annotations

from typing import Any

from curator.jobs.ledger import Ledger, Run

FINAL_METRICS = ("train_loss", "valid_loss", "train_mean_token_accuracy", "valid_mean_token_accuracy")


def run_json(run: Run, ledger: Ledger) -> dict[str, Any]:
    """RUN of the contract: the last value of each metric, None where there is none."""
    last: dict[str, float] = {}
    for step in ledger.metrics(run.run):
        last.update(step)
    return {
        "run": run.run,
        "provider": run.provider,
        "job_id": run.job_id,
        "status": run.status,
        "model": run.model,
        "fine_tuned_model": run.fine_tuned_model,
        "training_file": run.training_file,
        "validation_file": run.validation_file,
        "dataset_sha256": run.dataset_sha256,
        "epochs": run.epochs,
        "trained_tokens": run.trained_tokens,
        "usd_estimate": run.usd_estimate,
        "metrics": {name: last.get(name) for name in FINAL_METRICS},
        "error": run.error,
    }
