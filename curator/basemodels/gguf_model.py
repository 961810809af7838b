"""A model of Llama architecture or its kin as one GGUF file, in the formats F16, Q8_0 and Q4_0.

Names and layout are llama.cpp's; matrices are written in the chosen format, norms in float32. With Q4_0 the
embedding, which answers depend on most, is written in Q8_0. A matrix whose rows no block divides is written in
F16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from curator.basemodels import gguf_blocks as blocks
from curator.basemodels.gguf_blocks import Floats
from curator.basemodels.gguf_vocabulary import vocabulary_metadata
from curator.basemodels.gguf_writer import Tensor, Value, write_header, write_tensor
from curator.basemodels.model_shape import LlamaShape
from curator.basemodels.text_model import TextModel
from curator.basemodels.weights import Weights, gguf_block_names
from curator.errors import InputError

QUANTISATIONS = {"f32": blocks.F32, "f16": blocks.F16, "q8_0": blocks.Q8_0, "q4_0": blocks.Q4_0}
_FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7, "q4_0": 2}
_BLOCK = 32


def list_tensors(weights: Weights, quantisation: str) -> list[Tensor]:
    """The tensors of the file, in its order."""
    config, values = weights.config, weights.tensors
    kind = QUANTISATIONS[quantisation]
    embedding = blocks.Q8_0 if kind == blocks.Q4_0 else kind
    out = [_tensor("token_embd.weight", values["model.embed_tokens.weight"], embedding)]
    if not config.tied:
        out.append(_tensor("output.weight", values["lm_head.weight"], embedding))
    for layer in range(config.num_layers):
        for theirs, ours, heads in gguf_block_names(config):
            value = values[f"model.layers.{layer}.{ours}"]
            out.append(_tensor(f"blk.{layer}.{theirs}", value, kind, heads))
    if config.rope_scaling is not None and config.rope_scaling.kind != "linear":
        plain = replace(config, rope_scaling=None).frequencies()
        out.append(_tensor("rope_freqs.weight", config.rope_scaling.divisors(plain).astype(np.float32), kind))
    return [*out, _tensor("output_norm.weight", values["model.norm.weight"], kind)]


def model_metadata(config: LlamaShape, name: str, quantisation: str) -> dict[str, Value]:
    """All keys `general.…` and those of the architecture. Raises InputError for a model that has no form in
    GGUF."""
    kind = "llama" if config.architecture == "mistral" else config.architecture
    scaling = config.rope_scaling
    extra = {"llama": None, "qwen2": 3, "qwen3": 0}[kind]
    if extra is not None and (len(config.biases) != extra or (scaling and scaling.kind != "linear")):
        raise InputError(
            f"{name} cannot be written as GGUF: programs that read {kind} models there take no "
            f"{'other biases' if len(config.biases) != extra else 'positions stretched so'}; export it as merged"
        )
    keys: dict[str, Value] = {
        "block_count": config.num_layers,
        "context_length": config.max_positions,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_heads,
        "attention.head_count_kv": config.num_kv_heads,
        "attention.key_length": config.head_dim,
        "attention.value_length": config.head_dim,
        "attention.layer_norm_rms_epsilon": config.rms_eps,
        "rope.freq_base": config.rope_theta,
        "rope.dimension_count": config.head_dim,
        "vocab_size": config.vocab_size,
    }
    if scaling is not None and scaling.kind == "linear":
        keys |= {"rope.scaling.type": "linear", "rope.scaling.factor": scaling.factor}
    return {
        "general.architecture": kind,
        "general.type": "model",
        "general.name": name,
        "general.file_type": _FILE_TYPES[quantisation],
        "general.quantization_version": 2,
        **{f"{kind}.{key}": value for key, value in keys.items()},
    }


def write_gguf_model(
    path: Path,
    weights: Weights,
    folder: Path,
    text: TextModel,
    *,
    name: str,
    template: str,
    quantisation: str,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write `path`: the weights with the tokenizer of the base model's `folder` and a chat template.

    `say` is called with the bytes written and all bytes. Raises InputError for a tokenizer without a name in GGUF,
    OSError if the file cannot be written.
    """
    tensors = list_tensors(weights, quantisation)
    metadata = model_metadata(weights.config, name, quantisation)
    metadata |= vocabulary_metadata(folder, text, template, weights.config.vocab_size)
    total, done = sum(tensor.size for tensor in tensors), 0
    with path.open("wb") as file:
        write_header(file, metadata, tensors)
        for tensor in tensors:
            write_tensor(file, tensor)
            done += tensor.size
            say(done, total)


def _tensor(name: str, value: Floats, kind: int, heads: int = 0) -> Tensor:
    if value.ndim == 1:
        kind = blocks.F32
    elif value.shape[-1] % _BLOCK:
        kind = blocks.F16
    return Tensor(name, value.shape, kind, partial(_permute, value, heads) if heads else lambda: value)


def _permute(weight: Floats, heads: int) -> Floats:
    """The order of rows that GGUF has for queries and keys of a Llama model: the reverse of
    `weights._unpermute`."""
    halves = weight.reshape(heads, 2, len(weight) // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(weight.shape)
