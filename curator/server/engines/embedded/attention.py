"""Causal grouped-query attention with rotary positions over one packed row, forward and backward.

The query heads that share a key/value head stand one after another along the token axis. So one matrix product
covers all of them, and the gradient of the shared keys and values is summed over them by the same product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from curator.basemodels.model_shape import LlamaShape
from curator.server.engines.embedded.batches import PackedRow
from curator.server.engines.embedded.lora import Array
from curator.server.engines.embedded.norms import HeadNorms, rms_norm, rms_norm_backward
from curator.server.engines.embedded.products import Products

_MANY_KEYS = 256
"""From so many keys on, attention is worth to be shared by threads."""


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What every block needs for one row: rotary tables (T, head/2) and the additive attention mask (T, T)."""

    config: LlamaShape
    cosine: Array
    sine: Array
    mask: Array


@dataclass(frozen=True, slots=True)
class SavedAttention:
    """Intermediates for the backward pass: queries `q` (kv, heads/kv·T, head), `k` and `v` (kv, T, head),
    attention `probabilities` (kv, heads/kv·T, T); `unnormed` (T, …) are the stacked projections if heads are
    normed."""

    q: Array
    k: Array
    v: Array
    probabilities: Array
    unnormed: Array | None = None


def rotary(positions: Array, config: LlamaShape, dtype: Any) -> tuple[Array, Array]:
    """Cosines and sines of the rotary angles, each (positions, head/2) (Su et al. 2021)."""
    angles = positions[:, None].astype(np.float64) * config.frequencies()
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def plan_row(row: PackedRow, config: LlamaShape, dtype: Any) -> RowPlan:
    """The rotary tables and the mask of a row."""
    mask = np.where(row.attention_mask(), 0, -np.inf).astype(dtype)
    return RowPlan(config, *rotary(row.positions, config, dtype), mask)


def rotate(x: Array, cosine: Array, sine: Array) -> Array:
    """Rotate x (T, heads, head) by the angles of its positions; the pairs are (i, i + head/2). `-sine` rotates
    back."""
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
    """The stacked projections qkv (T, …) as views q (T, heads, head), k and v (T, kv, head)."""
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    shape = (len(qkv), -1, config.head_dim)
    return (
        qkv[:, :queries].reshape(shape),
        qkv[:, queries : queries + keys].reshape(shape),
        qkv[:, queries + keys :].reshape(shape),
    )


def prepare_heads(
    qkv: Array, turn: tuple[Array, Array], config: LlamaShape, norms: HeadNorms | None
) -> tuple[Array, Array, Array]:
    """As `split_heads`, with queries and keys as attention takes them: normed where the model does so, rotated
    by the cosines and sines `turn` of their positions, and queries scaled."""
    q, k, v = split_heads(qkv, config)
    if norms is not None:
        q, k = rms_norm(q, norms.query, norms.eps), rms_norm(k, norms.key, norms.eps)
    q = rotate(q, *turn)
    q *= q.dtype.type(config.head_dim**-0.5)
    return q, rotate(k, *turn), v


