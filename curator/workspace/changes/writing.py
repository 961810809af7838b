"""The writing side's ground: what every mutator does first and last, and the mutators that change bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from curator.core import rules, splice
from curator.core.example import MAX_LINE_BYTES, format_path, parse, parse_path
from curator.core.example import Path as Location
from curator.core.text import count_of, one_line
from curator.errors import CuratorError, NotSaved, UsageError
from curator.workspace.analysis.current_results import Derived
from curator.workspace.meter import Tell
from curator.workspace.records import Change
from curator.workspace.storage.examples import Stored
from curator.workspace.storage.id_mask import Chosen
from curator.workspace.storage.journal import REVISION, Journal, Part

STATES = ("accepted", "rejected", "flagged")
MAX_LABEL = 100


class Edits:
    """Mutators that change an example's bytes. They raise NotSaved (nothing kept) or CuratorError (refused)."""

    path: Path
    read_only: bool
    holder: str
    guard: threading.RLock
    journal: Journal
    stored: Stored
    derived: Derived

    def edit(self, example: int, location: str | Location, value: Any) -> Change:
        """Set one value inside an example, e.g. at `messages[2].content`; all other bytes stay.

        A new last key or list index is appended. Raises CuratorError where the location leads nowhere.
        """
        path = _location(location)

        def change(raw: bytes) -> bytes:
            return splice.set_value(raw, path, value)

        return self._rewrite("edit", [example], change, f"Edited {format_path(path) or 'everything'} of {{}}")

    def edit_many(self, ids: Iterable[int], location: str | Location, value: Any) -> Change:
        """As `edit`, at the same location of many examples, as one change."""
        path = _location(location)
        words = f"Edited {format_path(path) or 'everything'} of {{}}"
        return self._rewrite("edit", list(ids), lambda raw: splice.set_value(raw, path, value), words)

    def remove(self, example: int, location: str | Location) -> Change:
        """Take a key or a list item out of an example."""
        path = _location(location)
        words = f"Removed {format_path(path)} of {{}}"
        return self._rewrite("edit", [example], lambda raw: splice.remove(raw, path), words)

    def insert(self, example: int, location: str | Location, value: Any) -> Change:
        """Insert a value before a list index of an example (the length appends)."""
        path = _location(location)
        words = f"Inserted {format_path(path)} into {{}}"
        return self._rewrite("edit", [example], lambda raw: splice.insert(raw, path, value), words)

    def replace(self, example: int, raw: bytes) -> Change:
        """Give an example new bytes as a whole; they may be broken JSON, but must be one line."""
        one_record(raw)
        return self._rewrite("edit", [example], lambda _: raw, "Edited {}")

    def replace_many(self, raws: dict[int, bytes], label: str) -> Change:
        """Give many examples new bytes as one change with a label in words."""
        for raw in raws.values():
            one_record(raw)
        return self._write("edit", label, list(raws), lambda example, _: raws[example])

    def fix(self, ids: Iterable[int], rule: str | None = None) -> Change:
        """Apply a rule's fix (None: every safe one) wherever it applies to these examples, as one change.

        Raises UsageError for a rule that does not exist or has no fix.
        """
        if rule is not None and (rule not in rules.REGISTRY or rules.REGISTRY[rule].fix is None):
            raise UsageError(f"'{one_line(rule)}' is no rule with a fix")
        context = self.derived.analyst.context

        def change(_: int, raw: bytes) -> bytes:
            if rule is not None:
                return rules.fix(parse(raw), rule, context) or raw
            return rules.fix_all(parse(raw), context)[0]

        words = f"Fixed {rule or 'all that is safe to fix'} in {{}}"
        return self._write("fix", words, list(ids), change)

    def _rewrite(self, kind: str, ids: Sequence[int], change: Callable[[bytes], bytes], words: str) -> Change:
        def rewrite(_: int, raw: bytes) -> bytes:
            try:
                return change(raw)
            except (LookupError, ValueError) as error:
                raise CuratorError(f"cannot edit: {error.args[0] if error.args else error}") from error

        return self._write(kind, words, ids, rewrite)

    def _write(self, kind: str, words: str, ids: Sequence[int], change: Callable[[int, bytes], bytes]) -> Change:
        """Give examples new bytes; those that stay the same are left alone."""
        with self.guard:
            wanted = self._ready(ids)
            parts: list[Part] = []
            touched = self.stored.touched(wanted)
            for example, old in self.journal.meter.over("Changing", self.stored.raws(wanted), len(wanted)):
                new = change(example, old)
                if new == old:
                    continue
                if len(new) > MAX_LINE_BYTES:
                    raise CuratorError(f"an example is at most {MAX_LINE_BYTES // 2**20} MB long")
                row = touched.get(example)
                parts.append(Part(example, "raw", row.raw if row is not None else None, new))
                parts.append(Part(example, "version", row.version if row is not None else 0, REVISION))
            changed = [p.example for p in parts[::2]]
            label = self._words(words, changed)
            done = self.journal.commit(kind, label, parts, examples=len(changed))
            self._changed(changed, False)
            return done

    @contextmanager
    def watched(self, tell: Tell) -> Iterator[None]:
        """Tell how far the action inside is; what `tell` raises ends it and leaves everything as it was."""
        with self.guard, self.journal.meter.watched(tell):
            yield

    def require_writer(self) -> None:
        """Raise NotSaved where this instance may only read."""
        if self.read_only:
            who = f": it is held by {self.holder}" if self.holder else ""
            raise NotSaved(f"not saved: {self.path.name} is open for reading only{who}")

    def settle(self) -> None:
        """See Workspace."""

    def announce(self, ids: Sequence[int], restructured: bool) -> None:
        """See Workspace."""

    def _changed(self, ids: Sequence[int], restructured: bool) -> None:
        self.derived.changed(ids)
        self.announce(ids, restructured)

    def _ready(self, ids: Iterable[int] = ()) -> list[int]:
        """Check that this instance may write and that the ids exist; returns them once each, in order."""
        self.require_writer()
        try:
            self.settle()
        except OSError as error:
            raise NotSaved(f"not saved: the source could not be copied: {error.strerror or error}") from error
        wanted = list(ids if isinstance(ids, range | Chosen) else dict.fromkeys(ids))
        self._known(wanted)
        return wanted

    def _known(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        everything = self.stored.order.all
        if isinstance(everything, range):
            unknown = [example for example in (min(ids), max(ids)) if example not in everything]
        elif len(ids) > 1000:
            known = set(everything)
            unknown = [example for example in ids if example not in known]
        else:
            unknown = [example for example in ids if not self.stored.exists(example)]
        if unknown:
            raise CuratorError(f"there is no example {unknown[0]}")

    def _words(self, words: str, ids: Sequence[int]) -> str:
        if "{}" not in words:
            return words
        if len(ids) == 1:
            base = self.stored.base(ids[0])
            name = f"line {base.line(ids[0])}" if base is not None else f"example {ids[0]}"
            if base is not None and len(self.stored.bases) > 1:
                name += f" of {base.name}"
            return words.replace("{}", name)
        return words.replace("{}", count_of(len(ids)))


def _location(location: str | Location) -> Location:
    try:
        return parse_path(location) if isinstance(location, str) else location
    except ValueError as error:
        raise UsageError(str(error)) from error


def one_record(raw: bytes) -> None:
    """Raise UsageError for bytes that cannot be one line of a file."""
    if b"\n" in raw:
        raise UsageError("an example is one line: it cannot hold a line feed outside its JSON strings")
    if not raw.strip():
        raise UsageError("an example cannot be empty; delete it instead")
    if len(raw) > MAX_LINE_BYTES:
        raise UsageError(f"an example is at most {MAX_LINE_BYTES // 2**20} MB long")


def saveable(text: str) -> None:
    """Raise UsageError for a text that SQLite cannot keep."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the text holds half of a surrogate pair, which cannot be saved") from error


def dumps(value: Any) -> str:
    """JSON for a meta value."""
    return orjson.dumps(value).decode()
