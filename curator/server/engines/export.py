"""Export a model: its PEFT adapter folder, or a whole Hugging Face folder with the adapter merged into the
weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from curator.atomic import sync_folder, write_bytes
from curator.basemodels.tokenizer_config import read_object
from curator.errors import UsageError

_TEXT_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
    "LICENSE",
    "SOURCE.txt",
)


def export_adapter(adapter: Path, out: Path) -> Path:
    """Copy a PEFT folder to the new folder `out`. Raises UsageError if that exists."""

    def fill(part: Path) -> None:
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.copyfile(adapter / name, part / name)

    return _write_folder(out, fill)


def export_merged(base: Path, adapter: Path | None, out: Path) -> Path:
    """Write `out` as a Hugging Face folder: float32 weights with the adapter merged, tokenizer, template, config.

    Merging is W + (alpha/r)·B·A for each adapted layer. Raises UsageError if `out` exists, InputError if the model
    is not of Llama architecture.
    """
    from safetensors.numpy import save_file  # heavy

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

    def fill(part: Path) -> None:
        save_file(loaded.tensors, part / "model.safetensors", metadata={"format": "pt"})
        config = loaded.config.as_hf() | _end_token_ids(base)
        write_bytes(part / "config.json", json.dumps(config, indent=2).encode())
        for name in _TEXT_FILES:
            if (base / name).is_file():
                shutil.copyfile(base / name, part / name)

    return _write_folder(out, fill)


def _end_token_ids(base: Path) -> dict[str, object]:
    raw = read_object(base / "config.json")
    return {k: v for k, v in raw.items() if k in ("bos_token_id", "eos_token_id", "pad_token_id")}


def _write_folder(out: Path, fill: Callable[[Path], None]) -> Path:
    """Have `fill` write a hidden folder, then rename it to `out`. Raises UsageError if `out` exists."""
    if out.exists():
        raise UsageError(f"{out} exists already: name a new folder")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        fill(part)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    sync_folder(out.parent)
    return out
