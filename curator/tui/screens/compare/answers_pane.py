"""`AnswersStage`: the lower half of the Compare stage, the answers of one row beside the right ones."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.widgets import Static

from curator.core import splice
from curator.core.duplicates.texts import SYSTEM_ROLES
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.compare.board_pane import BoardStage
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparing import board_words
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.core.answers.misses import Miss
    from curator.jobs.runs.asking import Prompt
    from curator.jobs.runs.board import BoardRow
    from curator.jobs.studies.asking import Report
    from curator.jobs.studies.reasons import Reasons

FILTERS = ("all", "misses", "changed")
"""Behind them come the kinds of misses that there are."""
MARK_WORDS = {"✓": "right", "~": "allowed, but not the wanted one", "✗": "not right", "·": "not answered"}
LABEL = "from compare"
_ASKED_TOGETHER = 100
"""Most misses whose reasons are asked for at once."""
_NOTED = 200
"""Most characters of a text that the note of a new example quotes."""
_READ = 2_000
"""Most characters of an answer in the pane below."""


class AnswersStage(BoardStage):
    """Lists the prompts with the answers of the row under the board's cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._listed: list[int] = []
        """The prompts that pass the filter, by their position."""
        self._filter = "all"

    @property
    def other(self) -> BoardRow | None:
        """The row whose answers stand beside: the first ticked one that is another."""
        current = self.row
        return next((row for row in self.rows if row.name in self.ticked and row is not current), None)

    @property
    def position(self) -> int | None:
        """The position of the prompt under the cursor."""
        cursor = self.query_one("#answers", LineList).cursor
        return self._listed[cursor] if self.board is not None and cursor < len(self._listed) else None

    def show_answers(self) -> None:
        """List the prompts that pass the filter."""
        board, lines = self.board, self.query_one("#answers", LineList)
        everything = range(len(board.prompts.prompts)) if board else range(0)
        self._listed = [at for at in everything if self._passes_filter(at)]
        if self._filter == "misses":
            self._listed = self._in_groups(self._listed)
        label, other = (row.label if row else "" for row in (self.row, self.other))
        lines.set_head(lambda width: board_words.answers_head(label, other, width))
        lines.say("" if board is None else f"Nothing here ({self._filter}): f shows others.")
        lines.show(len(self._listed), self._line)
        self._show_answer()

    @property
    def misses(self) -> Mapping[int, Miss]:
        """The wrong answers of the current row, by position; empty as long as it has not answered everything."""
        return self.board.misses.get(self.row.name, {}) if self.board is not None and self.row is not None else {}

    def _in_groups(self, positions: list[int]) -> list[int]:
        """Positions with misses that are alike beside each other, the largest group first."""
        from curator.core.answers.misses import group_misses  # heavy: compares prompts

        misses = self.misses
        order = [miss.at for group in group_misses(list(misses.values())) for miss in group.misses]
        return [*order, *(at for at in positions if at not in misses)]

    def _passes_filter(self, at: int) -> bool:
        if self._filter not in FILTERS:
            miss = self.misses.get(at)
            return miss is not None and miss.kind == self._filter
        if self._filter == "misses":
            return self.mark(self.row, at) in ("~", "✗")
        if self._filter == "changed":
            return self._answer(self.row, at) != self._answer(self.other, at)
        return True

    def _answer(self, row: BoardRow | None, at: int) -> str | None:
        answer = self.board.answer(row.name, at) if self.board is not None and row is not None else None
        return None if answer is None else answer.strip()

    def mark(self, row: BoardRow | None, at: int) -> str:
        """✓ right, ~ in the form, ✗ neither; · no answer yet."""
        from curator.jobs.runs.evaluation import is_right  # heavy, and loaded with the board

        answer = self._answer(row, at)
        if self.board is None or answer is None:
            return "·"
        prompts = self.board.prompts
        if is_right("exact_match", None, prompts.prompts[at], answer):
            return "✓"
        return "~" if prompts.form is not None and prompts.form.contract.allows(answer) else "✗"

    def _line(self, index: int, width: int) -> Pieces:
        if self.board is None:  # other prompts are being read
            return []
        at = self._listed[index]
        prompt = self._prompt(at)
        mark = self.mark(self.row, at)
        kind = {"✓": "ok", "~": "warning", "✗": "error"}.get(mark, "dim")
        room, answer_room, right_room = board_words.answer_columns(width)
        answer, other = self._answer(self.row, at) or "", self._answer(self.other, at) or ""
        return [
            (f"{mark} ", kind),
            (one_line(prompt.text, room).ljust(room) + " ", ""),
            (one_line(answer, answer_room).ljust(answer_room) + " ", kind),
            (one_line(prompt.expected, right_room).ljust(right_room) + " ", "accent"),
            (one_line(other, max(1, width - room - answer_room - right_room - 5)), "dim"),
        ]

    def _prompt(self, at: int) -> Prompt:
        assert self.board is not None
        return self.board.prompts.prompts[at]

    @on(LineList.Highlighted, "#answers")
    def _moved(self) -> None:
        self._show_answer()

    def _show_answer(self) -> None:
        at, pane = self.position, self.query_one("#read", Static)
        if at is None:
            pane.update("")
            return
        prompt = self._prompt(at)
        parts = [("prompt", prompt.text, "$role-user"), ("wanted", prompt.expected, "$accent")]
        parts += [("also right", text, "$accent") for text in prompt.also_right]
        shown_rows = [row for row in self.rows if row.name in self.ticked or row is self.row]
        for row in sorted(shown_rows, key=lambda row: row is not self.row):
            answer = self._answer(row, at)
            if answer is not None:
                parts.append((row.label, answer, "$role-assistant" if row is self.row else "$quiet"))
                if row is self.row:
                    parts.append(("", self._mark_words(at), "$mark-warning" if at in self.misses else "$mark-ok"))
        width = min(24, max(len(name) for name, _, _ in parts) + 2)
        lines = [
            Content.assemble((f"{one_line(name, width - 1):<{width}}", color), printable(text[:_READ]))
            for name, text, color in parts
        ]
        pane.update(Content("\n").join(lines))

    def _mark_words(self, at: int) -> str:
        """The mark of the current row's answer, and what it says."""
        mark = self.mark(self.row, at)
        return f"{mark} {self._kind_words(at) if at in self.misses else MARK_WORDS[mark]}"

    def _kind_words(self, at: int) -> str:
        """What kind of miss it is, and who says so."""
        from curator.core.answers.misses import KIND_WORDS  # heavy, and loaded with the board

        miss = self.misses[at]
        by_whom = "as you said; 0 takes it back" if miss.by_person else "by rule; 1 to 7 say otherwise"
        return f"{KIND_WORDS[miss.kind]} ({by_whom})"

    # Actions

    def action_filter(self) -> None:
        """Show the next of: all prompts, misses, those where the two rows differ, each kind of miss."""
        from curator.core.answers.misses import KIND_WORDS, count_kinds  # heavy, and loaded with the board

        counts = count_kinds(self.misses.values())
        filters = [*FILTERS, *counts]
        place = filters.index(self._filter) if self._filter in filters else -1
        self._filter = filters[(place + 1) % len(filters)]
        self.show_answers()
        kinds = ", ".join(f"{count:,} {KIND_WORDS[kind]}" for kind, count in counts.items())
        words = {"misses": f"misses ({kinds})" if kinds else "misses"}.get(self._filter)
        words = words or next((text for kind, text in KIND_WORDS.items() if kind == self._filter), self._filter)
        self.session.toast(f"Showing {words}: {len(self._listed):,}")

    def action_kind(self, number: int) -> None:
        """Say which kind of miss this answer is; 0 leaves that to the rule again."""
        from curator.core.answers.misses import KINDS  # heavy, and loaded with the board
        from curator.jobs.findings.row_misses import set_miss_kind

        at, row = self.position, self.row
        if at is None or row is None or self.board is None or at not in self.misses:
            self.session.toast("No miss is under the cursor: r asks the model, then f lists its misses.")
            return
        kind = KINDS[number - 1] if number else None
        if kind == "also_right":
            self.action_also_right()
            return
        set_miss_kind(self.ledger, row.name, self._prompt(at), self.board.scored[row.name].answers[at], kind)
        self.reload()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_why(self) -> None:
        """List the training examples that may explain this miss; enter goes to one of them."""
        from curator.tui.screens.compare.why_dialog import WhyDialog  # heavy: compares prompts

        at = self.position
        if at is None or at not in self.misses:
            self.session.toast("No miss is under the cursor: r asks the model, then f lists its misses.")
            return
        example = await self.app.push_screen_wait(WhyDialog(self.misses[at], partial(self._reasons, at)))
        if example is not None:
            await shell_of(self).show_example(example)

    def action_drafts(self) -> None:
        """Have a model write examples of what was missed here; it never sees the held-out prompt itself."""
        from curator.jobs.drafts.style import Seed  # heavy
        from curator.tui.screens.dataset.drafts_dialog import ask_for_drafts

        at = self.position
        if at is None:
            self.session.toast("There is no prompt here.")
            return
        prompt, answer = self._prompt(at), one_line(self._answer(self.row, at) or "nothing yet", 60)
        seed = Seed(prompt.text, prompt.expected, f"wanted {one_line(prompt.expected, 60)}, given {answer}")
        about = f"Written like the training examples nearest to this prompt, with the answer {prompt.expected}"
        self.app.run_worker(ask_for_drafts(self.app, [seed], about), group="dialog", exit_on_error=False)

    async def _reasons(self, at: int, report: Report) -> Reasons:
        """Which training examples pushed the row's model to its answer. All misses are asked about together, so
        that the next one is known already. Raises CuratorError."""
        from curator.jobs.studies.reasons import AnswerInQuestion  # heavy
        from curator.tui.screens.studies import studies

        row, places = self.row, sorted({*list(self.misses)[:_ASKED_TOGETHER], at})
        assert row is not None
        prompts = [replace(self._prompt(each), messages=row.way.messages(self._prompt(each))) for each in places]
        answers = [self._answer(row, each) or "" for each in places]
        questions = [AnswerInQuestion(*pair) for pair in zip(prompts, answers, strict=True)]
        path, model = self.session.workspace.path, row.way.model
        reasons = await studies.reasons(path, self.ledger, model, questions, report)
        return reasons[places.index(at)]

    def action_also_right(self) -> None:
        """Accept the answer under the cursor as another right one for its prompt, or take that back."""
        at = self.position
        answer = self._answer(self.row, at) if at is not None else None
        if at is None or not answer or self.board is None or self.row is None:
            self.session.toast("There is no answer here yet: r asks.")
            return
        text, prompt = self.board.answer(self.row.name, at) or "", self._prompt(at)
        example, path = self.board.prompts.examples[at], self.board.prompts.source.path
        if prompt.expected.strip() == answer:
            self.session.toast("This is the wanted answer.")
        elif example is not None:
            self.session.accept_answer(example, text, text not in prompt.also_right)
        elif path is not None and self.board.prompts.source.kind == "file":
            self._accept_beside(prompt.line, text, text not in prompt.also_right)
        else:
            self.session.toast("Its example is no longer in this workspace.")

    def _accept_beside(self, line: int, text: str, on: bool) -> None:
        from curator.tui.stage_models.comparing.prompt_sources import accept_beside  # heavy

        path = self.board.prompts.source.path if self.board else None
        if path is None:
            return
        try:
            beside = accept_beside(path, line, text, on)
        except CuratorError as error:
            self.session.say(error)
            return
        self.session.toast(f"Kept in {beside.name}, beside the file")
        self.reload()

    async def action_show_example(self) -> None:
        """Go to the held-out example in the Data stage, to mend a wrong right answer."""
        example = self.board.prompts.examples[self.position] if self.board and self.position is not None else None
        if example is None:
            self.session.toast("This prompt is no example of the workspace.")
        else:
            await shell_of(self).show_example(example)

    @on(LineList.Chosen, "#answers")
    async def _choose(self) -> None:
        await self.action_show_example()

    async def action_new_example(self) -> None:
        """Begin a new example with this prompt's system message and no words yet; a note tells of the miss.

        Nothing is added where nothing is typed.
        """
        at = self.position
        if at is None:
            return
        prompt = self._prompt(at)
        system = [message for message in prompt.messages if message.get("role") in SYSTEM_ROLES]
        empty = [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]
        answer = one_line(self._answer(self.row, at) or "no answer yet", _NOTED)
        miss = f"{one_line(prompt.text, _NOTED)} → {answer} (wanted {one_line(prompt.expected, _NOTED)})"

        def added(example: int) -> None:
            self.session.note_quietly([example], f"Teaches what was missed here: {miss}")
            self.session.label([example], LABEL, True)

        raw = splice.dump({"messages": [*system, *empty]})
        await shell_of(self).begin_example(raw, len(system), added)
        self.session.toast(f"Another question of this kind, in your own words. Missed: {miss}")
