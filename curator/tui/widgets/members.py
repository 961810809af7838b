"""`Members`: the examples of a duplicate group below each other, with their differences to the one to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from curator.core import diff
from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line, printable
from curator.tui import keys

if TYPE_CHECKING:
    from curator.workspace.records import Record

_MOST = 40
"""Most members shown of a large group."""
_CHARS = 4_000
"""Most characters shown of a prompt or an answer."""
_STYLES = {"equal": "", "insert": "bold $mark-ok", "delete": "strike $mark-error"}


class Member(Static):
    """One example of the group; a click makes it the one to keep."""

    def __init__(self, content: Content, index: int, current: bool) -> None:
        super().__init__(content, classes="member -kept" if current else "member")
        self.index = index

    def on_click(self, event: events.Click) -> None:
        """Keep this example."""
        event.stop()
        if isinstance(self.parent, Members):
            self.parent.keep(self.index)


class Members(VerticalScroll, can_focus=True):
    """Shows the records that `show` gets; the arrows choose which one to keep."""

    SCOPE = "members"
    BINDINGS = keys.bindings("members")
    HELP = "The members of the group. The arrows choose the one to keep (●); words that differ are marked."

    @dataclass
    class Kept(Message):
        """The user chose another example to keep."""

        example: int

    def __init__(self, dom_id: str) -> None:
        super().__init__(id=dom_id)
        self._records: Sequence[Record] = ()
        self._index = 0
        """Index of the member to keep."""

    def show(self, records: Sequence[Record], index: int, title: str) -> None:
        """Show another group; `index` is that of the member to keep."""
        self._records, self._index = records, index
        self.border_title = Content(title)
        self._draw()

    def keep(self, index: int) -> None:
        """Make the member at an index the one to keep; ignores an index outside the group."""
        if self._records and 0 <= index < len(self._records) and index != self._index:
            self._index = index
            self._draw()
            self.post_message(self.Kept(self._records[index].id))

    @property
    def current(self) -> Record | None:
        """The member to keep; None in an empty group."""
        return self._records[self._index] if self._records else None

    def _draw(self) -> None:
        self.remove_children()
        indexes = range(min(_MOST, len(self._records)))
        members = [Member(self._content(index), index, index == self._index) for index in indexes]
        if len(self._records) > _MOST:
            more = Content.styled(f"… and {len(self._records) - _MOST:,} more", "$quiet")
            members.append(Member(more, self._index, False))
        self.mount_all(members)
        if members and self._index < len(members):
            self.call_after_refresh(self.scroll_to_widget, members[self._index], animate=False)

    def _content(self, index: int) -> Content:
        record, is_current = self._records[index], index == self._index
        texts, current_texts = _prompt_and_answer(record), _prompt_and_answer(self._records[self._index])
        where = f"line {record.line}" if record.line else f"example {record.id}"
        about = "  ".join(filter(None, [where, record.source, ", ".join(record.labels), record.split or ""]))
        head = Content.assemble(
            ("● " if is_current else "○ ", "bold $accent" if is_current else "$quiet"),
            (one_line(about), "$quiet"),
        )
        lines = [head]
        for role, text, current_text in zip(("user", "assistant"), texts, current_texts, strict=True):
            content = _in_colour(text, role) if is_current else differences(current_text, text)
            lines.append(Content.assemble("  ", content))
        return Content("\n").join(lines)

    def action_up(self) -> None:
        """Keep the member above."""
        self.keep(self._index - 1)

    def action_down(self) -> None:
        """Keep the member below."""
        self.keep(self._index + 1)


def _prompt_and_answer(record: Record) -> tuple[str, str]:
    """The beginnings of both texts; of a line that is no JSON, the line and ""."""
    if record.example.value is None:
        return record.raw[:_CHARS].decode("utf-8", "replace"), ""
    prompt, answer = prompt_and_answer(record.example.value)
    return prompt[:_CHARS], (answer or "")[:_CHARS]


def _in_colour(text: str, role: str) -> Content:
    return Content.styled(printable(text), f"$role-{role}")


def differences(before: str, text: str) -> Content:
    """`text` with its new words marked, and the words that only `before` has struck through between them."""
    spans = diff.compare_texts(before, text)
    parts: list[str | tuple[str, str]] = []
    for span, following in pairwise([*spans, None]):
        assert span is not None
        parts.append((printable(span.text), _STYLES[span.kind]))
        if span.kind == "delete" and following is not None and following.kind == "insert":
            parts.append(" ")
    return Content.assemble(*parts)
