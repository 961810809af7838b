"""`curator schema`: all commands, their arguments and exit statuses, read from the parsers themselves."""

from __future__ import annotations

import argparse
from typing import Any

from curator import __version__
from curator.cli import output
from curator.errors import UsageError

EXAMPLE = "curator schema apply --json"
EXIT_CODES = {
    0: "done, without errors",
    1: "done, but errors were found or remain, something was left out, refused or not saved, or the job did not "
    "succeed",
    2: "wrong arguments, input that cannot be read, or a mistake in the configuration",
    3: "the provider refused or could not be reached, or its answer is unclear",
    130: "interrupted with Ctrl-C",
}
_LINES = frozenset(("apply", "watch"))
"""Commands whose --json prints one object a line."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="only this one; by default all")


def run(args: argparse.Namespace) -> int:
    """Print the description as JSON, or a line for each argument."""
    from curator.cli.main import COMMANDS  # that module loads this one

    if args.command is not None and args.command not in COMMANDS:
        raise UsageError(f"'{args.command}' is no command; curator --help lists them")
    described = [describe(name) for name in ([args.command] if args.command else COMMANDS)]
    if args.json:
        codes = {str(code): words for code, words in EXIT_CODES.items()}
        operations = _operations() if args.command in (None, "apply") else []
        output.emit({"version": __version__, "exit_codes": codes, "commands": described, "operations": operations})
        return 0
    for command in described:
        output.out(f"{output.styled(command['usage'], '1')}\n  {command['summary']}")
        for argument in command["arguments"]:
            names = ", ".join(argument["flags"]) or argument["name"]
            output.out(f"    {names}  {output.styled(argument['help'], '2')}")
    return 0


def _operations() -> list[str]:
    """The operations of `apply`."""
    from curator.workspace.operations.perform import OPERATIONS  # heavy

    return sorted(OPERATIONS)


def describe(name: str) -> dict[str, Any]:
    """One command: what its parser knows of it."""
    from curator.cli.main import COMMANDS, WRITES, parser_of  # that module loads this one

    command, parser = parser_of(name)
    return {
        "name": name,
        "summary": COMMANDS[name],
        "usage": " ".join(parser.format_usage().removeprefix("usage: ").split()),
        "example": command.EXAMPLE,
        "writes": name in WRITES,
        "json": "lines" if name in _LINES else "object",
        "exit_codes": sorted(EXIT_CODES),
        "arguments": _arguments(parser),
        "actions": {
            action: {"summary": summary, "arguments": _arguments(inner)}
            for action, summary, inner in _actions(parser)
        },
    }


def _actions(parser: argparse.ArgumentParser) -> list[tuple[str, str, argparse.ArgumentParser]]:
    """(name, summary, parser) of each action of a command, e.g. of `models pull`."""
    for group in parser._actions:
        if isinstance(group, argparse._SubParsersAction):
            summaries = {each.dest: each.help or "" for each in group._choices_actions}
            return [(name, summaries.get(name, ""), inner) for name, inner in group.choices.items()]
    return []


def _arguments(parser: argparse.ArgumentParser) -> list[dict[str, Any]]:
    """The arguments of a parser, without `--help` and those that repeat another's."""
    shown = (each for each in parser._actions if not isinstance(each, argparse._SubParsersAction))
    return [_argument(each) for each in shown if each.dest != "help" and each.help != argparse.SUPPRESS]


def _argument(action: argparse.Action) -> dict[str, Any]:
    default = action.default if isinstance(action.default, str | int | float | bool | list) else None
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest
    takes_none = action.nargs == 0
    return {
        "name": metavar if not action.option_strings else action.dest,
        "flags": list(action.option_strings),
        "kind": "flag" if takes_none else _kind(action.type),
        "required": action.required,
        "many": action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction),
        "choices": list(action.choices) if action.choices is not None else None,
        "default": None if takes_none or default == argparse.SUPPRESS else default,
        "help": (action.help or "").replace("%%", "%"),
    }


def _kind(converter: object) -> str:
    """What an argument is made of the text that is given."""
    if converter in (int, output.count, output.positive):
        return "integer"
    return "number" if converter is float else "text"
