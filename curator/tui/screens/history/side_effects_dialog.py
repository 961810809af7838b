"""The dialog that tells what a training did beside its task, question by question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.session.side_effects import MUST_WORK, ask, is_free, make_check, rehearse, spare_rehearsal
from curator.tui.shell import shell_of
from curator.tui.widgets.line_input import LineInput, Paths, path_of
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.rounds.rounds import Round
    from curator.jobs.side_effects.checking import Effect, SideEffects

LABEL = "rehearsal"
"""The label of examples that are rehearsed."""
_LONGEST = 300
_LOOKED_AT = 200
"""Examples that tell whether those of the task have a system prompt."""


class SideEffectsDialog(Dialog[None]):
    """Asks what is not answered yet where that is free, and shows what became of each question."""

    SCOPE = "effects"
    BINDINGS = keys.bindings("effects")
    ACCEPT = ""
    HELP = (
        "General questions without the system prompt of the task, asked of the base and of the tuned model. ! is "
        "answered in the form of the task, − is forgotten, + is right now. R adds the base's own answers to other "
        "questions of these kinds to the data, so that the next training keeps them."
    )

    def __init__(self, each: Round) -> None:
        super().__init__()
        self._round = each
        self._effects: list[Effect] = []

    def compose_body(self) -> ComposeResult:
        """The sentences, the questions, and both answers to the current one."""
        yield Static("", id="says")
        yield LineList("effects", empty="")
        yield Static("", id="row-detail", classes="estimate")
        keys_here = "! in the task's form  − forgotten  + learnt   o own questions  R rehearse"
        yield Static(Content(keys_here), classes="hint")

    def on_mount(self) -> None:
        """Ask at once where it costs nothing."""
        self.query_one(".box", Vertical).border_title = Content(f"Side effects of round {self._round.number}")
        self.query_one("#effects").focus()
        self._look(is_free(self._round.run.provider))

    def action_ask(self) -> None:
        """Ask what is not answered yet, also where it costs money."""
        self._look(True)

    @work(exclusive=True, group="effects", exit_on_error=False)
    async def _look(self, allowed: bool) -> None:
        run, ledger = self._round.run, shell_of(self).job_watch.ledger
        try:
            check = await make_check(run, str(self._round.model), ledger, self.session.workspace)
            stored_effects = check.known(ledger)
            if stored_effects is None and not allowed:
                count = 2 * len(check.questions)
                self._say(
                    f"{count_of(count, 'question')} would be asked at {run.provider}, which may cost money: "
                    "a asks them."
                )
                return
            self._show(stored_effects or await ask(check, run.provider, ledger, self._progress))
        except CuratorError as error:
            self._say(f"Not checked: {error.message}")

    def _progress(self, model: str, done: int, total: int) -> None:
        self.query_one("#effects", LineList).say(f"{one_line(model, 50)}: {done} of {count_of(total, 'answer')}")

    def _say(self, words: str) -> None:
        self.query_one("#says", Static).update(Content(printable(words)))

    def _show(self, side_effects: SideEffects) -> None:
        self._say("\n".join(side_effects.sentences()))
        weight = {"own": 4, "forgotten": 2, "leaks": 1}
        self._effects = sorted(side_effects.effects, key=lambda effect: -_weight(effect, weight))
        self.query_one("#effects", LineList).show(len(self._effects), self._line, cursor=0)
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        effect = self._effects[index]
        mark = ("−", "error") if effect.forgotten else ("+", "ok") if effect.learnt else (" ", "")
        room = max(12, (width - 6) // 3)
        return [
            (mark[0], mark[1]),
            ("! " if effect.leaks else "  ", "warning"),
            (one_line(effect.question.text, room).ljust(room) + " ", "accent" if effect.question.own else ""),
            (one_line(effect.before, room).ljust(room) + " ", "dim"),
            (one_line(effect.after, room), "warning" if effect.leaks else ""),
        ]

    @on(LineList.Highlighted, "#effects")
    def _describe(self) -> None:
        index = self.query_one("#effects", LineList).cursor
        if index >= len(self._effects):
            return
        effect = self._effects[index]
        rows = [("asked", effect.question.text, "$role-user"), ("base", effect.before, "$quiet")]
        rows.append(("tuned", effect.after, "$role-assistant"))
        parts = [Content.assemble((f"{name:<7}", colour), one_line(text, _LONGEST)) for name, text, colour in rows]
        self.query_one("#row-detail", Static).update(Content("\n").join(parts))

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_own_file(self) -> None:
        """Ask for the user's own file of what must still work, and check again with it."""
        workspace = self.session.workspace
        path = await self.app.push_screen_wait(MustWorkDialog(str(workspace.meta(MUST_WORK) or "")))
        if path is not None:
            workspace.set_meta(MUST_WORK, path)
            self._look(is_free(self._round.run.provider))

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_rehearse(self) -> None:
        """Add the base's own answers to other general questions to the data, after asking."""
        run, ledger = self._round.run, shell_of(self).job_watch.ledger
        cost = "" if is_free(run.provider) else f" They are asked at {run.provider}, which may cost money."
        words = (
            "40 general questions of the same kinds are asked of the base model, and its own answers become "
            f"examples with the label {LABEL}: the next training rehearses them beside the task. This check asks "
            f"none of them. An answer contract then holds where there is a system prompt: these have none.{cost}"
        )
        if not await self.app.push_screen_wait(Confirm("Rehearse", words, "Add")):
            return
        try:
            raws = await rehearse(run.model, run.provider, ledger, self._progress)
        except CuratorError as error:
            self.session.say(error)
            return
        workspace = self.session.workspace
        there = {record.raw for record in workspace.records(sorted(workspace.ids_with_label(LABEL)))}
        fresh = [raw for raw in raws if raw not in there]
        if not fresh:
            self.session.toast("These are in the data already" if raws else "The base model finished no answer")
            return
        own = workspace.ids()[:_LOOKED_AT]
        change = self.session.add_many(fresh, f"Added {count_of(len(fresh))} to rehearse what the base knows")
        if change is None:
            return
        self.session.label(change.ids, LABEL, True)
        try:
            is_spared = spare_rehearsal(workspace, own)
        except CuratorError as error:
            self.session.say(error)
            return
        self.session.publish(None)
        if not is_spared:
            words = (
                "The answer contract marks them as outside, since the task's examples have no system prompt either"
            )
            self.session.toast(f"{words}; they are trained all the same.")

    def action_accept(self) -> None:
        """Enter closes the dialog: there is nothing to do."""
        self.dismiss(None)


