"""Unpacks .gz and .zst while they are read. A file that is cut short raises an error; it is never read as if
whole."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

PACKED = 1 << 13
"""Packed bytes read at a time; they may unpack to thousands of times as many."""
MOST_TIMES = 200
"""A file that unpacks to more times its size is refused, once `ALWAYS_UNPACKED` bytes are out."""
ALWAYS_UNPACKED = 64 << 20
"""Bytes that may be unpacked whatever the size of the file."""


def unpack(stream: BinaryIO, head: bytes) -> BinaryIO | None:
    """The unpacked content of a stream that begins with the bytes `head`; None where it is not packed.

    Reading it raises OSError where it unpacks to more than `MOST_TIMES` its size.
    """
    if head.startswith(b"\x1f\x8b"):
        content = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        content = _unzstd(stream)
    else:
        return None
    return io.BufferedReader(_Bounded(content, stream), 1 << 18)


class _Bounded(io.RawIOBase):
    """Unpacked content; reading fails once it is out of proportion to the packed bytes read."""

    def __init__(self, content: BinaryIO, packed: BinaryIO) -> None:
        self._content, self._packed = content, packed
        self._unpacked = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`; returns the number of bytes, 0 at the end. Raises OSError beyond the limit."""
        block = cast(Any, self._content).read1(len(buffer))
        self._unpacked += len(block)
        if self._unpacked > ALWAYS_UNPACKED and self._unpacked > MOST_TIMES * self._packed.tell():
            raise OSError(f"it unpacks to more than {MOST_TIMES} times its size, which no dataset does")
        buffer[: len(block)] = block
        return len(block)


def _unzstd(stream: BinaryIO) -> BinaryIO:
    import zstandard  # heavy: only for .zst

    reader = _Frames(stream, zstandard.ZstdDecompressor().decompressobj)
    return io.BufferedReader(reader, 1 << 20)


class _Frames(io.RawIOBase):
    """The content of Zstandard frames. The library's own reader does not report a frame that is cut short."""

    def __init__(self, packed: BinaryIO, begin: Callable[[], Any]) -> None:
        self._packed, self._begin = packed, begin
        self._frame: Any = None
        self._rest = self._ready = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`; returns the number of bytes, 0 at the end. Raises EOFError where the file is cut
        short."""
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
    """The exceptions that reading packed data may raise; zstandard's own only where it is imported."""
    module = sys.modules.get("zstandard")
    return (OSError, EOFError, zlib.error, *((module.ZstdError,) if module else ()))
