"""`Workspace`: a dataset with all that is known of it, for reading; `Workspace.changes` changes it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curator.core import rules
from curator.core.problem import Problem, Severity
from curator.core.query import query as queries
from curator.errors import CuratorError
from curator.workspace.analysis.counts import count
from curator.workspace.analysis.current_results import CurrentResults, OwnSeverity
from curator.workspace.analysis.list_rows import make_rows
from curator.workspace.changes.changes import Changes
from curator.workspace.changes.right_answers import ALSO_RIGHT, right_answers_of
from curator.workspace.changes.writing import Writing
from curator.workspace.meter import Report
from curator.workspace.records import Change, Counts, Record, Row
from curator.workspace.search.query_evaluation import Meanwhile, QueryEvaluation
from curator.workspace.search.view import View
from curator.workspace.storage import meta
from curator.workspace.storage.examples import StoredExamples, batches
from curator.workspace.storage.journal import Journal
from curator.workspace.storage.write_access import WriteAccess


class Workspace:
    """A dataset with its edits, labels, splits and history, for reading; `changes` changes it.

    `opening.open_workspace` makes it; close it, or use it in `with`. One process writes; in others `read_only` is
    True and `holder` says who writes. Methods may be called from any thread.
    """

    def __init__(self, path: Path, journal: Journal, stored: StoredExamples, access: WriteAccess) -> None:
        self.path = path
        self.journal = journal
        self.stored = stored
        journal.on_reconnect = stored.use_connection
        self._access = access
        results = CurrentResults(stored, meta.context_of(journal.db))
        self.changes = Changes(Writing(path, access, journal, stored, results))
        self.guard = self.changes.writing.guard
        """Held while the database is read or written: one connection serves all threads."""
        self.listeners = self.changes.writing.listeners
        """Called with (ids whose bytes changed, whether examples came or went) after each change."""
        self._data_version: int = journal.db.execute("PRAGMA data_version").fetchone()[0]
        """SQLite's counter of what other connections wrote, at the last `follow`."""

    @property
    def read_only(self) -> bool:
        """Whether this process may only read."""
        return self._access.read_only

    @property
    def holder(self) -> str:
        """Who writes to it, in words, where this process wanted to and cannot; untrusted text."""
        return self._access.holder

    @property
    def current_results(self) -> CurrentResults:
        """The current results of rules and token counts."""
        return self.changes.writing.results

    @property
    def source_name(self) -> str:
        """The name of the (first) imported file; untrusted text."""
        return self.stored.sources[0].name if self.stored.sources else self.path.name

    @property
    def db(self) -> sqlite3.Connection:
        """The connection to `workspace.db`, for reading."""
        return self.journal.db

    def ids(self, *, deleted: bool = False) -> Sequence[int]:
        """The ids of all examples in order; with `deleted` those of deleted ones too."""
        return self.stored.order.all if deleted else self.stored.order.live

    def record(self, example: int) -> Record:
        """One example with its marks. Raises CuratorError for an id that does not exist."""
        with self.guard:
            return next(self.stored.records([example]))

    def records(self, ids: Sequence[int]) -> Iterator[Record]:
        """Many examples in the order of `ids`, read in batches."""
        for part in batches(ids):
            with self.guard:  # reading in one thread while another closes the database would crash SQLite
                records = list(self.stored.records(part))
            yield from records

    def raw(self, example: int) -> bytes:
        """The exact bytes of an example, without a line terminator."""
        return self.record(example).raw

    def row(self, example: int) -> Row:
        """The line of the list for one example."""
        return self.rows([example])[0]

    def ids_with_label(self, label: str) -> set[int]:
        """The examples that have a label, deleted ones too."""
        with self.guard:
            return self.stored.with_label(label)

    def rejected_among(self, ids: Iterable[int]) -> int:
        """How many of these examples were rejected in review."""
        with self.guard:
            return len(self.stored.in_review("rejected").intersection(ids))

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """The lines of the list for some examples; a page costs a few SQL statements."""
        with self.guard:
            return make_rows(self.stored, self.current_results, ids)

    def count_tokens(self, ids: Sequence[int]) -> None:
        """Count the tokens of these examples in this process unless the child did (loads the vocabulary)."""
        with self.guard:
            self.current_results.count_tokens(ids)

    def problems(self, example: int) -> list[Problem]:
        """All findings on one example, those of rules over the whole dataset included."""
        with self.guard:
            record = self.record(example)
            if self.current_results.inline:
                self.current_results.prepare()
            result = self.current_results.results([(example, record.version)]).get(example)
            if result is None:
                analyst = self.current_results.analyst
                result = analyst.analyse_parsed(example, record.version, record.example).result
            return [*result.problems, *self.current_results.overall([example]).get(example, ())]

    def own_rules(self) -> dict[str, tuple[OwnSeverity, str]]:
        """(severity, reason) of each own rule that was asked, by its id."""
        with self.guard:
            return self.current_results.own_rule_facts()

    def counts(self) -> Counts:
        """Totals over all examples; quick at any size, since sums over all results are stored."""
        with self.guard:
            self.current_results.prepare()
            return count(self.stored, self.current_results)

    def refusals(self) -> list[str]:
        """Why no training takes the dataset as it is, whatever its examples say; a sentence each."""
        with self.guard:
            self.current_results.prepare()
            problems = self.current_results.overall_store.problems_of_the_whole()
            has_validation = self.current_results.count_held_out() > 0
        return [
            problem.message
            for problem in problems
            if (problem.severity is Severity.ERROR or problem.rule == "format_method_mismatch")
            and not (has_validation and problem.rule == "missing_validation_file")
        ]

    def tokens(self) -> dict[int, int]:
        """Tokens by id, of the examples that are not deleted and were counted already."""
        with self.guard:
            self.current_results.prepare()
            counts = self.current_results.column("tokens")
        tokens = ((example, counts.get(example)) for example in self.ids())
        return {example: count for example, count in tokens if isinstance(count, int)}

    def view(
        self, query: str = "", sort: str = "", descending: bool = False, meanwhile: Meanwhile | None = None
    ) -> View:
        """The ids that match, in order. Raises QueryError (bad query; its position) or UsageError (bad sort).

        May take seconds on a large dataset: call it from a thread. `guard` is held for moments only, and
        `meanwhile` gets the first matches early (see `QueryEvaluation.view`).
        """
        parsed = queries.parse(query)
        evaluation = QueryEvaluation(self.stored, self.current_results, self.guard)
        return evaluation.view(parsed, query, sort, descending, meanwhile)

    def context(self) -> rules.Context:
        """The context of the rules; `set_meta("context", {"profile": …, "model": …})` changes it."""
        with self.guard:
            return meta.context_of(self.db)

    def meta(self, key: str, default: Any = None) -> Any:
        """A stored JSON value: `context`, `contract`, `labels`, `split`, or one of the UI (`ui.…`)."""
        with self.guard:
            return meta.read(self.db, key, default)

    def also_right(self) -> dict[int, tuple[str, ...]]:
        """Further right answers for the prompts of examples, by id."""
        return right_answers_of(self.meta(ALSO_RIGHT))

    def set_meta(self, key: str, value: Any) -> None:
        """Store a JSON value. It is no change of the dataset and cannot be undone. Raises NotSaved."""
        writing = self.changes.writing
        with self.guard:
            writing.set_meta(key, value)
            if key in ("context", "contract"):
                before = self.current_results
                before.close()
                writing.results = CurrentResults(self.stored, self.context())
                if before.has_counts:  # a list that showed tokens goes on to show them
                    writing.results.count_if_few()
                writing.announce([], True)

    def history(self, limit: int = 100, before: int | None = None, *, undos: bool = False) -> list[Change]:
        """The changes below the id `before`, latest first; with `undos` also the undos and redos."""
        with self.guard:
            return self.journal.history(limit, before, undos=undos)

    def changes_since(self, moment: float, most: int) -> int:
        """How many of the latest `most` changes that were not undone were made after a moment (Unix time)."""
        with self.guard:
            return self.journal.count_since(moment, most)

    def revision(self) -> int:
        """The id of the latest change; 0 before the first."""
        with self.guard:
            return self.journal.revision()

    @property
    def copied(self) -> bool:
        """False while a large source is not copied into the folder yet."""
        return not self.changes.writing.uncopied()

    def source_changed(self) -> list[int]:
        """Ids of the sources whose file has another size or time than when it was imported."""
        changed = []
        for source in self.stored.sources:
            if source.origin is None or source.hidden:
                continue
            try:
                stat = Path(source.origin).stat()
            except OSError:
                continue  # deleted or not reachable: nothing to merge
            if (stat.st_size, stat.st_mtime_ns) != (source.origin_size, source.origin_mtime_ns):
                changed.append(source.id)
        return changed

    def accept_origin(self, source_id: int, stat: os.stat_result | None = None) -> None:
        """Store the state of a source's file (default: now): `source_changed` compares with it from now on."""
        with self.guard:
            self.require_writer()
            source = self.stored.source(source_id)
            stat = stat or Path(str(source.origin)).stat()
            values = (stat.st_size, stat.st_mtime_ns, source_id)
            self.journal.run([("UPDATE source SET origin_size = ?, origin_mtime_ns = ? WHERE id = ?", values)])
            source.origin_size, source.origin_mtime_ns = stat.st_size, stat.st_mtime_ns

    def follow(self) -> bool:
        """Read what another process wrote since the last call; True where it wrote anything."""
        with self.guard:
            version = self.db.execute("PRAGMA data_version").fetchone()[0]
            changed = bool(version != self._data_version)
            self._data_version = version
            if changed:
                self.stored.reload()
                self.current_results.follow(self.context())
            else:
                self.current_results.settle()
            return changed

    def take_over(self) -> bool:
        """Become the writer, if this process wanted to and the other one has left; True on success."""
        with self.guard:
            holder = self.holder
            if not (self.read_only and holder) or not self._access.acquire():
                return False
            try:
                self.journal.reconnect()
            except (CuratorError, sqlite3.Error):
                self._access.release(holder)
                return False
            self.follow()
            return True

    def require_writer(self) -> None:
        """Raise NotSaved where this process may only read."""
        self._access.require()

    @contextmanager
    def reporting_to(self, report: Report) -> Iterator[None]:
        """Report how far the changes inside are; what `report` raises cancels them without any effect."""
        with self.guard, self.journal.meter.reporting_to(report):
            yield

    def close(self, last: Callable[[], None] | None = None) -> None:
        """Close all files and release the lock; everything is saved already.

        `last` is called when all is closed and nobody else may write yet.
        """
        with self.guard:
            self.current_results.close()
            self.stored.close()
            self.journal.db.close()
            try:
                if last is not None:
                    last()
            finally:
                self._access.release()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
