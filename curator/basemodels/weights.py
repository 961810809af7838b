"""Load a base model of Llama architecture or its kin (GGUF or Hugging Face safetensors) as float32 arrays.

Tensor names and layout are Hugging Face's (`model.layers.0.self_attn.q_proj.weight`, rotate-half RoPE).
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curator.basemodels.gguf import Gguf, open_gguf
from curator.basemodels.gguf_blocks import Floats
from curator.basemodels.model_shape import (
    GGUF_HEAD_NORMS,
    GGUF_NAMES,
    LlamaShape,
    shape_of_config,
    shape_of_gguf,
)
from curator.basemodels.tokenizer_config import read_object
from curator.errors import InputError

_HEADER_CAP = 100 * 2**20
"""Largest header of a safetensors file in bytes, which is the format's limit."""

_DTYPES: dict[str, Any] = {
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "F64": np.float64,
    "I64": np.int64,
}


@dataclass(frozen=True, slots=True)
class Weights:
    """A loaded base model: `tensors` by Hugging Face name, all float32."""

    config: LlamaShape
    tensors: dict[str, Floats]


def find_gguf(folder: Path) -> Path | None:
    """The first `.gguf` file in a folder; None if there is none."""
    files = sorted(folder.glob("*.gguf"))
    return files[0] if files else None


def why_unsupported(folder: Path) -> str | None:
    """Why the embedded engine cannot run the model of a folder, as half a sentence; None if it can. Reads no
    weights."""
    try:
        _open_folder(folder)
    except InputError as error:
        return str(error)
    return None


def read_shape(folder: Path) -> LlamaShape | None:
    """The shape of the model of a folder; None where the embedded engine cannot run it. Reads no weights."""
    try:
        return _open_folder(folder)[0]
    except (InputError, OSError):
        return None


def _open_folder(folder: Path) -> tuple[LlamaShape, Gguf | None]:
    """The shape of a model, and its GGUF file if it is one. Raises InputError with the reason, as half a
    sentence."""
    if not folder.is_dir():
        raise InputError("it is no folder on this machine")
    gguf = find_gguf(folder)
    if gguf is not None:
        file = open_gguf(gguf, texts=False)
        return shape_of_gguf(file), file
    raw = read_object(folder / "config.json")
    if not raw:
        raise InputError("the folder holds neither a .gguf file nor a config.json")
    shape = shape_of_config(raw)
    if not weight_files(folder):
        raise InputError("the folder holds no .safetensors file")
    return shape, None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model: those of its index, `model.safetensors`, or all that are there. Some
    folders hold the weights once more under other names."""
    index = read_object(folder / "model.safetensors.index.json").get("weight_map")
    named = {str(name) for name in index.values()} if isinstance(index, dict) else {"model.safetensors"}
    files = [folder / name for name in sorted(named) if Path(name).name == name and (folder / name).is_file()]
    return files if len(files) == len(named) else sorted(folder.glob("*.safetensors"))


def load(folder: Path, *, by_column: bool = False) -> Weights:
    """Load all weights of a model folder as float32. `by_column`: matrices of a GGUF file lie in memory column by
    column. Raises InputError with the reason if it cannot be done."""
    try:
        config, gguf = _open_folder(folder)
    except InputError as error:
        raise InputError(f"{folder.name} cannot run on the embedded engine: {error}") from error
    if gguf is not None:
        return _from_gguf(gguf, config, by_column)
    tensors: dict[str, Floats] = {}
    for file in weight_files(folder):
        tensors |= read_safetensors(file)
    _check_complete(folder.name, config, tensors)
    return Weights(config, tensors)


def read_safetensors(path: Path) -> dict[str, Floats]:
    """All tensors of a safetensors file as float32, by name. Raises InputError if the file is damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_HEADER_CAP, path.stat().st_size - 8):
                raise ValueError("the header's length is wrong")
            header = json.loads(file.read(length))
        data = (
            np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
            if path.stat().st_size > 8 + length
            else None
        )
        return {name: _slice(data, entry) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {error}") from error


def _slice(data: Any, entry: dict[str, Any]) -> Floats:
    begin, end = entry["data_offsets"]
    if not 0 <= begin <= end <= (0 if data is None else len(data)):
        raise ValueError("a tensor lies outside the file")
    raw = np.array(data[begin:end]).view(_DTYPES[entry["dtype"]]) if end > begin else np.zeros(0, np.float32)
    if entry["dtype"] == "BF16":
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32, copy=False).reshape(entry["shape"])


def _check_complete(name: str, config: LlamaShape, tensors: dict[str, Floats]) -> None:
    required = {"model.embed_tokens.weight", "model.norm.weight"}
    if not config.tied:
        required.add("lm_head.weight")
    for layer in range(config.num_layers):
        required |= {f"model.layers.{layer}.{part}" for part in config.block_tensors()}
    missing = sorted(required - tensors.keys())
    if missing:
        raise InputError(f"{name} lacks {len(missing)} of its weights, such as {missing[0]}: copy the model again")
    blocks = [each for each in tensors if each.startswith("model.layers.") and "rotary_emb" not in each]
    if strange := sorted(set(blocks) - required):
        raise InputError(f"{name} holds weights that the engine does not know, such as {strange[0]}")


def _from_gguf(file: Gguf, config: LlamaShape, by_column: bool) -> Weights:
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if not config.tied:
        whole["lm_head.weight"] = "output.weight"

    def read(layer: int) -> dict[str, Floats]:
        found = {}
        for theirs, ours, heads in gguf_block_names(config):
            name = f"blk.{layer}.{theirs}"
            found[f"model.layers.{layer}.{ours}"] = file.tensor(name, heads, by_column=by_column)
        return found

    with ThreadPoolExecutor(2) as pool:  # the largest ones first
        large = {ours: pool.submit(file.tensor, theirs, by_column=by_column) for ours, theirs in whole.items()}
        blocks = [pool.submit(read, layer) for layer in range(config.num_layers)]
        tensors = {ours: task.result() for ours, task in large.items()}
        for task in blocks:
            tensors |= task.result()
    return Weights(config, tensors)


def gguf_block_names(config: LlamaShape) -> list[tuple[str, str, int]]:
    """The tensors of a block: name in GGUF, name in Hugging Face's files, and the number of heads by which GGUF
    orders its rows otherwise, 0 if it does not."""
    names = {ours: theirs for theirs, ours in (GGUF_NAMES | GGUF_HEAD_NORMS).items()}
    turned = {"self_attn.q_proj": config.num_heads, "self_attn.k_proj": config.num_kv_heads}
    out = []
    for name in config.block_tensors():
        part, _, end = name.rpartition(".")
        heads = turned.get(part, 0) if config.architecture in ("llama", "mistral") else 0
        out.append((f"{names[part]}.{end}", name, heads))
    return out
