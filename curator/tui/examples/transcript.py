"""Lays an example out as lines of styled pieces, which the conversation widget draws. Pure.

Of a long text only the first part is laid out and the rest is mentioned in one line, so that an example of
50 MB costs as little as a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from curator.core.problem import Problem
from curator.core.text import count_of, one_line, printable
from curator.tui.examples.blocks import Block
from curator.tui.examples.wrap import wrap

BLOCK_CHARS = 20_000
BLOCK_LINES = 400
ALL_LINES = 4_000
"""Most characters and lines laid out of one block, and most lines of one example."""

Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""


class Piece(NamedTuple):
    """A piece of printable text; `kind` names its style."""

    text: str
    kind: str


class Line(NamedTuple):
    """One screen line: the index of its block (-1 for the example as a whole) and its pieces."""

    block: int
    pieces: tuple[Piece, ...]
    gutter: str = ""
    """The kind of role (see `kind_of`) that colours the gutter; empty for no gutter."""


@dataclass(frozen=True)
class Transcript:
    """An example with everything that is drawn of it."""

    blocks: Sequence[Block]
    problems: dict[int | None, list[Problem]] = field(default_factory=dict)
    """Problems by block index; None: those of the example as a whole."""
    tokens: Sequence[int | None] = ()
    """The tokens of each block; None where not counted."""
    matches: Callable[[str, str], Sequence[Span]] = lambda text, role: ()
    """`matches(text, role)`: where the query matches in a text."""
    cut: dict[int, int] = field(default_factory=dict)
    """By block index: the character at which the model's context ends."""
    note: str = ""
    """The user's note on the example."""

    def lines(self, width: int, brief: bool = False) -> list[Line]:
        """The lines for a width in cells; `brief` leaves out blank lines and shortens system prompts."""
        return lay_out(self, width, brief)


KINDS = {"system", "developer", "user", "assistant", "tool", "function"}


def kind_of(block: Block) -> str:
    """The kind of role that a block's colour stands for: a chat role, "rejected" or "other"."""
    if block.role in KINDS:
        return {"developer": "system", "function": "tool"}.get(block.role, block.role)
    return {
        "prompt": "user",
        "completion": "assistant",
        "preferred": "assistant",
        "non-preferred": "rejected",
    }.get(block.role, "other")


def lay_out(transcript: Transcript, width: int, brief: bool = False) -> list[Line]:
    """All lines of an example for a width in cells; `brief` keeps system prompts to one line."""
    lines: list[Line] = []
    for problem in transcript.problems.get(None, ()):
        lines.extend(_problem(problem, -1, width, ""))
    if transcript.note:
        note = f"✎ {one_line(transcript.note, 400)}"
        lines.extend(Line(-1, (Piece(note[a:b], "note"),)) for a, b in wrap(note, width))
    if lines:
        lines.append(Line(-1, ()))
    for index, block in enumerate(transcript.blocks):
        if len(lines) > ALL_LINES:
            more = len(transcript.blocks) - index
            lines.append(
                Line(
                    index,
                    (Piece(f"… {count_of(more, 'more message')}: ctrl+o shows everything in $EDITOR", "dim"),),
                )
            )
            break
        lines.extend(_block(transcript, index, block, width, brief))
        if not brief:
            lines.append(Line(index, ()))
    if lines and not lines[-1].pieces:
        lines.pop()
    return lines


def _block(transcript: Transcript, index: int, block: Block, width: int, brief: bool) -> Iterator[Line]:
    kind = kind_of(block)
    inner = max(4, width - 2)
    if brief and kind == "system" and not transcript.problems.get(index):
        text = set_cell_size(one_line(block.text, inner), max(0, inner - 8)).rstrip()
        yield Line(index, (Piece("system  ", "system-name"), Piece(text, "dim")), kind)
        return
    yield Line(index, _heading(transcript, index, block, kind, inner), kind)
    text = printable(block.text[:BLOCK_CHARS]).replace("\t", "␉")
    if text:
        yield from _body(transcript, index, block, text, kind, inner)
    elif block.text_path is not None and not block.notes:
        yield Line(index, (Piece("(empty)", "dim"),), kind)
    for note in block.notes:
        flat = one_line(note, 600)
        yield from (Line(index, (Piece(flat[a:b], "note"),), kind) for a, b in wrap(flat, inner))
    for problem in transcript.problems.get(index, ()):
        yield from _problem(problem, index, inner, kind)


