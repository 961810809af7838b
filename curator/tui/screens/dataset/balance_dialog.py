"""The Balance dialog: answers, system prompts, scripts, refusals, tokens and lengths as bars."""

from __future__ import annotations

from typing import Any

from textual import on, work
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Button, Static
from textual.worker import get_current_worker

from curator.core.charts.bar_text import bar_text
from curator.core.text import one_line
from curator.tui import keys
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.shell import shell_of
from curator.tui.stage_models import dataset_bars
from curator.tui.stage_models.dataset_bars import Bar
from curator.tui.widgets.line_list import LineList, Pieces
from curator.workspace.checks.statistics import DatasetCounts

_TEXT = 34


async def _draft(app: App[Any], bar: Bar) -> None:
    """Ask which model writes examples like those of a bar, and have it write."""
    from curator.tui.screens.dataset.drafts_dialog import ask_for_drafts  # heavy
    from curator.tui.session.drafting import seeds_of

    workspace = shell_of(app).session.workspace
    seeds = await seeds_of(workspace, workspace.view(bar.query).ids)
    await ask_for_drafts(app, seeds, f"Written like the examples of: {bar.text}")


class BalanceDialog(Dialog[None]):
    """Enter lists the examples of a bar; U gives all examples the most frequent system prompt."""

    SCOPE = "balance"
    BINDINGS = keys.bindings("balance")
    HEADING = "Balance"
    ACCEPT = "List these"
    HELP = (
        "What the dataset consists of. Enter on a bar lists its examples in the Data stage; i has a model write "
        "more like them, which you accept or reject."
    )

    def __init__(self) -> None:
        super().__init__()
        self._bars: list[Bar] = []
        self._most: list[float] = []
        """For each line the largest share in its section: the bar with that share has the full width."""
        self._counted: DatasetCounts | None = None

    def compose_body(self) -> ComposeResult:
        """The list of bars, the full text of the current one, and a button."""
        yield LineList("bars", empty="Counting …")
        yield Static("", id="about")
        yield Button(Content("One system prompt for all (U)"), id="unify", compact=True)

    def on_mount(self) -> None:
        """Start counting, in a thread."""
        self.query_one("#unify").display = False
        self.query_one("#bars").focus()
        self._count()
        self.session.changed.subscribe(self, lambda _: self._read_tokens())

    @work(thread=True, exclusive=True, group="tokens", exit_on_error=False)
    def _read_tokens(self) -> None:
        """The analysis went on: count the tokens again."""
        worker, counted = get_current_worker(), self._counted
        if counted is not None and dataset_bars.read_tokens(self.session.workspace, counted):
            bars = self._bars_of(counted)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._show_again, counted, bars)

    def _show_again(self, counted: DatasetCounts, bars: list[Bar]) -> None:
        if counted is self._counted:  # else all was counted anew meanwhile
            self._show(counted, bars)

    def _bars_of(self, counted: DatasetCounts) -> list[Bar]:
        return dataset_bars.bars(counted, self.session.workspace.context().contract is not None)

    @work(thread=True, exclusive=True, group="balance", exit_on_error=False)
    def _count(self) -> None:
        worker = get_current_worker()
        total = max(1, len(self.session.workspace.ids()))

        def report(done: int) -> bool:
            if done and done % 20_000 == 0 and not worker.is_cancelled:
                self.app.call_from_thread(self._say, f"Counting … {done / total:.0%}")
            return worker.is_cancelled

        counted = dataset_bars.count_dataset(self.session.workspace, report)
        if counted is not None:
            bars = self._bars_of(counted)
            if not worker.is_cancelled:
                self.app.call_from_thread(self._show, counted, bars)

    def _say(self, words: str) -> None:
        self.query_one("#bars", LineList).say(words)

    def _show(self, counted: DatasetCounts, bars: list[Bar]) -> None:
        bar_list = self.query_one("#bars", LineList)
        last_text = self._bars[bar_list.cursor].text if bar_list.cursor < len(self._bars) else ""
        self._counted, self._bars, self._most = counted, bars, dataset_bars.section_maxima(bars)
        first = next((at for at, bar in enumerate(bars) if bar.query), 0)
        same_bar = next((at for at, bar in enumerate(bars) if bar.text == last_text), first)
        bar_list.show(len(bars), self._line, cursor=same_bar)
        self.query_one("#unify").display = bool(counted.systems)

    def _line(self, index: int, width: int) -> Pieces:
        bar = self._bars[index]
        if bar.times is None:
            return [(one_line(bar.text, width), "accent" if bar.text[:1].isupper() else "dim")]
        text = one_line(bar.text, _TEXT)
        room = max(0, width - _TEXT - 18)
        drawn = bar_text(bar.share / self._most[index] if bar.query else 0, room, least=int(bool(bar.query)))
        mark = "! " if bar.mark else "  "
        return [
            (mark, bar.mark),
            (f"{text:<{_TEXT}} ", "" if bar.query else "dim"),
            (f"{bar.times:>7,} ", ""),
            (f"{'<1%' if 0 < bar.share < 0.005 else f'{bar.share:.0%}':>4}  ", "dim"),
            (drawn, bar.mark or "train"),
        ]

    @on(LineList.Highlighted)
    def _about(self, event: LineList.Highlighted) -> None:
        """Show the current bar's text in full where its line cuts it off."""
        bar = self._bars[event.index] if event.index < len(self._bars) else None
        text = bar.text if bar is not None and len(bar.text) > _TEXT else ""
        self.query_one("#about", Static).update(Content.styled(one_line(text, 300), "$quiet"))

    @on(LineList.Chosen)
    def _accept_line(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """List the examples of the current bar in the Data stage."""
        at = self.query_one("#bars", LineList).cursor
        bar = self._bars[at] if at < len(self._bars) else None
        if bar is not None and bar.query:
            self.dismiss(None)
            self.app.call_later(shell_of(self).show_query, bar.query)
        elif bar is not None and bar.opens_counts:
            self.dismiss(None)
            self.app.call_later(shell_of(self).show_counts)

    def action_drafts(self) -> None:
        """Have a model write examples like those of the current bar."""
        at = self.query_one("#bars", LineList).cursor
        bar = self._bars[at] if at < len(self._bars) else None
        if bar is not None and bar.query:
            self.dismiss(None)
            self.app.run_worker(_draft(self.app, bar), group="dialog", exit_on_error=False)

    def action_write_chart(self) -> None:
        """Write the bars of the section under the cursor as a picture or a table."""
        from curator.core.charts.bars import draw_bars  # heavy
        from curator.core.charts.tables import bars_table
        from curator.tui.screens.chart_dialog import ChartDialog, ChartToWrite

        bars = dataset_bars.section_chart(self._bars, self.query_one("#bars", LineList).cursor)
        chart = ChartToWrite(bars.title, lambda: draw_bars(bars), lambda: bars_table(bars))
        name = bars.title.partition(":")[0].lower().replace(" ", "-") or "bars"
        self.app.push_screen(ChartDialog(chart, self.session.workspace.path.parent / f"{name}.svg"))

    @on(Button.Pressed, "#unify")
    def _unify_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_unify()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_unify(self) -> None:
        """Give all examples one system prompt, the most frequent or a typed one, as one change, after asking."""
        from curator.tui.screens.dataset.system_dialog import SystemDialog  # heavy

        counted, session = self._counted, self.session
        if counted is None:
            return
        text = await self.app.push_screen_wait(SystemDialog(dataset_bars.commonest_system(counted)))
        if not text:
            return
        others = [i for system, ids in counted.systems.items() if system != text for i in ids]
        raws = dataset_bars.unify_system_prompts(session.workspace, sorted(others), text)
        if not raws:
            session.toast("All examples have the same system prompt")
            return
        many = f"{len(raws):,} example{'s' * (len(raws) != 1)}"
        words = f"Give {many} this system prompt?\n\n{one_line(text, 300)}\n\nOne step; u takes it back."
        if await self.app.push_screen_wait(Confirm("One system prompt", words, f"Change {many}")):
            session.replace_many(raws, f"One system prompt in {many}", then=self._count)
