"""What a start pays for: heavy packages are imported only where they are wanted."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curator import paths

SAMPLE = paths.packaged("sample_data") / "emojibot-clean.jsonl"
HEAVY = {
    *("textual", "openai", "torch", "transformers", "numpy", "tiktoken", "pydantic", "rapidfuzz", "starlette"),
    *("sacrebleu", "rouge_score", "nltk", "jsonschema"),
}


def imported(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    tail = "\nimport sys, json; print('\\n' + json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def command(*words: str) -> str:
    return f"from curator.cli.main import main; main({list(words)!r})"


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_and_version_are_light(words: tuple[str, ...]) -> None:
    assert not imported(command(*words)) & HEAVY


def test_no_command_loads_anything_heavy_before_it_runs() -> None:
    assert not imported("import curator.cli.evaluate, curator.cli.train, curator.cli.history") & HEAVY


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("check", str(SAMPLE), "--json"), {"textual", "openai", "torch", "starlette"}),
        (("stats", str(SAMPLE), "--json"), {"textual", "openai", "torch", "starlette"}),
        (("dedup", str(SAMPLE), "--json"), {"textual", "openai", "torch", "starlette", "tiktoken"}),
        (("list", str(SAMPLE), "--json"), {"textual", "openai", "torch", "starlette"}),
    ],
)
def test_commands_import_what_they_use(words: tuple[str, ...], unwanted: set[str]) -> None:
    assert not imported(command(*words)) & unwanted


def test_the_ui_starts_without_the_heavy_ones() -> None:
    assert not imported("import curator.tui.app") & {"openai", "torch", "transformers", "numpy", "starlette"}


def test_a_dataset_is_opened_for_the_first_time_without_the_heavy_ones(tmp_path: Path) -> None:
    file = shutil.copy(SAMPLE, tmp_path / "data.jsonl")
    code = "from pathlib import Path; from curator.workspace import opening; opening.open_workspace(Path({!r}))"
    assert not imported(code.format(str(file))) & {"numpy", "rapidfuzz", "textual", "tiktoken"}


def test_the_server_process_trains_nothing_itself() -> None:
    unwanted = {"numpy", "torch", "transformers", "tokenizers", "textual", "openai"}
    assert not imported("import curator.server.__main__, curator.server.app") & unwanted


def test_every_room_can_be_imported_on_its_own() -> None:
    package = Path(__file__).parent.parent / "curator"
    for room in ("core", "workspace", "jobs", "cli"):
        files = sorted((package / room).rglob("*.py"))
        relative = [file.relative_to(package.parent).with_suffix("") for file in files]
        names = [".".join(path.parts) for path in relative if not path.name.startswith("__")]
        assert "textual" not in imported(
            "import importlib\nfor n in " + repr(names) + ": importlib.import_module(n)"
        )


def test_screens_and_commands_change_a_workspace_by_two_doors_only() -> None:
    """`Workspace.changes` changes examples; a screen asks the session, and the command line has `apply`."""
    package = Path(__file__).parent.parent / "curator"
    doors = {package / "tui" / "session" / "changing.py", package / "cli" / "apply.py"}
    for room in ("tui", "cli", "jobs"):
        for file in set((package / room).rglob("*.py")) - doors:
            names = {
                node.attr for node in ast.walk(ast.parse(file.read_text("utf-8"))) if type(node) is ast.Attribute
            }
            assert "changes" not in names, file
