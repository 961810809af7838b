"""The store of analysis results: `analysis.db`, which the analysis child alone writes, or a database in memory.

Everything in it can be computed anew. A row belongs to one version of an example; it does not count for a later
one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import orjson

from curator.core.problem import Problem, Severity
from curator.core.text import writable
from curator.sqlite_file import connect, placeholders
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.storage.examples import batches

VERSION = 6
"""The version of the tables below; a file of another version is emptied and filled anew."""

_TABLES = """
CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE result(
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL,
    errors INTEGER NOT NULL, warnings INTEGER NOT NULL,
    messages INTEGER NOT NULL, roles TEXT NOT NULL,
    tokens INTEGER, assistant INTEGER, flags INTEGER NOT NULL,
    preview TEXT NOT NULL, answer TEXT NOT NULL, problems BLOB);
CREATE TABLE finding(rule TEXT NOT NULL, id INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY(rule, id)) WITHOUT ROWID;
CREATE TABLE overall(id INTEGER, rule TEXT NOT NULL, severity TEXT NOT NULL, problem BLOB NOT NULL);
CREATE INDEX overall_id ON overall(id);
CREATE INDEX overall_rule ON overall(rule, id);
CREATE INDEX result_errors ON result(id) WHERE errors > 0;
CREATE INDEX result_warnings ON result(id) WHERE warnings > 0;
"""
_LATE_INDEX = """
CREATE INDEX IF NOT EXISTS result_tokens ON result(tokens);
"""
"""Made when all rows are in: several times cheaper than keeping it up to date meanwhile."""

_COLUMNS = "id, version, errors, warnings, messages, roles, tokens, assistant, flags, preview, answer, problems"


class Result(msgspec.Struct, gc=False):  # made once an example
    """What analysis found out about one version of an example. Not to be changed.

    `errors` and `warnings` count the findings of the rules on single examples, which are `problems`.
    """

    id: int
    version: int
    errors: int
    warnings: int
    messages: int
    roles: str
    """One letter a message, for the list."""
    tokens: int | None
    """None: not counted."""
    assistant: int | None
    """Tokens of trained answers."""
    flags: int
    """The byte for the flag column `states`; the next higher byte is that for `roles`."""
    preview: str
    answer: str
    """The beginning of the last assistant text."""
    problems: tuple[Problem, ...] = ()


def pack(problems: Sequence[Problem]) -> bytes | None:
    """Problems as the JSON that a row stores; None where there are none."""
    if not problems:
        return None
    values = [(p.rule, p.severity, writable(p.message), writable(p.location), p.fix) for p in problems]
    return orjson.dumps(values)


@lru_cache(maxsize=1024)  # most findings of a dataset are equal
def unpack(data: bytes | None) -> tuple[Problem, ...]:
    """The inverse of `pack`."""
    if not data:
        return ()
    return tuple(Problem(r, Severity(s), message, where, fix) for r, s, message, where, fix in orjson.loads(data))


class Results:
    """One store of results: a file, or in memory where `path` is None. Without `write` the file is only read."""

    def __init__(self, path: Path | None = None, *, write: bool = True) -> None:
        self.path = path
        if path is None:
            self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._make()
            self.db.executescript(_LATE_INDEX)
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
        """Drop whatever the database holds, and make empty tables."""
        tables = self.db.execute("SELECT type, name FROM sqlite_master WHERE type IN ('table','view')").fetchall()
        for kind, name in tables:
            quoted = str(name).replace('"', '""')
            self.db.execute(f'DROP {"VIEW" if kind == "view" else "TABLE"} "{quoted}"')
        self.db.executescript(_TABLES + flags.TABLE)
        self.db.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Close the store."""
        self.db.close()

    def clear(self) -> None:
        """Remove everything: it belongs to other rules or other files."""
        self._make()

    def versions(self, ids: Sequence[int]) -> dict[int, int]:
        """By id, the version that the result of each of these examples belongs to."""
        versions: dict[int, int] = {}
        for part in batches(ids):
            query = f"SELECT id, version FROM result WHERE id IN ({placeholders(len(part))})"
            versions.update(self.db.execute(query, part))
        return versions

    def drop_fact(self, key: str) -> None:
        """Remove a fact about the store."""
        self.db.execute("DELETE FROM about WHERE key = ?", (key,))

    def finish(self) -> None:
        """Make the index that is cheaper to make when all rows are there."""
        self.db.executescript(_LATE_INDEX)

    def put(self, results: Iterable[Result]) -> None:
        """Store results, replacing those of other versions of the same examples; one transaction."""
        rows = list(results)
        self.db.execute("BEGIN")
        try:
            self._drop_findings([r.id for r in rows])
            self.db.executemany(
                f"INSERT OR REPLACE INTO result({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", map(_row, rows)
            )
            self.db.executemany("INSERT OR REPLACE INTO finding VALUES(?,?,?)", _findings(rows))
            self.flags.put(map(_flags, rows))
            self.db.execute("COMMIT")
        except BaseException:
            self.db.rollback()
            raise

    def put_overall(self, problems: Iterable[tuple[int | None, Problem]]) -> None:
        """Replace the findings of the rules on the dataset as a whole: (example or None, problem)."""
        findings = list(problems)
        self.db.execute("BEGIN")
        self.db.execute("DELETE FROM overall")
        self.db.executemany(
            "INSERT INTO overall VALUES(?,?,?,?)",
            ((example, p.rule, p.severity.value, pack((p,))) for example, p in findings),
        )
        bits = {Severity.ERROR: flags.ERROR, Severity.WARNING: flags.WARNING}
        self.flags.put_overall(
            (example, bits.get(problem.severity, 0)) for example, problem in findings if example is not None
        )
        self.db.execute("COMMIT")

    def forget(self, ids: Iterable[int]) -> None:
        """Remove the results of some examples."""
        dropped = list(ids)
        self.db.execute("BEGIN")
        self._drop_findings(dropped)
        self.db.executemany("DELETE FROM result WHERE id = ?", ((example,) for example in dropped))
        self.flags.put((example, 0, 0, 0, 0, 0) for example in dropped)
        self.db.execute("COMMIT")

    def _drop_findings(self, ids: Sequence[int]) -> None:
        """Remove the rows of `finding` of some examples. Its key begins with the rule, which the results name."""
        results = self.get(ids).values()
        pairs = {(problem.rule, result.id) for result in results for problem in result.problems}
        self.db.executemany("DELETE FROM finding WHERE rule = ? AND id = ?", sorted(pairs))

    def get(self, ids: Sequence[int]) -> dict[int, Result]:
        """Results of some examples, by id; examples without one are absent."""
        results: dict[int, Result] = {}
        for part in batches(ids):
            query = f"SELECT {_COLUMNS} FROM result WHERE id IN ({placeholders(len(part))})"
            for row in self.db.execute(query, part):
                results[row[0]] = _result(row)
        return results

    def overall_problems(self, ids: Sequence[int]) -> dict[int, list[Problem]]:
        """What the rules on the dataset as a whole found at some examples, by id."""
        problems: dict[int, list[Problem]] = {}
        for part in batches(ids):
            query = f"SELECT id, problem FROM overall WHERE id IN ({placeholders(len(part))})"
            for example, data in self.db.execute(query, part):
                problems.setdefault(example, []).extend(unpack(data))
        return problems

    def problems_of_the_whole(self) -> list[Problem]:
        """What the rules on the dataset as a whole found that stands at no example."""
        rows = self.db.execute("SELECT problem FROM overall WHERE id IS NULL")
        return [problem for (data,) in rows for problem in unpack(data)]

    def fact(self, key: str) -> str | None:
        """A fact about the store as a whole; None where it has none of that name."""
        row = self.db.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, key: str, value: str) -> None:
        """Store a fact about the store as a whole."""
        self.db.execute("INSERT OR REPLACE INTO about VALUES(?,?)", (key, value))


def _result(row: Sequence[Any]) -> Result:
    """A result from the values of `_COLUMNS`."""
    values = [*row[:-1], unpack(row[-1])]
    return Result(*values)


def _row(r: Result) -> tuple[object, ...]:
    """The values of `_COLUMNS`: of all fields in their order, of which the last is stored as JSON."""
    return *msgspec.structs.astuple(r)[:-1], pack(r.problems)


def _flags(r: Result) -> tuple[int, int, int, int, int, int]:
    """The id and a byte for each flag column but `overall`."""
    return (r.id, r.flags & 255, r.flags >> 8, min(r.messages, flags.MANY), *flags.token_bytes(r.tokens))


def _findings(rows: Iterable[Result]) -> Iterator[tuple[str, int, int]]:
    """The rows of `finding`: (rule, id, how often)."""
    for result in rows:
        if len(result.problems) == 1:
            yield result.problems[0].rule, result.id, 1
        elif result.problems:
            counts: dict[str, int] = {}
            for problem in result.problems:
                counts[problem.rule] = counts.get(problem.rule, 0) + 1
            yield from ((rule, result.id, count) for rule, count in counts.items())
