"""Shared by the commands that talk to providers: options, opening a job, questions, event lines, exit status."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from curator import alert
from curator.cli.output import emit, out, say, styled, would
from curator.errors import InputError, ProviderError

if TYPE_CHECKING:
    from curator.jobs.http.client import Client
    from curator.jobs.http.provider_records import Event
    from curator.jobs.ledger.ledger import Ledger, Run

FAILED_STATUSES = ("failed", "cancelled", "refused", "lost", "abandoned")
MARKS = {"succeeded": "✓", "paused": "‖", "unclear": "?", **dict.fromkeys(FAILED_STATUSES, "✗")}


Result = TypeVar("Result")


def add_provider(parser: argparse.ArgumentParser) -> None:
    """Add the `--provider` option."""
    parser.add_argument("--provider", metavar="NAME", help="a provider of config.toml, openai, azure or local")


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add the JOB argument and the `--provider` option."""
    parser.add_argument("job", type=_job_id, metavar="JOB", help="a job's id (ftjob-…) or a run's id")
    add_provider(parser)


def _job_id(text: str) -> str:
    """The id, if its characters need no escaping in a URL. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}", text):
        raise argparse.ArgumentTypeError("an id is letters, digits and - _ . :")
    return text


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine and return what it returns, mostly its exit status; Ctrl-C cancels it."""
    return asyncio.run(work)


@asynccontextmanager
async def open_job(args: argparse.Namespace) -> AsyncIterator[tuple[Ledger, Run, Client]]:
    """The ledger, run and open client of `args.job`; a job started elsewhere is added to the ledger."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger import find_runs

    with find_runs.open_ledger_of(args.job, args.provider) as (ledger, run):
        if run is not None and getattr(args, "dry_run", False):
            yield ledger, run, cast("Client", None)  # nobody is asked
            return
        provider = providers.get(args.provider or (run.provider if run else None))
        client = await connect(provider)
        client.waiting = say_waiting
        try:
            if run is None:
                run = ledger.adopt(provider.name, provider.origin, await client.job(args.job))
            yield ledger, run, client
        finally:
            await client.close()


@contextmanager
def suggest_pull() -> Iterator[None]:
    """Turn the error "model_not_found" into the command that fetches the model, if `models pull` can fetch it.

    The server's message contains the model's name. Raises InputError in that case, otherwise the original error.
    """
    try:
        yield
    except ProviderError as error:
        from curator.basemodels.shelf import PULLABLE, is_installed  # heavy

        names = [name for name in PULLABLE if name in error.message and not is_installed(name)]
        if error.code != "model_not_found" or not names:
            raise
        raise InputError(f"{names[0]} is not on this machine yet: curator models pull {names[0]}") from None


def show_event(event: Event, json: bool) -> None:
    """Print one event: as the API's JSON object, or as time and message."""
    if json:
        emit(event.to_json())
        return
    when = datetime.fromtimestamp(event.created_at, UTC).astimezone().strftime("%H:%M:%S")
    code = {"error": "31", "warn": "33"}.get(event.level, "0")
    out(f"{styled(when, '2')}  {styled(event.message, code)}")


def say_waiting(fault: ProviderError, seconds: float) -> None:
    """Say on stderr why the command waits, and for how long."""
    say(f"{fault.message} Trying again in {seconds:.0f} s.")


def ask_yes_no(question: str, default: bool) -> bool:
    """Ask a yes-or-no question; `default` for an empty answer, False without a terminal or at end of input."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        return False
    return default if not answer.strip() else answer.strip().lower() in ("y", "yes")


def describe(run: Run) -> str:
    """A run's status in one line."""
    mark = MARKS.get(run.status, "·")
    words = f"{mark} {run.status}: {run.job_id or run.run} at {run.provider}"
    if run.fine_tuned_model:
        words += f", model {run.fine_tuned_model}"
    if run.error and run.error.get("message"):
        words += f": {run.error['message']}"
    return words


def alert_end(run: Run) -> None:
    """Signal the end of a run by bell or notification, as `notify` in config.toml says; only on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(alert.signal("Curator", describe(run)))
        sys.stderr.flush()


def exit_status(run: Run) -> int:
    """The exit status for a run: 1 for a job that failed, was cancelled or refused, else 0."""
    return 1 if run.status in FAILED_STATUSES else 0


def say_deployments(ledger: Ledger) -> None:
    """Say on stderr which deployments cost money by the hour."""
    from curator.jobs.runs import azure_deployments  # heavy

    for sentence in azure_deployments.reminders(ledger):
        say(sentence)


def require_job(run: Run) -> None:
    """Raise ProviderError for a run whose submission did not create a job, so that there is nothing to follow."""
    if run.job_id is None and not run.closed:
        raise ProviderError(
            f"{run.run} has no job: its submission is '{run.status}'. Run the same train command again to "
            f"continue, or give it up: curator cancel {run.run}",
            code="unclear",
        )


async def act_on_job(args: argparse.Namespace, action: str) -> int:
    """Cancel, pause or resume `args.job`; store and print the job as the provider returns it."""
    from curator.jobs.runs import monitor, submission  # heavy

    async with open_job(args) as (ledger, run, client):
        if action == "cancel" and run.job_id is None and not run.closed:
            if args.dry_run:
                return would(f"give up {run.run}, whose submission is '{run.status}'", args.json, run=run.run)
            run = await submission.abandon(run, ledger, client)
            if run.job_id is None:
                return _print_given_up(run, ledger, args.json)
        require_job(run)
        if args.dry_run:
            return would(f"{action} {run.job_id}", args.json, action=action, job=run.job_id, status=run.status)
        job = await monitor.act(run, action, ledger, client)
        if args.json:
            emit(job.raw)
        else:
            out(job.status)
            say(describe(ledger.get(run.run)))
    return 0


def _print_given_up(run: Run, ledger: Ledger, json: bool) -> int:
    from curator.jobs.ledger.find_runs import run_json  # heavy

    if json:
        emit(run_json(run, ledger))
    else:
        out(run.status)
        say(f"{run.run} is given up; if its job was created after all, curator jobs shows it.")
        for _, file_id, name in ledger.orphans(run.run):
            say(f"note: the file {file_id} ({name}) was uploaded and no job uses it")
    return 0
