"""Leads from a provider's error message, through the line of the uploaded file that it names, to the example."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.named_lines import named_lines

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.workspace.workspace import Workspace


def lines_in_error(run: Run, ledger: Ledger) -> tuple[int, ...]:
    """The line numbers named in the run's error, else in the last error event that names any."""
    message = str((run.error or {}).get("message") or "")
    if lines := named_lines(message):
        return lines
    errors = (event.message for event in reversed(ledger.events(run.run)) if event.level == "error")
    return next(filter(None, map(named_lines, errors)), ())


def sent_line(run: Run, ledger: Ledger, line: int) -> bytes | None:
    """The bytes of a line of the uploaded file; None where no copy of the file is kept, or it is shorter."""
    about_validation = (run.error or {}).get("param") == "validation_file"
    digest = run.validation_sha256 if about_validation else run.dataset_sha256
    if not digest:
        return None
    try:
        with Path(ledger.datasets / f"{digest}.jsonl").open("rb") as file:
            return next(islice(file, line - 1, line), b"").rstrip(b"\n") or None
    except OSError:
        return None


def example_with_bytes(workspace: Workspace, raw: bytes) -> int | None:
    """The id of the first example with exactly these bytes, or None. Slow: call it in a thread."""
    return next((example for example, mine in workspace.stored.raws(workspace.ids()) if mine == raw), None)
