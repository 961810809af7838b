"""The block formats of the ggml library: bytes to float32 weights, and weights to blocks of the written formats.

32 weights a block (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0) or 256 (Q6_K); the plain formats have one. Decoders and encoders
give what the package `gguf` gives, which a test holds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

F32, F16, Q4_0, Q8_0 = 0, 1, 2, 8
"""Numbers of the formats that can be written."""


def _half(blocks: Bytes, column: int) -> Floats:
    return np.ascontiguousarray(blocks[:, column : column + 2]).view(np.float16).astype(np.float32)


def _nibbles(blocks: Bytes, column: int) -> Floats:
    packed = np.ascontiguousarray(blocks[:, column : column + 16])
    out = np.empty((len(blocks), 2, 16), np.float32)
    out[:, 0] = packed & 15
    out[:, 1] = packed >> 4
    return out.reshape(-1, 32)


def _fifth_bits(blocks: Bytes, column: int) -> Floats:
    bits = np.unpackbits(blocks[:, column : column + 4], axis=1, bitorder="little")
    return bits.astype(np.float32) * 16.0


def _f32(blocks: Bytes) -> Floats:
    return blocks.view(np.float32)


def _f16(blocks: Bytes) -> Floats:
    return blocks.view(np.float16).astype(np.float32)


def _bf16(blocks: Bytes) -> Floats:
    return (blocks.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _q4_0(blocks: Bytes) -> Floats:
    return _half(blocks, 0) * (_nibbles(blocks, 2) - 8.0)


def _q4_1(blocks: Bytes) -> Floats:
    out = _nibbles(blocks, 4)
    out *= _half(blocks, 0)
    out += _half(blocks, 2)
    return out


def _q5_0(blocks: Bytes) -> Floats:
    return _half(blocks, 0) * (_nibbles(blocks, 6) + _fifth_bits(blocks, 2) - 16.0)


def _q5_1(blocks: Bytes) -> Floats:
    return _half(blocks, 0) * (_nibbles(blocks, 8) + _fifth_bits(blocks, 4)) + _half(blocks, 2)


def _q8_0(blocks: Bytes) -> Floats:
    out = blocks[:, 2:].view(np.int8).astype(np.float32)
    out *= _half(blocks, 0)
    return out


def _q6_k(blocks: Bytes) -> Floats:
    """Blocks of 256 weights: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, one float16
    scale."""
    low = blocks[:, :128].reshape(-1, 2, 1, 64) >> np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    quants = (low & 15).reshape(-1, 2, 4, 32) | ((high & 3) << 4)
    scales = blocks[:, 192:208].view(np.int8).astype(np.float32).reshape(-1, 16, 1)
    return _half(blocks, 208).reshape(-1, 1, 1) * scales * (quants.reshape(-1, 16, 16).astype(np.float32) - 32.0)


FORMATS: dict[int, tuple[int, int, Callable[[Bytes], Floats]]] = {
    0: (1, 4, _f32),
    1: (1, 2, _f16),
    2: (32, 18, _q4_0),
    3: (32, 20, _q4_1),
    6: (32, 22, _q5_0),
    7: (32, 24, _q5_1),
    8: (32, 34, _q8_0),
    14: (256, 210, _q6_k),
    30: (1, 2, _bf16),
}
"""ggml type number → (weights a block, bytes a block, decoder)."""


def encode(kind: int, values: Floats) -> Bytes:
    """The bytes of `values` in a format; for Q4_0 and Q8_0 the last axis must be a multiple of 32."""
    if kind == F32:
        return np.ascontiguousarray(values, "<f4").view(np.uint8).ravel()
    if kind == F16:
        with np.errstate(over="ignore"):  # beyond 65,504 it is infinite, as it is in every file of this format
            return np.ascontiguousarray(values.astype("<f2")).view(np.uint8).ravel()
    blocks = np.ascontiguousarray(values, np.float32).reshape(-1, 32)
    return (_to_q8_0 if kind == Q8_0 else _to_q4_0)(blocks).ravel()


def _to_q8_0(blocks: Floats) -> Bytes:
    """A float16 scale, then 32 signed bytes; rounded half away from zero."""
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    scaled = blocks * _inverse(scale)
    size = np.abs(scaled)
    whole = np.floor(size)
    levels = np.sign(scaled) * (whole + np.floor(2 * (size - whole)))
    return np.concatenate([scale.astype("<f2").view(np.uint8), levels.astype(np.int8).view(np.uint8)], axis=1)


def _to_q4_0(blocks: Floats) -> Bytes:
    """A float16 scale, then 32 levels of 4 bits; the weight of the greatest size is the level 0."""
    greatest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)
    scale = greatest / np.float32(-8)
    levels = np.trunc(blocks * _inverse(scale) + np.float32(8.5)).astype(np.uint8).clip(0, 15)
    packed = levels[:, :16] | (levels[:, 16:] << np.uint8(4))
    return np.concatenate([scale.astype("<f2").view(np.uint8), packed], axis=1)


def _inverse(scale: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        inverse: Floats = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    return inverse
