"""The steps that all changes share: may this process write, do the ids exist, and what has to be updated after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from curator.core.example import MAX_LINE_BYTES
from curator.core.text import count_of
from curator.errors import CuratorError, NotSaved, UsageError
from curator.locks import is_held
from curator.workspace.analysis.current_results import CurrentResults, analysis_path
from curator.workspace.records import Change, Parted, Twin
from curator.workspace.storage import line_file
from curator.workspace.storage.examples import ExampleRow, StoredExamples
from curator.workspace.storage.id_mask import IdMask
from curator.workspace.storage.journal import Journal
from curator.workspace.storage.open_change import FieldChange
from curator.workspace.storage.sources import Source
from curator.workspace.storage.write_access import WriteAccess

if TYPE_CHECKING:
    from curator.workspace.duplicates.twins import HeldOutTexts

Listener = Callable[[Sequence[int], bool], None]
"""Called after each change with the ids whose bytes changed, and whether examples came, went or moved."""
_COPY_TIMEOUT = 60.0
"""Seconds to wait for a child that copies a large source, before this process copies it."""
_LOOKED_AT = 50
"""Of more examples that are changed together none is looked at whether it copies no held-out one any more."""


class Writing:
    """A workspace's storage, journal and results, with the steps that all changes share."""

    def __init__(
        self, folder: Path, access: WriteAccess, journal: Journal, stored: StoredExamples, results: CurrentResults
    ) -> None:
        self.folder = folder
        self.access = access
        self.journal = journal
        self.stored = stored
        self.results = results
        self.guard = threading.RLock()
        """Held while the database is read or written: one connection serves all threads."""
        self._held_out: HeldOutTexts | None = None
        self._held_out_texts = self._make_held_out_texts
        self.listeners: list[Listener] = []

    def begin(self, ids: Iterable[int] = ()) -> Sequence[int]:
        """Check that this process may write and that the ids exist; returns these once each, in order.

        Raises NotSaved where it may not write or a source could not be copied, CuratorError for an unknown id.
        """
        self.access.require()
        try:
            self.copy_sources()
        except OSError as error:
            raise NotSaved(f"not saved: the source could not be copied: {error.strerror or error}") from error
        unique_ids = ids if isinstance(ids, range | IdMask) else list(dict.fromkeys(ids))
        self.require_ids(unique_ids)
        return unique_ids

    def require_ids(self, ids: Sequence[int]) -> None:
        """Raise CuratorError for the first id that no example has; deleted examples count as examples."""
        if not ids:
            return
        all_ids = self.stored.order.all
        if isinstance(all_ids, range):
            unknown = [example for example in (min(ids), max(ids)) if example not in all_ids]
        elif isinstance(all_ids, IdMask):
            unknown = list(islice((example for example in ids if example not in all_ids), 1))
        elif len(ids) > 1000:
            existing = set(all_ids)
            unknown = [example for example in ids if example not in existing]
        else:
            unknown = [example for example in ids if not self.stored.exists(example)]
        if unknown:
            raise CuratorError(f"there is no example {unknown[0]}")

    def describe(self, template: str, ids: Sequence[int]) -> str:
        """The label of a change: `{}` in the template becomes `line 3` or `41 examples`."""
        if "{}" not in template:
            return template
        if len(ids) == 1:
            return template.replace("{}", self.stored.name_of(ids[0]))
        return template.replace("{}", count_of(len(ids)))

    def held_out_twins(self, fresh: Iterable[tuple[int, bytes]], count: int) -> tuple[Twin, ...]:
        """Those of `count` examples, given as (id, new bytes), that copy a held-out one, with its side."""
        if not self.has_held_out():
            return ()
        twin_ids = self._held_out_texts().twins(fresh, count)
        rows = self.stored.example_rows(list(dict.fromkeys(twin_ids.values())))
        return tuple(Twin(example, twin, str(rows[twin].split)) for example, twin in twin_ids.items())

    def parted(self, fresh: dict[int, bytes]) -> tuple[Parted, ...]:
        """Those of a few examples, given with their new bytes, that an earlier change put beside a held-out twin
        and that copy none any more."""
        if len(fresh) > _LOOKED_AT or not self.has_held_out():
            return ()
        joined = self.stored.sides_before_twins(fresh)
        if not joined:
            return ()
        rows, texts = self.stored.example_rows(list(fresh)), self._held_out_texts()
        rewritten = {i: raw for i, raw in fresh.items() if i in rows and rows[i].split in ("validation", "test")}
        return tuple(
            Parted(example, side, str(rows[example].split))
            for example, side in joined.items()
            if texts.twin_of_held_out(example, rewritten) is None
        )

    def has_held_out(self) -> bool:
        """Whether any example is on the validation or the test side."""
        return self.results.count_held_out() > 0

    def _make_held_out_texts(self) -> HeldOutTexts:
        from curator.workspace.duplicates.twins import HeldOutTexts  # heavy: NumPy, which no first opening needs

        if self._held_out is None:
            self._held_out = HeldOutTexts(self.stored)
        return self._held_out

    def use_held_out_of(self, other: Writing) -> None:
        """Compare with the held-out texts of another workspace, of which this one is a copy."""
        self._held_out_texts = other._held_out_texts

    def twin_parts(self, twins: Sequence[Twin]) -> list[FieldChange]:
        """The parts that put examples on the side of their twins."""
        rows = self.stored.example_rows([twin.example for twin in twins])
        before = {i: row.split for i, row in rows.items()}
        return [FieldChange(twin.example, "split", before.get(twin.example), twin.side) for twin in twins]

    def set_fields(
        self,
        kind: str,
        template: str,
        ids: Iterable[int],
        fields: Callable[[ExampleRow | None], dict[str, object]],
    ) -> Change:
        """Set columns of examples to the values that `fields` gives for a row (None: no row yet)."""
        with self.guard:
            examples = self.begin(ids)
            rows = self.stored.example_rows(examples)
            parts: list[FieldChange] = []
            for example in examples:
                row = rows.get(example)
                for field, value in fields(row).items():
                    before = getattr(row, field) if row is not None else None
                    if before != value:
                        parts.append(FieldChange(example, field, before, value))
            changed = sorted({part.example for part in parts})
            return self.journal.commit(kind, self.describe(template, changed), parts)

    def set_meta(self, key: str, value: Any) -> None:
        """Store a JSON value. It is no change of the dataset and cannot be undone. Raises NotSaved."""
        with self.guard:
            self.access.require()
            self.journal.set_meta(key, orjson.dumps(value).decode())

    def publish(self, ids: Sequence[int], restructured: bool) -> None:
        """After a commit: the results of these examples are outdated, and the listeners are called."""
        self.results.note_changed(ids)
        self.announce(ids, restructured)

    def announce(self, ids: Sequence[int], restructured: bool) -> None:
        """Call the listeners."""
        for listener in self.listeners:
            listener(ids, restructured)

    def restructure(self) -> None:
        """After a commit by which examples came, went or moved: build the order of ids again."""
        self.stored.reorder()
        self.results.note_restructured()

    def reload(self) -> None:
        """After a commit by which sources came or went: read them again, and call the listeners."""
        self.stored.reload()
        self.results.note_restructured()
        self.announce([], True)

    def uncopied(self) -> list[Source]:
        """Large sources that are still shown from their own place."""
        return [source for source in self.stored.sources if source.lines is None]

    def adopt_copies(self) -> bool:
        """Use the copies of large sources that are finished; True where there were any, as that may add ids."""
        with self.guard:
            finished = [source for source in self.uncopied() if self.stored.copy_path(source.file).exists()]
            if not finished:
                return False
            statements: list[tuple[str, Sequence[object]]] = []
            for source in finished:
                copy = self.stored.copy_path(source.file)
                opened = line_file.open_copy(copy)
                values = (opened.lines, line_file.stored_digest(copy), source.id)
                statements.append(("UPDATE source SET lines = ?, sha256 = ? WHERE id = ?", values))
                opened.close()
            if not self.access.read_only:
                self.journal.run(statements)
            self.reload()
            return True

    def copy_sources(self) -> None:
        """Make sure that every source is copied: no edit may rest on a file that others can change.

        Waits for the child that copies, or copies here. Raises OSError.
        """
        deadline = time.monotonic() + _COPY_TIMEOUT
        while self.uncopied():
            self.adopt_copies()
            waiting = self.uncopied()
            if waiting and (not self.child_at_work() or time.monotonic() > deadline):
                for source in waiting:
                    line_file.copy_file(Path(str(source.origin)), self.stored.copy_path(source.file))
            elif waiting:
                time.sleep(0.02)

    def child_at_work(self) -> bool:
        """Whether an analysis child is running for this workspace (it copies sources first)."""
        return is_held(analysis_path(self.folder).with_name("analysis.lock"))


