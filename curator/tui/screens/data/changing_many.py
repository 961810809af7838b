"""`ChangingMany`: changes of the words of many examples at once. Part of the Data stage."""

from __future__ import annotations

import asyncio
from collections import Counter

from textual import work

from curator.core import splice
from curator.errors import CuratorError
from curator.tui.screens.data.sifting import Sifting
from curator.tui.stage_models.settle_group import answer_at


class ChangingMany(Sifting):
    """Find and replace, and one answer for a selection."""

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_replace(self) -> None:
        """Find and replace in the selected examples, else in the whole view, as one change."""
        from curator.tui.screens.data.replace_dialog import ReplaceDialog  # heavy
        from curator.tui.stage_models.many.replacing import replaced

        session, selected = self.session, bool(self.examples.selection)
        ids = self.targets if selected else tuple(session.view.ids)
        words = f"the {len(ids):,} selected" if selected else f"the {len(ids):,} of this view"
        replacement = await self.app.push_screen_wait(ReplaceDialog(ids, words))
        if replacement is None:
            return
        wish = replacement.wish
        raws = await asyncio.to_thread(replaced, session.workspace, replacement.ids, wish, replacement.left_out)
        many = f"{len(raws):,} example{'s' * (len(raws) != 1)}"
        session.replace_many(raws, f"Replaced '{wish.find[:40]}' in {many}")

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_one_answer(self) -> None:
        """Give the selected examples one answer, as one change."""
        from curator.tui.screens.data.answer_dialog import AnswerDialog  # heavy

        session, targets = self.session, self.targets
        if not targets:
            return
        try:
            places = {record.id: (record.raw, answer_at(record)) for record in session.workspace.records(targets)}
        except CuratorError as error:
            session.say(error)
            return
        answer_counts = Counter(place[1] for _, place in places.values() if place is not None)
        most = ", ".join(f"{text} {times:,}×" for text, times in answer_counts.most_common(4))
        words = f"For {len(targets):,} example{'s' * (len(targets) != 1)}, which now say: {most or 'nothing'}"
        answer = await self.app.push_screen_wait(AnswerDialog(words))
        if answer is None:
            return
        raws = {
            example: splice.set_value(raw, place[0], answer)
            for example, (raw, place) in places.items()
            if place is not None and place[1] != answer
        }
        without = sum(place is None for _, place in places.values())
        many = f"{len(raws):,} example{'s' * (len(raws) != 1)}"
        if raws:
            session.replace_many(raws, f"Gave {many} the answer {answer[:40]}")
        if without or not raws:
            stays = f"; {without:,} without a text as answer stay as they are" if without else ""
            session.toast(f"{many} changed{stays}")
