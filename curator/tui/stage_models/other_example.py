"""Which other example a problem is about, and what that one answers: contradictions and copies name one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line
from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.core.problem import Problem
    from curator.workspace.workspace import Workspace

CONTRADICTION = "conflicting_answers"
"""The rule that finds another answer to the same prompt."""
NAMES_ANOTHER = {
    CONTRADICTION: re.compile(r"(?:line|example) (\d+) answers the same prompt otherwise"),
    "duplicate_example": re.compile(r"the same as (?:line|example) (\d+)"),
}
"""By rule: its message, with the id of the other example."""
ANSWER = 80
"""Most characters of the other example's answer that are quoted."""


def other_example(problem: Problem) -> int | None:
    """The id of the example that a problem names beside its own; None where it names none."""
    pattern = NAMES_ANOTHER.get(problem.rule)
    named = pattern.match(problem.message) if pattern is not None else None
    return int(named[1]) if named else None


def with_other_answers(problems: Iterable[Problem], workspace: Workspace) -> list[Problem]:
    """The problems; a contradiction also quotes what the other example answers."""
    return [_quoting(problem, workspace) for problem in problems]


def _quoting(problem: Problem, workspace: Workspace) -> Problem:
    other = other_example(problem)
    if other is None or problem.rule != CONTRADICTION:
        return problem
    try:
        _, answer = prompt_and_answer(workspace.record(other).example.value)
    except CuratorError:
        return problem
    return replace(problem, message=f"{problem.message}: {one_line(answer or '', ANSWER)}")
