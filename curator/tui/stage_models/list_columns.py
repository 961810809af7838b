"""The columns of the example list: which ones fit a width, and the styled text of a row in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len, set_cell_size

from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.workspace.records import Row
    from curator.workspace.workspace import Workspace

GUTTER = 2
"""Cells before the first column, for the cursor and the selection mark."""

ANSWER_SHARE = 40
"""Percent of the room for words that the answer has; the prompt has the rest."""

ALL = ("marks", "line", "roles", "prompt", "answer", "tokens", "label", "split")
"""The names of all columns, in the usual order."""
CAN_HIDE = frozenset(ALL) - {"line", "prompt"}
SIZABLE = {"marks": 4, "line": 4, "roles": 6, "tokens": 6, "surprise": 8, "label": 9, "split": 5}
"""The usual width, in cells, of each column whose width can be chosen; prompt and answer share the rest."""
LEAST, MOST = 3, 60
"""The limits of a chosen width."""
ROOM_FOR_WORDS = 20
"""Cells that prompt and answer have at least, whatever widths the others were given."""
STORED = "ui.columns"
"""The workspace setting with the layout of the columns."""

ROW_STYLES = {
    "list--error",
    "list--warning",
    "list--ok",
    "list--dim",
    "list--label",
    "list--roles",
    "list--train",
    "list--validation",
    *(f"list--label-{colour}" for colour in range(1, 10)),
}


class Column(NamedTuple):
    """A column and its width in cells; `sort` is the query field to sort by, `right` aligns right."""

    name: str
    width: int
    sort: str = ""
    right: bool = False


class ColumnLayout(NamedTuple):
    """Which columns somebody wants, and how; stored in the workspace."""

    order: tuple[str, ...] = ALL
    hidden: frozenset[str] = frozenset()
    answer_share: int = ANSWER_SHARE
    """Percent of the room for words that the answer has."""
    widths: tuple[tuple[str, int], ...] = ()
    """The chosen widths by column; the others have the usual one."""

    def width_of(self, name: str) -> int:
        """The width of a column of `SIZABLE`."""
        return dict(self.widths).get(name, SIZABLE[name])

    def with_width(self, name: str, width: int) -> ColumnLayout:
        """The same layout with another width of a column of `SIZABLE`."""
        widths = dict(self.widths) | {name: max(LEAST, min(MOST, width))}
        return self._replace(widths=tuple(sorted(widths.items())))

    def with_share(self, percent: int) -> ColumnLayout:
        """A copy of the layout in which the answer takes `percent` of the room of prompt and answer, 10 to 90."""
        return self._replace(answer_share=max(10, min(90, percent)))

    @classmethod
    def of(cls, workspace: Workspace) -> ColumnLayout:
        """The stored layout; columns that it does not name follow, what is of the wrong type is left out."""
        value = workspace.meta(STORED)
        stored = value if isinstance(value, dict) else {}
        order, hidden, share, widths = (stored.get(name) for name in ("order", "hidden", "answer_share", "widths"))
        names = [name for name in order if name in ALL] if isinstance(order, list) else []
        layout = cls(
            tuple(dict.fromkeys((*names, *ALL))),
            frozenset(name for name in hidden if name in CAN_HIDE) if isinstance(hidden, list) else frozenset(),
        ).with_share(share if isinstance(share, int) else ANSWER_SHARE)
        for name, width in widths.items() if isinstance(widths, dict) else ():
            if name in SIZABLE and isinstance(width, int):
                layout = layout.with_width(name, width)
        return layout

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "order": list(self.order),
            "hidden": sorted(self.hidden),
            "answer_share": self.answer_share,
            "widths": dict(self.widths),
        }


USUAL = ColumnLayout()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that fit a width."""

    all: tuple[Column, ...]

    @classmethod
    def fit(cls, width: int, last_line: int, layout: ColumnLayout = USUAL, studied: bool = False) -> Columns:
        """Choose the columns for a list of `width` cells; prompt and answer share the space that is left.

        `layout` is what somebody wants of them. As the list gets narrower, it first loses the roles, then the
        labels, the tokens, the split, the answer. `studied`: surprises of a study have a column behind the tokens.
        """
        line = Column("line", max(layout.width_of("line"), len(str(last_line))), "line", right=True)
        of = layout.width_of
        fixed = [
            Column("marks", of("marks"), "errors"),
            line,
            *([Column("roles", of("roles"), "messages")] if width >= 96 else []),
            Column("prompt", 0, "prompt"),
            *([Column("answer", 0, "answer")] if width >= 36 else []),
            *([Column("tokens", of("tokens"), "tokens", right=True)] if width >= 60 else []),
            *([Column("surprise", of("surprise"), "surprise", right=True)] if studied and width >= 66 else []),
            *([Column("label", of("label"), "labels")] if width >= 72 else []),
            *([Column("split", of("split"), "split")] if width >= 52 else []),
        ]
        fixed = [column for column in fixed if column.name not in layout.hidden]
        places = {name: at for at, name in enumerate(layout.order)}
        places["surprise"] = places["tokens"]
        fixed.sort(key=lambda column: places[column.name])
        spare = width - GUTTER - sum(column.width for column in fixed) - (len(fixed) - 1)
        if spare < ROOM_FOR_WORDS and layout.widths:  # sized in a wider list
            return cls.fit(width, last_line, layout._replace(widths=()), studied)
        with_answer = any(column.name == "answer" for column in fixed)
        answer = spare * layout.answer_share // 100 if with_answer else 0
        widths = {"prompt": max(8, spare - answer), "answer": answer}
        return cls(tuple(c._replace(width=widths.get(c.name, c.width)) for c in fixed))

    def head(self, sort: str, descending: bool) -> str:
        """The heading line, with an arrow at the column that is sorted by."""
        parts = []
        for column in self.all:
            arrow = ("▼" if descending else "▲") if column.sort == sort else ""
            name = "" if column.name == "marks" else column.name
            text = f"{name[: column.width - len(arrow)]}{arrow}"
            parts.append(text.rjust(column.width) if column.right else text.ljust(column.width))
        return " " * GUTTER + " ".join(parts)

    def field_at(self, x: int) -> str:
        """The sort field of the column at cell `x`, empty where there is none."""
        start = GUTTER
        for column in self.all:
            if start <= x < start + column.width + 1:
                return column.sort
            start += column.width + 1
        return ""

    def width_of(self, name: str) -> int:
        """The width of a column, 0 where it is not shown."""
        return next((column.width for column in self.all if column.name == name), 0)

    def edge_at(self, x: int) -> int | None:
        """The index of the column whose right edge, the gap behind it, is at cell `x`; the last has none."""
        start = GUTTER
        for at, column in enumerate(self.all[:-1]):
            start += column.width
            if x == start:
                return at
            start += 1
        return None

    def dragged(self, layout: ColumnLayout, edge: int, cells_right: int) -> ColumnLayout:
        """The layout after the right edge of a column was moved by some cells to the right.

        A column before or behind the edge gets another width; between prompt and answer they share otherwise.
        """
        before, behind = self.all[edge], self.all[edge + 1]
        if before.name in SIZABLE:
            return layout.with_width(before.name, before.width + cells_right)
        if behind.name in SIZABLE:
            return layout.with_width(behind.name, behind.width - cells_right)
        words = self.width_of("prompt") + self.width_of("answer")
        step = cells_right if before.name == "answer" else -cells_right
        return layout.with_share(round(100 * (self.width_of("answer") + step) / max(1, words)))


