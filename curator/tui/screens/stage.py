"""`StageScreen`: the base of every stage. Read this before writing one.

A stage is a folder in `screens/` with a `screen.py`. It is listed in `tui/stage_list.py`, and its keys are in
`tui/actions.py` under a scope of its own name:

    class HistoryScreen(StageScreen):
        STAGE = "history"
        SCOPE = "history"                                 # help and palette look the keys up by it
        BINDINGS = keys.bindings("history")
        CSS_PATH = "history.tcss"                         # optional, beside the file
        HELP = "One short paragraph that ? shows above the keys."

        def compose_stage(self) -> ComposeResult:         # between the tabs and the status line
            yield ChangeList()

        def data_changed(self, changed: Changed) -> None: # on first show, and when shown after a change
            self.query_one(ChangeList).show(self.session.workspace.history(200))

Rules that keep stages alike:
- Read through `self.session.workspace`; change only through `self.session`, whose methods publish what changed and
  show the undo toast. Never keep rows: keep ids and read again.
- Go to other stages, examples and runs through `shell_of(self)`; never import another stage.
- `data_changed` runs only while the stage is on the screen; otherwise when it is shown the next time.
- Anything slow is a worker: `@work(thread=True, exclusive=True, group="NAME", exit_on_error=False)`; poll
  `get_current_worker().is_cancelled` at least every 50 ms, post results in batches with `post_message`, and turn
  a `CuratorError` into `self.session.say(error)`. Only a worker's top may catch `Exception`. Network calls go
  through `curator.jobs`, in `@work(exclusive=True, group="NAME", exit_on_error=False)` coroutines.
- Every text that is not our own goes through `core.text.printable` or `one_line` and reaches a widget as `Content`
  or `Text`. Toasts: `self.session.toast(text)`, which never reads markup.
- A question is a `Dialog` from `screens/dialog.py`; escape always goes one level back and loses nothing.
- Colours come from theme variables and component classes, and no state is shown by colour alone.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from curator.tui import keys
from curator.tui.screens.panes import RememberedPanes
from curator.tui.session.changed import Changed
from curator.tui.session.session import Session
from curator.tui.shell import shell_of
from curator.tui.widgets.key_line import KeyLine
from curator.tui.widgets.message_line import MessageLine
from curator.tui.widgets.stage_tabs import StageTabs
from curator.tui.widgets.status_line import StatusLine
from curator.tui.widgets.too_small import TooSmall
from curator.tui.widgets.tour_line import TourLine


class StageScreen(Screen[None]):
    """One stage: tabs above, status line and footer below, the stage's own widgets between."""

    STAGE: ClassVar[str] = ""
    """Its name in `stage_list.STAGES`."""
    SCOPE: ClassVar[str] = "stage"
    """Its scope in `actions.ACTIONS`."""
    BINDINGS = keys.bindings("stage")
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)  # what gets and loses the focus is drawn anew
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (32, "-tall")]

    FRAME: ClassVar[tuple[type[Widget], ...]] = (StageTabs, TourLine, StatusLine, KeyLine, MessageLine, TooSmall)
    """What stays on the screen around a pane that fills it."""

    zoomed: Widget | None = None
    """The pane that fills the screen; None: all panes have their places."""
    _pending: Changed | None = None
    """What changed while the stage was not on the screen; None: nothing."""

    @property
    def session(self) -> Session:
        """The session of the open workspace."""
        return shell_of(self).session

    def compose(self) -> ComposeResult:
        """The tabs, the stage's own widgets, the status line and the keys."""
        yield StageTabs(self.STAGE)
        yield from self.compose_stage()
        yield TourLine()
        yield StatusLine()
        yield KeyLine()
        yield MessageLine(self._make_room_for_messages)
        yield TooSmall()

    def compose_stage(self) -> ComposeResult:
        """The stage's own widgets."""
        raise NotImplementedError

    def matters(self, action: str) -> bool:
        """Whether an action, by its id, can do something at present; the line of keys shows the others last."""
        return True

    def why_not(self, action: str) -> str:
        """Why an action, by its id, can do nothing at present, for the palette; empty where it can."""
        return ""

    def data_changed(self, changed: Changed) -> None:
        """Show what changed. The first call, on mount, gets `Changed()`: everything."""

    def keep(self) -> None:
        """Save drafts and the like. Called before the program ends and when another screen is shown."""

    def on_screen_suspend(self) -> None:
        """Save when another screen is shown."""
        self.keep()

    def on_mount(self) -> None:
        """Subscribe to changes, and show everything."""
        self.session.changed.subscribe(self, self._note_change)
        self.data_changed(Changed())

    def on_screen_resume(self) -> None:
        """Show what changed while another stage was on the screen."""
        self.query_one(TourLine).show_step()
        if self._pending is not None:
            changed, self._pending = self._pending, None
            self.data_changed(changed)

    def on_resize(self) -> None:
        """Fit the message to the new width."""
        self.query_one(MessageLine).fit()

    def _make_room_for_messages(self, rows: int) -> None:
        """Let a message stand in the place of the status line, and of the keys, so that no pane moves."""
        self.query_one(StatusLine).display = rows < 1
        self.query_one(KeyLine).display = rows < 2

    def _note_change(self, changed: Changed) -> None:
        if self.app.screen is self or self in self.app.screen_stack:
            self.data_changed(changed)
        else:
            self._pending = changed if self._pending is None else self._pending.joined(changed)

    def action_zoom(self) -> None:
        """Let the focused pane fill the screen between tabs and status line, or show all panes again."""
        if self.zoomed is not None:
            self.unzoom()
        elif self.focused is not None:
            self._zoom(self.focused)

    def _zoom(self, pane: Widget) -> None:
        self.zoomed = pane
        inside: DOMNode | None = pane
        while isinstance(inside, Widget) and inside is not self:
            inside.add_class("-zoomed")
            outside = inside.parent
            for other in outside.children if outside is not None else ():
                if other is not inside and not isinstance(other, self.FRAME):
                    other.add_class("-beside-zoom")
            inside = outside
        self.zoom_changed()

    def unzoom(self) -> bool:
        """Show all panes again; False where none filled the screen."""
        if self.zoomed is None:
            return False
        self.zoomed = None
        for name in ("-zoomed", "-beside-zoom"):
            for widget in self.query(f".{name}"):
                widget.remove_class(name)
        self.zoom_changed()
        return True

    def zoom_changed(self) -> None:
        """Set the sizes that people gave the panes."""
        for panes in self.query(RememberedPanes):
            panes.place(alone=self.zoomed is not None)

    def action_shrink(self) -> None:
        """Make the first pane smaller."""
        self.move_border(-5)

    def action_grow(self) -> None:
        """Make the first pane larger."""
        self.move_border(5)

    def move_border(self, by: int) -> None:
        """Give the first pane some percent more of the room."""
        for panes in self.query(RememberedPanes):
            panes.move(by)

    def action_back(self) -> None:
        """Go one level back: leave the zoom. Stages override it for more levels."""
        self.unzoom()
