"""`Editing`: opens the editor, begins new examples, offers drafts that were not saved. Part of the Data stage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from textual import on, work
from textual.getters import query_one

from curator.tui.examples.beginning import Beginning, new_chat, usual_system
from curator.tui.screens.data.querying import Querying
from curator.tui.stage_models.found_draft import FoundDraft, find_draft
from curator.tui.widgets.conversation import Conversation
from curator.tui.widgets.editor import Editor
from curator.tui.widgets.example_list import ExampleList
from curator.tui.widgets.text_field import MessageField

LOOKED_AT = 200
"""Most examples, spread over the dataset, that tell the usual system prompt."""


class Editing(Querying):
    """Opens and leaves the editor."""

    editor = query_one("#editor", Editor)

    _when_added: Callable[[int], object] | None = None
    """What is to be done with the new example that is edited, once it was added."""
    _only_read = False
    """Whether this window only read when it last looked for a draft."""

    @property
    def editing(self) -> bool:
        """Whether the editor is open."""
        return self.has_class("-editing")

    @on(ExampleList.Activated)
    def _edit_activated(self) -> None:
        self.action_edit()

    @on(Conversation.EditRequested)
    def _edit_requested(self) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        """Open the editor in the answer, or at the message under the cursor if the conversation has the focus."""
        if self.current is None:
            self.session.toast("No example here: + makes one")
        elif not self.editing:
            block = self.conversation.block if self.conversation.has_focus else -1
            self._make_room()
            self.editor.open(self.current, block)

    def _make_room(self) -> None:
        """Show the editor in the place of the conversation."""
        self.unzoom()
        self.remove_class("-sifting")
        self.set_focus(None)  # at once: a pane that is hidden while it has the focus would lose it later
        self.add_class("-editing")
        self.refresh_bindings()

    def action_add(self) -> None:
        """Begin a new example after this one, in its prompt, with the usual system prompt."""
        beginning = new_chat(self._usual_system())
        if self.session.workspace.read_only:
            self.session.add(beginning.raw, self.current)  # says why it cannot
        elif not self.editing:
            self._make_room()
            self.editor.open_new(beginning, self.current)

    def begin_example(self, raw: bytes, block: int, added: Callable[[int], object]) -> None:
        """Begin a new example at one of its messages; `added` is called with its id once it was added."""
        if not self.editing:
            self._when_added = added
            self._make_room()
            self.editor.open_new(Beginning(raw, block), None)

    def _usual_system(self) -> dict[str, object] | None:
        """The system message that most examples begin with, else that of the example under the cursor."""
        workspace = self.session.workspace
        ids = workspace.ids()
        spread = list(islice(ids, 0, None, max(1, len(ids) // LOOKED_AT)))[:LOOKED_AT]
        own = workspace.record(self.current).example.value if self.current is not None else None
        return usual_system((record.example.value for record in workspace.records(spread)), own)

    @on(MessageField.PickRequested)
    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _pick_answer(self, event: MessageField.PickRequested) -> None:
        from curator.tui.screens.data.answer_dialog import AnswerDialog  # heavy

        typed = event.field.true_text
        answer = await self.app.push_screen_wait(AnswerDialog("The text of this message becomes:", typed))
        if answer is not None and event.field.is_attached:
            event.field.put(answer)

    @on(Editor.Left)
    def _leave_editor(self, event: Editor.Left) -> None:
        self.set_focus(self.examples)
        self.remove_class("-editing")
        self.refresh_bindings()
        self.show_example(same=True)
        when_added, self._when_added = self._when_added, None
        if event.added is not None:
            if when_added is not None:
                when_added(event.added)
            self.call_next(self._go_to_new, event.added, "Added an example")
        self.look_for_draft()

    def _go_to_new(self, new: int, words: str) -> None:
        """Go to an example that was added, once the list shows the change."""
        if not self.examples.go_to(new):
            words += ", which this filter does not show"
        self.session.toast(f"{words} · u takes it back")

    # The draft of an earlier window

    def look_for_draft(self) -> None:
        """Offer what windows had not saved when they ended, one after another, once nothing is being edited here.

        A window that only reads offers it later.
        """
        self._only_read = self.session.workspace.read_only
        if not self._only_read and not self.editing:
            draft = find_draft(self.session)
            if draft is not None:
                self._offer_draft(draft)

    @work(exclusive=True, group="dialog")
    async def _offer_draft(self, draft: FoundDraft) -> None:
        from curator.tui.screens.data.draft_dialog import DraftDialog  # heavy

        if await self.app.push_screen_wait(DraftDialog(draft)):
            self.session.kept_draft.adopt(draft.name)
            await self._restore(draft)
        else:
            self.session.kept_draft.settle(draft.name)
            self.session.toast("The draft is discarded")
        self.call_next(self.look_for_draft)

    async def _restore(self, draft: FoundDraft) -> None:
        """Put a draft back where it was typed: into the editor, or into the field of a note."""
        text = draft.text
        if text.kind == "note":
            await self.write_note(draft.examples, text.typed.decode("utf-8", "surrogateescape"))
            return
        if draft.deleted:
            self.session.restore(draft.examples)
        example = next(iter(draft.examples), None)
        if draft.is_new:
            self._make_room()
            self.editor.open_new(Beginning(new_chat(None).raw, 0), example, text.typed)
        elif example is not None:
            self.show_in_list(example)
            self._make_room()
            self.editor.open(example, -1, text.typed)

    def show_in_list(self, example: int) -> None:
        """Move the cursor to an example, without the query where that hides it. See DataScreen."""
        raise NotImplementedError

    def show_example(self, same: bool = False) -> None:
        """Show the example under the cursor. See DataScreen."""
        raise NotImplementedError
