"""Ask a GGUF file through llama.cpp, where one of its packages is installed: `llama-cpp-python`, or
`node-llama-cpp` for Node.js.

The conversation is rendered by the file's own chat template and read by llama.cpp with the file's own tokenizer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.server.engines.exports.proof import LONGEST_ANSWER, ProofPrompt, Report

_HERE = Path(__file__).parent
_PACKAGE = Path("node_modules", "node-llama-cpp", "dist", "index.js")


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """A way to run llama.cpp: a command that reads one JSON object from stdin and writes a JSON line an answer."""

    program: str
    command: tuple[str, ...]


def find_llama_cpp(folder: Path | None = None) -> LlamaCpp | None:
    """The way that works on this machine; None if there is none. Node.js's package is looked for in `folder`, by
    default the working folder, and in the folders above it."""
    if find_spec("llama_cpp") is not None:
        return LlamaCpp("llama.cpp (llama-cpp-python)", (sys.executable, str(_HERE / "ask_llama_cpp.py")))
    node, place = shutil.which("node"), (folder or Path.cwd()).resolve()
    package = next((path / _PACKAGE for path in (place, *place.parents) if (path / _PACKAGE).is_file()), None)
    if node is None or package is None:
        return None
    return LlamaCpp("llama.cpp (node-llama-cpp)", (node, str(_HERE / "ask_llama_cpp.mjs"), package.as_uri()))


def ask_llama_cpp(
    way: LlamaCpp, file: Path, prompts: Sequence[str], stops: Sequence[str], report: Report
) -> list[str]:
    """The likeliest answers to rendered prompts. Raises CuratorError if llama.cpp cannot run the file."""
    request = {"file": str(file.resolve()), "prompts": [*prompts], "stops": [*stops], "longest": LONGEST_ANSWER}
    answers: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(way.command, stdin=PIPE, stdout=PIPE, stderr=errors, encoding="utf-8") as child:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(request))
            child.stdin.close()
            for line in child.stdout:
                answers.append(str(json.loads(line)["answer"]))
                report(len(answers), len(prompts))
        if len(answers) != len(prompts):
            errors.seek(0)
            why = next((line for line in errors if "rror" in line), "it ended early")
            raise CuratorError(f"{way.program} cannot run {file.name}: {one_line(why, 200)}")
    return answers


def rendered_prompts(folder: Path, questions: Sequence[ProofPrompt]) -> tuple[list[str], list[str]]:
    """What the GGUF file in `folder` makes of the questions, by its own chat template, and the texts that end an
    answer."""
    from curator.basemodels import chat_render, text_model  # heavy: tokenizers

    text = text_model.load(folder)
    prompts = [chat_render.render_text(text, q.messages, True, q.tools) for q in questions]
    ends = [text.tokenizer.id_to_token(end) for end in text.end_ids]
    return prompts, [end for end in ends if end]
