"""`CurveChart`: loss or mean token accuracy of a run over its steps, with axes, and the values at a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from curator.core.charts.curves import AxisWords, Chart, Series, draw

LOSS = (("train_loss", "train"), ("valid_loss", "validation"), ("full_valid_loss", "full validation"))
ACCURACY = (
    ("train_mean_token_accuracy", "train"),
    ("valid_mean_token_accuracy", "validation"),
    ("full_valid_mean_token_accuracy", "full validation"),
)
SMOOTHINGS = (0.0, 0.6, 0.9)
"""Values of `CurveChart.smoothing` that a key goes through."""


class CurveChart(Widget):
    """Draws the rows of metrics that `show` gets."""

    COMPONENT_CLASSES = {"curve--0", "curve--1", "curve--2", "curve--axis"}

    log_scale: reactive[bool] = reactive(False)
    """Whether y is logarithmic."""
    smoothing: reactive[float] = reactive(0.6)
    """Weight of the earlier values in the exponential moving average, 0 to below 1."""
    accuracy: reactive[bool] = reactive(False)
    """Whether mean token accuracy is drawn instead of loss."""
    cursor: reactive[float | None] = reactive(None)
    """The step whose values are told; None: the legend is shown."""

    def __init__(self, dom_id: str) -> None:
        super().__init__(id=dom_id)
        self._metrics: Sequence[Mapping[str, float]] = ()
        self._chart: tuple[object, Chart] | None = None
        """The chart as last drawn, with the settings that it was drawn for."""

    def show(self, metrics: Sequence[Mapping[str, float]]) -> None:
        """Draw these rows: each has `step` and values of some metrics by name."""
        self._metrics = metrics
        self._chart = None
        self.refresh()

    @property
    def axis_words(self) -> AxisWords:
        """What the axes measure, with units."""
        return AxisWords("step", "share of tokens predicted" if self.accuracy else "loss (nats a token)")

    @property
    def steps(self) -> list[float]:
        """All steps that have a value, in order."""
        return sorted({x for each in self.series for x, _ in each.points})

    def step_cursor(self, by: int) -> None:
        """Tell the values of the next step (1) or of the one before (-1); at first those of the last."""
        steps = self.steps
        if not steps:
            return
        at = steps.index(self.cursor) + by if self.cursor in steps else len(steps) - 1
        self.cursor = steps[max(0, min(len(steps) - 1, at))]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell the values of the step under the pointer."""
        place = event.get_content_offset(self)
        if place is not None and (steps := self.steps):
            x = self._draw().x_at(place.x)
            self.cursor = min(steps, key=lambda step: abs(step - x))

    def on_leave(self) -> None:
        """Show the legend again."""
        self.cursor = None

    @property
    def series(self) -> list[Series]:
        """The curves that are drawn."""
        series = []
        for name, title in ACCURACY if self.accuracy else LOSS:
            points = [(row["step"], row[name]) for row in self._metrics if name in row]
            if points:
                series.append(Series(title, points, smooth=not name.startswith("full")))
        return series

    def _draw(self) -> Chart:
        key = (self.size, self.log_scale, self.smoothing, self.accuracy, self.cursor)
        if self._chart is None or self._chart[0] != key:
            chart = draw(
                self.series,
                self.size.width,
                self.size.height,
                log=self.log_scale,
                smoothing=self.smoothing,
                words=self.axis_words,
                cursor=self.cursor,
            )
            self._chart = (key, chart)
        return self._chart[1]

    def render_line(self, y: int) -> Strip:
        """One line of the chart, each cell in the colour of its series."""
        chart = self._draw()
        if y >= len(chart.lines):
            return Strip.blank(self.size.width, self.rich_style)
        line, owners = chart.lines[y], chart.owners[y] if y < len(chart.owners) else ()
        styles: dict[int | None, Style] = {i: self._style(str(i)) for i in range(3)}
        styles[None] = self._style("axis")
        segments: list[Segment] = []
        for at, character in enumerate(line):
            style = styles.get(owners[at] if at < len(owners) else None, self.rich_style)
            if segments and segments[-1].style == style:
                segments[-1] = Segment(segments[-1].text + character, style)
            else:
                segments.append(Segment(character, style))
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"curve--{name}")
