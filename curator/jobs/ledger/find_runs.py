"""A run as JSON (RUN of docs/cli.md), and finding the run of a job in any ledger of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from curator.errors import CuratorError
from curator.jobs.ledger.ledger import Ledger, Run

FINAL_METRICS = ("train_loss", "valid_loss", "train_mean_token_accuracy", "valid_mean_token_accuracy")


def run_json(run: Run, ledger: Ledger) -> dict[str, Any]:
    """RUN of docs/cli.md; `metrics` are the last values, None where there is none."""
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


@contextmanager
def open_ledger_of(job: str, provider: str | None = None) -> Iterator[tuple[Ledger, Run | None]]:
    """The ledger and run of a job id, a run id or a tuned model; the user's own ledger and None where none has it.

    `provider` narrows the search where two providers use the same id. The ledger is closed when the block ends.
    """
    with ExitStack() as stack:
        own = stack.enter_context(Ledger.for_path(None))
        for ledger in (own, *_other_ledgers(own, stack)):
            matches = [run for run in ledger.runs() if job in (run.job_id, run.run, run.fine_tuned_model)]
            matches = [run for run in matches if provider in (None, run.provider)]
            if matches:
                yield ledger, matches[-1]
                return
        yield own, None


@contextmanager
def open_all() -> Iterator[list[Ledger]]:
    """All ledgers of this machine that can be read: the user's own first, then those of workspaces."""
    with ExitStack() as stack:
        own = stack.enter_context(Ledger.for_path(None))
        yield [own, *_other_ledgers(own, stack)]


def _other_ledgers(own: Ledger, stack: ExitStack) -> Iterator[Ledger]:
    """The ledgers of workspaces. One that cannot be read is skipped; opening its workspace reports it."""
    for path in own.places():
        try:
            ledger = stack.enter_context(Ledger(path))
            ledger.runs()
        except CuratorError:
            continue
        yield ledger
