"""The memory of a training, told before it starts, held to what the engine really takes."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from curator.basemodels.chat_render import Rendered
from curator.basemodels.training_memory import _PROCESS, training_bytes
from curator.basemodels.weights import Weights
from curator.server.engines.embedded.adamw import AdamW
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, layer_sizes
from curator.server.engines.embedded.objective import Shards, Supervised
from tests.server.tiny import CONFIG

SHAPE = replace(CONFIG, hidden_size=96, intermediate_size=256, num_layers=4, head_dim=24, vocab_size=2_000)


def loaded() -> Llama:
    """A model of that shape, all of whose weights are small."""
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return (random.standard_normal(shape) * 0.05).astype(np.float32)

    tensors = {"model.embed_tokens.weight": matrix(SHAPE.vocab_size, SHAPE.hidden_size)}
    tensors["model.norm.weight"] = matrix(SHAPE.hidden_size)
    for layer in range(SHAPE.num_layers):
        for part, size in layer_sizes(SHAPE).items():
            tensors[f"model.layers.{layer}.{part}.weight"] = matrix(*size)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"model.layers.{layer}.{norm}.weight"] = matrix(SHAPE.hidden_size)
    return Llama(Weights(SHAPE, tensors))


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize(("count", "length"), [(8, 60), (2, 700)])
def test_it_is_near_what_the_engine_takes(count: int, length: int, packing: bool) -> None:
    random = np.random.default_rng(1)
    ids = [random.integers(0, 2_000, length).tolist() for _ in range(count)]
    examples = [Rendered(each, [-100] * (length // 2) + each[length // 2 :]) for each in ids]
    tracemalloc.start()
    try:
        model = loaded()
        adapter = Adapter(SHAPE, 16, 32.0)
        optimiser = AdamW(adapter.flat)
        _, gradient = Supervised(model, examples, Shards(1), 512 if packing else 0).gradient(range(count), adapter)
        optimiser.update(gradient, 1, 1e-3)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    told = training_bytes(SHAPE, [length] * count, batch=8, rank=16, threads=1, packing=packing) - _PROCESS
    assert told == pytest.approx(taken, rel=0.3)
