"""`Editor`: edits an example's messages, or its JSON; checks, counts and prices the draft with each keystroke.

Leaving saves. The bytes of values that were not edited stay as they were.
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
from textual.widgets import TextArea

from curator.core.answers.contract import Contract
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.examples import json_folding
from curator.tui.examples.beginning import Beginning, begin
from curator.tui.examples.blocks import Block, problems_by_block, tokens_of
from curator.tui.examples.draft import DraftBytes, next_role
from curator.tui.examples.transcript import kind_of
from curator.tui.session.session import Session
from curator.tui.stage_models.answer_contracts import completions
from curator.tui.stage_models.edited_example import EditedExample
from curator.tui.terminal import external_editor
from curator.tui.terminal.key_order import KeysInOrder
from curator.tui.widgets.cell import Cell
from curator.tui.widgets.draft_summary import DraftSummary
from curator.tui.widgets.text_field import TextField, editable, json_field

WINDOW = 40
"""Most messages that have a field at once; in a longer example those around the one being edited."""


class Editor(Vertical):
    """Edits one example; the rest of the UI sees its draft only once it is saved."""

    SCOPE = "editor"
    HELP = "Type: problems, tokens and cost follow at once. Escape saves the text and goes back; u takes it back."
    BINDINGS = keys.bindings("editor")

    @dataclass
    class Left(Message):
        """The user left the editor; the draft is saved."""

        added: int | None = None
        """The new example that was edited, if it was added."""

    def __init__(self, session: Session, dom_id: str = "editor") -> None:
        super().__init__(id=dom_id)
        self._session = session
        self._edited: EditedExample | None = None
        """What is being edited; None while the editor is closed."""
        self._json = False
        """Whether the JSON is edited instead of the messages."""
        self._json_text = ""
        """The text of the JSON field that the draft was last made from."""
        self._cell_before = 0
        """Index of the cell that had the focus before the JSON view was opened."""
        self._building = 0
        """Number of the latest rebuild; an older one that ends later must not set `_built`."""

    def compose(self) -> ComposeResult:
        """The cells or the JSON field; below them the summary of the draft."""
        yield VerticalScroll(id="cells", can_focus=False)
        yield DraftSummary(self._session)

    # Opening and leaving

    def open(self, example: int, block: int, typed: bytes | None = None) -> None:
        """Edit an example with the cursor in the block at an index (-1: the answer); `typed` is a draft of it."""
        raw = self._session.workspace.raw(example)
        beginning = begin(raw) if block < 0 else Beginning(raw, block)
        self._open(EditedExample(self._session, example, beginning), beginning.block, typed)

    def open_new(self, beginning: Beginning, after: int | None, typed: bytes | None = None) -> None:
        """Edit a new example, which is added behind another one (None: at the end) once something was typed."""
        self._open(EditedExample(self._session, None, beginning, after), beginning.block, typed)

    def _open(self, edited: EditedExample, block: int, typed: bytes | None) -> None:
        self._edited = edited
        if typed is not None:
            edited.draft.raw = typed
        self._session.warm()
        blocks = self._draft.blocks
        self._json = block < 0 or not any(block.text_path for block in blocks)
        self._rebuild(min(block, len(blocks) - 1))

    @property
    def _draft(self) -> DraftBytes:
        """The unsaved bytes; without any where the editor is closed."""
        return self._edited.draft if self._edited is not None else DraftBytes(b"")

    @property
    def dirty(self) -> bool:
        """Whether the draft differs from what is saved."""
        return self._edited is not None and self._edited.dirty

    def save(self) -> bool:
        """Save the draft. Where that fails, show the reason, keep the draft and return False."""
        self._read_fields()
        return self._edited is None or self._edited.save()

    def action_save(self) -> None:
        """Save and go on."""
        changed = self.dirty
        if self.save():
            self._session.toast("Saved" if changed or not self._is_new else "Nothing is typed yet")
            self.show_check()

    @property
    def _is_new(self) -> bool:
        """Whether a new example is edited that is not in the workspace yet."""
        return self._edited is not None and self._edited.example is None

    def action_leave(self) -> None:
        """Save and go back."""
        self._read_fields()
        changed, edited = self.dirty, self._edited
        if self.save():
            if changed:
                self._session.toast("Saved · u takes it back")
            elif self._is_new:
                self._session.toast("Nothing was typed: no example was added")
            self._edited = None
            self.post_message(self.Left(edited.example if edited is not None and edited.added else None))

    # Building the fields

    @property
    def _built(self) -> asyncio.Event:
        """Unset while the fields are being rebuilt: keys wait for it, and text in old fields is ignored."""
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
                self._json_text = json_folding.fold(self._draft.raw.decode("utf-8", "surrogateescape"))
                await cells.mount(json_field(self._json_text))
            else:
                await cells.mount(*self._window(focus))
            self._show_check()

    def _window(self, focus: int) -> list[Cell]:
        """Cells for up to `WINDOW` blocks around the one at `focus`."""
        blocks = self._draft.blocks
        first = max(0, min(focus - WINDOW // 2, len(blocks) - WINDOW))
        contract = self._session.workspace.context().contract
        complete = partial(completions, contract) if isinstance(contract, Contract) else _no_completions
        return [
            Cell(index, block, complete if kind_of(block) == "assistant" else _no_completions)
            for index, block in enumerate(blocks[first : first + WINDOW], first)
        ]

    def _focus_block(self, index: int) -> None:
        if self._json:
            self.screen.set_focus(self.query_one("#json"))
            return
        fields = [cell for cell in self.query(Cell) if cell.field is not None]
        if fields:
            cell = min(fields, key=lambda cell: abs(cell.index - index))
            assert cell.field is not None
            self.screen.set_focus(cell.field)  # at once: with `focus` the next keys would go to the old field
            cell.field.move_cursor(cell.field.document.end)

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._built.is_set():
            self._read_field(event.text_area)
            self.show_check()

    def _read_field(self, field: TextArea) -> None:
        """Put the text of a field into the draft, if it changed."""
        if self._edited is None:
            return
        cell = field.parent
        text = field.true_text if isinstance(field, TextField) else field.text
        if self._json:
            if field.id == "json" and text != self._json_text:
                self._json_text = text
                self._draft.raw = json_folding.unfold(text).encode("utf-8", "surrogateescape")
        elif isinstance(cell, Cell) and cell.field is not None and text != cell.text:
            cell.text = text
            assert cell.block.text_path is not None
            self._draft.type_into(cell.block.text_path, text)
            cell.field.fit()

    def _read_fields(self) -> None:
        """Put the text of all fields into the draft: their `Changed` messages may not have arrived yet."""
        if self._built.is_set():
            for field in self.query(TextField):
                self._read_field(field)

    def show_check(self) -> None:
        """Show problems, tokens and cost of the draft, those of a message in its cell."""
        if self._edited is not None and self._built.is_set():
            self._show_check()

    def _show_check(self) -> None:
        if self._edited is None:
            return
        self._edited.keep_draft(self._show_state)
        self._show_state()
        checked = self._session.draft(self._draft.raw)
        blocks = self._draft.blocks
        by_block = problems_by_block(checked.problems, blocks)
        if not self._json:
            cells = list(self.query(Cell))
            counts: list[int | None] = [None] * len(cells)
            if checked.tokens is not None:
                cell_blocks = [blocks[cell.index] for cell in cells]
                counts = tokens_of(self._session.counter, checked.example.value, cell_blocks)
            for cell, count in zip(cells, counts, strict=True):
                cell.show_check(count, by_block.get(cell.index, ()))
        problems = checked.problems if self._json else by_block.get(None, [])
        self.query_one(DraftSummary).show_draft(checked, problems, self._edited.saved)

    def _show_state(self) -> None:
        """Tell in the frame whether the text is saved, or kept as a draft."""
        if self._edited is not None:
            style = "bold $mark-warning" if self._edited.dirty else ""
            self.border_title = Content.assemble(f" {self._edited.title} · ", (f"{self._edited.state} ", style))

    # Messages

    @property
    def _cell(self) -> Cell | None:
        """The cell that has the focus."""
        focused = self.screen.focused
        parent = focused.parent if focused is not None else None
        return parent if isinstance(parent, Cell) else None

    def _message(self) -> Block | None:
        """The message that has the focus, from the present draft; None, with a toast, where none has it."""
        self._read_fields()
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
        """Focus the next text field of the editor; the panes beside it are left out."""
        self.screen.focus_next("Editor TextArea")

    def action_previous_field(self) -> None:
        """Focus the previous text field of the editor."""
        self.screen.focus_previous("Editor TextArea")

    def _step(self, step: int) -> None:
        self._read_fields()
        cell = self._cell
        index = (cell.index if cell else 0) + step
        if not 0 <= index < len(self._draft.blocks):
            return
        if any(other.index == index for other in self.query(Cell)):
            self._focus_block(index)
        else:
            self._rebuild(index)

    def action_role(self) -> None:
        """Give the message the next role."""
        block, cell = self._message(), self._cell
        if block is not None and cell is not None:
            self._draft.set_role(block, next_role(block.role))
            self._rebuild(cell.index)

    def action_add_message(self) -> None:
        """Insert an empty message after this one."""
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
        """Undo typing in the field; where there is none, undo the last change of the messages."""
        self._undo_or_redo(undo=True)

    def action_redo(self) -> None:
        """Redo what `action_undo` undid last."""
        self._undo_or_redo(undo=False)

    def _undo_or_redo(self, *, undo: bool) -> None:
        self._read_fields()
        field = self.screen.focused
        if isinstance(field, TextArea):
            before = field.text
            field.action_undo() if undo else field.action_redo()
            if field.text != before:
                return
        if self._draft.undo() if undo else self._draft.redo():
            self._rebuild(self._cell.index if self._cell else 0)

    def action_json(self) -> None:
        """Switch between the messages and the JSON."""
        self._read_fields()
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
        self._read_fields()
        cell = self._cell
        try:
            if self._json or cell is None or cell.block.text_path is None:
                text = json_folding.fold(self._draft.raw.decode("utf-8", "surrogateescape"))
                edited = external_editor.edit(self.app, text.encode("utf-8", "surrogateescape"), ".json")
                if edited is not None:
                    line = json_folding.unfold(edited.decode("utf-8", "surrogateescape").rstrip("\n"))
                    self._draft.raw = line.encode("utf-8", "surrogateescape")
            else:
                edited = external_editor.edit(self.app, cell.text.encode("utf-8", "surrogatepass"), ".txt")
                if edited is not None:
                    self._draft.type_into(cell.block.text_path, self._text_of(edited))
        except CuratorError as error:
            self._session.say(error)
            return
        self._rebuild(cell.index if cell else 0)

    def _text_of(self, edited: bytes) -> str:
        """What another editor saved, halves of surrogate pairs included; bytes that are no text become U+FFFD."""
        try:
            return edited.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            self._session.toast(f"Bytes that are not UTF-8, from byte {error.start + 1:,} on, became U+FFFD")
            return edited.decode("utf-8", "replace")


def _no_completions(text: str) -> list[str]:
    """No completions."""
    return []


__all__ = ["Editor", "TextField"]
