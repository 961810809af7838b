"""One pass over a stretch of records: parse once, feed rules, dataset facts, classic counts and tokens.

A stretch is a whole file, or a byte range of a big one inside a worker process; what it gives can be joined.
"""

from __future__ import annotations

import gc
from array import array
from collections import Counter as Bag
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core import rules
from curator.core.compat import Counts, Variant
from curator.core.example import Example, parse
from curator.core.formats import Format
from curator.core.problem import Method, Problem, Profile, Severity
from curator.core.rules.context import AnswerContract, TokenCount
from curator.core.rules.engine import check_subject
from curator.core.rules.facts import Facts, Tally, facts
from curator.core.rules.quick.quick_look import Seen, looks, not_well_formed
from curator.core.rules.subject import Subject
from curator.workspace.checks.excerpt import Excerpt, excerpt
from curator.workspace.checks.json_findings import Rows, as_json
from curator.workspace.files.line_splitter import Batch, Notes, batches, blocks

if TYPE_CHECKING:
    from curator.core.counting.counter import Chat, Counter

BATCH = 4_000
"""Plain chats whose tokens are counted together."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to check against; everything in it can be sent to a worker process."""

    profile: Profile = "openai"
    method: Method | None = None
    model: str = ""
    limit: int | None = None
    compat: Variant | None = None
    contract: AnswerContract | None = None
    tokens: bool = True
    """Count tokens by the model's encoding (and with them find examples over the limit)."""
    quick: bool = False
    """Only the rules on formats, line by line: no texts, tokens, counts or rules on the set as a whole."""
    shown: int | None = 5
    """Findings of each rule that are kept with an excerpt; None keeps every one as JSON instead."""

    def context(self) -> rules.Context:
        """The rules' view of it, with the model's counter where tokens are wanted."""
        plain = rules.Context(
            self.profile, self.method, self.model, self.limit, contract=self.contract, quick=self.quick
        )
        if not self.tokens or self.quick:
            return plain
        counter = self.counter()
        return replace(plain, count=counter.example, cut=counter.truncation)

    def counter(self) -> Counter:
        """The model's counter."""
        from curator import tokens

        return tokens.counter(self.model)


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding kept for people: its line, and the stretch of the line it is about."""

    line: int | None
    problem: Problem
    excerpt: Excerpt | None = None


@dataclass(slots=True)
class Stretch:
    """What a stretch of records gave; `join` puts a later one behind it."""

    notes: Notes = field(default_factory=Notes)
    tally: Tally = field(default_factory=Tally)
    counts: dict[Severity, Bag[str]] = field(default_factory=lambda: {severity: Bag() for severity in Severity})
    shown: list[Shown] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    """Every finding as a JSON object, where all are wanted."""
    compat: Bag[str] = field(default_factory=Bag)
    totals: array[int] = field(default_factory=lambda: array("I"))
    answers: array[int] = field(default_factory=lambda: array("I"))
    formats: set[Format] = field(default_factory=set)
    """What kinds of example a quick check saw; else the tally tells."""

    def note(self, line: int | None, problem: Problem, options: Options, example: Example | None = None) -> None:
        """Take one finding: counted always, kept as far as the options say."""
        counts = self.counts[problem.severity]
        counts[problem.rule] += 1
        if options.shown is None:
            self.rows.add(as_json(line, problem))
        elif counts[problem.rule] <= options.shown:
            self.shown.append(Shown(line, problem, _excerpt(example, problem)))

    def join(self, later: Stretch, options: Options) -> None:
        """Take over what a later stretch gave; its line numbers are those of the file already."""
        self.tally.extend(later.tally)
        if options.shown is not None:
            for shown in later.shown:
                before = self.counts[shown.problem.severity][shown.problem.rule]
                mine = sum(kept.problem.rule == shown.problem.rule for kept in self.shown) if before else 0
                if mine < options.shown:
                    self.shown.append(shown)
        for severity, counts in later.counts.items():
            self.counts[severity].update(counts)
        self.rows.extend(later.rows)
        self.compat.update(later.compat)
        self.totals.extend(later.totals)
        self.answers.extend(later.answers)
        self.formats |= later.formats
        self._join_notes(later.notes)

    def _join_notes(self, later: Notes) -> None:
        notes = self.notes
        notes.lines = max(notes.lines, later.lines)
        notes.records += later.records
        notes.blanks.extend(later.blanks)
        notes.carriage_returns += later.carriage_returns
        notes.first_carriage_return = notes.first_carriage_return or later.first_carriage_return
        notes.bom = notes.bom or later.bom


def _excerpt(example: Example | None, problem: Problem) -> Excerpt | None:
    if example is None:
        return None
    column = next((fault.column for fault in example.faults if fault.rule == problem.rule), None)
    return excerpt(example.raw, problem.location, column) if problem.location or column is not None else None


def examine(
    batches: Iterable[Batch], notes: Notes, options: Options, *, spill: bool = False, large: bool = False
) -> Stretch:
    """One pass over the records; `spill` keeps many findings in a temporary file, `large` tells that many bytes
    are to come."""
    stretch, context = Stretch(notes, rows=Rows(spill=spill)), options.context()
    compat = Counts(options.compat) if options.compat else None
    counter = options.counter() if context.count is not None else None
    look_at = _Pass(stretch, context, options, compat, counter, large)
    with _uncollected():
        if options.quick:
            look_at.formats(batches)
        else:
            look_at.everything(batches)
    if compat is not None:
        stretch.compat = compat.counts
    return stretch


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector: nothing in the loop makes cycles, and its walks cost a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@dataclass(slots=True)
class _Pass:
    """What a pass fills, and what it checks against."""

    stretch: Stretch
    context: rules.Context
    options: Options
    compat: Counts | None
    counter: Counter | None
    large: bool
    """Whether there are enough bytes to look at for numpy to be worth its loading."""
    waiting: list[Chat] = field(default_factory=list)
    """Plain chats whose tokens are still to be counted."""

    def formats(self, batches: Iterable[Batch]) -> None:
        """The format rules alone."""
        context, formats = self.context, self.stretch.formats
        for lines, raws in batches:
            others = not_well_formed(raws, context)
            if len(others) < len(raws):
                formats.add("chat")
            for at in others:
                example = parse(raws[at])
                subject = Subject(example, context)
                formats.add(subject.format)
                for problem in check_subject(subject, context):
                    self.stretch.note(lines[at], problem, self.options, example)

    def everything(self, batches: Iterable[Batch]) -> None:
        """All rules, facts and tokens; well-formed chats the short way (core.fastpath)."""
        bare = self.counter is None and self.compat is None
        for lines, raws in batches:
            keys, rows = [], []
            for line, raw, seen in zip(lines, raws, self._looks(raws), strict=True):
                known = (seen.facts if bare else self._take(len(raw), seen)) if seen is not None else None
                if known is None or seen is None:
                    known = self._other(line, parse(raw))
                elif seen.problems:
                    self._told(line, seen.problems)
                if known is not None:
                    keys.append(line)
                    rows.append(known)
            self.stretch.tally.take(keys, rows)
        self._count()

    def _looks(self, raws: list[bytes]) -> list[Seen | None]:
        if self.context.contract is not None:
            return [None] * len(raws)
        return looks(raws, self.context, many=self.large)

    def _told(self, line: int, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.stretch.note(line, problem, self.options)

    def _take(self, size: int, seen: Seen) -> Facts | None:
        """The facts of what was seen at once; None where the example is too long, which a rule has to say."""
        value = seen.value
        if self.counter is not None:
            limit = self.context.limit
            if value is None and (limit is None or size <= limit):  # no token is less than a byte
                self.waiting.append((seen.roles, seen.texts))
                if len(self.waiting) == BATCH:
                    self._count()
            else:
                chat = (seen.roles, seen.texts)
                tokens = self.counter.chats([chat])[0] if value is None else self.counter.example(value)
                if limit is not None and tokens.total > limit:
                    return None
                self._add(tokens)
        if self.compat is not None and value is not None:  # they find nothing in plain texts
            self.compat.add(value)
        return seen.facts

    def _other(self, line: int, example: Example) -> Facts | None:
        """Take any other line by all the rules; no facts are known of a broken one."""
        stretch, context = self.stretch, self.context
        subject = Subject(example, context)
        for problem in check_subject(subject, context):
            stretch.note(line, problem, self.options, example)
        if example.value is None and example.faults:
            stretch.tally.count += 1
            return None
        if self.compat is not None:
            self.compat.add(example.value)
        tokens = subject.tokens(context)
        if tokens is not None:
            self._add(tokens)
        return facts(subject, context)

    def _count(self) -> None:
        """Count the tokens of the chats that wait."""
        if self.counter is not None:
            for tokens in self.counter.chats(self.waiting):
                self._add(tokens)
            self.waiting.clear()

    def _add(self, tokens: TokenCount) -> None:
        self.stretch.totals.append(tokens.total)
        self.stretch.answers.append(tokens.assistant)


@dataclass(frozen=True, slots=True)
class Range:
    """Whole lines of a plain file: byte offsets, and how many lines stand before."""

    start: int
    end: int
    lines: int


def examine_range(path: Path, part: Range, options: Options) -> Stretch:
    """`examine` for a byte range; runs in a worker process."""
    notes = Notes()
    with path.open("rb", buffering=1 << 20) as file:
        file.seek(part.start)
        records = batches(blocks(file, part.end - part.start), notes, part.lines, first=part.start == 0)
        return examine(records, notes, options, large=True)
