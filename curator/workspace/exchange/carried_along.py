"""What examples carry to whoever gets them, counted before they leave: judgements, names, keys, private things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.core.example import parse
from curator.core.query.query import grouped
from curator.workspace.exchange.marks_file import marks_of
from curator.workspace.workspace import Workspace

_PLAIN_KEYS = frozenset(
    ("messages", "tools", "functions", "parallel_tool_calls", "input", "preferred_output", "non_preferred_output",
     "prompt", "completion")
)  # fmt: skip
"""Keys of the formats that services train on."""


@dataclass
class CarriedAlong:
    """Counts over the examples that leave. Labels, ratings, reviews and notes are counted where they go along."""

    examples: int
    labels: Counter[str] = field(default_factory=Counter)
    ratings: int = 0
    reviews: Counter[str] = field(default_factory=Counter)
    notes: int = 0
    longest_note: str = ""
    names: Counter[str] = field(default_factory=Counter)
    """The `name` of messages: of people, tools or bots."""
    keys: Counter[str] = field(default_factory=Counter)
    """Keys beside those that services train on."""
    private: dict[str, int] = field(default_factory=dict)
    """Examples with what looks private or secret, by rule."""
    rejected: int = 0
    test: int = 0
    """Examples of the sealed test side."""

    def to_json(self) -> dict[str, Any]:
        """As JSON, the counts by name."""
        return {
            "examples": self.examples, "labels": dict(self.labels), "ratings": self.ratings,
            "reviews": dict(self.reviews), "notes": self.notes, "names": dict(self.names), "keys": dict(self.keys),
            "private": self.private, "rejected": self.rejected, "test": self.test,
        }  # fmt: skip


def count_carried(workspace: Workspace, query: str, ids: Sequence[int], *, marks: bool) -> CarriedAlong:
    """What the examples `ids`, which are those that a query chooses, would carry away."""
    carried = CarriedAlong(len(ids), rejected=workspace.rejected_among(ids))
    carried.test = workspace.view(f"{grouped(query)}split:test").total
    for rule in ("secret_like", "pii_like"):
        if found := workspace.view(f"{grouped(query)}rule:{rule}").total:
            carried.private[rule] = found
    for _, raw in workspace.stored.raws(ids):
        _count_keys(parse(raw).value, carried)
    if marks:
        with workspace.guard:
            all_marks = marks_of(workspace.stored)
        chosen = set(ids)
        for mark in (each for example, each in all_marks.items() if example in chosen):
            carried.labels.update(mark.labels)
            carried.ratings += mark.rating is not None
            carried.reviews.update([mark.review] if mark.review else [])
            carried.notes += bool(mark.note)
            carried.longest_note = max(carried.longest_note, mark.note, key=len)
    return carried


def _count_keys(value: Any, carried: CarriedAlong) -> None:
    if not isinstance(value, dict):
        return
    carried.keys.update(key for key in value if key not in _PLAIN_KEYS)
    messages = value.get("messages")
    for message in messages if isinstance(messages, list) else ():
        name = message.get("name") if isinstance(message, dict) else None
        if isinstance(name, str) and name:
            carried.names[name] += 1
