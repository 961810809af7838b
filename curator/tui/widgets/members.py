"""The members of a group, one under the other, with what differs from the one that is kept."""

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
"""Members shown of a large group."""
_CHARS = 4_000
_STYLES = {"equal": "", "insert": "bold $mark-ok", "delete": "strike $mark-error"}


class Member(Static):
    """One member; a click keeps it."""

    def __init__(self, content: Content, at: int, kept: bool) -> None:
        super().__init__(content, classes="member -kept" if kept else "member")
        self.at = at

    def on_click(self, event: events.Click) -> None:
        """Keep this one."""
        event.stop()
        if isinstance(self.parent, Members):
            self.parent.keep(self.at)


class Members(VerticalScroll, can_focus=True):
    """`show` gives it records; arrows choose which one is kept."""

    SCOPE = "members"
    BINDINGS = keys.bindings("members")
    HELP = "The members of the group. The arrows choose the one to keep (●); words that differ are marked."

    @dataclass
    class Kept(Message):
        """Another member is to be kept."""

        example: int

    def __init__(self, dom_id: str) -> None:
        super().__init__(id=dom_id)
        self._records: Sequence[Record] = ()
        self._at = 0

    def show(self, records: Sequence[Record], at: int, title: str) -> None:
        """Show other members; `at` is the one that is kept."""
        self._records, self._at = records, at
        self.border_title = Content(title)
        self._draw()

    def keep(self, at: int) -> None:
        """Keep another one."""
        if self._records and 0 <= at < len(self._records) and at != self._at:
            self._at = at
            self._draw()
            self.post_message(self.Kept(self._records[at].id))

    @property
    def kept(self) -> Record | None:
        """The member that is kept."""
        return self._records[self._at] if self._records else None

    def _draw(self) -> None:
        self.remove_children()
        shown = [Member(self._content(at), at, at == self._at) for at in range(min(_MOST, len(self._records)))]
        if len(self._records) > _MOST:
            shown.append(
                Member(Content.styled(f"… and {len(self._records) - _MOST:,} more", "$quiet"), self._at, False)
            )
        self.mount_all(shown)
        if shown and self._at < len(shown):
            self.call_after_refresh(self.scroll_to_widget, shown[self._at], animate=False)

    def _content(self, at: int) -> Content:
        record, kept = self._records[at], self._records[self._at]
        mine, theirs = _parts(record), _parts(kept)
        where = f"line {record.line}" if record.line else f"example {record.id}"
        about = "  ".join(filter(None, [where, record.source, ", ".join(record.labels), record.split or ""]))
        head = Content.assemble(
            ("● " if at == self._at else "○ ", "bold $accent" if at == self._at else "$quiet"),
            (one_line(about), "$quiet"),
        )
        lines = [head]
        for role, text, other in zip(("user", "assistant"), mine, theirs, strict=True):
            lines.append(
                Content.assemble("  ", differences(other, text) if at != self._at else _plain(text, role))
            )
        return Content("\n").join(lines)

    def action_up(self) -> None:
        """Keep the member above."""
        self.keep(self._at - 1)

    def action_down(self) -> None:
        """Keep the member below."""
        self.keep(self._at + 1)


def _parts(record: Record) -> tuple[str, str]:
    if record.example.value is None:
        return record.raw[:_CHARS].decode("utf-8", "replace"), ""
    prompt, answer = prompt_and_answer(record.example.value)
    return prompt[:_CHARS], (answer or "")[:_CHARS]


def _plain(text: str, role: str) -> Content:
    return Content.styled(printable(text), f"$role-{role}")


def differences(before: str, text: str) -> Content:
    """`text` with the words that `before` has otherwise; what only `before` has is struck through."""
    spans = diff.compare_texts(before, text)
    parts: list[str | tuple[str, str]] = []
    for span, following in pairwise([*spans, None]):
        assert span is not None
        parts.append((printable(span.text), _STYLES[span.kind]))
        if span.kind == "delete" and following is not None and following.kind == "insert":
            parts.append(" ")
    return Content.assemble(*parts)
