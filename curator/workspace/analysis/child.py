"""The analysis child: `python -m curator.workspace.analysis.child FOLDER`, the only writer of `analysis.db`.

It copies large sources, then looks at every example once, what is on the screen first, then at the dataset as
a whole. It reads JSON lines from stdin (`{"show": [ids]}`, `{"changed": [ids]}`, `{"restructured": true}`), tells
of its progress on stdout, and leaves when its stdin closes, or when it has nothing to do for a while: the memory
it holds is half of all. Killed at any time it goes on where it was at the next start.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from curator import tokens
from curator.core import rules
from curator.locks import Lock
from curator.workspace.analysis.analyst import Analyst, Look
from curator.workspace.analysis.current_results import analysis_path, key_of, sources_key
from curator.workspace.analysis.flag_columns import SOURCE, having
from curator.workspace.analysis.result_store import Result, Results
from curator.workspace.analysis.stored_totals import Totals
from curator.workspace.storage import database, line_file
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.meta import context_of

FIRST_BATCH = 1000
BATCH = 5000
TOGETHER = 64
"""Examples between two looks at what the reader asks for: a few milliseconds."""
LEAVING = 30.0
"""Seconds that the child of a reader that was killed may need to notice and go."""
SETTLED = 1.0
"""Seconds without an edit before the dataset as a whole is looked at again."""
IDLE, EDITING = 0.5, 60.0
"""Seconds without a request after which it leaves: when all was looked at, and after an edit."""


class Worker:
    """One run over a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.left = False
        self.db = database.open_reader(folder / "workspace.db")

    def run(self) -> None:
        """Work until stdin closes."""
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
        """Open what is read and what is written, for the rules as they are now."""
        self.stored = StoredExamples(self.folder, self.db)
        context = context_of(self.db)
        self.key = key_of(context)
        self.analyst = Analyst(context, tokens.counter(context.model))
        self._open_results(self.key)

    def _listen(self) -> None:
        rest = b""
        while data := os.read(0, 1 << 20):  # a buffered reader that waits in a thread aborts the program's end
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(orjson.JSONDecodeError):
                    self.requests.put(orjson.loads(line))
        self.requests.put(None)

    def _copy(self) -> None:
        rows = self.db.execute("SELECT file, origin FROM source WHERE lines IS NULL").fetchall()
        for file, origin in rows:
            copy = self.folder / "sources" / str(file)
            if Path(file).name != file or copy.exists():
                continue
            size = max(Path(origin).stat().st_size, 1)
            told = 0.0

            def progress(done: int, size: int = size) -> None:
                nonlocal told
                if time.monotonic() - told > 0.1:
                    told = time.monotonic()
                    tell({"phase": "copying", "done": done, "total": size})
                    self._drain()

            line_file.copy_file(Path(origin), copy, progress)
        if rows:
            tell({"phase": "copied", "done": 1, "total": 1})

    def _open_results(self, key: str) -> None:
        self.results = Results(analysis_path(self.folder))
        known = self.results.about("sources") or ""
        mine = sources_key(self.stored)
        if self.results.about("key") != key or not f"{mine} ".startswith(f"{known} "):
            self.results.clear()
        if known != mine:
            self.results.drop_about("finished")
        self.results.set_about("key", key)
        self.results.set_about("sources", mine)
        self.totals = Totals(self.results)

    def _first_pass(self) -> None:
        """Look at what has no result of its version yet; feed everything to the rules over the whole dataset."""
        known = Known(self.results, self.stored.next_id())
        total = len(self.stored.order.all)
        compared = self.results.about("compared")
        if self.results.about("finished") is not None and self._is_current(known.edited, int(compared or 0)):
            tell({"phase": "done", "done": total, "total": total})
            return
        check, revision = self._dataset_check(), self.stored.revision()
        gone = {row[0] for row in self.db.execute("SELECT id FROM example WHERE deleted > 0")}
        waiting: list[Result] = []
        limit = FIRST_BATCH
        tell({"phase": "checking", "done": 0, "total": total})
        done = 0
        for looks in self._looks(known):
            for look in looks:
                result = look.result
                if result.id not in gone:
                    look.feed(check)
                if not known.holds(result.id, result.version):
                    waiting.append(result)
            done += len(looks)
            if done >= limit:
                self._store(waiting, done, total)
                waiting, limit = [], done + BATCH
            known.add(self._drain())
        self._store(waiting, total, total)
        tell({"phase": "comparing", "done": total, "total": total})
        self._finish(check, revision)

    def _looks(self, known: Known) -> Iterator[list[Look]]:
        """A look at every example, some at a time; of what has its result the facts alone are looked for, and its
        tokens are not counted again. No cycles are made, so none are searched for meanwhile."""
        examples = self.stored.everything()
        quick = Analyst(context_of(self.db))
        gc.disable()
        try:
            while some := list(itertools.islice(examples, TOGETHER)):
                held = [known.holds(example, version) for example, version, _ in some]
                counted = known.tokens([example[0] for example, old in zip(some, held, strict=True) if old])
                fresh = iter(self.analyst.look_at_many(itertools.compress(some, map(operator.not_, held))))
                facts = (look.counted(counted) for look in quick.look_at_many(itertools.compress(some, held)))
                yield [next(facts) if old else next(fresh) for old in held]
        finally:
            gc.enable()

    def _is_current(self, known: dict[int, int], compared: int) -> bool:
        """Whether the results of edited examples are those of their versions, no edit was undone since, and the
        dataset was looked at as a whole after its last change."""
        moved = "change > ? AND field IN ('deleted', 'version', 'hidden')"
        if self.db.execute(f"SELECT 1 FROM part WHERE {moved} LIMIT 1", (compared,)).fetchone():
            return False
        edited: dict[int, int] = dict(
            self.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL AND deleted < 2")
        )
        undone = any(self.stored.source_of(example) for example in known.keys() - edited.keys())
        return not undone and all(known.get(example) == version for example, version in edited.items())

    def _dataset_check(self) -> rules.DatasetCheck:
        return rules.DatasetCheck(self.analyst.context, noun=self.stored.noun)

    def _finish(self, check: rules.DatasetCheck, revision: int) -> None:
        self.results.put_overall(check.problems())
        self.results.finish()
        self.totals.recount()
        self.results.set_about("finished", "1")
        self.results.set_about("compared", str(revision))
        total = len(self.stored.order.all)
        tell({"phase": "done", "done": total, "total": total, "all": True})

    def _store(self, found: list[Result], done: int, total: int) -> None:
        self.results.put(found)
        self.totals.add(found)
        tell({"phase": "checking", "done": done, "total": total, "ids": _ends([r.id for r in found])})

    def _drain(self) -> dict[int, int]:
        """Answer what the reader asked for meanwhile; returns the versions of what was looked at."""
        looked: dict[int, int] = {}
        while not self.requests.empty():
            request = self.requests.get()
            if request is None:
                raise Left
            if hasattr(self, "results"):
                looked.update(self._answer(request))
            heard(request)
        return looked

    def _answer(self, request: dict[str, Any]) -> dict[int, int]:
        if request.get("restructured") and key_of(context_of(self.db)) != self.key:
            raise Restart
        wanted = [int(i) for i in (*request.get("show", ()), *request.get("changed", ()))]
        known = self.results.versions(wanted)
        touched = self.stored.example_rows(wanted)
        found: list[Result] = []
        for example, raw in self.stored.raws(wanted):
            version = touched[example].version if example in touched else 0
            if known.get(example) != version:
                found.append(self.analyst.look(example, version, raw).result)
        if found:
            replaced = bool(known)
            self.results.put(found)
            self.totals.recount() if replaced else self.totals.add(found)
            tell({"ids": [[r.id, r.id] for r in found]})
        return {r.id: r.version for r in found}

    def _serve(self) -> None:
        """Wait for edits; when they rest, look at the dataset as a whole again. Leave where none come."""
        stale = False
        rest, patience = SETTLED, IDLE
        while True:
            try:
                request = self.requests.get(timeout=rest if stale else patience)
            except queue.Empty:
                if not stale:
                    raise Left from None
                started = time.monotonic()
                stale = not self._compare_again()
                rest = max(SETTLED, 5 * (time.monotonic() - started))
                continue
            if self._take(request):
                stale, patience = True, EDITING

    def _take(self, request: dict[str, Any] | None) -> bool:
        """Do what was asked for; whether the dataset is no longer what it was."""
        if request is None:
            raise Left
        if request.get("restructured"):
            self.stored.reload()
        self._answer(request)
        heard(request)
        return bool(request.get("changed") or request.get("restructured"))

    def _compare_again(self) -> bool:
        """Have the rules over the whole dataset look again; False where somebody edited meanwhile."""
        check, revision = self._dataset_check(), self.stored.revision()
        gone = {row[0] for row in self.db.execute("SELECT id FROM example WHERE deleted > 0")}
        for looks in self._looks(Known(self.results, self.stored.next_id())):
            for look in looks:
                if look.result.id not in gone:
                    look.feed(check)
            while not self.requests.empty():
                if self._take(self.requests.get()):
                    return False  # it is looked at again when they rest
        self._finish(check, revision)
        return True


