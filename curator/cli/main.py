"""The `curator` command: runs the sub-command, or opens the UI; imports only what that needs."""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from curator import __version__
from curator.atomic import dry_run
from curator.errors import CuratorError, InputError

if TYPE_CHECKING:
    from curator.tui.terminal.early_screen import FirstScreen

COMMANDS: dict[str, str] = {
    "check": "validate a dataset and print its problems",
    "fix": "write a copy with the safe fixes applied",
    "stats": "tokens, cost, lengths and answers",
    "dedup": "find duplicates and contradicting answers",
    "split": "write train.jsonl and validation.jsonl without leaks",
    "export": "write examples to a file",
    "import": "add files to a workspace",
    "list": "print the examples of a view",
    "apply": "apply edit operations to a workspace",
    "proposals": "list what machines suggest, accept or reject it",
    "merge": "take over what somebody else judged of the same examples, and tell how far both agree",
    "diff": "tell what differs between two datasets, or print one as text",
    "history": "show what was done to a workspace",
    "train": "check, upload and start a fine-tuning job",
    "jobs": "list the provider's jobs",
    "watch": "follow a job to its end",
    "cancel": "cancel a job",
    "pause": "pause a job",
    "resume": "resume a paused job",
    "chat": "talk to a model",
    "evaluate": "score models on held-out prompts",
    "study": "ask what to change next: suspects, reasons, what if, how many more",
    "side-effects": "tell what a training did to everything beside its task",
    "serve": "run the local OpenAI-compatible server",
    "web": "open the UI in a browser on this machine",
    "models": "list, pull and remove local models",
    "hub": "fetch data sets and adapters from a hub, and send them there",
    "providers": "list, configure and test providers, store their keys, list their models",
    "deploy": "deploy a model tuned at Azure, or delete the deployment",
    "completion": "print completions of commands and options for your shell",
    "mcp": "let an agent read and propose, by the Model Context Protocol",
    "schema": "describe every command, its options and exit statuses",
    "doctor": "check this machine and the providers",
}
"""Every sub-command and its line in `--help`; the code is in `curator.cli.NAME` (`import` in `import_`)."""


WRITES = frozenset(
    (
        *("fix", "dedup", "split", "export", "import", "apply", "merge", "proposals", "history"),
        *("train", "cancel", "pause", "resume", "models", "hub", "providers", "deploy"),
        *("evaluate", "study", "side-effects"),
    )
)
"""The commands that write, send, ask or delete something by their purpose: each has `--dry-run`."""
WRITE_ON_REQUEST = frozenset(("check",))
"""The commands that write files only where an option names them: these have `--dry-run` as well."""


class Command(Protocol):
    """What each command module defines."""

    EXAMPLE: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Run the command and return its exit status."""


def _load(name: str) -> Command:
    module = name + "_" if name == "import" else name.replace("-", "_")
    return cast(Command, importlib.import_module(f"curator.cli.{module}"))


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return (
        "usage: curator [PATH]            open the UI on a dataset or workspace\n"
        "       curator COMMAND [ARGS]    work without the UI; see curator COMMAND --help\n\n"
        "commands:\n" + "\n".join(lines) + "\n\n"
        "example: curator check data.jsonl\n"
    )


def parser_of(name: str) -> tuple[Command, argparse.ArgumentParser]:
    """A sub-command and the parser of its arguments."""
    command = _load(name)
    parser = argparse.ArgumentParser(
        prog=f"curator {name}",
        description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".",
        epilog=f"example: {command.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--debug", action="store_true", help="write a traceback of a failure to the log file")
    command.configure(parser)
    if name in WRITES | WRITE_ON_REQUEST:
        _add_dry_run(parser)
    return command, parser


def _add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Add `--dry-run`, also behind the name of an action such as `models remove`."""
    words = "check and tell everything, and write, send and delete nothing"
    parser.add_argument("--dry-run", action="store_true", help=words)
    for group in (each for each in parser._actions if isinstance(each, argparse._SubParsersAction)):
        for action in group.choices.values():
            hidden = argparse.SUPPRESS
            action.add_argument("--dry-run", action="store_true", default=hidden, help=hidden)


