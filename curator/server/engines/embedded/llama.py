"""Llama models and their kin (Mistral, Qwen2, Qwen3) in NumPy: forward over packed rows, backward to LoRA only.

Architecture: Touvron et al. 2023 (RMSNorm, rotary positions, SwiGLU, grouped-query attention), with biases and
norms on queries and keys where the model has them. The base weights are frozen, so no gradient of them is
computed. In the shapes below T is the number of tokens of a row, H the hidden size.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from curator.basemodels.weights import Weights
from curator.server.engines.embedded import attention
from curator.server.engines.embedded.batches import PackedRow
from curator.server.engines.embedded.dropout import Dropout, DroppedInputs
from curator.server.engines.embedded.lora import GROUPS, Adapter, Array, LoraGroup, layer_sizes
from curator.server.engines.embedded.norms import HeadNorms, rms_norm, rms_norm_backward
from curator.server.engines.embedded.products import Products

_HF_NAMES = {name: [f"{part}.weight" for part in parts] for name, parts in GROUPS.items()}


@dataclass(slots=True)
class Layer:
    """One block's frozen weights, (outputs, inputs). `linear` holds one matrix a group of `lora.GROUPS`,
    stacked; `bias` the biases (outputs,) of the groups that have some."""

    linear: dict[str, Array]
    bias: dict[str, Array]
    attention_norm: Array
    mlp_norm: Array
    head_norms: HeadNorms | None


@dataclass(slots=True)
class Taps:
    """What one block saves for its backward pass.

    `x` and `middle` (T, H) are its input and the sum after attention; `inputs` and `low` hold each group's input
    and low-rank activations; `gate`, `up` and `sigmoid` (T, intermediate) belong to SwiGLU. `dropped` says
    which of a group's inputs its adapter did not see.
    """

    x: Array
    middle: Array
    inputs: dict[str, Array]
    low: dict[str, Array]
    attended: attention.SavedAttention
    gate: Array
    up: Array
    sigmoid: Array
    dropped: dict[str, DroppedInputs] = field(default_factory=dict)


@dataclass(slots=True)
class Tape:
    """What a forward pass saves for the backward pass: the `taps` of each block, or of the last ones only, and the
    last block's output (T, H)."""

    row: PackedRow
    taps: list[Taps]
    last: Array


class Gradients(Protocol):
    """Takes the gradient of each group of an adapter during the backward pass, as `Adapter.add` does."""

    def add(self, group: str, layer: int, inputs: Array, low: Array, d_low: Array, d_out: Array) -> None:
        """Take one group's gradient in one block."""


