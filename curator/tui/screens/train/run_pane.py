"""`RunPane`: one training run: heading, curves, diagnosis, events and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.tui.screens.train.curve_chart import SMOOTHINGS, CurveChart
from curator.tui.stage_models.run_words import heading, spent_words, time_span
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.core.scores.diagnosis import Diagnosis
    from curator.jobs.http.provider_records import Checkpoint
    from curator.jobs.ledger.ledger import Ledger, Run

EVENTS = 200
"""Most events listed, the newest ones; `curator watch` prints all."""
_COLUMNS = (
    ("train_loss", "train"),
    ("valid_loss", "valid"),
    ("full_valid_loss", "full"),
    ("full_valid_mean_token_accuracy", "accuracy"),
)
"""Columns of the list of checkpoints: the metric's key and its heading."""


class RunPane(Vertical):
    """Call `show` when the run changed, and `tick` each second for the time that is left."""

    best_checkpoint: Checkpoint | None = None
    """The checkpoint that the curves recommend; None: none, or the last one."""

    def compose(self) -> ComposeResult:
        """From top to bottom: heading, curves, diagnosis, events beside checkpoints."""
        yield Static("", id="run-heading")
        yield CurveChart("curves")
        yield Static("", id="verdict")
        with Horizontal(id="below"):
            yield LineList("events", empty="No events yet.")
            yield LineList("checkpoints", empty="No checkpoints yet.", head=_checkpoint_head())

    def show(self, run: Run, ledger: Ledger, notes: Sequence[tuple[str, str]]) -> None:
        """Show a run of a ledger; `notes` are lines under the diagnosis as (sentence, theme colour) pairs."""
        metrics, checkpoints = ledger.metrics(run.run), ledger.checkpoints(run.run)
        self.query_one("#curves", CurveChart).show(metrics)
        diagnosis = _diagnose(run, ledger, metrics, checkpoints)
        best = diagnosis.best_checkpoint_step
        self.best_checkpoint = next((each for each in checkpoints if best is not None and each.step == best), None)
        self._show_events(ledger, run)
        self._show_checkpoints(checkpoints, diagnosis.best_checkpoint_step)
        self._show_diagnosis(run, _next_step(run, diagnosis, checkpoints), diagnosis, notes)
        self.tick(run, ledger)

    def tick(self, run: Run, ledger: Ledger) -> None:
        """Update the heading: status, time left or taken, tokens and money so far."""
        from curator.jobs.http import provider_records as records  # heavy
        from curator.jobs.runs import monitor

        seconds_left = None if run.closed else monitor.time_left(run, ledger)
        parts = [heading(run)]
        if seconds_left:
            parts.append(f"about {time_span(seconds_left)} left")
        elif run.closed and run.finished_at:
            began = (
                records.moment(run.job.get("created_at")) or run.created_at
            )  # both times are of the provider's clock
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
        newest_first = list(reversed(checkpoints))

        def line(index: int, width: int) -> Pieces:
            point = newest_first[index]
            mark = "★" if best is not None and point.step == best else " "
            values = "".join(f"{_figure(point.metrics.get(name)):>9}" for name, _ in _COLUMNS)
            return [
                (f"{mark}{point.step if point.step is not None else '?':>6}", "ok" if mark == "★" else ""),
                (values, ""),
                (f"  {'best' if mark == '★' else ''}", "ok"),
                (f"  {':'.join((point.model or '').split(':')[-2:]).strip(':')}", "dim"),
            ]

        self.query_one("#checkpoints", LineList).show(len(newest_first), line)

    def _show_diagnosis(
        self, run: Run, next_step: str, diagnosis: Diagnosis, notes: Sequence[tuple[str, str]]
    ) -> None:
        if run.error and run.error.get("message"):
            lines = [Content.styled(printable(str(run.error["message"])), "$mark-error")]
        elif run.job_id is None:
            lines = []
        else:
            lines = [Content.assemble((printable(diagnosis.sentence), "bold"), f" {printable(diagnosis.reason)}")]
            lines.append(Content.styled(f"→ {printable(next_step)}", "$accent"))
        lines += [Content.styled(printable(text), colour) for text, colour in notes]
        self.query_one("#verdict", Static).update(Content("\n").join(lines))

    # Called by the actions of the Train stage

    def next_smoothing(self) -> float:
        """Go to the next value of `SMOOTHINGS` and return it: the weight of earlier values, 0 to below 1."""
        chart = self.query_one("#curves", CurveChart)
        at = SMOOTHINGS.index(chart.smoothing) if chart.smoothing in SMOOTHINGS else 0
        chart.smoothing = SMOOTHINGS[(at + 1) % len(SMOOTHINGS)]
        return chart.smoothing

    def switch_log_scale(self) -> None:
        """Switch between a linear and a logarithmic y axis."""
        chart = self.query_one("#curves", CurveChart)
        chart.log_scale = not chart.log_scale

    def switch_metric(self) -> None:
        """Switch between loss and mean token accuracy."""
        chart = self.query_one("#curves", CurveChart)
        chart.accuracy = not chart.accuracy
        chart.border_title = "mean token accuracy" if chart.accuracy else "loss"

    def step_cursor(self, by: int) -> None:
        """Tell the values of the next step of the curves (1), or of the one before (-1)."""
        self.query_one("#curves", CurveChart).step_cursor(by)

    def hide_cursor(self) -> bool:
        """Show the legend again in place of the values of a step; False where it is shown already."""
        chart = self.query_one("#curves", CurveChart)
        shown, chart.cursor = chart.cursor is not None, None
        return shown

    def switch_checkpoints(self) -> None:
        """Switch between events and checkpoints, where there is room for only one of them."""
        self.toggle_class("-checkpoints")
        self.query_one("#checkpoints" if self.has_class("-checkpoints") else "#events").focus()


def _next_step(run: Run, diagnosis: Diagnosis, checkpoints: Sequence[Checkpoint]) -> str:
    """What to do next, in words; the diagnosis' advice unless the run is paused or ended without a model."""
    if run.status == "paused":
        return "p lets it go on."
    if run.closed and not run.fine_tuned_model:
        return "e shows the checkpoints that it left." if checkpoints else "It left no model; T starts another."
    return diagnosis.next_step


def _diagnose(
    run: Run, ledger: Ledger, metrics: Sequence[dict[str, float]], checkpoints: Sequence[Checkpoint]
) -> Diagnosis:
    from curator.core.scores.diagnosis import diagnose  # heavy: nothing of it is needed without a run
    from curator.jobs.http import provider_records as records
    from curator.jobs.runs import monitor

    steps_done, steps = monitor.progress(run, ledger), {row["step"]: row for row in metrics}
    for point in checkpoints:  # they may have metrics that no event had
        if point.step is not None:
            steps[point.step] = {**point.metrics, **steps.get(point.step, {}), "step": point.step}
    rows = [{**steps[step], "total_steps": steps_done[1] if steps_done else None} for step in sorted(steps)]
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
