"""Load a base model of Llama architecture (GGUF or Hugging Face safetensors) as float32 arrays.

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

GGUF_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""The names of a block's tensors in GGUF → in Hugging Face's files."""


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The configuration of a Llama model; sizes are numbers of elements."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rope_theta: float
    rms_eps: float
    max_positions: int
    tied: bool

    def as_hf(self) -> dict[str, Any]:
        """The same as the content of a Hugging Face `config.json`."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "rope_theta": self.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "rms_norm_eps": self.rms_eps,
            "max_position_embeddings": self.max_positions,
            "tie_word_embeddings": self.tied,
            "attention_bias": False,
            "mlp_bias": False,
            "torch_dtype": "float32",
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
    if not folder.is_dir():
        return "it is no folder on this machine"
    if find_gguf(folder) is not None:
        return None
    raw = read_object(folder / "config.json")
    if not raw:
        return "the folder holds neither a .gguf file nor a config.json"
    if raw.get("model_type") != "llama":
        return f"its architecture is '{raw.get('model_type')}', not llama"
    if raw.get("hidden_act", "silu") != "silu":
        return f"its activation is '{raw.get('hidden_act')}', not silu"
    if raw.get("attention_bias") or raw.get("mlp_bias"):
        return "its layers have biases"
    scaling = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    if scaling.get("rope_type", scaling.get("type", "default")) != "default":
        return f"its positions are scaled ({scaling.get('rope_type', scaling.get('type'))})"
    if raw.get("quantization_config"):
        return "its weights are quantised in a way only the hf engine reads"
    if not list(folder.glob("*.safetensors")):
        return "the folder holds no .safetensors file"
    return None


def read_shape(folder: Path) -> LlamaShape | None:
    """The shape of the model of a folder; None where the embedded engine cannot run it. Reads no weights."""
    if why_unsupported(folder):
        return None
    gguf = find_gguf(folder)
    try:
        return gguf_config(open_gguf(gguf)) if gguf is not None else _hf_config(folder / "config.json")
    except (InputError, OSError):
        return None


def load(folder: Path) -> Weights:
    """Load all weights of a model folder as float32. Raises InputError with the reason if it cannot be done."""
    reason = why_unsupported(folder)
    if reason:
        raise InputError(f"{folder.name} cannot run on the embedded engine: {reason}")
    gguf = find_gguf(folder)
    if gguf is not None:
        return _from_gguf(open_gguf(gguf))
    config = _hf_config(folder / "config.json")
    tensors: dict[str, Floats] = {}
    for file in sorted(folder.glob("*.safetensors")):
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


def _hf_config(path: Path) -> LlamaShape:
    raw = read_object(path)
    try:
        heads, hidden = int(raw["num_attention_heads"]), int(raw["hidden_size"])
        rope = raw.get("rope_parameters") or {}
        return LlamaShape(
            vocab_size=int(raw["vocab_size"]),
            hidden_size=hidden,
            intermediate_size=int(raw["intermediate_size"]),
            num_layers=int(raw["num_hidden_layers"]),
            num_heads=heads,
            num_kv_heads=int(raw.get("num_key_value_heads") or heads),
            head_dim=int(raw.get("head_dim") or hidden // heads),
            rope_theta=float(raw.get("rope_theta") or rope.get("rope_theta") or 10000.0),
            rms_eps=float(raw.get("rms_norm_eps", 1e-6)),
            max_positions=int(raw.get("max_position_embeddings", 2048)),
            tied=bool(raw.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no Llama configuration: {error!r}") from error


def _check_complete(name: str, config: LlamaShape, tensors: dict[str, Floats]) -> None:
    required = {"model.embed_tokens.weight", "model.norm.weight"}
    if not config.tied:
        required.add("lm_head.weight")
    for layer in range(config.num_layers):
        required |= {f"model.layers.{layer}.{part}.weight" for part in GGUF_NAMES.values()}
    missing = sorted(required - tensors.keys())
    if missing:
        raise InputError(f"{name} lacks {len(missing)} of its weights, such as {missing[0]}: copy the model again")


def gguf_config(file: Gguf) -> LlamaShape:
    """The configuration in a GGUF file's metadata. Raises InputError if it is no Llama model."""
    meta = file.metadata
    if meta.get("general.architecture") != "llama":
        raise InputError(
            f"{file.path.name} is a '{meta.get('general.architecture')}' model; the engine needs llama"
        )
    try:
        heads, hidden = int(meta["llama.attention.head_count"]), int(meta["llama.embedding_length"])
        embedding = file.entries["token_embd.weight"]
        return LlamaShape(
            vocab_size=embedding.shape[0],
            hidden_size=hidden,
            intermediate_size=int(meta["llama.feed_forward_length"]),
            num_layers=int(meta["llama.block_count"]),
            num_heads=heads,
            num_kv_heads=int(meta.get("llama.attention.head_count_kv", heads)),
            head_dim=int(meta.get("llama.attention.key_length", hidden // heads)),
            rope_theta=float(meta.get("llama.rope.freq_base", 10000.0)),
            rms_eps=float(
                np.float64(np.format_float_positional(np.float32(meta["llama.attention.layer_norm_rms_epsilon"])))
            ),
            max_positions=int(meta["llama.context_length"]),
            tied="output.weight" not in file.entries,
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{file.path.name} lacks the metadata of a Llama model: {error!r}") from error


def _from_gguf(file: Gguf) -> Weights:
    config = gguf_config(file)
    tensors = {
        "model.embed_tokens.weight": file.tensor("token_embd.weight"),
        "model.norm.weight": file.tensor("output_norm.weight"),
    }
    if not config.tied:
        tensors["lm_head.weight"] = file.tensor("output.weight")
    heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}

    def read(layer: int) -> dict[str, Floats]:
        weights = {}
        for theirs, ours in GGUF_NAMES.items():
            weight = file.tensor(f"blk.{layer}.{theirs}.weight")
            name = f"model.layers.{layer}.{ours}.weight"
            weights[name] = _unpermute(weight, heads[theirs]) if theirs in heads else weight
        return weights

    with ThreadPoolExecutor(2) as pool:
        for weights in pool.map(read, range(config.num_layers)):
            tensors |= weights
    return Weights(config, tensors)


def _unpermute(weight: Floats, heads: int) -> Floats:
    """Reorder the rows of a query or key matrix: GGUF interleaves each head's rotary pairs, Hugging Face keeps
    the first and the second coordinates in two halves."""
    rows, columns = weight.shape
    paired = weight.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(paired.swapaxes(1, 2)).reshape(rows, columns)