def _heading(transcript: Transcript, index: int, block: Block, kind: str, width: int) -> tuple[Piece, ...]:
    name = one_line(block.role, 24)
    tokens = transcript.tokens[index] if index < len(transcript.tokens) else None
    weight = (
        ""
        if block.weight is None
        else f"weight {block.weight:g}" + (" · not trained" if block.weight == 0 else "")
    )
    count = "" if tokens is None else f"{tokens:,} tok"
    right = " · ".join(filter(None, (weight, count)))
    space = width - cell_len(name) - cell_len(right)
    return (Piece(name, f"{kind}-name"), Piece(" " * max(1, space), "blank"), Piece(right, "dim"))


def _body(transcript: Transcript, index: int, block: Block, text: str, kind: str, width: int) -> Iterator[Line]:
    base = "untrained" if block.weight == 0 else "json" if kind == "other" else "text"
    spans = _spans(transcript, index, block, text)
    for number, (start, end) in enumerate(wrap(text, width)):
        if number == BLOCK_LINES:
            break
        yield Line(index, tuple(pieces_of(text, start, end, spans, base)), kind)
    else:
        if len(block.text) <= BLOCK_CHARS:
            return
    yield Line(index, (Piece(f"… {len(block.text):,} characters in all: ctrl+o opens them", "dim"),), kind)


def _spans(transcript: Transcript, index: int, block: Block, text: str) -> list[tuple[int, int, str]]:
    """(start, end, style), without overlaps: matches, leading and trailing space, text past the model's limit."""
    spans: list[tuple[int, int, str]] = [
        (a, b, "match") for a, b in transcript.matches(block.text[:BLOCK_CHARS], block.role)
    ]
    if block.text_path is not None:
        spans += [(m.start(), m.end(), "space") for m in re.finditer(r"\A[ \n␉]+|[ \n␉]+\Z", text)]
    if index in transcript.cut:
        spans.append((transcript.cut[index], len(text), "beyond"))
    spans.sort()
    flat: list[tuple[int, int, str]] = []
    for start, end, style in spans:
        start = max(start, flat[-1][1]) if flat else start
        if end > start:
            flat.append((start, end, style))
    return flat


def pieces_of(text: str, start: int, end: int, spans: list[tuple[int, int, str]], base: str) -> Iterator[Piece]:
    """`text[start:end]` in pieces: `spans` are (start, end, style) in order, the rest gets the style `base`."""
    at = start
    for low, high, style in spans:
        low, high = max(low, start), min(high, end)
        if low >= high:
            continue
        if low > at:
            yield Piece(text[at:low], base)
        part = text[low:high]
        yield Piece(part.replace(" ", "·") if style == "space" else part, style)
        at = high
    if at < end or at == start:
        yield Piece(text[at:end], base)


def _problem(problem: Problem, index: int, width: int, gutter: str) -> Iterator[Line]:
    """A problem in at most three lines: its mark, its message, and whether the key F fixes it."""
    hint = {"safe": "  F fixes it", "unsafe": "  F shows a fix"}.get(problem.fix or "", "")
    if problem.fix and problem.rule == "answer_outside_contract":
        hint = "  F writes that"
    text = f"{one_line(problem.message, 400)}{hint}"
    style = problem.severity.value
    for number, (start, end) in enumerate(wrap(text, max(8, width - 2))):
        if number == 3:
            break
        mark = f"{problem.severity.mark} " if number == 0 else "  "
        yield Line(index, (Piece(mark, f"{style}-mark"), Piece(text[start:end], style)), gutter)
