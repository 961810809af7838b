"""Words for a training run: status marks, heading, time spans, tokens and money spent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from curator.core.cost import money
from curator.core.text import count_of

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run

STATUS_MARKS: dict[str, tuple[str, str]] = {
    "succeeded": ("✓", "ok"),
    "failed": ("✗", "error"),
    "refused": ("✗", "error"),
    "lost": ("✗", "error"),
    "cancelled": ("–", "warning"),
    "abandoned": ("–", "warning"),
    "unclear": ("?", "warning"),
    "paused": ("‖", "warning"),
    "running": ("▸", "accent"),
    "queued": ("…", "dim"),
    "validating_files": ("…", "dim"),
    "pending": ("…", "dim"),
}
"""(mark, style name) of each run status."""


def heading(run: Run) -> str:
    """Status, model and provider of a run."""
    model = run.fine_tuned_model or run.model
    return f"{run.status} · {model} at {run.provider}"


def deployed_words(name: str, since: float, reminder: str | None) -> str:
    """A deployment in one line: `reminder`, which names its hourly fee, or a sentence that it has none."""
    when = time.strftime("%d %b %H:%M", time.localtime(since))
    return reminder or f"Deployed as {name} since {when}, without an hourly fee."


def time_span(seconds: float) -> str:
    """A time span in words: 45 s, 3 min, 1 h 20 min."""
    seconds = max(0, round(seconds))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def spent_words(run: Run, tokens: int | None, usd: float | None) -> str:
    """Tokens trained and their price, so far or in total; "about" marks estimates."""
    counted = count_of(tokens, "token") if tokens else ""
    if run.usd_estimate == 0:
        price = "free"
    elif run.usd_estimate is None:
        price = ""
    elif usd is None or usd == run.usd_estimate:
        price = f"about US$ {money(run.usd_estimate)}"
    else:
        price = f"about US$ {money(usd)} of {money(run.usd_estimate)}"
    return " · ".join(filter(None, (counted, price)))
