"""The analysis child: `python -m curator.workspace.analysis.child FOLDER OWN`, the only writer of `analysis.db`.

It finishes the copies of large sources, analyses every example once, those on the screen first, and then runs the
rules on the dataset as a whole. Its stdin brings requests of the reader (the UI) as JSON lines: `{"show": [ids]}`,
`{"changed": [ids]}`, `{"restructured": true}`, with a `number` where an acknowledgement is wanted. Its stdout
carries progress as JSON lines. It exits when stdin closes, and when it has been idle for a while, since it holds
half of all memory in use. It may be killed at any time: the next child continues where it stopped.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import operator
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from curator import tokens
from curator.core import rules
from curator.locks import Lock
from curator.log import log_failure
from curator.workspace.analysis.analyst import Analysed, Analyst, feed_all
from curator.workspace.analysis.current_results import analysis_path, key_of, sources_key
from curator.workspace.analysis.own_findings import with_own_findings
from curator.workspace.analysis.result_store import Result, Results
from curator.workspace.analysis.stored_totals import StoredTotals
from curator.workspace.analysis.stored_versions import StoredVersions
from curator.workspace.own_rules.asking import OwnRuleAsker
from curator.workspace.storage import database, line_file
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.meta import context_of

FIRST_BATCH = 1000
BATCH = 5000
"""Results stored in one transaction: the first time, and later."""
CHUNK, CHUNK_BYTES = 256, 1 << 18
"""Examples analysed between two checks for requests, and bytes after which there are no more of them: a few
milliseconds."""
LARGE = 30_000
"""Examples for which loading NumPy costs less than it saves."""
TAKE_OVER = 30.0
"""Seconds to wait for the analysis child of a killed UI to exit."""
SETTLED = 1.0
"""Seconds without an edit before the rules on the dataset as a whole run again."""
IDLE, EDITING = 0.5, 60.0
"""Seconds without a request after which the child exits: when everything is analysed, and after an edit."""


class Worker:
    """The analysis of one workspace."""

    def __init__(self, folder: Path, own_key: str = "") -> None:
        self.folder = folder
        self.own_rules = OwnRuleAsker()
        self.own_key = own_key
        """The own rules as the reader knows them: it takes no results of others."""
        self.requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.left = False
        self.db = database.open_reader(folder / "workspace.db")

    def run(self) -> None:
        """Work until the reader has gone, or the child is idle: both raise ReaderGone."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._copy()
        while True:
            self.prepare()
            try:
                self._first_pass()
                self._serve()
            except Restart:
                self.results.close()
                self.stored.close()

    def prepare(self) -> None:
        """Open the examples and the store of results, for the present context of the rules."""
        self.stored = StoredExamples(self.folder, self.db)
        context = context_of(self.db)
        self.key = key_of(context, self.own_key)
        self.analyst = Analyst(context, tokens.counter(context.model))
        self._open_results(self.key)

    def _listen(self) -> None:
        """Put the requests from stdin in the queue; None at its end. Runs in a thread."""
        rest = b""
        while data := os.read(0, 1 << 20):  # sys.stdin blocked in a thread would abort the interpreter's exit
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(orjson.JSONDecodeError):
                    self.requests.put(orjson.loads(line))
        self.requests.put(None)

    def _copy(self) -> None:
        """Copy the sources that are not in the workspace folder yet."""
        rows = self.db.execute("SELECT file, origin FROM source WHERE lines IS NULL").fetchall()
        for file, origin in rows:
            copy = self.folder / "sources" / str(file)
            if Path(file).name != file or copy.exists():
                continue
            size = max(Path(origin).stat().st_size, 1)
            reported_at = 0.0

            def progress(done: int, size: int = size) -> None:
                nonlocal reported_at
                if time.monotonic() - reported_at > 0.1:
                    reported_at = time.monotonic()
                    report({"phase": "copying", "done": done, "total": size})
                    self._drain()

            line_file.copy_file(Path(origin), copy, progress)
        if rows:
            report({"phase": "copied", "done": 1, "total": 1})

    def _open_results(self, key: str) -> None:
        """Open the store. Empty it where its results are of other rules, or of sources other than the first
        ones."""
        self.results = Results(analysis_path(self.folder))
        stored_sources = self.results.fact("sources") or ""
        sources = sources_key(self.stored)
        if self.results.fact("key") != key or not f"{sources} ".startswith(f"{stored_sources} "):
            self.results.clear()
        if stored_sources != sources:
            self.results.drop_fact("finished")
        self.results.set_fact("key", key)
        self.results.set_fact("sources", sources)
        self.totals = StoredTotals(self.results)

    def _first_pass(self) -> None:
        """Analyse what has no result of its version yet, and run the rules on the dataset as a whole."""
        stored_versions = StoredVersions(self.results, self.stored.next_id())
        total = len(self.stored.order.all)
        compared = int(self.results.fact("compared") or 0)
        if self.results.fact("finished") is not None and self._is_current(stored_versions.edited, compared):
            report({"phase": "done", "done": total, "total": total})
            return
        check, revision = self._dataset_check(), self.stored.revision()
        deleted = self._deleted()
        unsaved: list[Result] = []
        limit = FIRST_BATCH
        report({"phase": "checking", "done": 0, "total": total})
        done = 0
        for chunk in self._analyse_all(stored_versions):
            feed_all(check, chunk, deleted)
            results = [analysed.result for analysed in chunk]
            unsaved += [each for each in results if not stored_versions.holds(each.id, each.version)]
            done += len(chunk)
            if done >= limit:
                self._store(unsaved, done, total)
                unsaved, limit = [], done + BATCH
            stored_versions.add(self._drain())
        self._store(unsaved, total, total)
        report({"phase": "comparing", "done": total, "total": total})
        self._finish(check, revision)

    def _analyse_all(self, stored_versions: StoredVersions) -> Iterator[list[Analysed]]:
        """Analyse every example, some at a time; of those with a stored result the tokens are not counted again.

        The cycle collector is off meanwhile: no cycles are made here.
        """
        without_counter = Analyst(context_of(self.db))
        many = len(self.stored.order.all) >= LARGE
        gc.disable()
        try:
            for chunk in chunks(self.stored.everything()):
                stored = [stored_versions.holds(example, version) for example, version, _ in chunk]
                fresh = self._analyse([*itertools.compress(chunk, map(operator.not_, stored))], many=many)
                if not any(stored):
                    yield fresh
                    continue
                with_result = list(itertools.compress(chunk, stored))
                tokens = stored_versions.tokens([example for example, *_ in with_result])
                again = iter(without_counter.analyse_many(with_result, many=many))
                others = iter(fresh)
                yield [next(again).with_tokens(tokens) if is_stored else next(others) for is_stored in stored]
        finally:
            gc.enable()

    def _analyse(self, examples: list[tuple[int, int, bytes]], *, many: bool) -> list[Analysed]:
        """Analyse (id, version, bytes) of some examples by all rules, own ones too."""
        analysed = self.analyst.analyse_many(examples, many=many)
        if not self.own_rules:
            return analysed
        results = with_own_findings(
            self.own_rules, [each.result for each in analysed], [raw for *_, raw in examples]
        )
        return [each._replace(result=result) for each, result in zip(analysed, results, strict=True)]

    def _is_current(self, stored_versions: dict[int, int], compared: int) -> bool:
        """Whether nothing is left to do: the results of edited examples are of their present versions, no edit was
        undone since, and the rules on the dataset as a whole ran after its last change, at revision `compared`."""
        moved = "change > ? AND field IN ('deleted', 'version', 'hidden')"
        if self.db.execute(f"SELECT 1 FROM part WHERE {moved} LIMIT 1", (compared,)).fetchone():
            return False
        edited: dict[int, int] = dict(
            self.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL AND deleted < 2")
        )
        undone = any(self.stored.source_of(example) for example in stored_versions.keys() - edited.keys())
        return not undone and all(stored_versions.get(example) == version for example, version in edited.items())

    def _dataset_check(self) -> rules.DatasetCheck:
        return rules.DatasetCheck(self.analyst.context, noun=self.stored.noun)

    def _finish(self, check: rules.DatasetCheck, revision: int) -> None:
        """Store the findings on the dataset as it was at a revision, and say that everything is analysed."""
        self.results.put_overall(check.problems())
        self.results.finish()
        self.totals.recount()
        self.results.set_fact("own_rules", orjson.dumps(self.own_rules.rules).decode())
        self.results.set_fact("finished", "1")
        self.results.set_fact("compared", str(revision))
        total = len(self.stored.order.all)
        report({"phase": "done", "done": total, "total": total, "all": True})

    def _deleted(self) -> set[int]:
        return {row[0] for row in self.db.execute("SELECT id FROM example WHERE deleted > 0")}

    def _store(self, results: list[Result], done: int, total: int) -> None:
        self.results.put(results)
        self.totals.add(results)
        report(
            {"phase": "checking", "done": done, "total": total, "ids": _ranges([result.id for result in results])}
        )

    def _drain(self) -> dict[int, int]:
        """Answer all waiting requests; returns the version of each example analysed for them."""
        versions: dict[int, int] = {}
        while not self.requests.empty():
            request = self.requests.get()
            if request is None:
                raise ReaderGone
            if hasattr(self, "results"):
                versions.update(self._answer(request))
            acknowledge(request)
        return versions

    def _answer(self, request: dict[str, Any]) -> dict[int, int]:
        """Analyse the examples of a request that lack a result; returns their versions by id."""
        if request.get("restructured") and key_of(context_of(self.db), self.own_key) != self.key:
            raise Restart
        ids = [int(i) for i in (*request.get("show", ()), *request.get("changed", ()))]
        stored = self.results.versions(ids)
        touched = self.stored.example_rows(ids)
        missing = []
        for example, raw in self.stored.raws(ids):
            version = touched[example].version if example in touched else 0
            if stored.get(example) != version:
                missing.append((example, version, raw))
        results = [self.analyst.analyse(*each).result for each in missing]
        if results:
            results = with_own_findings(self.own_rules, results, [raw for *_, raw in missing])
            self.results.put(results)
            self.totals.recount() if stored else self.totals.add(results)
            report({"ids": [[result.id, result.id] for result in results]})
        return {result.id: result.version for result in results}

    def _serve(self) -> None:
        """Answer requests; when edits pause, run the rules on the dataset as a whole again.

        Raises ReaderGone after `IDLE` or `EDITING` seconds without a request.
        """
        stale = False
        pause, patience = SETTLED, IDLE
        while True:
            try:
                request = self.requests.get(timeout=pause if stale else patience)
            except queue.Empty:
                if not stale:
                    raise ReaderGone from None
                started = time.monotonic()
                stale = not self._compare_again()
                pause = max(SETTLED, 5 * (time.monotonic() - started))
                continue
            if self._take(request):
                stale, patience = True, EDITING

    def _take(self, request: dict[str, Any] | None) -> bool:
        """Answer a request; returns whether it says that the dataset has changed."""
        if request is None:
            raise ReaderGone
        if request.get("restructured"):
            self.stored.reload()
        self._answer(request)
        acknowledge(request)
        return bool(request.get("changed") or request.get("restructured"))

    def _compare_again(self) -> bool:
        """Run the rules on the dataset as a whole again; False where an edit came meanwhile."""
        check, revision = self._dataset_check(), self.stored.revision()
        deleted = self._deleted()
        for chunk in self._analyse_all(StoredVersions(self.results, self.stored.next_id())):
            feed_all(check, chunk, deleted)
            while not self.requests.empty():
                if self._take(self.requests.get()):
                    return False  # they run when the edits pause
        self._finish(check, revision)
        return True


