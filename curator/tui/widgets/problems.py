"""`Problems`: the problems of one example, or the rules of the whole dataset with their numbers of findings.

The problem under the cursor also shows what its fix would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from curator.core.problem import Problem, Severity
from curator.core.query.query import mentions, parse
from curator.core.text import one_line
from curator.tui import keys
from curator.tui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RuleCount:
    """One rule and how many problems it found in the dataset."""

    rule: str
    severity: str
    """`error`, `warning` or `info`."""
    mark: str
    """The severity as one character."""
    count: int
    fix: str | None
    """`safe`, `unsafe` or None where the rule has no fix."""
    what: str
    """What the rule finds, in words."""

    @classmethod
    def all(cls, workspace: Workspace) -> list[RuleCount]:
        """Every rule that found a problem: by severity, errors first, then by count."""
        from curator.core.rules import REGISTRY  # heavy

        profile, own_rules = workspace.context().profile, workspace.own_rules()
        counts = []
        for rule, count in workspace.counts().rules.items():
            check = REGISTRY.get(rule)
            own_severity, own_why = own_rules.get(rule, ("error" if rule == "own_rule_failed" else "info", ""))
            severity = check.severity.get(profile, Severity.INFO) if check else Severity(own_severity)
            what, fix = (check.what, check.fix) if check else (own_why, None)
            counts.append(cls(rule, severity.value, severity.mark, count, fix, what))
        order = ("error", "warning", "info")
        return sorted(counts, key=lambda item: (order.index(item.severity), -item.count))


class Problems(CursorList):
    """One line a problem, or one a rule."""

    SCOPE = "problems"
    HELP = (
        "Problems of this example. F applies the fix that the list shows, ctrl+f fixes the rule in every example "
        "of the view as one step, r lists all rules of the dataset with their counts."
    )
    BINDINGS = keys.bindings("problems")
    COMPONENT_CLASSES = {
        "problems--error",
        "problems--warning",
        "problems--info",
        "problems--cursor",
        "problems--blurred",
        "problems--dim",
        "problems--fix",
        "problems--ok",
    }

    @dataclass
    class Highlighted(Message):
        """The cursor moved to this problem; None for a rule and in an empty list."""

        problem: Problem | None

    @dataclass
    class Chosen(Message):
        """The user asked to be shown the place of this problem."""

        problem: Problem

    @dataclass
    class RuleChosen(Message):
        """The user asked for the examples with problems of this rule."""

        rule: str

    @dataclass
    class FixAllRequested(Message):
        """The user asked to apply this rule's fix in the whole view."""

        rule: str

    @dataclass
    class GroupRequested(Message):
        """The user asked to switch between the example's problems and the dataset's rules."""

    def __init__(self, dom_id: str = "problems") -> None:
        super().__init__(id=dom_id)
        self._items: Sequence[Problem | RuleCount] = ()
        self._of_the_whole: Sequence[str] = ()
        self.preview = ""
        """What the fix of the problem under the cursor would change, in words; drawn at the end of its line."""

    def show(
        self, items: Sequence[Problem | RuleCount], cursor: int | None = None, of_the_whole: Sequence[str] = ()
    ) -> None:
        """Show problems or rules; without `cursor` it stays on the same rule, else on the same index.

        `of_the_whole` are sentences on errors that stand at no example; they come last.
        """
        self._of_the_whole = of_the_whole
        if cursor is None:
            cursor = next((at for at, item in enumerate(items) if item.rule == self.rule), self.cursor)
        self._items = items
        self.virtual_size = Size(self.size.width, max(1, len(items)) + len(of_the_whole))
        self.place_cursor(cursor)

    @property
    def by_rule(self) -> bool:
        """Whether rules are listed, not problems."""
        return bool(self._items) and isinstance(self._items[0], RuleCount)

    @property
    def current(self) -> Problem | RuleCount | None:
        """The problem or rule under the cursor; None in an empty list."""
        return self._items[self.cursor] if self.cursor < len(self._items) else None

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._items)

    @property
    def rule(self) -> str | None:
        """The id of the rule under the cursor, or of the problem's rule."""
        return self.current.rule if self.current else None

    @property
    def preview_seen(self) -> bool:
        """Whether the preview is on the screen and not shortened."""
        room = _room(self.scrollable_content_region.width)
        return bool(self.preview) and self.display and cell_len(f"F: {self.preview}") <= room

    def render_line(self, y: int) -> Strip:
        """One problem or rule."""
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not self._items and y == 0:
            text = " ✓ no problems in this example"
            return Strip([Segment(text, self._style("ok"))]).adjust_cell_length(width, self.rich_style)
        behind = index - max(1, len(self._items))
        if 0 <= behind < len(self._of_the_whole):
            segments = [Segment(" E ", self._style("error")), Segment(one_line(self._of_the_whole[behind], width))]
            return Strip(segments).adjust_cell_length(width, self.rich_style)
        if index >= len(self._items):
            return Strip.blank(width, self.rich_style)
        item = self._items[index]
        cursor = index == self.cursor
        base = self._style("cursor" if self.has_focus else "blurred") if cursor else self.rich_style
        over = Style(bgcolor=base.bgcolor, bold=base.bold if cursor and self.has_focus else None)
        pieces = (
            self._rule_pieces(item) if isinstance(item, RuleCount) else self._problem_pieces(item, cursor, width)
        )
        segments = [Segment("›" if cursor else " ", base)]
        segments += [
            Segment(text, (self._style(kind) if kind else self.rich_style) + over) for text, kind in pieces
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def _problem_pieces(self, problem: Problem, cursor: bool, width: int) -> list[tuple[str, str]]:
        hint = {"safe": "F fix", "unsafe": "F fix…"}.get(problem.fix or "", "")
        if cursor and self.preview:
            hint = f"F: {self.preview}"
        hint = one_line(hint, _room(width))
        room = width - cell_len(hint) - 4
        text = one_line(problem.message, 400)
        text = set_cell_size(text, max(0, room - 2)) if cell_len(text) > room - 2 else text.ljust(max(0, room - 2))
        return [
            (f"{problem.severity.mark} ", problem.severity.value),
            (set_cell_size(text, max(0, room - 1)), ""),
            (f" {hint}", "fix" if hint else "dim"),
        ]

    def _rule_pieces(self, item: RuleCount) -> list[tuple[str, str]]:
        fix = {"safe": "ctrl+f fixes all", "unsafe": "ctrl+f shows"}.get(item.fix or "", "")
        return [
            (f"{item.mark} ", item.severity),
            (f"{item.count:>7,} ", ""),
            (f"{one_line(item.rule):<30} ", ""),
            (f"{fix:<17}", "fix"),
            (one_line(item.what, 200), "dim"),
        ]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"problems--{name}")

    def announce(self) -> None:
        """Post `Highlighted`."""
        current = self.current
        self.post_message(self.Highlighted(current if isinstance(current, Problem) else None))

    def action_jump(self) -> None:
        """Ask for the problem's place, or for the examples of the rule."""
        if isinstance(self.current, RuleCount):
            self.post_message(self.RuleChosen(self.current.rule))
        elif self.current is not None:
            self.post_message(self.Chosen(self.current))

    def action_fix_all(self) -> None:
        """Ask to fix the rule under the cursor in the whole view."""
        if self.rule is not None:
            self.post_message(self.FixAllRequested(self.rule))

    def action_group(self) -> None:
        """Ask for the other kind of list."""
        self.post_message(self.GroupRequested())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; a double click is the action `jump`."""
        index = self.index_at(event.y)
        if index is not None:
            self.cursor = index
            if event.chain == 2:
                self.action_jump()


def first_problem_of(problems: Sequence[Problem], query: str) -> int:
    """Index of the first problem whose rule the query names, e.g. `rule:empty_answer`; 0 where it names none."""
    if "rule:" not in query:
        return 0
    tree = parse(query)
    return next((index for index, problem in enumerate(problems) if mentions(tree, "rule", problem.rule)), 0)


def _room(width: int) -> int:
    """Cells that the preview of a fix may take; the problem's message is shortened for it."""
    return max(10, width - 14)
