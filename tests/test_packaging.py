"""What an installed Curator needs beside its code goes into the wheel, under both names of the command."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from curator import paths
from curator.cli import entry

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_both_names_of_the_command_lead_to_the_same_program() -> None:
    assert PROJECT["project"]["scripts"] == dict.fromkeys(("curator", "curator-ft"), "curator.cli.entry:entry")
    assert callable(entry.entry)


def test_folders_beside_the_package_are_put_where_it_looks_for_them() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {"themes": "curator/themes", "sample_data": "curator/sample_data"}
    for folder in included:
        assert any(paths.packaged(folder).iterdir())


def test_every_extra_that_a_sentence_names_is_there() -> None:
    files = [*(ROOT / "curator").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = {
        extra for file in files for extra in re.findall(r"(?:curator-ft|\.)\[(\w+)\]'", file.read_text("utf-8"))
    }
    assert "web" in named
    assert named <= PROJECT["project"]["optional-dependencies"].keys()
