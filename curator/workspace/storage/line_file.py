"""The lines of a source by number: an immutable byte copy of the imported file, and the offsets of its lines.

The offsets lie beside the copy (`NAME.idx`) and can be built from it again: a head of four 64-bit numbers
(magic, lines, blank lines, bytes) and the SHA-256 of the copy, then lines + 1 offsets, then the numbers (from 0)
of the blank lines. All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import struct
import sys
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, compress, count
from pathlib import Path

from curator import atomic
from curator.core.lines import BOM, trim
from curator.errors import CuratorError

MAGIC = 0x31584449525543
HEAD = struct.Struct("<4Q32s")
CHUNK = 256 * 1024
"""Bytes read at once: they and what is computed from them fit into the processor's cache."""
GLANCE = 1024 * 1024
"""Bytes of a large file that are shown before it is copied."""
Block = bytes | mmap.mmap
"""Bytes of several lines."""


class LineFile:
    """Lines of one file, read by number from 0. `whole` is False where only its beginning is indexed."""

    def __init__(self, path: Path, offsets: Sequence[int], blanks: Sequence[int], *, whole: bool = True) -> None:
        self.path = path
        self.offsets = offsets
        self.blanks = blanks
        self.whole = whole
        self._file = path.open("rb", buffering=0)
        self._seek = threading.Lock()

    @property
    def lines(self) -> int:
        """Number of indexed lines, blank ones included."""
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Bytes of the indexed lines."""
        return self.offsets[-1]

    def line(self, number: int) -> bytes:
        """The bytes of a line without its terminator (LF or CR LF); the first line without a BOM.

        Raises IndexError past the end and CuratorError where the copy is shorter than its index says.
        """
        if not 0 <= number < self.lines:
            raise IndexError(number)
        start, end = self.offsets[number], self.offsets[number + 1]
        raw = self.read(start, end - start)
        if len(raw) != end - start:
            raise CuratorError(f"{self.path} is shorter than it was: restore it from a backup")
        return trim(raw, first=number == 0)

    def read(self, start: int, length: int) -> bytes:
        """Bytes at an offset; fewer at the end of the file. Raises CuratorError for a length beyond the file."""
        if length <= 0:
            return b""
        if length > self.size:
            raise CuratorError(f"the offsets beside {self.path} are wrong: delete {self.path.name}.idx")
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), length, start)
        with self._seek:
            self._file.seek(start)
            return self._file.read(length)

    def blocks(self, size: int = CHUNK) -> Iterator[tuple[int, bytes]]:
        """(number of the first line, bytes of whole lines) for the file in order, about `size` bytes each."""
        first = 0
        while first < self.lines:
            after = self.line_after(first, size)
            yield first, self.read(self.offsets[first], self.offsets[after] - self.offsets[first])
            first = after

    def line_after(self, first: int, size: int) -> int:
        """The number of the line behind about `size` bytes of whole lines, at least one line, from `first` on."""
        start = self.offsets[first]
        return min(bisect_left(self.offsets, start + size, first + 1, self.lines + 1), self.lines)

    def map_lines(self, first: int, after: int) -> tuple[int, Block]:
        """(offset, bytes) that hold the lines from `first` to before `after`, memory-mapped where possible.

        A mapping begins at a multiple of the page size, so other bytes may precede the lines.
        """
        start, end = self.offsets[first], self.offsets[after]
        base = start - start % mmap.ALLOCATIONGRANULARITY
        try:
            size = os.fstat(self._file.fileno()).st_size
            if size >= end:  # reading a mapping beyond the end of its file kills the process
                return base, mmap.mmap(self._file.fileno(), end - base, offset=base, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            pass
        return start, self.read(start, end - start)

    def is_blank(self, number: int) -> bool:
        """Whether a line is blank, and so no example."""
        at = bisect_left(self.blanks, number)
        return at < len(self.blanks) and self.blanks[at] == number

    def close(self) -> None:
        """Close the file; the offsets stay."""
        self._file.close()


Each = Callable[[list[bytes]], None]
"""Gets physical lines in order, with their LF."""


class Indexer:
    """Builds the offset index from the file's bytes, piece by piece.

    `each`, if given, is called with the complete lines of each piece.
    """

    def __init__(self, each: Each | None = None) -> None:
        self.offsets = array("Q", [0])
        self.blanks = array("Q")
        self._each = each
        self._begun: list[bytes] = []
        """Pieces of the last line, whose end has not come yet, for `each`."""
        self._length = 0
        """Bytes of that line so far."""
        self._text = False
        """Whether it holds more than white space so far."""
        self.digest = b""
        """The SHA-256 of all bytes, set by the caller; empty where it was not computed."""

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file, cut anywhere (but not inside a BOM at its start)."""
        if len(self.offsets) == 1 and not self._length and piece.startswith(BOM):
            piece = piece[3:]
            self._length = 3
        lines = io.BytesIO(piece).readlines()  # several times quicker than split
        rest = lines.pop() if lines and not piece.endswith(b"\n") else b""
        if lines:
            self._add(lines)
            if self._each is not None:
                lines[0] = b"".join((*self._begun, lines[0]))
                self._begun.clear()
                self._each(lines)
        if self._each is not None:
            self._begun.append(rest)
        self._length += len(rest)
        self._text = self._text or bool(rest.strip())

    def finish(self) -> None:
        """No more bytes: what stands after the last LF is a line too."""
        if self._length:
            if not self._text:
                self.blanks.append(len(self.offsets) - 1)
            self.offsets.append(self.offsets[-1] + self._length)
            self._length = 0
            if self._each is not None:
                self._each([b"".join(self._begun)])

    def _add(self, lines: list[bytes]) -> None:
        """Note where complete lines end, and which of them are blank."""
        line_count = len(self.offsets) - 1
        if self._text or any(map(bytes.isspace, lines)):
            blank = [line.isspace() for line in lines]
            blank[0] = blank[0] and not self._text
            self.blanks.extend(compress(count(line_count), blank))
        ends = accumulate(map(len, lines), initial=self.offsets[-1] + self._length)
        next(ends)
        self.offsets.extend(ends)
        self._length, self._text = 0, False


