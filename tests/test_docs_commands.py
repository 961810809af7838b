"""Every command explains itself: `--help` with an example, the common options, and a place in docs/cli.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from curator.cli.main import COMMANDS, main

DOCS = Path(__file__).parent.parent / "docs" / "cli.md"


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `curator COMMAND --help` prints."""
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_the_options_of_every_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(command, capsys)
    assert text.startswith(f"usage: curator {command}")
    assert "--json" in text and "--debug" in text
    example = text.partition("example: ")[2].strip()
    assert f"curator {command}" in example and "\n" not in example
    assert shlex.split(example)  # what people paste must be a line that a shell takes
    words = example.rpartition("|")[2].split()
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))
    assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= known


@pytest.mark.parametrize("command", ["train", "jobs", "watch", "cancel", "pause", "resume", "chat", "evaluate"])
def test_commands_that_talk_to_a_provider_let_it_be_named(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--provider NAME" in help_of(command, capsys)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_the_overview_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "example: " in text
    for command, about in COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(about)}$", text, re.MULTILINE)


@pytest.mark.skipif(not DOCS.exists(), reason="docs/cli.md is not written yet")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_handbook_describes_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = DOCS.read_text("utf-8")
    assert re.search(rf"curator {command}\b", text), f"docs/cli.md says nothing of curator {command}"
    offered = set(re.findall(r"^ +(?:-\w [A-Z]+, )?(--[a-z-]+)", help_of(command, capsys), re.MULTILINE))
    missing = {option for option in offered - {"--help"} if option not in text}
    assert not missing, f"docs/cli.md leaves out {', '.join(sorted(missing))} of curator {command}"
