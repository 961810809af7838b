"""The block formats of the ggml library: bytes to float32 weights, and weights to blocks of the written formats.

32 weights a block (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0) or 256 (Q6_K); the plain formats have one. Decoders and encoders
give what the package `gguf` gives, which a test holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

F32, F16, Q4_0, Q8_0 = 0, 1, 2, 8
"""Numbers of the formats that can be written."""


Decoder = Callable[[Bytes, Floats], None]
"""Decodes blocks: bytes (bytes a block, …) into weights (weights a block, …). So each operation goes over
neighbouring numbers of as many blocks as there are, not over the few weights of one."""


def decode_rows(kind: int, rows: Bytes, out: Floats) -> None:
    """Decode rows of a matrix, (rows, bytes a row), into `out` (rows, inputs), of any order in memory."""
    per_block, block_bytes = FORMATS[kind]
    if kind in _PLAIN:
        out[...] = _PLAIN[kind](rows)
        return
    count = rows.shape[1] // block_bytes
    blocks = np.ascontiguousarray(rows.reshape(-1, count, block_bytes).T)
    values = np.empty((per_block, *blocks.shape[1:]), np.float32)
    _BLOCKS[kind](blocks, values)
    out.T.reshape(count, per_block, -1)[...] = values.swapaxes(0, 1)


def _half(blocks: Bytes, first: int) -> Floats:
    """The float16 numbers whose bytes are `first` and the next one of each block."""
    low, high = blocks[first], blocks[first + 1].astype(np.uint16)
    high <<= 8
    high |= low
    numbers: Floats = high.view(np.float16).astype(np.float32)
    return numbers


def _take_nibbles(packed: Bytes, out: Floats) -> None:
    """16 bytes a block are 32 levels: the lower halves of all bytes, then the upper ones."""
    out[:16] = packed & 15
    out[16:] = packed >> 4


def _fifth_bits(blocks: Bytes, first: int) -> Floats:
    bits = np.unpackbits(blocks[first : first + 4], axis=0, bitorder="little")
    return bits.astype(np.float32) * np.float32(16)


def _q4_0(blocks: Bytes, out: Floats) -> None:
    _take_nibbles(blocks[2:], out)
    out -= 8
    out *= _half(blocks, 0)


def _q4_1(blocks: Bytes, out: Floats) -> None:
    _take_nibbles(blocks[4:], out)
    out *= _half(blocks, 0)
    out += _half(blocks, 2)


def _q5_0(blocks: Bytes, out: Floats) -> None:
    _take_nibbles(blocks[6:], out)
    out += _fifth_bits(blocks, 2)
    out -= 16
    out *= _half(blocks, 0)


def _q5_1(blocks: Bytes, out: Floats) -> None:
    _take_nibbles(blocks[8:], out)
    out += _fifth_bits(blocks, 4)
    out *= _half(blocks, 0)
    out += _half(blocks, 2)


def _q8_0(blocks: Bytes, out: Floats) -> None:
    out[...] = blocks[2:].view(np.int8)
    out *= _half(blocks, 0)


def _q6_k(blocks: Bytes, out: Floats) -> None:
    """Blocks of 256 weights: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, one float16
    scale."""
    scale = _half(blocks, 208)
    for part in range(8):  # of 32 weights, four in each half of the block
        half, quarter = divmod(part, 4)
        first = 64 * half + 32 * (quarter % 2)
        low = blocks[first : first + 32] >> np.uint8(4 * (quarter // 2)) & 15
        high = blocks[128 + 32 * half : 160 + 32 * half] >> np.uint8(2 * quarter) & 3
        into = out[32 * part : 32 * part + 32]
        into[...] = low | high << np.uint8(4)
        into -= 32
        for sixteen in range(2):
            into[16 * sixteen : 16 * sixteen + 16] *= scale * blocks[192 + 2 * part + sixteen].view(np.int8)


FORMATS: dict[int, tuple[int, int]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    14: (256, 210),
    30: (1, 2),
}
"""ggml type number → (weights a block, bytes a block)."""

_PLAIN: dict[int, Callable[[Bytes], npt.NDArray[Any]]] = {
    0: lambda rows: rows.view(np.float32),
    1: lambda rows: rows.view(np.float16),
    30: lambda rows: (rows.view(np.uint16).astype(np.uint32) << 16).view(np.float32),
}
_BLOCKS: dict[int, Decoder] = {2: _q4_0, 3: _q4_1, 6: _q5_0, 7: _q5_1, 8: _q8_0, 14: _q6_k}


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
