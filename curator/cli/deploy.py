"""`curator deploy`: deploy a model tuned at Azure, after showing its price; list and delete deployments."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import emit, out, say, styled, would
from curator.errors import CuratorError, UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Deployment, Ledger
    from curator.jobs.providers import Provider

EXAMPLE = "curator deploy ftjob-abc123 --type developertier --wait"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="JOB|MODEL", nargs="?", help="a finished job at Azure, or a tuned model")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the deployment's name, to use with `chat` (default: derived from the model's)",
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
    """Deploy, delete or list; raises UsageError unless the arguments ask for exactly one of them."""
    if sum((bool(args.model), bool(args.delete), args.list)) != 1:
        raise UsageError("Name a JOB or MODEL to deploy, or use --delete NAME, or --list.")
    if args.list:
        return _list(args)
    return provider_options.run_async(_delete(args) if args.delete else _deploy(args))


def _list(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs  # heavy
    from curator.jobs.runs import azure_deployments

    with find_runs.open_all() as ledgers:
        deployments = [item for ledger in ledgers for item in ledger.deployments()]
    if args.json:
        emit({"deployments": [vars(item) for item in deployments]})
        return 0
    for item in deployments:
        out(f"{styled(item.name, '1')}: {styled(item.model, '0')} ({styled(item.sku, '0')})")
        out(f"  {azure_deployments.reminder(item) or azure_deployments.price_words(item.usd_per_hour)}")
    if not deployments:
        say("No deployment was made here.")
    return 0


async def _deploy(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs  # heavy
    from curator.jobs.runs import azure_deployments

    with find_runs.open_ledger_of(args.model, args.provider) as (ledger, run):
        model, suffix = args.model, None
        if run is not None:
            if not run.fine_tuned_model:
                raise UsageError(f"{args.model} has no tuned model: it is {run.status}.")
            model, suffix = run.fine_tuned_model, run.params.get("suffix")
        provider = _provider(args.provider or (run.provider if run else None))
        name = args.name or azure_deployments.proposed_name(model, suffix)
        async with azure_deployments.control_plane(provider) as plane:
            kind = azure_deployments.find_type(args.type)
            say(f"{model} as {name} at {provider.name}, {kind.sku}: {kind.words}")
            say(azure_deployments.price_words(azure_deployments.hourly_price(provider, kind.sku, model)))
            if args.dry_run:
                return would(f"deploy {model} as {name}", args.json, name=name, model=model, sku=kind.sku)
            _confirm("Deploy? [Y/n] ", args.yes)
            deployment = await plane.deploy(ledger, model, name, kind.sku)
            state = await plane.wait(name) if args.wait else await plane.state(name)
    return _report(deployment, state, provider.name, args)


def _provider(name: str | None) -> Provider:
    """The provider of this name; without a name the default provider if it is an Azure one, else `azure`."""
    from curator.jobs import providers  # heavy

    usual = providers.get(name)
    return usual if name or usual.kind == "azure" else providers.get("azure")


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("This may cost money: add --yes to do it without being asked.")
    if not provider_options.ask_yes_no(question, default=True):
        raise CuratorError("Nothing was done.")


def _report(deployment: Deployment, state: str | None, provider: str, args: argparse.Namespace) -> int:
    if args.json:
        emit({**vars(deployment), "state": state})
        return 0
    out(deployment.name)
    say(f"{state or 'not there yet'}; use it: curator chat {deployment.name} --provider {provider}")
    say(f"Delete it: curator deploy --delete {deployment.name}")
    return 0


async def _delete(args: argparse.Namespace) -> int:
    from curator.jobs.ledger import find_runs  # heavy
    from curator.jobs.runs import azure_deployments

    with find_runs.open_all() as ledgers:
        ledger, provider = _owner(args, ledgers)
        if args.dry_run:
            return would(f"delete the deployment {args.delete}", args.json, deleted=args.delete)
        async with azure_deployments.control_plane(provider or _provider(args.provider)) as plane:
            await plane.delete(ledger, args.delete)
    if args.json:
        emit({"deleted": args.delete})
    else:
        say(f"Deleted {args.delete}: it costs nothing any more. The tuned model stays and can be deployed again.")
    return 0


def _owner(args: argparse.Namespace, ledgers: list[Ledger]) -> tuple[Ledger, Provider | None]:
    """The ledger that lists the deployment and its provider; the user's own ledger and None if none lists it."""
    from curator.jobs import providers  # heavy

    for ledger in ledgers:
        for item in ledger.deployments():
            if item.name == args.delete:
                return ledger, None if args.provider else providers.with_origin(item.origin)
    return ledgers[0], None
