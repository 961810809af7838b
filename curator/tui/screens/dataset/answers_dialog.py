"""The dialog that sets the answer contract, and shows how many answers break it before it is set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Select, Static
from textual.worker import get_current_worker

from curator.core.answers.contract import Contract, percent, tidy
from curator.core.text import count_of, one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models import answer_contracts
from curator.tui.stage_models.answer_contracts import ContractVerdict, SuggestedContract, VocabularyChoice
from curator.tui.widgets.line_input import LineInput

FILE = "file"
"""The value of the choice that reads the vocabulary from a file."""


class AnswersDialog(Dialog[None]):
    """Fields for a vocabulary, a pattern, or both; enter sets the contract, a button clears it."""

    HEADING = "Answer contract"
    ACCEPT = "Make this the contract"
    HELP = "What every trained answer must be: on a list, of a pattern, or both. Other answers become problems."

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()
        self._choices: dict[str, VocabularyChoice] = {}
        self._contract: Contract | None = None
        """The contract in the fields; None while they are invalid."""
        self._ready = False

    def compose_body(self) -> ComposeResult:
        """A description of the answers, the fields, and the answers that break the contract."""
        yield Static(Content.styled("Reading the answers …", "$quiet"), id="looks")
        choice = Select[str]([], allow_blank=True, compact=True, prompt="", id="allowed")
        yield Horizontal(Static(Content("Allowed"), classes="name"), choice, classes="field -tight")
        file = LineInput(placeholder="a file: one answer a line, or a JSON list", compact=True, id="file")
        yield Horizontal(Static(Content("File"), classes="name"), file, classes="field -tight", id="file-line")
        pattern = LineInput(placeholder=r"none; such as \([a-z0-9]+\)", compact=True, id="pattern")
        yield Horizontal(Static(Content("Pattern"), classes="name"), pattern, classes="field -tight")
        yield Static("", id="verdict", classes="estimate")
        yield Button(Content("Clear the contract"), id="clear", compact=True)

    def on_mount(self) -> None:
        """Start reading the answers, in a thread."""
        self.query_one("#file-line").display = False
        self.query_one("#clear").display = self._current is not None
        self.query_one("#accept").focus()
        self._read()

    @property
    def _current(self) -> Contract | None:
        contract = self.session.workspace.context().contract
        return contract if isinstance(contract, Contract) else None

    @work(thread=True, exclusive=True, group="answers", exit_on_error=False)
    def _read(self) -> None:
        worker = get_current_worker()
        counts = answer_contracts.count_answers(self.session.workspace, lambda: worker.is_cancelled)
        suggested = answer_contracts.suggest_contract(counts, self._current)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._begin, counts, suggested)

    def _begin(self, counts: Counter[str], suggested: SuggestedContract) -> None:
        self._counts = counts
        self._choices = {choice.name: choice for choice in suggested.choices}
        select = self.query_one("#allowed", Select)
        choices = [(Content(choice.words), choice.name) for choice in suggested.choices]
        with self.prevent(Select.Changed, Input.Changed):
            select.set_options([*choices, (Content("those listed in a file …"), FILE)])
            select.value = suggested.best
            self.query_one("#pattern", Input).value = suggested.pattern
        looks = suggested.sentence or "The answers have no shape in common"
        about = f"{count_of(counts.total(), 'answer')}, {len(counts):,} different · "
        current = self._current
        now = ("no contract yet", "$quiet")
        if current is not None:
            now = (f"✓ now {one_line(current.words, 60)}", "$mark-ok")
        self.query_one("#looks", Static).update(
            Content.assemble((one_line(looks, 200), "bold"), "\n", (about, "$quiet"), now)
        )
        self._ready = True
        self._fields_changed()

    # The fields

    @on(Select.Changed)
    @on(Input.Changed)
    def _fields_changed(self) -> None:
        if not self._ready:
            return
        self.query_one("#file-line").display = self.query_one("#allowed", Select).value == FILE
        try:
            self._contract = self._contract_of_fields()
        except (ValueError, CuratorError) as error:
            self._contract = None
            self.workers.cancel_group(self, "verdict")
            words = error.message if isinstance(error, CuratorError) else f"{error}"
            self._say(Content.styled(f"✗ {one_line(words, 300)}", "$mark-error"))
            return
        self._check(self._contract)

    def _contract_of_fields(self) -> Contract:
        """The contract that the fields describe. Raises ValueError or InputError where they are invalid."""
        pattern = self.query_one("#pattern", Input).value or None
        name = self.query_one("#allowed", Select).value
        if name != FILE:
            choice = self._choices.get(str(name))
            return Contract(choice.vocabulary if choice else None, pattern)
        path = self.query_one("#file", Input).value.strip()
        if not path:
            raise ValueError("Type the path of the file that lists the answers")
        return Contract(answer_contracts.read_vocabulary(Path(path).expanduser()), pattern)

    @work(thread=True, exclusive=True, group="verdict", exit_on_error=False)
    def _check(self, contract: Contract) -> None:
        worker = get_current_worker()
        verdict = answer_contracts.check_answers(contract, self._counts, lambda: worker.is_cancelled)
        if verdict is not None and not worker.is_cancelled:
            self.app.call_from_thread(self._say, verdict_words(contract, verdict))

    def _say(self, words: Content) -> None:
        self.query_one("#verdict", Static).update(words)

    # Setting the contract

    def action_accept(self) -> None:
        """Set the contract; without vocabulary and pattern any answer is allowed."""
        if self._ready and self._contract is not None:
            self._store(self._contract)

    @on(Button.Pressed, "#clear")
    def _clear(self, event: Button.Pressed) -> None:
        event.stop()
        self._store(Contract())

    def _store(self, contract: Contract) -> None:
        session = self.session
        try:
            session.workspace.set_meta("contract", contract.to_json())
        except CuratorError as error:
            session.say(error, title="Not saved")
            return
        self.dismiss(None)
        session.publish(None)
        if contract == Contract():
            session.toast("No answer contract: any answer is allowed")
        else:
            session.toast(
                f"Answer contract: {one_line(contract.words, 60)} · rule:answer_outside_contract lists the others"
            )


def verdict_words(contract: Contract, verdict: ContractVerdict) -> Content:
    """How many answers break the contract, and the most frequent of them with the nearest allowed answer."""
    if contract == Contract():
        return Content.styled("Any answer is allowed: there is no contract.", "$quiet")
    if not verdict.outside:
        all_allowed = Content.styled(f"✓ all {count_of(verdict.total, 'answer')} keep it", "$mark-ok")
        return Content("\n").join([all_allowed, *_counted_words(verdict)])
    share = percent(verdict.outside, verdict.total)
    lines = [
        Content.assemble(
            (f"{verdict.outside:,} of {count_of(verdict.total, 'answer')} break it", "bold $mark-warning"),
            (f"  {share} · each becomes a problem with its repair", "$quiet"),
        )
    ]
    for text, times, nearest in verdict.commonest:
        count = f"{times:,}×" if times > 1 else ""
        nearest_words = (f" → {one_line(nearest, 20)}", "$mark-ok") if nearest else (" → nothing near", "$quiet")
        hint = "  blanks or hidden characters" if nearest == tidy(text) else ""
        words = one_line(text.strip(), 36)
        lines.append(Content.assemble((f"{count:>5} ", "$quiet"), words, nearest_words, (hint, "$quiet")))
    return Content("\n").join(lines)


def _counted_words(verdict: ContractVerdict) -> list[Content]:
    """The most frequent answers with their counts, and some that occur once: among these are the typing
    mistakes."""
    most = " · ".join(f"{one_line(text, 24)} {times:,}" for text, times in verdict.used)
    lines = [Content.assemble(("most used  ", "$quiet"), most)] if most else []
    if verdict.once:
        rare = " · ".join(one_line(text, 24) for text in verdict.once)
        more = " …" if verdict.times_once > len(verdict.once) else ""
        words = f"used once  {verdict.times_once:,}: "
        lines.append(Content.assemble((words, "$quiet"), f"{rare}{more}"))
    return lines
