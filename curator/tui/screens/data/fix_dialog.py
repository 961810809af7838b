"""`FixDialog`: shows what a fix changes, and asks whether to apply it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from curator.core.example import Example, parse
from curator.core.problem import Problem
from curator.core.text import one_line, printable
from curator.tui.examples.blocks import Block, blocks_of
from curator.tui.screens.dialog import Dialog

EXCERPT = 1_200
"""Most characters shown of a text."""


class FixDialog(Dialog[bool]):
    """Dismisses with True if the user wants the fix."""

    HEADING = "Apply this fix?"
    ACCEPT = "Apply"

    def __init__(self, words: Content, before: Example, fixed: bytes, accept: str = "") -> None:
        """`words` say what is wrong. `accept` is the button's label, for a fix that applies to more examples."""
        super().__init__()
        self._words, self._accept_word = words, accept or self.ACCEPT
        self._before = blocks_of(before)
        self._after = blocks_of(parse(fixed))

    def compose_body(self) -> ComposeResult:
        """The problem, then the blocks that are removed and those that are added."""
        yield Static(self._words)
        yield Static("")
        yield from change_lines(self._before, self._after)

    def on_mount(self) -> None:
        """Show the button's label."""
        self.query_one("#accept", Button).label = Content(self._accept_word)

    def action_accept(self) -> None:
        """Apply the fix."""
        self.dismiss(True)


def problem_words(problem: Problem) -> Content:
    """A problem in one line: mark and message."""
    return Content.styled(f"{problem.severity.mark} {one_line(problem.message, 400)}", "$mark-warning")


def change_lines(before: list[Block], after: list[Block]) -> list[Static]:
    """What differs between two examples: the blocks that go, then those that come, each with its text."""
    lines = []
    for sign, block in changes(before, after):
        style = {"-": "$foreground on $diff-removed", "+": "$foreground on $diff-added"}[sign]
        text = printable(block.text[:EXCERPT]) + ("…" if len(block.text) > EXCERPT else "")
        heading = Content.styled(f"{sign} {one_line(block.role, 24)}", "bold")
        lines.append(Static(Content.assemble(heading, "\n", (text or "(empty)", style), "\n")))
    return lines


def changes(before: list[Block], after: list[Block]) -> list[tuple[str, Block]]:
    """The blocks that differ, in reading order, as ("-", removed block) and ("+", added block)."""
    from difflib import SequenceMatcher  # heavy: only when a fix is shown

    old = [(block.role, block.text, block.notes) for block in before]
    new = [(block.role, block.text, block.notes) for block in after]
    differing: list[tuple[str, Block]] = []
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if old[a:b] != new[c:d]:
            differing += [("-", block) for block in before[a:b]] + [("+", block) for block in after[c:d]]
    return differing
