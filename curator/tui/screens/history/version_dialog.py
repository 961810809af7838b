"""The dialog that compares two versions of the dataset: examples added, removed and edited, with their changes."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core import diff
from curator.core.duplicates.question import question_and_answer
from curator.core.example import parse
from curator.core.text import count_of, one_line, printable
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_list import LineList, Pieces
from curator.workspace.versions import RevisionDifference, difference, raw_at

_ROWS = 10
_CHARS = 400
"""Most characters of a text that are compared and shown."""
_CHANGES = 3
_STYLES = {"equal": "", "insert": "bold $mark-ok", "delete": "strike $mark-error"}


class VersionDialog(Dialog[int]):
    """Compares revision `old` with revision `new`; dismisses with the id of the example to go to."""

    HEADING = "What changed since"
    ACCEPT = "Go there"
    HELP = "+ added, - removed, ~ edited. Labels, ratings, notes and the split are not compared."

    def __init__(self, old: int, new: int) -> None:
        super().__init__()
        self._old, self._new = old, new
        self._between: RevisionDifference | None = None

    def compose_body(self) -> ComposeResult:
        """The counts, the examples, and the changed words of the current one."""
        yield Static("", id="counts")
        yield LineList("versions", empty="Comparing …")
        yield Static("", id="difference", classes="estimate")

    def on_mount(self) -> None:
        """Start comparing."""
        self.query_one("#versions").focus()
        self._compare()

    @work(exclusive=True, group="versions", exit_on_error=False)
    async def _compare(self) -> None:
        between: RevisionDifference = await asyncio.to_thread(
            difference, self.session.workspace, self._old, self._new
        )
        self._between = between
        counts = f"{len(between.added):,} added, {len(between.removed):,} removed, {len(between.edited):,} edited"
        self.query_one("#counts", Static).update(
            Content.styled(f"Change {self._old} to change {self._new}: {counts}", "bold")
        )
        lines = self.query_one("#versions", LineList)
        lines.say("The same examples with the same bytes")
        lines.styles.height = max(1, min(_ROWS, len(between)))
        lines.show(len(between), self._line, cursor=0)
        self._describe()

    def _change_at(self, index: int) -> tuple[str, int]:
        assert self._between is not None
        return self._between.change_at(index)

    def _line(self, index: int, width: int) -> Pieces:
        sign, example = self._change_at(index)
        record = self.session.workspace.record(example)
        where = f"line {record.line}" if record.line is not None else "new"
        question, answer = question_and_answer(self._bytes_of(index))
        room = max(16, width - 17)
        kind = {"+": "ok", "-": "error", "~": "warning"}[sign]
        return [
            (f"{sign} ", kind),
            (f"{where:<11}", "dim"),
            (one_line(question, room // 2).ljust(room // 2), ""),
            (" → ", "dim"),
            (one_line(answer, room // 2), "accent"),
        ]

    def _bytes_of(self, index: int) -> bytes:
        """The example of a line as it is now, or as it was before it was removed."""
        sign, example = self._change_at(index)
        return raw_at(self.session.workspace, example, self._old if sign == "-" else self._new)

    @on(LineList.Highlighted, "#versions")
    def _describe(self) -> None:
        words = Content("")
        if self._between:
            cursor = self.query_one("#versions", LineList).cursor
            sign, example = self._change_at(cursor)
            if sign == "~":
                before, after = (raw_at(self.session.workspace, example, at) for at in (self._old, self._new))
                words = difference_words(before, after)
            else:
                texts = [printable(text[:_CHARS]) for text in question_and_answer(self._bytes_of(cursor))]
                words = Content.assemble((texts[0], "$role-user"), "\n", (texts[1], "$role-assistant"))
        self.query_one("#difference", Static).update(words)

    @on(LineList.Chosen, "#versions")
    def action_accept(self) -> None:
        """Dismiss with the example under the cursor, unless it is deleted."""
        if not self._between:
            self.dismiss(None)
            return
        _, example = self._change_at(self.query_one("#versions", LineList).cursor)
        if self.session.workspace.record(example).deleted:
            self.session.toast("This example is deleted; the query is:deleted lists deleted ones")
        else:
            self.dismiss(example)


def difference_words(before: bytes, after: bytes) -> Content:
    """The values that differ between two versions of an example, with inserted and deleted words styled."""
    changes = diff.compare_examples(parse(before).value, parse(after).value)
    parts: list[str | tuple[str, str]] = []
    for change in changes[:_CHANGES]:
        old, new = ("" if side is None else str(side)[:_CHARS] for side in (change.before, change.after))
        parts.append((f"{one_line(change.location)}  ", "$quiet"))
        parts += [(printable(span.text), _STYLES[span.kind]) for span in diff.compare_texts(old, new)]
        parts.append("\n")
    if len(changes) > _CHANGES:
        parts.append((f"… {count_of(len(changes) - _CHANGES, 'more value')}", "$quiet"))
    if not changes:
        parts.append(("other bytes, the same values", "$quiet"))
    return Content.assemble(*parts)
