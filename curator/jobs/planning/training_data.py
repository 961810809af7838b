"""The data of a job: read from a path, checked, split into two sides, written as frozen files."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curator import atomic
from curator.core import example as examples
from curator.core.answers.contract import Contract
from curator.core.counting.counter import Counter as TokenCounter
from curator.core.formats import METHODS, detect
from curator.core.problem import Severity
from curator.core.rules import Context, DatasetCheck
from curator.core.rules import check as check_example
from curator.errors import InputError
from curator.jobs.planning.plan import FrozenDataset
from curator.jobs.planning.reviews import Review


@dataclass(frozen=True)
class TrainingExamples:
    """The examples of a file or workspace, in order; the four lists are of equal length."""

    raws: list[bytes]
    """The bytes of each example, without the line end."""
    keys: list[int]
    """Line numbers of a file, or ids of a workspace's examples."""
    sides: list[str | None]
    """The side of the stored split: "train", "validation" or None."""
    reviews: list[Review]
    """The review of each example."""
    noun: str
    """What `keys` number: "line" or "example"."""
    revision: int | None = None
    """The workspace's revision; None for a file."""

    def side(self, name: str | None) -> list[int]:
        """Positions of the examples on one side of the stored split."""
        return [at for at, side in enumerate(self.sides) if side == name]

    def only(self, positions: Sequence[int]) -> TrainingExamples:
        """The examples at these positions."""
        return TrainingExamples(
            [self.raws[at] for at in positions],
            [self.keys[at] for at in positions],
            [self.sides[at] for at in positions],
            [self.reviews[at] for at in positions],
            self.noun,
            self.revision,
        )

    def without_rejected(self) -> TrainingExamples:
        """The examples that were not rejected in review."""
        return self.only([at for at, review in enumerate(self.reviews) if not review.rejected])


@dataclass(frozen=True)
class TrainingCheck:
    """Findings counted by rule, and the tokens of each example, in any order (0 where it cannot be parsed)."""

    errors: dict[str, int]
    warnings: dict[str, int]
    tokens: list[int]


def read(path: Path | str) -> TrainingExamples:
    """All examples of a dataset file ("-": standard input) or a workspace, broken ones included.

    Raises InputError.
    """
    from curator.workspace.files.dataset_file import STDIN, open_dataset  # heavy
    from curator.workspace.storage.folder import is_workspace

    if str(path) == STDIN or not is_workspace(Path(path)):
        with open_dataset(path) as source:
            records = list(source.records())
        raws, keys = [raw for _, raw in records], [line for line, _ in records]
        return TrainingExamples(raws, keys, [None] * len(raws), [Review()] * len(raws), "line")
    from curator.workspace.opening import open_workspace  # heavy

    with open_workspace(path, read_only=True) as workspace:
        stored = list(workspace.records(workspace.ids()))
        revision = workspace.revision()
    return TrainingExamples(
        [record.raw for record in stored],
        [record.id for record in stored],
        [record.split for record in stored],
        [Review(record.review, record.stale) for record in stored],
        "example",
        revision,
    )


def check_training(
    raws: Sequence[bytes],
    keys: Sequence[int],
    context: Context,
    counter: TokenCounter,
    held_out: Sequence[bytes] | None,
    epochs: int | None,
    *,
    may_overlap: bool = False,
) -> TrainingCheck:
    """Check the training side as `curator check` does, and count its tokens.

    `context.count` must be the method `example` of `counter`. `held_out`: the validation side, if any.
    `may_overlap`: that side comes from a file, not from a split, so training examples that nearly copy it are
    reported too.
    """
    from curator.workspace.checks.byte_ranges import RANGE  # heavy
    from curator.workspace.checks.one_pass import Findings, OnePass, Options
    from curator.workspace.files.line_splitter import Notes, group

    findings, options = Findings(Notes()), Options(shown_per_rule=0)
    large = sum(map(len, raws)) > RANGE
    one_pass = OnePass(findings, context, options, None, counter, large)
    one_pass.check_all(group(zip(keys, raws, strict=True)))
    overlap = None if held_out is None else _first_positions(held_out, context)
    copied = _copied(raws, keys, held_out) if held_out and may_overlap else None
    dataset = DatasetCheck(context, validation=overlap, copied=copied, epochs=epochs)
    dataset.tally = findings.tally
    dataset.tally.tokens = sum(findings.totals)
    for key, problem in dataset.problems():
        findings.note(key, problem, options)
    not_counted = len(raws) - len(findings.totals)
    return TrainingCheck(
        dict(findings.counts[Severity.ERROR]),
        dict(findings.counts[Severity.WARNING]),
        [*findings.totals, *[0] * not_counted],
    )


