"""The pane beside the list of the Data stage: one example with its problems, or the editor in their place."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.getters import query_one

from curator.core.problem import Problem
from curator.core.text import one_line
from curator.tui.examples.blocks import Block, block_of, blocks_of, problems_by_block, tokens_of
from curator.tui.examples.fix_preview import preview
from curator.tui.examples.model_view import model_view_of, unread_from
from curator.tui.examples.transcript import Transcript
from curator.tui.session.session import Session
from curator.tui.shell import shell_of
from curator.tui.stage_models.other_example import other_example, with_other_answers
from curator.tui.widgets.conversation import Conversation
from curator.tui.widgets.editor import Editor
from curator.tui.widgets.problems import Problems, RuleCount, first_problem_of
from curator.workspace.records import Record

NEEDING_COUNTS = ("example_too_long",)
"""Rules whose place in the text is known only once tokens are counted: where the model's context ends."""


COUNTED_BYTES = 200_000
"""Of longer examples no message is counted while they are drawn: one of a million characters takes seconds."""


class ReadingPane(Vertical):
    """`show` an example. The screen decides when the editor takes the place of conversation and problems."""

    conversation = query_one("#conversation", Conversation)
    problems = query_one("#problems", Problems)
    editor = query_one("#editor", Editor)

    def __init__(self, session: Session) -> None:
        super().__init__(id="reading")
        self._session = session
        self._example: int | None = None
        self.as_model = False
        """Whether the conversation shows what the model sees instead of what was written."""
        self.by_rule = False
        """Whether the problem list shows the rules of the whole dataset instead of this example's problems."""

    def compose(self) -> ComposeResult:
        """Conversation above problems; the editor is hidden until it is opened."""
        yield Conversation()
        yield Editor(self._session)
        yield Problems()

    def show(self, example: int | None, *, same: bool = False) -> None:
        """Show an example with its problems (None: no example); `same` keeps cursors and scroll position."""
        self._example = example
        if example is None:
            self.conversation.show(None)
            self.conversation.border_title = ""
            self.conversation.say(self._what_next())
            self.problems.show(())
            return
        workspace = self._session.workspace
        record = workspace.record(example)
        problems = with_other_answers(workspace.problems(example), workspace)
        blocks = blocks_of(record.example)
        self.conversation.show(self._transcript(record, problems, blocks), same=same)
        model = f"what {one_line(self._session.model, 30) or 'the model'} sees · " if self.as_model else ""
        self.conversation.border_title = Content(f" {model}{title(record, workspace.row(example).tokens)} ")
        cursor = self.problems.cursor if same else first_problem_of(problems, self._session.query)
        if not same and problems:
            self.conversation.block = block_of(problems[cursor], blocks) or 0
        if not self.by_rule:
            self.problems.show(problems, cursor, self._session.summary().refusals)
            count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
            self.problems.border_title = Content(f" {count} " if problems else " problems ")
            self._preview_fix()

    def _what_next(self) -> str:
        """What to do where there is no example to show."""
        if not len(self._session.workspace.ids()):
            return "No examples yet: I imports a file, + begins one."
        return "Nothing matches: esc shows all examples again, / changes the query."

    def _transcript(self, record: Record, problems: Sequence[Problem], blocks: list[Block]) -> Transcript:
        session, value, limit = self._session, record.example.value, self._session.context.limit
        if self.as_model or any(problem.rule in NEEDING_COUNTS for problem in problems):
            session.warm()
        if self.as_model and value is not None and session.counting:
            return model_view_of(session.counter, value, blocks, limit)
        counting = session.counting and len(record.raw) <= COUNTED_BYTES
        counts = tokens_of(session.counter, value, blocks) if counting else []
        cut = unread_from(session.counter, value, blocks, limit) if counting else {}
        beside = problems_by_block(list(problems), blocks)
        return Transcript(blocks, beside, counts, session.matches, cut, record.note)

    def switch_model_view(self) -> None:
        """Show what the model sees, or again what was written."""
        self.as_model = not self.as_model
        self.show(self._example, same=True)

    def show_rules(self) -> None:
        """List the rules of the whole dataset with their counts."""
        self.problems.preview = ""
        self.problems.show(RuleCount.all(self._session.workspace))
        self.problems.border_title = Content(" problems of the whole dataset, by rule ")

    def step_problem(self, step: int) -> bool:
        """Go to this example's next problem (1) or the one before (-1); False where it has no further one."""
        index = self.problems.cursor + step
        if self.by_rule or not 0 <= index < self.problems.count:
            return False
        self.problems.cursor = index
        if isinstance(self.problems.current, Problem):
            self.conversation.block = self._block_of(self.problems.current)
        return True

    def _block_of(self, problem: Problem) -> int:
        """Index of the message that a problem of the shown example is about; 0 where it is about all of it."""
        if self._example is None:
            return 0
        blocks = blocks_of(self._session.workspace.record(self._example).example)
        return block_of(problem, blocks) or 0

    @on(Problems.Highlighted)
    def _preview_fix(self) -> None:
        problem = self.problems.current
        self.problems.preview = ""
        if self._example is not None and isinstance(problem, Problem) and problem.fix:
            fixed = self._session.preview_fix(self._example, problem)
            if fixed is not None:
                before = self._session.workspace.record(self._example).example
                self.problems.preview = preview(before, fixed)
        self.problems.refresh()

    @on(Problems.Chosen)
    def _show_place(self, event: Problems.Chosen) -> None:
        other = other_example(event.problem)
        if other is not None:
            self.app.call_later(shell_of(self).show_example, other)
        elif self._example is not None:
            beyond = event.problem.rule == "example_too_long"
            self.conversation.go_to(self._block_of(event.problem), beyond=beyond)
            self.conversation.focus()

    @on(Problems.RuleChosen)
    def _leave_rules(self) -> None:
        self._set_by_rule(False)  # the screen then shows an example with a problem of the rule

    def _set_by_rule(self, by_rule: bool) -> None:
        self.by_rule = by_rule
        self.set_class(by_rule, "-by-rule")

    @on(Problems.GroupRequested)
    def _switch_rules(self) -> None:
        self._set_by_rule(not self.by_rule)
        if self.by_rule:
            self.show_rules()
        else:
            self.show(self._example, same=True)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """When the conversation gets the focus, load the vocabulary: it then shows the tokens of each message."""
        if event.widget is self.conversation:
            self._session.warm()


def title(record: Record, tokens: int | None) -> str:
    """The conversation's border title for an example; `tokens` is None where they are not counted."""
    stars = "★" * (record.rating or 0)
    origin = f"line {record.line}" if record.line is not None else "new"
    state = "edited" if record.edited else ""
    review = f"{record.review}{' (before an edit)' if record.stale else ''}" if record.review else ""
    count = "" if tokens is None else f"{tokens:,} tok"
    parts = (origin, count, state, record.split or "", review, ", ".join(record.labels), stars)
    return one_line(" · ".join(filter(None, parts)), 100)
