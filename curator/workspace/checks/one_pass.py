"""One pass over records: each is parsed once, for the rules, the facts of the dataset, compat counts and tokens.

The records are those of a whole file, or of a byte range of a big one inside a worker process, whose findings are
joined afterwards.
"""

from __future__ import annotations

from array import array
from collections import Counter as Bag
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from curator.core import rules
from curator.core.compat import FaultCounts, Variant
from curator.core.example import Example, parse
from curator.core.formats import Format
from curator.core.problem import Method, Problem, Profile, Severity
from curator.core.rules.context import AnswerContract, TokenCount
from curator.core.rules.engine import check_subject
from curator.core.rules.facts import Facts, FactsTally, facts_of
from curator.core.rules.quick.quick_look import QuickLook, not_well_formed, quick_looks
from curator.core.rules.subject import Subject
from curator.workspace.checks.excerpt import Excerpt, excerpt
from curator.workspace.checks.json_findings import Rows, as_json, fingerprint
from curator.workspace.files.line_splitter import Batch, Notes
from curator.workspace.meter import without_collecting

if TYPE_CHECKING:
    from curator.core.counting.counter import Counter, RoleTexts

BATCH = 1_000
"""Plain chats whose tokens are counted together."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to check against. It can be pickled for a worker process."""

    profile: Profile = "openai"
    profile_given: bool = True
    """False: a workspace is checked for the profile that it has itself."""
    method: Method | None = None
    """None: guessed from the first records."""
    model: str = ""
    """Empty: the profile's default model."""
    limit: int | None = None
    """Most tokens of an example; None: what the model reads in training."""
    compat: Variant | None = None
    contract: AnswerContract | None = None
    contract_origin: str = ""
    """Where the contract comes from, in words."""
    tokens: bool = True
    """Count tokens by the model's encoding (and with them find examples over the limit)."""
    quick: bool = False
    """Only the rules on formats, line by line: not those on texts, tokens, or the dataset as a whole."""
    shown_per_rule: int | None = 5
    """Findings of each rule that are kept with an excerpt; None: all are kept as JSON instead."""
    rows: bool = False
    """Also keep all of them as JSON."""

    @property
    def keeps_rows(self) -> bool:
        """Whether every finding is kept as JSON."""
        return self.rows or self.shown_per_rule is None

    def context(self) -> rules.Context:
        """The context for the rules, with the model's token counter unless `tokens` is off."""
        plain = rules.Context(
            self.profile, self.method, self.model, self.limit, contract=self.contract, quick=self.quick
        )
        if not self.tokens or self.quick:
            return plain
        counter = self.counter()
        return replace(plain, count=counter.example, cut=counter.truncation)

    def counter(self) -> Counter:
        """The token counter of the model."""
        from curator import tokens  # heavy

        return tokens.counter(self.model)


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding to be printed: its line, and an excerpt of what it is about."""

    line: int | None
    problem: Problem
    excerpt: Excerpt | None = None


@dataclass(slots=True)
class Findings:
    """Everything that a pass over records found; `join` appends what a pass over later ones found."""

    notes: Notes = field(default_factory=Notes)
    tally: FactsTally = field(default_factory=FactsTally)
    counts: dict[Severity, Bag[str]] = field(default_factory=lambda: {severity: Bag() for severity in Severity})
    """Findings by severity and rule."""
    shown: list[ShownFinding] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    """Every finding as a JSON object, where `Options.keeps_rows`."""
    compat: Bag[str] = field(default_factory=Bag)
    """Counts of `--compat`, by name."""
    totals: array[int] = field(default_factory=lambda: array("I"))
    """Tokens of each example."""
    answers: array[int] = field(default_factory=lambda: array("I"))
    """Tokens of the trained answers of each example."""
    formats: set[Format] = field(default_factory=set)
    """Formats that occur, as a quick check detects them; in a full check `tally` has them."""

    def note(
        self,
        line: int | None,
        problem: Problem,
        options: Options,
        example: Example | None = None,
        name: str | None = None,
    ) -> None:
        """Count one finding, and keep it as the options say; `name` is the fingerprint of its example."""
        counts = self.counts[problem.severity]
        counts[problem.rule] += 1
        if options.keeps_rows:
            self.rows.add(as_json(line, problem, name))
        if options.shown_per_rule is not None and counts[problem.rule] <= options.shown_per_rule:
            self.shown.append(ShownFinding(line, problem, _excerpt(example, problem)))

    def join(self, later: Findings, options: Options) -> None:
        """Append the findings of a later part of the same file."""
        self.tally.extend(later.tally)
        if options.shown_per_rule is not None:
            for finding in later.shown:
                rule = finding.problem.rule
                before = self.counts[finding.problem.severity][rule]
                same_rule = sum(each.problem.rule == rule for each in self.shown) if before else 0
                if same_rule < options.shown_per_rule:
                    self.shown.append(finding)
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
) -> Findings:
    """One pass over the records of `batches`, whose reader fills `notes`.

    `spill`: many findings go to a temporary file. `large`: there are enough records to be worth loading NumPy.
    """
    findings, context = Findings(notes, rows=Rows(spill=spill)), options.context()
    compat = FaultCounts(options.compat) if options.compat else None
    counter = options.counter() if context.count is not None else None
    one_pass = OnePass(findings, context, options, compat, counter, large)
    with without_collecting():
        if options.quick:
            one_pass.check_formats(batches)
        else:
            one_pass.check_all(batches)
    if compat is not None:
        findings.compat = compat.counts
    return findings


def facts_unless_broken(subject: Subject, context: rules.Context) -> Facts | None:
    """The facts of an example; None where it cannot be parsed."""
    broken = subject.example.value is None and subject.example.faults
    return None if broken else facts_of(subject, context)


@dataclass(slots=True)
class OnePass:
    """The loop over the records: `findings` is filled."""

    findings: Findings
    context: rules.Context
    options: Options
    compat: FaultCounts | None
    counter: Counter | None
    large: bool
    """Whether there are enough records to be worth loading NumPy."""
    uncounted: list[RoleTexts] = field(default_factory=list)
    """Plain chats whose tokens are counted at the next `_count`."""

    def check_formats(self, batches: Iterable[Batch]) -> None:
        """Check by the rules on formats alone."""
        context, formats = self.context, self.findings.formats
        for lines, raws in batches:
            others = not_well_formed(raws, context)
            if len(others) < len(raws):
                formats.add("chat")
            for at in others:
                example = parse(raws[at])
                subject = Subject(example, context)
                formats.add(subject.format)
                problems = check_subject(subject, context)
                if problems:
                    self._note_all(lines[at], problems, example, facts_unless_broken(subject, context))

    def check_all(self, batches: Iterable[Batch]) -> None:
        """Check by all rules, and collect facts and tokens; well-formed chats are not parsed in Python."""
        facts_suffice = self.counter is None and self.compat is None
        for lines, raws in batches:
            keys, rows = [], []
            for line, raw, look in zip(lines, raws, self._quick_looks(raws), strict=True):
                row = None
                if look is not None:
                    row = look.facts if facts_suffice else self._take(len(raw), look)
                if row is None or look is None:
                    row = self._check(line, parse(raw))
                elif look.problems:
                    self._note_all(line, look.problems, None, row)
                if row is not None:
                    keys.append(line)
                    rows.append(row)
            self.findings.tally.take(keys, rows)
        self._count()

    def _quick_looks(self, raws: list[bytes]) -> list[QuickLook | None]:
        """A quick look at each line; None where only all the rules tell. An answer contract needs them always."""
        if self.context.contract is not None:
            return [None] * len(raws)
        return quick_looks(raws, self.context, many=self.large)

    def _note_all(
        self, line: int, problems: Iterable[Problem], example: Example | None, facts: Facts | None
    ) -> None:
        """Note the findings on one example, which has no `facts` where it cannot be parsed."""
        name = fingerprint(facts, example.raw if example else b"") if self.options.keeps_rows else None
        for problem in problems:
            self.findings.note(line, problem, self.options, example, name)

    def _take(self, size: int, look: QuickLook) -> Facts | None:
        """Count a line of `size` bytes by its quick look; None where it is over the limit: a rule tells that."""
        value = look.value
        if self.counter is not None:
            limit = self.context.limit
            if value is None and (limit is None or size <= limit):  # no token is less than a byte
                self.uncounted.append((look.roles, look.texts))
                if len(self.uncounted) == BATCH:
                    self._count()
            else:
                chat = (look.roles, look.texts)
                tokens = self.counter.chats([chat])[0] if value is None else self.counter.example(value)
                if limit is not None and tokens.total > limit:
                    return None
                self._add(tokens)
        if self.compat is not None and value is not None:  # plain texts are never counted there
            self.compat.add(value)
        return look.facts

    def _check(self, line: int, example: Example) -> Facts | None:
        """Check one example by all rules; the facts are None where it cannot be parsed."""
        findings, context = self.findings, self.context
        subject = Subject(example, context)
        problems = check_subject(subject, context)
        facts = facts_unless_broken(subject, context)
        if problems:
            self._note_all(line, problems, example, facts)
        if facts is None:
            findings.tally.count += 1
            return None
        if self.compat is not None:
            self.compat.add(example.value)
        tokens = subject.tokens(context)
        if tokens is not None:
            self._add(tokens)
        return facts

    def _count(self) -> None:
        """Count the tokens of `uncounted`."""
        if self.counter is not None:
            for tokens in self.counter.chats(self.uncounted):
                self._add(tokens)
            self.uncounted.clear()

    def _add(self, tokens: TokenCount) -> None:
        self.findings.totals.append(tokens.total)
        self.findings.answers.append(tokens.assistant)