def _copied(raws: Sequence[bytes], keys: Sequence[int], held_out: Sequence[bytes]) -> dict[int, int]:
    """The keys of examples of which the validation side has a copy, and the first position of one."""
    from curator.workspace.duplicates.split import copies_by_example  # heavy

    return copies_by_example(enumerate(held_out, 1), dict(zip(keys, raws, strict=True)))


def _first_positions(raws: Sequence[bytes], context: Context) -> dict[int, int]:
    """The hash of each validation example and its first position, counted from 1."""
    dataset = DatasetCheck(context, part="validation")
    for position, raw in enumerate(raws, 1):
        dataset.add(position, examples.parse(raw))
    return dataset.value_lines()


def without_errors(data: TrainingExamples, context: Context) -> TrainingExamples:
    """The examples in which no rule on single examples finds an error."""

    def has_no_error(raw: bytes) -> bool:
        problems = check_example(examples.parse(raw), context)
        return not any(problem.severity is Severity.ERROR for problem in problems)

    return data.only([at for at, raw in enumerate(data.raws) if has_no_error(raw)])


def nothing_left_words(data: TrainingExamples, method: str) -> str:
    """Why no example is left to train on once those with errors are left out."""
    formats = Counter(detect(examples.parse(raw).value) for raw in data.raws)
    main = formats.most_common(1)[0][0]
    takes = METHODS.get(main)
    if takes is None or takes == method:
        return f"each of the {len(data.raws):,} examples has errors: repair them first (F, curator fix)"
    way = f"choose the method {takes}" if takes in ("supervised", "dpo") else "no training of Curator takes them"
    return f"these are {main} examples, which the method {method} does not train: {way}"


def answers_outside_contract(raws: Sequence[bytes], contract: Contract | None) -> int:
    """How many examples have an answer that the answer contract forbids; providers accept them all the same."""
    if contract is None:
        return 0
    context = Context(contract=contract)
    findings = (check_example(examples.parse(raw), context) for raw in raws)
    return sum(any(problem.rule == "answer_outside_contract" for problem in problems) for problems in findings)


def split_positions(raws: Sequence[bytes], validation: float, seed: int) -> tuple[list[int], list[int]]:
    """Positions for training and for validation. Copies and contradicting examples stay on one side together.

    `validation` is a share or a count. Raises UsageError where it leaves one side empty.
    """
    from curator.workspace.duplicates.split import divide  # heavy

    parts = divide(dict(enumerate(raws)), validation, seed)
    return list(parts.train), list(parts.validation)


def freeze(raws: Sequence[bytes], folder: Path, tokens: int = 0) -> FrozenDataset:
    """Write examples as a dataset file that is named by the sha256 of its bytes, one example a line (LF).

    Raises InputError where it cannot be written; then no part of it is left behind.
    """
    digest, size = hashlib.sha256(), 0
    for raw in raws:
        digest.update(raw + b"\n")
        size += len(raw) + 1
    target = folder / f"{digest.hexdigest()}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if target.is_symlink():
            target.unlink()  # `replacing` would write to the file that the link names
        with atomic.replacing(target, mode=0o600) as file:
            for raw in raws:
                file.write(raw + b"\n")
    except OSError as error:
        raise InputError(f"{folder}: the dataset could not be stored: {error.strerror or error}") from None
    return FrozenDataset(target, digest.hexdigest(), size, len(raws), tokens)


def held_out(data: TrainingExamples) -> TrainingExamples:
    """The validation side of the stored split; all examples where there is none."""
    return side_of(data, "validation") or data


def side_of(data: TrainingExamples, side: str) -> TrainingExamples | None:
    """The examples on one side of the stored split; None where there are none."""
    places = data.side(side)
    return data.only(places) if places else None


def also_right(path: Path | str) -> dict[int, tuple[str, ...]]:
    """Further right answers: of a workspace by example id, of a file (from `NAME.also-right.jsonl`) by line
    number."""
    from curator.workspace.exchange.right_answers_file import read_right_answers  # heavy
    from curator.workspace.files.dataset_file import STDIN
    from curator.workspace.opening import open_workspace
    from curator.workspace.storage.folder import is_workspace

    if str(path) == STDIN:
        return {}
    if not is_workspace(Path(path)):
        return read_right_answers(Path(path))
    with open_workspace(Path(path), read_only=True) as workspace:
        return workspace.also_right()


def contract(path: Path | str) -> Contract | None:
    """The answer contract of a workspace; None for a plain file."""
    from curator.workspace.files.dataset_file import STDIN  # heavy
    from curator.workspace.storage.folder import is_workspace

    path = Path(path)
    if str(path) == STDIN or not is_workspace(path):
        return None
    from curator.workspace.opening import open_workspace  # heavy

    with open_workspace(path, read_only=True) as workspace:
        stored = workspace.meta("contract")
    return Contract.from_json(stored) if isinstance(stored, dict) else None