def index_path(copy: Path) -> Path:
    """The file that holds the offsets of a copy."""
    return copy.with_name(copy.name + ".idx")


def write_index(copy: Path, indexer: Indexer) -> None:
    """Store the offsets beside the copy, whole or not at all. Raises OSError."""
    offsets, blanks = indexer.offsets, indexer.blanks
    with atomic.replacing(index_path(copy)) as file:
        file.write(HEAD.pack(MAGIC, len(offsets) - 1, len(blanks), offsets[-1], indexer.digest))
        for numbers in (offsets, blanks):
            if sys.byteorder == "big":
                numbers = array("Q", numbers)
                numbers.byteswap()
            file.write(memoryview(numbers))


def build_index(copy: Path, progress: Callable[[int], None] | None = None) -> Indexer:
    """Read a whole copy and return its index; `progress` gets the bytes done. Raises OSError."""
    indexer = Indexer()
    done = 0
    with copy.open("rb", buffering=0) as file:
        while piece := file.read(CHUNK):
            indexer.feed(piece)
            done += len(piece)
            if progress is not None:
                progress(done)
    indexer.finish()
    return indexer


def copy_file(
    origin: Path, copy: Path, progress: Callable[[int], None] | None = None, each: Each | None = None
) -> None:
    """Copy `origin` to `copy` and its index beside it, both synced; the copy appears by rename when whole.

    `progress` gets the bytes done, `each` the lines on the way. The blocks are shared where the file system can
    (reflink). Raises OSError.
    """
    indexer = Indexer(each)
    digest = hashlib.sha256()
    done = 0
    with origin.open("rb", buffering=0) as source, atomic.replacing(copy, mode=0o444) as target:
        cloned = _clone(source.fileno(), target.fileno())
        while piece := source.read(CHUNK):
            if not cloned:
                target.write(piece)
            indexer.feed(piece)
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done)
    indexer.finish()
    indexer.digest = digest.digest()
    write_index(copy, indexer)


