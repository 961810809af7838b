"""A changed example in one line: question and answer, with what was removed and what was added marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.core import diff
from curator.core.duplicates.question import question_and_answer
from curator.core.example import parse
from curator.core.text import one_line
from curator.workspace.versions import raw_at

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

_Pieces = list[tuple[str, str]]
SIGN_KINDS = {"+": "ok", "-": "error", "~": "warning"}
"""The style name of each sign: added, removed, edited."""
_LEAST = 8
"""Fewest cells that a text gets."""


def changed_line(workspace: Workspace, sign: str, example: int, revisions: tuple[int, int], width: int) -> _Pieces:
    """The line of a list for an example that was added, removed or edited between two revisions."""
    record = workspace.record(example)
    where = f"line {record.line}" if record.line is not None else "new"
    head = [(f"{sign} ", SIGN_KINDS[sign]), (f"{where:<10} ", "dim")]
    room = max(3 * _LEAST, width - 13)
    if sign != "~":
        question, answer = question_and_answer(raw_at(workspace, example, revisions[sign == "+"]))
        return [*head, *_both(question, answer, room)]
    before, after = (raw_at(workspace, example, revision) for revision in revisions)
    return [*head, *_edited(before, after, room)]


def _both(question: str, answer: str, room: int) -> _Pieces:
    answer = one_line(answer, max(_LEAST, room // 2))
    question = one_line(question, max(_LEAST, room - len(answer) - 3))
    return [(question, ""), (" → ", "dim"), (answer, "accent")] if answer else [(one_line(question, room), "")]


def _edited(before: bytes, after: bytes, room: int) -> _Pieces:
    """The words of an edited example; what differs stands as before and after."""
    (old_question, old_answer), (question, answer) = question_and_answer(before), question_and_answer(after)
    if old_question == question and old_answer == answer:
        changes = diff.compare_examples(parse(before).value, parse(after).value)
        place = changes[0].location if changes else "other bytes, the same values"
        return [(f"{one_line(place, room // 2)}: ", "accent"), (one_line(question, room // 2 - 2), "")]
    if old_question == question:
        third = max(_LEAST, (room - 5) // 3)
        return [(one_line(question, third), ""), (" → ", "dim"), *_before_and_after(old_answer, answer, third)]
    pieces = _before_and_after(old_question, question, max(_LEAST, (room - 4) // 2 - 5))
    if old_answer != answer:
        return [*pieces, (" → ", "dim"), *_before_and_after(old_answer, answer, _LEAST + 4)]
    return [*pieces, (" → ", "dim"), (one_line(answer, _LEAST + 4), "accent")]


def _before_and_after(old: str, new: str, room: int) -> _Pieces:
    """Two texts, each from shortly before the first word that differs."""
    same = 0
    for span in diff.compare_texts(old[:2000], new[:2000])[:1]:
        same = len(span.text) if span.kind == "equal" else 0
    start = max(0, same - room // 3) if max(len(old), len(new)) > room else 0
    mark = "…" if start else ""
    texts = (one_line(mark + text[start:], room) for text in (old, new))
    removed, added = texts
    return [(f"−{removed}", "delete"), (" ", ""), (f"+{added}", "insert")]
