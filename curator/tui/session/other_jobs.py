"""Jobs that are not of this workspace: those of other workspaces, and those that providers list. No widgets."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.providers import Provider


class OtherJobs:
    """Listed when asked for, kept until asked again. Call `close` at the end."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._places: list[Ledger] | None = None
        self._owner: dict[str, Ledger] = {}
        self.runs: list[Run] = []
        """Newest first; those that no ledger knows yet are not stored."""
        self._listed: dict[str, list[Run]] = {}
        """By provider: its jobs that no ledger knows."""
        self.waiting: set[str] = set()
        """Providers that were asked and have not answered yet."""
        self.troubles: dict[str, str] = {}
        """By provider: why it did not list its jobs, in words."""

    def close(self) -> None:
        """Close the ledgers."""
        self._open.close()

    def owner(self, run: Run) -> Ledger | None:
        """The ledger that keeps a run; None for one that is not stored."""
        return self._owner.get(run.run)

    def places(self, own: Ledger) -> list[Ledger]:
        """The ledgers beside `own`: the user's first, then those of other workspaces."""
        if self._places is None:
            from curator.jobs.ledger import find_runs as runs

            every = self._open.enter_context(runs.open_all())
            self._places = [place for place in every if place.path.resolve() != own.path.resolve()]
        return self._places

    def take_in(self, run: Run, own: Ledger) -> Run:
        """Store a job that was started elsewhere in the user's ledger, so that it can be followed."""
        from curator.jobs.http import provider_records as records

        place = self.places(own)[0]
        taken = place.adopt(run.provider, run.origin, records.job(run.job))
        self._owner[taken.run] = place
        self.runs = [taken if known.run == run.run else known for known in self.runs]
        return taken

    async def look(self, own: Ledger, news: Callable[[], None]) -> None:
        """Ask every provider at once, and read the other ledgers; `news` after each answer."""
        beyond = await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.other_jobs")
        providers = await asyncio.to_thread(beyond.reachable_providers)
        self.waiting = {provider.name for provider in providers}
        self._listed = {name: runs for name, runs in self._listed.items() if name in self.waiting}
        self.troubles = {name: words for name, words in self.troubles.items() if name in self.waiting}
        self._gather(own)

        async def ask(provider: Provider) -> None:
            try:
                jobs = await beyond.jobs_of(provider)
            except CuratorError as error:
                self.troubles[provider.name] = error.message
            else:
                self.troubles.pop(provider.name, None)
                known = beyond.as_runs(provider, jobs, self.places(own))
                self._listed[provider.name] = [run for run, stored in known if not stored]
            finally:
                self.waiting.discard(provider.name)
            self._gather(own)
            news()

        await asyncio.gather(*map(ask, providers))

    def _gather(self, own: Ledger) -> None:
        """Put together what the ledgers know and what was listed; what is followed keeps the name it was given."""
        stored = {run.run: (run, place) for place in self.places(own) for run in place.runs()}
        known = {(run.origin, run.job_id) for run in own.runs()}
        known |= {(run.origin, run.job_id) for run, _ in stored.values()}
        listed = [run for runs in self._listed.values() for run in runs if (run.origin, run.job_id) not in known]
        self._owner = {name: place for name, (_, place) in stored.items()}
        self.runs = sorted([*(run for run, _ in stored.values()), *listed], key=lambda run: -run.created_at)

    def renew(self) -> None:
        """Read the stored ones again: news may have come."""
        self.runs = [place.get(run.run) if (place := self.owner(run)) else run for run in self.runs]
