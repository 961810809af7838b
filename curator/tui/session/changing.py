"""The only door to the workspace's mutators. What is few is on the disk before the method returns; of more than
that a thread does the work behind a dialog that tells how far it is, and the method returns None at once."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from curator.errors import CuratorError, Stopped
from curator.tui.session.background import FEW

if TYPE_CHECKING:
    from textual.app import App

    from curator.core.split import Side
    from curator.workspace.exchange.import_files import Import
    from curator.workspace.exchange.merge_source import Comparison
    from curator.workspace.records import Change
    from curator.workspace.workspace import Workspace

Result = TypeVar("Result")
Then = Callable[[], object] | None

BYTES_AT_ONCE, MARKS_AT_ONCE = 1_000, 20_000
"""Examples whose bytes, or whose marks, are changed while everybody waits: some tenths of a second."""
_ORDER_KINDS = frozenset({"add", "delete", "restore", "undo", "redo", "import", "merge"})
FAILURES = (CuratorError, sqlite3.Error, OSError)


@dataclass(frozen=True, slots=True)
class Long:
    """An action that may take its time."""

    words: str
    """What it does, e.g. `Deleting`."""
    count: int
    """Examples that it is about."""
    bytes_too: bool = False
    """Whether it looks at their bytes, not only at their marks."""

    @property
    def takes_time(self) -> bool:
        """Whether a thread does it."""
        return self.count > (BYTES_AT_ONCE if self.bytes_too else MARKS_AT_ONCE)

    @property
    def heading(self) -> str:
        """What it does to how many."""
        return f"{self.words} {self.count:,} examples"


class RunLong(Protocol):
    """Runs a job in a thread while the user waits: `Shell.run_long`."""

    def __call__(
        self, heading: str, job: Callable[[], Result], settled: Callable[[Result | Exception], None]
    ) -> None:
        """Call `settled` with the job's result, or with one of `FAILURES` that ended it."""


