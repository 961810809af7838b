"""Completions name every command and option, and the shells take them; doctor names other programs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from curator.cli.main import COMMANDS, main
from curator.cli.other_curators import find_commands


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_all_commands_and_options_are_there_and_the_shell_takes_it(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell, "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["completions"]
    for command in COMMANDS:
        assert command in text
    assert "fail-under" in text  # an option of evaluate
    assert "pull" in text  # an action of models
    script = tmp_path / "script"
    script.write_text(text)
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", str(script)], capture_output=True, timeout=30).returncode == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [(["curator", "ev"], "evaluate"), (["curator", "check", "--js"], "--json"), (["curator-ft", "doc"], "doctor")],
)
def test_bash_completes(
    words: list[str], completed: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["completion", "bash"])
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    line = " ".join(f'"{word}"' for word in words)
    code = f'. "{script}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _curator; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert completed in done.stdout.split(), done


def put_command(folder: Path, text: str) -> Path:
    """A command called curator in a folder."""
    folder.mkdir(parents=True)
    command = folder / "curator"
    command.write_text(text)
    command.chmod(0o755)
    return command


def test_another_program_of_that_name_is_named(tmp_path: Path) -> None:
    own = put_command(tmp_path / "own", "#!/usr/bin/python\nfrom curator.cli.entry import entry\n")
    other = put_command(tmp_path / "other", "#!/usr/bin/python\nfrom curator.cli import cli\n")
    found = find_commands(f"{other.parent}:{own.parent}", own.parent)
    assert (found["ours"], found["others"]) == (False, [str(other)])
    assert "type curator-ft" in found["says"]
    found = find_commands(f"{own.parent}:{other.parent}", own.parent)
    assert found["ours"] is True
    assert str(other) in found["says"]
    assert find_commands(str(own.parent), own.parent)["says"] == ""
    assert find_commands("", own.parent)["path"] == ""
