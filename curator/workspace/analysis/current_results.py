"""Results for the reader: the child's `analysis.db` where it is there, this process's own looks where it is not.

Small datasets are analysed in memory at the first question; of large ones only what is on the screen or was
just edited is looked at here (`fresh`), until the child's results arrive.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from curator import paths
from curator.core import rules
from curator.core.example import parse
from curator.core.problem import Problem
from curator.core.rules.registry import VERSION as RULES_VERSION
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.analyst import Analyst, tally
from curator.workspace.analysis.flag_columns import Column
from curator.workspace.analysis.mark_counts import Marks
from curator.workspace.analysis.outdated_results import Stale
from curator.workspace.analysis.result_store import VERSION, Result, Results
from curator.workspace.storage.examples import StoredExamples

INLINE_EXAMPLES = 2000
INLINE_BYTES = 4 * 1024 * 1024
"""Datasets within both are analysed at once, without a child."""
AT_A_TIME = 64
"""Results that are dropped in one go because the child has them too: a few milliseconds."""
AT_ONCE = 500
"""After a bulk change at most this many examples are looked at here; the child does the rest."""


def key_of(context: rules.Context) -> str:
    """What stored results depend on, beside the bytes."""
    contract = "" if context.contract is None else repr(context.contract)
    model = context.model
    return f"{VERSION}.{RULES_VERSION} {context.profile} {context.method} {model} {context.limit} {contract}"


def analysis_path(folder: Path) -> Path:
    """Where the child's database is: in the workspace, or in the cache where that cannot be written."""
    if os.access(folder, os.W_OK):
        return folder / "analysis.db"
    digest = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return paths.cache_dir() / "analysis" / digest / "analysis.db"


