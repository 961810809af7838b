"""Root mean square norms, forward and backward: of a token's hidden state, and of each head's queries and keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curator.server.engines.embedded.lora import Array


@dataclass(frozen=True, slots=True)
class HeadNorms:
    """The weights (head,) of the norms that a block lays on each head's queries and keys (Qwen3)."""

    query: Array
    key: Array
    eps: float


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """x / sqrt(mean(x²) + eps) · weight over the last axis (Zhang & Sennrich 2019)."""
    out: Array = x * _inverse_rms(x, eps)
    out *= weight
    return out


def _inverse_rms(x: Array, eps: float) -> Array:
    mean = np.einsum("...j,...j->...", x, x)[..., None] / x.dtype.type(x.shape[-1])
    inverse: Array = 1 / np.sqrt(mean + x.dtype.type(eps))
    return inverse


def rms_norm_backward(x: Array, weight: Array, eps: float, d_out: Array) -> Array:
    """The gradient of `rms_norm` at x."""
    inverse = _inverse_rms(x, eps)
    d_scaled = d_out * weight
    normed = x * inverse
    along = np.einsum("...j,...j->...", d_scaled, normed)[..., None] / x.dtype.type(x.shape[-1])
    normed *= along
    d_scaled -= normed
    d_scaled *= inverse
    return d_scaled
