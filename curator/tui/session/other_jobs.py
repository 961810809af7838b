"""`OtherJobs`: training jobs of other workspaces, and jobs that providers list but no ledger holds."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING

from curator import paths
from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.providers import Provider


class OtherJobs:
    """`look` lists them; `runs` keeps the result until the next `look`. Call `close` at the end."""

    def __init__(self) -> None:
        self._open = ExitStack()
        """Closes the ledgers."""
        self._ledgers: list[Ledger] | None = None
        self._owner: dict[str, Ledger] = {}
        """By run: the ledger that holds it."""
        self._of_user: Ledger | None = None
        """The user's own ledger, once it was looked at for runs of files."""
        self.of_files: list[Run] = []
        """Runs of `curator train FILE` for this workspace's files, newest first; the user's ledger has them."""
        self.runs: list[Run] = []
        """Newest first. Runs without an `owner` are made from a provider's list and not stored anywhere."""
        self._listed: dict[str, list[Run]] = {}
        """By provider: its jobs that no ledger holds, as runs."""
        self.waiting: set[str] = set()
        """Names of providers that have not answered yet."""
        self.troubles: dict[str, str] = {}
        """By provider: why its jobs could not be listed, in words."""

    def close(self) -> None:
        """Close the ledgers."""
        self._open.close()

    def owner(self, run: Run) -> Ledger | None:
        """The ledger that holds a run; None for a run that is not stored."""
        is_of_file = any(other.run == run.run for other in self.of_files)
        return self._of_user if is_of_file else self._owner.get(run.run)

    def look_for_runs_of(self, files: Collection[str]) -> None:
        """Read the user's ledger, if there is one, for runs of files, given by their resolved paths."""
        if self._of_user is None:
            if not (paths.data_dir() / "runs.db").exists():
                return
            from curator.jobs.ledger.ledger import Ledger  # heavy

            self._of_user = self._open.enter_context(Ledger.for_path(None))
        self.of_files = [run for run in self._of_user.runs() if run.source in files]

    def ledgers(self, own: Ledger) -> list[Ledger]:
        """The ledgers beside `own`: the user's first, then those of other workspaces."""
        if self._ledgers is None:
            from curator.jobs.ledger import find_runs  # heavy

            every = self._open.enter_context(find_runs.open_all())
            self._ledgers = [ledger for ledger in every if ledger.path.resolve() != own.path.resolve()]
        return self._ledgers

    def take_in(self, run: Run, own: Ledger) -> Run:
        """Store a run that no ledger holds in the user's ledger, to follow it; returns the stored run."""
        from curator.jobs.http import provider_records as records  # heavy

        ledger = self.ledgers(own)[0]
        stored = ledger.adopt(run.provider, run.origin, records.job(run.job))
        self._owner[stored.run] = ledger
        self.runs = [stored if other.run == run.run else other for other in self.runs]
        return stored

    async def look(self, own: Ledger, news: Callable[[], None]) -> None:
        """List the jobs of all providers at once and read the other ledgers; calls `news` after each answer."""
        other_jobs = await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.other_jobs")
        providers = await asyncio.to_thread(other_jobs.reachable_providers)
        self.waiting = {provider.name for provider in providers}
        self._listed = {name: runs for name, runs in self._listed.items() if name in self.waiting}
        self.troubles = {name: words for name, words in self.troubles.items() if name in self.waiting}
        self._gather(own)

        async def ask(provider: Provider) -> None:
            try:
                jobs = await other_jobs.jobs_of(provider)
            except CuratorError as error:
                self.troubles[provider.name] = error.message
            else:
                self.troubles.pop(provider.name, None)
                runs = other_jobs.as_runs(provider, jobs, self.ledgers(own))
                self._listed[provider.name] = [run for run, stored in runs if not stored]
            finally:
                self.waiting.discard(provider.name)
            self._gather(own)
            news()

        await asyncio.gather(*map(ask, providers))

    def _gather(self, own: Ledger) -> None:
        """Set `runs` to those of the ledgers and those listed; a listed job that a ledger holds counts once."""
        stored = {run.run: (run, ledger) for ledger in self.ledgers(own) for run in ledger.runs()}
        stored_jobs = {(run.origin, run.job_id) for run in [*own.runs(), *(run for run, _ in stored.values())]}
        all_listed = (run for runs in self._listed.values() for run in runs)
        listed = [run for run in all_listed if (run.origin, run.job_id) not in stored_jobs]
        self._owner = {name: ledger for name, (_, ledger) in stored.items()}
        beside = [
            run for run in [*(run for run, _ in stored.values()), *listed] if run.run not in self._of_files_ids
        ]
        self.runs = sorted(beside, key=lambda run: -run.created_at)

    @property
    def _of_files_ids(self) -> set[str]:
        return {run.run for run in self.of_files}

    def reload(self) -> None:
        """Read the stored runs again, after a poll has changed one."""
        if self._of_user is not None:
            self.of_files = [self._of_user.get(run.run) or run for run in self.of_files]
        self.runs = [ledger.get(run.run) if (ledger := self.owner(run)) else run for run in self.runs]
