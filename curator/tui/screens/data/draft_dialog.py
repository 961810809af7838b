"""`DraftDialog`: asks whether to restore text that was typed and not saved before Curator ended."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.example import parse
from curator.core.text import printable
from curator.tui.examples.blocks import blocks_of
from curator.tui.screens.data.fix_dialog import EXCERPT, change_lines
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.found_draft import FoundDraft


class DraftDialog(Dialog[bool]):
    """Dismisses with True to restore the draft; otherwise it is discarded."""

    HEADING = "Not saved last time"
    ACCEPT = "Restore"
    CANCEL = "Discard"

    def __init__(self, draft: FoundDraft) -> None:
        super().__init__()
        self._draft = draft

    def compose_body(self) -> ComposeResult:
        """The question, what happened meanwhile, and what differs from what is saved."""
        yield Static(Content.styled(self._draft.question, "bold"))
        if self._draft.warning:
            yield Static(Content.styled(f"! {self._draft.warning}", "$mark-warning"))
        yield Static("")
        yield from self._difference()

    def _difference(self) -> Iterator[Static]:
        text = self._draft.text
        if text.kind == "note":
            words = text.typed.decode("utf-8", "surrogateescape")
            yield Static(Content.styled(printable(words[:EXCERPT]), "$foreground on $diff-added"))
            return
        before = blocks_of(parse(self._draft.present)) if self._draft.present else []
        lines = change_lines(before, blocks_of(parse(text.typed)))
        yield from lines or [Static(Content("Only the JSON's spelling differs."))]

    def on_mount(self) -> None:
        """Focus the button that restores."""
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Restore the draft."""
        self.dismiss(True)