class Changing(ABC):
    """The changing half of `Session`."""

    _run_long: RunLong

    app: App[Any]
    workspace: Workspace
    counting: bool
    busy = False
    """While a thread changes the workspace, which keeps everybody else who asks it waiting."""

    @abstractmethod
    def publish(self, ids: Collection[int] | None, order: bool = False) -> None:
        """See Session."""

    @abstractmethod
    def toast(self, text: str, title: str = "") -> None:
        """See Session."""

    @abstractmethod
    def say(self, error: Exception, title: str = "") -> None:
        """See Session."""

    def replace(self, example: int, raw: bytes, label: str = "") -> Change | None:
        """Save an example's new bytes; with a label in words it is told as that."""
        if label:
            return self.do(lambda: self.workspace.changes.replace_many({example: raw}, label))
        return self.do(lambda: self.workspace.changes.replace(example, raw), quiet=True)

    def replace_many(self, raws: dict[int, bytes], label: str, then: Then = None) -> Change | None:
        """Save many examples' new bytes as one change, told as `label`."""
        long = Long("Changing", len(raws), bytes_too=True)
        return self.do(lambda: self.workspace.changes.replace_many(raws, label), long, then=then)

    def edit(self, example: int, location: str, value: object) -> Change | None:
        """Save one value at a location."""
        return self.do(lambda: self.workspace.changes.edit(example, location, value))

    def add(self, raw: bytes, after: int | None) -> Change | None:
        """Add an example after another; its id is the change's only one."""
        return self.do(lambda: self.workspace.changes.add(raw, after), quiet=True)

    def delete(self, ids: Collection[int]) -> Change | None:
        """Delete examples."""
        return self.do(lambda: self.workspace.changes.delete(ids), Long("Deleting", len(ids)))

    def delete_chosen(self, choose: Callable[[], Collection[int]], count: int, then: Then = None) -> Change | None:
        """Delete the examples that `choose` returns, about `count`; it may take its time."""
        long = Long("Deleting", count, bytes_too=True)
        return self.do(lambda: self.workspace.changes.delete(choose()), long, then=then)

    def merge_copies(self, kept: int, copies: Collection[int]) -> Change | None:
        """Delete copies of an example, which takes on what people said of them."""
        return self.do(lambda: self.workspace.changes.merge_copies(kept, copies), Long("Merging", len(copies)))

    def restore(self, ids: Collection[int]) -> Change | None:
        """Bring deleted examples back."""
        return self.do(lambda: self.workspace.changes.restore(ids), Long("Restoring", len(ids)))

    def label(self, ids: Collection[int], label: str, on: bool | None = None) -> Change | None:
        """Put a label on examples or take it off; None: off where all of them have it, else on."""

        def mutate() -> Change:
            put = not self.workspace.ids_with_label(label).issuperset(ids) if on is None else on
            return self.workspace.changes.label(ids, label, put)

        return self.do(mutate, Long("Labelling", len(ids)), quiet=on is not None)

    def rate(self, ids: Collection[int], rating: int | None) -> Change | None:
        """Give 1 to 5 stars, or none."""
        return self.do(lambda: self.workspace.changes.rate(ids, rating), Long("Rating", len(ids)), quiet=True)

    def review(self, ids: Collection[int], state: str | None, quiet: bool = True) -> Change | None:
        """Set the review state: accepted, rejected, flagged or none."""
        return self.do(lambda: self.workspace.changes.review(ids, state), Long("Marking", len(ids)), quiet=quiet)

    def note(self, ids: Collection[int], text: str) -> Change | None:
        """Write a note."""
        return self.do(lambda: self.workspace.changes.note(ids, text), Long("Writing a note on", len(ids)))

    def fix(self, ids: Collection[int], rule: str) -> Change | None:
        """Apply a rule's fix to examples, as one change."""
        return self.do(lambda: self.workspace.changes.fix(ids, rule), Long("Fixing", len(ids), bytes_too=True))

    def split(self, then: Then = None, **options: Any) -> Change | None:
        """Divide into training and validation examples; options are those of `Changes.split`."""
        long = Long("Dividing", len(self.workspace.ids()), bytes_too=True)
        return self.do(lambda: self.workspace.changes.split(**options), long, then=then)

    def pin(self, ids: Collection[int], side: Side | None) -> Change | None:
        """Keep examples on a side whatever is divided later; None lets them go."""
        return self.do(lambda: self.workspace.changes.pin(ids, side), Long("Pinning", len(ids)))

    def take_in(self, made: Import) -> Change | None:
        """Make files that were read part of the workspace."""
        from curator.workspace.exchange import import_files as importer

        return self.do(lambda: importer.commit(self.workspace, made))

    def merge(self, source: int, found: Comparison, then: Then = None) -> Change | None:
        """Bring in what changed in a source's file outside."""
        from curator.workspace.exchange import merge_source as merging

        long = Long("Merging", found.new + len(found.gone))
        return self.do(lambda: merging.merge(self.workspace, source, found), long, then=then)

    def undo(self) -> Change | None:
        """Take the last change back."""
        long = Long("Taking back a change of", _count(self.workspace.changes.undo_size))
        return self.do(self.workspace.changes.undo, long, back=True, nothing="Nothing to undo")

    def redo(self) -> Change | None:
        """Do the change again that was taken back last."""
        long = Long("Doing again a change of", _count(self.workspace.changes.redo_size))
        return self.do(self.workspace.changes.redo, long, back=True, nothing="Nothing to redo")

    def go_back_to(self, revision: int) -> None:
        """Go to the state after a change: undo what came later, or do again what was undone up to it."""

        def settled(done: list[Change] | Exception) -> None:
            if isinstance(done, Exception):
                self._failed(done)
            else:
                self.toast(f"{len(done)} change{'s' * (len(done) != 1)} taken back or done again")
            self.publish(None, order=True)  # what was done before a failure stays done

        long = Long("Taking back or doing again", _count(lambda: self.workspace.changes.undo_to_size(revision)))
        self._run(lambda: self.workspace.changes.undo_to(revision), long, settled)

    def do(
        self,
        mutate: Callable[[], Change | None],
        long: Long | None = None,
        *,
        quiet: bool = False,
        back: bool = False,
        nothing: str = "Nothing to change",
        then: Then = None,
    ) -> Change | None:
        """Make a change and tell everybody. `then` is called after it, also where this returns None since a thread
        works on it."""
        told: list[Change] = []

        def settled(change: Change | Exception | None) -> None:
            if isinstance(change, Exception):
                self._failed(change)
            elif change is None or not (change.examples or back):
                self.toast(nothing)
            else:
                self._done(change, quiet=quiet and not (long and long.takes_time), back=back)
                told.append(change)
                if then is not None:
                    then()

        self._run(mutate, long, settled)
        return told[0] if told else None

    def _run(
        self, job: Callable[[], Result], long: Long | None, settled: Callable[[Result | Exception], None]
    ) -> None:
        """Do it, here or in a thread; then have it settled with the result, or with why there is none."""
        if long is not None and long.takes_time:
            self._run_long(long.heading, job, settled)
            return
        try:
            result: Result | Exception = job()
        except FAILURES as error:
            result = error
        settled(result)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Stopped):
            self.toast(error.message)
        else:
            self.say(error, title="Not saved")

    def _done(self, change: Change, *, quiet: bool, back: bool) -> None:
        if self.counting and len(change.ids) <= FEW:
            self.workspace.count_tokens(change.ids)  # at once, not when a child has come back
        if not quiet:
            self.toast(change.label if back else f"{change.label} · u takes it back")
        self.publish(change.ids or None, order=back or change.kind in _ORDER_KINDS)


def _count(ask: Callable[[], int]) -> int:
    """How much there is to do; where that cannot be read, doing it will say why."""
    try:
        return ask()
    except FAILURES:
        return 0
