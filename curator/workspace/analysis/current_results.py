"""Analysis results of the current version of each example: from the child's `analysis.db`, or computed here.

Small datasets are analysed in memory, at the first question. Of large ones this process analyses only what is on
the screen or was just edited (`fresh`), until the child's results arrive.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from curator import paths
from curator.core import rules
from curator.core.example import parse
from curator.core.problem import Problem
from curator.core.rules.registry import VERSION as RULES_VERSION
from curator.workspace.analysis.analyst import Analyst
from curator.workspace.analysis.current_flags import CurrentFlags
from curator.workspace.analysis.mark_counts import MarkCounts
from curator.workspace.analysis.outdated_results import OutdatedResults
from curator.workspace.analysis.own_findings import with_own_findings
from curator.workspace.analysis.result_store import VERSION, Result, Results
from curator.workspace.own_rules.asking import OwnRuleAsker
from curator.workspace.storage.examples import StoredExamples

INLINE_EXAMPLES = 2000
INLINE_BYTES = 4 * 1024 * 1024
"""Datasets within both are analysed by this process, without a child."""
DROPPED_AT_ONCE = 64
"""Results dropped in one call because the child has them too: a few milliseconds."""
BULK = 500
"""After a change of more examples this process analyses so many at a time; the child does the rest."""
TOKEN_BATCH = 5000
OwnSeverity = Literal["error", "warning", "info"]


def key_of(context: rules.Context, own_key: str = "") -> str:
    """Everything but the bytes that results depend on, as text: versions, own rules, what rules check against."""
    contract = "" if context.contract is None else repr(context.contract)
    model = context.model
    versions = f"{VERSION}.{RULES_VERSION}"
    return f"{versions} {context.profile} {context.method} {model} {context.limit} {contract}{own_key}"


def analysis_path(folder: Path) -> Path:
    """Where `analysis.db` of a workspace is: in its folder, or in the cache where that cannot be written."""
    if os.access(folder, os.W_OK):
        return folder / "analysis.db"
    digest = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return paths.cache_dir() / "analysis" / digest / "analysis.db"


def sources_key(stored: StoredExamples) -> str:
    """The sources that results belong to, as text: ids, first ids and sizes."""
    return " ".join(
        f"{s.id}:{s.first_id}:{s.origin_size if s.lines is None else s.line_file.size}" for s in stored.sources
    )


class CurrentResults:
    """The results of one workspace by example id; results of older versions are never returned."""

    def __init__(self, stored: StoredExamples, context: rules.Context) -> None:
        self.stored = stored
        self.analyst = Analyst(context)
        self.own_rules = OwnRuleAsker()
        """This process asks them only where no child will come: they may take their time."""
        self.fresh = Results()
        """Results that this process computed, in memory."""
        self.file: Results | None = None
        """The child's results; None as long as it has none for this context and these sources."""
        self.finished = False
        """Whether the child's results cover every example."""
        self.alone = False
        """Whether no child will come, so that this process answers every question, however long that takes."""
        self.unanalysed: set[int] = set()
        """Changed examples whose current version has no result yet."""
        self.flags = CurrentFlags(self)
        self.mark_counts = MarkCounts()
        self._overall_outdated = True
        """Whether the rules on the dataset as a whole have to check again."""
        self._outdated: OutdatedResults | None = None
        self.attach()

    def attach(self) -> None:
        """Use the child's results where they are of this context, these rules and these sources."""
        path = analysis_path(self.stored.folder)
        if self.file is not None:
            self.file.close()
        self.file = self._outdated = None
        self.flags.forget()
        if not path.is_file():
            return
        try:
            results = Results(path, write=False)
            fits = (
                results.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
                and results.fact("key") == key_of(self.analyst.context, self.own_rules.key)
                and results.fact("sources") == sources_key(self.stored)
            )
            self.finished = fits and results.fact("finished") is not None
        except sqlite3.Error:
            return
        if fits:
            self.file = results
            self.unanalysed |= self._edited_since()
        else:
            results.close()

    def count_held_out(self) -> int:
        """How many examples are on the validation or the test side, without a pass over all of them."""
        self.mark_counts.update(self.stored)
        return self.mark_counts.counts["validation"] + self.mark_counts.counts["test"]

    def outdated(self) -> OutdatedResults:
        """The sums over those of the child's results that do not count. There must be a `file`."""
        assert self.file is not None
        if self._outdated is None:
            self._outdated = OutdatedResults(self.file)
        self._outdated.update(self.stored, self.unanalysed)
        return self._outdated

    @property
    def totals_behind(self) -> bool:
        """Whether the child wrote results that the totals lack, and it is time to ask for the totals again."""
        return self._outdated is not None and self._outdated.due

    def _edited_since(self) -> set[int]:
        """Examples whose current version neither the child nor this process has analysed."""
        assert self.file is not None
        versions = dict(
            self.stored.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL AND deleted < 2")
        )
        fresh = dict(self.fresh.db.execute("SELECT id, version FROM result"))
        stored = self.file.versions(list(versions))
        return {i for i, version in versions.items() if version not in (stored.get(i), fresh.get(i))}

    @property
    def inline(self) -> bool:
        """Whether this process analyses the whole dataset itself."""
        if self.alone and not self.finished:
            return True
        return (
            not self.finished
            and all(
                source.lines is not None for source in self.stored.sources
            )  # else the file is still being copied
            and len(self.stored.order.all) <= INLINE_EXAMPLES
            and sum(source.line_file.size for source in self.stored.sources) <= INLINE_BYTES
        )

    def prepare(self) -> None:
        """Analyse what is missing before a question about all examples: a small dataset, or a few edits."""
        if self.inline:
            analysed = dict(self.fresh.db.execute("SELECT id, version FROM result"))
            missing = [i for i in self.stored.order.all if i not in analysed or i in self.unanalysed]
        else:
            missing = sorted(self.unanalysed)[:BULK]
        if missing:
            self.analyse(missing)
        if self._overall_outdated and self.inline:
            self._check_dataset()

    def analyse(self, ids: Sequence[int]) -> None:
        """Compute the results of some examples in this process."""
        touched = self.stored.example_rows(ids)
        results, raws = [], []
        for example in ids:
            row = touched.get(example)
            try:
                raw = self.stored.raw(example, row)
            except KeyError:
                continue
            results.append(self.analyst.analyse(example, row.version if row is not None else 0, raw).result)
            raws.append(raw)
        self.fresh.put(with_own_findings(self.own_rules, results, raws) if self.alone else results)
        self.unanalysed.difference_update(ids)

    def note_changed(self, ids: Sequence[int]) -> None:
        """The bytes of these examples have changed."""
        self._overall_outdated = True
        self.unanalysed.update(ids)
        if len(ids) <= BULK:
            self.analyse(ids)

    def note_restructured(self) -> None:
        """Examples were added, deleted or moved: the rules on the dataset as a whole must check again."""
        self._overall_outdated = True

    def follow(self, context: rules.Context) -> None:
        """Another process wrote: drop the results that its changes, or its context for the rules, made invalid."""
        if key_of(context) != key_of(self.analyst.context):
            self.analyst = Analyst(context)
            self.fresh.close()
            self.fresh, self.unanalysed = Results(), set()
            self.attach()
        versions = dict(self.stored.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL"))
        fresh = self.fresh.db.execute("SELECT id, version FROM result")
        self.unanalysed |= {example for example, version in fresh if versions.get(example, 0) != version}
        if self.file is not None:
            self.unanalysed |= self._edited_since()
        self._overall_outdated = True
        self.settle()

    def _check_dataset(self) -> None:
        """Run the rules on the dataset as a whole in this process."""
        check = rules.DatasetCheck(self.analyst.context, noun=self.stored.noun)
        for example, raw in self.stored.raws(self.stored.order.live):
            check.add(example, parse(raw))
        self.fresh.put_overall(check.problems())
        self._overall_outdated = False

    def results(self, versions: Sequence[tuple[int, int]]) -> dict[int, Result]:
        """The results of (example, version) pairs by id; pairs without a result are absent."""
        ids = [example for example, _ in versions]
        fresh = self.fresh.get(ids)
        stored = self.file.get(ids) if self.file is not None else {}
        out: dict[int, Result] = {}
        for example, version in versions:
            for result in (stored.get(example), fresh.get(example)):
                if result is not None and result.version == version:
                    out[example] = result
                    break
        return out

    def overall(self, ids: Sequence[int]) -> dict[int, list[Problem]]:
        """What the rules on the dataset as a whole found at some examples."""
        return self.overall_store.overall_problems(ids)

    @property
    def overall_store(self) -> Results:
        """The store with the findings of the rules on the dataset as a whole."""
        return self.fresh if self.inline or self.file is None else self.file

    def column(self, expression: str) -> dict[int, object]:
        """A column (or an SQL expression of ours) of every result by id; this process's results come first."""
        sql = f"SELECT id, {expression} FROM result"
        values: dict[int, object] = dict(self.file.db.execute(sql)) if self.file is not None else {}
        values.update(self.fresh.db.execute(sql))
        return values

    def count_tokens(self, ids: Sequence[int]) -> None:
        """Count the tokens of these examples, unless they are counted already."""
        touched = self.stored.example_rows(ids)
        results = self.results([(i, touched[i].version if i in touched else 0) for i in ids])
        uncounted = [i for i in ids if i not in results or results[i].tokens is None]
        if uncounted:
            self._load_counter()
            self.analyse(uncounted)

    @property
    def has_counts(self) -> bool:
        """Whether tokens were counted, here or by the child."""
        return self.analyst.counter is not None or self.file is not None

    def count_if_few(self) -> None:
        """From now on count tokens with each analysis here, where this process analyses the whole dataset."""
        if self.inline:
            self._load_counter()

    def _load_counter(self) -> None:
        if self.analyst.counter is None:
            from curator import tokens  # heavy

            self.analyst.count_with(tokens.counter(self.analyst.context.model))

    def require_tokens(self) -> None:
        """Count the tokens of all examples here, where no child process counts them; slow the first time."""
        if not self.inline and self.file is not None:
            return
        self._load_counter()
        analysed = dict(self.fresh.db.execute("SELECT id, tokens FROM result"))
        uncounted = [example for example, tokens in analysed.items() if tokens is None]
        uncounted += [i for i in self.stored.order.all if i not in analysed]
        for start in range(0, len(uncounted), TOKEN_BATCH):
            self.analyse(uncounted[start : start + TOKEN_BATCH])

    def superseded(self) -> set[int]:
        """Examples whose result in the child's store does not count: changed since, or analysed here."""
        return {example for (example,) in self.fresh.db.execute("SELECT id FROM result")} | self.unanalysed

    def own_rule_facts(self) -> dict[str, tuple[OwnSeverity, str]]:
        """(severity, reason) of each own rule by its id, as the child has stored them or this process was told."""
        stored = self.file.fact("own_rules") if self.file is not None else None
        try:
            facts = msgspec.json.decode(stored or "{}", type=dict[str, tuple[OwnSeverity, str]])
        except msgspec.DecodeError:
            facts = {}
        return {**facts, **self.own_rules.rules}

    def settle(self) -> list[int]:
        """Drop results of this process that the child has by now, `DROPPED_AT_ONCE` at most; returns their ids."""
        if self.file is None:
            self.attach()
            if self.file is None:
                return []
        fresh = dict(self.fresh.db.execute("SELECT id, version FROM result"))
        stored = self.file.versions(list(fresh))
        in_both = [i for i, version in fresh.items() if stored.get(i) == version][:DROPPED_AT_ONCE]
        if in_both:
            self.fresh.forget(in_both)
        self.finished = self.file.fact("finished") is not None
        return in_both

    def close(self) -> None:
        """Close both stores, and end the own rules."""
        self.own_rules.close()
        self.fresh.close()
        if self.file is not None:
            self.file.close()
