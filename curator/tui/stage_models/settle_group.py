"""Settles groups of copies and contradictions: chooses the member that stays, and makes the change."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from curator.core import splice
from curator.core.duplicates.texts import messages_of, prompt_and_answer
from curator.core.example import Path
from curator.core.text import count_of
from curator.core.turns import is_learnt

if TYPE_CHECKING:
    from curator.tui.session.duplicate_groups import DuplicateGroup
    from curator.tui.session.session import Session
    from curator.workspace.records import Change, Record
    from curator.workspace.workspace import Workspace

POLICIES = ("first", "newest", "longest", "best rated")


ANSWERS = 4
"""Most different answers of a contradiction that its line names."""


def words_of(workspace: Workspace, group: DuplicateGroup) -> str:
    """A group in one line: the first member's prompt and answer; of a contradiction the different answers."""
    members = group.ids[:ANSWERS] if group.kind == "conflict" else group.ids[:1]
    texts = [prompt_and_answer(record.example.value) for record in workspace.records(members)]
    return f"{texts[0][0]} → {' ≠ '.join(dict.fromkeys(answer or '' for _, answer in texts))}"


def member_to_keep(records: Sequence[Record], policy: str) -> int:
    """The id of the member that stays by a policy, among those that train most; in a tie the first."""
    keys: dict[str, Callable[[Record], int]] = {
        "first": lambda record: 0,
        "newest": lambda record: record.id,
        "longest": lambda record: len(record.raw),
        "best rated": lambda record: record.rating or 0,
    }
    by_policy = keys[policy]
    return max(records, key=lambda record: (_learnt_messages(record), by_policy(record))).id


def _learnt_messages(record: Record) -> int:
    """How many messages of an example are trained."""
    return sum(map(is_learnt, messages_of(record.example.value)))


def settle(session: Session, group: DuplicateGroup, keep: int, *, merge: bool = False) -> Change | None:
    """Delete all members but `keep`, as one change; `merge` adds their labels, ratings and notes to it."""
    others = [i for i in group.ids if i != keep]
    return session.merge_copies(keep, others) if merge else session.delete(others)


def settle_all(
    session: Session, groups: Sequence[DuplicateGroup], policy: str, chosen: Mapping[tuple[int, ...], int]
) -> None:
    """Delete all members but one of many groups, as one change: the `chosen` one, else that of the policy."""
    count = sum(len(group.ids) - 1 for group in groups)
    session.delete_chosen(lambda: surplus(session.workspace, groups, policy, chosen), count)


def surplus(
    workspace: Workspace, groups: Sequence[DuplicateGroup], policy: str, chosen: Mapping[tuple[int, ...], int]
) -> array[int]:
    """The members that `settle_all` deletes; reported group by group, and each example is read once."""
    records = workspace.records([i for group in groups if group.ids not in chosen for i in group.ids])
    others = array("q")
    for group in workspace.journal.meter.over("Choosing", groups, len(groups)):
        keep = chosen.get(group.ids) or member_to_keep(list(islice(records, len(group.ids))), policy)
        others.extend(i for i in group.ids if i != keep)
    return others


def unify_answers(session: Session, group: DuplicateGroup, keep: int) -> Change | None:
    """Give every member the answer of `keep`, as one change; members without a text as answer stay as they are."""
    records = {i: session.workspace.record(i) for i in group.ids}
    kept_answer = answer_at(records[keep])
    if kept_answer is None:
        return None
    raws = {}
    for example, record in records.items():
        here = answer_at(record)
        if example != keep and here is not None:
            raws[example] = splice.set_value(record.raw, here[0], kept_answer[1])
    return session.replace_many(raws, f"Gave {count_of(len(raws))} the answer of another")


def answer_at(record: Record) -> tuple[Path, str] | None:
    """The path and text of an example's last answer; None where it has none, or one that is no plain text."""
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
