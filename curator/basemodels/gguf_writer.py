"""Write GGUF files of version 3: typed metadata, a tensor directory, then the tensors one after the other."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from curator.basemodels.gguf_blocks import FORMATS, Floats, encode

Value = str | bool | int | float | Sequence[str] | Sequence[int]
"""A metadata value: written as string, bool, uint32, float32, or an array of strings or int32."""

ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor to write: its name, its shape in NumPy's order, the format's number and a way to get its values."""

    name: str
    shape: tuple[int, ...]
    kind: int
    load: Callable[[], Floats]

    @property
    def size(self) -> int:
        """Its bytes in the file, without padding."""
        per_block, block_bytes = FORMATS[self.kind]
        count = 1
        for length in self.shape:
            count *= length
        return count // per_block * block_bytes


def write_header(file: BinaryIO, metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> None:
    """Write everything before the tensors' data."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    head += [_string(key) + _value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in tensors:
        head.append(_string(tensor.name) + struct.pack("<I", len(tensor.shape)))
        head.append(struct.pack(f"<{len(tensor.shape)}Q", *reversed(tensor.shape)))
        head.append(struct.pack("<IQ", tensor.kind, offset))
        offset += _padded(tensor.size)
    written = file.write(b"".join(head))
    file.write(b"\0" * (_padded(written) - written))


def write_tensor(file: BinaryIO, tensor: Tensor) -> None:
    """Write one tensor's data; the tensors come in the directory's order."""
    data = encode(tensor.kind, tensor.load())
    file.write(data.tobytes())
    file.write(b"\0" * (_padded(data.size) - data.size))


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    texts = [item for item in value if isinstance(item, str)]
    if texts or not value:
        return struct.pack("<IIQ", _ARRAY, _STRING, len(texts)) + b"".join(map(_string, texts))
    numbers = [item for item in value if isinstance(item, int)]
    return struct.pack(f"<IIQ{len(numbers)}i", _ARRAY, _INT32, len(numbers), *numbers)
