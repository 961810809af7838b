"""Watches the jobs of this workspace while the UI is open: polls, stores, and tells the screens.

The openai client is imported only once there is a run to ask about.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from textual.signal import Signal

from curator.core.text import printable
from curator.errors import CuratorError, ProviderError

if TYPE_CHECKING:
    from textual.app import App

    from curator.jobs.client import Client
    from curator.jobs.ledger import Ledger, Run
    from curator.workspace.workspace import Workspace

Severity = Literal["information", "warning", "error"]


class Watch:
    """The ledger of a workspace, and the news about its runs."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace
        self._ledger: Ledger | None = None
        self._clients: dict[str, Client] = {}
        self._due: dict[str, float] = {}
        self._running = False
        self.changed: Signal[str] = Signal(app, "run changed")
        """Published with a run's id when there is news of it."""
        self.trouble: dict[str, str] = {}
        """By provider: why there was no answer last time, in words."""

    @property
    def ledger(self) -> Ledger:
        """The workspace's runs; opened when first wanted."""
        if self._ledger is None:
            from curator.jobs.ledger import Ledger

            self._ledger = Ledger.for_path(self._workspace.path)
        return self._ledger

    def runs(self) -> list[Run]:
        """All runs of the workspace, newest first."""
        return self.ledger.runs()

    def start(self) -> None:
        """Begin watching, or go on, if there is anything to watch."""
        if not self._running and (self._workspace.path / "runs.db").exists() and self.ledger.unsettled():
            self._running = True
            self._app.run_worker(self._loop(), group="watch", exclusive=True, exit_on_error=False)

    def stop(self) -> None:
        """Close the ledger; jobs go on by themselves."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    async def _loop(self) -> None:
        try:
            while open_runs := [
                run for run in self.ledger.unsettled() if run.status not in ("refused", "abandoned")
            ]:
                for run in open_runs:
                    if self._due.get(run.run, 0.0) <= time.monotonic():
                        await self._look(run)
                await asyncio.sleep(0.25)
        finally:
            self._running = False
            clients, self._clients = self._clients, {}
            for client in clients.values():
                await client.close()

    async def _look(self, run: Run) -> None:
        from curator.jobs import monitor

        pause = 5.0
        try:
            poll = await monitor.poll_once(run, self.ledger, await self._client(run.provider))
            self.trouble.pop(run.provider, None)
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
            await self._drop(run.provider)
        except CuratorError as error:
            self.trouble[run.provider] = error.message
        self._due[run.run] = time.monotonic() + pause

    async def _client(self, name: str) -> Client:
        if name not in self._clients:
            from curator.jobs import providers
            from curator.jobs.client import connect

            self._clients[name] = await connect(providers.get(name))
        return self._clients[name]

    async def _drop(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None:
            await client.close()

    def _tell(self, run: Run) -> None:
        self._app.bell()
        words = {
            "succeeded": f"The training has succeeded: {run.fine_tuned_model}. alt+5 compares it with its base.",
            "failed": f"The training has failed: {(run.error or {}).get('message') or 'no reason was given'}",
            "cancelled": "The training was cancelled.",
        }
        severity: Severity = "error" if run.status == "failed" else "information"
        text = words.get(run.status, f"The job is {run.status}.")
        self._app.notify(printable(text), title="Train", severity=severity, markup=False, timeout=10)
