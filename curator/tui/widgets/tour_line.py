"""`TourLine`: a step of the tour above the status line, as long as somebody takes the tour."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Input, Static, TextArea

from curator.tui.shell import shell_of
from curator.tui.stage_models.loop.tour import STEPS, is_done


class TourLine(Static):
    """Two or three lines of words; takes no room without a tour."""

    def __init__(self) -> None:
        super().__init__("", id="tour")
        self.display = False

    def on_mount(self) -> None:
        """Show the step, and again when another one begins or something was done."""
        shell = shell_of(self)
        shell.tour.changed.subscribe(self, lambda _: self.show_step())
        shell.session.changed.subscribe(self, lambda _: self.show_step())
        shell.job_watch.changed.subscribe(self, lambda _: self.show_step())
        self.watch(self.screen, "focused", lambda: self.show_step(), init=False)
        self.show_step()

    def show_step(self) -> None:
        """Show the present step; a step that is done is ticked."""
        shell = shell_of(self)
        step = shell.tour.step
        self.display = step is not None and step < len(STEPS)
        if step is None or not self.display or not self.screen.is_current:
            return
        each = STEPS[step]
        mark = ("✓ ", "$mark-ok bold") if is_done(each, shell.session, shell.job_watch) else ("", "")
        typing = isinstance(self.screen.focused, Input | TextArea)  # there the tour's keys type their signs
        first = "esc, then " if typing else ""
        keys = f" · {first}. ends the tour" if step == len(STEPS) - 1 else f" · {first}. goes on"
        back = " · , back" if step else ""
        self.update(
            Content.assemble(
                mark,
                (f"Tour {step + 1} of {len(STEPS)} · {each.title}", "bold $accent"),
                (f"{keys}{back} · \\ leaves it\n", "$quiet"),
                each.words,
            )
        )
