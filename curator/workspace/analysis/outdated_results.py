"""The child's results that do not count: of deleted examples, and of bytes that were changed since it looked.

They are few in most workspaces. After half a million deletions they are not, and then nobody wants to add them up
with each key: what was found is kept and corrected by what changed, and a pass over everything is not made again
within ten times as long as the last one took.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import orjson

from curator.core.problem import Severity
from curator.workspace.analysis.result_store import Results, unpack
from curator.workspace.storage.examples import StoredExamples, batches

KEYS = ("analysed", "errors", "warnings", "tokens", "assistant", "counted")
PASS = 20_000
"""From so many examples on a pass over all results is cheaper than asking for each."""
QUICK, REST = 0.05, 10
"""A pass that takes longer than so many seconds is followed by so many times as long without one."""


class Numbers(NamedTuple):
    """What totals are made of, of one result."""

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


class Stale:
    """Kept beside the store of the child's results that it is about."""

    def __init__(self, file: Results) -> None:
        self.totals = dict.fromkeys(KEYS, 0)
        self.rules: Counter[str] = Counter()
        self.whole: dict[str, Any] = {}
        """The child's totals from which they are to be taken away: what it wrote since is not in either."""
        self._file = file
        self._marks = bytearray()
        """1 for each id whose result is one of these."""
        self._at: tuple[int, int] | None = None
        """The change up to which, and the state of the child's store for which, this holds."""
        self._took, self._ended = 0.0, 0.0
        self._late = False

    @property
    def due(self) -> bool:
        """Whether the child wrote since, and it is time to look again."""
        return self._late and time.monotonic() >= self._ended + REST * self._took

    def settle(self, stored: StoredExamples, outdated: Set[int]) -> None:
        """Bring it up to date; `outdated` are changed examples whose results nobody has yet."""
        revision = stored.revision()
        wrote = int(self._file.db.execute("PRAGMA data_version").fetchone()[0])
        if self._at == (revision, wrote):
            return
        self._late = self._at is not None and self._at[1] != wrote
        if self._at is not None and (not self._late or (self._took > QUICK and not self.due)):
            rows = stored.db.execute(_CHANGED, (self._at[0], PASS)).fetchall()
            if len(rows) < PASS:
                self._correct(stored, [example for (example,) in rows])
                self._at = revision, self._at[1]
                return
        began, db = time.monotonic(), self._file.db
        db.execute("BEGIN")  # one state of what the child wrote, whatever it writes meanwhile
        try:
            self.whole = orjson.loads(self._file.about("totals") or "{}")
            wrote = int(db.execute("PRAGMA data_version").fetchone()[0])
            self._anew(stored, outdated)
        finally:
            db.execute("COMMIT")
        self._ended = time.monotonic()
        self._took, self._late, self._at = self._ended - began, False, (revision, wrote)

    def _anew(self, stored: StoredExamples, outdated: Set[int]) -> None:
        gone: dict[int, int | None] = dict.fromkeys(outdated, 0)
        rows = stored.db.execute("SELECT id, version, deleted FROM example WHERE deleted > 0 OR version > 0")
        gone.update((example, None if deleted else version) for example, version, deleted in rows)
        self.totals, self.rules = dict.fromkeys(KEYS, 0), Counter()
        self._marks = bytearray(max(gone, default=0) + 1)
        if len(gone) < PASS:
            found = [numbers for numbers in self._some(gone) if numbers.version != gone[numbers.id]]
            self._mark(found, 1)
            self._add(found, 1)
            return
        for example, version in self._file.db.execute("SELECT id, version FROM result"):
            if example in gone and version != gone[example]:
                self._marks[example] = 1
        self._add_marked()

    def _correct(self, stored: StoredExamples, ids: list[int]) -> None:
        """Take up that these may be deleted or changed, or no longer so."""
        now = {i: row.version if not row.deleted else None for i, row in stored.example_rows(ids).items()}
        self._marks.extend(bytes(max(0, 1 + max(ids, default=0) - len(self._marks))))
        changed = [n for n in self._some(ids) if (n.version != now.get(n.id, 0)) != self._marks[n.id]]
        come = [numbers for numbers in changed if not self._marks[numbers.id]]
        go = [numbers for numbers in changed if self._marks[numbers.id]]
        for found, sign in ((come, 1), (go, -1)):
            self._mark(found, int(sign > 0))
            self._add(found, sign)

    def _mark(self, found: Iterable[Numbers], mark: int) -> None:
        for numbers in found:
            self._marks[numbers.id] = mark

    def _add(self, found: list[Numbers], sign: int) -> None:
        """Count some results in or out."""
        errors, warnings = set[int](), set[int]()
        places = {Severity.ERROR: errors, Severity.WARNING: warnings}
        for part in batches([numbers.id for numbers in found]):
            marks = _questions(part)
            db = self._file.db
            rows = db.execute(f"SELECT id, rule, severity FROM overall WHERE id IN ({marks})", part)
            for example, rule, severity in rows:
                self.rules[rule] += sign
                if severity in places:
                    places[severity].add(example)
            for (data,) in db.execute(f"SELECT problems FROM result WHERE id IN ({marks})", part):
                for problem in unpack(data):
                    self.rules[problem.rule] += sign
        for numbers in found:
            self._count(numbers, numbers.id in errors, numbers.id in warnings, sign)

    def _add_marked(self) -> None:
        """Count all that are marked in, in passes that keep nothing but a few bytes each."""
        marks, size = self._marks, len(self._marks)
        errors, warnings = bytearray(size), bytearray(size)
        places, db = {Severity.ERROR: errors, Severity.WARNING: warnings}, self._file.db
        for example, rule, severity in db.execute("SELECT id, rule, severity FROM overall WHERE id > 0"):
            if example < size and marks[example]:
                self.rules[rule] += 1
                if severity in places:
                    places[severity][example] = 1
        for rule, example, count in db.execute("SELECT rule, id, count FROM finding"):
            if example < size and marks[example]:
                self.rules[rule] += count
        for row in db.execute(f"SELECT {_COLUMNS} FROM result"):
            if row[0] < size and marks[row[0]]:
                self._count(Numbers(*row), errors[row[0]] > 0, warnings[row[0]] > 0, 1)

    def _count(self, numbers: Numbers, error: bool, warning: bool, sign: int) -> None:
        """Count one result; the rules over the whole dataset may have found an error or a warning there."""
        totals, bad = self.totals, numbers.errors > 0 or error
        totals["analysed"] += sign
        totals["errors"] += sign * bad
        totals["warnings"] += sign * (not bad and (numbers.warnings > 0 or warning))
        if numbers.tokens is not None:
            totals["counted"] += sign
            totals["tokens"] += sign * numbers.tokens
            totals["assistant"] += sign * (numbers.assistant or 0)

    def _some(self, ids: Iterable[int]) -> Iterator[Numbers]:
        for part in batches(list(ids)):
            query = f"SELECT {_COLUMNS} FROM result WHERE id IN ({_questions(part)})"
            yield from (Numbers(*row) for row in self._file.db.execute(query, part))


def _questions(part: Sequence[int]) -> str:
    return ",".join("?" * len(part))
