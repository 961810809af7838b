"""Jobs that are not of this workspace: those of other workspaces, and those that providers list. No widgets."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.jobs.ledger import Ledger, Run


class Elsewhere:
    """Listed when asked for, kept until asked again. Call `close` at the end."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._places: list[Ledger] | None = None
        self._owner: dict[str, Ledger] = {}
        self.runs: list[Run] = []
        """Newest first; those that no ledger knows yet are not stored."""
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
            from curator.jobs import runs

            every = self._open.enter_context(runs.everywhere())
            self._places = [place for place in every if place.path.resolve() != own.path.resolve()]
        return self._places

    def take_in(self, run: Run, own: Ledger) -> Run:
        """Store a job that was started elsewhere in the user's ledger, so that it can be followed."""
        from curator.jobs import records

        place = self.places(own)[0]
        taken = place.adopt(run.provider, run.origin, records.job(run.job))
        self._owner[taken.run] = place
        self.runs = [taken if known.run == run.run else known for known in self.runs]
        return taken

    async def look(self, own: Ledger) -> None:
        """Ask every provider at once, and read the other ledgers. Faults go to `troubles`."""
        beyond = await asyncio.to_thread(importlib.import_module, "curator.jobs.elsewhere")
        places = self.places(own)
        troubles: dict[str, str] = {}
        providers = beyond.asked()
        answers = await asyncio.gather(*map(beyond.jobs_of, providers), return_exceptions=True)
        found: dict[str, tuple[Run, Ledger | None]] = {}
        for place in places:
            found |= {run.run: (run, place) for run in place.runs()}
        mine = {(run.origin, run.job_id) for run in own.runs()}
        for provider, jobs in zip(providers, answers, strict=True):
            if isinstance(jobs, BaseException):
                if not isinstance(jobs, CuratorError):
                    raise jobs
                troubles[provider.name] = jobs.message
                continue
            for run, stored in beyond.known(provider, jobs, places):
                if not stored and (run.origin, run.job_id) not in mine:
                    found[run.run] = (run, None)
        self._owner = {name: place for name, (_, place) in found.items() if place is not None}
        self.runs = sorted((run for run, _ in found.values()), key=lambda run: -run.created_at)
        self.troubles = troubles

    def renew(self) -> None:
        """Read the stored ones again: news may have come."""
        self.runs = [place.get(run.run) if (place := self.owner(run)) else run for run in self.runs]
