"""Ways to look at the example under the cursor: as it was written, as the model sees it, beside its nearest."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch

from textual import work

from curator.core.problem import Problem
from curator.core.text import one_line
from curator.tui.examples.blocks import Block, problems_by_block, tokens_of
from curator.tui.examples.model_view import model_view_of, unread_from
from curator.tui.examples.transcript import Transcript
from curator.tui.screens.data.curating import Curating
from curator.tui.shell import shell_of
from curator.workspace.records import Record

SAMPLES = "emojibot*.jsonl"
"""The bundled samples whose answers are shortcodes."""
NEEDING_COUNTS = ("example_too_long",)
"""Rules whose place in the text only a count tells: where the model's context ends."""


class Looking(Curating):
    """What the conversation shows. Part of the Data stage."""

    as_model = False
    """Whether the conversation shows what the model sees."""

    def on_mount(self) -> None:
        """Offer the sample the contract that its answers were written for; it is never made by itself."""
        workspace = self.session.workspace
        sample = fnmatch(workspace.source_name, SAMPLES)
        if sample and not workspace.read_only and workspace.meta("contract") is None:
            self.session.toast("Every answer here should be a shortcode of Microsoft Teams: A holds them to that")

    def transcript_of(self, record: Record, found: Sequence[Problem], blocks: list[Block]) -> Transcript:
        """What the conversation is to show of an example."""
        session, value, limit = self.session, record.example.value, self.session.context.limit
        if self.as_model or any(problem.rule in NEEDING_COUNTS for problem in found):
            session.warm()
        if self.as_model and value is not None and session.counting:
            return model_view_of(session.counter, value, blocks, limit)
        counts = tokens_of(session.counter, value, blocks) if session.counting else []
        cut = unread_from(session.counter, value, blocks, limit) if session.counting else {}
        return Transcript(
            blocks, problems_by_block(list(found), blocks), counts, session.matches, cut, record.note
        )

    def action_model(self) -> None:
        """Show what the model sees, or what was written."""
        self.as_model = not self.as_model
        self.show_example(same=True)

    @work(exclusive=True, group="dialog")
    async def action_similar(self) -> None:
        """List the nearest examples; enter goes to one."""
        from curator.tui.screens.data.similar_dialog import SimilarDialog

        if self.current is None:
            return
        chosen = await self.app.push_screen_wait(SimilarDialog(self.current))
        if chosen is not None:
            await shell_of(self).show_example(chosen)

    def show_example(self, same: bool = False) -> None:
        """Show the example under the cursor; the Data stage knows where."""
        raise NotImplementedError


def title(record: Record, tokens: int | None) -> str:
    """What the conversation's border says about an example; `tokens` where they are counted."""
    stars = "★" * (record.rating or 0)
    origin = f"line {record.line}" if record.line is not None else "new"
    state = "edited" if record.edited else ""
    review = f"{record.review}{' (before an edit)' if record.stale else ''}" if record.review else ""
    count = "" if tokens is None else f"{tokens:,} tok"
    parts = (origin, count, state, record.split or "", review, ", ".join(record.labels), stars)
    return one_line(" · ".join(filter(None, parts)), 100)
