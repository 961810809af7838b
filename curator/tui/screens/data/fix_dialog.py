"""A fix that is not safe to apply unseen: before and after, then enter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from curator.core.example import Example, parse
from curator.core.problem import Problem
from curator.core.text import one_line, printable
from curator.tui.examples.blocks import Block, blocks_of
from curator.tui.screens.dialog import Dialog

SHOWN = 1_200
"""Characters shown of a text."""


class FixDialog(Dialog[bool]):
    """Dismisses with True where the fix is wanted."""

    HEADING = "Apply this fix?"
    ACCEPT = "Apply"

    def __init__(self, words: Content, before: Example, fixed: bytes, accept: str = "") -> None:
        """`words` say what is wrong; `accept` stands on the button of a fix that is for more than this example."""
        super().__init__()
        self._words, self._accept_word = words, accept or self.ACCEPT
        self._before = blocks_of(before)
        self._after = blocks_of(parse(fixed))

    def compose_body(self) -> ComposeResult:
        """What is wrong, then what is taken away and what is put there."""
        yield Static(self._words)
        yield Static("")
        for sign, block in changes(self._before, self._after):
            style = {"-": "$foreground on $diff-removed", "+": "$foreground on $diff-added"}[sign]
            text = printable(block.text[:SHOWN]) + ("…" if len(block.text) > SHOWN else "")
            heading = Content.styled(f"{sign} {one_line(block.role, 24)}", "bold")
            yield Static(Content.assemble(heading, "\n", (text or "(empty)", style), "\n"))

    def on_mount(self) -> None:
        """The word on the button."""
        self.query_one("#accept", Button).label = Content(self._accept_word)

    def action_accept(self) -> None:
        """Apply it."""
        self.dismiss(True)


def told(problem: Problem) -> Content:
    """A problem as the heading of its fix."""
    return Content.styled(f"{problem.severity.mark} {one_line(problem.message, 400)}", "$mark-warning")


def changes(before: list[Block], after: list[Block]) -> list[tuple[str, Block]]:
    """The blocks that differ: those that go (-) and those that come (+), in reading order."""
    from difflib import SequenceMatcher

    old = [(block.role, block.text, block.notes) for block in before]
    new = [(block.role, block.text, block.notes) for block in after]
    found: list[tuple[str, Block]] = []
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if old[a:b] != new[c:d]:
            found += [("-", block) for block in before[a:b]] + [("+", block) for block in after[c:d]]
    return found
