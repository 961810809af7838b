"""`curator completion`: print completions of commands and options for bash, zsh or fish."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from curator.cli import output

EXAMPLE = "curator completion bash > ~/.local/share/bash-completion/completions/curator"
NAMES = ("curator", "curator-ft")
"""The commands that the completions are for."""
WHERE = {
    "bash": "~/.local/share/bash-completion/completions/curator",
    "zsh": "a folder of $fpath, as _curator",
    "fish": "~/.config/fish/completions/curator.fish",
}


class CommandWords(NamedTuple):
    """What can stand behind a command."""

    name: str
    about: str
    words: tuple[str, ...]
    """Its options, and the actions that it has."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=sorted(WHERE), help="the shell that reads them")


def run(args: argparse.Namespace) -> int:
    """Print the completions."""
    commands = list(all_commands())
    text = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](commands)
    if args.json:
        output.emit({"shell": args.shell, "completions": text})
    else:
        output.out(text)
        output.say(f"save this as {WHERE[args.shell]}")
    return 0


def all_commands() -> Iterator[CommandWords]:
    """Every command with its options."""
    from curator.cli.main import COMMANDS, parser_of  # heavy: all commands

    for name, about in COMMANDS.items():
        words: dict[str, None] = {}
        for action in parser_of(name)[1]._actions:
            words.update(dict.fromkeys(option for option in action.option_strings if option.startswith("--")))
            if action.choices is not None and not action.option_strings:
                words.update(dict.fromkeys(map(str, action.choices)))
        yield CommandWords(name, about, tuple(words))


def _bash(commands: list[CommandWords]) -> str:
    cases = "\n".join(f"    {each.name}) words={shlex.quote(' '.join(each.words))} ;;" for each in commands)
    names = shlex.quote(" ".join(each.name for each in commands))
    return f"""_curator() {{
  local here="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then words={names}
  else case "${{COMP_WORDS[1]}}" in
{cases}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$here"))
  case "$here" in -*) ;; *) COMPREPLY+=($(compgen -f -- "$here")) ;; esac
}}
complete -o filenames -F _curator {" ".join(NAMES)}"""


def _zsh(commands: list[CommandWords]) -> str:
    described = "\n".join(f"    {shlex.quote(f'{each.name}:{each.about}')}" for each in commands)
    cases = "\n".join(
        f"    {each.name}) compadd -- {' '.join(map(shlex.quote, each.words))} ;;" for each in commands
    )
    return f"""#compdef {" ".join(NAMES)}
_curator() {{
  local -a commands
  commands=(
{described}
  )
  if (( CURRENT == 2 )); then _describe command commands; _files; return; fi
  case "$words[2]" in
{cases}
  esac
  [[ "$words[CURRENT]" == -* ]] || _files
}}
if [ "$funcstack[1]" = "_curator" ]; then _curator "$@"; else compdef _curator {" ".join(NAMES)}; fi"""


def _fish(commands: list[CommandWords]) -> str:
    lines = []
    for program in NAMES:
        for each in commands:
            first = f"complete -c {program} -n __fish_use_subcommand -a {each.name}"
            lines.append(f"{first} -d {shlex.quote(each.about)}")
            for word in each.words:
                option = f"-l {word[2:]}" if word.startswith("--") else f"-a {shlex.quote(word)}"
                lines.append(f"complete -c {program} -n '__fish_seen_subcommand_from {each.name}' {option}")
    return "\n".join(lines)
