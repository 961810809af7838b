"""`schema` says what the parsers know; `--dry-run` tells the same as the real run and leaves no trace."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import COMMANDS, WRITE_ON_REQUEST, WRITES, main

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def chat(number: int, answer: str = "Yes, it is. ") -> str:
    texts = [("system", "You answer."), ("user", f"Is {number} a number?"), ("assistant", answer)]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


def test_the_schema_is_what_the_commands_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--json"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in schema["commands"]] == list(COMMANDS)
    assert {"edit", "undo"} <= {*schema["operations"]}
    documented = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", DOCS.read_text("utf-8"), re.MULTILINE))
    assert schema["exit_codes"] == documented
    for command in schema["commands"]:
        parts = [command, *command["actions"].values()]
        flags = {flag for part in parts for argument in part["arguments"] for flag in argument["flags"]}
        with pytest.raises(SystemExit):
            main([command["name"], "--help"])
        told = capsys.readouterr().out
        offered = set(re.findall(r"^ +(?:-\w(?: \w+)?, )?(--[a-z-]+)", told, re.MULTILINE)) - {"--help"}
        assert offered <= flags, command["name"]
        assert command["writes"] == (command["name"] in WRITES)
        assert ("--dry-run" in flags) == (command["name"] in WRITES | WRITE_ON_REQUEST)
    assert main(["schema", "list"]) == 0
    assert "--filter" in capsys.readouterr().out
    assert main(["schema", "nothing"]) == 2
    assert "'nothing' is no command" in capsys.readouterr().err


def state(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a file, a workspace with a proposal, another one, and files of operations."""
    monkeypatch.chdir(tmp_path)
    data = [*(chat(number) for number in range(24)), chat(1), "{broken"]
    Path("data.jsonl").write_text("\n".join(data) + "\n")
    Path("more.jsonl").write_text(chat(3) + "\n" + chat(100) + "\n")
    Path("ops.jsonl").write_text(
        '{"op": "label", "examples": [1, 2], "label": "good"}\n{"op": "rate", "example": 999, "rating": 1}\n'
    )
    Path("further.jsonl").write_text('{"op": "note", "example": 3, "note": "x"}\n{"op": "redo"}\n')
    Path("proposed.jsonl").write_text('{"op": "rate", "example": 1, "rating": 4}\n')
    for name in ("a.curator", "b.curator"):
        assert main(["import", "data.jsonl", "-w", name]) == 0
    main(["apply", "b.curator", "ops.jsonl"])
    assert main(["apply", "a.curator", "proposed.jsonl", "--propose", "--by", "robot"]) == 0
    capsys.readouterr()
    return tmp_path


CASES: dict[str, list[str]] = {
    "check": ["check", "data.jsonl", "--sarif", "out.sarif", "--html", "out.html"],
    "fix": ["fix", "data.jsonl", "-o", "out.jsonl"],
    "dedup": ["dedup", "data.jsonl", "-o", "out.jsonl"],
    "split": ["split", "data.jsonl", "-d", ".", "--validation", "0.2"],
    "export": ["export", "b.curator", "-o", "out.jsonl", "--marks", "sidecar"],
    "import": ["import", "more.jsonl", "-w", "a.curator"],
    "merge": ["merge", "b.curator", "-w", "a.curator"],
    "apply": ["apply", "a.curator", "further.jsonl"],
    "proposals": ["proposals", "a.curator", "--accept", "--all"],
    "providers": ["providers", "set", "work", "kind=compatible", "base_url=https://gpu.example.org/v1"],
}
SAME_KEYS: dict[str, tuple[str, ...]] = {
    "fix": ("fixed", "remaining"),
    "dedup": ("exact", "removed", "examples"),
    "split": ("leaks", "train", "validation"),
    "export": ("examples", "bytes", "sha256", "skipped"),
    "import": ("added", "duplicates", "broken"),
    "merge": ("taken", "agreement", "disagreements"),
    "proposals": ("accepted", "left"),
    "providers": ("provider", "path"),
}


def test_a_dry_run_tells_the_same_and_changes_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], curator_home: Path
) -> None:
    for name, words in CASES.items():
        before = state(place), state(curator_home)
        status = main([*words, "--dry-run", "--json"])
        tried = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (state(place), state(curator_home)) == before, name
        assert main([*words, "--json"]) == status, name
        done: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        if name == "apply":
            assert [{**each, "dry_run": True} for each in done] == tried
        for key in SAME_KEYS.get(name, ()):
            assert tried[0][key] == done[0][key], (name, key)
        assert (state(place), state(curator_home)) != before, name  # the real run leaves something


def test_a_dry_run_refuses_what_the_real_run_would(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["fix", "data.jsonl", "-o", "none/out.jsonl"],
        ["export", "b.curator", "-o", "none/out.jsonl"],
        ["import", "gone.jsonl", "-w", "new.curator"],
        ["proposals", "a.curator", "--accept", "77"],
        ["models", "remove", "nothing-like-it"],
    ):
        assert main([*words, "--dry-run"]) == 2, words
        assert capsys.readouterr().err.startswith("curator: ")
    assert main(["import", "data.jsonl", "-w", "new.curator", "--dry-run"]) == 0
    assert "would add 26 examples, 1 of them duplicates; nothing was done" in capsys.readouterr().out
    assert not Path("new.curator").exists()
