"""The changing half of the session: the only code of the UI that calls `workspace.changes`.

A change of few examples is on the disk before the method returns. A change of many runs in a thread behind a
dialog that shows its progress, and the method returns None at once.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from curator.core.text import count_of
from curator.errors import CuratorError, Stopped
from curator.tui.session.background import FEW

if TYPE_CHECKING:
    from textual.app import App

    from curator.workspace.changes.changes import Changes
    from curator.workspace.changes.sides import AnySide
    from curator.workspace.exchange.disagreements import Disagreement, Side
    from curator.workspace.exchange.merge_source import Comparison
    from curator.workspace.exchange.prepared_files import Import
    from curator.workspace.operations.proposed import Proposal
    from curator.workspace.operations.settle import Settled
    from curator.workspace.records import Change, Parted, Twin
    from curator.workspace.workspace import Workspace

Result = TypeVar("Result")
Callback = Callable[[], object] | None
"""Called without arguments once a change has been made; its result is ignored."""

BYTES_AT_ONCE, MARKS_AT_ONCE = 1_000, 20_000
"""Up to so many examples are changed without a thread: their bytes, or only their marks (labels, ratings …).
Either takes some tenths of a second."""
_ORDER_KINDS = frozenset({"accept", "add", "delete", "restore", "undo", "redo", "import", "merge"})
"""Kinds of change after which the lists of examples are made again: examples came, went or moved."""
FAILURES = (CuratorError, sqlite3.Error, OSError)
"""Exceptions of a change that are shown to the user; any other is a fault of the program."""


@dataclass(frozen=True, slots=True)
class LongAction:
    """A change of many examples, which may have to run in a thread."""

    words: str
    """What it does, e.g. `Deleting`."""
    count: int
    """How many examples it changes."""
    bytes_too: bool = False
    """Whether it reads or writes their bytes, not only their marks."""

    @property
    def takes_time(self) -> bool:
        """Whether the action is on so many examples that it runs in a thread, behind a dialog."""
        return self.count > (BYTES_AT_ONCE if self.bytes_too else MARKS_AT_ONCE)

    @property
    def heading(self) -> str:
        """The dialog's title, e.g. `Deleting 50,000 examples`."""
        return f"{self.words} {count_of(self.count)}"


class RunLong(Protocol):
    """Runs a job in a thread while the user waits: `Shell.run_long`."""

    def __call__(
        self, heading: str, job: Callable[[], Result], settled: Callable[[Result | Exception], None]
    ) -> None:
        """Call `settled` with the job's result, or with one of `FAILURES` that ended it."""


