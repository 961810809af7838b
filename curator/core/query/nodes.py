"""The tree of a query: small frozen nodes, and what a text node matches.

The scan over bytes, the check of one example and the highlighting all use the text node, so they agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from curator.core.duplicates.texts import SYSTEM_ROLES, message_text, messages_of
from curator.core.example import Example

PARTS_OF = {"prompt": "user", "answer": "assistant"}
"""The part of an example that a field names, and the role in whose messages matches in it are highlighted."""
Kind = Literal["word", "fuzzy", "regex"]
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Text:
    """Matches text in any message, or in the messages of one role, or in the `prompt` or the `answer`."""

    kind: Kind
    text: str
    role: str | None = None
    """A role, `answer` (the last assistant message), `prompt` (what is said before it), or None: anywhere."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The regular expression of a `/regex/`."""
        body, _, flags = self.text.rpartition("/")
        return re.compile(body, re.IGNORECASE if flags == "i" else 0)

    @cached_property
    def folded(self) -> str:
        """The text in lower case, in which words are compared."""
        return self.text.lower()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The matches in a text as (start, end) in characters, for highlighting."""
        if self.kind == "regex":
            return [m.span() for m in self.pattern.finditer(text) if m.end() > m.start()]
        if self.kind == "fuzzy":
            return [m.span() for m in _WORDS.finditer(text) if alike(self.folded, m[0].lower())]
        lowered = text.lower()
        if len(lowered) != len(text):  # a few capitals become two characters, which would shift all offsets
            lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        return list(_occurrences(lowered, self.folded))

    def matches_text(self, text: str) -> bool:
        """Whether it occurs in one text."""
        if self.kind == "word":
            return self.folded in text.lower()
        if self.kind == "regex":
            return self.pattern.search(text) is not None
        lowered = text.lower()
        return self.folded in lowered or any(alike(self.folded, w) for w in set(_WORDS.findall(lowered)))

    def matches(self, example: Example) -> bool:
        """Whether it occurs in the messages of an example; without messages, in the line itself."""
        messages = [] if example.value is None else messages_of(example.value)
        if messages:
            return any(self.matches_text(text) for text in self._texts(messages))
        return self.role is None and self.matches_text(example.raw.decode("utf-8", "replace"))

    def is_in(self, role: str | None) -> bool:
        """Whether its matches in a message of this role are highlighted."""
        return self.role in (None, role) or PARTS_OF.get(self.role or "") == role

    def _texts(self, messages: list[Any]) -> Iterator[str]:
        if self.role in PARTS_OF:
            yield from _part_texts(messages, self.role == "answer")
            return
        for message in messages:
            if self.role is None or (isinstance(message, dict) and message.get("role") == self.role):
                yield message_text(message)


def _part_texts(messages: list[Any], answer: bool) -> Iterator[str]:
    """The last assistant text, or those before it (all where there is none) but for system prompts."""
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    last = next((at for at in range(len(roles) - 1, -1, -1) if roles[at] == "assistant"), len(roles))
    if answer:
        yield from map(message_text, messages[last : last + 1])
    else:
        spoken = zip(roles[:last], messages[:last], strict=True)
        yield from (message_text(message) for role, message in spoken if role not in SYSTEM_ROLES)


@dataclass(frozen=True)
class Choice:
    """Matches a field with one of several values: `is:`, `split:`, `role:`, `review:`, `rule:`, `label:`,
    `source:`."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """Matches a number from `low` to `high`, both included; None: no limit."""

    field: str
    low: float | None
    high: float | None

    def holds(self, number: float | None) -> bool:
        """Whether a number lies in the range; None never does."""
        return (
            number is not None
            and (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
        )


@dataclass(frozen=True)
class Not:
    """Matches what `item` does not match."""

    item: Query


@dataclass(frozen=True)
class And:
    """Matches what all items match; without items it matches everything."""

    items: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Or:
    """Matches what at least one item matches."""

    items: tuple[Query, ...]


Query = Text | Choice | Range | Not | And | Or


def alike(word: str, other: str) -> bool:
    """Whether two lower-case words differ by a typo or two: one edit up to 7 letters, two up to 11, then three."""
    allowed = 0 if len(word) < 3 else min(3, 1 + max(0, len(word) - 4) // 4)
    if abs(len(word) - len(other)) > allowed:
        return False
    from rapidfuzz.distance import OSA  # heavy: rapidfuzz

    return bool(OSA.distance(word, other, score_cutoff=allowed) <= allowed)


def _occurrences(text: str, word: str) -> Iterator[tuple[int, int]]:
    at = text.find(word) if word else -1
    while at >= 0:
        yield at, at + len(word)
        at = text.find(word, at + len(word))
