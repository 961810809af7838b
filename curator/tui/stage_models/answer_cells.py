"""What the list shows of an answer: the first of a group tells how many give it, a contradiction what differs."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix
from typing import TYPE_CHECKING

from rich.cells import cell_len

from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.stage_models.list_columns import AnswerCell
from curator.tui.stage_models.other_example import CONTRADICTION, other_example

if TYPE_CHECKING:
    from curator.workspace.records import Row
    from curator.workspace.search.view import View
    from curator.workspace.workspace import Workspace

SAME = "″"
"""Stands for the answer of the line above."""
BEFORE = 8
"""Characters shown before the first word that differs."""


class AnswerCells:
    """Chooses what is shown of answers, and remembers it for contradictions, for which it reads two examples."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._differing: dict[int, AnswerCell | None] = {}

    def forget(self) -> None:
        """Examples or widths have changed."""
        self._differing.clear()

    def choose(self, row: Row, view: View, index: int, width: int, *, is_first: bool) -> AnswerCell | None:
        """What is shown in place of the beginning of an answer, in a column of `width` cells; None: nothing else.

        `index` is the example's place in the view; `is_first` says that it is the first on the screen.
        """
        if view.group_starts:
            return grouped_cell(row, view, index, is_first)
        if row.conflict and row.id not in self._differing:
            self._differing[row.id] = differing_cell(row, self._workspace, width)
        return self._differing.get(row.id)


def grouped_cell(row: Row, view: View, index: int, is_first_on_screen: bool) -> AnswerCell | None:
    """The answer of the example at an index of a view that is sorted by answer; None in any other view.

    The first line of a group, also the first on the screen, shows the answer and how many examples give it.
    """
    group = view.group_at(index)
    if len(group) <= 1:
        return None
    if index == group.start or is_first_on_screen:
        return AnswerCell(
            row.answer or "(no answer)", "list--warning" if row.conflict else None, f" ×{len(group):,}"
        )
    return AnswerCell(f"  {SAME}", "list--dim")


def differing_cell(row: Row, workspace: Workspace, width: int) -> AnswerCell | None:
    """The part of a contradiction's answer that its opponent does not say; None where the whole answer fits."""
    if not row.conflict or cell_len(one_line(row.answer)) <= width:
        return None
    try:
        problems = workspace.problems(row.id)
        other = next((other_example(each) for each in problems if each.rule == CONTRADICTION), None)
        if other is None:
            return None
        own, others = (_answer_of(workspace, example) for example in (row.id, other))
    except CuratorError:
        return None
    begins = _first_difference(own, others)
    if begins <= BEFORE:
        return None
    return AnswerCell(f"…{own[begins - BEFORE : begins + width]}", "list--warning")


def _answer_of(workspace: Workspace, example: int) -> str:
    return prompt_and_answer(workspace.record(example).example.value)[1] or ""


def _first_difference(text: str, other: str) -> int:
    """Where the first word begins that two texts do not share."""
    at = len(commonprefix([text, other]))
    while at and not text[at - 1].isspace():
        at -= 1
    return at


def next_group(view: View, index: int, step: int) -> int:
    """The index where the next group of answers begins (step 1), or this one or the one before (-1)."""
    group = view.group_at(index)
    if not group:
        return index
    if step > 0:
        return min(group.stop, len(view.ids) - 1)
    return group.start if index > group.start else _start_of_one_before(view, group)


def _start_of_one_before(view: View, group: Sequence[int]) -> int:
    return view.group_at(group[0] - 1).start if group[0] else 0
