"""Read GGUF files: metadata, and tensors as float32 arrays.

Layout (little endian): magic, version, counts, key/value pairs, tensor directory, padding, data. The block formats
are those of the ggml library: 32 weights a block (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0) or 256 (Q6_K).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from curator.errors import InputError

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_ITEMS = 4_000_000
"""Longest string or list; a larger count means that the file is damaged."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor of the directory: `shape` in NumPy's order (rows first), ggml type number, offset in bytes."""

    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(slots=True)
class Gguf:
    """A file whose header is read: `metadata` by key, `entries` by tensor name. `start` is the offset of the
    data."""

    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, TensorEntry] = field(default_factory=dict)
    start: int = 0

    def tensor(self, name: str) -> Floats:
        """Read one tensor, dequantised to float32. Raises InputError if it is missing, cut short or of another
        type."""
        entry = self.entries.get(name)
        if entry is None:
            raise InputError(f"{self.path.name} holds no tensor '{name}': it is no complete model of this kind")
        if entry.kind not in _FORMATS:
            raise InputError(f"{self.path.name}: tensor '{name}' uses quantisation {entry.kind}, not supported")
        per_block, block_bytes, decode = _FORMATS[entry.kind]
        count = math.prod(entry.shape)
        size = count // per_block * block_bytes
        raw = np.fromfile(self.path, dtype=np.uint8, count=size, offset=self.start + entry.offset)
        if raw.size != size:
            raise InputError(f"{self.path.name} is cut short: pull or copy the model again")
        return decode(raw.reshape(-1, block_bytes)).reshape(entry.shape)


def open_gguf(path: Path) -> Gguf:
    """Read header, metadata and tensor directory. Raises InputError if the file is no GGUF of version 2 or 3."""
    try:
        with path.open("rb") as file:
            return _read_header(path, file)
    except (OSError, struct.error, ValueError, OverflowError, MemoryError) as error:
        raise InputError(f"{path} cannot be read as a GGUF model: {error}") from error


def _read_header(path: Path, file: BinaryIO) -> Gguf:
    if file.read(4) != b"GGUF" or _number(file, "I") not in (2, 3):
        raise ValueError("the first bytes are not those of GGUF version 2 or 3")
    tensors, pairs = _number(file, "Q"), _number(file, "Q")
    gguf = Gguf(path)
    for _ in range(_checked_count(pairs)):
        key = _string(file)
        gguf.metadata[key] = _value(file, _number(file, "I"))
    for _ in range(_checked_count(tensors)):
        name = _string(file)
        sizes = [_number(file, "Q") for _ in range(_checked_count(_number(file, "I")))]
        kind = _number(file, "I")
        gguf.entries[name] = TensorEntry(tuple(reversed(sizes)), kind, _number(file, "Q"))
    alignment = int(gguf.metadata.get("general.alignment", 32))
    gguf.start = -(-file.tell() // alignment) * alignment
    return gguf


def _checked_count(count: int) -> int:
    if not 0 <= count <= _MAX_ITEMS:
        raise ValueError(f"a count of {count} cannot be right")
    return count


def _number(file: BinaryIO, code: str) -> Any:
    size = struct.calcsize("<" + code)
    return struct.unpack("<" + code, file.read(size))[0]


def _string(file: BinaryIO) -> str:
    return file.read(_checked_count(_number(file, "Q"))).decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _number(file, "I"), _checked_count(_number(file, "Q"))
        if inner in _SCALARS:
            code = f"<{count}{_SCALARS[inner]}"
            return list(struct.unpack(code, file.read(struct.calcsize(code))))
        return [_value(file, inner) for _ in range(count)]
    if kind not in _SCALARS:
        raise ValueError(f"metadata of unknown type {kind}")
    return _number(file, _SCALARS[kind])


def _half(blocks: Bytes, column: int) -> Floats:
    return np.ascontiguousarray(blocks[:, column : column + 2]).view(np.float16).astype(np.float32)


def _nibbles(blocks: Bytes, column: int) -> Floats:
    packed = blocks[:, column : column + 16]
    out = np.empty((len(blocks), 32), np.float32)
    out[:, :16] = packed & 15
    out[:, 16:] = packed >> 4
    return out


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
    return _half(blocks, 0) * blocks[:, 2:].view(np.int8).astype(np.float32)


def _q6_k(blocks: Bytes) -> Floats:
    """Blocks of 256 weights: 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, one float16
    scale."""
    low = blocks[:, :128].reshape(-1, 2, 1, 64) >> np.array([0, 4], np.uint8).reshape(1, 1, 2, 1)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    quants = (low & 15).reshape(-1, 2, 4, 32) | ((high & 3) << 4)
    scales = blocks[:, 192:208].view(np.int8).astype(np.float32).reshape(-1, 16, 1)
    return _half(blocks, 208).reshape(-1, 1, 1) * scales * (quants.reshape(-1, 16, 16).astype(np.float32) - 32.0)


_FORMATS: dict[int, tuple[int, int, Callable[[Bytes], Floats]]] = {
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
