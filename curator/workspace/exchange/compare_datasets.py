"""What differs between two datasets, for people who read it in a terminal or in git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from curator.core.duplicates.texts import message_text
from curator.core.example import parse
from curator.core.text import one_line
from curator.workspace.exchange.marks_file import Marks, marks_of
from curator.workspace.workspace import Workspace


class MarkDifference(NamedTuple):
    """A judgement of one example that differs; `example` is its number in the first dataset."""

    example: int
    what: str
    before: str
    after: str


@dataclass(slots=True)
class DatasetDifference:
    """(number, text) of the examples that only one of two datasets has, and judgements that differ."""

    removed: list[tuple[int, str]] = field(default_factory=list)
    added: list[tuple[int, str]] = field(default_factory=list)
    marks: list[MarkDifference] = field(default_factory=list)
    equal: int = 0

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.removed or self.added or self.marks)


def compare(first: Workspace, second: Workspace) -> DatasetDifference:
    """Compare two datasets by the bytes of their examples; of equal ones the first goes with the first."""
    found = DatasetDifference()
    waiting: dict[int, list[int]] = {}
    for example, raw in first.stored.raws(first.ids()):
        waiting.setdefault(xxh3_64_intdigest(raw), []).append(example)
    before, after = marks_of(first.stored), marks_of(second.stored)
    for example, raw in second.stored.raws(second.ids()):
        same = waiting.get(xxh3_64_intdigest(raw))
        if not same:
            found.added.append((example, in_words(raw)))
            continue
        mine = same.pop(0)
        found.equal += 1
        if mine in before or example in after:
            found.marks += _mark_differences(mine, before.get(mine, Marks()), after.get(example, Marks()))
    gone = sorted(example for examples in waiting.values() for example in examples)
    found.removed = [(example, in_words(raw)) for example, raw in first.stored.raws(gone)]
    return found


def _mark_differences(example: int, before: Marks, after: Marks) -> Iterator[MarkDifference]:
    for what in ("rating", "review", "note"):
        one, other = getattr(before, what), getattr(after, what)
        if one != other:
            yield MarkDifference(example, what, str(one or "none"), str(other or "none"))
    for name in sorted({*before.labels} ^ {*after.labels}):
        had = name in before.labels
        yield MarkDifference(example, f"label {name}", "on" if had else "off", "off" if had else "on")


def in_words(raw: bytes) -> str:
    """An example as one line: each message with its role; a broken line as it is."""
    value = parse(raw).value
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return one_line(raw.decode("utf-8", "replace"))
    return one_line(" | ".join(f"{each.get('role')}: {message_text(each)}" for each in messages))


def text_lines(workspace: Workspace) -> Iterator[str]:
    """A dataset as text: a line for each message, one for what people said of the example, and an empty line."""
    marks = marks_of(workspace.stored)
    for example, raw in workspace.stored.raws(workspace.ids()):
        value = parse(raw).value
        messages = value.get("messages") if isinstance(value, dict) else None
        if isinstance(messages, list) and all(isinstance(each, dict) for each in messages):
            yield from (one_line(f"{each.get('role')}: {message_text(each)}") for each in messages)
        else:
            yield one_line(raw.decode("utf-8", "replace"))
        if example in marks:
            own = marks[example]
            words = [*own.labels, *([f"rating {own.rating}"] if own.rating else []), *filter(None, [own.review])]
            if own.note:
                words.append(f"note: {own.note}")
            yield one_line(f"  [{', '.join(words)}]")
        yield ""
