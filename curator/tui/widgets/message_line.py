"""`MessageLine`: what the program says, for some seconds in the place of the status line.

`session/telling/message_log.py` keeps every message, and `!` shows them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.content import Content
from textual.events import Click
from textual.notifications import Notification
from textual.widgets import Static

from curator.core.text import one_line, printable

MARKS = {"information": ("i", "$accent"), "warning": ("!", "$mark-warning"), "error": ("✗", "$mark-error")}
"""(mark, colour) by severity."""
MOST = 400
"""Most characters of a message that are shown here; longer ones name the key that shows all of them."""


class MessageLine(Static):
    """Shows the latest message, and above it an error that is still to be read; empty it takes no room.

    `make_room` is called with the rows that the messages take, whenever these become others: what lies there makes
    way for them.
    """

    def __init__(self, make_room: Callable[[int], None]) -> None:
        super().__init__("", id="message-line")
        self.display = False
        self.tooltip = Content("All messages: !")
        self._make_room = make_room
        self._words = Content("")

    def show(self, notifications: Iterable[Notification]) -> None:
        """Show those of the messages that matter now; none: take no room."""
        if not self.is_attached:
            return  # its screen was left meanwhile
        self._words = Content("\n").join(map(_words, _to_show(list(notifications))))
        self.display = bool(self._words)
        self.update(self._words)
        self.fit()

    def fit(self) -> None:
        """Have room made for the rows that the messages take at the present width of the screen."""
        width = self.screen.size.width
        self._make_room(self._words.get_height({}, width) if self._words and width else 0)

    async def on_click(self, event: Click) -> None:
        """List all messages."""
        event.stop()
        await self.run_action("app.dialog('activity')")


def _to_show(notifications: list[Notification]) -> list[Notification]:
    """The latest message; before it the latest error, where that is another one."""
    latest = notifications[-1:]
    errors = [each for each in notifications[:-1] if each.severity == "error"]
    return [*errors[-1:], *latest] if latest and latest[0].severity != "error" else latest


def _words(notification: Notification) -> Content:
    mark, colour = MARKS[notification.severity]
    title = f"{one_line(notification.title)}: " if notification.title else ""
    message = notification.message
    text = printable(message[:MOST])
    more = (" … ! shows all of it", "bold") if len(message) > MOST else ""
    return Content.assemble((f" {mark} ", f"bold {colour}"), (title, "bold"), text, more)
