"""How much memory a training by the embedded engine takes, worked out from the model's shape before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from curator.basemodels.model_shape import LlamaShape
from curator.basemodels.weights import read_shape

FLOAT = 4
ROW_TOKENS, LONGEST = 512, 1024
"""Most tokens of a row of several examples, and of one example (server/engines)."""
_LOGIT_ROWS = 256
"""Answer tokens whose logits are in memory at once."""
_PROCESS = 90 * 2**20
"""Bytes of Python and its libraries."""


def training_bytes(
    shape: LlamaShape, tokens: Sequence[int], *, batch: int, rank: int, threads: int, packing: bool = True
) -> int:
    """About the most bytes that a training takes at once. `tokens`: of each example."""
    lengths = sorted((min(length, LONGEST) for length in tokens), reverse=True)[: max(1, batch)]
    longest = lengths[0] if lengths else 0
    threads = min(threads, len(lengths)) or 1
    row = max(longest, min(ROW_TOKENS, sum(lengths) // threads)) if packing else longest
    parameters = rank * shape.num_layers * (_inputs(shape) + _outputs(shape))
    floats = _weights(shape) + parameters * (3 + threads)
    floats += threads * (row * _kept_a_token(shape, rank, row) + 2 * min(_LOGIT_ROWS, row) * shape.vocab_size)
    return _PROCESS + FLOAT * floats


def of_folder(
    folder: Path, tokens: Sequence[int], *, batch: int, rank: int, threads: int, packing: bool = True
) -> int | None:
    """As `training_bytes`, for the model of a folder; None for one that the engine cannot run."""
    shape = read_shape(folder)
    if shape is None:
        return None
    return training_bytes(shape, tokens, batch=batch, rank=rank, threads=threads, packing=packing)


def _widths(shape: LlamaShape) -> tuple[int, int]:
    return shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim


def _outputs(shape: LlamaShape) -> int:
    """Outputs of all linear layers of a block together."""
    queries, keys = _widths(shape)
    return queries + 2 * keys + 2 * shape.hidden_size + 2 * shape.intermediate_size


def _inputs(shape: LlamaShape) -> int:
    """Inputs of all linear layers of a block together."""
    return 5 * shape.hidden_size + _widths(shape)[0] + shape.intermediate_size


def _weights(shape: LlamaShape) -> int:
    queries, keys = _widths(shape)
    hidden, middle = shape.hidden_size, shape.intermediate_size
    block = hidden * (2 * queries + 2 * keys) + 3 * hidden * middle + 2 * hidden
    return shape.num_layers * block + shape.vocab_size * hidden * (1 if shape.tied else 2)


def _kept_a_token(shape: LlamaShape, rank: int, row: int) -> int:
    """Floats that a token's forward pass keeps for the backward pass, in all blocks."""
    queries, keys = _widths(shape)
    linear = 4 * shape.hidden_size + 2 * queries + 2 * keys + 4 * shape.intermediate_size
    linear += (queries + 2 * keys) * shape.head_norms
    return shape.num_layers * (linear + 7 * rank + shape.num_heads * row)
