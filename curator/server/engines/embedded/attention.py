"""Causal grouped-query attention with rotary positions over one packed row, forward and backward.

The heads of one key/value group are laid one after another, so that their product with the shared keys is a
single matrix product and the gradient of the keys sums over them by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from curator.basemodels.weights import LlamaShape
from curator.server.engines.embedded.batches import PackedRow
from curator.server.engines.embedded.lora import Array


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What all blocks share for one row: rotary tables (T, head/2) and the additive mask (T, T)."""

    config: LlamaShape
    cosine: Array
    sine: Array
    mask: Array


@dataclass(frozen=True, slots=True)
class SavedAttention:
    """For the backward pass: queries, probabilities (kv, heads·T, …), keys and values (kv, T, head)."""

    q: Array
    k: Array
    v: Array
    probabilities: Array


def rotary(positions: Array, config: LlamaShape, dtype: Any) -> tuple[Array, Array]:
    """Cosines and sines of the rotary angles, (positions, head/2) each (Su et al. 2021)."""
    half = config.head_dim // 2
    frequencies = config.rope_theta ** -(np.arange(half, dtype=np.float64) / half)
    angles = positions[:, None].astype(np.float64) * frequencies
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def plan_row(row: PackedRow, config: LlamaShape, dtype: Any) -> RowPlan:
    """Rotary tables and mask of a row."""
    mask = np.where(row.allowed(), 0, -np.inf).astype(dtype)
    return RowPlan(config, *rotary(row.positions, config, dtype), mask)


def rotate(x: Array, cosine: Array, sine: Array) -> Array:
    """Rotate each head of x (T, heads, head): its two halves are the pairs' coordinates. `-sine` turns back."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    c, s = cosine[:, None, :], sine[:, None, :]
    out = np.empty(x.shape, x.dtype)
    np.multiply(first, c, out=out[..., :half])
    out[..., :half] -= second * s
    np.multiply(second, c, out=out[..., half:])
    out[..., half:] += first * s
    return out


def split_heads(qkv: Array, config: LlamaShape) -> tuple[Array, Array, Array]:
    """qkv (T, …) as views q (T, heads, head), k and v (T, kv heads, head)."""
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    shape = (len(qkv), -1, config.head_dim)
    return (
        qkv[:, :queries].reshape(shape),
        qkv[:, queries : queries + keys].reshape(shape),
        qkv[:, queries + keys :].reshape(shape),
    )


def _by_group(x: Array, groups: int) -> Array:
    """(T, heads, head) → (groups, heads/groups·T, head), contiguous."""
    tokens, heads, size = x.shape
    return np.ascontiguousarray(x.swapaxes(0, 1)).reshape(groups, heads // groups * tokens, size)


def _by_token(x: Array, tokens: int) -> Array:
    """The inverse of `_by_group`, heads joined: (T, heads·head)."""
    size = x.shape[-1]
    return x.reshape(-1, tokens, size).swapaxes(0, 1).reshape(tokens, -1)


def forward(qkv: Array, plan: RowPlan) -> tuple[Array, SavedAttention]:
    """Attend: qkv (T, stacked) → (T, heads·head)."""
    config, tokens = plan.config, len(qkv)
    groups = config.num_kv_heads
    q, k, v = split_heads(qkv, config)
    q = rotate(q, plan.cosine, plan.sine)
    q *= q.dtype.type(config.head_dim**-0.5)
    grouped = _by_group(q, groups)
    keys = _by_group(rotate(k, plan.cosine, plan.sine), groups)
    values = _by_group(v, groups)
    scores = grouped @ keys.swapaxes(1, 2)
    by_head = scores.reshape(-1, tokens, tokens)
    by_head += plan.mask
    softmax(scores)
    return _by_token(scores @ values, tokens), SavedAttention(grouped, keys, values, scores)


def softmax(scores: Array) -> None:
    """Softmax over the last axis, in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)


def backward(d_mixed: Array, saved: SavedAttention, plan: RowPlan) -> Array:
    """Gradient of `forward` for qkv."""
    config, tokens = plan.config, len(d_mixed)
    d_out = _by_group(d_mixed.reshape(tokens, -1, config.head_dim), config.num_kv_heads)
    d_values = saved.probabilities.swapaxes(1, 2) @ d_out
    d_scores = d_out @ saved.v.swapaxes(1, 2)
    along = np.einsum("gij,gij->gi", d_scores, saved.probabilities)[..., None]
    d_scores -= along
    d_scores *= saved.probabilities
    d_q = d_scores @ saved.k
    d_q *= d_q.dtype.type(config.head_dim**-0.5)
    d_keys = d_scores.swapaxes(1, 2) @ saved.q
    shape = (tokens, -1, config.head_dim)
    turned = (
        rotate(_by_token(d_q, tokens).reshape(shape), plan.cosine, -plan.sine),
        rotate(_by_token(d_keys, tokens).reshape(shape), plan.cosine, -plan.sine),
        _by_token(d_values, tokens).reshape(shape),
    )
    return np.concatenate([part.reshape(tokens, -1) for part in turned], axis=1)
