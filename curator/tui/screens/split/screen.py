"""The Split stage: the sizes of training, validation and test, and how often each answer occurs in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static
from textual.worker import get_current_worker

from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models.dataset_bars import query_for_ids, words_if_cut
from curator.tui.widgets.line_input import LineInput, Paths
from curator.tui.widgets.line_list import LineList, Pieces
from curator.workspace.changes.sides import PINNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.workspace.records import Counts

_ANSWER_CHARS = 60
_BAR = 48
"""Cells of the bar that shows the shares of the sides."""
_SAMPLE = 20_000
"""Most examples whose answers are counted here; of a larger dataset the first ones."""


class TestFileDialog(Dialog[str]):
    """Asks for a test file to compare with the training examples; dismisses with its path."""

    HEADING = "Check a test file"
    ACCEPT = "Check"
    HELP = "Lists the training examples that are exact or near copies of a line of this file."

    def compose_body(self) -> ComposeResult:
        """The path."""
        yield Static(Content("Which file must have no copies among the training examples?"))
        yield LineInput(suggester=Paths(), placeholder="test.jsonl", compact=True)

    def action_accept(self) -> None:
        """Dismiss with the path."""
        self.dismiss(self.query_one(LineInput).value.strip())


class SplitScreen(StageScreen):
    """Shows the two sides, and below them the answers with their counts on each side."""

    STAGE = "split"
    SCOPE = "split"
    BINDINGS = keys.bindings("split")
    CSS_PATH = "split.tcss"
    HELP = (
        "S divides the examples at random, by a seed. Copies, contradictions and look-alikes stay on one side, so "
        "that nothing in validation was trained on. Each line is an answer with its number of examples on either "
        "side; enter lists them."
    )

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[tuple[str, int, int]] = []
        self._ids: dict[str, list[int]] = {}
        """The ids of the examples by answer."""

    def compose_stage(self) -> ComposeResult:
        """The sides and the answers."""
        yield Static("", id="sides")
        yield LineList("strata", empty="", head="   train    held out  answer")

    def on_mount(self) -> None:
        """Focus the list of answers."""
        self.query_one("#strata").focus()

    def data_changed(self, changed: Changed) -> None:
        """Show the sides, and count the answers again."""
        workspace = self.session.workspace
        counts = workspace.counts()
        lines = (
            self._side_lines(counts)
            if counts.validation or counts.test
            else [
                Content.styled("No split yet.", "bold"),
                Content("S divides the examples; nothing is moved or copied."),
            ]
        )
        if pinned := counts.labels.get(PINNED):
            words = f"· {pinned:,} pinned: they stay on their side (t v pin an answer's examples, r unpins them)"
            lines.append(Content.styled(words, "$quiet"))
        self.query_one("#sides", Static).update(Content("\n").join(lines))
        self._count(workspace.view().ids)

    def _side_lines(self, counts: Counts) -> list[Content]:
        """The sizes of the sides with a bar, the seed, the reasons for these sizes, and how often the test side
        was used."""
        split: dict[str, Any] = self.session.workspace.meta("split") or {}
        bar = round(_BAR * counts.train / max(1, counts.train + counts.validation))
        sizes = Content.assemble(
            (f"train {counts.train:,}", "bold $split-train"),
            "  ",
            ("█" * bar, "$split-train"),
            ("▒" * (_BAR - bar), "$split-validation"),
            "  ",
            (f"validation {counts.validation:,}", "bold $split-validation"),
        )
        seed = one_line(f"seed {split.get('seed', '–')} · S divides again, u takes it back")
        reasons = [Content.styled(printable(f"· {reason}"), "$quiet") for reason in split.get("reasons", ())]
        return [sizes, *self._test_lines(counts.test), Content.styled(seed, "$quiet"), *reasons]

    def _test_lines(self, count: int) -> list[Content]:
        """The size of the test side, and how often it was opened; nothing without one."""
        if not count:
            return []
        opened = shell_of(self).job_watch.ledger.times_opened()
        often = "never opened" if not opened else f"opened {opened:,} time{'s' * (opened != 1)}"
        return [Content.assemble((f"🔒 test {count:,}", "bold"), (f"  sealed, {often}", "$quiet"))]

    @work(thread=True, exclusive=True, group="strata", exit_on_error=False)
    def _count(self, ids: Sequence[int]) -> None:
        from curator.core.duplicates.texts import prompt_and_answer  # heavy

        worker = get_current_worker()
        train: Counter[str] = Counter()
        validation: Counter[str] = Counter()
        examples: dict[str, list[int]] = {}
        for at, record in enumerate(self.session.workspace.records(ids[:_SAMPLE])):
            if at % 200 == 0 and worker.is_cancelled:
                return
            answer = prompt_and_answer(record.example.value)[1]
            if answer is not None:
                words = answer.strip()[:_ANSWER_CHARS]
                (train if record.split in ("train", None) else validation)[words] += 1
                examples.setdefault(words, []).append(record.id)
        answers = [(answer, train[answer], validation[answer]) for answer in train | validation]
        answers.sort(key=lambda entry: (-entry[1] - entry[2], entry[0]))
        self.app.call_from_thread(self._show, answers, examples)

    def _show(self, answers: list[tuple[str, int, int]], examples: dict[str, list[int]]) -> None:
        self._answers, self._ids = answers, examples
        self.query_one("#strata", LineList).show(len(answers), self._line)

    def _line(self, index: int, width: int) -> Pieces:
        answer, train, validation = self._answers[index]
        largest = max(1, self._answers[0][1] + self._answers[0][2])
        room = max(1, width - 60)
        bar = round(room * (train + validation) / largest)
        return [
            (f"{train:>7,}", "train"),
            (f"{validation:>12,}  ", "validation" if validation else "dim"),
            (one_line(answer or "no words", 36).ljust(37), "" if answer else "dim"),
            ("▇" * round(bar * train / max(1, train + validation)), "train"),
            ("▇" * round(bar * validation / max(1, train + validation)), "validation"),
        ]

    @on(LineList.Chosen, "#strata")
    async def _list(self) -> None:
        at = self.query_one("#strata", LineList).cursor
        if at < len(self._answers):
            ids = self._ids[self._answers[at][0]]
            await shell_of(self).show_query(query_for_ids(ids))
            if cut := words_if_cut(ids):
                self.session.toast(cut.strip())

    def action_pin(self, side: str) -> None:
        """Pin all examples with the answer under the cursor to a side; "none" unpins them."""
        at = self.query_one("#strata", LineList).cursor
        if at < len(self._answers):
            self.session.pin(self._ids[self._answers[at][0]], side if side != "none" else None)  # type: ignore[arg-type]

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_check_file(self) -> None:
        """Ask for a test file, and list the training examples that are copies of its lines."""
        path = await self.app.push_screen_wait(TestFileDialog())
        if path:
            self._check_file(path)

    @work(thread=True, exclusive=True, group="leaks", exit_on_error=False)
    def _check_file(self, path: str) -> None:
        from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD  # heavy
        from curator.workspace.any_dataset import open_examples
        from curator.workspace.duplicates.split import find_copied_lines

        workspace = self.session.workspace
        side = "split:train" if workspace.counts().validation else ""
        raws = {record.id: record.raw for record in workspace.records(workspace.view(side).ids)}
        try:
            with open_examples(Path(path).expanduser()) as test_lines:
                copies = find_copied_lines(test_lines, raws, DEFAULT_THRESHOLD)
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
            return
        self.app.call_from_thread(self.app.call_later, self._show_copies, copies)

    async def _show_copies(self, copies: list[tuple[int, int]]) -> None:
        if not copies:
            self.session.toast("No line of the file has a copy among the training examples")
            return
        lines = ", ".join(str(line) for line, _ in copies[:8]) + (", …" if len(copies) > 8 else "")
        have = count_of(len(copies), "line of the file has", "lines of the file have")
        ids = sorted({own for _, own in copies})
        self.session.toast(f"{have} a copy in training: {lines}. The copies are listed.{words_if_cut(ids)}")
        await shell_of(self).show_query(query_for_ids(ids))

    def action_check(self) -> None:
        """Compare the sides pair by pair, independently of the duplicate groups that the split used."""
        self._check()

    @work(thread=True, exclusive=True, group="leaks", exit_on_error=False)
    def _check(self) -> None:
        from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD  # heavy
        from curator.workspace.duplicates.leak_check import LeakCheck

        workspace = self.session.workspace
        try:
            validation, train = (list(workspace.view(f"split:{side}").ids) for side in ("validation", "train"))
            raws = {record.id: record.raw for record in workspace.records([*validation, *train])}
            leaks = len(LeakCheck(raws, DEFAULT_THRESHOLD).leaking(validation))
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
            return
        words = (
            f"{count_of(leaks, 'held-out example has', 'held-out examples have')} a copy in training"
            if leaks
            else "No leak: no held-out example has a copy in training"
        )
        self.app.call_from_thread(self.session.toast, words)