class Llama:
    """A base model ready to compute. `splits[group]` are the output columns of each linear layer of a group.

    `decoding_threads`: how many threads share a product where answers are decoded, 0 for training.
    """

    def __init__(self, weights: Weights, dtype: Any = np.float32, decoding_threads: int = 0) -> None:
        self.config = config = weights.config
        self.products = Products(max(1, decoding_threads), by_column=decoding_threads > 0)
        tensors = weights.tensors
        self.embedding: Array = tensors["model.embed_tokens.weight"].astype(dtype, copy=False)
        head = "model.embed_tokens.weight" if config.tied else "lm_head.weight"
        self.head: Array = self.products.stack([tensors.pop(head).astype(dtype, copy=False)])
        self.embedding = self.head if config.tied else self.embedding
        self.norm: Array = tensors["model.norm.weight"].astype(dtype, copy=False)
        with ThreadPoolExecutor(max(1, decoding_threads)) as pool:
            self.layers = list(pool.map(lambda n: self._layer(weights, n, dtype), range(config.num_layers)))
        queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        middle, hidden = config.intermediate_size, config.hidden_size
        self.splits = {
            "qkv": _consecutive_slices(queries, keys, keys),
            "o": _consecutive_slices(hidden),
            "gate_up": _consecutive_slices(middle, middle),
            "down": _consecutive_slices(hidden),
        }

    def _layer(self, weights: Weights, number: int, dtype: Any) -> Layer:
        def get(part: str) -> Array:
            return weights.tensors.pop(f"model.layers.{number}.{part}").astype(dtype, copy=False)

        def get_bias(part: str) -> Array:
            has_one = part in self.config.biases
            return get(f"{part}.bias") if has_one else np.zeros(layer_sizes(self.config)[part][0], dtype)

        config = self.config
        linear = {group: self.products.stack([get(part) for part in parts]) for group, parts in _HF_NAMES.items()}
        biased = {group: parts for group, parts in GROUPS.items() if set(parts) & set(config.biases)}
        return Layer(
            linear,
            {group: np.concatenate([get_bias(part) for part in parts]) for group, parts in biased.items()},
            get("input_layernorm.weight"),
            get("post_attention_layernorm.weight"),
            HeadNorms(get("self_attn.q_norm.weight"), get("self_attn.k_norm.weight"), config.rms_eps)
            if config.head_norms
            else None,
        )

    def project(
        self, group: str, layer: int, x: Array, adapter: Adapter | None, dropped: DroppedInputs | None = None
    ) -> tuple[Array, Array | None]:
        """Apply a group's stacked linear layers and their adapter to x (T, in): (T, out) and the low-rank
        activations. `dropped`: inputs that the adapter does not see."""
        out = self.products.multiply(x, self.layers[layer].linear[group])
        if (bias := self.layers[layer].bias.get(group)) is not None:
            out += bias
        if adapter is None:
            return out, None
        lora = adapter.groups[layer][group]
        low = (x if dropped is None else dropped.apply(x)) @ lora.a.T
        low *= adapter.scale
        for index, columns in enumerate(self.splits[group]):
            out[:, columns] += low[:, index * adapter.rank : (index + 1) * adapter.rank] @ lora.b[index].T
        return out, low

    def _unproject(
        self, group: str, layer: int, taps: Taps, adapter: Adapter, grads: Gradients, d_out: Array
    ) -> Array:
        """The backward pass of `project`: adds the adapter's gradient to `grads`, returns the gradient of its
        input."""
        lora: LoraGroup = adapter.groups[layer][group]
        low, rank = taps.low[group], adapter.rank
        d_low = np.empty_like(low)
        for index, columns in enumerate(self.splits[group]):
            part = slice(index * rank, (index + 1) * rank)
            d_low[:, part] = d_out[:, columns] @ lora.b[index]
        d_low *= adapter.scale
        dropped, inputs = taps.dropped.get(group), taps.inputs[group]
        grads.add(group, layer, inputs if dropped is None else dropped.apply(inputs), low, d_low, d_out)
        d_in: Array = d_out @ self.layers[layer].linear[group]
        d_seen = d_low @ lora.a
        d_in += d_seen if dropped is None else dropped.apply(d_seen)
        return d_in

    def forward(
        self,
        row: PackedRow,
        adapter: Adapter | None,
        each: Callable[[Taps], None] | None = None,
        dropout: Dropout | None = None,
    ) -> tuple[Array, Array]:
        """The normed hidden states at `row.read`, (answers, H), and the last block's output, (T, H).

        `each`, if given, is called with what each block saved, in order. `dropout` is for training only.
        """
        x = self.embedding[row.ids]
        plan = attention.plan_row(row, self.config, x.dtype)
        for number in range(len(self.layers)):
            x, taps = self._block(number, x, plan, adapter, dropout)
            if each is not None:
                each(taps)
        return rms_norm(x[row.read], self.norm, self.config.rms_eps), x

    def record(
        self, row: PackedRow, adapter: Adapter, dropout: Dropout | None = None, last: int | None = None
    ) -> tuple[Array, Tape]:
        """As `forward`; the second value is what `backward` needs. With `last` it is that of the last blocks only,
        and the memory of the others is used again: fresh pages cost more than the products of a short row."""
        taps: list[Taps] = []

        def keep(saved: Taps) -> None:
            taps.append(saved)
            if last is not None:
                del taps[:-last]

        hidden, output = self.forward(row, adapter, keep, dropout)
        return hidden, Tape(row, taps, output)

    def _block(
        self, number: int, x: Array, plan: attention.RowPlan, adapter: Adapter | None, dropout: Dropout | None
    ) -> tuple[Array, Taps]:
        layer, eps = self.layers[number], self.config.rms_eps
        inputs: dict[str, Array] = {}
        low: dict[str, Array] = {}
        dropped: dict[str, DroppedInputs] = {}

        def project(group: str, values: Array) -> Array:
            inputs[group] = values
            if dropout is not None:
                dropped[group] = dropout.draw(number, group, values.shape)
            out, low_rank = self.project(group, number, values, adapter, dropped.get(group))
            if low_rank is not None:
                low[group] = low_rank
            return out

        qkv = project("qkv", rms_norm(x, layer.attention_norm, eps))
        mixed, saved = attention.forward(qkv, plan, layer.head_norms)
        middle = x + project("o", mixed)
        gate_up = project("gate_up", rms_norm(middle, layer.mlp_norm, eps))
        gate, up = gate_up[:, self.splits["gate_up"][0]], gate_up[:, self.splits["gate_up"][1]]
        sigmoid = _sigmoid(gate)
        active = gate * sigmoid
        active *= up
        down = project("down", active)
        down += middle
        taps = Taps(
            x=x, middle=middle, inputs=inputs, low=low, attended=saved, gate=gate, up=up, sigmoid=sigmoid,
            dropped=dropped,
        )  # fmt: skip
        return down, taps

    def backward(
        self, tape: Tape, d_hidden: Array, adapter: Adapter, grads: Gradients, last: int | None = None
    ) -> None:
        """Add to `grads` the adapter's gradient of a loss whose gradient at the hidden states is `d_hidden`; with
        `last` that of the last blocks only.

        Empties `tape` of these blocks.
        """
        row, eps = tape.row, self.config.rms_eps
        plan = attention.plan_row(row, self.config, tape.last.dtype)
        d_x = np.zeros_like(tape.last)
        np.add.at(d_x, row.read, rms_norm_backward(tape.last[row.read], self.norm, eps, d_hidden))
        blocks = range(0 if last is None else len(self.layers) - last, len(self.layers))
        for number in reversed(blocks):
            layer, taps = self.layers[number], tape.taps.pop()
            d_active = self._unproject("down", number, taps, adapter, grads, d_x)
            d_gate_up = _swiglu_backward(taps, d_active)
            d_normed = self._unproject("gate_up", number, taps, adapter, grads, d_gate_up)
            d_x += rms_norm_backward(taps.middle, layer.mlp_norm, eps, d_normed)
            d_mixed = self._unproject("o", number, taps, adapter, grads, d_x)
            d_qkv = attention.backward(d_mixed, taps.attended, plan, layer.head_norms)
            d_normed = self._unproject("qkv", number, taps, adapter, grads, d_qkv)
            if number:
                d_x += rms_norm_backward(taps.x, layer.attention_norm, eps, d_normed)


def _consecutive_slices(*widths: int) -> list[slice]:
    ends = np.cumsum(widths).tolist()
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]


def _sigmoid(x: Array) -> Array:
    out = np.negative(x)
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
    return out


def swiglu(gate_up: Array) -> Array:
    """gate·sigmoid(gate)·up of the stacked (gate, up): (T, 2·intermediate) → (T, intermediate)."""
    width = gate_up.shape[1] // 2
    out = _sigmoid(gate_up[:, :width])
    out *= gate_up[:, :width]
    out *= gate_up[:, width:]
    return out


def _swiglu_backward(taps: Taps, d_active: Array) -> Array:
    """The gradient of `swiglu` at the stacked (gate, up), (T, 2·intermediate)."""
    gate, up, sigmoid = taps.gate, taps.up, taps.sigmoid
    width = gate.shape[1]
    out = np.empty((len(gate), 2 * width), gate.dtype)
    d_gate, d_up = out[:, :width], out[:, width:]
    silu = gate * sigmoid
    np.multiply(d_active, silu, out=d_up)
    np.subtract(1, sigmoid, out=d_gate)
    d_gate *= silu
    d_gate += sigmoid
    d_gate *= up
    d_gate *= d_active
    return out
