"""The examples that a study reads: valid ones with an answer of text; of many a sample."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from curator.core import example as examples
from curator.core.duplicates.texts import message_text
from curator.core.formats import detect
from curator.core.rules import Context
from curator.core.text import count_of
from curator.errors import InputError
from curator.jobs.planning import training_data
from curator.jobs.planning.training_data import TrainingExamples

MOST = 1_000
"""Most examples that small models are trained on for a study; of more an even, seeded sample is taken."""
LEAST = 30
"""Fewest examples of which a study can tell anything."""


@dataclass(frozen=True)
class StudyExamples:
    """Examples by their places; `noun` says what `keys` number: "line" or "example"."""

    raws: list[bytes]
    keys: list[int]
    prompts: list[str]
    answers: list[str]
    noun: str
    all: int
    """How many there were before a sample was taken."""
    left_out: int
    """Examples that are broken or have no answer of text."""

    def __len__(self) -> int:
        return len(self.raws)

    @property
    def notices(self) -> list[str]:
        """Sentences on what was left out, and on the sample."""
        return self.notices_on("examples")

    def notices_on(self, what: str) -> list[str]:
        """As `notices`; `what` says in a few words what the examples are for."""
        notices = []
        if self.left_out:
            notices.append(
                f"{count_of(self.left_out, 'example is', 'examples are')} "
                "left out: broken, or without an answer of text."
            )
        if self.all > len(self):
            notices.append(f"{self.all:,} {what} take too long here: a sample of {len(self):,} is studied.")
        return notices

    def only(self, places: Sequence[int]) -> StudyExamples:
        """The examples at these places."""
        return StudyExamples(
            [self.raws[at] for at in places],
            [self.keys[at] for at in places],
            [self.prompts[at] for at in places],
            [self.answers[at] for at in places],
            self.noun,
            self.all,
            self.left_out,
        )

    def sample(self, most: int, seed: int) -> StudyExamples:
        """At most `most` of them, in their order, chosen by the seed."""
        if len(self) <= most:
            return self
        return self.only(sorted(random.Random(seed).sample(range(len(self)), most)))


def read_examples(path: Path | str) -> TrainingExamples:
    """All examples that were not rejected in review. Raises InputError."""
    return training_data.read(path).without_rejected()


def chosen_keys(path: Path | str, query: str) -> set[int]:
    """The ids, or of a file the lines, of the examples that a query chooses. Raises UsageError, InputError."""
    from curator.workspace.opening import open_for_reading  # heavy
    from curator.workspace.storage.folder import is_workspace

    with open_for_reading(path) as workspace:
        ids = list(workspace.view(query).ids)
        if is_workspace(Path(path)):
            return set(ids)
        return {row.line for row in workspace.rows(ids) if row.line is not None}


def usable(data: TrainingExamples) -> StudyExamples:
    """Those that can be studied, with the texts of their last question and answer. Raises InputError for
    preference pairs."""
    sound = training_data.without_errors(data, Context(profile="local", method="supervised"))
    rows: list[tuple[bytes, int, str, str]] = []
    for raw, key in zip(sound.raws, sound.keys, strict=True):
        texts = _question_and_answer(examples.parse(raw).value)
        if texts is not None:
            rows.append((raw, key, *texts))
    if not rows and any(detect(examples.parse(raw).value) == "preference" for raw in data.raws[:100]):
        raise InputError("studies read chats with an answer; these are preference pairs")
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    raws, keys, prompts, answers = columns
    return StudyExamples(raws, keys, prompts, answers, data.noun, len(raws), len(data.raws) - len(rows))


def _question_and_answer(value: Any) -> tuple[str, str] | None:
    """The texts of the message before the last answer and of that answer; None where the example has none."""
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list):
        return None
    for at in range(len(messages) - 1, 0, -1):
        if messages[at].get("role") == "assistant":
            answer = message_text(messages[at])
            return (message_text(messages[at - 1]), answer) if answer.strip() else None
    return None


def require_enough(data: StudyExamples, least: int, what: str) -> None:
    """Raise InputError where there are too few examples, or one answer only."""
    if len(data) < least:
        raise InputError(
            f"{count_of(len(data), 'example is', 'examples are')} too "
            f"few for {what}: it needs {least}, better hundreds"
        )
    if len({answer.strip() for answer in data.answers}) < 2:
        raise InputError(
            f"all {len(data):,} examples have the same answer, so {what} cannot tell anything: it needs different "
            "answers to compare"
        )


def with_answer_of(raw: bytes, other: bytes) -> bytes:
    """An example with the last answer of another."""
    value, source = examples.parse(raw).value, examples.parse(other).value
    messages = list(value["messages"])
    place = _last_answer(messages)
    messages = [*messages[:place], source["messages"][_last_answer(source["messages"])]]
    return orjson.dumps({**value, "messages": messages})


def _last_answer(messages: Sequence[dict[str, Any]]) -> int:
    return max(at for at, message in enumerate(messages) if message.get("role") == "assistant")
