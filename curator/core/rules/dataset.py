"""Rules on a dataset as a whole; they get one example at a time and store hashes and counts, no texts."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from curator.core.example import Example
from curator.core.formats import METHODS
from curator.core.problem import Method, Problem, Severity
from curator.core.rules.context import Context
from curator.core.rules.facts import ANSWERED, FORMATS, IMAGE, LONG_ROW, REFUSAL, Facts, FactsTally, facts_of
from curator.core.rules.registry import REGISTRY, declare, severities
from curator.core.rules.subject import Subject, quote
from curator.core.text import count_of

MIN_EXAMPLES, RECOMMENDED_EXAMPLES = 10, 50
MAX_REINFORCEMENT, MAX_REINFORCEMENT_VALIDATION, MAX_WITH_IMAGES = 50_000, 1_000, 50_000
AZURE_TOKENS = 2_000_000_000
REFUSAL_SHARE = 0.2
_STARTED: tuple[Method, ...] = ("supervised", "dpo")
"""The methods of trainings that Curator starts."""

KeyedProblem = tuple[int | None, Problem]
Part = Literal["training", "validation"]


class DatasetCheck:
    """Add all examples in order, then `problems()` gives (key, problem); key None: the dataset as a whole.

    `noun` is the word for a key in messages: "line", or "example" where keys are ids. `validation` maps the values
    of the validation file to its lines (`value_lines()` of the check of that file); None where no file is set.
    `copied` maps keys of examples to the line of the validation file that copies them in other words or spelling.
    """

    def __init__(
        self,
        context: Context,
        *,
        noun: str = "line",
        part: Part = "training",
        validation: Mapping[int, int] | None = None,
        copied: Mapping[int, int] | None = None,
        epochs: int | None = None,
    ) -> None:
        self.context, self.noun, self.part, self.validation, self.epochs = context, noun, part, validation, epochs
        self.copied = copied or {}
        self.tally = FactsTally()

    def add(self, key: int, example: Example) -> None:
        """Add the next example; `key` is its line number or id."""
        if example.value is None and example.faults:
            self.tally.count += 1
        else:
            self.take([key], [facts_of(Subject(example, self.context), self.context)])

    def take(self, keys: Sequence[int], rows: Sequence[Facts]) -> None:
        """As `add`, for examples whose facts were computed already."""
        self.tally.take(keys, rows)

    def value_lines(self) -> dict[int, int]:
        """The key of the first example of each value, by a hash of the value."""
        return {
            value: key
            for key, value in zip(reversed(self.tally.keys), reversed(list(self._values())), strict=True)
        }

    def _values(self) -> Iterator[int]:
        for prompt, answer in zip(self.tally.prompts, self.tally.answers, strict=True):
            yield prompt << 32 | answer

    def problems(self) -> list[KeyedProblem]:
        """All findings, sorted by rule."""
        if not self.tally.count:
            return []
        findings = [
            *self._sizes(),
            *self._formats(),
            *self._keys(),
            *self._repeats(),
            *self._shares(),
            *self._legacy(),
        ]
        return [finding for finding in findings if finding is not None]

    def _finding(
        self, rule: str, message: str, key: int | None = None, location: str = "", worse: Severity | None = None
    ) -> Iterator[KeyedProblem]:
        severity = REGISTRY[rule].severity.get(self.context.profile)
        if severity is not None:
            yield key, Problem(rule, worse or severity, message, location)

    def _sizes(self) -> Iterator[KeyedProblem]:
        count, reinforcement = self.tally.count, FORMATS[self._main_format()] == "reinforcement"
        images = self._count_with(IMAGE)
        training = self.part == "training"
        if training and count < MIN_EXAMPLES:
            yield from self._finding("too_few_examples", f"{count_of(count)}; at least {MIN_EXAMPLES} are needed")
        elif training and count < RECOMMENDED_EXAMPLES:
            yield from self._finding("few_examples", f"{count_of(count)}; 50 to 100 are recommended to start with")
        limit = MAX_REINFORCEMENT if training else MAX_REINFORCEMENT_VALIDATION
        if reinforcement and count > limit:
            yield from self._finding(
                "too_many_examples", f"{count:,} examples; reinforcement takes {limit:,} for {self.part}"
            )
        if images > MAX_WITH_IMAGES:
            yield from self._finding(
                "too_many_examples", f"{images:,} examples with images; {MAX_WITH_IMAGES:,} are allowed"
            )
        if training and self.validation is None:
            worse = Severity.ERROR if reinforcement else None
            words = "no validation file is set; `curator split` makes one"
            yield from self._finding("missing_validation_file", words, worse=worse)
        if self.epochs and self.tally.tokens * self.epochs > AZURE_TOKENS:
            words = (
                f"{count_of(self.tally.tokens, 'token')} times "
                f"{count_of(self.epochs, 'epoch')}; a job may take {AZURE_TOKENS:,}"
            )
            yield from self._finding("job_token_budget", words)

    def _count_with(self, bit: int) -> int:
        """The number of examples with this bit of `Facts.flags`."""
        return sum(times for flags, times in self._flag_counts().items() if flags & bit)

    def _flag_counts(self) -> dict[int, int]:
        """The number of examples by `Facts.flags`."""
        flags_of_all = self.tally.flags.tobytes()
        return {flags: flags_of_all.count(flags) for flags in set(flags_of_all)}

    def _main_format(self) -> int:
        """The index of the commonest format in `FORMATS`; 0 where all are unknown."""
        counts = [0] * 8
        for flags, times in self._flag_counts().items():
            counts[flags & 7] += times
        counts_of_known = counts[1:]
        return counts_of_known.index(max(counts_of_known)) + 1 if any(counts_of_known) else 0

    def formats(self) -> list[str]:
        """The formats that occur, without "unknown"."""
        indexes = {flags & 7 for flags in set(self.tally.flags)}
        return [FORMATS[index] for index in sorted(indexes - {0})]

    def _formats(self) -> Iterator[KeyedProblem]:
        formats, main = self.formats(), self._main_format()
        if len(formats) > 1:
            words = f"most of the file is {FORMATS[main]}"
            for key, flags in zip(self.tally.keys, self.tally.flags, strict=True):
                if flags & 7 not in (0, main):
                    yield from self._finding("mixed_formats", f"a {FORMATS[flags & 7]} example; {words}", key)
        if not formats:
            return
        takes, method = METHODS.get(FORMATS[main]), self.context.method
        if takes is None:
            words = "prompt/completion examples are trained by no model today; import them to get chat examples"
            yield from self._finding("format_method_mismatch", words)
        elif takes not in _STARTED and (method is None or (method == takes and self.context.profile == "local")):
            words = (
                f"{FORMATS[main]} examples: curator starts no such training, its methods are supervised and dpo"
            )
            worse = Severity.ERROR if self.context.profile == "local" else Severity.WARNING
            yield from self._finding("format_method_mismatch", words, worse=worse)
        elif method is not None and method != takes:
            words = f"the data are in {FORMATS[main]} format, which takes the method {takes}, not {method}"
            yield from self._finding("format_method_mismatch", words)

    def _keys(self) -> Iterator[KeyedProblem]:
        for name, (first, times) in self.tally.optional.items():
            if name not in self.tally.first_optional:
                shares = f"{times:,} of {self.tally.chats:,} have it"
                words = f"an extra '{name}' that earlier examples do not have ({shares})"
                yield from self._finding("inconsistent_top_level_keys", words, first, name)

    def _repeats(self) -> Iterator[KeyedProblem]:
        """Copies and conflicts, which both have equal prompts, and examples that are in the validation file
        too."""
        tally = self.tally
        conflicts: list[list[int]] = []
        for members in equal_positions(tally.prompts):
            first: dict[int, int] = {}
            for at in members:
                if tally.answers[at] in first:
                    words = f"the same as {self.noun} {tally.keys[first[tally.answers[at]]]}"
                    yield from self._finding("duplicate_example", words, tally.keys[at])
                else:
                    first[tally.answers[at]] = at
            if len(first) > 1:
                conflicts.append(members)
        if self.validation:
            for key, value in zip(tally.keys, self._values(), strict=True):
                if value in self.validation:
                    words = f"also in the validation file, line {self.validation[value]}"
                    yield from self._finding("train_validation_overlap", words, key)
                elif key in self.copied:
                    words = f"line {self.copied[key]} of the validation file is a copy of it"
                    yield from self._finding("train_validation_overlap", words, key)
        for members in conflicts:
            yield from self._conflict(members)

    def _conflict(self, members: list[int]) -> Iterator[KeyedProblem]:
        tally = self.tally
        first = members[0]
        other = next(at for at in members if tally.answers[at] != tally.answers[first])
        for at in members:
            where = other if tally.answers[at] == tally.answers[first] else first
            words = f"{self.noun} {tally.keys[where]} answers the same prompt otherwise"
            yield from self._finding("conflicting_answers", words, tally.keys[at])

    def _shares(self) -> Iterator[KeyedProblem]:
        answers, refusals = self._count_with(ANSWERED), self._count_with(REFUSAL)
        if answers >= MIN_EXAMPLES and refusals > REFUSAL_SHARE * answers:
            words = f"{refusals:,} of {answers:,} answers ({refusals / answers:.0%}) look like refusals"
            yield from self._finding("refusal_share", words)
        yield from self._drift()

    def _drift(self) -> Iterator[KeyedProblem]:
        tally = self.tally
        counts = Counter(tally.systems)
        del counts[0]
        if len(counts) < 2:
            return
        commonest = [(times, tally.keys[tally.systems.index(text)]) for text, times in counts.most_common(3)]
        listed = ", ".join(f"{times:,}× (first: {self.noun} {key})" for times, key in commonest)
        more = f", and {count_of(len(counts) - 3, 'other')}" if len(counts) > 3 else ""
        words = f"{len(counts):,} different system messages: {listed}{more}"
        yield from self._finding("inconsistent_system_prompt", words, commonest[1][1], "messages[0].content")

    def _legacy(self) -> Iterator[KeyedProblem]:
        pairs = self.tally.pairs
        if pairs is None or pairs.counts["rows"] < 2:
            return
        rows = pairs.counts["rows"]
        if len(pairs.prompt_suffix) > 10:
            yield from self._finding("legacy_prompt_separator", f"all prompts end in {quote(pairs.prompt_suffix)}")
        if len(pairs.prompt_prefix) > 12:
            yield from self._finding(
                "legacy_prompt_prefix", f"all prompts begin with {quote(pairs.prompt_prefix)}"
            )
        if len(pairs.completion_prefix) >= 5:
            words = f"all completions begin with {quote(pairs.completion_prefix)}"
            yield from self._finding("legacy_completion_prefix", words)
        if pairs.counts["no_blank"]:
            words = f"{pairs.counts['no_blank']:,} of {rows:,} completions do not begin with a blank"
            yield from self._finding("legacy_completion_blank", words)
        if pairs.counts["long"]:
            words = f"{pairs.counts['long']:,} of {rows:,} rows are longer than {LONG_ROW:,} characters"
            yield from self._finding("legacy_row_length", words)
        if pairs.counts["upper"] * 3 > rows:
            yield from self._finding(
                "legacy_upper_case", f"{pairs.counts['upper']:,} of {rows:,} rows are mostly upper case"
            )


def equal_positions(hashes: array[int]) -> Iterator[list[int]]:
    """The positions of equal hashes in groups, ascending; groups by their first position. Hash 0 is ignored.

    Two passes, to save memory: the first drops nearly all hashes that occur once, by a table of bits of which
    at most one in thirty-two is set.
    """
    mask = (1 << (32 * len(hashes)).bit_length()) - 1
    table, places = bytearray((mask >> 3) + 1), dict[int, int | list[int]]()
    for value in hashes:
        byte, bit = (value & mask) >> 3, 1 << (value & 7)
        if table[byte] & bit:
            places[value] = -1
        else:
            table[byte] |= bit
    places.pop(0, None)
    for at, value in enumerate(hashes):
        if value in places:
            before = places[value]
            if isinstance(before, list):
                before.append(at)
            else:
                places[value] = at if before < 0 else [before, at]
    yield from sorted(group for group in places.values() if isinstance(group, list))


declare(
    "too_few_examples",
    severities("E", local="W"),
    "dataset",
    14,
    "a training file of fewer than 10 examples",
    "the job fails: the service wants at least 10 examples in a training file",
)
declare("few_examples", "W", "dataset", 15, "10 to 49 examples", "50 to 100 are recommended to start with")
declare(
    "too_many_examples",
    "E",
    "dataset",
    16,
    "reinforcement: more than 50,000 for training or 1,000 for validation; more than 50,000 with images",
    "the service refuses the file",
)
declare(
    "mixed_formats",
    "E",
    "dataset",
    17,
    "examples of more than one format in one file",
    "the service says: Unexpected file format, expected either prompt/completion pairs or chat messages",
)
declare(
    "format_method_mismatch",
    "E",
    "dataset",
    18,
    "the format of the file is not the one that the job's method takes",
    "the job is refused; prompt/completion files are taken by no method any more",
)
declare(
    "inconsistent_top_level_keys",
    severities("E", azure="W", local="W"),
    "dataset",
    19,
    "an example has tools, parallel_tool_calls or functions when earlier ones do not; the first one is reported",
    'the service says: Invalid file format. Example 536 contains an extra "tools"',
)
declare(
    "duplicate_example",
    "W",
    "dataset",
    21,
    "the same JSON value (whatever its key order, spacing and escapes) as an earlier example",
    "it is learnt twice as much, and billed twice; `curator dedup` keeps the first",
)
declare(
    "train_validation_overlap",
    "W",
    "dataset",
    22,
    "the same example, or a copy of it in all but its wording, in the training and the validation file",
    "the validation loss then measures memory; drop it from the validation file",
)
declare(
    "missing_validation_file",
    "W",
    "dataset",
    23,
    "no validation file is set (an error for reinforcement)",
    "without one overfitting cannot be seen; reinforcement needs one to measure its reward",
)
declare(
    "job_token_budget",
    severities(None, azure="E"),
    "dataset",
    63,
    "tokens times epochs is more than 2 billion",
    "Azure refuses the job; train fewer epochs",
)
declare(
    "inconsistent_system_prompt",
    "W",
    "dataset",
    66,
    "more than one system message in a file; they are counted",
    "the prompt used at inference should be the one trained with; small drifts are usually slips",
)
declare(
    "conflicting_answers",
    "W",
    "dataset",
    67,
    "the same prompt with different answers",
    "the model cannot learn both; often one is a mistake",
)
declare(
    "refusal_share",
    "W",
    "dataset",
    68,
    "more than a fifth of the answers look like refusals",
    "the model learns to refuse as often as the data do",
)
for _name, _what in (
    (
        "legacy_prompt_separator",
        "prompt/completion import: all prompts end in the same text of over 10 characters",
    ),
    (
        "legacy_prompt_prefix",
        "prompt/completion import: all prompts begin with the same text of over 12 characters",
    ),
    (
        "legacy_completion_prefix",
        "prompt/completion import: all completions begin with the same 5 characters or more",
    ),
    ("legacy_completion_blank", "prompt/completion import: completions that do not begin with a blank"),
    ("legacy_row_length", "prompt/completion import: rows of over 10,000 characters"),
    ("legacy_upper_case", "prompt/completion import: more than a third of the rows mostly upper case"),
):
    declare(
        _name, "I", "dataset", 73, _what, "habits of the old completion models; strip them on conversion to chat"
    )
