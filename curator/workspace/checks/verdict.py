"""Checks a whole dataset file: rules line by line, then on the dataset and the file; CHECK of the contract.

Streams, so memory does not grow with the file but for hashes and the findings asked for. A big plain file is cut
into byte ranges that worker processes take.
"""

from __future__ import annotations

import os
import signal
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from curator import pricing
from curator.core import cost, models
from curator.core.example import parse
from curator.core.formats import METHODS, detect
from curator.core.problem import Method, Problem, Severity
from curator.core.rules import REGISTRY, DatasetCheck
from curator.core.rules.families.file import MAX_FILE_BYTES, MAX_UPLOAD_BYTES
from curator.workspace.checks.json_findings import Rows
from curator.workspace.checks.one_pass import Options, Range, Stretch, examine, examine_range
from curator.workspace.files.dataset_file import STDIN, DatasetFile, open_dataset
from curator.workspace.files.line_splitter import Batch, Notes
from curator.workspace.storage.folder import is_workspace

SHARE, QUICK_SHARE = 12 << 20, 96 << 20
"""Bytes that a worker process must have to itself to pay for its start."""
RANGE = 8 << 20
"""Bytes that a process takes at a time, and above which a file is large enough for NumPy."""
CONVERTED = (".gz", ".zst", ".csv", ".tsv")
"""Names of files that hold examples in another form."""
SAMPLE = 50
"""Records that tell which method a file is for."""

Progress = Callable[[int, int | None], None]
"""Called with bytes done and bytes in all (None where unknown)."""


@dataclass(slots=True)
class Check:
    """The result for one file. `stretch` holds counts and findings."""

    path: str
    format: str
    stretch: Stretch
    options: Options
    tokens: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    damage: list[str] | None = None
    """What is wrong with the workspace itself; None for a file."""

    @property
    def lines(self) -> int:
        """Physical lines, blank ones included."""
        return self.stretch.notes.lines

    @property
    def examples(self) -> int:
        """Records: every line that is not blank, broken ones included."""
        return self.stretch.notes.records

    @property
    def errors(self) -> dict[str, int]:
        """Findings at error level by rule."""
        return _ordered(self.stretch.counts[Severity.ERROR])

    @property
    def warnings(self) -> dict[str, int]:
        """Findings at warning level by rule."""
        return _ordered(self.stretch.counts[Severity.WARNING])

    def as_dict(self) -> dict[str, Any]:
        """CHECK without `problems`, which may be too many to hold twice: they are `stretch.rows`."""
        found: dict[str, Any] = {
            "path": self.path,
            "format": self.format,
            "lines": self.lines,
            "examples": self.examples,
            "errors": self.errors,
            "warnings": self.warnings,
        }
        if self.options.compat:
            found["compat"] = dict(self.stretch.compat)
        if self.damage is not None:
            found |= {"sound": not self.damage, "damage": self.damage}
        if self.tokens is not None:
            found |= {"tokens": self.tokens, "cost": self.cost}
        return found


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return {rule: counts[rule] for rule in REGISTRY if counts.get(rule)}


