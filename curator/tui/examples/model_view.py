"""What the model sees of an example: the text it reads with the marks of its format, and which of it is learnt.

Pure, like `transcript`, and drawn by the same widget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.cells import cell_len, set_cell_size

from curator.core.counting.counter import Counter, Cut, Span
from curator.core.example import parse_path
from curator.core.text import one_line, printable
from curator.core.turns import turns
from curator.tui.examples.blocks import Block
from curator.tui.examples.transcript import (
    ALL_LINES,
    BLOCK_CHARS,
    BLOCK_LINES,
    Line,
    Piece,
    Sheet,
    kind_of,
    pieces_of,
)
from curator.tui.examples.wrap import wrap


@dataclass(frozen=True)
class Reading(Sheet):
    """A sheet that shows what is trained on instead of what was written."""

    spans: Sequence[Span] = ()
    places: Sequence[int] = ()
    """The index of the block that each turn is; -1 for none."""
    stop: Cut | None = None
    """Where training stops reading; None where all of it is read."""
    limit: int | None = None
    encoding: str = ""
    estimated: bool = False

    def lines(self, width: int, brief: bool = False) -> list[Line]:
        """Totals, then each turn with its marks."""
        lines = [Line(-1, (Piece(part, "dim"),)) for part in self._summary(width)]
        if not brief:
            lines.append(Line(-1, ()))
        gone = False
        for index, group in groupby(self.spans, key=lambda span: span.index):
            spans = list(group)
            if len(lines) > ALL_LINES:
                break
            if any(span.text for span in spans):
                made, gone = self._turn(index, spans, width, brief, gone)
                lines += made if brief else [*made, Line(self._place(index), ())]
        if lines and not lines[-1].pieces:
            lines.pop()
        return lines

    def _summary(self, width: int) -> Iterator[str]:
        total = sum(span.tokens for span in self.spans)
        learnt = sum(span.tokens for span in self.spans if span.trained)
        about = "about " if self.estimated else ""
        words = f"{about}{total:,} tokens, {learnt:,} learnt · {self.encoding}"
        if self.limit:
            words += f" · {'✂ ' if self.stop else ''}limit {self.limit:,}"
        yield from (words[a:b] for a, b in wrap(words, width))

    def _place(self, index: int) -> int:
        return self.places[index] if 0 <= index < len(self.places) else -1

    def _turn(self, index: int, spans: list[Span], width: int, brief: bool, gone: bool) -> tuple[list[Line], bool]:
        place = self._place(index)
        block = self.blocks[place] if 0 <= place < len(self.blocks) else None
        kind = kind_of(block) if block is not None else "other"
        inner = max(4, width - 2)
        lines = [Line(place, _heading(spans, kind, inner), kind)]
        text, styles, stops = self._text(spans, gone)
        if brief and kind == "system" and not gone and stops is None:
            flat = set_cell_size(one_line(text, inner), inner).rstrip()
            return [*lines, Line(place, (Piece(flat, "untrained"),), kind)], gone
        for number, (start, end) in enumerate(wrap(text, inner)):
            if number == BLOCK_LINES:
                lines.append(Line(place, (Piece("…", "dim"),), kind))
                break
            if stops is not None and start <= stops < max(end, start + 1):
                lines += [Line(place, (piece,), kind) for piece in _halves(text, start, stops, styles)]
                lines.append(Line(place, (Piece(_scissors(self.limit, inner), "error"),), kind))
                start = stops
            lines.append(Line(place, tuple(pieces_of(text, start, end, styles, "untrained")), kind))
        return lines, gone or stops is not None

    def _text(self, spans: list[Span], gone: bool) -> tuple[str, list[tuple[int, int, str]], int | None]:
        """The turn's text as one, (start, end, style) of its parts, and where reading stops in it."""
        text, styles = "", []
        stops: int | None = None
        for span in spans:
            start = len(text)
            text += printable(span.text[:BLOCK_CHARS]).replace("\t", "␉")
            style = "trained" if span.trained else "untrained" if span.location else "mark"
            if gone or stops is not None:
                style = "beyond"
            elif self.stop is not None and span.location == self.stop.location and span.location:
                stops = start + len(printable(span.text[: min(self.stop.offset, BLOCK_CHARS)]))
                styles.append((start, stops, style))
                start, style = stops, "beyond"
            styles.append((start, len(text), style))
        return text, [each for each in styles if each[1] > each[0]], stops


def _halves(text: str, start: int, end: int, styles: list[tuple[int, int, str]]) -> Iterator[Piece]:
    """The part of a line before the cut, if there is any."""
    if end > start:
        yield from pieces_of(text, start, end, styles, "untrained")


def _scissors(limit: int | None, width: int) -> str:
    words = f"✂ the model reads {limit:,} tokens: what follows is cut off " if limit else "✂ cut off "
    return set_cell_size(words, min(width, cell_len(words)))


def _heading(spans: list[Span], kind: str, width: int) -> tuple[Piece, ...]:
    role = next((span.role for span in spans if span.role), "") or "text"
    learnt = any(span.trained for span in spans)
    state = "learnt" if learnt else "read, not learnt" if role == "assistant" else "read"
    tokens = sum(span.tokens for span in spans)
    right = f"{state} · {tokens:,} tok"
    name = one_line(role, 24)
    space = max(1, width - cell_len(name) - cell_len(right))
    return (Piece(name, f"{kind}-name"), Piece(" " * space, "blank"), Piece(right, "text" if learnt else "dim"))


def reading_of(counter: Counter, value: Any, blocks: Sequence[Block], limit: int | None) -> Reading:
    """What a model that counts by `counter` sees of a parsed example; `limit` is its context in tokens."""
    paths = {block.path: index for index, block in enumerate(blocks)}
    places = [paths.get(turn.path, -1) for turn in turns(value)]
    stop = counter.truncation(value, limit) if limit else None
    estimated = counter.example(value).estimated
    return Reading(
        blocks,
        spans=counter.spans(value),
        places=places or list(range(len(blocks))),
        stop=stop,
        limit=limit,
        encoding=counter.encoding,
        estimated=estimated,
    )


def beyond(counter: Counter, value: Any, blocks: Sequence[Block], limit: int | None) -> dict[int, int]:
    """By block, from which character on the model reads nothing; empty where the example fits."""
    if not limit or counter.example(value).total <= limit:
        return {}
    stop = counter.truncation(value, limit)
    if stop is None or not stop.location:
        return {}
    path = parse_path(stop.location)
    at = next((i for i, block in enumerate(blocks) if path[: len(block.path)] == block.path), len(blocks))
    return {index: stop.offset if index == at else 0 for index in range(at, len(blocks))}