def _arguments(name: str, argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    command, parser = parser_of(name)
    # `chat MODEL --system S PROMPT`: only intermixed parsing accepts an optional argument after an option.
    mixed = getattr(command, "INTERMIXED", False)
    return command, parser.parse_intermixed_args(argv) if mixed else parser.parse_args(_join_option_values(argv))


def _join_option_values(argv: Sequence[str]) -> list[str]:
    """Join `--filter -is:error` to `--filter=-is:error`: argparse would take the value for an option."""
    out: list[str] = []
    for word in argv:
        if out and out[-1] in ("--filter", "--sort") and word.startswith("-") and word[1:2] not in ("", "-"):
            out[-1] += "=" + word
        else:
            out.append(word)
    return out


def _open_ui(argv: Sequence[str], first: FirstScreen | None) -> int:
    """Open the UI; `first`, the screen that stands on the terminal already, is taken away before an error."""
    try:
        return _open_path(argv, first)
    finally:
        if first is not None:
            first.take_back()


def _open_path(argv: Sequence[str], first: FirstScreen | None) -> int:
    parser = argparse.ArgumentParser(prog="curator", add_help=False)
    parser.add_argument("path", nargs="?")
    parser.add_argument("--debug", action="store_true")
    args = parser.parse_args(_join_option_values(argv))
    if args.path and not Path(args.path).exists():
        raise InputError(f"'{args.path}' is neither a command nor a file; curator --help lists the commands")
    gc.disable()  # until the first screen: collecting would take a tenth of the time and free nothing
    from curator.tui.start import open_ui  # heavy

    return open_ui(args.path, first)


def main(argv: Sequence[str] | None = None, *, first: FirstScreen | None = None) -> int:
    """Run one command line and return its exit status. Every error is printed, none is raised.

    `first`: the UI's first screen, where the one that was kept is drawn already.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _open_streams()
    if words[:1] in (["-h"], ["--help"], ["help"]):
        sys.stdout.write(_overview())
        return 0
    if words[:1] == ["--version"]:
        sys.stdout.write(f"curator {__version__}\n")
        return 0
    debug = "--debug" in words
    try:
        if words and words[0] in COMMANDS:
            command, args = _arguments(words[0], words[1:])
            with dry_run(getattr(args, "dry_run", False)):
                status = command.run(args)
            sys.stdout.flush()
            return status
        return _open_ui(words, first)
    except CuratorError as error:
        _say(error.message)
        if debug:
            _say(f"details are in {_log_failure()}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 1
    except OSError as error:
        return _report_os_error(error)
    except Exception as error:
        return _report_unexpected(error)


def _report_os_error(error: OSError) -> int:
    """Print an operating system error: about a file, or, where it names none, about writing the output."""
    if error.filename is not None:
        _log_failure()
        _say(f"{error.filename} cannot be used: {error.strerror}")
        return 2
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return _report_unexpected(error)
    _say(f"cannot write: {error.strerror}; the output is incomplete")
    _drop_output()
    return 1


def _report_unexpected(error: Exception) -> int:
    from curator.log import redact  # heavy

    _say(f"unexpected {type(error).__name__}: {redact(str(error))}; details are in {_log_failure()}")
    return 1


def _open_streams() -> None:
    """Open standard streams that the parent process closed on the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (open until the process ends)


def _drop_output() -> None:
    """Point stdout to the null device, so that the interpreter does not fail to flush it when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    from curator.core.text import printable  # heavy

    sys.stderr.write(f"curator: {printable(text)}\n")


def _log_failure() -> str:
    from curator.log import log_failure  # heavy

    return str(log_failure())