def check_file(
    path: str | Path,
    options: Options,
    *,
    validation: Mapping[int, int] | None = None,
    epochs: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Check:
    """Check one file ("-": standard input). `validation` comes from `value_lines`.

    Raises InputError where the file cannot be read at all.
    """
    if str(path) != STDIN and is_workspace(Path(path)):
        from curator.workspace.checks.workspace_check import check_workspace

        return check_workspace(Path(path), options, validation=validation, progress=progress)
    options = with_model(options)
    with open_dataset(path) as source:
        batches = source.batches()
        first = first_of(batches)
        told = replace(options, method=options.method or method_of(first))
        size = source.size if source.plain and source.path is not None else None
        processes = min(workers or os.cpu_count() or 1, (size or 0) // (QUICK_SHARE if told.quick else SHARE))
        if processes > 1 and source.path is not None:
            stretch = _in_ranges(source.path, told, processes, progress)
        else:
            large = (size or 0) > RANGE
            stretch = examine(chain(first, batches), source.notes, told, spill=True, large=large)
        return finished(source, stretch, told, validation, epochs)


def value_lines(path: str | Path, options: Options) -> dict[int, int]:
    """The first line of each example's value in a validation file: what `validation` wants. Raises InputError."""
    quick = replace(options, tokens=False, compat=None, shown=0)
    dataset = DatasetCheck(quick.context(), part="validation")
    with open_dataset(path) as source:
        dataset.tally = examine(source.batches(), source.notes, quick).tally
    return dataset.value_lines()


def with_model(options: Options) -> Options:
    """The options with the profile's usual model, and the model's training context as limit, where not given."""
    model = options.model or models.default(options.profile)
    info = pricing.find(model)
    limit = options.limit if options.limit is not None else info.context if info else None
    return replace(options, model=model, limit=limit)


def first_of(batches: Iterator[Batch]) -> list[Batch]:
    """The batches that hold the first records, as many as tell which method a file is for."""
    taken: list[Batch] = []
    while sum(len(raws) for _, raws in taken) < SAMPLE and (batch := next(batches, None)) is not None:
        taken.append(batch)
    return taken


def method_of(first: Iterable[Batch]) -> Method | None:
    """The training method that the commonest format at the file's start is for."""
    formats = [detect(parse(raw).value) for raw in islice(chain.from_iterable(raws for _, raws in first), SAMPLE)]
    counts = Counter(METHODS[name] for name in formats if name in METHODS)
    return counts.most_common(1)[0][0] if counts else None


def _in_ranges(path: Path, options: Options, workers: int, progress: Progress | None) -> Stretch:
    """The file in byte ranges, on several cores, of which this process is one; results are joined in order."""
    whole, size = Stretch(rows=Rows(spill=True)), path.stat().st_size
    others = set(active_children())
    with ProcessPoolExecutor(workers - 1, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[Range, Future[Stretch]]] = deque()
        try:
            for part in ranges(path):
                waiting.append((part, _given(pool, waiting, 2 * (workers - 1), path, part, options)))
                while waiting and waiting[0][1].done():
                    _join(whole, *waiting.popleft(), options, progress, size)
            while waiting:
                _join(whole, *waiting.popleft(), options, progress, size)
        except BaseException:
            for child in set(active_children()) - others:
                child.terminate()  # leaving the block waits for them, and a range takes seconds
            raise
    return whole


def _given(
    pool: ProcessPoolExecutor, waiting: Iterable[tuple[Range, Future[Stretch]]], most: int, path: Path, *work: Any
) -> Future[Stretch]:
    """A range's result to come: from another process, or done here where these have enough to do."""
    if sum(not future.done() for _, future in waiting) < most:
        with _uninterrupted():  # the first of these starts the processes
            return pool.submit(examine_range, path, *work)
    here: Future[Stretch] = Future()
    here.set_result(examine_range(path, *work))
    return here


def _join(
    whole: Stretch, part: Range, future: Future[Stretch], options: Options, progress: Progress | None, size: int
) -> None:
    whole.join(future.result(), options)
    if progress is not None:
        progress(part.end, size)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started inside never see Ctrl-C and so print no tracebacks; who starts them ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ranges(path: Path, size: int = RANGE) -> Iterator[Range]:
    """Whole lines of about `size` bytes each, with the number of lines before them."""
    start = end = lines = before = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            last = block.rfind(b"\n") + 1
            if last and end + last - start >= size:
                lines += block.count(b"\n", 0, last)
                yield Range(start, end + last, before)
                start, before = end + last, lines
                lines += block.count(b"\n", last)
            else:
                lines += block.count(b"\n")
            end += len(block)
    if end > start:
        yield Range(start, end, before)


def finished(
    source: DatasetFile,
    stretch: Stretch,
    options: Options,
    validation: Mapping[int, int] | None,
    epochs: int | None,
) -> Check:
    """The findings on the dataset and the file added, and the totals made."""
    if options.quick:
        _note_file(source, stretch, options)
        return Check(_name(source), _format_of(sorted(stretch.formats - {"unknown"})), stretch, options)
    context = replace(options, tokens=False).context()
    count = stretch.tally.count
    used = epochs if epochs is not None else cost.default_epochs(count)
    dataset = DatasetCheck(context, validation=validation, epochs=used)
    dataset.tally = stretch.tally
    stretch.tally.tokens = sum(stretch.totals)
    _note_file(source, stretch, options)
    for line, problem in dataset.problems():
        stretch.note(line, problem, options)
    check = Check(_name(source), _format_of(dataset.formats()), stretch, options)
    if options.tokens:
        check.tokens = token_summary(stretch.totals, stretch.answers, options)
        check.cost = _cost(stretch.totals, options, used)
    return check


def _name(source: DatasetFile) -> str:
    return str(source.path) if source.path is not None else "-"


def _format_of(formats: list[str]) -> str:
    return formats[0] if len(formats) == 1 else "mixed" if formats else "unknown"


def _note_file(source: DatasetFile, stretch: Stretch, options: Options) -> None:
    """Note the findings on the file as bytes."""
    for line, rule, words in _of_file(source, stretch.notes):
        severity = REGISTRY[rule].severity.get(options.profile)
        if rule == "file_extension" and source.name.lower().endswith(CONVERTED):
            severity = Severity.WARNING  # nobody would upload these as they are
        if severity is not None:
            stretch.note(line, Problem(rule, severity, words, fix=REGISTRY[rule].fix), options)


def _of_file(source: DatasetFile, notes: Notes) -> Iterator[tuple[int | None, str, str]]:
    """(line, rule, message) of findings on the file's name, size and bytes (rows 1 to 9)."""
    if source.path is not None and not source.name.endswith(".jsonl"):
        yield None, "file_extension", "the name does not end in .jsonl: export it as .jsonl before the upload"
    if not notes.records:
        yield None, "file_empty", "the file holds no example"
    if source.size is not None and source.size > MAX_FILE_BYTES:
        limit = (
            "8 GB, the limit of Uploads"
            if source.size > MAX_UPLOAD_BYTES
            else "512 MB, the limit of the Files API"
        )
        yield None, "file_too_large", f"{source.size / 2**20:,.0f} MB, more than {limit}"
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
    """CHECK's `tokens`: sums and the spread over examples."""
    from curator.core.counting.spread import spread
    from curator.tokens import encoding_for

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
    info = pricing.find(options.model)
    offered = info.on(options.profile) if info else None
    estimate = cost.estimate(totals, offered, epochs, name=options.model, limit=options.limit)
    return estimate.as_dict()