Pieces = list[tuple[str, str | None]]
"""(text, style name) pairs; None stands for the row's own style."""


class AnswerCell(NamedTuple):
    """What the list shows of an answer in place of its beginning."""

    text: str
    style: str | None
    tail: str = ""
    """Stands at the right end of the cell."""


def cells(
    row: Row, columns: Columns, shift: int, colours: Mapping[str, int], answer: AnswerCell | None = None
) -> Iterator[tuple[str, str | None]]:
    """The styled pieces of a row, cut and padded to the columns.

    `shift`: characters that prompt and answer are scrolled by; `colours`: number of the colour by label; `answer`:
    what is shown in place of the beginning of the answer.
    """
    for at, column in enumerate(columns.all):
        if at:
            yield " ", None
        if column.name == "marks":
            pieces = _marks(row)
        elif column.name == "answer" and answer is not None:
            room = column.width - len(answer.tail)
            pieces = [(set_cell_size(one_line(answer.text), room), answer.style), (answer.tail, "list--label")]
        elif column.name == "label":
            pieces = _labels(row, colours)
        else:
            pieces = [_cell(row, column.name, shift)]
        used = 0
        for text, style in pieces:
            room = column.width - used
            text = set_cell_size(text, room) if cell_len(text) > room else text
            if column.right:
                yield " " * (room - cell_len(text)), None
            yield text, style
            used += cell_len(text)
        if not column.right and used < column.width:
            yield " " * (column.width - used), None


def _labels(row: Row, colours: Mapping[str, int]) -> Pieces:
    """The rating in stars, then each label in its colour."""
    pieces: Pieces = [("★" * row.rating + " " * bool(row.labels), "list--warning")] if row.rating else []
    for at, name in enumerate(row.labels):
        style = f"list--label-{colours[name]}" if name in colours else "list--label"
        pieces.append((f"{' ' * bool(at)}{one_line(name)}", style))
    return pieces


def _marks(row: Row) -> Pieces:
    """Four cells: result of the check, review state, changed or new, contradiction or duplicate."""
    check = {"E": "list--error", "W": "list--warning"}.get(row.mark, "list--dim")
    review = {"accepted": ("✓", "list--ok"), "rejected": ("✗", "list--error"), "flagged": ("!", "list--warning")}
    sign, style = review.get(row.review or "", (" ", "list--dim"))
    if row.stale and sign != " ":
        sign, style = "?", "list--warning"
    change = "+" if row.new else "~" if row.edited else " "
    return [
        (row.mark, check),
        (sign, style),
        (change, "list--label"),
        ("≠" if row.conflict else "≈" if row.duplicate else " ", "list--warning"),
    ]


def _cell(row: Row, name: str, shift: int) -> tuple[str, str | None]:
    if name == "line":
        return ("new" if row.line is None else str(row.line)), "list--dim"
    if name == "roles":
        roles = row.roles
        return (roles if len(roles) <= 6 else f"{roles[:5]}…"), "list--roles"
    if name == "prompt":
        return one_line(row.preview[shift:]), None
    if name == "answer":
        return one_line(row.answer[shift:]), "list--warning" if row.conflict else None
    if name == "surprise":
        number = row.surprise
        return ("" if number is None else f"{number:+.1f}"), "list--warning" if (number or 0) > 0 else "list--dim"
    if name == "tokens":
        return ("·" if row.tokens is None else f"{row.tokens:,}"), "list--dim"
    split = {"train": "train", "validation": "valid", "test": "test"}.get(row.split or "", "")
    return split, "list--train" if row.split == "train" else "list--validation"
