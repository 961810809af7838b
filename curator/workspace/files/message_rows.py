"""Tables with one message a row: the rows of one conversation are one record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from curator.core.role_words import ROLE_KEYS, TEXT_KEYS, role_of

Row = tuple[int, dict[str, object]]
"""(line, cells by heading)"""

_IDS = (
    "conversation id",
    "conversation",
    "conv id",
    "dialogue id",
    "dialog id",
    "chat id",
    "thread id",
    "session id",
)
_ROLES = ("role", "from", "speaker", "author", "sender", "author role", "sender role", "message role")
_TEXTS = ("content", "text", "message", "value", "utterance", "body", "message text", "message content")
_ORDERS = (
    "turn", "turn id", "turn index", "turn number", "message index", "message number", "message order", "index",
    "order", "position", "sequence", "seq", "step", "timestamp", "created at", "create time", "time", "date",
)  # fmt: skip
"""Headings of what tells the order of the messages, where the rows have another."""
_OTHERS = frozenset(
    ("prompt", "completion", "response", "answer", "question", "instruction", "output", "messages")
)
"""Headings of tables with a whole example a row."""
_RESERVED = frozenset((*ROLE_KEYS, *TEXT_KEYS))
"""Keys of a turn that another column must not take."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?\Z")


class MessageColumns(NamedTuple):
    """The headings of a table with one message a row."""

    conversation: str
    role: str
    text: str
    orders: tuple[str, ...]


def message_columns(names: Sequence[str]) -> MessageColumns | None:
    """The columns of a header that names a conversation, a role and a text; None for any other table."""
    by_heading = {" ".join(re.sub(r"[_\W]+", " ", name.lower()).split()): name for name in reversed(names)}
    if not _OTHERS.isdisjoint(by_heading):
        return None
    found = [
        next((by_heading[word] for word in words if word in by_heading), None) for words in (_IDS, _ROLES, _TEXTS)
    ]
    if None in found or len(set(found)) < 3:
        return None
    conversation, role, text = map(str, found)
    orders = tuple(by_heading[word] for word in _ORDERS if word in by_heading and by_heading[word] not in found)
    return MessageColumns(conversation, role, text, orders)


def are_messages(columns: MessageColumns, rows: Sequence[Row]) -> bool:
    """Whether rows are messages: some share a conversation, and most of their roles are known."""
    ids = {cells.get(columns.conversation) for _, cells in rows}
    known = sum(role_of(cells.get(columns.role)) is not None for _, cells in rows)
    return len(ids) < len(rows) and 2 * known > len(rows)


def join_messages(columns: MessageColumns, rows: Iterable[Row]) -> Iterator[Row]:
    """One record for each conversation, in the order of their first rows: (line of the first row, record).

    A row without a conversation stays a record of its own. The columns that tell an order sort the messages of a
    conversation where all of its cells can be compared and differ; else the order of the rows holds.
    """
    conversations: dict[object, list[Row]] = {}
    for line, cells in rows:
        conversation = cells.get(columns.conversation)
        conversations.setdefault(conversation if conversation not in (None, "") else (line,), []).append(
            (line, cells)
        )
    for members in conversations.values():
        line, first = members[0]
        turns = [_turn(columns, cells) for _, cells in _in_order(columns, members)]
        yield line, {columns.conversation: first.get(columns.conversation, ""), "conversations": turns}


def _turn(columns: MessageColumns, cells: dict[str, object]) -> dict[str, object]:
    """A row as a turn; what its other columns hold stays beside role and text."""
    others = {
        f"{name} (column)" if name in _RESERVED else name: cell
        for name, cell in cells.items()
        if name not in columns[:3] and cell != ""
    }
    return {"role": cells.get(columns.role, ""), "content": cells.get(columns.text, ""), **others}


def _in_order(columns: MessageColumns, members: list[Row]) -> list[Row]:
    for order in columns.orders:
        cells = [str(each.get(order, "")).strip() for _, each in members]
        if len(set(cells)) != len(cells):
            continue
        if all(map(_NUMBER.match, cells)):
            return [
                row for _, row in sorted(zip(map(float, cells), members, strict=True), key=lambda pair: pair[0])
            ]
        if all(map(_MOMENT.match, cells)) and len({len(cell) for cell in cells}) == 1:
            return [row for _, row in sorted(zip(cells, members, strict=True), key=lambda pair: pair[0])]
    return members
