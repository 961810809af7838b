"""Watches the jobs of this workspace while the UI is open: polls, stores, and tells the screens.

The openai client is imported only once there is a run to ask about.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING, Any, Literal

from textual.signal import Signal

from curator import alert, log
from curator.core.text import printable
from curator.errors import CuratorError, ProviderError
from curator.tui.session.other_jobs import OtherJobs

if TYPE_CHECKING:
    from textual.app import App

    from curator.jobs.http.client import Client
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.workspace.workspace import Workspace

REFUSED = 120.0
"""Seconds after which what was refused for good is asked once more: somebody may have mended it elsewhere."""
Severity = Literal["information", "warning", "error"]


class JobWatch:
    """The ledger of a workspace, and the news about its runs."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace
        self._ledger: Ledger | None = None
        self._clients: dict[str, Client] = {}
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        """By provider: the looks that are under way."""
        self._guest: str | None = None
        self._running = False
        self.changed: Signal[str] = Signal(app, "run changed")
        """Published with a run's id when there is news of it."""
        self.trouble: dict[str, str] = {}
        """By provider: why there was no answer last time, in words."""
        self.fault = ""
        """Why the runs cannot be read, in words; empty where they can."""
        self.other_jobs = OtherJobs()

    @property
    def ledger(self) -> Ledger:
        """The workspace's runs; opened when first wanted."""
        if self._ledger is None:
            from curator.jobs.ledger.ledger import Ledger

            self._ledger = Ledger.for_path(self._workspace.path)
        return self._ledger

    def runs(self) -> list[Run]:
        """All runs of the workspace, newest first; none where they cannot be read, see `fault`."""
        try:
            found = self.ledger.runs()
        except CuratorError as error:
            self.fault = error.message
            return []
        self.fault = ""
        return found

    def ledger_of(self, run: Run) -> Ledger:
        """The ledger that keeps a run; the workspace's own where nothing else is known."""
        return self.other_jobs.owner(run) or self.ledger

    def start(self) -> None:
        """Begin watching, or go on, if there is anything to watch."""
        if self._running:
            return
        if self._guest or ((self._workspace.path / "runs.db").exists() and self._open_runs()):
            self._running = True
            self._app.run_worker(self._loop(), group="watch", exclusive=True, exit_on_error=False)

    def visit(self, run: Run | None) -> Run | None:
        """Follow a job that is not of this workspace as long as it is looked at; one at a time.

        Returns the run as it is stored; None ends it.
        """
        if run is not None:
            run = next((other for other in self.other_jobs.runs if other.run == run.run), None)
        if run is not None and self.other_jobs.owner(run) is None:
            run = self.other_jobs.take_in(run, self.ledger)
        self._guest = run.run if run is not None else None
        self.start()
        return run

    def again(self) -> None:
        """Ask at once, whatever was refused: a key or an address has changed."""
        self._due.clear()
        self._failures.clear()
        self.start()

    def costly(self) -> list[str]:
        """A sentence for each deployment of this machine that costs by the hour."""
        from curator import paths

        if not ((self._workspace.path / "runs.db").exists() or (paths.data_dir() / "runs.db").exists()):
            return []
        try:
            places = [self.ledger, *self.other_jobs.places(self.ledger)]
            costly = [item for place in places for item in place.deployments()]
        except CuratorError:
            return []  # told on the Train stage
        if not costly:
            return []
        from curator.jobs.runs import azure_deployments as azure

        return [said for item in costly if (said := azure.reminder(item))]

    def stop(self) -> None:
        """Close the ledgers; jobs go on by themselves."""
        self.other_jobs.close()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    async def _loop(self) -> None:
        try:
            await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.monitor")
            await asyncio.to_thread(importlib.import_module, "openai")
            while open_runs := self._open_runs():
                self._ask(open_runs)
                await asyncio.sleep(0.25)
        finally:
            self._running = False
            await self._hang_up()

    def _ask(self, open_runs: list[Run]) -> None:
        """Look at what is due, each provider by itself: one that hangs holds up nobody else's news."""
        due = [run for run in open_runs if self._due.get(run.run, 0.0) <= time.monotonic()]
        for name in {run.provider for run in due}:
            if name not in self._asking or self._asking[name].done():
                mine = [run for run in due if run.provider == name]
                self._asking[name] = asyncio.create_task(self._look_at(mine))

    async def _look_at(self, runs: list[Run]) -> None:
        for run in runs:
            try:
                await self._look(run)
            except Exception as error:  # the top of a task: what nobody foresaw is told, and the others go on
                words = f"{type(error).__name__} while asking after {run.run}; details are in {log.log_failure()}."
                self.trouble[run.provider] = words
                self._due[run.run] = time.monotonic() + REFUSED
                self.changed.publish(run.run)

    async def _hang_up(self) -> None:
        asking, self._asking = self._asking, {}
        for task in asking.values():
            task.cancel()
        await asyncio.gather(*asking.values(), return_exceptions=True)
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def _open_runs(self) -> list[Run]:
        found = [run for run in self.runs() if not run.settled]
        guests = [run for run in self.other_jobs.runs if run.run == self._guest and not run.settled]
        return [*found, *guests]

    async def _look(self, run: Run) -> None:
        from curator.jobs.runs import monitor

        pause = 5.0
        try:
            poll = await monitor.poll_once(run, self.ledger_of(run), await self._client(run.provider))
            self._failures.pop(run.provider, None)
            if self.trouble.pop(run.provider, None):
                self.changed.publish(run.run)
            if run.run == self._guest:
                self.other_jobs.renew()
            pause = monitor.interval(poll.run, self._clients[run.provider].provider.kind)
            if poll.events or poll.run != run:
                self.changed.publish(run.run)
            if poll.run.closed and not run.closed:
                self._tell(poll.run)
            if poll.run.job_id is None:
                pause = 15.0
        except ProviderError as error:
            if self.trouble.get(run.provider) != error.message:
                self.trouble[run.provider] = error.message
                self.changed.publish(run.run)
            failures = self._failures.get(run.provider, 0)
            pause = monitor.pause_after(error, failures) or REFUSED
            self._failures[run.provider] = failures + 1
            await self._drop(run.provider)
        except CuratorError as error:
            self.trouble[run.provider], pause = error.message, 15.0
            self.changed.publish(run.run)
        self._due[run.run] = time.monotonic() + pause

    async def _client(self, name: str) -> Client:
        if name not in self._clients:
            from curator.jobs import providers
            from curator.jobs.connections.connect import connect

            self._clients[name] = await connect(providers.get(name))
        return self._clients[name]

    async def _drop(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None:
            await client.close()

    def _tell(self, run: Run) -> None:
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
        try:
            said = alert.signal("Curator", text)
        except CuratorError:  # a faulty config.toml is told where it is read first
            said = "\a"
        driver = self._app._driver
        if said and driver is not None:
            driver.write(said)
