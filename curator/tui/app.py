"""`CuratorApp`: puts session, stages, keys and themes together, and does what `Shell` declares."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual.app import ScreenStackError
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.notifications import SeverityLevel

from curator import log, settings
from curator.core.text import printable
from curator.errors import UsageError
from curator.tui import keys, stage_list
from curator.tui.looks.stylesheet import CachedStylesheet
from curator.tui.looks.themes import DEFAULT, VARIABLES, complete, load_themes
from curator.tui.screens.data.screen import DataScreen
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.palette import ActionCommands, Palette
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changing import Result
from curator.tui.session.job_watch import JobWatch
from curator.tui.session.last_session import LastSession
from curator.tui.session.proposal_watch import ProposalWatch
from curator.tui.session.session import Session
from curator.tui.session.source_watch import EVERY, SourceWatch
from curator.tui.session.telling.message_log import MessageLog
from curator.tui.session.telling.tour_place import TourPlace
from curator.tui.shell import Shell
from curator.tui.stage_models.loop.tour import STEPS
from curator.tui.terminal import leaving
from curator.tui.terminal.take_over import taking_over
from curator.tui.widgets.message_line import MessageLine

if TYPE_CHECKING:
    from pathlib import Path

    from textual.driver import Driver
    from textual.theme import Theme

    from curator.tui.terminal.early_screen import FirstScreen
    from curator.workspace.workspace import Workspace

WITHOUT_DIALOG = {"stage", "dialog", "undo", "redo", "help", "theme", "settings", "command_palette"}
"""Actions of the app that cannot run while a dialog is open."""


class CuratorApp(Shell):
    """The UI on one workspace."""

    TITLE = "Curator"
    CSS_PATH = "app.tcss"
    COMMANDS = {ActionCommands}
    BINDINGS = keys.bindings("app")
    SCOPE = "app"
    ENABLE_COMMAND_PALETTE = True
    DEFAULT_MODE = "data"

    def __init__(
        self,
        workspace: Workspace,
        memory: LastSession | None = None,
        *,
        analyse: bool = False,
        first: FirstScreen | None = None,
    ) -> None:
        self._complete_themes: dict[str, Theme] = {}
        """The themes that were asked for, by name, with Curator's own colours."""
        self._first_screen = first
        """The screen on the terminal until the app draws; None where it was not written."""
        self.starting = first is not None
        super().__init__()
        self._analyse = analyse
        self.memory = memory or LastSession()
        self.user_keys = {}
        self.message_log = MessageLog()
        self.tour = TourPlace(self, self.memory)
        self.session = Session(self, workspace, self.run_long)
        self.job_watch = JobWatch(self, workspace)
        self.job_watch.side_effects.tasks = self.session.tasks
        self.source_watch = SourceWatch(self.session)
        self.proposal_watch = ProposalWatch(self.session)
        self.crash = ""
        """The error that ended the app, in one line; empty where it ended in order."""
        for entry in stage_list.STAGES.values():
            self.add_mode(entry.name, entry.create)
        self._faults = self._load_themes()  # before the first screen, so that the stylesheet is parsed once
        self.stylesheet = CachedStylesheet(variables=self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        """The driver that takes the terminal over from the first screen, else Textual's own."""
        driver = super().get_driver_class()
        return driver if self._first_screen is None else taking_over(driver, self._first_screen)

    def register_theme(self, theme: Theme) -> None:
        """Add a theme, or replace the one of its name."""
        self._complete_themes.pop(theme.name, None)
        super().register_theme(theme)

    def get_theme(self, theme_name: str) -> Theme | None:
        """The theme of this name with Curator's own colours, which are worked out when it is first asked for."""
        theme = self._complete_themes.get(theme_name)
        if theme is None and (theme := super().get_theme(theme_name)) is not None:
            theme = self._complete_themes[theme_name] = complete(theme)
        return theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Curator's own colours, for themes that leave them out."""
        return dict(VARIABLES)

    async def on_mount(self) -> None:
        """Report faulty themes and keys; after the first refresh begin the background work."""
        for fault in self._faults:
            self.session.toast(fault, title="Theme")
        self._load_keymap()
        if self._analyse:
            self.call_after_refresh(self.session.start)
        self.call_after_refresh(_collect_garbage)
        self.call_after_refresh(self.begin)
        self.call_after_refresh(self.session.warm_if_small)
        self.call_after_refresh(self.job_watch.start)
        self.set_timer(1.0, self._remind)
        self.call_after_refresh(self.source_watch.look)
        self.set_interval(EVERY, self.source_watch.look)
        self.call_after_refresh(self.proposal_watch.look)
        self.set_interval(EVERY, self.proposal_watch.look)
        self.set_interval(0.5, self._watch_terminal)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # the terminal is empty then

    def on_app_focus(self) -> None:
        """Look at the imported files: the user may have changed one in another window."""
        self.source_watch.look()

    def on_unmount(self) -> None:
        """End the background work."""
        self.session.stop()
        self.job_watch.stop()

    def _load_themes(self) -> list[str]:
        """Register the themes and use the user's; returns a sentence for each faulty theme file."""
        themes, faults = load_themes()
        for theme in themes:
            self.register_theme(theme)
        name = self.memory.theme or settings.load().theme or DEFAULT
        self.theme = name if name in self.available_themes else DEFAULT
        return faults

    def _load_keymap(self) -> None:
        keymap, faults = keys.check_keymap(settings.load().keys)
        self.set_keymap({action: keys.with_aliases(names) for action, names in keymap.items()})
        self.user_keys = keymap
        for fault in faults:
            self.session.toast(fault, title="Configuration")

    def _remind(self) -> None:
        """Remind the user of deployments that cost money by the hour."""
        for sentence in self.job_watch.cost_reminders():
            self.notify(printable(sentence), title="Azure", severity="warning", markup=False, timeout=15)

    def _watch_terminal(self) -> None:
        if not self.is_headless and leaving.hung_up():
            leaving.leave(self, leaving.HANGUP)

    # Messages

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in the message line of the screen, and keep it in the log."""
        self.message_log.add(message, title, severity)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self.set_timer(seconds + 0.1, self._refresh_notifications)  # it is over then, and makes way

    def _refresh_notifications(self) -> None:
        """Show messages in the screen's own line: Textual's toasts would lie over buttons and the list."""
        try:
            screens = [*self.screen_stack]
            lines = [screen.get_child_by_type(MessageLine) for screen in screens if screen.query(MessageLine)]
        except (ScreenStackError, NoMatches):
            return  # shown once a screen with such a line is there
        for line in lines:
            self.call_later(line.show, self._notifications if line.screen is self.screen else ())

    # Actions

    async def action_stage(self, name: str) -> None:
        """Go to a stage."""
        await self.go_to_stage(name)

    def action_dialog(self, name: str) -> None:
        """Open a dialog, by its name in `stage_list.DIALOGS`; where config.toml is faulty, show that instead."""
        try:
            settings.load()
        except UsageError as error:
            self.session.say(error)
            return
        self.push_screen(stage_list.DIALOGS[name].create())

    def action_help(self) -> None:
        """Show help on the focused pane."""
        from curator.tui.screens.help import HelpScreen  # heavy

        self.push_screen(HelpScreen(self.screen))

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(id="--command-palette"))

    def action_undo(self) -> None:
        """Undo the last change."""
        self.session.undo()

    def action_redo(self) -> None:
        """Redo the change that was undone last."""
        self.session.redo()

    def action_theme(self) -> None:
        """Open the theme picker."""
        self.action_dialog("theme")

    async def action_tour(self) -> None:
        """Begin the tour, or leave it."""
        await self._go_to_tour_step(0 if self.tour.step is None else None)

    async def action_leave_tour(self) -> None:
        """Leave the tour."""
        if self.tour.step is not None:
            await self._go_to_tour_step(None)

    async def action_tour_step(self, by: int) -> None:
        """Go on to the next step of the tour, or back; behind the last one it ends."""
        if self.tour.step is None:
            self.session.toast("Nobody takes the tour now; the palette begins it: tour")
            return
        step = max(0, self.tour.step + by)
        await self._go_to_tour_step(step if step < len(STEPS) else None)

    async def _go_to_tour_step(self, step: int | None) -> None:
        if step is not None:
            await self.go_to_stage(STEPS[step].stage)
        self.tour.go_to(step)
        if step is None:
            self.session.toast("The tour is over; the palette begins it again: tour")

    def action_settings(self) -> None:
        """Open the settings: model, profile, provider."""
        self.action_dialog("settings")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable most actions while a dialog is open; one with actions of its own has a palette of them."""
        below = [screen for screen in self.screen_stack if not isinstance(screen, CommandPalette)]
        dialog_open = bool(below) and below[-1].is_modal
        if action == "command_palette" and dialog_open:
            return isinstance(below[-1], Dialog) and below[-1].has_own_actions
        if action in WITHOUT_DIALOG:
            return not dialog_open
        return True

    # The shell

    @property
    def selected(self) -> tuple[int, ...]:
        """The examples that are selected in the Data stage."""
        for screen in self._screen_stacks.get("data", ()):
            if isinstance(screen, DataScreen) and screen.is_mounted and screen.examples.selection:
                return screen.targets
        return ()

    def run_long(
        self, heading: str, job: Callable[[], Result], settled: Callable[[Result | Exception], None]
    ) -> None:
        """Run a job in a thread behind a dialog; then `settled` gets its result or its exception."""
        from curator.tui.screens.working import Working  # heavy

        self.push_screen(Working(heading, job), settled)  # type: ignore[arg-type]  # it never dismisses with None

    async def go_to_stage(self, name: str) -> None:
        """Show a stage, unless it is the present one."""
        if self.current_mode != name:
            await self.switch_mode(name)

    async def show_example(self, example: int, *, edit: bool = False) -> None:
        """Show an example in the Data stage, without the query where that hides it; perhaps edit it."""
        await self.go_to_stage("data")
        cast(DataScreen, self.screen).go_to(example, edit=edit)

    async def begin_example(self, raw: bytes, block: int, added: Callable[[int], object]) -> None:
        """Begin a new example at one of its messages in the Data stage; `added` is called once it was added."""
        await self.go_to_stage("data")
        cast(DataScreen, self.screen).begin_example(raw, block, added)

    async def show_query(self, query: str) -> None:
        """List in the Data stage the examples that match a query."""
        await self.go_to_stage("data")
        cast(DataScreen, self.screen).show_query(query)

    async def show_counts(self) -> None:
        """Show the counts of the Data stage."""
        await self.go_to_stage("data")
        screen = cast(DataScreen, self.screen)
        if not screen.sifting:
            screen.action_facets()

    def train_on(self, data: Path, held_out: Path | None) -> None:
        """Open the Train dialog on files of preference examples."""
        from curator.tui.screens.train.dialog import TrainDialog  # heavy

        self.push_screen(TrainDialog(data, held_out))

    async def show_run(self, run: str) -> None:
        """Show a training run in the Train stage."""
        from curator.tui.screens.train.screen import TrainScreen  # heavy

        await self.go_to_stage("train")
        if isinstance(self.screen, TrainScreen):
            self.screen.choose(run)

    # The end

    def keep(self) -> None:
        """Have every stage save its drafts and its place; what works holds the workspace, and is stopped first."""
        for task in self.session.tasks:
            if task.stop is not None:
                task.stop()
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, StageScreen) and screen.is_mounted:
                    screen.keep()

    async def _on_exit_app(self) -> None:
        """Save everything, also where a browser has left, which asks for nothing first."""
        self.keep()
        await super()._on_exit_app()

    async def action_quit(self) -> None:
        """Save everything and leave."""
        self.keep()
        self.exit()

    def action_interrupt(self) -> None:
        """Save everything and leave with the exit status of an interrupted program."""
        self.end(leaving.INTERRUPTED)

    def end(self, status: int) -> None:
        """Save everything and leave with an exit status, after a signal or because the terminal was closed."""
        self.keep()
        self.exit(return_code=status)

    def _fatal_error(self) -> None:
        """Log an unexpected exception and close with one line.

        Textual's own traceback prints local variables, among them API keys.
        """
        error = self._exception
        path = log.log("".join(traceback.format_exception(error))) if error else log.log_path()
        self.crash = f"unexpected {type(error).__name__}; every change is saved; details are in {path}"
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """As `_fatal_error`, for failures of the terminal's input."""
        self.crash = f"the terminal's input failed; every change is saved; details are in {log.log_failure()}"
        self._return_code = 1
        self._close_messages_no_wait()


def _collect_garbage() -> None:
    """Begin garbage collection after the first screen, without the objects made until then: they all stay."""
    gc.freeze()
    gc.enable()
