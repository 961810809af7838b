"""Models so new that the provider does not know them yet: for minutes they answer 404 (finetuning-api §4.6)."""

from __future__ import annotations

import time

NEW = 3600.0
"""Seconds after the end of a job, or after a deployment was asked for, in which a 404 may pass."""
WAITS = (4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Pauses between tries, times the client's `backoff`: about three and a half minutes in all."""


def is_new(model: str, now: float | None = None) -> bool:
    """Whether a ledger of this machine knows that a tuned model, checkpoint or deployment was made just now."""
    from curator.jobs import runs

    since = (time.time() if now is None else now) - NEW
    with runs.everywhere() as ledgers:
        for ledger in ledgers:
            if any(item.name == model and item.since > since for item in ledger.deployments()):
                return True
            for run in ledger.runs():
                recent = run.fine_tuned_model is not None and (run.finished_at or 0.0) > since
                if recent and model.startswith(str(run.fine_tuned_model)):
                    return True
    return False
