"""`curator providers`: list, configure and test providers, store their keys, list their models."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Any

from curator.cli import provider_options
from curator.cli.output import emit, out, say, styled, would
from curator.errors import UsageError

if TYPE_CHECKING:
    from curator.jobs.connections.doctor import ProviderReport
    from curator.settings_file import Value

EXAMPLE = "curator providers key openai"
STATES = {"ok": ("✓", "32"), "off": ("·", "2"), "bad": ("✗", "31")}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="list | test | models | set | key")
    actions.add_parser("list", help="all providers: reachable or not, and where the key was found (the default)")
    test = actions.add_parser("test", help="check that a provider answers")
    models = actions.add_parser(
        "models", help="list its models: training, context, price, the day it is switched off"
    )
    change = actions.add_parser("set", help="add or change a provider in config.toml; comments there stay")
    key = actions.add_parser("key", help="store its key: typed hidden, or from stdin; never an argument")
    for action in (test, models, change, key):
        action.add_argument("name", metavar="NAME")
    change.add_argument("values", metavar="KEY=VALUE", nargs="+", help="e.g. kind=compatible; KEY= removes it")
    key.add_argument("--keyring", action="store_true", help="in the system keyring instead of a file of mode 0600")
    key.add_argument("--delete", action="store_true", help="delete the stored key")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Run the action, by default `list`."""
    actions = {"test": _test, "models": _models, "set": _set, "key": _key}
    return actions.get(args.action, _list)(args)


def _list(args: argparse.Namespace) -> int:
    from curator.jobs.connections import doctor  # heavy

    findings = asyncio.run(doctor.check_providers())
    if args.json:
        emit({"providers": [finding.to_json() for finding in findings]})
    else:
        for finding in findings:
            show(finding)
    return 0


def _test(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections import doctor

    finding = asyncio.run(doctor.check_provider(providers.get(args.name)))
    if args.json:
        emit(finding.to_json())
    else:
        show(finding)
    return 0 if finding.state == "ok" else 3


def show(finding: ProviderReport) -> None:
    """Print one line about a provider: mark, name, address, result of the test, place of its key."""
    mark, code = STATES[finding.state]
    title = f"{finding.name} {finding.address or ''}".rstrip()
    out(f"  {styled(mark, code)} {styled(title, '1')}: {styled(finding.words, '0')}")


def _models(args: argparse.Namespace) -> int:
    return provider_options.run_async(_list_offers(args))


async def _list_offers(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.planning.offers import list_offers

    async with await connect(providers.get(args.name)) as client:
        offers = await list_offers(client)
    if args.json:
        emit({"models": [offer.to_json() for offer in offers]})
        return 0
    for offer in offers:
        out(f"{styled(offer.name, '1')}: {styled(offer.words(), '0')}")
        if offer.note:
            out(f"  {styled(offer.note, '33')}")
    if not offers:
        say(f"{args.name} lists no models.")
    return 0


def _set(args: argparse.Namespace) -> int:
    from curator import settings, settings_file  # heavy

    values: dict[str, Value | None] = {}
    for text in args.values:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageError(f"Write KEY=VALUE, for example model=gpt-4o-mini-2024-07-18, not '{key}'.")
        if key == "api_key":
            raise UsageError(f"A key is no argument: use curator providers key {args.name}.")
        number = key in ("hosting_usd_per_hour", "idle_exit")
        values[key] = None if not value else _number(key, value) if number else value
    configured = settings.load().providers.get(args.name)
    if configured is None and "kind" not in values:
        if args.name not in ("openai", "azure", "local"):
            raise UsageError("A new provider needs kind=openai, azure, compatible or local.")
        values = {"kind": args.name, **values}
    return _print_saved(settings_file.change(("providers", args.name), values), args)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{key} is a number.") from None


def _print_saved(path: object, args: argparse.Namespace) -> int:
    if args.json:
        emit({"provider": args.name, "path": str(path), **({"dry_run": True} if args.dry_run else {})})
    elif args.dry_run:
        would(f"write to {path}", as_json=False)
    else:
        say(f"Written to {path}; try it: curator providers test {args.name}")
    return 0


def _key(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy

    provider = providers.get(args.name)
    if args.dry_run:
        place = "the system keyring" if args.keyring else "a file of mode 0600"
        words = (
            f"delete the stored key of {args.name}" if args.delete else f"store a key of {args.name} in {place}"
        )
        return would(words, args.json, provider=args.name)
    if args.delete:
        places = provider.delete_keys()
        words = f"Deleted: {', '.join(places)}." if places else f"There was no stored key of {args.name}."
    else:
        places = [provider.store_key(_read_key(args.name), keyring=args.keyring)]
        words = f"Stored in: {places[0]}."
    variable = provider.overriding_variable
    report: dict[str, Any] = {"provider": args.name, "places": places, "wins": variable}
    if args.json:
        emit(report)
    else:
        say(words)
        if variable and not args.delete:
            say(f"note: the {variable} is set and is used first")
    return 0


def _read_key(name: str) -> str:
    """The key, from a hidden prompt or one line of stdin. Raises UsageError without a key."""
    if sys.stdin.isatty():
        try:
            return getpass.getpass(f"Key of {name} (it is not shown): ")
        except EOFError:
            raise UsageError("No key was typed.") from None
    text = sys.stdin.readline(8192)
    if not text.strip():
        raise UsageError("No key came on stdin.")
    return text
