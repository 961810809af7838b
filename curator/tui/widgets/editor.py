"""The editor: an example's messages in place, or its raw JSON; rules, tokens and cost with each keystroke.

Nothing can be lost: leaving saves. The bytes of what was not edited stay as they were.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from curator.core.answers.contract import Contract
from curator.core.problem import Problem, Severity
from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tokens import Tokens
from curator.tui import keys
from curator.tui.examples import json_folding as folding
from curator.tui.examples.blocks import Block, problems_by_block, tokens_of
from curator.tui.examples.draft import DraftBytes, next_role
from curator.tui.examples.transcript import kind_of
from curator.tui.session.session import CheckedDraft, Session
from curator.tui.stage_models.answer_contracts import completions
from curator.tui.terminal import external_editor as external
from curator.tui.terminal.key_order import KeysInOrder
from curator.tui.widgets.cell import Cell
from curator.tui.widgets.text_field import TextField, editable, json_field

WINDOW = 40
"""Most messages that are open for editing at once; of a longer example, those around the chosen one."""


class Editor(Vertical):
    """Edits one example."""

    SCOPE = "editor"
    HELP = "Type: problems, tokens and cost follow at once. Escape saves the text and goes back; u takes it back."
    BINDINGS = keys.bindings("editor")

    @dataclass
    class Left(Message):
        """The editor was left; what was typed is saved."""

    def __init__(self, session: Session, dom_id: str = "editor") -> None:
        super().__init__(id=dom_id)
        self._session = session
        self._example: int | None = None
        self._saved = b""
        self._draft = DraftBytes(b"")
        self._tokens_saved: int | None = None
        self._json = False
        self._json_text = ""
        """What the JSON field holds, as far as the draft knows."""
        self._cell_before = 0
        """Where one was among the messages before their JSON came."""
        self._building = 0

    def compose(self) -> ComposeResult:
        """The cells, or the JSON; below, what the draft costs."""
        yield VerticalScroll(id="cells", can_focus=False)
        yield Static(id="draft")

    # Opening and leaving

    def open(self, example: int, block: int) -> None:
        """Edit an example, the cursor in the block of that index; -1: the last message."""
        self._example = example
        line = self._session.workspace.record(example).line
        self.border_title = Content(" editing a new example " if line is None else f" editing line {line} ")
        self._saved = self._session.workspace.raw(example)
        self._draft = DraftBytes(self._saved)
        self._tokens_saved = None
        self._session.warm()
        self._json = not any(found.text_path for found in self._draft.blocks)
        messages = [at for at, found in enumerate(self._draft.blocks) if found.text_path]
        self._rebuild(block if block >= 0 or not messages else messages[-1])

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self._example is not None and self._draft.raw != self._saved

    def save(self) -> bool:
        """Save the draft; False, with the reason shown and the text kept, where that failed."""
        self._take_all()
        if self._example is None or not self.dirty:
            return True
        if self._session.replace(self._example, self._draft.raw) is None:
            return False
        self._saved, self._tokens_saved = self._draft.raw, None
        return True

    def action_save(self) -> None:
        """Save and go on."""
        if self.save():
            self._session.toast("Saved")
            self.tell()

    def action_leave(self) -> None:
        """Save and go back."""
        self._take_all()
        changed = self.dirty
        if self.save():
            self._example = None
            if changed:
                self._session.toast("Saved · u takes it back")
            self.post_message(self.Left())

    # What is shown

    @property
    def _built(self) -> asyncio.Event:
        """Unset while the fields belong to a draft that is no more."""
        assert isinstance(self.app, KeysInOrder)
        return self.app.built

    def _rebuild(self, focus: int) -> None:
        self._building += 1
        self._built.clear()
        build = self._build(self._building, focus)
        self.run_worker(build, exclusive=True, group="cells")

    async def _build(self, number: int, focus: int) -> None:
        try:
            await self._mount_cells(focus)
        finally:
            if number == self._building:
                self._built.set()
        self._focus_block(focus)

    async def _mount_cells(self, focus: int) -> None:
        cells = self.query_one("#cells", VerticalScroll)
        with self.app.batch_update():
            await cells.remove_children()
            if self._json:
                self._json_text = folding.fold(self._draft.raw.decode("utf-8", "surrogateescape"))
                await cells.mount(json_field(self._json_text))
            else:
                await cells.mount(*self._window(focus))
            self._tell()

    def _window(self, focus: int) -> list[Cell]:
        blocks = self._draft.blocks
        first = max(0, min(focus - WINDOW // 2, len(blocks) - WINDOW))
        contract = self._session.workspace.context().contract
        complete = partial(completions, contract) if isinstance(contract, Contract) else _nothing
        return [
            Cell(first + at, block, complete if kind_of(block) == "assistant" else _nothing)
            for at, block in enumerate(blocks[first : first + WINDOW])
        ]

    def _focus_block(self, index: int) -> None:
        if self._json:
            self.screen.set_focus(self.query_one("#json"))
            return
        fields = [cell for cell in self.query(Cell) if cell.field is not None]
        if fields:
            cell = min(fields, key=lambda cell: abs(cell.index - index))
            assert cell.field is not None
            self.screen.set_focus(cell.field)  # now: `focus` would let the next keys pass
            cell.field.move_cursor(cell.field.document.end)

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._built.is_set():
            self._take(event.text_area)
            self.tell()

    def _take(self, field: TextArea) -> None:
        """Bring what stands in a field into the draft."""
        cell = field.parent
        text = field.true_text if isinstance(field, TextField) else field.text
        if self._json:
            if field.id == "json" and text != self._json_text:
                self._json_text = text
                self._draft.raw = folding.unfold(text).encode("utf-8", "surrogateescape")
        elif isinstance(cell, Cell) and cell.field is not None and text != cell.text:
            cell.text = text
            assert cell.block.text_path is not None
            self._draft.type_into(cell.block.text_path, text)
            cell.field.fit()

    def _take_all(self) -> None:
        """Bring into the draft what was typed just now: the fields' own news of it may still be on the way."""
        if self._built.is_set():
            for field in self.query(TextField):
                self._take(field)

    def tell(self) -> None:
        """Show problems, tokens and cost of the draft, beside what they are about."""
        if self._example is not None and self._built.is_set():
            self._tell()

    def _tell(self) -> None:
        checked = self._session.draft(self._draft.raw)
        blocks = self._draft.blocks
        placed = problems_by_block(checked.problems, blocks)
        if not self._json:
            cells = list(self.query(Cell))
            open_ = [blocks[cell.index] for cell in cells]
            counted = checked.tokens is not None
            counts = (
                tokens_of(self._session.counter, checked.example.value, open_) if counted else [None] * len(cells)
            )
            for cell, count in zip(cells, counts, strict=True):
                cell.tell(count, placed.get(cell.index, ()))
        shown = checked.problems if self._json else placed.get(None, [])
        self.query_one("#draft", Static).update(self._summary(checked, shown))

    def _summary(self, checked: CheckedDraft, shown: list[Problem]) -> Content:
        errors = sum(problem.severity is Severity.ERROR for problem in checked.problems)
        warnings = sum(problem.severity is Severity.WARNING for problem in checked.problems)
        tokens = checked.tokens
        lines = [
            Content.assemble(
                (f"{errors} E", "$mark-error bold" if errors else "$mark-ok"),
                " · ",
                (f"{warnings} W", "$mark-warning bold" if warnings else "$mark-ok"),
                " · counting tokens"
                if tokens is None
                else f" · {tokens.total:,} tokens, {tokens.assistant:,} trained",
                (" · ● not saved yet" if self.dirty else " · ✓ saved", "$quiet"),
                (self._dataset(tokens), "$quiet"),
            )
        ]
        lines += [Content(f"{problem.severity.mark} {one_line(problem.message, 200)}") for problem in shown[:4]]
        return Content("\n").join(lines)

    def _dataset(self, tokens: Tokens | None) -> str:
        """What the whole dataset would be with the draft."""
        if tokens is None:
            return ""
        if self._tokens_saved is None:
            saved = self._session.draft(self._saved).tokens
            self._tokens_saved = saved.total if saved is not None else tokens.total
        total = self._session.summary(tokens.total - self._tokens_saved)
        return f" · dataset {total.tokens:,} tokens, {total.cost}" if total.tokens is not None else ""

    # Structure

    @property
    def _cell(self) -> Cell | None:
        focused = self.screen.focused
        parent = focused.parent if focused is not None else None
        return parent if isinstance(parent, Cell) else None

    def _message(self) -> Block | None:
        self._take_all()
        cell = self._cell
        if cell is None or not cell.block.message:
            self._session.toast("The cursor is in no message")
            return None
        return self._draft.blocks[cell.index]

    def action_next_message(self) -> None:
        """Edit the next message."""
        self._step(1)

    def action_previous_message(self) -> None:
        """Edit the message before."""
        self._step(-1)

    def action_next_field(self) -> None:
        """The next text; the panes beside the editor are no part of it."""
        self.screen.focus_next("Editor TextArea")

    def action_previous_field(self) -> None:
        """The text before."""
        self.screen.focus_previous("Editor TextArea")

    def _step(self, step: int) -> None:
        self._take_all()
        cell = self._cell
        index = (cell.index if cell else 0) + step
        if not 0 <= index < len(self._draft.blocks):
            return
        if any(other.index == index for other in self.query(Cell)):
            self._focus_block(index)
        else:
            self._rebuild(index)

    def action_role(self) -> None:
        """The next role."""
        block, cell = self._message(), self._cell
        if block is not None and cell is not None:
            self._draft.set_role(block, next_role(block.role))
            self._rebuild(cell.index)

    def action_add_message(self) -> None:
        """An empty message behind this one."""
        block, cell = self._message(), self._cell
        if block is not None and cell is not None:
            self._draft.add_after(block)
            self._rebuild(cell.index + 1)

    def action_remove_message(self) -> None:
        """Remove this message."""
        block, cell = self._message(), self._cell
        if block is not None and cell is not None:
            self._draft.remove(block)
            self._session.toast("Message removed · ctrl+z brings it back")
            self._rebuild(max(0, cell.index - 1))

    def action_move_up(self) -> None:
        """Swap with the message above."""
        self._move(-1)

    def action_move_down(self) -> None:
        """Swap with the message below."""
        self._move(1)

    def _move(self, step: int) -> None:
        block, cell = self._message(), self._cell
        if block is not None and cell is not None and self._draft.move(block, step):
            self._rebuild(cell.index + step)

    def action_undo(self) -> None:
        """Take back typing in this field, else the last change of the messages."""
        self._undo_or_redo("undo")

    def action_redo(self) -> None:
        """Do it again."""
        self._undo_or_redo("redo")

    def _undo_or_redo(self, what: str) -> None:
        self._take_all()
        field = self.screen.focused
        if isinstance(field, TextArea):
            before = field.text
            field.action_undo() if what == "undo" else field.action_redo()
            if field.text != before:
                return
        if self._draft.undo() if what == "undo" else self._draft.redo():
            self._rebuild(self._cell.index if self._cell else 0)

    def action_json(self) -> None:
        """Messages or JSON."""
        self._take_all()
        index = self._cell.index if self._cell else self._cell_before
        if self._json and not any(block.text_path for block in self._draft.blocks):
            self._session.toast("These bytes hold no message to show; the JSON view stays")
            return
        if not self._json and not editable(self._draft.raw.decode("utf-8", "surrogateescape")):
            self._session.toast("This line is too long to edit here: ctrl+o opens it in $EDITOR")
            return
        self._json, self._cell_before = not self._json, index
        self._rebuild(index)

    def action_external(self) -> None:
        """Edit the message, or the JSON, in $EDITOR."""
        self._take_all()
        cell = self._cell
        try:
            if self._json or cell is None or cell.block.text_path is None:
                text = folding.fold(self._draft.raw.decode("utf-8", "surrogateescape"))
                edited = external.edit(self.app, text.encode("utf-8", "surrogateescape"), ".json")
                if edited is not None:
                    line = folding.unfold(edited.decode("utf-8", "surrogateescape").rstrip("\n"))
                    self._draft.raw = line.encode("utf-8", "surrogateescape")
            else:
                edited = external.edit(self.app, cell.text.encode("utf-8", "surrogatepass"), ".txt")
                if edited is not None:
                    self._draft.type_into(cell.block.text_path, edited.decode("utf-8", "replace"))
        except CuratorError as error:
            self._session.say(error)
            return
        self._rebuild(cell.index if cell else 0)


def _nothing(text: str) -> list[str]:
    """No completions."""
    return []


__all__ = ["Editor", "TextField"]