class Changing(ABC):
    """The changing half of `Session`: one method for each change that a person can make."""

    _run_long: RunLong

    app: App[Any]
    workspace: Workspace
    counting: bool
    twins: tuple[Twin, ...] = ()
    """The examples that joined the side of a held-out twin by the latest change that made any do so."""
    parted: tuple[Parted, ...] = ()
    """Examples that had joined a held-out twin and went back by the latest edit, as they copy none any more."""
    busy = False
    """True while a thread changes the workspace: any other call of it would wait until that has ended."""

    @abstractmethod
    def publish(self, ids: Collection[int] | None, order: bool = False) -> None:
        """Tell every screen that examples changed. See Session."""

    @abstractmethod
    def toast(self, text: str, title: str = "") -> None:
        """Show a short note. See Session."""

    @abstractmethod
    def say(self, error: Exception, title: str = "") -> None:
        """Show an error. See Session."""

    @property
    def _changes(self) -> Changes:
        return self.workspace.changes

    def replace(self, example: int, raw: bytes, label: str = "") -> Change | None:
        """Save an example's new bytes; a `label` (words for the history) is shown in a toast."""
        if label:
            return self.do(lambda: self._changes.replace_many({example: raw}, label))
        return self.do(lambda: self._changes.replace(example, raw), quiet=True)

    def replace_many(self, raws: dict[int, bytes], label: str, then: Callback = None) -> Change | None:
        """Save many examples' new bytes as one change with the words `label`."""
        long = LongAction("Changing", len(raws), bytes_too=True)
        return self.do(lambda: self._changes.replace_many(raws, label), long, then=then)

    def edit(self, example: int, location: str, value: object) -> Change | None:
        """Save one value of an example, e.g. at `messages[0].content`."""
        return self.do(lambda: self._changes.edit(example, location, value))

    def add(self, raw: bytes, after: int | None) -> Change | None:
        """Add an example after another (None: at the end); the change's only id is the new example's."""
        return self.do(lambda: self._changes.add(raw, after), quiet=True)

    def add_many(self, raws: list[bytes], label: str) -> Change | None:
        """Add examples at the end as one change with the words `label`."""
        long = LongAction("Adding", len(raws), bytes_too=True)
        return self.do(lambda: self._changes.add_many(raws, None, label), long)

    def delete(self, ids: Collection[int]) -> Change | None:
        """Delete examples."""
        return self.do(lambda: self._changes.delete(ids), LongAction("Deleting", len(ids)))

    def delete_chosen(
        self, choose: Callable[[], Collection[int]], count: int, then: Callback = None
    ) -> Change | None:
        """Delete the examples that `choose` returns, about `count` of them; `choose` may be slow."""
        long = LongAction("Deleting", count, bytes_too=True)
        return self.do(lambda: self._changes.delete(choose()), long, then=then)

    def merge_copies(self, example: int, copies: Collection[int]) -> Change | None:
        """Delete the copies of an example and add their labels, ratings and notes to it."""
        return self.do(lambda: self._changes.merge_copies(example, copies), LongAction("Merging", len(copies)))

    def restore(self, ids: Collection[int]) -> Change | None:
        """Bring deleted examples back."""
        return self.do(lambda: self._changes.restore(ids), LongAction("Restoring", len(ids)))

    def label(self, ids: Collection[int], label: str, on: bool | None = None) -> Change | None:
        """Put a label on examples or take it off; with None off where all of them have it, else on."""

        def mutate() -> Change:
            put = not self.workspace.ids_with_label(label).issuperset(ids) if on is None else on
            return self._changes.label(ids, label, put)

        return self.do(mutate, LongAction("Labelling", len(ids)), quiet=on is not None)

    def rate(self, ids: Collection[int], rating: int | None) -> Change | None:
        """Give 1 to 5 stars, or none."""
        return self.do(lambda: self._changes.rate(ids, rating), LongAction("Rating", len(ids)), quiet=True)

    def review(self, ids: Collection[int], state: str | None, quiet: bool = True) -> Change | None:
        """Set the review state: accepted, rejected, flagged or none."""
        return self.do(lambda: self._changes.review(ids, state), LongAction("Marking", len(ids)), quiet=quiet)

    def note(self, ids: Collection[int], text: str, then: Callback = None) -> Change | None:
        """Write a note."""
        long = LongAction("Writing a note on", len(ids))
        return self.do(lambda: self._changes.note(ids, text), long, then=then)

    def note_quietly(self, ids: Collection[int], text: str) -> Change | None:
        """As `note`, without a toast."""
        return self.do(
            lambda: self._changes.note(ids, text), LongAction("Writing a note on", len(ids)), quiet=True
        )

    def accept_answer(self, example: int, text: str, on: bool) -> Change | None:
        """Accept a further right answer for the prompt of an example, or take that back."""
        return self.do(lambda: self._changes.accept_answers({example: (text,)}, on))

    def fix(self, ids: Collection[int], rule: str, *, safe_only: bool = False) -> Change | None:
        """Apply a rule's fix to examples, as one change; with `safe_only` only where it is safe."""
        long = LongAction("Fixing", len(ids), bytes_too=True)
        return self.do(lambda: self._changes.fix(ids, rule, safe_only=safe_only), long)

    def split(self, then: Callback = None, **options: Any) -> Change | None:
        """Divide into training and validation examples; options are those of `Changes.split`."""
        long = LongAction("Dividing", len(self.workspace.ids()), bytes_too=True)
        return self.do(lambda: self._changes.split(**options), long, then=then)

    def keep_twins_held_out(self) -> None:
        """Pin the examples that joined a held-out twin last to its side, so that no later split moves them; or
        those that left it by the latest edit."""
        sides = [(each.example, each.held_out) for each in self.parted]
        sides = sides or [(twin.example, twin.side) for twin in self.twins]
        self.twins = self.parted = ()
        if not sides:
            self.toast("No example has joined the held-out ones")
            return
        for side in dict.fromkeys(side for _, side in sides):
            ids = [example for example, its_side in sides if its_side == side]
            self.do(lambda ids=ids, side=side: self._changes.pin(ids, side))  # type: ignore[misc]

    def train_twins(self) -> None:
        """Put the examples that joined a held-out twin last, and the twins, into training; say what the held-out
        sides lose."""
        from curator.tui.session.yardstick_words import loss_words  # heavy: the scores

        twins, self.twins = self.twins, ()
        if not twins:
            self.toast("No example has joined the held-out ones")
            return
        before = self.workspace.counts()
        ids = [*dict.fromkeys(i for twin in twins for i in (twin.twin, twin.example))]
        if self.do(lambda: self._changes.assign(ids, "train"), quiet=True) is None:
            return
        after = self.workspace.counts()
        words = ["Moved to training with its twin."]
        for side, joined in Counter(twin.side for twin in twins).items():
            words.append(loss_words(side, getattr(before, side) - joined, getattr(after, side)))
        self.toast(" ".join([*words, "u takes it back."]))

    def pin(self, ids: Collection[int], side: AnySide | None) -> Change | None:
        """Fix examples to one side of every later split; None releases them."""
        return self.do(lambda: self._changes.pin(ids, side), LongAction("Pinning", len(ids)))

    def take_in(self, prepared: Import) -> Change | None:
        """Make files that `import_files.prepare` has read part of the workspace."""
        from curator.workspace.exchange import import_files  # heavy

        return self.do(lambda: import_files.commit(self.workspace, prepared))

    def merge(self, source: int, comparison: Comparison, then: Callback = None) -> Change | None:
        """Bring in what another program changed in the file of a source, as `merge_source.compare` found it."""
        from curator.workspace.exchange import merge_source  # heavy

        long = LongAction("Merging", comparison.new + len(comparison.removed_ids))
        return self.do(lambda: merge_source.merge(self.workspace, source, comparison), long, then=then)

    def accept_proposals(
        self, proposals: Sequence[Proposal], then: Callable[[Settled], object], **options: Any
    ) -> None:
        """Apply proposals as one change; options are those of `settle.accept`. `then` gets what came of it."""
        from curator.workspace.operations.settle import accept  # heavy

        ids = [proposal.id for proposal in proposals]
        count = sum(max(1, len(proposal.targets)) for proposal in proposals)
        long = LongAction("Accepting changes of", count, bytes_too=True)
        self._settle(lambda: accept(self.workspace, ids, **options), long, then)

    def reject_proposals(self, proposals: Sequence[Proposal], then: Callable[[Settled], object]) -> None:
        """Reject proposals, as one change. `then` gets what came of it."""
        from curator.workspace.operations.settle import reject  # heavy

        ids = [proposal.id for proposal in proposals]
        self._settle(lambda: reject(self.workspace, ids), None, then)

    def _settle(
        self, decide: Callable[[], Settled], long: LongAction | None, then: Callable[[Settled], object]
    ) -> None:
        def settled(result: Settled | Exception) -> None:
            if isinstance(result, Exception):
                self._failed(result)
                return
            if result.change is not None:
                self._done(result.change, quiet=False, back=False)
            then(result)

        self._run(decide, long, settled)

    def decide(self, disagreement: Disagreement, side: Side, then: Callback = None) -> Change | None:
        """Give an example the judgement of one side, after two people differed; the history says who decided."""
        from curator.workspace.exchange.disagreements import decide, name_of_user  # heavy

        return self.do(lambda: decide(self.workspace, [(disagreement, side)], name_of_user()), then=then)

    def undo(self) -> Change | None:
        """Undo the last change."""
        long = LongAction("Taking back a change of", _count(self._changes.undo_size))
        return self.do(self._changes.undo, long, back=True, nothing="Nothing to undo")

    def redo(self) -> Change | None:
        """Redo the change that was undone last."""
        long = LongAction("Doing again a change of", _count(self._changes.redo_size))
        return self.do(self._changes.redo, long, back=True, nothing="Nothing to redo")

    def go_back_to(self, revision: int) -> None:
        """Go to the state after the change with the id `revision`: undo later changes, or redo up to it."""

        def settled(result: list[Change] | Exception) -> None:
            if isinstance(result, Exception):
                self._failed(result)
            else:
                self.toast(f"{len(result)} change{'s' * (len(result) != 1)} taken back or done again")
            self.publish(None, order=True)  # also after a failure: the changes before it remain

        long = LongAction("Taking back or doing again", _count(lambda: self._changes.undo_to_size(revision)))
        self._run(lambda: self._changes.undo_to(revision), long, settled)

    def restore_to(self, revision: int, then: Callback = None) -> Change | None:
        """Give all examples the bytes, side and review that they had after a revision, as one change."""
        long = LongAction("Going back to", _count(lambda: self._changes.undo_to_size(revision)), bytes_too=True)
        same = "The data is as it was then"
        return self.do(lambda: self._changes.restore_to(revision), long, nothing=same, then=then)

    def do(
        self,
        mutate: Callable[[], Change | None],
        long: LongAction | None = None,
        *,
        quiet: bool = False,
        back: bool = False,
        nothing: str = "Nothing to change",
        then: Callback = None,
    ) -> Change | None:
        """Make a change and tell every screen of it.

        `mutate` makes it; if it returns None there was nothing to change, and `nothing` is shown. `long` decides
        whether a thread runs it. `quiet` leaves the toast out, but not after a long change. `back` is for undo and
        redo. `then` is called once the change is made, also where this returns None because a thread makes it.
        """
        changes: list[Change] = []
        """The change, once it is made; empty while a thread works and after a failure."""

        def settled(change: Change | Exception | None) -> None:
            if isinstance(change, Exception):
                self._failed(change)
            elif change is None or not (change.examples or back):
                self.toast(nothing)
            else:
                self._done(change, quiet=quiet and not (long and long.takes_time), back=back)
                changes.append(change)
                if then is not None:
                    then()

        self._run(mutate, long, settled)
        return changes[0] if changes else None

    def _run(
        self, job: Callable[[], Result], long: LongAction | None, settled: Callable[[Result | Exception], None]
    ) -> None:
        """Run a job, here or in a thread; then call `settled` with its result or the exception that ended it."""
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
        self.parted = change.parted
        if change.parted:
            self.toast(_parted_words(change.parted))
        elif change.twins:
            self.twins = change.twins
            self.toast(_twin_words(change.twins))
        elif not quiet:
            self.toast(change.label if back else f"{change.label} · u takes it back")
        self.publish(change.ids or None, order=back or change.kind in _ORDER_KINDS)


def _twin_words(twins: tuple[Twin, ...]) -> str:
    """The sentence about examples that joined the side of held-out ones, and the keys that undo that."""
    first = twins[0]
    keys = "K keeps it so in every split, M trains on both instead"
    if len(twins) == 1:
        return f"Held out ({first.side}): it copies example {first.twin} there, or asks the same. {keys}."
    held = count_of(len(twins), "example is held out: it", "examples are held out: each")
    return f"{held} is like one that is held out already. {keys}."


def _parted_words(parted: tuple[Parted, ...]) -> str:
    """The sentence about examples that went back, as they copy no held-out one any more."""
    if len(parted) == 1:
        return f"Back to training: example {parted[0].example} copies no held-out one any more. K holds it out."
    return f"Back to training: {len(parted):,} examples copy no held-out one any more. K holds them out."


def _count(count_examples: Callable[[], int]) -> int:
    """How many examples a change will touch; 0 where that cannot be read: making the change then shows why."""
    try:
        return count_examples()
    except FAILURES:
        return 0
