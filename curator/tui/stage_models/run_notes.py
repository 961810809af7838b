"""What is to be said of a run beside its verdict, and what an action on it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.tui.stage_models.run_words import deployed_words
from curator.tui.stage_models.sent_lines import named

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run

_CONSEQUENCES = {
    "cancel": "The job stops at its next step and cannot go on; checkpoints made so far stay.",
    "pause": "The job saves its state and waits; resume goes on where it stopped.",
    "resume": "The job goes on where it stopped.",
}
_CHARGED = "What it has trained so far may be charged all the same."
_NO_JOB = "No job was made and nothing was paid. What was uploaded is named here, and D deletes it."
_MAY_BE = (
    "It is looked for once more. If the provider made the job all the same, it runs on there and may cost; J "
    "lists it then."
)


def consequence(run: Run, action: str) -> str:
    """What `cancel`, `pause`, `resume` or `give up` means for this run, before one says yes."""
    if action == "give up":
        return _MAY_BE if run.status in ("unclear", "creating") else _NO_JOB
    words = _CONSEQUENCES[action]
    return f"{words} {_CHARGED}" if action == "cancel" and run.usd_estimate != 0 else words


def notes(run: Run, ledger: Ledger, trouble: str | None) -> list[tuple[str, str]]:
    """Sentences with colours: how a stopped submission goes on, what costs, what is left over, what goes wrong.

    `trouble` is why the provider did not answer last time.
    """
    from curator.jobs.runs import azure_deployments as azure
    from curator.jobs.runs import leftovers

    found = _unsubmitted(run)
    if lines := named(run, ledger):
        found.append((f"→ enter shows line {lines[0]:,} of what was sent", "$accent"))
    found += [
        (f"! {deployed_words(item.name, item.since, azure.reminder(item))} (D)", "$mark-warning")
        for item in leftovers.deployed(run, ledger)
    ]
    if unused := ledger.orphans(run.run):
        names = ", ".join(file_id for _, file_id, _ in unused)
        found.append((f"! uploaded and not used by any job: {names} (D deletes)", "$quiet"))
    if trouble and not run.closed:
        found.append((f"! {trouble} The job goes on; Curator asks again.", "$mark-warning"))
    return found


def _unsubmitted(run: Run) -> list[tuple[str, str]]:
    """How a run stands that has no job yet and at which nobody is at work."""
    from curator.jobs.runs import submission

    if run.job_id is not None or run.closed or submission.is_submitting(run):
        return []
    if run.status == "unclear":
        words = "? The provider may have made this job. Curator looks for it and never makes a second one."
    else:
        words = "! Stopped before its job was made: T goes on."
    return [(f"{words} c gives it up.", "$mark-warning")]
