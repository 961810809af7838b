"""Where somebody is in the loop of curating, dividing, training, comparing: what is missing, what is next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from curator.tui.session.job_watch import JobWatch
    from curator.tui.session.summary import Summary
    from curator.workspace.workspace import Workspace

MOST_CHANGES = 200
"""Changes since the last training are counted up to this number."""


class LoopState(NamedTuple):
    """The state of a workspace."""

    missing: tuple[str, ...]
    """What stands between the data and a comparison, e.g. `3 errors`, `no split`."""
    next_step: str
    """What to do next, in a few words with its key."""

    @property
    def sentence(self) -> str:
        """Both in one line."""
        missing = f"{' · '.join(self.missing)}. " if self.missing else ""
        return f"{missing}Next: {self.next_step}"


def loop_state(summary: Summary, workspace: Workspace, watch: JobWatch) -> LoopState:
    """What is missing in a workspace, and the first step towards it."""
    if not summary.examples:
        return LoopState(("no examples",), "I imports a file")
    missing, steps = [], []
    if summary.errors:
        missing.append(f"{summary.errors:,} error{'s' * (summary.errors != 1)}")
        steps.append("/is:error to see")
    if summary.refusals:
        missing.append("; ".join(summary.refusals))
        steps.append("! tells why nothing trains")
    if not summary.validation:
        missing.append("no split")
        steps.append("S splits")
    missing_training, step = _training_state(workspace, watch)
    missing += missing_training
    return LoopState(tuple(missing), [*steps, step][0])


def _training_state(workspace: Workspace, watch: JobWatch) -> tuple[list[str], str]:
    runs = watch.runs() if (workspace.path / "runs.db").exists() else []
    if any(run.job_id and not run.closed for run in runs):
        return ["a training runs"], "alt+4 shows it"
    trained = next((run for run in runs if run.fine_tuned_model), None)
    if trained is None:
        return ["not trained yet"], "T trains"
    changes = workspace.changes_since(trained.created_at, MOST_CHANGES)  # marks of the split count too
    if changes:
        more = "+" if changes == MOST_CHANGES else ""
        return [f"not trained since {changes}{more} change{'s' * (changes != 1)}"], "T trains again"
    if watch.is_evaluated(trained.run):
        return [], "alt+5: mend its misses"
    return [], "alt+5 compares"
