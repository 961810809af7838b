"""Laying an example out as lines of styled pieces: what the conversation draws. Pure.

Only a bounded part of a long text is laid out: the rest is counted and named, so that a line of 50 MB costs
what a page costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from curator.core.problem import Problem
from curator.core.text import one_line, printable
from curator.tui.examples.blocks import Block
from curator.tui.examples.wrap import wrap

BLOCK_CHARS = 20_000
BLOCK_LINES = 400
ALL_LINES = 4_000
"""Most characters and lines laid out of one block, and lines of one example."""

Span = tuple[int, int]


class Piece(NamedTuple):
    """Text, printable already, and what it is: the name of a style."""

    text: str
    kind: str


class Line(NamedTuple):
    """One screen line: the index of its block (-1: the whole example) and its pieces."""

    block: int
    pieces: tuple[Piece, ...]
    gutter: str = ""
    """The role kind whose colour the gutter has; empty for no gutter."""


@dataclass(frozen=True)
class Sheet:
    """What to lay out."""

    blocks: Sequence[Block]
    problems: dict[int | None, list[Problem]] = field(default_factory=dict)
    tokens: Sequence[int | None] = ()
    """Tokens of each block, as far as known."""
    matches: Callable[[str, str], Sequence[Span]] = lambda text, role: ()
    """Where the query matches in a text of a role."""
    cut: dict[int, int] = field(default_factory=dict)
    """By block: the character from which the model's context ends."""
    note: str = ""
    """What somebody wrote about the example."""

    def lines(self, width: int, brief: bool = False) -> list[Line]:
        """What is drawn for a width in cells; `brief` where there is little room."""
        return lay_out(self, width, brief)


KINDS = {"system", "developer", "user", "assistant", "tool", "function"}


def kind_of(block: Block) -> str:
    """Which role colour a block has."""
    if block.role in KINDS:
        return {"developer": "system", "function": "tool"}.get(block.role, block.role)
    return {
        "prompt": "user",
        "completion": "assistant",
        "preferred": "assistant",
        "non-preferred": "rejected",
    }.get(block.role, "other")


def lay_out(sheet: Sheet, width: int, brief: bool = False) -> list[Line]:
    """All lines of an example for a width in cells; `brief` keeps system prompts to one line."""
    lines: list[Line] = []
    for problem in sheet.problems.get(None, ()):
        lines.extend(_problem(problem, -1, width, ""))
    if sheet.note:
        note = f"✎ {one_line(sheet.note, 400)}"
        lines.extend(Line(-1, (Piece(note[a:b], "note"),)) for a, b in wrap(note, width))
    if lines:
        lines.append(Line(-1, ()))
    for index, block in enumerate(sheet.blocks):
        if len(lines) > ALL_LINES:
            more = len(sheet.blocks) - index
            lines.append(
                Line(index, (Piece(f"… {more:,} more messages: ctrl+o shows everything in $EDITOR", "dim"),))
            )
            break
        lines.extend(_block(sheet, index, block, width, brief))
        if not brief:
            lines.append(Line(index, ()))
    if lines and not lines[-1].pieces:
        lines.pop()
    return lines


def _block(sheet: Sheet, index: int, block: Block, width: int, brief: bool) -> Iterator[Line]:
    kind = kind_of(block)
    inner = max(4, width - 2)
    if brief and kind == "system" and not sheet.problems.get(index):
        text = set_cell_size(one_line(block.text, inner), max(0, inner - 8)).rstrip()
        yield Line(index, (Piece("system  ", "system-name"), Piece(text, "dim")), kind)
        return
    yield Line(index, _heading(sheet, index, block, kind, inner), kind)
    text = printable(block.text[:BLOCK_CHARS]).replace("\t", "␉")
    if text:
        yield from _body(sheet, index, block, text, kind, inner)
    elif block.text_path is not None and not block.notes:
        yield Line(index, (Piece("(empty)", "dim"),), kind)
    for note in block.notes:
        shown = one_line(note, 600)
        yield from (Line(index, (Piece(shown[a:b], "note"),), kind) for a, b in wrap(shown, inner))
    for problem in sheet.problems.get(index, ()):
        yield from _problem(problem, index, inner, kind)


def _heading(sheet: Sheet, index: int, block: Block, kind: str, width: int) -> tuple[Piece, ...]:
    name = one_line(block.role, 24)
    tokens = sheet.tokens[index] if index < len(sheet.tokens) else None
    weight = (
        ""
        if block.weight is None
        else f"weight {block.weight:g}" + (" · not trained" if block.weight == 0 else "")
    )
    count = "" if tokens is None else f"{tokens:,} tok"
    right = " · ".join(filter(None, (weight, count)))
    space = width - cell_len(name) - cell_len(right)
    return (Piece(name, f"{kind}-name"), Piece(" " * max(1, space), "blank"), Piece(right, "dim"))


def _body(sheet: Sheet, index: int, block: Block, text: str, kind: str, width: int) -> Iterator[Line]:
    base = "untrained" if block.weight == 0 else "json" if kind == "other" else "text"
    spans = _spans(sheet, index, block, text)
    for number, (start, end) in enumerate(wrap(text, width)):
        if number == BLOCK_LINES:
            break
        yield Line(index, tuple(pieces_of(text, start, end, spans, base)), kind)
    else:
        if len(block.text) <= BLOCK_CHARS:
            return
    yield Line(index, (Piece(f"… {len(block.text):,} characters in all: ctrl+o opens them", "dim"),), kind)


def _spans(sheet: Sheet, index: int, block: Block, text: str) -> list[tuple[int, int, str]]:
    """(start, end, style) of what stands out, not overlapping: matches, edge spaces, what the model never sees."""
    spans: list[tuple[int, int, str]] = [
        (a, b, "match") for a, b in sheet.matches(block.text[:BLOCK_CHARS], block.role)
    ]
    if block.text_path is not None:
        spans += [(m.start(), m.end(), "space") for m in re.finditer(r"\A[ \n␉]+|[ \n␉]+\Z", text)]
    if index in sheet.cut:
        spans.append((sheet.cut[index], len(text), "beyond"))
    spans.sort()
    flat: list[tuple[int, int, str]] = []
    for start, end, style in spans:
        start = max(start, flat[-1][1]) if flat else start
        if end > start:
            flat.append((start, end, style))
    return flat


def pieces_of(text: str, start: int, end: int, spans: list[tuple[int, int, str]], base: str) -> Iterator[Piece]:
    """`text[start:end]` in pieces: `spans` are (start, end, style) in order, the rest has the style `base`."""
    at = start
    for low, high, style in spans:
        low, high = max(low, start), min(high, end)
        if low >= high:
            continue
        if low > at:
            yield Piece(text[at:low], base)
        shown = text[low:high]
        yield Piece(shown.replace(" ", "·") if style == "space" else shown, style)
        at = high
    if at < end or at == start:
        yield Piece(text[at:end], base)


def _problem(problem: Problem, index: int, width: int, gutter: str) -> Iterator[Line]:
    """The mark, the sentence, and that F fixes it; at most three lines."""
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
