"""LoRA adapters as one flat vector of parameters, read and written in PEFT's folder layout.

Low-rank adaptation (Hu et al. 2021): a linear layer W becomes W + (alpha/r)·B·A. The A matrices of layers with the
same input (q, k, v; gate, up) are stacked, so that one product computes all of them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.atomic import write_bytes
from curator.basemodels.model_shape import LlamaShape
from curator.basemodels.weights import read_safetensors
from curator.errors import InputError

Array = npt.NDArray[Any]

GROUPS: dict[str, tuple[str, ...]] = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o": ("self_attn.o_proj",),
    "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
"""The linear layers of a block in groups that have the same input, by the engine's name of the group."""


@dataclass(slots=True)
class LoraGroup:
    """One group's adapter in one block: `a` (parts·r, in), and in `b` one (out, r) a layer; views into
    `Adapter.flat`."""

    a: Array
    b: list[Array]


class Adapter:
    """The LoRA parameters of a model, or their gradients.

    `flat` holds all of them in one vector; `groups[block][name]` are views into it.
    """

    def __init__(
        self,
        config: LlamaShape,
        rank: int,
        alpha: float,
        flat: Array | None = None,
        dtype: Any = np.float32,
        dropout: float = 0.0,
    ):
        self.config, self.rank, self.alpha = config, rank, alpha
        self.dropout = dropout
        """With which it is trained; only PEFT's configuration tells it."""
        self.trained = tuple(GROUPS)
        """The groups that are trained and written; the others stay as the base model has them."""
        self.scale = alpha / rank
        self.flat = np.zeros(_parameter_count(config, rank), dtype) if flat is None else flat
        self.groups: list[dict[str, LoraGroup]] = []
        at = 0
        for _ in range(config.num_layers):
            layer: dict[str, LoraGroup] = {}
            for name, parts in GROUPS.items():
                inputs = layer_sizes(config)[parts[0]][1]
                a = self._take(at, (len(parts) * rank, inputs))
                at += a.size
                b = []
                for part in parts:
                    b.append(self._take(at, (layer_sizes(config)[part][0], rank)))
                    at += b[-1].size
                layer[name] = LoraGroup(a, b)
            self.groups.append(layer)

    def _take(self, at: int, shape: tuple[int, int]) -> Array:
        return self.flat[at : at + shape[0] * shape[1]].reshape(shape)

    def like(self) -> Adapter:
        """An adapter of the same shape, all zero, for gradients."""
        return Adapter(self.config, self.rank, self.alpha, np.zeros_like(self.flat))

    def add(self, group: str, layer: int, inputs: Array, low: Array, d_low: Array, d_out: Array) -> None:
        """Add the gradient of one group in one block, as these are gradients.

        `inputs` (T, in) and `low` (T, parts·r) are the group's input and low-rank activations, `d_low` and `d_out`
        (T, stacked outputs) the gradients at them.
        """
        into = self.groups[layer][group]
        at = 0
        for index, matrix in enumerate(into.b):
            columns = slice(at, at + len(matrix))
            at = columns.stop
            matrix += d_out[:, columns].T @ low[:, index * self.rank : (index + 1) * self.rank]
        into.a += d_low.T @ inputs

    def initialise(self, seed: int) -> None:
        """Set PEFT's initial values: A uniform in ±1/sqrt(inputs), B zero, so that training begins at the base
        model."""
        random = np.random.default_rng([seed, 0x10A])
        self.flat[:] = 0
        for layer in self.groups:
            for group in layer.values():
                bound = 1.0 / math.sqrt(group.a.shape[1])
                group.a[:] = random.uniform(-bound, bound, group.a.shape)

    def keep_untrained(self, gradient: Array) -> None:
        """Set to zero what a gradient of the shape of `flat` says of groups that are not trained."""
        if len(self.trained) == len(GROUPS):
            return
        for layer in Adapter(self.config, self.rank, self.alpha, gradient).groups:
            for name in GROUPS.keys() - set(self.trained):
                layer[name].a[:] = 0
                for b in layer[name].b:
                    b[:] = 0

    def tensors(self) -> dict[str, Array]:
        """Every matrix by PEFT's name; views, not copies."""
        out: dict[str, Array] = {}
        for number, layer in enumerate(self.groups):
            for name in self.trained:
                for index, part in enumerate(GROUPS[name]):
                    key = f"base_model.model.model.layers.{number}.{part}"
                    out[f"{key}.lora_A.weight"] = layer[name].a[index * self.rank : (index + 1) * self.rank]
                    out[f"{key}.lora_B.weight"] = layer[name].b[index]
        return out


def layer_sizes(config: LlamaShape) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of each linear layer of a block."""
    hidden, middle = config.hidden_size, config.intermediate_size
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    return {
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "mlp.gate_proj": (middle, hidden),
        "mlp.up_proj": (middle, hidden),
        "mlp.down_proj": (hidden, middle),
    }


def _parameter_count(config: LlamaShape, rank: int) -> int:
    return config.num_layers * rank * sum(out + inputs for out, inputs in layer_sizes(config).values())


TARGET_GROUPS = {"all": tuple(GROUPS), "attention": ("qkv", "o"), "mlp": ("gate_up", "down")}
"""The groups that are trained, by the job's setting `lora_targets`."""


def peft_config(base: str, adapter: Adapter) -> dict[str, Any]:
    """The content of PEFT's `adapter_config.json`."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "bias": "none",
        "target_modules": [part.rpartition(".")[2] for group in adapter.trained for part in GROUPS[group]],
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "use_dora": False,
        "use_rslora": False,
    }


def write_peft(folder: Path, adapter: Adapter, base: str) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors` into an existing folder, synced to disk."""
    from safetensors.numpy import save  # heavy

    tensors = {name: np.ascontiguousarray(value, np.float32) for name, value in adapter.tensors().items()}
    write_bytes(folder / "adapter_model.safetensors", save(tensors, metadata={"format": "pt"}))
    config = json.dumps(peft_config(base, adapter), indent=2)
    write_bytes(folder / "adapter_config.json", config.encode())


def read_peft(folder: Path, config: LlamaShape) -> Adapter:
    """Read a PEFT LoRA folder for a model of shape `config`. Raises InputError if it is damaged or does not
    fit."""
    try:
        raw = json.loads((folder / "adapter_config.json").read_bytes())
        rank, alpha = int(raw["r"]), float(raw["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no PEFT adapter folder: {error}") from error
    if raw.get("use_dora") or raw.get("use_rslora") or raw.get("rank_pattern") or raw.get("alpha_pattern"):
        raise InputError(f"{folder.name} uses a LoRA variant that only the hf engine runs")
    adapter = Adapter(config, rank, alpha)
    places = adapter.tensors()
    for name, value in read_safetensors(folder / "adapter_model.safetensors").items():
        place = places.get(name)
        if place is None or place.shape != value.shape:
            raise InputError(f"{folder.name} does not fit the base model: '{name}' of shape {value.shape}")
        place[:] = value
    return adapter