def _by_group(x: Array, groups: int) -> Array:
    """(T, heads, head) → (groups, heads/groups·T, head), contiguous."""
    tokens, heads, size = x.shape
    return np.ascontiguousarray(x.swapaxes(0, 1)).reshape(groups, heads // groups * tokens, size)


def _by_token(x: Array, tokens: int) -> Array:
    """The inverse of `_by_group` with joined heads: (groups, heads/groups·T, head) → (T, heads·head)."""
    size = x.shape[-1]
    return x.reshape(-1, tokens, size).swapaxes(0, 1).reshape(tokens, -1)


def forward(qkv: Array, plan: RowPlan, norms: HeadNorms | None = None) -> tuple[Array, SavedAttention]:
    """Attention: qkv (T, stacked) → (T, heads·head), and what `backward` needs."""
    config, tokens = plan.config, len(qkv)
    q, k, v = prepare_heads(qkv, (plan.cosine, plan.sine), config, norms)
    grouped, keys, values = (_by_group(each, config.num_kv_heads) for each in (q, k, v))
    scores = grouped @ keys.swapaxes(1, 2)
    by_head = scores.reshape(-1, tokens, tokens)
    by_head += plan.mask
    softmax(scores)
    saved = SavedAttention(grouped, keys, values, scores, None if norms is None else qkv)
    return _by_token(scores @ values, tokens), saved


def attend_to_cache(
    q: Array,
    before: tuple[Array, Array] | None,
    own: tuple[Array, Array],
    config: LlamaShape,
    products: Products,
) -> Array:
    """Attention of a run of tokens, (T, heads·head): to all keys and values `before`, and causally to `own`, whose
    last T are the tokens' own. Keys and values are (kv, tokens, head), `q` (T, heads, head) is rotated and scaled.

    Where there are many, each thread takes some of the tokens and one group of heads after the other, so that
    scores stay in the processor's cache.
    """
    earlier = own[0].shape[1] - len(q)
    if own[0].shape[1] + (0 if before is None else before[0].shape[1]) < _MANY_KEYS:
        return _attend(q, before, own, config)
    out = np.empty((len(q), config.num_heads, config.head_dim), q.dtype)
    heads = np.arange(config.num_heads).reshape(config.num_kv_heads, -1)

    def attend_part(part: slice) -> None:
        seen = [each[:, : earlier + part.stop] for each in own]
        for group, members in enumerate(heads.tolist()):
            one, many = slice(group, group + 1), slice(members[0], members[-1] + 1)
            cached = None if before is None else (before[0][one], before[1][one])
            mixed = _attend(q[part, many], cached, (seen[0][one], seen[1][one]), config)
            out[part, many] = mixed.reshape(-1, len(members), config.head_dim)

    products.run(attend_part, products.shares(len(q)))
    return out.reshape(len(q), -1)


def _attend(q: Array, before: tuple[Array, Array] | None, own: tuple[Array, Array], config: LlamaShape) -> Array:
    """As `attend_to_cache`, in one piece."""
    tokens, keys, values = len(q), *own
    grouped = _by_group(q, len(keys))
    scores = grouped @ keys.swapaxes(1, 2)
    later = np.triu(np.ones((tokens, tokens), bool), 1)
    scores.reshape(-1, tokens, keys.shape[1])[..., keys.shape[1] - tokens :][:, later] = -np.inf
    if before is None or not before[0].shape[1]:
        total = exponentials(scores)
        mixed = scores @ values
    else:
        cached = before[0].shape[1]
        scores = np.concatenate([grouped @ before[0].swapaxes(1, 2), scores], axis=-1)
        total = exponentials(scores)
        mixed = scores[..., :cached] @ before[1] + scores[..., cached:] @ values
    mixed /= total
    return _by_token(mixed, tokens)


def softmax(scores: Array) -> None:
    """Softmax over the last axis, in place."""
    scores /= exponentials(scores)


def exponentials(scores: Array) -> Array:
    """Make scores the numerators of their softmax over the last axis, in place; the denominators (…, 1)."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    total: Array = scores.sum(axis=-1, keepdims=True)
    return total


def backward(d_mixed: Array, saved: SavedAttention, plan: RowPlan, norms: HeadNorms | None = None) -> Array:
    """The gradient at qkv of a loss whose gradient at `forward`'s result is `d_mixed` (T, heads·head)."""
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
    d_query = rotate(_by_token(d_q, tokens).reshape(shape), plan.cosine, -plan.sine)
    d_key = rotate(_by_token(d_keys, tokens).reshape(shape), plan.cosine, -plan.sine)
    if norms is not None and saved.unnormed is not None:
        q, k, _ = split_heads(saved.unnormed, config)
        d_query = rms_norm_backward(q, norms.query, norms.eps, d_query)
        d_key = rms_norm_backward(k, norms.key, norms.eps, d_key)
    parts = (d_query, d_key, _by_token(d_values, tokens))
    return np.concatenate([part.reshape(tokens, -1) for part in parts], axis=1)
