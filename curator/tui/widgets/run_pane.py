"""`RunPane`: everything about one run: heading, curves, verdict, events, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.tui.stage_models.run_words import heading, spent_words, time_span
from curator.tui.widgets.curve_chart import SMOOTHINGS, CurveChart
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.core.scores.diagnosis import Diagnosis
    from curator.jobs.http.provider_records import Checkpoint
    from curator.jobs.ledger.ledger import Ledger, Run

EVENTS = 200
"""Newest events shown; the command `watch` prints all."""
_COLUMNS = (
    ("train_loss", "train"),
    ("valid_loss", "valid"),
    ("full_valid_loss", "full"),
    ("full_valid_mean_token_accuracy", "accuracy"),
)


class RunPane(Vertical):
    """Give it a run with `show`; `tick` renews what the clock changes."""

    def compose(self) -> ComposeResult:
        """From above: what it is, how it goes, what that means, what happened."""
        yield Static("", id="run-heading")
        yield CurveChart("curves")
        yield Static("", id="verdict")
        with Horizontal(id="below"):
            yield LineList("events", empty="No events yet.")
            yield LineList("checkpoints", empty="No checkpoints yet.", head=_checkpoint_head())

    def show(self, run: Run, ledger: Ledger, notes: Sequence[tuple[str, str]]) -> None:
        """Show a run; `notes` are (sentence, colour) lines under the verdict."""
        metrics, checkpoints = ledger.metrics(run.run), ledger.checkpoints(run.run)
        self.query_one("#curves", CurveChart).show(metrics)
        said = _diagnosed(run, ledger, metrics, checkpoints)
        self._show_events(ledger, run)
        self._show_checkpoints(checkpoints, said.best_checkpoint_step)
        self._show_verdict(run, _step(run, said, checkpoints), said, notes)
        self.tick(run, ledger)

    def tick(self, run: Run, ledger: Ledger) -> None:
        """The line that the clock changes: time left, tokens and money so far."""
        from curator.jobs.http import provider_records as records
        from curator.jobs.runs import monitor

        left = None if run.closed else monitor.time_left(run, ledger)
        parts = [heading(run)]
        if left:
            parts.append(f"about {time_span(left)} left")
        elif run.closed and run.finished_at:
            began = records.moment(run.job.get("created_at")) or run.created_at  # both by the provider's clock
            parts.append(f"took {time_span(run.finished_at - began)}")
        parts.append(spent_words(run, *monitor.cost_so_far(run, ledger)))
        self.query_one("#run-heading", Static).update(Content(one_line(" · ".join(filter(None, parts)))))

    def _show_events(self, ledger: Ledger, run: Run) -> None:
        events = list(reversed(ledger.events(run.run)))[:EVENTS]

        def line(index: int, width: int) -> Pieces:
            event = events[index]
            kind = {"error": "error", "warn": "warning", "warning": "warning"}.get(event.level, "")
            clock = time.strftime("%H:%M:%S", time.localtime(event.created_at))
            return [(f"{clock}  ", "dim"), (event.message, kind)]

        self.query_one("#events", LineList).show(len(events), line)

    def _show_checkpoints(self, checkpoints: Sequence[Checkpoint], best: int | None) -> None:
        shown = list(reversed(checkpoints))

        def line(index: int, width: int) -> Pieces:
            point = shown[index]
            mark = "★" if best is not None and point.step == best else " "
            values = "".join(f"{_figure(point.metrics.get(name)):>9}" for name, _ in _COLUMNS)
            return [
                (f"{mark}{point.step if point.step is not None else '?':>6}", "ok" if mark == "★" else ""),
                (values, ""),
                (f"  {'best' if mark == '★' else ''}", "ok"),
                (f"  {':'.join((point.model or '').split(':')[-2:]).strip(':')}", "dim"),
            ]

        self.query_one("#checkpoints", LineList).show(len(shown), line)

    def _show_verdict(self, run: Run, step: str, said: Diagnosis, notes: Sequence[tuple[str, str]]) -> None:
        if run.error and run.error.get("message"):
            lines = [Content.styled(printable(str(run.error["message"])), "$mark-error")]
        elif run.job_id is None:
            lines = []
        else:
            lines = [Content.assemble((printable(said.sentence), "bold"), f" {printable(said.reason)}")]
            lines.append(Content.styled(f"→ {printable(step)}", "$accent"))
        lines += [Content.styled(printable(text), colour) for text, colour in notes]
        self.query_one("#verdict", Static).update(Content("\n").join(lines))

    # What the keys of the stage do

    def next_smoothing(self) -> float:
        """Smooth less or more; returns the new weight of the past."""
        chart = self.query_one("#curves", CurveChart)
        at = SMOOTHINGS.index(chart.smoothing) if chart.smoothing in SMOOTHINGS else 0
        chart.smoothing = SMOOTHINGS[(at + 1) % len(SMOOTHINGS)]
        return chart.smoothing

    def flip_log_scale(self) -> None:
        """Linear or logarithmic."""
        chart = self.query_one("#curves", CurveChart)
        chart.log_scale = not chart.log_scale

    def flip_accuracy(self) -> None:
        """Loss or mean token accuracy."""
        chart = self.query_one("#curves", CurveChart)
        chart.accuracy = not chart.accuracy
        chart.border_title = "mean token accuracy" if chart.accuracy else "loss"

    def flip_checkpoints(self) -> None:
        """Events or checkpoints, where there is room for one of them."""
        self.toggle_class("-checkpoints")
        wanted = "#checkpoints" if self.has_class("-checkpoints") else "#events"
        self.query_one(wanted).focus()


def _step(run: Run, said: Diagnosis, checkpoints: Sequence[Checkpoint]) -> str:
    """What to do next: as the verdict says, where the run is one that can be acted upon so."""
    if run.status == "paused":
        return "p lets it go on."
    if run.closed and not run.fine_tuned_model:
        return "e shows the checkpoints that it left." if checkpoints else "It left no model; T starts another."
    return said.next_step


def _diagnosed(
    run: Run, ledger: Ledger, metrics: Sequence[dict[str, float]], checkpoints: Sequence[Checkpoint]
) -> Diagnosis:
    from curator.core.scores.diagnosis import diagnose
    from curator.jobs.http import provider_records as records
    from curator.jobs.runs import monitor

    done, steps = monitor.progress(run, ledger), {row["step"]: row for row in metrics}
    for point in checkpoints:  # they may tell what no event told
        if point.step is not None:
            steps[point.step] = {**point.metrics, **steps.get(point.step, {}), "step": point.step}
    rows = [{**steps[step], "total_steps": done[1] if done else None} for step in sorted(steps)]
    planned = ledger.step(run.run, "estimate")
    return diagnose(
        rows,
        validation_examples=records.integer(planned[1].get("validation_examples")) if planned else None,
        checkpoints=[c.step for c in checkpoints if c.step is not None],
        finished=run.closed,
    )


def _checkpoint_head() -> str:
    return "    step" + "".join(f"{title:>9}" for _, title in _COLUMNS)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
