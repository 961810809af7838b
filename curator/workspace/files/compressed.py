"""Reads .gz and .zst as if not packed. A file that is cut short is told, never taken for its beginning."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

PACKED = 1 << 13
"""Packed bytes taken at once: some of these unpack to thousands of times as many."""


MOST_TIMES = 200
"""A file that unpacks to more times its size is refused, once `ALWAYS_UNPACKED` bytes are out."""
ALWAYS_UNPACKED = 64 << 20


def unpack(stream: BinaryIO, head: bytes) -> BinaryIO | None:
    """The content of a stream that begins with the bytes `head`; None where it is not packed.

    Reading it raises OSError where it unpacks to so much that it cannot be a dataset.
    """
    if head.startswith(b"\x1f\x8b"):
        content = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        content = _unzstd(stream)
    else:
        return None
    return io.BufferedReader(_Bounded(content, stream), 1 << 18)


class _Bounded(io.RawIOBase):
    """Unpacked content that stops where it has become out of proportion to what was read of the packed file."""

    def __init__(self, content: BinaryIO, packed: BinaryIO) -> None:
        self._content, self._packed = content, packed
        self._unpacked = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of `buffer`; 0 at the end. Raises OSError where the limit is passed."""
        block = cast(Any, self._content).read1(len(buffer))
        self._unpacked += len(block)
        if self._unpacked > ALWAYS_UNPACKED and self._unpacked > MOST_TIMES * self._packed.tell():
            raise OSError(f"it unpacks to more than {MOST_TIMES} times its size, which no dataset does")
        buffer[: len(block)] = block
        return len(block)


def _unzstd(stream: BinaryIO) -> BinaryIO:
    import zstandard  # only for .zst

    reader = _Frames(stream, zstandard.ZstdDecompressor().decompressobj)
    return io.BufferedReader(reader, 1 << 20)


class _Frames(io.RawIOBase):
    """The content of Zstandard frames; one that is cut short raises EOFError, which the library's reader hides."""

    def __init__(self, packed: BinaryIO, begin: Callable[[], Any]) -> None:
        self._packed, self._begin = packed, begin
        self._frame: Any = None
        self._rest = self._ready = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of `buffer`; 0 at the end."""
        while not self._ready:
            if not self._rest:
                self._rest = self._packed.read(PACKED)
            if not self._rest:
                if self._frame is not None:
                    raise EOFError("the file ends in the middle of a frame")
                return 0
            self._frame = self._frame or self._begin()
            self._ready, self._rest = self._frame.decompress(self._rest), b""
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def unpacking_errors() -> tuple[type[Exception], ...]:
    """What reading packed data may raise; zstandard's own error only where zstandard was needed."""
    module = sys.modules.get("zstandard")
    return (OSError, EOFError, zlib.error, *((module.ZstdError,) if module else ()))
