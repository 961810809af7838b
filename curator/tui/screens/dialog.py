"""`Dialog`: the base of every question and form; and `Confirm`, a question with two answers.

    class SplitDialog(Dialog[None]):
        HEADING = "Split"
        def compose_body(self) -> ComposeResult: ...
        def action_accept(self) -> None: ...; self.dismiss(None)

Escape always leaves and changes nothing. `compose_body` goes between the heading and the line of keys.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import Reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from curator.core.text import printable
from curator.tui import keys
from curator.tui.session.session import Session
from curator.tui.shell import shell_of
from curator.tui.widgets.message_line import MessageLine
from curator.tui.widgets.too_small import TooSmall

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A box over the screen. Dismisses with None when left by escape."""

    SCOPE = "dialog"
    HEADING: ClassVar[str] = ""
    ACCEPT: ClassVar[str] = "OK"
    """The label of the button that accepts; empty for no such button."""
    CANCEL: ClassVar[str] = "Back"
    BINDINGS = keys.bindings("dialog")
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)  # what gets and loses the focus is drawn anew
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-short"), (32, "-tall")]

    @property
    def has_own_actions(self) -> bool:
        """Whether there are actions here beside going ahead and leaving; the palette lists them."""
        return self.SCOPE != Dialog.SCOPE

    @property
    def session(self) -> Session:
        """The session of the open workspace."""
        return shell_of(self).session

    def compose(self) -> ComposeResult:
        """Heading, body, buttons."""
        with Vertical(classes="box") as box:
            box.border_title = self.HEADING
            with VerticalScroll(classes="body", can_focus=False) as body:
                yield from self.compose_body()
            self.watch(body, "show_vertical_scrollbar", partial(self._say_that_there_is_more, box), init=False)
            with Horizontal(classes="buttons"):
                if self.has_own_actions:
                    yield CommandsHint("ctrl+p Commands")
                if self.ACCEPT:
                    yield Button(Content(self.ACCEPT), variant="primary", id="accept", compact=True)
                yield Button(Content(self.CANCEL), id="cancel", compact=True)
        yield MessageLine(self._make_room_for_messages)
        yield TooSmall()

    def compose_body(self) -> ComposeResult:
        """The dialog's own widgets."""
        raise NotImplementedError

    def _say_that_there_is_more(self, box: Vertical, is_higher: bool) -> None:
        """Name the keys on the edge of the box where the body is higher than it."""
        box.border_subtitle = "pgdn pgup" if is_higher else ""

    def on_resize(self) -> None:
        """Fit the message to the new size."""
        self.query_one(MessageLine).fit()

    def _make_room_for_messages(self, rows: int) -> None:
        """Leave the box where it is, but where a message would lie over it."""
        box, height = self.query_one(".box").outer_size, self.size.height
        is_covered = (height + box.height + 1) // 2 > height - rows
        self.query_one(MessageLine).set_class(is_covered, "-beside")

    def action_page_down(self) -> None:
        """Show what lies below the edge of the body."""
        self.query_one(".body", VerticalScroll).scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """Show what lies above the edge of the body."""
        self.query_one(".body", VerticalScroll).scroll_page_up(animate=False)

    def action_accept(self) -> None:
        """Do what the dialog is for, and dismiss it."""
        raise NotImplementedError

    def action_cancel(self) -> None:
        """Leave without a change."""
        self.dismiss(None)

    @on(Button.Pressed, "#accept")
    def _accept(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_accept()

    @on(Button.Pressed, "#cancel")
    def _cancel(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_cancel()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_accept()


class CommandsHint(Static):
    """Says how to find the actions of a dialog; a click opens the palette too."""

    async def on_click(self) -> None:
        """Open the palette with them."""
        await self.run_action("app.command_palette")


class Confirm(Dialog[bool]):
    """A question with two answers; dismisses with True for the button `accept`, else with None."""

    def __init__(self, heading: str, text: str, accept: str = "Yes") -> None:
        super().__init__()
        self._heading, self._text, self._accept_word = heading, text, accept

    def compose_body(self) -> ComposeResult:
        """The question."""
        yield Static(Content(printable(self._text)))

    def on_mount(self) -> None:
        """Show the heading and the button's label."""
        self.query_one(".box", Vertical).border_title = Content(printable(self._heading))
        self.query_one("#accept", Button).label = Content(printable(self._accept_word))
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Answer the question with yes."""
        self.dismiss(True)
