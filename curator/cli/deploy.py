"""`curator deploy`: put a tuned model of Azure online, with its price before one says yes, or take it down."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import emit, out, say, styled
from curator.errors import CuratorError, UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Deployment, Ledger
    from curator.jobs.providers import Provider

EXAMPLE = "curator deploy ftjob-abc123 --type developertier --wait"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="JOB|MODEL", nargs="?", help="a finished job at Azure, or a tuned model")
    parser.add_argument(
        "--name", metavar="NAME", help="what `chat` then calls it (default: made from the model's)"
    )
    parser.add_argument(
        "--type", metavar="T", default="standard", help="standard (default), GlobalStandard or developertier"
    )
    parser.add_argument("--delete", metavar="NAME", help="delete this deployment, which ends its fee")
    parser.add_argument("--list", action="store_true", help="deployments made here, and what they cost so far")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--wait", action="store_true", help="wait until it answers")
    provider_options.add_provider(parser)


def run(args: argparse.Namespace) -> int:
    """Deploy, delete or list; exactly one of them."""
    if sum((bool(args.model), bool(args.delete), args.list)) != 1:
        raise UsageError("Name a JOB or MODEL to deploy, or use --delete NAME, or --list.")
    if args.list:
        return _list(args)
    return provider_options.run_async(_delete(args) if args.delete else _deploy(args))


def _list(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs as runs
    from curator.jobs.runs import azure_deployments as azure

    with runs.open_all() as ledgers:
        known = [item for ledger in ledgers for item in ledger.deployments()]
    if args.json:
        emit({"deployments": [vars(item) for item in known]})
        return 0
    for item in known:
        out(f"{styled(item.name, '1')}: {styled(item.model, '0')} ({styled(item.sku, '0')})")
        out(f"  {azure.reminder(item) or azure.price_words(item.usd_per_hour)}")
    if not known:
        say("No deployment was made here.")
    return 0


async def _deploy(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs as runs
    from curator.jobs.runs import azure_deployments as azure

    with runs.open_ledger_of(args.model, args.provider) as (ledger, found):
        model, suffix = args.model, None
        if found is not None:
            if not found.fine_tuned_model:
                raise UsageError(f"{args.model} has no tuned model: it is {found.status}.")
            model, suffix = found.fine_tuned_model, found.params.get("suffix")
        provider = _provider(args.provider or (found.provider if found else None))
        name = args.name or azure.proposed_name(model, suffix)
        async with azure.control_plane(provider) as plane:
            kind = azure.find_type(args.type)
            say(f"{model} as {name} at {provider.name}, {kind.sku}: {kind.words}")
            say(azure.price_words(azure.hourly_price(provider, kind.sku, model)))
            _confirm("Deploy? [Y/n] ", args.yes)
            made = await plane.deploy(ledger, model, name, kind.sku)
            state = await plane.wait(name) if args.wait else await plane.state(name)
    return _report(made, state, provider.name, args)


def _provider(name: str | None) -> Provider:
    """The named provider; else the default one where it is Azure's, else `azure`."""
    from curator.jobs import providers

    usual = providers.get(name)
    return usual if name or usual.kind == "azure" else providers.get("azure")


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("This may cost money: add --yes to do it without being asked.")
    if not provider_options.ask_yes_no(question, default=True):
        raise CuratorError("Nothing was done.")


def _report(made: Deployment, state: str | None, provider: str, args: argparse.Namespace) -> int:
    if args.json:
        emit({**vars(made), "state": state})
        return 0
    out(made.name)
    say(f"{state or 'not there yet'}; ask it: curator chat {made.name} --provider {provider}")
    say(f"End it: curator deploy --delete {made.name}")
    return 0


async def _delete(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs as runs
    from curator.jobs.runs import azure_deployments as azure

    with runs.open_all() as ledgers:
        ledger, provider = _owner(args, ledgers)
        async with azure.control_plane(provider or _provider(args.provider)) as plane:
            await plane.delete(ledger, args.delete)
    if args.json:
        emit({"deleted": args.delete})
    else:
        say(f"Deleted {args.delete}: it costs nothing any more. The tuned model stays and can be deployed again.")
    return 0


def _owner(args: argparse.Namespace, ledgers: list[Ledger]) -> tuple[Ledger, Provider | None]:
    """The ledger that knows the deployment, and whose it is; the user's own ledger and None where none does."""
    from curator.jobs import providers

    for ledger in ledgers:
        for item in ledger.deployments():
            if item.name == args.delete:
                return ledger, None if args.provider else providers.with_origin(item.origin)
    return ledgers[0], None
