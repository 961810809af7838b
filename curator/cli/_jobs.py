"""What the commands that talk to providers share: options, finding a job, event lines."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from curator import alert
from curator.cli.output import emit, out, say, styled
from curator.errors import InputError, ProviderError

if TYPE_CHECKING:
    from curator.jobs.http.client import Client
    from curator.jobs.http.provider_records import Event
    from curator.jobs.ledger.ledger import Ledger, Run

ENDED_BADLY = ("failed", "cancelled", "refused", "lost", "abandoned")
MARKS = {"succeeded": "✓", "paused": "‖", "unclear": "?", **dict.fromkeys(ENDED_BADLY, "✗")}


def add_provider(parser: argparse.ArgumentParser) -> None:
    """The `--provider` option."""
    parser.add_argument("--provider", metavar="NAME", help="a provider of config.toml, openai, azure or local")


def add_job(parser: argparse.ArgumentParser) -> None:
    """The JOB argument and `--provider`."""
    parser.add_argument("job", type=_job_id, metavar="JOB", help="a job's id (ftjob-…) or a run's id")
    add_provider(parser)


def _job_id(text: str) -> str:
    """An id can stand in a URL as it is. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}", text):
        raise argparse.ArgumentTypeError("an id is letters, digits and - _ . :")
    return text


def drive(work: Coroutine[Any, Any, int]) -> int:
    """Run a command's asynchronous part; Ctrl-C cancels it."""
    return asyncio.run(work)


@asynccontextmanager
async def job_at_hand(args: argparse.Namespace) -> AsyncIterator[tuple[Ledger, Run, Client]]:
    """The ledger, run and open client of `args.job`; a job that was started elsewhere is taken in."""
    from curator.jobs import providers
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger import find_runs as runs

    with runs.open_ledger_of(args.job, args.provider) as (ledger, run):
        provider = providers.get(args.provider or (run.provider if run else None))
        client = await connect(provider)
        client.waiting = tell_waiting
        try:
            if run is None:
                run = ledger.adopt(provider.name, provider.origin, await client.job(args.job))
            yield ledger, run, client
        finally:
            await client.close()


@contextmanager
def pulling_hint() -> Iterator[None]:
    """Turn "no such model" into the command that fetches it, where it is a base model that can be fetched.

    The sentence of a server names the model in quotes. Raises InputError then, else what was raised inside.
    """
    try:
        yield
    except ProviderError as error:
        from curator.basemodels.shelf import PULLABLE, is_installed

        wanted = [name for name in PULLABLE if name in error.message and not is_installed(name)]
        if error.code != "model_not_found" or not wanted:
            raise
        raise InputError(f"{wanted[0]} is not on this machine yet: curator models pull {wanted[0]}") from None


def show_event(event: Event, json: bool) -> None:
    """One event as a line: an object of the API, or words for people."""
    if json:
        emit(event.to_json())
        return
    when = datetime.fromtimestamp(event.created_at, UTC).astimezone().strftime("%H:%M:%S")
    code = {"error": "31", "warn": "33"}.get(event.level, "0")
    out(f"{styled(when, '2')}  {styled(event.message, code)}")


def tell_waiting(fault: ProviderError, seconds: float) -> None:
    """Say why nothing happens."""
    say(f"{fault.message} Trying again in {seconds:.0f} s.")


def ask(question: str, default: bool) -> bool:
    """Ask on the terminal; False where there is none or it closes."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        return False
    return default if not answer.strip() else answer.strip().lower() in ("y", "yes")


def describe(run: Run) -> str:
    """One line on where a run stands."""
    mark = MARKS.get(run.status, "·")
    words = f"{mark} {run.status}: {run.job_id or run.run} at {run.provider}"
    if run.fine_tuned_model:
        words += f", model {run.fine_tuned_model}"
    if run.error and run.error.get("message"):
        words += f": {run.error['message']}"
    return words


def ring(run: Run) -> None:
    """Tell the end to somebody who looks elsewhere, as `notify` of config.toml says; only on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(alert.signal("Curator", describe(run)))
        sys.stderr.flush()


def finish(run: Run) -> int:
    """The exit status that a run's end means: 1 for a job that failed, was cancelled or refused."""
    return 1 if run.status in ENDED_BADLY else 0


def remind(ledger: Ledger) -> None:
    """Say which deployments cost by the hour."""
    from curator.jobs.runs import azure_deployments as azure

    for sentence in azure.reminders(ledger):
        say(sentence)


def must_have_job(run: Run) -> None:
    """Raises ProviderError for a run whose submission never came to a job: there is nothing to follow."""
    if run.job_id is None and not run.closed:
        raise ProviderError(
            f"{run.run} has no job: its submission stands at '{run.status}'. Run the same train command again to "
            f"go on, or give it up: curator cancel {run.run}",
            code="unclear",
        )


async def steer(args: argparse.Namespace, action: str) -> int:
    """Cancel, pause or resume `args.job`, store and print what the provider says."""
    from curator.jobs.runs import monitor, submission

    async with job_at_hand(args) as (ledger, run, client):
        if action == "cancel" and run.job_id is None and not run.closed:
            run = await submission.abandon(run, ledger, client)
            if run.job_id is None:
                return _given_up(run, ledger, args.json)
        must_have_job(run)
        job = await monitor.act(run, action, ledger, client)
        if args.json:
            emit(job.raw)
        else:
            out(job.status)
            say(describe(ledger.get(run.run)))
    return 0


def _given_up(run: Run, ledger: Ledger, json: bool) -> int:
    from curator.jobs.ledger.find_runs import run_json

    if json:
        emit(run_json(run, ledger))
    else:
        out(run.status)
        say(f"{run.run} is given up; should its job turn up after all, curator jobs shows it.")
        for _, file_id, name in ledger.orphans(run.run):
            say(f"note: the file {file_id} ({name}) was uploaded and no job uses it")
    return 0
