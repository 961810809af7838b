"""A draft that an earlier window left: which example or note it belongs to, and what happened to that since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.errors import CuratorError
from curator.workspace.storage.typed_text import TypedText

if TYPE_CHECKING:
    from curator.tui.session.session import Session
    from curator.workspace.records import Record
    from curator.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class FoundDraft:
    """A draft that differs from what is saved."""

    name: str
    """Its file."""
    text: TypedText
    examples: tuple[int, ...]
    """Those of the draft's examples that exist."""
    is_new: bool
    """Whether restoring it makes a new example."""
    deleted: bool
    """Whether the edited example was deleted meanwhile."""
    present: bytes
    """What is saved at present in the draft's place."""
    question: str
    """What is asked about it."""
    warning: str
    """What happened to the example since the draft was typed; empty where nothing did."""


def find_draft(session: Session) -> FoundDraft | None:
    """The first draft to offer; None without one. One that is equal to what is saved is removed."""
    for name, text in session.kept_draft.left():
        draft = _describe(name, text, session.workspace)
        if (
            draft is not None
            and text.typed not in (draft.present, b"")
            and not (text.kind == "note" and text.typed.strip() == draft.present)
        ):
            return draft
        session.kept_draft.settle(name)
    return None


def _describe(name: str, text: TypedText, workspace: Workspace) -> FoundDraft | None:
    records = [record for example in text.examples if (record := _record(workspace, example)) is not None]
    ids = tuple(record.id for record in records)
    if text.kind == "note":
        if not records:
            return None
        many = _name(records[0]) if len(records) == 1 else f"{len(records):,} examples"
        present = records[0].note.encode("utf-8", "surrogateescape")
        warning = "The note was changed meanwhile." if present != text.begun else ""
        return FoundDraft(
            name, text, ids, False, False, present, f"Restore the draft of a note on {many}?", warning
        )
    if text.kind == "new":
        return FoundDraft(name, text, ids, True, False, b"", "Restore the draft of a new example?", "")
    if not records:
        warning = "The example was taken back meanwhile: restoring makes a new one."
        return FoundDraft(name, text, (), True, False, text.begun, "Restore the draft of an example?", warning)
    record = records[0]
    warning = ""
    if record.deleted:
        warning = f"{_name(record).capitalize()} was deleted meanwhile: restoring brings it back."
    elif record.raw != text.begun:
        warning = f"{_name(record).capitalize()} was changed meanwhile: saving the draft replaces that."
    question = f"Restore the draft of {_name(record)}?"
    return FoundDraft(name, text, ids, False, record.deleted, record.raw, question, warning)


def _record(workspace: Workspace, example: int) -> Record | None:
    try:
        return workspace.record(example)
    except (CuratorError, OverflowError):  # a number that no id can be
        return None


def _name(record: Record) -> str:
    return f"line {record.line}" if record.line is not None else "an added example"
