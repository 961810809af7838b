"""Sentences about a training run: what an action on it leads to, what still costs, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.tui.stage_models.run_words import deployed_words
from curator.tui.stage_models.sent_lines import lines_in_error

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run

_CONSEQUENCES = {
    "cancel": "The job stops at its next step and cannot go on; checkpoints made so far stay.",
    "pause": "The job saves its state and waits; resume goes on where it stopped.",
    "resume": "The job goes on where it stopped.",
}
_CHARGED = "What it has trained so far may be charged all the same."
_NO_JOB = "No job was created and nothing was paid. Uploaded files stay listed here; D deletes them."
_JOB_UNCLEAR = (
    "Curator looks for the job once more. If the provider did create it, it runs on there and may cost money; J "
    "then lists it."
)


def consequence(run: Run, action: str) -> str:
    """What "cancel", "pause", "resume" or "give up" does to this run, for the question before it."""
    if action == "give up":
        return _JOB_UNCLEAR if run.status in ("unclear", "creating") else _NO_JOB
    words = _CONSEQUENCES[action]
    return f"{words} {_CHARGED}" if action == "cancel" and run.usd_estimate != 0 else words


def notes(run: Run, ledger: Ledger, trouble: str | None) -> list[tuple[str, str]]:
    """(sentence, colour) pairs: a submission to continue, lines in error, deployments that cost, unused uploads.

    `trouble` is why the provider did not answer last time, if it did not.
    """
    from curator.jobs.runs import azure_deployments as azure  # heavy
    from curator.jobs.runs import leftovers

    sentences = _submission_notes(run)
    if lines := lines_in_error(run, ledger):
        sentences.append((f"→ enter shows line {lines[0]:,} of what was sent", "$accent"))
    sentences += [
        (f"! {deployed_words(item.name, item.since, azure.reminder(item))} (D)", "$mark-warning")
        for item in leftovers.deployments_of(run, ledger)
    ]
    if unused := ledger.orphans(run.run):
        names = ", ".join(file_id for _, file_id, _ in unused)
        sentences.append((f"! uploaded and not used by any job: {names} (D deletes)", "$quiet"))
    if trouble and not run.closed:
        sentences.append((f"! {trouble} The job goes on; Curator asks again.", "$mark-warning"))
    return sentences


def _submission_notes(run: Run) -> list[tuple[str, str]]:
    """The sentence about a submission that stopped before it had a job; none while it is being submitted."""
    from curator.jobs.runs import submission  # heavy

    if run.job_id is not None or run.closed or submission.is_submitting(run):
        return []
    if run.status == "unclear":
        words = "? The provider may have created this job. Curator looks for it and never creates a second one."
    else:
        words = "! Stopped before its job was created: T continues."
    return [(f"{words} c gives it up.", "$mark-warning")]