class ReaderGone(Exception):
    """The reader has gone, or has had no request for a while: the child exits."""


class Restart(Exception):
    """The context of the rules has changed: every result is to be computed anew."""


def chunks(examples: Iterable[tuple[int, int, bytes]]) -> Iterator[list[tuple[int, int, bytes]]]:
    """(id, version, bytes) of examples in lists of at most `CHUNK`; none goes on after `CHUNK_BYTES`."""
    chunk: list[tuple[int, int, bytes]] = []
    size = 0
    for example in examples:
        chunk.append(example)
        size += len(example[2])
        if len(chunk) == CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def report(message: dict[str, Any]) -> None:
    """Write one line for the reader. Raises ReaderGone where it cannot be written."""
    try:
        sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError) as error:
        raise ReaderGone from error


def acknowledge(request: dict[str, Any]) -> None:
    """Tell the reader that a request has arrived, so that it need not send it to the next child."""
    if "number" in request:
        report({"heard": request["number"]})


def _ranges(ids: list[int]) -> list[list[int]]:
    """Ascending ids as ranges, both ends included."""
    ranges: list[list[int]] = []
    for example in ids:
        if ranges and example == ranges[-1][1] + 1:
            ranges[-1][1] = example
        else:
            ranges.append([example, example])
    return ranges


def main(argv: list[str]) -> int:
    """Run the child; a failure is reported to the reader in one line. Returns the exit code."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)
    folder = Path(argv[0])
    place = analysis_path(folder).parent
    lock = Lock(place / "analysis.lock")
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not lock.acquire(wait=TAKE_OVER):
            report({"phase": "elsewhere"})
            return 0
        Worker(folder, argv[1] if len(argv) > 1 else "").run()
    except ReaderGone:
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        log_failure()
        with contextlib.suppress(ReaderGone):
            report({"phase": "failed", "error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
