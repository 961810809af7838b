"""The copies and contradictions of the open workspace: found once in the background, then kept up to date."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.core.duplicates.groups import Group
    from curator.core.duplicates.texts import Scope
    from curator.tui.session import Changed
    from curator.workspace.duplicates import Duplicates
    from curator.workspace.workspace import Workspace

IN_PROCESS = 3_000
"""Up to so many examples are looked at here; more by a child process that stores what it finds."""

COPIES = frozenset({"exact", "normalised", "near"})
"""Kinds whose members may go all at once; contradictions and look-alikes are judged one by one."""

Kind = Literal["conflict", "exact", "normalised", "near", "family"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Examples that belong together. A conflict's `score` is 0."""

    kind: Kind
    ids: tuple[int, ...]
    score: float = 0.0


Shown = TypeVar("Shown", "Finding", "Group")


class Copies:
    """`find` first; then `findings(threshold)` at any time, and `update` after each change."""

    def __init__(self, workspace: Workspace, scope: Scope = "conversation") -> None:
        self._workspace = workspace
        self._scope = scope
        self._found: Duplicates | None = None
        self._stale: set[int] = set()
        self._everything = False

    @property
    def ready(self) -> bool:
        """Whether there is something to show."""
        return self._found is not None

    async def find(self, report: Callable[[str, float], None]) -> None:
        """Look at all examples, unless that was done; `report` gets a phase and its share done.

        Cancelling the task stops the child. Raises CuratorError where the child failed.
        """
        if self._found is not None:
            return
        duplicates = await asyncio.to_thread(importlib.import_module, "curator.workspace.duplicates")
        stored = await asyncio.to_thread(duplicates.stored_for, self._workspace, self._scope)
        if stored is None and len(self._workspace.ids()) > IN_PROCESS:
            await self._run_child(report)
            stored = await asyncio.to_thread(duplicates.stored_for, self._workspace, self._scope)
        self._found = stored or await asyncio.to_thread(duplicates.of_workspace, self._workspace, self._scope)
        self._catch_up()

    async def _run_child(self, report: Callable[[str, float], None]) -> None:
        command = [sys.executable, "-m", "curator.workspace.duplicates", str(self._workspace.path), self._scope]
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

    def update(self, changed: Changed) -> None:
        """Take up what changed: each example is looked at again by itself."""
        if changed.ids is None:
            self._everything = True
        else:
            self._stale |= changed.ids
        self._catch_up()

    def _catch_up(self) -> None:
        found, workspace = self._found, self._workspace
        if found is None:
            return
        live = set(workspace.ids())
        if self._everything:
            known = set(found.ids)
            self._stale |= known ^ live | {row[0] for row in workspace.db.execute("SELECT id FROM example")}
        for example in sorted(self._stale):
            found.put(example, workspace.raw(example) if example in live else None)
        self._stale, self._everything = set(), False

    def findings(self, threshold: float) -> list[Finding]:
        """Contradictions, then copies from exact to near, then look-alikes; without what was dismissed."""
        if self._found is None:
            return []
        order = ("exact", "normalised", "near", "family")
        groups = sorted(self._found.groups(threshold), key=lambda group: (order.index(group.kind), group.ids[0]))
        found = [Finding("conflict", ids) for ids in self._found.contradicting()]
        found += [Finding(cast(Kind, group.kind), group.ids, group.score) for group in groups]
        return list(self._told(found))

    def _told(self, found: Iterable[Shown]) -> Iterator[Shown]:
        """Those that nobody said are none."""
        dismissed = self.dismissed
        return (finding for finding in found if not any(dismissed_by(finding.ids, d) for d in dismissed))

    def removed(self, threshold: float) -> int:
        """How many copies could go at a threshold; what was dismissed does not count."""
        groups = self._found.groups(threshold) if self._found is not None else []
        return sum(len(group.ids) - 1 for group in self._told(g for g in groups if g.kind in COPIES))

    def similar(self, example: int, most: int = 12) -> list[tuple[int, float]]:
        """The nearest examples with their scores, the nearest first."""
        return [] if self._found is None else self._found.similar(example, most)

    @property
    def dismissed(self) -> list[frozenset[int]]:
        """Groups that a person said are none."""
        return [frozenset(ids) for ids in self._workspace.meta("not_duplicates") or ()]

    def dismiss(self, ids: Iterable[int]) -> None:
        """Remember that these are no copies of each other. Raises CuratorError where that is not saved."""
        kept = [sorted(known) for known in self.dismissed]
        self._workspace.set_meta("not_duplicates", [*kept, sorted(ids)])


def dismissed_by(ids: tuple[int, ...], dismissed: frozenset[int]) -> bool:
    """Whether a dismissal covers a group; one that has grown since is shown again."""
    return dismissed.issuperset(ids)
