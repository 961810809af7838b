"""Groups of duplicates and contradictions in the open workspace: searched once, then kept up to date."""

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
"""Up to so many examples are compared in this process; more in a child process, which stores its result."""

AT_ONCE = 500
"""Up to so many changed examples are compared again at once; more in a thread, while the screen says so."""

PORTION = 5_000
"""So many changed examples are compared again between two looks whether to go on."""

COPIES = frozenset({"exact", "normalised", "near"})
"""Kinds that may be deleted all at once; contradictions and look-alikes are decided one by one."""

Kind = Literal["conflict", "exact", "normalised", "near", "family"]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Ids of similar examples; `score` is the least similarity of any pair, 0 to 100 (a conflict has 0)."""

    kind: Kind
    ids: tuple[int, ...]
    score: float = 0.0


AnyGroup = TypeVar("AnyGroup", "DuplicateGroup", "Group")


class DuplicateGroups:
    """Call `find` first; then `findings(threshold)` while it is `ready`, and `update` after each change.

    Changed examples are compared again when the groups are read next: edits on other stages cost nothing.
    """

    def __init__(self, workspace: Workspace, scope: Scope = "conversation") -> None:
        self._workspace = workspace
        self._scope = scope
        self._index: Duplicates | None = None
        """Fingerprints of all examples; None before `find`."""
        self._stale: set[int] = set()
        """Ids of the examples that have to be compared again."""
        self._all_stale = False
        self._guard = threading.RLock()
        """Held while the index is read or written: groups are counted in a thread."""

    @property
    def ready(self) -> bool:
        """Whether the groups can be read without a wait."""
        return self._index is not None and not self._all_stale and len(self._stale) <= AT_ONCE

    async def find(self, report: Callable[[str, float], None]) -> None:
        """Compare all examples, or those that changed since the last time.

        `report` gets the name of a phase and the share of it that is done, 0 to 1. Cancelling the task stops the
        child process. Raises CuratorError where the child failed.
        """
        if self._index is not None:
            await self._catch_up_in_thread(report)
            return
        duplicates = await asyncio.to_thread(importlib.import_module, "curator.workspace.find_duplicates")
        stored = await asyncio.to_thread(duplicates.load_stored, self._workspace, self._scope)
        if stored is None and len(self._workspace.ids()) > IN_PROCESS:
            await self._run_child(report)
            stored = await asyncio.to_thread(duplicates.load_stored, self._workspace, self._scope)
        self._index = stored or await asyncio.to_thread(duplicates.find_now, self._workspace, self._scope)

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
                progress: dict[str, Any] = json.loads(line)
                report(str(progress["phase"]), float(progress["share"]))
            if await child.wait():
                raise CuratorError("The search for duplicates failed; curator dedup on this workspace says why.")
        finally:
            if child.returncode is None:
                child.terminate()

    def note_change(self, changed: Changed) -> None:
        """Note which examples changed, to compare them again later."""
        if changed.ids is None:
            self._all_stale = True
        else:
            self._stale |= changed.ids

    async def _catch_up_in_thread(self, report: Callable[[str, float], None]) -> None:
        """Compare what changed; a task that is cancelled leaves the rest for the next time."""
        phase, loop, stopped = "comparing what changed", asyncio.get_running_loop(), threading.Event()

        def goes_on(share: float) -> bool:
            loop.call_soon_threadsafe(report, phase, share)
            return not stopped.is_set()

        report(phase, 0.0)
        try:
            await asyncio.to_thread(self._catch_up, goes_on)
        except asyncio.CancelledError:
            stopped.set()
            raise

    def _catch_up(self, goes_on: Callable[[float], bool] = lambda _: True) -> Duplicates | None:
        """Compare the changed examples again and return the index, None before `find`.

        `goes_on` gets the share that is done; where it says no, the rest stays to be compared.
        """
        with self._guard:
            index, workspace = self._index, self._workspace
            if index is None or not (self._stale or self._all_stale):
                return index
            live = set(workspace.ids())
            if self._all_stale:
                self._all_stale = False
                touched = {row[0] for row in workspace.db.execute("SELECT id FROM example")}
                self._stale |= (set(index.ids) ^ live) | touched
            waiting = sorted(self._stale)
            for start in range(0, len(waiting), PORTION):
                if not goes_on(start / len(waiting)):
                    break
                portion = waiting[start : start + PORTION]
                self._stale.difference_update(portion)  # before they are read: they may change again meanwhile
                index.put(self._raws(portion, live))
            return index

    def _raws(self, ids: list[int], live: set[int]) -> dict[int, bytes | None]:
        """The bytes of examples, None for those that are not `live`."""
        with self._workspace.guard:
            raws = dict(self._workspace.stored.raws([example for example in ids if example in live]))
        return {example: raws.get(example) for example in ids}

    def groups(self, threshold: float) -> list[DuplicateGroup]:
        """Contradictions, then copies from exact to near, then look-alikes; without dismissed groups.

        `threshold` is the similarity, 0 to 100, from which on examples count as near copies.
        """
        with self._guard:
            index = self._catch_up()
            if index is None:
                return []
            order = ("exact", "normalised", "near", "family")
            copies = sorted(index.groups(threshold), key=lambda group: (order.index(group.kind), group.ids[0]))
            groups = [DuplicateGroup("conflict", ids) for ids in index.contradicting()]
        groups += [DuplicateGroup(cast(Kind, group.kind), group.ids, group.score) for group in copies]
        return list(self._without_dismissed(groups))

    def _without_dismissed(self, groups: Iterable[AnyGroup]) -> Iterator[AnyGroup]:
        """Without the groups that a person dismissed."""
        dismissed = self.dismissed
        return (group for group in groups if not any(is_covered(group.ids, ids) for ids in dismissed))

    def count_removable(self, threshold: float) -> int:
        """How many copies could be deleted at a threshold: all but one of each group that is not dismissed."""
        with self._guard:
            index = self._catch_up()
            groups = index.groups(threshold) if index is not None else []
        copies = self._without_dismissed(group for group in groups if group.kind in COPIES)
        return sum(len(group.ids) - 1 for group in copies)

    def similar(self, example: int, most: int = 12) -> list[tuple[int, float]]:
        """Up to `most` examples that are most similar to one, with their scores (0 to 100), best first."""
        with self._guard:
            index = self._catch_up()
            return [] if index is None else index.similar(example, most)

    @property
    def dismissed(self) -> list[frozenset[int]]:
        """The ids of each group that a person declared to be no duplicates."""
        return [frozenset(ids) for ids in self._workspace.meta("not_duplicates") or ()]

    def dismiss(self, ids: Iterable[int]) -> None:
        """Remember that these are no copies of each other. Raises NotSaved."""
        groups = [sorted(group) for group in self.dismissed]
        self._workspace.set_meta("not_duplicates", [*groups, sorted(ids)])


def is_covered(ids: tuple[int, ...], dismissed: frozenset[int]) -> bool:
    """Whether a dismissal covers a group; a group that has got another member since is shown again."""
    return dismissed.issuperset(ids)
