"""Export a model as a folder with one GGUF file, Ollama's Modelfile and a README."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from curator.basemodels import chat_render, text_model
from curator.basemodels.gguf_model import list_tensors, write_gguf_model
from curator.basemodels.text_model import TextModel
from curator.core.text import count_of
from curator.server.engines.exports import folders
from curator.server.engines.exports.chat_frames import ChatFrames, find_frames
from curator.server.engines.exports.model_card import ModelCard, make_readme, sha256_of
from curator.server.engines.exports.modelfile import make_modelfile

DEFAULT_QUANTISATION = "q8_0"
_DESCRIBED = {
    "f16": "half precision: answers as the tuned model does",
    "q8_0": "8 bits a weight: nearly always the same answers",
    "q4_0": "4 bits a weight: a quarter of the size, some answers differ; try them with --prove",
}


def export_gguf(
    base: Path,
    adapter: Path | None,
    out: Path,
    card: ModelCard,
    quantisation: str = DEFAULT_QUANTISATION,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the new folder `out`: `NAME.QUANTISATION.gguf`, `Modelfile`, `README.md`, the base model's licence.

    `say` is called with the bytes written and all bytes. Raises UsageError if `out` exists, InputError if the
    model is not of Llama architecture or its tokenizer has no name in GGUF, CuratorError if the disk is full.
    """
    text = text_model.load(base)
    weights = folders.merge(base, adapter)
    file = f"{card.file_stem}.{quantisation.upper()}.gguf"

    def fill(part: Path) -> None:
        write_gguf_model(
            part / file,
            weights,
            base,
            text,
            name=card.name,
            template=folders.export_template(text),
            quantisation=quantisation,
            say=say,
        )
        folders.write_text(part / "Modelfile", _modelfile(file, text, card, weights.config.max_positions))
        folders.copy_text_files(base, part, ("LICENSE", "SOURCE.txt"))
        folders.write_text(part / "README.md", _readme(card, part / file, quantisation))

    return folders.write_folder(out, fill, sum(tensor.size for tensor in list_tensors(weights, quantisation)))


def _modelfile(file: str, text: TextModel, card: ModelCard, context: int) -> str:
    return make_modelfile(
        file,
        frames=_frames(text),
        system=card.system,
        stops=_stops(text),
        context=context,
        comment=[f"{card.name}, from {card.base}. ollama create NAME -f Modelfile"],
    )


def _frames(text: TextModel) -> ChatFrames | None:
    """The frames of a template without tools; one with tools of its own is better known to Ollama than here."""
    if chat_render.tool_form(text).native:
        return None
    return find_frames(lambda messages, ask: chat_render.render_text(text, messages, ask))


def _stops(text: TextModel) -> list[str]:
    """The texts of the tokens that end an answer."""
    tokens = [text.tokenizer.id_to_token(end) for end in text.end_ids]
    return [token for token in tokens if token]


def _readme(card: ModelCard, file: Path, quantisation: str) -> str:
    size = file.stat().st_size
    uses = f"""\
| program | command |
|---|---|
| Ollama | `ollama create {card.file_stem.lower()} -f Modelfile`, then `ollama run {card.file_stem.lower()}` |
| llama.cpp | `llama-server -m {file.name} --jinja`, then http://127.0.0.1:8080/v1 |
| LM Studio | `lms import {file.name}` |

`{file.name}`: {count_of(size, "byte")}, SHA-256 {sha256_of(file)}.

The chat template in the file also shows tools and writes calls as `<tool_call>`; the Modelfile does so for Ollama.
"""
    form = f"GGUF, {quantisation.upper()} ({_DESCRIBED[quantisation]})"
    return make_readme(card, form, uses)
