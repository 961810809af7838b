"""From a provider's message about a line of what was sent to the example of the workspace."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.named_lines import named_lines

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.workspace.workspace import Workspace


def named(run: Run, ledger: Ledger) -> tuple[int, ...]:
    """The lines that the run's error names, else those that the last of its events at error level does."""
    said = str((run.error or {}).get("message") or "")
    if lines := named_lines(said):
        return lines
    told = (named_lines(event.message) for event in reversed(ledger.events(run.run)) if event.level == "error")
    return next(filter(None, told), ())


def sent(run: Run, ledger: Ledger, line: int) -> bytes | None:
    """The bytes of that line of the file that was sent; None where it is not kept or has no such line."""
    about_validation = (run.error or {}).get("param") == "validation_file"
    digest = run.validation_sha256 if about_validation else run.dataset_sha256
    if not digest:
        return None
    try:
        with Path(ledger.datasets / f"{digest}.jsonl").open("rb") as file:
            return next(islice(file, line - 1, line), b"").rstrip(b"\n") or None
    except OSError:
        return None


def holder(workspace: Workspace, raw: bytes) -> int | None:
    """The first example of exactly these bytes; None where it was changed or deleted since. Takes its time."""
    return next((example for example, mine in workspace.stored.raws(workspace.ids()) if mine == raw), None)
