"""Every file of `tests/data/cases` through `check`, `dedup`, `split` and `list`, each with the right value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main

CASES = Path(__file__).parent / "data" / "cases"
RIGHT: dict[str, dict[str, Any]] = json.loads(CASES.with_name("cases-right.json").read_text("utf-8"))
"""By file: `errors` and `warnings` of check by rule, `removed`, `near` and `families` of dedup, `sides` of a split
with a fifth held out (or how it is refused), and the first example as `list` shows it."""
USUAL = ("few_examples", "too_few_examples", "missing_validation_file", "missing_system_message")
"""Findings that nearly every file here has."""


def test_every_case_has_its_right_values() -> None:
    assert sorted(RIGHT) == sorted(file.name for file in CASES.iterdir())


@pytest.mark.parametrize("name", RIGHT)
def test_the_commands_say_of_a_file_what_is_right(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told_by_the_commands(CASES / name, tmp_path, capsys) == RIGHT[name]


def told_by_the_commands(path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the four commands say of a file."""

    def answer(*words: object) -> Any:
        status = main([*map(str, words), "--json"])
        told = capsys.readouterr()
        return json.loads(told.out) if told.out else {"status": status, "words": told.err.split(":")[1].strip()}

    check = answer("check", path)["files"][0]
    dedup = answer("dedup", path)
    split = answer("split", path, "-d", folder, "--validation", "0.2")
    [first] = answer("list", path, "--limit", "1")["examples"]
    sides = [split[side]["examples"] for side in ("train", "validation")] if "train" in split else split
    return {
        "errors": {rule: count for rule, count in check["errors"].items() if rule not in USUAL},
        "warnings": {rule: count for rule, count in check["warnings"].items() if rule not in USUAL},
        "tokens": [check["tokens"]["total"], check["tokens"]["assistant"]],
        "near": dedup["near"],
        "removed": dedup["removed"],
        "families": len(dedup["families"]),
        "sides": sides,
        "first": [first["line"], first["problems"], first["tokens"], "example" in first],
    }
