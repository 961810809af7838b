"""One block of the example in the editor: its heading, its text to edit, what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.problem import Problem
from curator.core.text import one_line, printable
from curator.tui.examples.blocks import Block
from curator.tui.examples.transcript import kind_of
from curator.tui.widgets.text_field import Complete, MessageField, editable

_STYLES = {"error": "$mark-error", "warning": "$mark-warning", "info": "$quiet"}
COLOURS = {
    **{kind: f"$role-{kind}" for kind in ("system", "user", "assistant", "tool")},
    "rejected": "$mark-error",
    "other": "$quiet",
}
SHOWN = 2_000
"""Characters shown of a text that cannot be edited in place."""


class Cell(Vertical):
    """A block; `field` is None where its text is no plain string or too long to edit in place."""

    def __init__(self, index: int, block: Block, complete: Complete = lambda text: ()) -> None:
        super().__init__(classes=f"-{kind_of(block)}")
        self.index = index
        self.block = block
        self.text = block.text
        """The text as the draft has it."""
        can = block.text_path is not None and editable(block.text)
        self.field = MessageField(block.text, complete) if can else None

    def compose(self) -> ComposeResult:
        """Heading, text, notes, problems."""
        yield Static(id="heading")
        if self.field is not None:
            yield self.field
        else:
            yield Static(Content(printable(self.block.text[:SHOWN])), classes="fixed")
        for note in self.block.notes:
            yield Static(Content(one_line(note, 600)), classes="note")
        yield Static(id="offers")
        yield Static(id="findings")

    def tell(self, tokens: int | None, problems: Sequence[Problem]) -> None:
        """Show tokens and problems of the draft."""
        role = Content.styled(one_line(self.block.role, 24), f"bold {COLOURS[kind_of(self.block)]}")
        weight = "" if self.block.weight is None else f" · weight {self.block.weight:g}"
        count = "" if tokens is None else f" · {tokens:,} tokens"
        cut = " · shortened here, ctrl+o opens the whole" if len(self.block.text) > SHOWN else ""
        self.query_one("#heading", Static).update(Content.assemble(role, (f"{weight}{count}{cut}", "$quiet")))
        self._offer()
        findings = self.query_one("#findings", Static)
        lines = [
            Content.assemble(
                (f"{p.severity.mark} ", f"bold {_STYLES[p.severity]}"),
                (one_line(p.message, 300), _STYLES[p.severity]),
            )
            for p in problems
        ]
        findings.update(Content("\n").join(lines))
        findings.display = bool(lines)

    def _offer(self) -> None:
        words = list(self.field.offers) if self.field is not None else []
        offers = self.query_one("#offers", Static)
        offers.display = bool(words)
        if words:
            first, *others = (one_line(word, 40) for word in words)
            offers.update(
                Content.assemble(
                    ("tab ", "$quiet"), (first, "bold $mark-ok"), ("  ".join(["", *others]), "$quiet")
                )
            )
