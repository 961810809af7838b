"""`Cell`: one block of the example in the editor: heading, text field, completions, problems."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.problem import Problem
from curator.core.text import count_of, one_line, printable
from curator.tui.examples.blocks import Block
from curator.tui.examples.transcript import kind_of
from curator.tui.looks.texts import show_text
from curator.tui.widgets.text_field import Complete, MessageField, editable

_STYLES = {"error": "$mark-error", "warning": "$mark-warning", "info": "$quiet"}
COLOURS = {
    **{kind: f"$role-{kind}" for kind in ("system", "user", "assistant", "tool")},
    "rejected": "$mark-error",
    "other": "$quiet",
}
EXCERPT = 2_000
"""Most characters shown of a text that cannot be edited in place."""


class Cell(Vertical):
    """A block, e.g. a message. `field` is None where its text is no plain string or too long to edit in place."""

    def __init__(self, index: int, block: Block, complete: Complete = lambda text: ()) -> None:
        super().__init__(classes=f"-{kind_of(block)}")
        self.index = index
        self.block = block
        self.text = block.text
        """The text in the draft; the field may already hold newer text."""
        is_editable = block.text_path is not None and editable(block.text)
        self.field = MessageField(block.text, complete) if is_editable else None

    def compose(self) -> ComposeResult:
        """Heading, text, notes, problems."""
        yield Static(id="heading")
        if self.field is not None:
            yield self.field
        else:
            yield Static(Content(printable(self.block.text[:EXCERPT])), classes="fixed")
        for note in self.block.notes:
            yield Static(Content(one_line(note, 600)), classes="note")
        yield Static(id="offers")
        yield Static(id="findings")

    def show_check(self, tokens: int | None, problems: Sequence[Problem]) -> None:
        """Show the block's problems, and its tokens in the heading (None: not counted yet)."""
        role = Content.styled(one_line(self.block.role, 24), f"bold {COLOURS[kind_of(self.block)]}")
        weight = "" if self.block.weight is None else f" · weight {self.block.weight:g}"
        count = "" if tokens is None else f" · {count_of(tokens, 'token')}"
        cut = " · shortened here, ctrl+o opens the whole" if len(self.block.text) > EXCERPT else ""
        heading = Content.assemble(role, (f"{weight}{count}{cut}", "$quiet"))
        show_text(self.query_one("#heading", Static), heading)
        self._show_completions()
        findings = self.query_one("#findings", Static)
        lines = [
            Content.assemble(
                (f"{p.severity.mark} ", f"bold {_STYLES[p.severity]}"),
                (one_line(p.message, 300), _STYLES[p.severity]),
            )
            for p in problems
        ]
        show_text(findings, Content("\n").join(lines))
        findings.display = bool(lines)

    def _show_completions(self) -> None:
        words = list(self.field.completions) if self.field is not None else []
        offers = self.query_one("#offers", Static)
        offers.display = bool(words)
        if words:
            first, *others = (one_line(word, 40) for word in words)
            offered = ("  ".join(["", *others]), "$quiet")
            show_text(offers, Content.assemble(("tab ", "$quiet"), (first, "bold $mark-ok"), offered))
