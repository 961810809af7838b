"""`EditedExample`: the example in the editor, its unsaved bytes, and how they are saved and kept as a draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from curator.tui.examples.beginning import Beginning, is_empty
from curator.tui.examples.draft import DraftBytes
from curator.workspace.storage.typed_text import TypedText

if TYPE_CHECKING:
    from curator.tui.session.session import Session


class EditedExample:
    """One example of the workspace, or a new one that is added when it is saved for the first time."""

    def __init__(
        self, session: Session, example: int | None, beginning: Beginning, after: int | None = None
    ) -> None:
        """`example` None: a new one, behind the example `after` (None: at the end)."""
        self._session = session
        self._after = after
        self._begun = beginning.raw
        """The bytes that nothing was typed into yet."""
        self.example = example
        self.saved = session.workspace.raw(example) if example is not None else beginning.raw
        """The example's bytes in the workspace; of a new one the bytes it began with."""
        self.draft = DraftBytes(beginning.raw)
        self.added = False
        """Whether this was a new example and is one of the workspace now."""

    @property
    def dirty(self) -> bool:
        """Whether something was typed that is not saved. A new example that is left empty is not worth saving."""
        raw = self.draft.raw
        if raw in (self.saved, self._begun):
            return False
        return self.example is not None or not is_empty(raw)

    @property
    def title(self) -> str:
        """Which example it is, in words."""
        if self.example is None:
            return "editing a new example"
        line = self._session.workspace.record(self.example).line
        return "editing an added example" if line is None else f"editing line {line}"

    @property
    def state(self) -> str:
        """Whether the text is saved, and if not, whether a draft of it is kept, in words."""
        if self.dirty:
            return " · ".join(filter(None, ("● not saved yet", self._session.kept_draft.state)))
        return "nothing typed yet" if self.example is None else "✓ saved"

    def save(self) -> bool:
        """Save what was typed; returns False where that fails: the session says why, and the draft is kept."""
        if not self.dirty:
            self._drop_draft()
            return True
        raw = self.draft.raw
        if self.example is None:
            change = self._session.add(raw, self._after)
            if change is not None:
                self.example, self.added = change.ids[0], True
        else:
            change = self._session.replace(self.example, raw)
        if change is None:
            self._session.kept_draft.flush()
            return False
        self.saved = self._begun = raw
        self._drop_draft()
        return True

    def keep_draft(self, tell_state: Callable[[], object]) -> None:
        """Have the text kept on the disk until it is saved; `tell_state` is called when its state changes."""
        if not self.dirty:
            self._drop_draft()
            return
        kind, ids = ("new", (self._after,)) if self.example is None else ("example", (self.example,))
        examples = tuple(example for example in ids if example is not None)
        begun = b"" if kind == "new" else self.saved
        text = TypedText("new" if kind == "new" else "example", examples, begun, self.draft.raw)
        self._session.kept_draft.note(text, tell_state)

    def _drop_draft(self) -> None:
        self._session.kept_draft.drop()