class MustWorkDialog(Dialog[str]):
    """Asks for the path of the user's own questions; dismisses with it, empty for none."""

    HEADING = "What must still work"
    ACCEPT = "Ask these too"
    HELP = (
        "A dataset file in any format: its questions are asked of both models. An answer is right that holds the "
        "expected one; an expected answer between two slashes is a pattern."
    )

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def compose_body(self) -> ComposeResult:
        """The path."""
        field = LineInput(self._path, suggester=Paths(), compact=True, id="path")
        yield Horizontal(Static(Content("File"), classes="name"), field, classes="field -tight")
        yield Static(Content("Questions with answers, one a line. Empty: none of your own."), classes="hint")

    def on_mount(self) -> None:
        """Begin in the path."""
        self.query_one("#path").focus()

    def action_accept(self) -> None:
        """Dismiss with a path that is there, or with none."""
        field = self.query_one("#path", LineInput)
        if not field.value.strip():
            self.dismiss("")
        elif (path := path_of(field)) and Path(path).is_file():
            self.dismiss(str(Path(path).resolve()))
        else:
            self.session.toast(f"There is no file {one_line(field.value, 60)}")


def _weight(effect: Effect, weight: dict[str, int]) -> int:
    """How far up a question is listed: what was lost of one's own first, then what was forgotten, then leaks."""
    lost = effect.forgotten * weight["forgotten"] + effect.leaks * weight["leaks"]
    return lost + (weight["own"] if effect.question.own and effect.forgotten else 0)
