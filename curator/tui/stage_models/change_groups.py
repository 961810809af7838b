"""The changes of the history, those of one kind in one sitting as one group: "Edited 41 examples, 14:02–14:30"."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.core.text import count_of

if TYPE_CHECKING:
    from curator.workspace.records import Change

PAUSE = 1_800.0
"""Seconds without a change of the kind that end a group."""
LEAST = 3
"""Fewest changes that are shown as a group."""
_VERBS = {
    "edit": "Edited",
    "add": "Added",
    "delete": "Deleted",
    "restore": "Restored",
    "label": "Labelled",
    "rate": "Rated",
    "review": "Reviewed",
    "note": "Wrote notes on",
    "fix": "Fixed",
}
"""The verb of a group by the kind of its changes; other kinds are never grouped."""


@dataclass(frozen=True)
class ChangeGroup:
    """Changes that are shown together, newest first; one of them alone is shown as it is."""

    members: tuple[Change, ...]

    @property
    def newest(self) -> Change:
        """The latest change."""
        return self.members[0]

    @property
    def grouped(self) -> bool:
        """Whether it is shown in one line, which can be opened."""
        return len(self.members) >= LEAST

    @property
    def words(self) -> str:
        """What was done in all, and from when to when."""
        ids = {example for change in self.members for example in change.ids}
        examples = len(ids) or sum(change.examples for change in self.members)
        first, last = (_clock(change.created_at) for change in (self.members[-1], self.members[0]))
        span = first if first == last else f"{first}–{last}"
        return f"{_VERBS[self.newest.kind]} {count_of(examples)}, {span}, {len(self.members):,} changes"


def group_changes(changes: Iterable[Change]) -> list[ChangeGroup]:
    """Changes, newest first, in groups of one kind and state without a long pause between two."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups and _belongs(groups[-1][-1], change):
            groups[-1].append(change)
        else:
            groups.append([change])
    result = []
    for group in groups:
        result += [ChangeGroup(tuple(group))] if len(group) >= LEAST else [ChangeGroup((each,)) for each in group]
    return result


def _belongs(later: Change, earlier: Change) -> bool:
    same = later.kind == earlier.kind and later.undone == earlier.undone
    return same and later.kind in _VERBS and 0 <= later.created_at - earlier.created_at <= PAUSE


def matching(changes: Sequence[Change], words: str) -> list[Change]:
    """The changes whose words hold all of some words, in any order and case."""
    needles = words.casefold().split()
    return [change for change in changes if all(word in change.label.casefold() for word in needles)]


def _clock(moment: float) -> str:
    return time.strftime("%H:%M", time.localtime(moment))
