"""The copies and contradictions of the open workspace: found once in the background, then kept up to date."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.core.duplicates.groups import Group
    from curator.core.duplicates.texts import Scope
    from curator.tui.session.changed import Changed
    from curator.workspace.duplicates.index_by_id import Duplicates
    from curator.workspace.workspace import Workspace

IN_PROCESS = 3_000
"""Up to so many examples are looked at here; more by a child process that stores what it finds."""

AT_ONCE = 500
"""Up to so many changed examples are looked at in passing; more in a thread, while the screen says so."""

COPIES = frozenset({"exact", "normalised", "near"})
"""Kinds whose members may go all at once; contradictions and look-alikes are judged one by one."""

Kind = Literal["conflict", "exact", "normalised", "near", "family"]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Examples that belong together. A conflict's `score` is 0."""

    kind: Kind
    ids: tuple[int, ...]
    score: float = 0.0


Shown = TypeVar("Shown", "DuplicateGroup", "Group")


class DuplicateGroups:
    """`find` first; then `findings(threshold)` while it is `ready`, and `update` after each change.

    What changed is looked at when something is asked: an edit elsewhere costs nothing.
    """

    def __init__(self, workspace: Workspace, scope: Scope = "conversation") -> None:
        self._workspace = workspace
        self._scope = scope
        self._found: Duplicates | None = None
        self._stale: set[int] = set()
        self._everything = False
        self._guard = threading.RLock()
        """Held while something is looked at or told: counting is done in a thread."""

    @property
    def ready(self) -> bool:
        """Whether there is something to show at once."""
        return self._found is not None and not self._everything and len(self._stale) <= AT_ONCE

    async def find(self, report: Callable[[str, float], None]) -> None:
        """Look at all examples, unless that was done; `report` gets a phase and its share done.

        Cancelling the task stops the child. Raises CuratorError where the child failed.
        """
        if self._found is not None:
            report("comparing what changed", 0.0)
            await asyncio.to_thread(self._catch_up)
            return
        duplicates = await asyncio.to_thread(importlib.import_module, "curator.workspace.find_duplicates")
        stored = await asyncio.to_thread(duplicates.load_stored, self._workspace, self._scope)
        if stored is None and len(self._workspace.ids()) > IN_PROCESS:
            await self._run_child(report)
            stored = await asyncio.to_thread(duplicates.load_stored, self._workspace, self._scope)
        self._found = stored or await asyncio.to_thread(duplicates.find_now, self._workspace, self._scope)

    async def _run_child(self, report: Callable[[str, float], None]) -> None:
        command = [
            sys.executable,
            "-m",
            "curator.workspace.find_duplicates",
            str(self._workspace.path),
            self._scope,
        ]
        child = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            assert child.stdout is not None
            async for line in child.stdout:
                told: dict[str, Any] = json.loads(line)
                report(str(told["phase"]), float(told["share"]))
            if await child.wait():
                raise CuratorError("The search for duplicates failed; curator dedup on this workspace says why.")
        finally:
            if child.returncode is None:
                child.terminate()

    def note_change(self, changed: Changed) -> None:
        """Note what changed: each example will be looked at again by itself."""
        if changed.ids is None:
            self._everything = True
        else:
            self._stale |= changed.ids

    def _catch_up(self) -> Duplicates | None:
        """What is found at present."""
        with self._guard:
            found, workspace = self._found, self._workspace
            if found is None or not (self._stale or self._everything):
                return found
            stale, everything = self._stale, self._everything
            self._stale, self._everything = set(), False
            live = set(workspace.ids())
            if everything:
                touched = {row[0] for row in workspace.db.execute("SELECT id FROM example")}
                stale = stale | (set(found.ids) ^ live) | touched
            found.put({i: workspace.raw(i) if i in live else None for i in sorted(stale)})
            return found

    def findings(self, threshold: float) -> list[DuplicateGroup]:
        """Contradictions, then copies from exact to near, then look-alikes; without what was dismissed."""
        with self._guard:
            known = self._catch_up()
            if known is None:
                return []
            order = ("exact", "normalised", "near", "family")
            groups = sorted(known.groups(threshold), key=lambda group: (order.index(group.kind), group.ids[0]))
            found = [DuplicateGroup("conflict", ids) for ids in known.contradicting()]
        found += [DuplicateGroup(cast(Kind, group.kind), group.ids, group.score) for group in groups]
        return list(self._told(found))

    def _told(self, found: Iterable[Shown]) -> Iterator[Shown]:
        """Those that nobody said are none."""
        dismissed = self.dismissed
        return (finding for finding in found if not any(is_covered(finding.ids, d) for d in dismissed))

    def removed(self, threshold: float) -> int:
        """How many copies could go at a threshold; what was dismissed does not count."""
        with self._guard:
            known = self._catch_up()
            groups = known.groups(threshold) if known is not None else []
        return sum(len(group.ids) - 1 for group in self._told(g for g in groups if g.kind in COPIES))

    def similar(self, example: int, most: int = 12) -> list[tuple[int, float]]:
        """The nearest examples with their scores, the nearest first."""
        with self._guard:
            known = self._catch_up()
            return [] if known is None else known.similar(example, most)

    @property
    def dismissed(self) -> list[frozenset[int]]:
        """Groups that a person said are none."""
        return [frozenset(ids) for ids in self._workspace.meta("not_duplicates") or ()]

    def dismiss(self, ids: Iterable[int]) -> None:
        """Remember that these are no copies of each other. Raises CuratorError where that is not saved."""
        kept = [sorted(known) for known in self.dismissed]
        self._workspace.set_meta("not_duplicates", [*kept, sorted(ids)])


def is_covered(ids: tuple[int, ...], dismissed: frozenset[int]) -> bool:
    """Whether a dismissal covers a group; one that has grown since is shown again."""
    return dismissed.issuperset(ids)
