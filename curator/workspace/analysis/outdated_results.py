"""Results in `analysis.db` that no longer count: their example was deleted, or changed since it was analysed.

Their sums are kept up to date with each change, so that no keystroke pays for a pass over them: after half a
million deletions that takes long. A pass over all results is made only when the child has written, and at most
every `REST` times as long as the last one took.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

import orjson

from curator.core.problem import Severity
from curator.sqlite_file import placeholders
from curator.workspace.analysis.result_store import Results, unpack
from curator.workspace.analysis.sums import Sums
from curator.workspace.storage.examples import StoredExamples, batches

PASS = 20_000
"""From so many examples on a pass over all results is cheaper than asking for each."""
QUICK, REST = 0.05, 10
"""After a pass of more than `QUICK` seconds the next one waits `REST` times as long as that one took."""


class Numbers(NamedTuple):
    """The columns of a result that are summed up."""

    id: int
    version: int
    errors: int
    warnings: int
    tokens: int | None
    assistant: int | None


_COLUMNS = ", ".join(Numbers._fields)
_CHANGED = (
    "SELECT DISTINCT example FROM part WHERE change > ? AND example > 0 "
    "AND field IN ('deleted', 'version') LIMIT ?"
)


class OutdatedResults:
    """The sums over the outdated results of one store, and the store's own totals at the same moment."""

    def __init__(self, store: Results) -> None:
        self.sums = Sums()
        self.rules: Counter[str] = Counter()
        """Findings by rule in outdated results."""
        self.stored_sums = Sums()
        self.stored_rules: dict[str, int] = {}
        """The child's totals, from which `sums` and `rules` are to be subtracted. Results that it wrote since are
        in neither."""
        self._store = store
        self._outdated = bytearray()
        """1 for each id whose result is outdated."""
        self._valid_for: tuple[int, int] | None = None
        """The revision of the workspace and the data_version of the store for which the sums hold."""
        self._pass_seconds, self._pass_ended = 0.0, 0.0
        self._store_changed = False

    @property
    def due(self) -> bool:
        """Whether the child has written, and the pause after the last pass is over."""
        return self._store_changed and time.monotonic() >= self._pass_ended + REST * self._pass_seconds

    def update(self, stored: StoredExamples, changed: Set[int]) -> None:
        """Bring the sums up to date; `changed` are examples whose current version has no result yet."""
        revision = stored.revision()
        data_version = int(self._store.db.execute("PRAGMA data_version").fetchone()[0])
        if self._valid_for == (revision, data_version):
            return
        self._store_changed = self._valid_for is not None and self._valid_for[1] != data_version
        may_wait = not self._store_changed or (self._pass_seconds > QUICK and not self.due)
        if self._valid_for is not None and may_wait:
            rows = stored.db.execute(_CHANGED, (self._valid_for[0], PASS)).fetchall()
            if len(rows) < PASS:
                self._correct(stored, [example for (example,) in rows])
                self._valid_for = revision, self._valid_for[1]
                return
        began, db = time.monotonic(), self._store.db
        db.execute("BEGIN")  # a snapshot: the child may write meanwhile
        try:
            totals = orjson.loads(self._store.fact("totals") or "{}")
            self.stored_sums, self.stored_rules = Sums.from_dict(totals), totals.get("rules", {})
            data_version = int(db.execute("PRAGMA data_version").fetchone()[0])
            self._recount(stored, changed)
        finally:
            db.execute("COMMIT")
        self._pass_ended = time.monotonic()
        self._pass_seconds, self._store_changed = self._pass_ended - began, False
        self._valid_for = revision, data_version

    def _recount(self, stored: StoredExamples, changed: Set[int]) -> None:
        """Find all outdated results and sum them up."""
        versions: dict[int, int | None] = dict.fromkeys(changed, 0)
        """The current version of touched examples; None for deleted ones."""
        rows = stored.db.execute("SELECT id, version, deleted FROM example WHERE deleted > 0 OR version > 0")
        versions.update((example, None if deleted else version) for example, version, deleted in rows)
        self.sums, self.rules = Sums(), Counter()
        self._outdated = bytearray(max(versions, default=0) + 1)
        if len(versions) < PASS:
            outdated = [numbers for numbers in self._numbers(versions) if numbers.version != versions[numbers.id]]
            self._mark(outdated, 1)
            self._add(outdated, 1)
            return
        for example, version in self._store.db.execute("SELECT id, version FROM result"):
            if example in versions and version != versions[example]:
                self._outdated[example] = 1
        self._add_marked()

    def _correct(self, stored: StoredExamples, ids: list[int]) -> None:
        """Take up changes of these examples: results may have become outdated, or current again."""
        versions = {i: row.version if not row.deleted else None for i, row in stored.example_rows(ids).items()}
        self._outdated.extend(bytes(max(0, 1 + max(ids, default=0) - len(self._outdated))))
        moved = [n for n in self._numbers(ids) if (n.version != versions.get(n.id, 0)) != self._outdated[n.id]]
        newly_outdated = [numbers for numbers in moved if not self._outdated[numbers.id]]
        current_again = [numbers for numbers in moved if self._outdated[numbers.id]]
        for results, sign in ((newly_outdated, 1), (current_again, -1)):
            self._mark(results, int(sign > 0))
            self._add(results, sign)

    def _mark(self, results: Iterable[Numbers], mark: int) -> None:
        for numbers in results:
            self._outdated[numbers.id] = mark

    def _add(self, results: list[Numbers], sign: int) -> None:
        """Add some results to the sums, or take them away (sign -1)."""
        errors, warnings = set[int](), set[int]()
        by_severity = {Severity.ERROR: errors, Severity.WARNING: warnings}
        for part in batches([numbers.id for numbers in results]):
            marks, db = placeholders(len(part)), self._store.db
            rows = db.execute(f"SELECT id, rule, severity FROM overall WHERE id IN ({marks})", part)
            for example, rule, severity in rows:
                self.rules[rule] += sign
                if severity in by_severity:
                    by_severity[severity].add(example)
            for (data,) in db.execute(f"SELECT problems FROM result WHERE id IN ({marks})", part):
                for problem in unpack(data):
                    self.rules[problem.rule] += sign
        for numbers in results:
            self.sums.add(numbers, numbers.id in errors, numbers.id in warnings, sign)

    def _add_marked(self) -> None:
        """Add all results marked in `_outdated`, in passes over the store that hold two bytes for each id."""
        outdated, size = self._outdated, len(self._outdated)
        errors, warnings = bytearray(size), bytearray(size)
        by_severity, db = {Severity.ERROR: errors, Severity.WARNING: warnings}, self._store.db
        for example, rule, severity in db.execute("SELECT id, rule, severity FROM overall WHERE id > 0"):
            if example < size and outdated[example]:
                self.rules[rule] += 1
                if severity in by_severity:
                    by_severity[severity][example] = 1
        for rule, example, count in db.execute("SELECT rule, id, count FROM finding"):
            if example < size and outdated[example]:
                self.rules[rule] += count
        for row in db.execute(f"SELECT {_COLUMNS} FROM result"):
            if row[0] < size and outdated[row[0]]:
                self.sums.add(Numbers(*row), errors[row[0]] > 0, warnings[row[0]] > 0)

    def _numbers(self, ids: Iterable[int]) -> Iterator[Numbers]:
        for part in batches(list(ids)):
            query = f"SELECT {_COLUMNS} FROM result WHERE id IN ({placeholders(len(part))})"
            yield from (Numbers(*row) for row in self._store.db.execute(query, part))
