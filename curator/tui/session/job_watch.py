"""`JobWatch`: polls the training jobs of the workspace while the UI is open, stores their news, tells screens.

The openai client is imported only once there is a job to poll.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING, Any, Literal

from textual.signal import Signal

from curator import alert, log, paths
from curator.core.text import printable
from curator.errors import CuratorError, ProviderError
from curator.tui.session.other_jobs import OtherJobs
from curator.tui.session.side_effects import SideEffectsWatch

if TYPE_CHECKING:
    from textual.app import App

    from curator.jobs.http.client import Client
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.workspace.workspace import Workspace

REFUSED = 120.0
"""Seconds until a provider that refused for good is asked again: its key may have been replaced meanwhile."""
Severity = Literal["information", "warning", "error"]


class JobWatch:
    """Reads the runs of a workspace from its ledger and follows those whose job has not ended."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace
        self._ledger: Ledger | None = None
        self._clients: dict[str, Client] = {}
        self._due: dict[str, float] = {}
        """By run: the monotonic time of its next poll."""
        self._failures: dict[str, int] = {}
        """By provider: failed polls since the last one that succeeded."""
        self._polling: dict[str, asyncio.Task[None]] = {}
        """By provider: the task that polls its jobs at present."""
        self._guest: str | None = None
        """Id of a run of another ledger that is followed while it is on the screen."""
        self._running = False
        self.changed: Signal[str] = Signal(app, "run changed")
        """Published with a run's id when its stored state changed."""
        self.trouble: dict[str, str] = {}
        """By provider: why its last poll failed, in words."""
        self.fault = ""
        """Why the runs cannot be read, in words; empty where they can."""
        self.other_jobs = OtherJobs()
        self.side_effects = SideEffectsWatch(app, workspace)

    @property
    def ledger(self) -> Ledger:
        """The workspace's ledger; opened at the first access."""
        if self._ledger is None:
            from curator.jobs.ledger.ledger import Ledger  # heavy

            self._ledger = Ledger.for_path(self._workspace.path)
        return self._ledger

    def runs(self) -> list[Run]:
        """All runs of the workspace, newest first; empty where they cannot be read: `fault` says why."""
        try:
            runs = self.ledger.runs()
        except CuratorError as error:
            self.fault = error.message
            return []
        self.fault = ""
        return runs

    def runs_of_files(self) -> list[Run]:
        """Runs of `curator train FILE` for this workspace's files, newest first; follows the open ones."""
        files = {source.origin for source in self._workspace.stored.sources if source.origin}
        try:
            self.other_jobs.look_for_runs_of(files)
        except CuratorError:
            return []  # the user's ledger, which J and `curator jobs` read too
        if any(not run.settled for run in self.other_jobs.of_files):
            self.start()
        return self.other_jobs.of_files

    def is_evaluated(self, run: str) -> bool:
        """Whether the model of a run was asked and its answers scored; False where that cannot be read."""
        try:
            return self.ledger.is_evaluated(run)
        except CuratorError:
            return False

    def running(self) -> Run | None:
        """The newest run whose job is not over; None where there is none, or the runs cannot be read."""
        return next(iter(self.all_running()), None)

    def all_running(self) -> list[Run]:
        """The runs whose jobs are not over, newest first; none where the runs cannot be read."""
        own = self.runs() if (self._workspace.path / "runs.db").exists() else []
        every = sorted([*own, *self.other_jobs.of_files], key=lambda run: -run.created_at)
        return [run for run in every if run.job_id and not run.closed]

    def ledger_of(self, run: Run) -> Ledger:
        """The ledger that holds a run; the workspace's own unless another one is known to hold it."""
        return self.other_jobs.owner(run) or self.ledger

    def start(self) -> None:
        """Start the polling loop, unless it runs already or no job is open."""
        if self._running:
            return
        if (
            self._guest
            or self.other_jobs.of_files
            or ((self._workspace.path / "runs.db").exists() and self._open_runs())
        ):
            self._running = True
            self._app.run_worker(self._loop(), group="watch", exclusive=True, exit_on_error=False)

    def follow_guest(self, run: Run | None) -> Run | None:
        """Follow a job of another workspace or provider while it is on the screen; one at a time.

        Stores the job in the user's ledger if no ledger holds it, and returns the stored run. With None it stops
        following.
        """
        if run is not None:
            run = next((other for other in self.other_jobs.runs if other.run == run.run), None)
        if run is not None and self.other_jobs.owner(run) is None:
            run = self.other_jobs.take_in(run, self.ledger)
        self._guest = run.run if run is not None else None
        self.start()
        return run

    async def steer(self, run: Run, action: str) -> None:
        """Have the provider `cancel`, `pause` or `resume` a run's job. Raises CuratorError."""
        from curator.jobs import providers  # heavy
        from curator.jobs.connections.connect import connect
        from curator.jobs.runs import monitor

        async with await connect(providers.get(run.provider)) as client:
            await monitor.act(run, action, self.ledger_of(run), client)

    def poll_at_once(self) -> None:
        """Poll all jobs at once, also those that a provider refused: a key or an address has changed."""
        self._due.clear()
        self._failures.clear()
        self.start()

    def cost_reminders(self) -> list[str]:
        """A sentence for each deployment, made on this machine, that costs money by the hour."""
        if not ((self._workspace.path / "runs.db").exists() or (paths.data_dir() / "runs.db").exists()):
            return []
        try:
            ledgers = [self.ledger, *self.other_jobs.ledgers(self.ledger)]
            deployments = [deployment for ledger in ledgers for deployment in ledger.deployments()]
        except CuratorError:
            return []  # the Train stage shows it
        if not deployments:
            return []
        from curator.jobs.runs import azure_deployments  # heavy

        return list(filter(None, map(azure_deployments.reminder, deployments)))

    def stop(self) -> None:
        """Close the ledgers. The jobs themselves go on at their providers."""
        self.other_jobs.close()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    async def _loop(self) -> None:
        try:
            await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.monitor")
            await asyncio.to_thread(importlib.import_module, "openai")
            while open_runs := self._open_runs():
                self._poll_due(open_runs)
                await asyncio.sleep(0.25)
        finally:
            self._running = False
            await self._close_clients()

    def _poll_due(self, open_runs: list[Run]) -> None:
        """Poll the runs that are due, each provider in a task of its own: one that hangs does not delay others."""
        due = [run for run in open_runs if self._due.get(run.run, 0.0) <= time.monotonic()]
        for name in {run.provider for run in due}:
            if name not in self._polling or self._polling[name].done():
                mine = [run for run in due if run.provider == name]
                self._polling[name] = asyncio.create_task(self._poll_all(mine))

    async def _poll_all(self, runs: list[Run]) -> None:
        for run in runs:
            try:
                await self._poll(run)
            except Exception as error:  # the top of a task: show an unforeseen error and poll the other runs
                words = f"{type(error).__name__} while asking after {run.run}; details are in {log.log_failure()}."
                self.trouble[run.provider] = words
                self._due[run.run] = time.monotonic() + REFUSED
                self.changed.publish(run.run)

    async def _close_clients(self) -> None:
        polling, self._polling = self._polling, {}
        for task in polling.values():
            task.cancel()
        await asyncio.gather(*polling.values(), return_exceptions=True)
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def _open_runs(self) -> list[Run]:
        own = [run for run in self.runs() if not run.settled]
        guests = [run for run in self.other_jobs.runs if run.run == self._guest and not run.settled]
        return [*own, *(run for run in self.other_jobs.of_files if not run.settled), *guests]

    async def _poll(self, run: Run) -> None:
        from curator.jobs.runs import monitor  # heavy

        pause = 5.0
        try:
            poll = await monitor.poll_once(run, self.ledger_of(run), await self._client(run.provider))
            self._failures.pop(run.provider, None)
            if self.trouble.pop(run.provider, None):
                self.changed.publish(run.run)
            if self.other_jobs.owner(run) is not None:
                self.other_jobs.reload()
            pause = monitor.interval(poll.run, self._clients[run.provider].provider.kind)
            if poll.events or poll.run != run:
                self.changed.publish(run.run)
            if poll.run.closed and not run.closed:
                self._notify(poll.run)
                self.side_effects.note_end(poll.run, self.ledger_of(run))
            if poll.run.job_id is None:
                pause = 15.0
        except ProviderError as error:
            if self.trouble.get(run.provider) != error.message:
                self.trouble[run.provider] = error.message
                self.changed.publish(run.run)
            failures = self._failures.get(run.provider, 0)
            pause = monitor.pause_after(error, failures) or REFUSED
            self._failures[run.provider] = failures + 1
            await self._close_client(run.provider)
        except CuratorError as error:
            self.trouble[run.provider], pause = error.message, 15.0
            self.changed.publish(run.run)
        self._due[run.run] = time.monotonic() + pause

    async def _client(self, name: str) -> Client:
        if name not in self._clients:
            from curator.jobs import providers  # heavy
            from curator.jobs.connections.connect import connect

            self._clients[name] = await connect(providers.get(name))
        return self._clients[name]

    async def _close_client(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None:
            await client.close()

    def _notify(self, run: Run) -> None:
        words = {
            "succeeded": f"The training has succeeded: {run.fine_tuned_model}. alt+5 compares it with its base.",
            "failed": f"The training has failed: {(run.error or {}).get('message') or 'no reason was given'}",
            "cancelled": "The training was cancelled.",
        }
        severity: Severity = "error" if run.status == "failed" else "information"
        text = words.get(run.status, f"The job is {run.status}.")
        self._signal(text)
        self._app.notify(printable(text), title="Train", severity=severity, markup=False, timeout=10)

    def _signal(self, text: str) -> None:
        """Ring the terminal's bell or send a desktop notification, as config.toml says."""
        try:
            sequence = alert.signal("Curator", text)
        except CuratorError:  # a faulty config.toml has been reported where it was read first
            sequence = "\a"
        driver = self._app._driver
        if sequence and driver is not None:
            driver.write(sequence)
