"""`Curating`: the actions on examples: review, label, rate, add, delete, fix, copy. Part of the Data stage."""

from __future__ import annotations

import asyncio
from itertools import chain

from textual import work
from textual.getters import query_one

from curator.core.problem import Problem
from curator.core.text import count_of, one_line
from curator.errors import CuratorError
from curator.tui.examples import json_folding as folding
from curator.tui.examples.blocks import Block, blocks_of
from curator.tui.examples.fix_preview import one_key_applies
from curator.tui.screens.stage import StageScreen
from curator.tui.stage_models import label_keys
from curator.tui.terminal import external_editor as external
from curator.tui.widgets.conversation import Conversation
from curator.tui.widgets.example_list import ExampleList
from curator.tui.widgets.problems import Problems
from curator.workspace.changes.sides import PINNED, SIDES

MOST_COPIED = 1_000_000
"""Most bytes that are sent to the terminal for its clipboard."""


class Curating(StageScreen):
    """Actions on the selected examples, or on the one under the cursor."""

    examples = query_one("#list", ExampleList)
    conversation = query_one("#conversation", Conversation)
    problems = query_one("#problems", Problems)

    @property
    def current(self) -> int | None:
        """The example under the cursor."""
        return self.examples.current

    @property
    def targets(self) -> tuple[int, ...]:
        """The ids that an action applies to: the selected examples, else the one under the cursor."""
        return tuple(self.examples.targets)

    def labels(self) -> tuple[str, ...]:
        """The label names of the keys 1 to 9; "" for a key without one."""
        return tuple(label.name for label in label_keys.labels_of(self.session.workspace))

    # Reviewing

    def _review(self, state: str) -> None:
        several = bool(self.examples.selection)
        targets = self.targets
        rows = self.session.workspace.rows(targets[:1])
        again = rows and rows[0].review == state and not rows[0].stale
        change = self.session.review(targets, None if again and not several else state, quiet=not several)
        if change and not several and not again:
            self.examples.action_down()

    def action_accept(self) -> None:
        """Mark as accepted; one example alone: go to the next, and if it was so marked already, unmark it."""
        self._review("accepted")

    def action_reject(self) -> None:
        """Mark as rejected, otherwise as `action_accept`."""
        self._review("rejected")

    def action_flag(self) -> None:
        """Mark to be looked at again, otherwise as `action_accept`."""
        self._review("flagged")

    @work(thread=True, exclusive=True, group="step", exit_on_error=False)
    def action_resume(self) -> None:
        """Continue reviewing: go to the first example after the one reviewed last that has no valid review."""
        session = self.session
        reviews = (c for c in session.workspace.history(500) if c.kind == "review" and c.ids and not c.undone)
        last = next(reviews, None)
        ids, reviewed = session.view.ids, set(session.workspace.view("is:reviewed").ids)
        start = session.view.position(last.ids[-1]) + 1 if last is not None else 0
        from_start = chain(range(start, len(ids)), range(start))
        index = next((index for index in from_start if ids[index] not in reviewed), None)
        remaining = sum(example not in reviewed for example in ids)
        self.app.call_from_thread(self._resume_at, index, remaining)

    def _resume_at(self, index: int | None, remaining: int) -> None:
        if index is None:
            self.session.toast("Everything in this view is reviewed")
            return
        self.examples.cursor = index
        self.session.toast(
            f"{remaining:,} of {self.session.view.total:,} to review: a accepts, x rejects, f flags"
        )

    def action_label(self, number: int) -> None:
        """Put the label of a number key on the targets, or take it off where all of them have it."""
        names, targets = self.labels(), self.targets
        if number > len(names) or not names[number - 1]:
            self.session.toast(f"There is no label {number}; L names the labels")
            return
        if targets:
            self.session.label(targets, names[number - 1])

    @work(exclusive=True, group="note")
    async def action_labels(self) -> None:
        """Open the dialog for the labels' names and colours."""
        from curator.tui.screens.data.labels_dialog import LabelsDialog  # heavy

        await self.app.push_screen_wait(LabelsDialog())

    def action_pin(self, side: str = "") -> None:
        """Pin the targets to a side of the split or unpin them (`none`); without `side` take the next of these."""
        targets = self.targets
        if not targets:
            return
        if not side:
            first = self.session.workspace.record(targets[0])
            pinned = first.split if PINNED in first.labels else None
            side = {None: "train", "train": "validation", "validation": "test"}.get(pinned, "none")
        self.session.pin(targets, side if side in SIDES else None)

    def action_keep_twin(self) -> None:
        """Hold out, in every later split, the examples that joined a held-out twin last."""
        self.session.keep_twins_held_out()

    def action_train_twin(self) -> None:
        """Move the examples that joined a held-out twin last, and the twins, to training."""
        self.session.train_twins()

    def action_rate(self, step: int) -> None:
        """Give one star more (1) or less (-1), between none and five."""
        row = self.session.workspace.row(self.current) if self.current is not None else None
        if row is not None:
            self.session.rate(self.targets, max(0, min(5, (row.rating or 0) + step)) or None)

    @work(exclusive=True, group="note")
    async def action_note(self) -> None:
        """Ask for a note and put it on the targets."""
        if self.current is not None:
            await self.write_note(self.targets)

    async def write_note(self, examples: tuple[int, ...], typed: str | None = None) -> None:
        """Ask for a note on examples and save it; `typed` is the draft of it."""
        from curator.tui.screens.data.note_dialog import NoteDialog  # heavy

        before = self.session.workspace.record(examples[0]).note
        text = await self.app.push_screen_wait(NoteDialog(before, examples, typed))
        drop = self.session.kept_draft.drop
        drop() if text is None else self.session.note(examples, text, then=drop)

    # Adding and deleting

    def action_duplicate(self) -> None:
        """Add a copy of this example after it."""
        if self.current is not None:
            change = self.session.add(self.session.workspace.raw(self.current), self.current)
            if change is not None:
                self.call_next(self._go_to_new, change.ids[0], "Added a copy")  # once the list shows the change

    def _go_to_new(self, new: int, words: str) -> None:
        """Go to an example that was added. See Editing."""
        raise NotImplementedError

    def action_drafts(self) -> None:
        """Have a model write examples like the targets, which then wait as proposals."""
        if self.targets:
            self.app.run_worker(self._ask_for_drafts(self.targets), group="dialog", exit_on_error=False)

    async def _ask_for_drafts(self, targets: tuple[int, ...]) -> None:
        from curator.tui.screens.dataset.drafts_dialog import ask_for_drafts  # heavy
        from curator.tui.session.drafting import seeds_of

        seeds = await seeds_of(self.session.workspace, targets)
        await ask_for_drafts(self.app, seeds, f"Written like {count_of(len(seeds))}, in turn")

    def action_delete(self) -> None:
        """Delete the targets, without a question: it can be undone."""
        targets = self.targets
        self.examples.clear_selection()
        if targets:
            self.session.delete(targets)

    # Repairing

    def action_fix(self) -> None:
        """Apply the fix of the problem under the cursor; ask first where the preview was not enough."""
        problem, example = self.problems.current, self.current
        if example is None or not isinstance(problem, Problem):
            self.session.toast("There is no problem under the cursor")
            return
        fixed = self.session.preview_fix(example, problem)
        if fixed is None:
            self.session.toast(f"{problem.rule} has no fix of its own here; e edits the example, d deletes it")
        elif one_key_applies(problem, self.problems.preview_seen):
            self._apply(example, problem, fixed)
        else:
            self._fix_after_look(example, problem, fixed)

    @work(exclusive=True, group="fix")
    async def _fix_after_look(self, example: int, problem: Problem, fixed: bytes) -> None:
        from curator.tui.screens.data.fix_dialog import FixDialog, problem_words  # heavy

        before = self.session.workspace.record(example).example
        if await self.app.push_screen_wait(FixDialog(problem_words(problem), before, fixed)):
            self._apply(example, problem, fixed)

    def _apply(self, example: int, problem: Problem, fixed: bytes) -> None:
        if not fixed or b"\n" in fixed:  # the line becomes several ones, or none
            self.session.fix([example], problem.rule)
        else:
            self.session.replace(example, fixed, f"Fixed {problem.rule}")

    @work(exclusive=True, group="fix")
    async def fix_all(self, rule: str) -> None:
        """Apply a rule's fix to every example of the view, as one change.

        Asks first, with the number of examples and what happens to each, those that may lose something first.
        """
        from curator.tui.screens.data.bulk_fix_dialog import BulkFixDialog  # heavy
        from curator.tui.stage_models.many.bulk_fix import plan_bulk_fix

        plan = await asyncio.to_thread(plan_bulk_fix, self.session, rule)
        if plan is None:
            self.session.toast(f"{rule} has no fix that applies here; e edits the example, d deletes it")
            return
        if await self.app.push_screen_wait(BulkFixDialog(plan)) is True:
            self.session.fix(plan.ids, rule, safe_only=not plan.losing)

    # Copying and the outside editor

    def current_block(self) -> Block | None:
        """The message under the conversation's cursor."""
        if self.current is None:
            return None
        blocks = blocks_of(self.session.workspace.record(self.current).example)
        return blocks[min(self.conversation.block, len(blocks) - 1)]

    def action_copy(self) -> None:
        """Copy the text of the message under the cursor to the clipboard."""
        block = self.current_block()
        if block is not None:
            self.app.copy_to_clipboard(block.text)
            self.session.toast(f"Copied: {one_line(block.text, 60)}")

    def action_copy_line(self) -> None:
        """Copy the JSON lines of the targets to the clipboard."""
        lines, size = [], 0
        for record in self.session.workspace.records(self.targets):
            lines.append(record.raw.decode("utf-8", "replace"))
            size += len(record.raw)
            if size > MOST_COPIED:
                self.session.toast("That is more than a clipboard takes: E writes the selection to a file")
                return
        if lines:
            self.app.copy_to_clipboard("\n".join(lines))
            self.session.toast(f"Copied {len(lines):,} JSON line{'s' * (len(lines) > 1)}")

    def action_external(self) -> None:
        """Edit the JSON of the example in $EDITOR and save it."""
        if self.current is None:
            return
        raw = self.session.workspace.raw(self.current)
        text = folding.fold(raw.decode("utf-8", "surrogateescape"))
        try:
            edited = external.edit(self.app, text.encode("utf-8", "surrogateescape"), ".json")
        except CuratorError as error:
            self.session.say(error)
            return
        if edited is not None:
            line = folding.unfold(edited.decode("utf-8", "surrogateescape").rstrip("\n"))
            self.session.replace(self.current, line.encode("utf-8", "surrogateescape"))
