"""A running training in a few words, for the status line of every stage: its share of steps and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.errors import CuratorError
from curator.tui.stage_models.run_words import time_span

if TYPE_CHECKING:
    from curator.tui.session.job_watch import JobWatch


def training_words(watch: JobWatch) -> str:
    """E.g. `training 62 %, 3 min left`; before its first step the status, as `training: queued`; empty: none."""
    run = watch.running()
    if run is None:
        return ""
    from curator.jobs.runs import monitor  # heavy: nothing of it is needed without a run

    try:
        steps = monitor.progress(run, watch.ledger)
        seconds_left = monitor.time_left(run, watch.ledger)
    except CuratorError:
        return ""  # the Train stage says why
    if run.status != "running" or steps is None:
        return f"training: {run.status.replace('_', ' ')}"
    time_left = f", {time_span(seconds_left)} left" if seconds_left else ""
    return f"training {100 * steps[0] // steps[1]} %{time_left}"
