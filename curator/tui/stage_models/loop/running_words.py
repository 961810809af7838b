"""What goes on in the background, in words: for the status line of every stage, and for the list of all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from curator.errors import CuratorError
from curator.tui.stage_models.run_words import time_span

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.tui.session.job_watch import JobWatch
    from curator.tui.session.session import Session


class RunningTask(NamedTuple):
    """Something that goes on."""

    words: str
    share: float | None
    """The part that is done, 0 to 1; None where nobody knows."""
    seconds_left: float | None
    stop: Callable[[], object] | None = None
    """Asks it to stop; None where it cannot be stopped, or is a training."""
    run: Run | None = None
    """The run of a training."""

    @property
    def sentence(self) -> str:
        """E.g. `training 62 %, 3 min left`."""
        share = "" if self.share is None else f" {100 * self.share:.0f} %"
        time_left = f", {time_span(self.seconds_left)} left" if self.seconds_left else ""
        return f"{self.words}{share}{time_left}"


def running_tasks(session: Session, watch: JobWatch) -> list[RunningTask]:
    """Everything that goes on: trainings, then what this window does, then the check of the examples."""
    return [*_trainings(watch), *_own_tasks(session), *_analysis(session)]


def status_words(session: Session, watch: JobWatch) -> str:
    """The trainings and tasks for the status line, which tells of the check itself; empty: none."""
    tasks = [*_trainings(watch), *_own_tasks(session)]
    more = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
    return f"{tasks[0].sentence}{more}" if tasks else ""


def training_words(watch: JobWatch) -> str:
    """E.g. `training 62 %, 3 min left`; before its first step the status, as `training: queued`; empty: none."""
    return next((task.sentence for task in _trainings(watch)), "")


def _trainings(watch: JobWatch) -> Iterator[RunningTask]:
    for run in watch.all_running():
        try:
            yield _training(run, watch)
        except CuratorError:
            continue  # the Train stage says why


def _training(run: Run, watch: JobWatch) -> RunningTask:
    from curator.jobs.runs import monitor  # heavy: nothing of it is needed without a run

    steps = monitor.progress(run, watch.ledger)
    if run.status != "running" or steps is None:
        return RunningTask(f"training: {run.status.replace('_', ' ')}", None, None, run=run)
    share = (100 * steps[0] // steps[1]) / 100
    return RunningTask("training", share, monitor.time_left(run, watch.ledger), run=run)


def _own_tasks(session: Session) -> Iterator[RunningTask]:
    for task in session.tasks:
        yield RunningTask(task.words, task.share, task.seconds_left, task.stop)


def _analysis(session: Session) -> Iterator[RunningTask]:
    progress = session.progress
    if progress is not None:
        share = progress.done / progress.total if progress.total else None
        yield RunningTask(f"{progress.phase} the examples", share, progress.seconds_left)
