"""Read GGUF files: metadata, and tensors as float32 arrays.

Layout (little endian): magic, version, counts, key/value pairs, tensor directory, padding, data.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from curator.basemodels.gguf_blocks import FORMATS, Floats, decode_rows
from curator.errors import InputError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SIZE = struct.Struct("<Q")
_MAX_ITEMS = 4_000_000
"""Longest string or list; a larger count means that the file is damaged."""

_WEIGHTS_AT_ONCE = 1 << 18
"""So many weights are decoded at once: what is computed in between stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor of the directory: `shape` in NumPy's order (rows first), ggml type number, offset in bytes."""

    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def size(self) -> int:
        """The tensor's bytes; 0 for an unknown type."""
        per_block, block_bytes = FORMATS.get(self.kind, (1, 0))
        return math.prod(self.shape) // per_block * block_bytes


@dataclass(slots=True)
class Gguf:
    """A file whose header is read: `metadata` by key, `entries` by tensor name. `start` is the offset of the
    data."""

    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, TensorEntry] = field(default_factory=dict)
    start: int = 0

    def tensor(self, name: str, heads: int = 0, *, by_column: bool = False) -> Floats:
        """Read one tensor, dequantised to float32.

        `heads`: the rows are those of so many heads, whose rotary pairs the file interleaves; they come in two
        halves, as Hugging Face keeps them. `by_column`: a matrix lies in memory column by column. Raises
        InputError if the tensor is missing, cut short or of another type.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise InputError(f"{self.path.name} holds no tensor '{name}': it is no complete model of this kind")
        if entry.kind not in FORMATS:
            raise InputError(f"{self.path.name}: tensor '{name}' uses quantisation {entry.kind}, not supported")
        raw = np.fromfile(self.path, dtype=np.uint8, count=entry.size, offset=self.start + entry.offset)
        if raw.size != entry.size:
            raise InputError(f"{self.path.name} is cut short: pull or copy the model again")
        if entry.shape[-1] % FORMATS[entry.kind][0]:
            raise InputError(f"{self.path.name}: the rows of tensor '{name}' are no whole blocks")
        out = np.empty(entry.shape, np.float32, order="F" if by_column else "C")
        matrix = out if out.ndim == 2 else out.reshape(1 if not heads else len(out), -1)
        rows = raw.reshape(len(matrix), -1)
        if heads:
            rows = rows.reshape(heads, len(rows) // heads // 2, 2, -1).swapaxes(1, 2).reshape(len(rows), -1)
        step = max(1, _WEIGHTS_AT_ONCE // matrix.shape[1])
        for first in range(0, len(matrix), step):
            decode_rows(entry.kind, rows[first : first + step], matrix[first : first + step])
        return out


def open_gguf(path: Path, *, texts: bool = True) -> Gguf:
    """Read header, metadata and tensor directory. Raises InputError if the file is no GGUF of version 2 or 3.

    `texts`: also lists of texts, which are the vocabulary. Without them it takes a third of the time.
    """
    try:
        with path.open("rb") as file:
            return _read_header(path, file, texts)
    except (OSError, struct.error, ValueError, OverflowError, MemoryError) as error:
        raise InputError(f"{path} cannot be read as a GGUF model: {error}") from error


def _read_header(path: Path, file: BinaryIO, texts: bool) -> Gguf:
    if file.read(4) != b"GGUF" or _number(file, "I") not in (2, 3):
        raise ValueError("the first bytes are not those of GGUF version 2 or 3")
    tensors, pairs = _number(file, "Q"), _number(file, "Q")
    gguf = Gguf(path)
    for _ in range(_checked_count(pairs)):
        key, kind = _string(file), _number(file, "I")
        if kind != _ARRAY or texts or not _skip_strings(file):
            gguf.metadata[key] = _value(file, kind)
    for _ in range(_checked_count(tensors)):
        name = _string(file)
        sizes = [_number(file, "Q") for _ in range(_checked_count(_number(file, "I")))]
        kind = _number(file, "I")
        gguf.entries[name] = TensorEntry(tuple(reversed(sizes)), kind, _number(file, "Q"))
    alignment = int(gguf.metadata.get("general.alignment", 32))
    gguf.start = -(-file.tell() // alignment) * alignment
    _require_data(gguf)
    return gguf


def _require_data(gguf: Gguf) -> None:
    """Raise ValueError if the file ends before the last tensor does."""
    needed = max((gguf.start + entry.offset + entry.size for entry in gguf.entries.values()), default=0)
    there = gguf.path.stat().st_size
    if there < needed:
        raise ValueError(f"it is cut short ({there:,} of {needed:,} bytes): copy or export the model again")


def _checked_count(count: int) -> int:
    if not 0 <= count <= _MAX_ITEMS:
        raise ValueError(f"a count of {count} cannot be right")
    return count


def _number(file: BinaryIO, code: str) -> Any:
    size = struct.calcsize("<" + code)
    return struct.unpack("<" + code, _read(file, size))[0]


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("it is cut short in its header: copy or export the model again")
    return data


def _string(file: BinaryIO) -> str:
    return _read(file, _checked_count(_number(file, "Q"))).decode("utf-8", "replace")


def _strings(file: BinaryIO, count: int) -> list[str]:
    """So many strings, as `_string` reads them, without a call for each part: a vocabulary has 100,000."""
    strings = []
    for _ in range(count):
        size = int.from_bytes(file.read(8), "little")
        data = file.read(size) if size <= _MAX_ITEMS else b""
        if len(data) != size:
            raise ValueError("it is cut short in its header: copy or export the model again")
        strings.append(data.decode("utf-8", "replace"))
    return strings


def _skip_strings(file: BinaryIO) -> bool:
    """Go on behind a list of strings; False, without a move, where another list stands."""
    start = file.tell()
    if _number(file, "I") != _STRING:
        file.seek(start)
        return False
    count = _checked_count(_number(file, "Q"))
    at = file.tell()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for _ in range(count):
            at += 8 + _SIZE.unpack_from(data, at)[0]
    file.seek(at)
    return True


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _number(file, "I"), _checked_count(_number(file, "Q"))
        if inner in _SCALARS:
            code = f"<{count}{_SCALARS[inner]}"
            return list(struct.unpack(code, _read(file, struct.calcsize(code))))
        if inner == _STRING:
            return _strings(file, count)
        return [_value(file, inner) for _ in range(count)]
    if kind not in _SCALARS:
        raise ValueError(f"metadata of unknown type {kind}")
    return _number(file, _SCALARS[kind])