def twin_words(twins: Sequence[Twin]) -> str:
    """What to say of examples that joined the side of a held-out twin, for the label of their change."""
    if not twins:
        return ""
    side = f"the {twins[0].side} side" if len({twin.side for twin in twins}) == 1 else "the held-out sides"
    if len(twins) == 1:
        return f" · it joins {side}, as a copy of a held-out example"
    return f" · {len(twins):,} join {side}, as copies of held-out examples"


def parted_words(parted: Sequence[Parted]) -> str:
    """What to say of examples that went back, as they copy no held-out one any more, for their change's label."""
    if not parted:
        return ""
    if len(parted) == 1:
        return " · it goes back to training, as it copies no held-out example any more"
    return f" · {len(parted):,} go back to training, as they copy no held-out example any more"


def require_one_line(raw: bytes) -> None:
    """Raise UsageError for bytes that cannot be one line of a file."""
    if b"\n" in raw:
        raise UsageError("an example is one line: it cannot hold a line feed outside its JSON strings")
    if not raw.strip():
        raise UsageError("an example cannot be empty; delete it instead")
    if len(raw) > MAX_LINE_BYTES:
        raise UsageError(f"an example is at most {MAX_LINE_BYTES // 2**20} MB long")


def require_encodable(text: str) -> None:
    """Raise UsageError for a text that SQLite cannot store."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the text holds half of a surrogate pair, which cannot be saved") from error