class Known:
    """Of which examples, in which version, there is a result."""

    def __init__(self, results: Results, size: int) -> None:
        self._results = results
        self._source = results.flags.read("states", size).translate(having(SOURCE, SOURCE))
        self.edited: dict[int, int] = dict(
            results.db.execute("SELECT id, version FROM result WHERE version > 0").fetchall()
        )
        """The versions of those that are not the source's."""

    def holds(self, example: int, version: int) -> bool:
        """Whether that version of an example has its result."""
        if version:
            return self.edited.get(example) == version
        return example < len(self._source) and bool(self._source[example])

    def add(self, versions: dict[int, int]) -> None:
        """Results came: the versions of some examples."""
        for example, version in versions.items():
            if version:
                self.edited[example] = version
            elif example < len(self._source):
                self._source[example] = 1

    def tokens(self, ids: list[int]) -> dict[int, int]:
        """The stored tokens of some examples."""
        marks = ",".join("?" * len(ids))
        return dict(self._results.db.execute(f"SELECT id, tokens FROM result WHERE id IN ({marks})", ids))


class Left(Exception):
    """The reader has gone."""


class Restart(Exception):
    """The rules' context is another one now: every result is void."""


def tell(fact: dict[str, Any]) -> None:
    """One line of news for the reader."""
    try:
        sys.stdout.buffer.write(orjson.dumps(fact) + b"\n")
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError) as error:
        raise Left from error


def heard(request: dict[str, Any]) -> None:
    """Tell the reader that an edit need not be told again."""
    if "number" in request:
        tell({"heard": request["number"]})


def _ends(ids: list[int]) -> list[list[int]]:
    """Ids as ranges, both ends included."""
    ranges: list[list[int]] = []
    for example in ids:
        if ranges and example == ranges[-1][1] + 1:
            ranges[-1][1] = example
        else:
            ranges.append([example, example])
    return ranges


def main(argv: list[str]) -> int:
    """Run the child; every failure becomes one line for the reader."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)
    folder = Path(argv[0])
    place = analysis_path(folder).parent
    lock = Lock(place / "analysis.lock")
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not lock.acquire(wait=LEAVING):
            tell({"phase": "elsewhere"})
            return 0
        Worker(folder).run()
    except Left:
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from curator.log import log_failure

        log_failure()
        with contextlib.suppress(Left):
            tell({"phase": "failed", "error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
