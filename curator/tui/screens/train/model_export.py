"""The dialog that asks how a tuned model is written for other programs, and the command that writes it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Select, Static

from curator.core.text import count_of, one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput, Paths, path_of
from curator.tui.widgets.tick import Tick

PROGRESS = "CURATOR_PROGRESS"
"""As in `cli/model_export.py`."""
_FORMS = {
    "gguf q8_0": "GGUF, 8 bits: Ollama, llama.cpp, LM Studio",
    "gguf f16": "GGUF, 16 bits: twice as large, the same answers",
    "gguf q4_0": "GGUF, 4 bits: half as large, some answers differ",
    "merged": "Hugging Face folder: vLLM, transformers",
    "peft": "PEFT adapter: the base model is needed beside it",
}


class ModelExport(NamedTuple):
    """How a model is to be written: format with its quantisation, folder, whether it is proved afterwards."""

    form: str
    folder: Path
    prove: bool


class ModelExportDialog(Dialog[ModelExport]):
    """Asks for format and folder of an export; dismisses with a `ModelExport`."""

    HEADING = "Export this model"
    ACCEPT = "Export"
    HELP = (
        "Writes the tuned model to a new folder for other programs, with a README. Asking it afterwards tells how "
        "many held-out answers the export changed."
    )

    def __init__(self, model: str, folder: Path) -> None:
        super().__init__()
        self._model, self._folder = model, folder

    def compose_body(self) -> ComposeResult:
        """Format, folder, and whether the export is asked afterwards."""
        options = [(Content(words), form) for form, words in _FORMS.items()]
        form = DropDown(options, value="gguf q8_0", allow_blank=False, compact=True, id="form")
        field = LineInput(str(self._folder), suggester=Paths(), compact=True, id="folder")
        yield Static(Content(one_line(self._model)))
        for name, widget in (("Format", form), ("Folder", field)):
            yield Horizontal(Static(Content(name), classes="name"), widget, classes="field")
        yield Tick("Ask it the held-out examples afterwards", True, compact=True, id="prove")

    def on_mount(self) -> None:
        """Focus the button, so that enter exports."""
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Dismiss with what was chosen."""
        folder = path_of(self.query_one("#folder", LineInput))
        form = str(self.query_one("#form", Select).value)
        self.dismiss(ModelExport(form, folder, self.query_one("#prove", Tick).value))


async def run_export(
    model: str, export: ModelExport, prompts: Path, report: Callable[[float, str], object]
) -> str:
    """Run `curator models export`, proved by the prompts of a path, and return a sentence for the user.

    `report` gets the share of a phase that is done, 0 to 1, and what it does. Raises CuratorError if it failed.
    """
    child = await asyncio.create_subprocess_exec(
        *_command(model, export, prompts),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, PROGRESS: "1"},
    )
    out, why = await _outcome(child, report)
    if child.returncode:
        raise CuratorError(f"The model was not exported: {one_line(why, 300)}")
    return ". ".join([f"The model is in {export.folder}", *map(_proof_words, json.loads(out).get("proofs", []))])


async def _outcome(child: Process, report: Callable[[float, str], object]) -> tuple[bytes, str]:
    """What the command wrote, and the last line of its errors; its progress is reported."""
    assert child.stdout is not None and child.stderr is not None
    try:
        out, why = await asyncio.gather(child.stdout.read(), _last_words(child.stderr, report))
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
    return out, why


def _command(model: str, export: ModelExport, prompts: Path) -> list[str]:
    form, _, quantisation = export.form.partition(" ")
    words = [sys.executable, "-m", "curator", "models", "export", model, "-o", str(export.folder), "--json"]
    words += ["--format", form, *(["--quantize", quantisation] if quantisation else [])]
    return [*words, "--prove", str(prompts)] if export.prove else words


async def _last_words(stderr: asyncio.StreamReader, report: Callable[[float, str], object]) -> str:
    """Report what the command tells of its progress; the last of its other lines."""
    last = "the command said nothing"
    async for raw in stderr:
        line = raw.decode("utf-8", "replace").strip()
        first, _, rest = line.partition(" ")
        if first == PROGRESS:
            percent, _, what = rest.partition(" ")
            report(int(percent) / 100, f"export: {what}")
        elif line:
            last = line.removeprefix("curator: ")
    return last


def _proof_words(proof: dict[str, Any]) -> str:
    return (
        f"{proof['program']}: {proof['equal']} of "
        f"{count_of(proof['prompts'], 'answer is', 'answers are')} the same"
    )
