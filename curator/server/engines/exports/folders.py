"""Export a model as a new folder: its PEFT adapter, or a Hugging Face folder with the adapter merged into the
weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curator.atomic import sync_folder, write_bytes
from curator.basemodels.tokenizer_config import read_object
from curator.errors import CuratorError, InputError, UsageError

if TYPE_CHECKING:
    from curator.basemodels.text_model import TextModel
    from curator.basemodels.weights import Weights

_TEXT_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "LICENSE",
    "SOURCE.txt",
)
_SPARE = 16 * 2**20
"""Bytes that must be free beside those of the weights."""


def export_adapter(adapter: Path, out: Path, readme: str = "") -> Path:
    """Copy a PEFT folder to the new folder `out`. Raises UsageError if that exists, CuratorError if the disk is
    full."""

    def fill(part: Path) -> None:
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.copyfile(adapter / name, part / name)
        write_text(part / "README.md", readme)

    return write_folder(out, fill, (adapter / "adapter_model.safetensors").stat().st_size)


def merge(base: Path, adapter: Path | None) -> Weights:
    """The weights of a base model with an adapter merged: W + (alpha/r)·B·A for each adapted layer. Raises
    InputError if the embedded engine cannot run the model."""
    from curator.basemodels import weights  # heavy: NumPy
    from curator.server.engines.embedded.lora import read_peft  # heavy: NumPy

    loaded = weights.load(base)
    if adapter is not None:
        lora = read_peft(adapter, loaded.config)
        pairs = lora.tensors()
        for name in [n for n in pairs if n.endswith("lora_A.weight")]:
            b = pairs[name.replace("lora_A", "lora_B")]
            target = name.removeprefix("base_model.model.").replace("lora_A.weight", "weight")
            merged = loaded.tensors[target] + lora.scale * (b @ pairs[name])
            loaded.tensors[target] = merged.astype("float32")
    return loaded


def export_template(text: TextModel) -> str:
    """The chat template of an exported model: its own, with tools as text before it if that shows none."""
    from curator.basemodels.chat_render import tool_form  # heavy
    from curator.basemodels.tool_template import with_tools

    return text.template if tool_form(text).native else with_tools(text.template)


def export_merged(base: Path, adapter: Path | None, out: Path, readme: str = "") -> Path:
    """Write `out` as a Hugging Face folder: float32 weights with the adapter merged, tokenizer, template, config.

    Raises UsageError if `out` exists, InputError if the embedded engine cannot run the model, CuratorError if the
    disk is full.
    """
    from safetensors.numpy import save_file  # heavy

    from curator.basemodels import text_model  # heavy: tokenizers

    loaded = merge(base, adapter)
    scaling = loaded.config.rope_scaling
    if scaling is not None and scaling.kind == "listed":
        raise InputError(
            f"{base.name} cannot be written as a Hugging Face folder, which has no name for how its positions are "
            "stretched: export it as gguf"
        )

    def fill(part: Path) -> None:
        save_file(loaded.tensors, part / "model.safetensors", metadata={"format": "pt"})
        config = loaded.config.as_hf() | _end_token_ids(base)
        write_bytes(part / "config.json", json.dumps(config, indent=2).encode())
        copy_text_files(base, part)
        write_text(part / "chat_template.jinja", export_template(text_model.load(base)))
        write_text(part / "README.md", readme)

    return write_folder(out, fill, sum(value.nbytes for value in loaded.tensors.values()))


def copy_text_files(base: Path, part: Path, names: tuple[str, ...] = _TEXT_FILES) -> None:
    """Copy those of the base model's small files that are there."""
    for name in names:
        if (base / name).is_file():
            shutil.copyfile(base / name, part / name)


def _end_token_ids(base: Path) -> dict[str, object]:
    raw = read_object(base / "config.json")
    return {k: v for k, v in raw.items() if k in ("bos_token_id", "eos_token_id", "pad_token_id")}


def write_text(path: Path, text: str) -> None:
    """Write a text file; none for an empty text."""
    if text:
        write_bytes(path, text.encode("utf-8", "replace"))


def write_folder(out: Path, fill: Callable[[Path], None], size: int) -> Path:
    """Have `fill` write a hidden folder of about `size` bytes, then rename it to `out`.

    Raises UsageError if `out` exists, CuratorError if there is too little space or the folder cannot be written;
    then nothing is left behind.
    """
    if out.exists():
        raise UsageError(f"{out} exists already: name a new folder")
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _require_space(part, size + _SPARE)
        fill(part)
        part.rename(out)
        sync_folder(out.parent)
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":  # that library's own
            raise
        raise CuratorError(f"{out} cannot be written: {error}; nothing was kept") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise CuratorError(
            f"The export needs {size / 1e6:,.0f} MB and {folder.parent} has {free / 1e6:,.0f} MB free: "
            "free some space, or name a folder elsewhere"
        )