def stored_digest(copy: Path) -> str | None:
    """The SHA-256 of a copy when it was made, in hex; None where it was not stored."""
    try:
        with index_path(copy).open("rb") as file:
            digest = HEAD.unpack(file.read(HEAD.size))[4]
    except (OSError, struct.error):
        return None
    return digest.hex() if any(digest) else None


def copy_bytes(origin: Path, copy: Path) -> None:
    """A synced byte copy without an index. Raises OSError."""
    with origin.open("rb", buffering=0) as source, atomic.replacing(copy, mode=0o444) as target:
        if not _clone(source.fileno(), target.fileno()):
            while piece := source.read(CHUNK):
                target.write(piece)


def _clone(source: int, target: int) -> bool:
    """Share the blocks of two files (Linux FICLONE); False where the file system cannot."""
    try:
        import fcntl  # missing on Windows

        fcntl.ioctl(target, 0x40049409, source)
    except (ImportError, OSError):
        return False
    return True


def open_copy(copy: Path) -> LineFile:
    """A copy with its stored offsets; a missing or outdated index is built again.

    It is stored unless the folder is read-only. Raises CuratorError where the copy cannot be read.
    """
    try:
        stored = load_index(copy)
        if stored is None:
            indexer = build_index(copy)
            stored = indexer.offsets, indexer.blanks
            if os.access(copy.parent, os.W_OK):
                write_index(copy, indexer)
        return LineFile(copy, *stored)
    except OSError as error:
        raise CuratorError(f"cannot read {copy}: {error.strerror or error}") from error


def load_index(copy: Path) -> tuple[Sequence[int], Sequence[int]] | None:
    """The stored offsets and blanks of a copy; None where they are missing or do not fit it."""
    path = index_path(copy)
    try:
        with path.open("rb") as file:
            magic, lines, blanks, size, _ = HEAD.unpack(file.read(HEAD.size))
            if magic != MAGIC or size != copy.stat().st_size or blanks > lines:
                return None
            if path.stat().st_size != HEAD.size + 8 * (lines + 1 + blanks) or sys.byteorder == "big":
                return None
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[HEAD.size :].cast("Q")
    except (OSError, struct.error):
        return None
    offsets = view[: lines + 1]
    return (offsets, view[lines + 1 :]) if offsets[0] == 0 and offsets[lines] == size else None


def open_beginning(path: Path) -> LineFile:
    """The first lines of a file that is not copied yet: whole lines within its first `GLANCE` bytes."""
    indexer = Indexer()
    with path.open("rb", buffering=0) as file:
        piece = file.read(GLANCE)
        indexer.feed(piece)
        if len(piece) < GLANCE or not file.read(1):
            indexer.finish()
    return LineFile(path, indexer.offsets, indexer.blanks, whole=False)


def remove_leftovers(folder: Path, last: int) -> None:
    """Delete what killed imports left behind: half-written files, and copies for source ids above `last`.

    No other process may be writing there meanwhile.
    """
    for path in (folder / "sources").iterdir():
        number, dash, _ = path.name.partition("-")
        half = path.name.startswith(".") and path.name.endswith(".part")
        if half or (dash and number.isascii() and number.isdigit() and int(number) > last):
            path.unlink()


def load_numbers(copy: Path) -> Sequence[int]:
    """The line in the original file of each record of a converted copy; empty where the copy is the original."""
    path = copy.with_name(copy.name + ".lines")
    try:
        data = path.read_bytes()
    except OSError:
        return ()
    numbers = array("Q")
    numbers.frombytes(data[: len(data) // 8 * 8])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def write_numbers(copy: Path, numbers: array[int]) -> None:
    """Store what `load_numbers` reads. Raises OSError."""
    if sys.byteorder == "big":
        numbers = array("Q", numbers)
        numbers.byteswap()
    atomic.write_bytes(copy.with_name(copy.name + ".lines"), numbers.tobytes())
