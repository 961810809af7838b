"""Lays out what a model sees of an example: the rendered chat text, which parts are learnt, where it is cut off.

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
from curator.core.text import count_of, one_line, printable
from curator.core.turns import turns
from curator.tui.examples.blocks import Block
from curator.tui.examples.transcript import (
    ALL_LINES,
    BLOCK_CHARS,
    BLOCK_LINES,
    Line,
    Piece,
    Transcript,
    kind_of,
    pieces_of,
)
from curator.tui.examples.wrap import wrap


@dataclass(frozen=True)
class ModelView(Transcript):
    """A transcript of the text as training reads it, with the special tokens of the chat format."""

    spans: Sequence[Span] = ()
    """Parts of the rendered text in order; `Span.index` is the turn's index."""
    block_of_turn: Sequence[int] = ()
    """For each turn the index of its block, -1 for none."""
    stop: Cut | None = None
    """Where training cuts the example off; None where it fits."""
    limit: int | None = None
    """The model's context in tokens; None where unknown."""
    encoding: str = ""
    estimated: bool = False
    """Whether token counts are estimates."""

    def lines(self, width: int, brief: bool = False) -> list[Line]:
        """Token totals, then each turn with its special tokens."""
        lines = [Line(-1, (Piece(part, "dim"),)) for part in self._summary(width)]
        if not brief:
            lines.append(Line(-1, ()))
        past_cut = False
        for index, group in groupby(self.spans, key=lambda span: span.index):
            spans = list(group)
            if len(lines) > ALL_LINES:
                break
            if any(span.text for span in spans):
                turn_lines, past_cut = self._turn(index, spans, width, brief, past_cut)
                lines += turn_lines if brief else [*turn_lines, Line(self._block_index(index), ())]
        if lines and not lines[-1].pieces:
            lines.pop()
        return lines

    def _summary(self, width: int) -> Iterator[str]:
        total = sum(span.tokens for span in self.spans)
        learnt = sum(span.tokens for span in self.spans if span.trained)
        about = "about " if self.estimated else ""
        words = f"{about}{count_of(total, 'token')}, {learnt:,} learnt · {self.encoding}"
        if self.limit:
            words += f" · {'✂ ' if self.stop else ''}limit {self.limit:,}"
        yield from (words[a:b] for a, b in wrap(words, width))

    def _block_index(self, turn: int) -> int:
        return self.block_of_turn[turn] if 0 <= turn < len(self.block_of_turn) else -1

    def _turn(
        self, index: int, spans: list[Span], width: int, brief: bool, past_cut: bool
    ) -> tuple[list[Line], bool]:
        """The lines of a turn, and whether the text after it is past the cut."""
        place = self._block_index(index)
        block = self.blocks[place] if 0 <= place < len(self.blocks) else None
        kind = kind_of(block) if block is not None else "other"
        inner = max(4, width - 2)
        lines = [Line(place, _heading(spans, kind, inner), kind)]
        text, styles, stops = self._text(spans, past_cut)
        if brief and kind == "system" and not past_cut and stops is None:
            flat = set_cell_size(one_line(text, inner), inner).rstrip()
            return [*lines, Line(place, (Piece(flat, "untrained"),), kind)], past_cut
        for number, (start, end) in enumerate(wrap(text, inner)):
            if number == BLOCK_LINES:
                lines.append(Line(place, (Piece("…", "dim"),), kind))
                break
            if stops is not None and start <= stops < max(end, start + 1):
                if stops > start:
                    before_cut = pieces_of(text, start, stops, styles, "untrained")
                    lines += [Line(place, (piece,), kind) for piece in before_cut]
                lines.append(Line(place, (Piece(_cut_words(self.limit, inner), "error"),), kind))
                start = stops
            lines.append(Line(place, tuple(pieces_of(text, start, end, styles, "untrained")), kind))
        return lines, past_cut or stops is not None

    def _text(self, spans: list[Span], past_cut: bool) -> tuple[str, list[tuple[int, int, str]], int | None]:
        """The turn's printable text, (start, end, style) of its parts, and the offset of a cut in it."""
        text, styles = "", []
        stops: int | None = None
        for span in spans:
            start = len(text)
            text += printable(span.text[:BLOCK_CHARS]).replace("\t", "␉")
            style = "trained" if span.trained else "untrained" if span.location else "mark"
            if past_cut or stops is not None:
                style = "beyond"
            elif self.stop is not None and span.location == self.stop.location and span.location:
                stops = start + len(printable(span.text[: min(self.stop.offset, BLOCK_CHARS)]))
                styles.append((start, stops, style))
                start, style = stops, "beyond"
            styles.append((start, len(text), style))
        return text, [each for each in styles if each[1] > each[0]], stops


def _cut_words(limit: int | None, width: int) -> str:
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


def model_view_of(counter: Counter, value: Any, blocks: Sequence[Block], limit: int | None) -> ModelView:
    """The model view of a parsed example; `counter` tokenises like the model, `limit` is its context in tokens."""
    paths = {block.path: index for index, block in enumerate(blocks)}
    block_of_turn = [paths.get(turn.path, -1) for turn in turns(value)]
    stop = counter.truncation(value, limit) if limit else None
    estimated = counter.example(value).estimated
    return ModelView(
        blocks,
        spans=counter.spans(value),
        block_of_turn=block_of_turn or list(range(len(blocks))),
        stop=stop,
        limit=limit,
        encoding=counter.encoding,
        estimated=estimated,
    )


def unread_from(counter: Counter, value: Any, blocks: Sequence[Block], limit: int | None) -> dict[int, int]:
    """For each block that is cut off, the character from which the model reads nothing; empty if all is read."""
    if not limit or counter.example(value).total <= limit:
        return {}
    stop = counter.truncation(value, limit)
    if stop is None or not stop.location:
        return {}
    path = parse_path(stop.location)
    at = next((i for i, block in enumerate(blocks) if path[: len(block.path)] == block.path), len(blocks))
    return {index: stop.offset if index == at else 0 for index in range(at, len(blocks))}
