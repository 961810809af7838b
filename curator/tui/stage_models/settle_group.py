"""Settling a group of copies or a contradiction: which member stays, and one change that makes it so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from curator.core import splice
from curator.core.example import Path
from curator.tui.session.changing import Then

if TYPE_CHECKING:
    from curator.tui.session.duplicate_groups import Finding
    from curator.tui.session.session import Session
    from curator.workspace.records import Change, Record

POLICIES = ("first", "newest", "longest", "best rated")


def keeper(records: Sequence[Record], policy: str) -> int:
    """The member that stays by a policy; the first one decides a tie."""
    keys: dict[str, Callable[[Record], int]] = {
        "first": lambda record: 0,
        "newest": lambda record: record.id,
        "longest": lambda record: len(record.raw),
        "best rated": lambda record: record.rating or 0,
    }
    return max(records, key=keys[policy]).id


def settle(session: Session, finding: Finding, kept: int, *, merge: bool = False) -> Change | None:
    """Delete all but one, as one change; with `merge` what people said of the others stays."""
    others = [i for i in finding.ids if i != kept]
    return session.merge_copies(kept, others) if merge else session.delete(others)


def settle_all(session: Session, findings: Sequence[Finding], kept: Callable[[Finding], int], then: Then) -> None:
    """Settle many groups as one change; `then` is called when it is done."""

    def choose() -> list[int]:
        keep = ((finding, kept(finding)) for finding in findings)
        return [i for finding, best in keep for i in finding.ids if i != best]

    session.delete_chosen(choose, sum(len(finding.ids) - 1 for finding in findings), then)


def unify(session: Session, finding: Finding, kept: int) -> Change | None:
    """Give every member the answer of one, as one change; a member without an answer that can be set is left."""
    records = {i: session.workspace.record(i) for i in finding.ids}
    chosen = answer_at(records[kept])
    if chosen is None:
        return None
    raws = {}
    for example, record in records.items():
        here = answer_at(record)
        if example != kept and here is not None:
            raws[example] = splice.set_value(record.raw, here[0], chosen[1])
    return session.replace_many(raws, f"Gave {len(raws)} examples the answer of another")


def answer_at(record: Record) -> tuple[Path, str] | None:
    """Where the last answer of an example is, and its text; None where it is no plain text."""
    value = record.example.value
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list):
        return None
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, dict) and message.get("role") == "assistant":
            content = message.get("content")
            return (("messages", at, "content"), content) if isinstance(content, str) else None
    return None
