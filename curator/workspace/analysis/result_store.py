"""Derived results and where they are kept: `analysis.db`, written by the analysis child alone, or memory.

Every row belongs to one version of an example; a row of an older version counts for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from curator.core.problem import Problem, Severity
from curator.core.text import writable
from curator.sqlite_file import connect
from curator.workspace.analysis import flag_columns as flags

VERSION = 5
"""Of the tables below; a file of another version is derived data and simply made anew."""

_TABLES = """
CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE result(
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    errors INTEGER NOT NULL, warnings INTEGER NOT NULL,
    messages INTEGER NOT NULL, roles TEXT NOT NULL,
    tokens INTEGER, assistant INTEGER, flags INTEGER NOT NULL,
    preview TEXT NOT NULL, problems BLOB);
CREATE TABLE finding(rule TEXT NOT NULL, id INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY(rule, id)) WITHOUT ROWID;
CREATE TABLE overall(id INTEGER, rule TEXT NOT NULL, severity TEXT NOT NULL, problem BLOB NOT NULL);
CREATE INDEX overall_id ON overall(id);
CREATE INDEX overall_rule ON overall(rule, id);
CREATE INDEX result_errors ON result(id) WHERE errors > 0;
CREATE INDEX result_warnings ON result(id) WHERE warnings > 0;
"""
_LATE = """
CREATE INDEX IF NOT EXISTS result_tokens ON result(tokens);
"""
"""Made when all rows are in: several times cheaper than keeping them up to date on the way."""

_COLUMNS = "id, version, errors, warnings, messages, roles, tokens, assistant, flags, preview, problems"


@dataclass(slots=True)  # frozen it takes three times as long to make, and a page makes fifty
class Result:
    """What analysis knows about one version of an example. Not to be changed."""

    id: int
    version: int
    errors: int
    warnings: int
    messages: int
    roles: str
    tokens: int | None
    assistant: int | None
    flags: int
    """The state of `flags`, and its roles in the next byte."""
    preview: str
    problems: tuple[Problem, ...] = ()


def pack(problems: Sequence[Problem]) -> bytes | None:
    """Problems as the bytes that a row keeps; None for none."""
    if not problems:
        return None
    rows = [(p.rule, p.severity, writable(p.message), writable(p.location), p.fix) for p in problems]
    return orjson.dumps(rows)


@lru_cache(maxsize=1024)  # most findings of a dataset say the same
def unpack(data: bytes | None) -> tuple[Problem, ...]:
    """The inverse of `pack`."""
    if not data:
        return ()
    return tuple(Problem(r, Severity(s), message, where, fix) for r, s, message, where, fix in orjson.loads(data))


class Results:
    """One store of results: a file, or memory where `path` is None."""

    def __init__(self, path: Path | None = None, *, write: bool = True) -> None:
        self.path = path
        if path is None:
            self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._make()
            self.db.executescript(_LATE)
        elif write:
            self.db = connect(path, "rwc")
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=OFF")
            if self.db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                self._make()
        else:
            self.db = connect(path, "ro")
        self.flags = flags.Flags(self.db)

    def _make(self) -> None:
        names = self.db.execute("SELECT type, name FROM sqlite_master WHERE type IN ('table','view')").fetchall()
        for kind, name in names:
            quoted = str(name).replace('"', '""')
            self.db.execute(f'DROP {"VIEW" if kind == "view" else "TABLE"} "{quoted}"')
        self.db.executescript(_TABLES + flags.TABLE)
        self.db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Close the store."""
        self.db.close()

    def clear(self) -> None:
        """Forget everything: it was about other rules or other files."""
        self._make()

    def versions(self, ids: Sequence[int]) -> dict[int, int]:
        """The version of each example that has a result."""
        found: dict[int, int] = {}
        for start in range(0, len(ids), 500):
            part = tuple(ids[start : start + 500])
            marks = ",".join("?" * len(part))
            found.update(self.db.execute(f"SELECT id, version FROM result WHERE id IN ({marks})", part))
        return found

    def drop_about(self, key: str) -> None:
        """Forget a fact about the whole store."""
        self.db.execute("DELETE FROM about WHERE key = ?", (key,))

    def finish(self) -> None:
        """Add the indexes that pay only when all rows are there."""
        self.db.executescript(_LATE)

    def put(self, results: Iterable[Result]) -> None:
        """Store results, replacing those of other versions of the same examples; one transaction."""
        rows = list(results)
        self.db.execute("BEGIN")
        try:
            self._drop_findings([r.id for r in rows])
            self.db.executemany(
                f"INSERT OR REPLACE INTO result({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?)", map(_row, rows)
            )
            self.db.executemany("INSERT OR REPLACE INTO finding VALUES(?,?,?)", _findings(rows))
            self.flags.put(map(_flags, rows))
            self.db.execute("COMMIT")
        except BaseException:
            self.db.rollback()
            raise

    def put_overall(self, problems: Iterable[tuple[int | None, Problem]]) -> None:
        """Replace what the rules over the whole dataset found: (example or None, problem)."""
        found = list(problems)
        self.db.execute("BEGIN")
        self.db.execute("DELETE FROM overall")
        self.db.executemany(
            "INSERT INTO overall VALUES(?,?,?,?)",
            ((example, p.rule, p.severity.value, pack((p,))) for example, p in found),
        )
        bits = {Severity.ERROR: flags.ERROR, Severity.WARNING: flags.WARNING}
        self.flags.put_overall(
            (example, bits.get(problem.severity, 0)) for example, problem in found if example is not None
        )
        self.db.execute("COMMIT")

    def forget(self, ids: Iterable[int]) -> None:
        """Drop the results of some examples."""
        gone = list(ids)
        self.db.execute("BEGIN")
        self._drop_findings(gone)
        self.db.executemany("DELETE FROM result WHERE id = ?", ((example,) for example in gone))
        self.flags.put((example, 0, 0, 0, 0, 0) for example in gone)
        self.db.execute("COMMIT")

    def _drop_findings(self, ids: Sequence[int]) -> None:
        """Findings are ordered by rule: those of an example are found by the rules that its result names."""
        old = self.get(ids)
        pairs = {(problem.rule, result.id) for result in old.values() for problem in result.problems}
        self.db.executemany("DELETE FROM finding WHERE rule = ? AND id = ?", sorted(pairs))

    def get(self, ids: Sequence[int]) -> dict[int, Result]:
        """Results of some examples, by id; those without one are absent."""
        found: dict[int, Result] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self.db.execute(f"SELECT {_COLUMNS} FROM result WHERE id IN ({marks})", tuple(part)):
                found[row[0]] = _result(row)
        return found

    def overall(self, example: int | None) -> tuple[Problem, ...]:
        """What the rules over the whole dataset found at one example, or at none in particular."""
        rows = self.db.execute("SELECT problem FROM overall WHERE id IS ?", (example,))
        return tuple(problem for (data,) in rows for problem in unpack(data))

    def overall_rules(self, ids: Sequence[int]) -> dict[int, list[Problem]]:
        """Problems of the rules over the whole dataset for some examples."""
        found: dict[int, list[Problem]] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            for example, data in self.db.execute(
                f"SELECT id, problem FROM overall WHERE id IN ({marks})", tuple(part)
            ):
                found.setdefault(example, []).extend(unpack(data))
        return found

    def ids(self, where: str, values: Sequence[object] = ()) -> Iterator[int]:
        """Ids of results for which a condition of ours holds (never text from a user: that goes in `values`)."""
        return (row[0] for row in self.db.execute(f"SELECT id FROM result WHERE {where}", tuple(values)))

    def about(self, key: str) -> str | None:
        """A fact about the whole store."""
        row = self.db.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_about(self, key: str, value: str) -> None:
        """Remember a fact about the whole store."""
        self.db.execute("INSERT OR REPLACE INTO about VALUES(?,?)", (key, value))


def _result(row: tuple[Any, ...]) -> Result:
    values = [*row[:-1], unpack(row[-1])]
    return Result(*values)


def _row(r: Result) -> tuple[object, ...]:
    return (
        r.id,
        r.version,
        r.errors,
        r.warnings,
        r.messages,
        r.roles,
        r.tokens,
        r.assistant,
        r.flags,
        r.preview,
        pack(r.problems),
    )


def _flags(r: Result) -> tuple[int, int, int, int, int, int]:
    return (r.id, r.flags & 255, r.flags >> 8, min(r.messages, flags.MANY), *flags.counted(r.tokens))


def _findings(rows: Iterable[Result]) -> Iterator[tuple[str, int, int]]:
    for result in rows:
        if result.problems:
            counts: dict[str, int] = {}
            for problem in result.problems:
                counts[problem.rule] = counts.get(problem.rule, 0) + 1
            yield from ((rule, result.id, count) for rule, count in counts.items())
