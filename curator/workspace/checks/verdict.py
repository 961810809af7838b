"""What a check says of a file: findings of the rules on lines, on the dataset and on the file, tokens and cost.

`Check.as_dict` is the object that `curator check --json` prints (CHECK in docs/commands.md).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from typing import Any

from curator import pricing
from curator.core import cost, models
from curator.core.example import parse
from curator.core.formats import METHODS, detect
from curator.core.problem import Method, Problem, Profile, Severity
from curator.core.rules import REGISTRY, DatasetCheck, Rule
from curator.core.rules.facts import FactsTally
from curator.core.rules.families.file import MAX_FILE_BYTES, MAX_UPLOAD_BYTES
from curator.workspace.checks.json_findings import value_fingerprint
from curator.workspace.checks.one_pass import Findings, Options
from curator.workspace.files.dataset_file import DatasetFile
from curator.workspace.files.line_splitter import Batch, Notes

CONVERTED = (".gz", ".zst", ".csv", ".tsv")
"""File name endings of other forms than plain JSONL; `file_extension` is only a warning for them."""
SAMPLE = 50
"""The training method is guessed from so many records at the start of the file."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the size of the file (None: unknown); of a workspace with examples."""


@dataclass(slots=True)
class Check:
    """The result for one file or workspace."""

    path: str
    """"-" for standard input."""
    format: str
    """The format of all examples ("chat", "preference", …), "mixed", or "unknown" where there is none."""
    findings: Findings
    options: Options
    tokens: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    damage: list[str] | None = None
    """Sentences on what is wrong with the workspace itself; None for a file."""
    baseline: dict[str, Any] | None = None
    """With a baseline: its `path`, how many findings were `known` and left out, how many are `gone`."""

    own: Mapping[str, Rule] = field(default_factory=dict)
    """The own rules that were asked, by id."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All rules that may have found something, in the order of reports."""
        return {**REGISTRY, **self.own}

    @property
    def contract_words(self) -> str | None:
        """What the answers were held to, and who says so; None for nothing."""
        contract = self.options.contract
        if contract is None:
            return None
        origin = self.options.contract_origin
        return f"{contract.words} ({origin})" if origin else contract.words

    @property
    def lines(self) -> int:
        """Physical lines, blank ones included."""
        return self.findings.notes.lines

    @property
    def examples(self) -> int:
        """Records: every line that is not blank, broken ones included."""
        return self.findings.notes.records

    @property
    def errors(self) -> dict[str, int]:
        """Findings at error level by rule."""
        return _order_counts(self.findings.counts[Severity.ERROR], self.rules)

    @property
    def warnings(self) -> dict[str, int]:
        """Findings at warning level by rule."""
        return _order_counts(self.findings.counts[Severity.WARNING], self.rules)

    def as_dict(self) -> dict[str, Any]:
        """CHECK without `problems`, which may be too many to hold twice: they are `findings.rows`."""
        check: dict[str, Any] = {
            "path": self.path,
            "format": self.format,
            "lines": self.lines,
            "examples": self.examples,
            "errors": self.errors,
            "warnings": self.warnings,
            "contract": self.contract_words,
        }
        if self.options.compat:
            check["compat"] = dict(self.findings.compat)
        if self.damage is not None:
            check |= {"sound": not self.damage, "damage": self.damage}
        if self.baseline is not None:
            check["baseline"] = self.baseline
        if self.tokens is not None:
            check |= {"tokens": self.tokens, "cost": self.cost}
        return check


def _order_counts(counts: Mapping[str, int], rules: Mapping[str, Rule]) -> dict[str, int]:
    """The counts in the order of the rules, without zeros."""
    return {rule: counts[rule] for rule in rules if counts.get(rule)}


def with_model(options: Options) -> Options:
    """The options, with the profile's default model, and the model's training context as limit, where unset."""
    model = options.model or models.default(options.profile)
    info = pricing.find(model)
    limit = options.limit if options.limit is not None else info.context if info else None
    return replace(options, model=model, limit=limit)


def first_batches(batches: Iterator[Batch]) -> list[Batch]:
    """Take batches until they hold `SAMPLE` records, enough for `method_of`."""
    sample: list[Batch] = []
    while sum(len(raws) for _, raws in sample) < SAMPLE and (batch := next(batches, None)) is not None:
        sample.append(batch)
    return sample


def method_of(first: Iterable[Batch]) -> Method | None:
    """The training method of the commonest format among the first `SAMPLE` records; None where none is known."""
    formats = [detect(parse(raw).value) for raw in islice(chain.from_iterable(raws for _, raws in first), SAMPLE)]
    counts = Counter(METHODS[name] for name in formats if name in METHODS)
    return counts.most_common(1)[0][0] if counts else None


def conclude(
    source: DatasetFile,
    findings: Findings,
    options: Options,
    validation: Mapping[int, int] | None,
    epochs: int | None,
    held_out: Findings | None = None,
    copied: Mapping[int, int] | None = None,
) -> Check:
    """Add the findings on the dataset as a whole and on the file, then sum up tokens and cost.

    `validation` comes from `check.value_lines`, `copied` from `check.copied_lines`; `epochs` is the number
    trained (None: the service's default).
    `held_out` are the findings on the validation side of a workspace, which is not trained; they join `findings`.
    """
    _note_file(source, findings, options)
    if options.quick:
        _join_side(findings, held_out, options)
        return Check(_name(source), _format_of(sorted(findings.formats - {"unknown"})), findings, options)
    context = replace(options, tokens=False).context()
    epochs = epochs if epochs is not None else cost.default_epochs(findings.tally.count)
    dataset = DatasetCheck(context, validation=validation, copied=copied, epochs=epochs)
    dataset.tally = findings.tally
    findings.tally.tokens = sum(findings.totals)
    problems = dataset.problems() if held_out is None else _problems_of_sides(dataset, held_out.tally)
    check = Check(_name(source), _format_of(dataset.formats()), findings, options)
    if options.tokens:
        check.cost = _cost(findings.totals, options, epochs)
    _join_side(findings, held_out, options)
    names = _names(findings.tally, problems) if options.keeps_rows else {}
    for line, problem in problems:
        findings.note(line, problem, options, name=names.get(line))
    if options.tokens:
        check.tokens = token_summary(findings.totals, findings.answers, options)
    return check


