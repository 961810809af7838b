"""Run by training.py: the CPU seconds of a training's matrix products alone.

Reads a JSON object from stdin: `folder` of the model, `rank`, and in `batches` for each step and thread the rows'
numbers of tokens and of answer tokens. Multiplies matrices of the shapes of the embedded engine's training, in as
many threads, and prints the CPU seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curator.server.engines.job import limit_threads

limit_threads()

import numpy as np  # noqa: E402  (after the number of threads is set)

from curator.basemodels.model_shape import LlamaShape  # noqa: E402
from curator.basemodels.weights import read_shape  # noqa: E402
from curator.server.engines.embedded.lora import GROUPS, Array, layer_sizes  # noqa: E402


def some(*shape: int) -> Array:
    """A matrix of numbers that are neither zero nor denormal."""
    return np.full(shape, 0.01, np.float32)


class Block:
    """The matrices of one block: stacked weights and adapter of each group."""

    def __init__(self, shape: LlamaShape, rank: int) -> None:
        self.groups = []
        for parts in GROUPS.values():
            outputs = [layer_sizes(shape)[part][0] for part in parts]
            inputs = layer_sizes(shape)[parts[0]][1]
            a, b = some(len(parts) * rank, inputs), [some(out, rank) for out in outputs]
            self.groups.append((some(sum(outputs), inputs), a, b))


def multiply_group(group: tuple[Array, Array, list[Array]], rank: int, tokens: int) -> Iterator[Array]:
    """The products of one group for so many tokens, forward and backward."""
    weight, a, bs = group
    x, d_out = some(tokens, weight.shape[1]), some(tokens, weight.shape[0])
    yield x @ weight.T
    low = x @ a.T
    at = 0
    for number, b in enumerate(bs):
        part = low[:, number * rank : (number + 1) * rank]
        columns = d_out[:, at : at + len(b)]
        at += len(b)
        yield part @ b.T
        yield columns @ b
        yield columns.T @ part
    yield low.T @ x
    yield d_out @ weight
    yield low @ a


def multiply_attention(shape: LlamaShape, tokens: int) -> Iterator[Array]:
    """The products of one block's attention, forward and backward."""
    together = shape.num_heads // shape.num_kv_heads * tokens
    q, k = some(shape.num_kv_heads, together, shape.head_dim), some(shape.num_kv_heads, tokens, shape.head_dim)
    scores = q @ k.swapaxes(1, 2)
    yield scores @ k
    yield scores.swapaxes(1, 2) @ q
    yield q @ k.swapaxes(1, 2)
    yield scores @ k
    yield scores.swapaxes(1, 2) @ q


def main() -> None:
    """Multiply, and print the CPU seconds."""
    asked = json.load(sys.stdin)
    rank, batches = asked["rank"], asked["batches"]
    shape = read_shape(Path(asked["folder"]))
    assert shape is not None
    blocks = [Block(shape, rank) for _ in range(shape.num_layers)]
    head = some(shape.vocab_size, shape.hidden_size)

    def step(rows: list[tuple[int, int]]) -> None:
        for tokens, answers in rows:
            for block in blocks:
                for _ in multiply_attention(shape, tokens):
                    pass
                for group in block.groups:
                    for _ in multiply_group(group, rank, tokens):
                        pass
            logits = some(answers, shape.hidden_size) @ head.T
            logits @ head

    with ThreadPoolExecutor(max(map(len, batches))) as pool:
        list(pool.map(step, batches[0]))
        before = time.process_time()
        for parts in batches:
            list(pool.map(step, parts))
        print(json.dumps(time.process_time() - before))


if __name__ == "__main__":
    main()
