"""The lines of the Compare stage: the board's head and rows, the list of answers, what asking will take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curator.core.cost import money
from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.core.scores.metrics import Interval
    from curator.jobs.runs.board import BoardRow, Figures
    from curator.tui.stage_models.comparing.board import LoadedBoard

Pieces = Sequence[tuple[str, str]]
TITLES = {
    "exact_match": "right",
    "contract": "in the form",
    "token_f1": "token F1",
    "rougeL": "ROUGE-L",
    "bleu": "BLEU",
    "chrf": "chrF",
    "macro_f1": "macro F1",
    "length": "characters",
}
_METRIC, _FIGURE, _TICK = 13, 8, 4
_FIGURES = ("tokens", "US$/1k", "s each")
_LEAST_NAME = 26
"""Columns that a row's name gets before a metric does."""


def board_columns(columns: Sequence[str], width: int) -> tuple[list[str], int]:
    """The metrics that fit, and the width of the names."""
    fitting = list(columns)
    while len(fitting) > 1 and _name_width(len(fitting), width) < _LEAST_NAME:
        fitting.pop()
    return fitting, max(8, _name_width(len(fitting), width))


def _name_width(metrics: int, width: int) -> int:
    return width - _TICK - metrics * _METRIC - len(_FIGURES) * _FIGURE


def board_head(columns: Sequence[str], width: int) -> str:
    """The head of the board."""
    fitting, name_width = board_columns(columns, width - 1)
    titles = "".join(f"{TITLES.get(name, name):<{_METRIC}}" for name in fitting)
    figures = "".join(f"{title:>{_FIGURE}}" for title in _FIGURES)
    return f" {'ask':<{_TICK}}{'model, or a way of asking one':<{name_width}.{name_width}}{titles}{figures}"


def board_line(row: BoardRow, ticked: bool, board: LoadedBoard | None, trouble: str, width: int) -> Pieces:
    """A row of the board: its tick, name, scores and what an answer costs."""
    columns = board.columns if board else ()
    fitting, name_width = board_columns(columns, width)
    name = one_line(row.label, name_width - 1)
    pieces = [("[x] " if ticked else "[ ] ", "accent" if ticked else "dim"), (f"{name:<{name_width}}", "")]
    if board is None:
        return pieces
    scored = board.scored.get(row.name)
    if scored is None:
        words = trouble or _progress(row, board)
        room = _METRIC * len(fitting)
        pieces.append((f"{one_line(words, room):<{room}}", "error" if trouble else "dim"))
    else:
        for name in fitting:
            pieces.append((f"{_cell(name, scored.scores[name]):<{_METRIC}}", "" if ticked else "dim"))
    figures = board.figures.get(row.name)
    if figures is not None:
        pieces.append((_figures(figures), "dim"))
    return pieces


def _progress(row: BoardRow, board: LoadedBoard) -> str:
    if row.name not in board.questions:
        return "split first: S"
    if row.name in board.unmeasured:
        return "all answered, measuring …"
    answered = board.answered(row.name)
    return f"{answered:,} of {len(board.prompts.prompts):,} answered" if answered else "not asked yet"


def _cell(name: str, score: Interval) -> str:
    if name == "length":
        return f"{score.value:,.0f} {score.low:,.0f}–{score.high:,.0f}"
    return f"{score.value:.0%} {100 * score.low:.0f}–{100 * score.high:.0f}"


def _figures(figures: Figures) -> str:
    tokens = "–" if figures.tokens is None else f"{figures.tokens:,.0f}"
    usd = "–" if figures.usd is None else "free" if figures.usd == 0 else money(1000 * figures.usd)
    seconds = "–" if figures.seconds is None else f"{figures.seconds:,.1f}"
    return "".join(f"{text:>{_FIGURE}}" for text in (tokens, usd, seconds))


def answer_columns(width: int) -> tuple[int, int, int]:
    """The widths of prompt, answer and right answer in the list of answers; the rest is another row's answer."""
    prompt = max(12, (width - 4) // 3)
    answer = max(8, min(40, (width - prompt) // 3 - 1))
    return prompt, answer, max(8, answer - 4)


def answers_head(label: str, other: str, width: int) -> str:
    """The head of the list of answers: whose answers they are, and the marks."""
    prompt, answer, right = answer_columns(width - 1)
    parts = f"{'prompt':<{prompt}} {one_line(label, answer):<{answer}} {'wanted':<{right}} "
    return f"   {parts}{one_line(other, 40)}"
