"""The check of side effects in the UI: after each training on this machine, and whenever it is asked for."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.worker import get_current_worker

from curator.core.text import printable
from curator.errors import CuratorError
from curator.tui.session.telling.background_tasks import BackgroundTasks

if TYPE_CHECKING:
    from textual.app import App

    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.side_effects.checking import SideEffects
    from curator.jobs.side_effects.of_a_run import RunCheck
    from curator.workspace.workspace import Workspace

MUST_WORK = "ui.must_work"
"""The workspace's value: the path of the user's own file of what must still work."""
Report = Callable[[str, int, int], None]


def no_report(model: str, done: int, total: int) -> None:
    """Tell nobody."""


async def make_check(run: Run, model: str, ledger: Ledger, workspace: Workspace) -> RunCheck:
    """The check of a run, with the questions of the user's own file. Raises InputError for a file without any."""
    from curator.core.answers.contract import Contract  # heavy

    of_a_run = await asyncio.to_thread(importlib.import_module, "curator.jobs.side_effects.of_a_run")
    stored, own = workspace.meta("contract"), workspace.meta(MUST_WORK)
    contract = Contract.from_json(stored) if isinstance(stored, dict) else None
    path = Path(own) if isinstance(own, str) and own else None
    check: RunCheck = await asyncio.to_thread(of_a_run.make_check, run, model, ledger, contract, path)
    return check


async def ask(check: RunCheck, provider: str, ledger: Ledger, report: Report = no_report) -> SideEffects:
    """The side effects of a training; asks the provider only what is not answered yet. Raises CuratorError."""
    stored_effects = await asyncio.to_thread(check.known, ledger)
    if stored_effects is not None:
        return stored_effects
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect

    async with await connect(providers.get(provider)) as client:
        return await check.ask(client, ledger, report)


async def rehearse(base: str, provider: str, ledger: Ledger, report: Report = no_report) -> list[bytes]:
    """Examples of the base's own answers to general questions that no check asks. Raises CuratorError."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.side_effects import of_a_run

    stored_examples = of_a_run.known_rehearsal(base, ledger)
    if stored_examples is not None:
        return stored_examples
    async with await connect(providers.get(provider)) as client:
        return await of_a_run.rehearsal(base, client, ledger, report)


def spare_rehearsal(workspace: Workspace, examples: Sequence[int]) -> bool:
    """Let the answer contract hold only where there is a system prompt, as rehearsal has none.

    `examples` are some of the task's own. False where most of them have no system prompt either.
    """
    from curator.core.answers.contract import Contract  # heavy
    from curator.core.duplicates.meaning.spoken import system_text

    stored = workspace.meta("contract")
    if not isinstance(stored, dict) or Contract.from_json(stored) == Contract():
        return True
    with_system = sum(bool(system_text(record.example.value)) for record in workspace.records(examples))
    if 2 * with_system <= len(examples):
        return False
    workspace.set_meta("contract", stored | {"only_with_system": True})
    return True


def is_free(provider: str) -> bool:
    """Whether a provider is this machine's own server, so that asking costs nothing."""
    from curator.jobs import providers  # heavy

    entry = providers.load().get(provider)
    return entry is not None and entry.kind == "local"


class SideEffectsWatch:
    """Checks each training on this machine when it has succeeded, and tells what it did beside its task."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app, self._workspace = app, workspace
        self.tasks = BackgroundTasks()
        """Where the check is listed while it goes on."""

    def note_end(self, run: Run, ledger: Ledger) -> None:
        """Check a run whose job has ended, unless it was elsewhere or the user's settings say no."""
        from curator import settings  # heavy: pydantic

        try:
            is_to_check = settings.load().side_effects and run.fine_tuned_model and is_free(run.provider)
        except CuratorError:
            return  # a faulty config.toml has been reported where it was read first
        if is_to_check:
            self._app.run_worker(self._check(run, ledger), group="side effects", exit_on_error=False)

    async def _check(self, run: Run, ledger: Ledger) -> None:
        task = self.tasks.begin("looking for side effects", get_current_worker().cancel)
        try:
            check = await make_check(run, str(run.fine_tuned_model), ledger, self._workspace)
            effects = await ask(
                check, run.provider, ledger, lambda _, done, total: task.report(done / max(1, total))
            )
        except CuratorError:
            return  # nobody asked for it now; History says why when somebody does
        finally:
            task.end()
        if not self._app.is_running:
            return
        words = f"{' '.join(effects.sentences()[:2])} x in History shows more."
        self._app.notify(printable(words), title="Side effects", markup=False, timeout=12)
