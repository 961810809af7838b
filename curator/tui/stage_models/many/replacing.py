"""Find and replace over many examples: every hit with its text before and after, and the bytes that come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from curator.core import splice
from curator.core.example import Path
from curator.core.turns import turns
from curator.tui.examples.blocks import blocks_of

if TYPE_CHECKING:
    from curator.workspace.records import Record
    from curator.workspace.workspace import Workspace

ROLES = ("system", "user", "assistant", "tool")
"""The roles whose texts can be chosen; `developer` goes with system, `function` with tool."""
_SAME = {"developer": "system", "function": "tool", "prompt": "user", "completion": "assistant"}
MOST = 20_000
"""Most hits that are listed; further ones are replaced too, and counted."""
REPORT_EVERY = 200
"""Examples between two reports of how far the search is."""


@dataclass(frozen=True, slots=True)
class ReplaceWish:
    """What to find, by what to replace it, and where."""

    find: str
    replacement: str
    roles: frozenset[str]
    regex: bool = False
    whole_words: bool = False
    same_case: bool = False

    def pattern(self) -> re.Pattern[str]:
        """The regular expression to search with. Raises ValueError, in words, where it or the replacement is
        invalid."""
        body = self.find if self.regex else re.escape(self.find)
        if self.whole_words:
            body = rf"(?<!\w)(?:{body})(?!\w)"
        try:
            pattern = re.compile(body, 0 if self.same_case else re.IGNORECASE)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"The regular expression is invalid: {error}") from None
        if self.regex:
            try:
                pattern.sub(self.replacement, "")  # reads the replacement, whether or not there is a match
            except (re.error, IndexError) as error:
                raise ValueError(f"The replacement is invalid: {error}") from None
        return pattern

    def expand(self, match: re.Match[str]) -> str:
        """What a match is replaced by."""
        return match.expand(self.replacement) if self.regex else self.replacement


class ReplaceHit(NamedTuple):
    """One place that is found. `start` and `end` are characters of its text."""

    example: int
    path: Path
    role: str
    start: int
    end: int
    text: str
    replacement: str

    @property
    def place(self) -> tuple[int, Path, int]:
        """What tells it from all other hits."""
        return self.example, self.path, self.start


@dataclass(slots=True)
class FoundHits:
    """What a search found."""

    hits: list[ReplaceHit] = field(default_factory=list)
    """At most `MOST` of them."""
    total: int = 0
    ids: list[int] = field(default_factory=list)
    """The examples with hits."""


def texts_of(record: Record) -> Iterator[tuple[Path, str, str]]:
    """The (path, role, text) of each text of an example that can be replaced."""
    value, any_turn = record.example.value, False
    for turn in turns(value):
        any_turn = True
        content = turn.message.get("content") if isinstance(turn.message, dict) else None
        role = _SAME.get(turn.role, turn.role)
        if isinstance(content, str):
            yield (*turn.path, "content"), role, content
        for at, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
                yield (*turn.path, "content", at, "text"), role, part["text"]
    if not any_turn:
        for block in blocks_of(record.example):
            if block.text_path is not None:
                yield block.text_path, _SAME.get(block.role, block.role), block.text


def hits_in(record: Record, wish: ReplaceWish, pattern: re.Pattern[str]) -> Iterator[ReplaceHit]:
    """The hits in one example; a hit that its replacement would not change is left out."""
    for path, role, text in texts_of(record):
        if role in wish.roles:
            for match in pattern.finditer(text):
                replacement = wish.expand(match)
                if replacement != match[0]:
                    yield ReplaceHit(record.id, path, role, *match.span(), text, replacement)


def find_hits(
    workspace: Workspace, ids: Sequence[int], wish: ReplaceWish, report: Callable[[float], bool]
) -> FoundHits | None:
    """Search in examples; None if stopped. `report(share)` is called now and then, and stops with True.

    Raises ValueError, in words, for an invalid wish.
    """
    pattern, result = wish.pattern(), FoundHits()
    for at, record in enumerate(workspace.records(ids)):
        if at % REPORT_EVERY == 0 and report(at / max(1, len(ids))):
            return None
        before = result.total
        for hit in hits_in(record, wish, pattern):
            result.total += 1
            if len(result.hits) < MOST:
                result.hits.append(hit)
        if result.total > before:
            result.ids.append(record.id)
    return result


def replaced(
    workspace: Workspace, ids: Sequence[int], wish: ReplaceWish, left_out: Collection[tuple[int, Path, int]] = ()
) -> dict[int, bytes]:
    """The new bytes of the examples in which something is replaced; `left_out` are places of hits that stay."""
    pattern, raws = wish.pattern(), dict[int, bytes]()
    for record in workspace.records(ids):
        by_path: dict[Path, list[ReplaceHit]] = {}
        for hit in hits_in(record, wish, pattern):
            if hit.place not in left_out:
                by_path.setdefault(hit.path, []).append(hit)
        raw = record.raw
        for path, hits in by_path.items():
            raw = splice.set_value(raw, path, _with_replacements(hits))
        if raw != record.raw:
            raws[record.id] = raw
    return raws


def _with_replacements(hits: Sequence[ReplaceHit]) -> str:
    """The text of some hits, which all are in it, with each replaced."""
    pieces, at = [], 0
    for hit in hits:
        pieces += [hit.text[at : hit.start], hit.replacement]
        at = hit.end
    return "".join([*pieces, hits[0].text[at:]])