def _problems_of_sides(training: DatasetCheck, held_out: FactsTally) -> list[tuple[int | None, Problem]]:
    """The findings on two sides of a split, each as a dataset of its own; contradictions are found across them."""
    validation = DatasetCheck(training.context, part="validation")
    validation.tally = held_out
    training.validation = validation.value_lines() | dict(training.validation or {})
    both = DatasetCheck(training.context)
    for side in (training, validation):
        both.tally.extend(side.tally)
    apart = [*training.problems(), *validation.problems()]
    return [
        *(each for each in apart if each[1].rule != "conflicting_answers"),
        *(each for each in both.problems() if each[1].rule == "conflicting_answers"),
    ]


def _names(tally: FactsTally, problems: Iterable[tuple[int | None, Problem]]) -> dict[int | None, str]:
    """The fingerprints of the examples that findings on the dataset as a whole are about, by line or id."""
    lines = {line for line, _ in problems if line is not None}
    columns = zip(tally.keys, tally.prompts, tally.answers, strict=True) if lines else ()
    return {line: value_fingerprint(prompt, answer) for line, prompt, answer in columns if line in lines}


def _join_side(findings: Findings, held_out: Findings | None, options: Options) -> None:
    """Put the findings on the validation side behind those on the training side."""
    if held_out is not None:
        findings.join(held_out, options)
        findings.notes.lines = findings.notes.records


def _name(source: DatasetFile) -> str:
    """The path as CHECK names it."""
    return str(source.path) if source.path is not None else "-"


def _format_of(formats: list[str]) -> str:
    """The format of a dataset in which these occur."""
    return formats[0] if len(formats) == 1 else "mixed" if formats else "unknown"


def _note_file(source: DatasetFile, findings: Findings, options: Options) -> None:
    """Add the findings on the file's name, size and bytes."""
    for line, rule, words in _file_problems(source, findings.notes, options.profile):
        severity = REGISTRY[rule].severity.get(options.profile)
        if rule == "file_extension" and source.name.lower().endswith((".jsonl", *CONVERTED)):
            severity = Severity.WARNING  # such a file is not uploaded as it is
        if severity is not None:
            findings.note(line, Problem(rule, severity, words, fix=REGISTRY[rule].fix), options)


def _file_problems(source: DatasetFile, notes: Notes, profile: Profile) -> Iterator[tuple[int | None, str, str]]:
    """(line, rule, message) of what is wrong with the file's name, size and bytes."""
    if source.path is not None and not source.name.endswith(".jsonl"):
        yield None, "file_extension", "the name does not end in .jsonl: export it as .jsonl before the upload"
    elif source.path is not None and notes.packed:
        words = "the bytes are compressed, which the name does not say; curator fix writes it plain"
        yield None, "file_extension", words
    if not notes.records:
        yield None, "file_empty", "the file holds no example"
    size = source.size or 0
    if profile == "azure" and size >= MAX_FILE_BYTES:
        yield None, "file_too_large", f"{size / 2**20:,.0f} MB; Azure takes files below 512 MB: split it"
    elif size > MAX_FILE_BYTES:
        limit = "8 GB, the limit of Uploads" if size > MAX_UPLOAD_BYTES else "512 MB, the limit of the Files API"
        yield None, "file_too_large", f"{size / 2**20:,.0f} MB, more than {limit}"
    if notes.encoding:
        yield 1, "file_encoding", f"the file is {notes.encoding}; JSON Lines are UTF-8"
    if notes.bom:
        yield 1, "file_bom", "the file starts with a byte order mark"
    if notes.carriage_returns:
        lines = "1 line has" if notes.carriage_returns == 1 else f"{notes.carriage_returns:,} lines have"
        words = f"{lines} carriage returns (CR); the first here"
        yield notes.first_carriage_return, "line_endings", words
    for line in notes.blanks:
        yield line, "blank_line", "the line is blank"
    if source.kind == "array":
        yield 1, "json_array_file", "the file is one JSON value over many lines, not one example a line"


def token_summary(totals: array[int], answers: array[int], options: Options) -> dict[str, Any]:
    """CHECK's `tokens`: sums and quantiles of the token counts of examples (`totals`) and of their answers."""
    from curator.core.counting.spread import spread  # heavy: only where tokens are counted
    from curator.tokens import encoding_for  # heavy

    over = sum(1 for count in totals if options.limit is not None and count > options.limit)
    return {
        "encoding": encoding_for(options.model),
        "model": options.model,
        "total": sum(totals),
        "assistant": sum(answers),
        "over_limit": over,
        "limit": options.limit,
        "per_example": asdict(spread(totals)),
        "assistant_per_example": asdict(spread(answers)),
    }


def _cost(totals: array[int], options: Options, epochs: int) -> dict[str, Any]:
    """CHECK's `cost`: the estimate for training on all examples."""
    info = pricing.find(options.model)
    offered = info.on(options.profile) if info else None
    estimate = cost.estimate(totals, offered, epochs, name=options.model, limit=options.limit)
    return estimate.as_dict()
