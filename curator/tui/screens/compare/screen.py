"""The Compare stage: the board above, the answers of one row below, and the prompt under the cursor in full."""

from __future__ import annotations

import time
from contextlib import suppress

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from curator.core.duplicates.texts import SYSTEM_ROLES
from curator.core.text import count_of
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.compare.answers_pane import AnswersStage
from curator.tui.screens.panes import RememberedPanes
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparing import board as boards
from curator.tui.widgets.line_list import LineList


class CompareScreen(AnswersStage):
    """Models and ways of asking answer the same held-out prompts; misses lead to examples."""

    STAGE = "compare"
    SCOPE = "compare"
    BINDINGS = keys.bindings("compare")
    CSS_PATH = "compare.tcss"
    HELP = (
        "Rows are models, and ways of asking one: space ticks them, r asks, m adds another. ✓ is a right answer, "
        "~ one in the right form, ✗ neither, · none yet. tab goes to the answers: + begins an example that "
        "teaches what was missed (the held-out prompt itself is never copied), = accepts an answer as also right, "
        "enter opens the held-out example. Every answer is stored and never asked for twice."
    )

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_ask(self) -> None:
        """Open the playground with the ticked rows; a system prompt to try becomes a row that is asked at once."""
        from curator.tui.screens.compare.playground import Playground  # heavy: reads kept conversations

        board = self.board
        rows = boards.plain_rows([row for row in self.rows if row.name in self.ticked])
        first = board.prompts.prompts[0].messages[0] if board else {}
        system = str(first.get("content") or "") if first.get("role") in SYSTEM_ROLES else ""
        contract = board.prompts.form.contract if board and board.prompts.form else None
        tried = await self.app.push_screen_wait(Playground(rows, self.ledger, system, contract))
        base = self.row if self.row is not None else next(iter(rows), None)
        if tried is not None and base is not None:
            self._ask_when_loaded = True
            self.add_way(boards.way_entry(base.provider, base.way.model, tried, 0, False))

    def action_confusion(self) -> None:
        """Write which answers the current row gives where others are wanted, as a picture or a table."""
        from curator.core.charts.confusion import confusion_matrix, draw_confusion  # heavy
        from curator.core.charts.tables import confusion_table
        from curator.tui.screens.chart_dialog import ChartDialog, ChartToWrite

        board, row = self.board, self.row
        if board is None or row is None or not board.answered(row.name):
            self.session.toast("This row has no answers yet: r asks it.")
            return
        answered = [(p.expected, board.answer(row.name, at)) for at, p in enumerate(board.prompts.prompts)]
        pairs = [(wanted.strip(), given.strip()) for wanted, given in answered if given is not None]
        title = f"Answers of {row.label}: {count_of(len(pairs), 'prompt')}"
        matrix = confusion_matrix(title, [wanted for wanted, _ in pairs], [given for _, given in pairs])
        chart = ChartToWrite(title, lambda: draw_confusion(matrix), lambda: confusion_table(matrix))
        self.app.push_screen(ChartDialog(chart, self.session.workspace.path.parent / "confusion.svg"))

    def action_judge(self) -> None:
        """Judge the answers of the current row and of the one beside it blind."""
        from curator.tui.screens.compare.judge_dialog import JudgeDialog  # heavy: loads what reads the ledger
        from curator.tui.stage_models.comparing.blind_pairs import blind_pairs

        board, first, second = self.board, self.row, self.other
        if board is None or first is None or second is None or not board.answered(second.name):
            self.session.toast("Judging takes two rows with answers: tick another with space, r asks it.")
            return
        pairs = blind_pairs(board, first, second, self.ledger.judgements(), seed=int(1e6 * time.time()))
        self.app.push_screen(JudgeDialog(board, (first, second), pairs, self.ledger))

    def action_conversations(self) -> None:
        """Have the current row hold the whole conversations, to be judged."""
        from curator.tui.screens.compare.conversations_dialog import ConversationsDialog  # heavy

        if self.board is None or self.row is None:
            self.session.toast("There is no conversation to hold: S splits the data, m names a model.")
            return
        dialog = ConversationsDialog(self.row, self.board.prompts, self.ledger)
        self.app.push_screen(dialog, lambda _: self.reload())

    def action_judge_model(self) -> None:
        """Have a model judge the answers of the current row and of the one beside it."""
        from curator.tui.screens.compare.judge_model_dialog import JudgeModelDialog  # heavy

        board, first, second = self.board, self.row, self.other
        if board is None or first is None or second is None or not board.answered(second.name):
            self.session.toast("A judge takes two rows with answers: tick another with space, r asks it.")
            return
        self.app.push_screen(JudgeModelDialog(board, (first, second), self.ledger))

    @work(thread=True, exclusive=True, group="judgements", exit_on_error=False)
    def action_train_judged(self) -> None:
        """Write the judgements as preference data, and open the Train dialog on them."""
        from curator.jobs.findings.preference_pairs import preference_pairs  # heavy
        from curator.jobs.planning.training_data import freeze

        try:
            pairs = preference_pairs(self.ledger.judgements(), self._held_out_keys())
            if not pairs.training:
                apart = f"{len(pairs.held_out):,} of held-out prompts, which are never trained on. "
                words = f"No pair to train on. {apart * bool(pairs.held_out)}o takes the training side, b judges."
                self.app.call_from_thread(self.session.toast, words)
                return
            data = freeze(pairs.training, self.ledger.datasets).path
            beside = freeze(pairs.held_out, self.ledger.datasets).path if pairs.held_out else None
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
            return
        self.app.call_from_thread(shell_of(self).train_on, data, beside)

    def _held_out_keys(self) -> frozenset[str]:
        """The keys of all questions that are on a held-out side now."""
        from curator.jobs.runs.asking import message_key  # heavy
        from curator.tui.stage_models.comparing.prompt_sources import PromptSource, load_prompts

        keys: set[str] = set()
        for kind in ("validation", "test"):
            with suppress(CuratorError):  # an empty side
                loaded = load_prompts(PromptSource(kind, kind), self.session.workspace)
                keys |= {message_key(prompt.messages) for prompt in loaded.prompts}
        return frozenset(keys)

    def compose_stage(self) -> ComposeResult:
        """The board, what it means, the prompts, and the prompt under the cursor."""
        yield Static("", id="title")
        yield LineList("board", head=" ")
        yield Static("", id="meaning")
        with RememberedPanes(id="compare-panes"):
            yield LineList("answers", head=" ")
            with VerticalScroll(id="reading-answer"):
                yield Static("", id="read")