class Derived:
    """Results by id, always of the current version of an example."""

    def __init__(self, stored: StoredExamples, context: rules.Context) -> None:
        self.stored = stored
        self.analyst = Analyst(context)
        self.fresh = Results()
        self.file: Results | None = None
        self.finished = False
        """The stored results cover every example."""
        self.alone = False
        """No child will come: this process answers every question by itself, whatever that takes."""
        self._overall_stale = True
        self.outdated: set[int] = set()
        """Changed examples whose results nobody has yet."""
        self._columns: dict[str, bytearray] = {}
        """Columns of `flags` as the child wrote them, and whether they are those of now: `_kept`."""
        self._kept_at: tuple[int, int] | None = None
        self._wrong: Stale | None = None
        self.marks = Marks()
        self.attach()

    def attach(self) -> None:
        """Use the child's results as far as they fit this context and rule set."""
        path = analysis_path(self.stored.folder)
        if self.file is not None:
            self.file.close()
        self.file = self._kept_at = self._wrong = None
        if not path.is_file():
            return
        try:
            results = Results(path, write=False)
            fits = (
                results.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
                and results.about("key") == key_of(self.analyst.context)
                and results.about("sources") == sources_key(self.stored)
            )
            self.finished = fits and results.about("finished") is not None
        except sqlite3.Error:
            return
        if fits:
            self.file = results
            self.outdated |= self._edited_since()
        else:
            results.close()

    def wrong(self) -> Stale:
        """Those of the child's results that do not count; there must be some results."""
        assert self.file is not None
        if self._wrong is None:
            self._wrong = Stale(self.file)
        self._wrong.settle(self.stored, self.outdated)
        return self._wrong

    @property
    def late(self) -> bool:
        """Whether the totals are behind what the child wrote, and it is time to ask for them again."""
        return self._wrong is not None and self._wrong.due

    def _edited_since(self) -> set[int]:
        """Examples that were rewritten after the child last looked at them, and that nobody looked at here."""
        assert self.file is not None
        now = dict(self.stored.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL AND deleted < 2"))
        ours = dict(self.fresh.db.execute("SELECT id, version FROM result"))
        theirs = self.file.versions(list(now))
        return {i for i, version in now.items() if version not in (theirs.get(i), ours.get(i))}

    @property
    def inline(self) -> bool:
        """True where this process answers every question by itself."""
        if self.alone and not self.finished:
            return True
        return (
            not self.finished
            and all(source.lines is not None for source in self.stored.sources)  # else only its first lines
            and len(self.stored.order.all) <= INLINE_EXAMPLES
            and sum(source.line_file.size for source in self.stored.sources) <= INLINE_BYTES
        )

    def prepare(self) -> None:
        """Before a question about all examples: look at what a small dataset or a few edits still lack."""
        if self.inline:
            known = dict(self.fresh.db.execute("SELECT id, version FROM result"))
            todo = [i for i in self.stored.order.all if i not in known or i in self.outdated]
        else:
            todo = sorted(self.outdated)[:AT_ONCE]
        if todo:
            self.look(todo)
        if self._overall_stale and self.inline:
            self._check_overall()

    def look(self, ids: Sequence[int]) -> None:
        """Compute and keep the results of some examples."""
        touched = self.stored.example_rows(ids)
        looked = []
        for example in ids:
            row = touched.get(example)
            try:
                raw = self.stored.raw(example, row)
            except KeyError:
                continue
            looked.append(self.analyst.look(example, row.version if row is not None else 0, raw).result)
        self.fresh.put(looked)
        self.outdated.difference_update(ids)

    def changed(self, ids: Sequence[int]) -> None:
        """The bytes of these examples are others now."""
        self._overall_stale = True
        self.outdated.update(ids)
        if len(ids) <= AT_ONCE:
            self.look(ids)

    def follow(self, context: rules.Context) -> None:
        """Another process wrote: look again at what it changed, or at all where it changed what rules know."""
        if key_of(context) != key_of(self.analyst.context):
            self.analyst = Analyst(context)
            self.fresh.close()
            self.fresh, self.outdated = Results(), set()
            self.attach()
        now = dict(self.stored.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL"))
        ours = self.fresh.db.execute("SELECT id, version FROM result")
        self.outdated |= {example for example, version in ours if now.get(example, 0) != version}
        if self.file is not None:
            self.outdated |= self._edited_since()
        self._overall_stale = True
        self.settle()

    def restructured(self) -> None:
        """Examples came, went or moved: what rests on the whole dataset is to be found again."""
        self._overall_stale = True

    def _check_overall(self) -> None:
        check = rules.DatasetCheck(self.analyst.context, noun=self.stored.noun)

        for example, raw in self.stored.raws(self.stored.order.live):
            check.add(example, parse(raw))
        self.fresh.put_overall(check.problems())
        self._overall_stale = False

    def results(self, versions: Sequence[tuple[int, int]]) -> dict[int, Result]:
        """Results of (example, version) pairs; those that nobody has are absent."""
        ids = [example for example, _ in versions]
        found = self.fresh.get(ids)
        stored = self.file.get(ids) if self.file is not None else {}
        out: dict[int, Result] = {}
        for example, version in versions:
            for result in (stored.get(example), found.get(example)):
                if result is not None and result.version == version:
                    out[example] = result
                    break
        return out

    def overall(self, ids: Sequence[int]) -> dict[int, list[Problem]]:
        """What the rules over the whole dataset say of some examples."""
        return self._about_all().overall_rules(ids)

    def overall_problems(self) -> tuple[Problem, ...]:
        """What they say of the dataset and of no example in particular."""
        self.prepare()
        return self._about_all().overall(None)

    def _about_all(self) -> Results:
        return self.fresh if self.inline or self.file is None else self.file

    def select(self, where: str, values: Sequence[object], size: int) -> bytearray:
        """One byte for each id below `size`: 1 where a stored result meets a condition."""
        return self._marked(f"SELECT id FROM result WHERE {where} AND id < ?", (*values, size), size)

    def find(self, rule: str, size: int) -> bytearray:
        """As `select`, for the examples with a finding of a rule, those over the whole dataset included."""
        found = self._marked("SELECT id FROM finding WHERE rule = ? AND id < ?", (rule, size), size)
        whole = "SELECT id FROM overall WHERE rule = ? AND id < ?"
        for (example,) in self._about_all().db.execute(whole, (rule, size)):
            found[example] = 1
        return found

    def _marked(self, query: str, values: Sequence[object], size: int) -> bytearray:
        found = bytearray(size)
        if self.file is not None:
            for (example,) in self.file.db.execute(query, values):
                found[example] = 1
            for example in self._superseded():
                if example < size:
                    found[example] = 0
        for (example,) in self.fresh.db.execute(query, values):
            found[example] = 1
        return found

    def judged(self, size: int, bits: int) -> bytearray:
        """The column `states`, with these bits also where the rules over the whole dataset found such."""
        kept = {} if self.file is None or self.inline else self._kept(size, "states", "overall")
        overall = kept["overall"] if kept else self.fresh.flags.read("overall", size)
        if 1 not in overall.translate(flags.having_any(bits)):
            return self.flags(size, "states")[0]
        if not kept or self._superseded():
            return flags.both(self.flags(size, "states")[0], overall)
        if "judged" not in kept:
            kept["judged"] = flags.both(kept["states"], overall)
        return kept["judged"]

    def flags(self, size: int, *columns: Column) -> list[bytearray]:
        """One byte for each id below `size` of the results of current versions; 0 where nobody has one.

        Not to be changed.
        """
        if self.file is None:
            return self.fresh.flags.read_all(columns, size)
        kept = self._kept(size, *columns)
        stored = [kept[column] for column in columns]
        newer = [example for example in self._superseded() if example < size]
        if not newer:
            return stored
        found = [bytearray(column) for column in stored]
        for column, ours in zip(found, self.fresh.flags.read_all(columns, size), strict=True):
            for example in newer:
                column[example] = ours[example]
        return found

    def _kept(self, size: int, *columns: Column) -> dict[str, bytearray]:
        """At least these columns of the child's results; they are read once, until it writes again."""
        assert self.file is not None
        version = (self.file.db.execute("PRAGMA data_version").fetchone()[0], size)
        if version != self._kept_at:
            self._columns, self._kept_at = {}, version
        lacking = [column for column in columns if column not in self._columns]
        if lacking:
            self._columns.update(zip(lacking, self.file.flags.read_all(lacking, size), strict=True))
        return self._columns

    def column(self, expression: str) -> dict[int, object]:
        """A column (or an expression of ours) of every result, by id, newest versions first."""
        sql = f"SELECT id, {expression} FROM result"
        found: dict[int, object] = dict(self.file.db.execute(sql)) if self.file is not None else {}
        found.update(self.fresh.db.execute(sql))
        return found

    def count_tokens(self, ids: Sequence[int]) -> None:
        """Look at these examples with a counter, unless their tokens are known."""
        touched = self.stored.example_rows(ids)
        known = self.results([(i, touched[i].version if i in touched else 0) for i in ids])
        todo = [i for i in ids if i not in known or known[i].tokens is None]
        if todo:
            self._load_counter()
            self.look(todo)

    def _load_counter(self) -> None:
        if self.analyst.counter is None:
            from curator import tokens

            self.analyst.count_with(tokens.counter(self.analyst.context.model))

    def require_tokens(self) -> None:
        """Count tokens here where no child did, so that a question about them can be answered (slow, once)."""
        if not self.inline and self.file is not None:
            return
        self._load_counter()
        rows = self.fresh.db.execute("SELECT id FROM result WHERE tokens IS NULL").fetchall()
        known = {row[0] for row in self.fresh.db.execute("SELECT id FROM result")}
        lacking = [row[0] for row in rows] + [i for i in self.stored.order.all if i not in known]
        for start in range(0, len(lacking), 5000):
            self.look(lacking[start : start + 5000])

    def _superseded(self) -> set[int]:
        """Examples whose stored row is of an older version, or whose row here is the newer one."""
        ours = {example for (example,) in self.fresh.db.execute("SELECT id FROM result")}
        return ours | self.outdated

    def settle(self) -> list[int]:
        """Take up what the child wrote: ids of ours that it has now, which are dropped here."""
        if self.file is None:
            self.attach()
            if self.file is None:
                return []
        ours = dict(self.fresh.db.execute("SELECT id, version FROM result"))
        theirs = self.file.versions(list(ours))
        done = [i for i, version in ours.items() if theirs.get(i) == version][:AT_A_TIME]
        if done:
            self.fresh.forget(done)
        self.finished = self.file.about("finished") is not None
        return done

    def close(self) -> None:
        """Close both stores."""
        self.fresh.close()
        if self.file is not None:
            self.file.close()


def sources_key(stored: StoredExamples) -> str:
    """Which sources the results are about: their ids, first ids and sizes."""
    return " ".join(
        f"{s.id}:{s.first_id}:{s.origin_size if s.lines is None else s.line_file.size}" for s in stored.sources
    )


def total_of(results: Iterable[Result], overall: dict[int, list[Problem]]) -> dict[str, int]:
    """Examples with errors, with warnings only, tokens and assistant tokens of some results."""
    totals = {"analysed": 0, "errors": 0, "warnings": 0, "tokens": 0, "assistant": 0, "counted": 0}
    for result in results:
        errors, warnings = tally(overall.get(result.id, ()))
        bad = result.errors + errors > 0
        totals["analysed"] += 1
        totals["errors"] += bad
        totals["warnings"] += not bad and result.warnings + warnings > 0
        totals["counted"] += result.tokens is not None
        totals["tokens"] += result.tokens or 0
        totals["assistant"] += result.assistant or 0
    return totals
