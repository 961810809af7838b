"""What filters and searches ask of every example: six bytes an id, so that an answer is a translation of bytes.

The columns lie beside the results they sum up and are written with them, in one transaction.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

Column = Literal["states", "roles", "messages", "low", "high", "overall"]
COLUMNS: tuple[Column, ...] = ("states", "roles", "messages", "low", "high", "overall")
"""`low` and `high`: the bytes of a number of tokens, see `counted`; `overall`: `ERROR` and `WARNING` where the
rules over the whole dataset found one."""

LOOKED, ERROR, WARNING = 1, 2, 4
SOURCE = 8
"""The look was at the source's bytes, and the next two bits are about those."""
PLAIN = 16
"""Its text is in `content` strings of `messages` alone, or the line is its text: its bytes can be searched."""
HIDING = 32
"""Its bytes may hold an ASCII letter in another spelling."""
ROLES = {"system": 1, "developer": 2, "user": 4, "assistant": 8, "tool": 16, "function": 32}
"""Bits of the column `roles`."""
OPENS = 64
"""A further bit there, with `SOURCE`: the bytes begin as `OPENING` has it, and no key stands twice."""
MANY = 255
"""What the column `messages` says of so many messages or more."""
MOST_TOKENS = 65_534
"""What the columns of tokens say of so many or more."""

BLOCK = 1 << 16
"""Ids a row."""
TABLE = """
CREATE TABLE flags(block INTEGER PRIMARY KEY, states BLOB NOT NULL, roles BLOB NOT NULL, messages BLOB NOT NULL,
    low BLOB NOT NULL, high BLOB NOT NULL, overall BLOB NOT NULL);
"""

SIGNS = (("", b"\\u00", b"234567"), ("k", b"\\u212", b"aA"), ("i", b"\\u0130", b""))
"""Escapes of letters that are, or fold to, ASCII: the letter (empty: any), the beginning, what may follow."""
FOLDING = (("k", b"\xe2\x84\xaa"), ("i", b"\xc4\xb0"))
"""The Kelvin sign and the dotted capital I, whose lower case is an ASCII letter."""
_HEAD = rb'\{"role": ?"\w+", ?"content": ?"'
_MESSAGE = _HEAD + rb'[^"\\]*(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^"\\]*)*'
_BLOCKS = "SELECT block FROM flags"
OPENING = re.compile(rb'\{"messages": ?\[(?:' + _MESSAGE + rb'"\}, ?)*' + _MESSAGE)
"""What stands before a word in one of the first messages, where those hold a role and a text each."""
HEAD = re.compile(rb'\{"messages": ?\[' + _HEAD)
"""What stands before the first content of these."""
NEXT = re.compile(rb'"\}, ?' + _HEAD)
"""What stands before the content of another one behind it."""
LAST = b'"}]}'
"""What stands behind the last content where there is nothing else."""
QUOTES, EACH = 9, 8
"""So many quotes stand before a word in the very first of these, and so many more for each further one."""
_ESCAPES = re.compile(rb"\\u(00[2-7]|212[aA]|0130)")


def hides(raw: bytes) -> bool:
    """Whether an ASCII letter may be spelled otherwise somewhere in these bytes."""
    if b"\\u" in raw and _ESCAPES.search(raw):
        return True
    return not raw.isascii() and (FOLDING[0][1] in raw or FOLDING[1][1] in raw)


@lru_cache
def having(bits: int, among: int) -> bytes:
    """The table that translates a byte to 1 where its bits `among` these are exactly `bits`."""
    return bytes(byte & among == bits for byte in range(256))


@lru_cache
def having_any(bits: int) -> bytes:
    """The table that translates a byte to 1 where it has one of some bits."""
    return bytes(byte & bits > 0 for byte in range(256))


@lru_cache
def between(low: int, high: int) -> bytes:
    """The table that translates a byte to 1 from `low` to `high`, both included."""
    return bytes(low <= byte <= high for byte in range(256))


def counted(tokens: int | None) -> tuple[int, int]:
    """The bytes of a number of tokens, one more than it is: 0 says that nobody counted."""
    high, low = divmod(0 if tokens is None else min(tokens, MOST_TOKENS) + 1, 256)
    return low, high


def at_least(low: bytearray, high: bytearray, tokens: int) -> bytearray:
    """1 where two columns say so many tokens or more (less than `MOST_TOKENS`)."""
    least, most = counted(tokens)
    above = int.from_bytes(high.translate(_compared(most)), "little")
    above += int.from_bytes(low.translate(between(least, 255)), "little")
    return bytearray(above.to_bytes(len(low), "little")).translate(between(2, 255))


def both(column: bytearray, other: bytearray) -> bytearray:
    """The bits of two columns together."""
    bits = int.from_bytes(column, "little") | int.from_bytes(other, "little")
    return bytearray(bits.to_bytes(len(column), "little"))


@lru_cache
def _compared(number: int) -> bytes:
    """The table that translates a byte to 2 above a number, to 1 where it is that number."""
    return bytes((byte > number) + (byte >= number) for byte in range(256))


class Flags:
    """The columns of one database; the caller begins and ends the transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, rows: Iterable[tuple[int, int, int, int, int, int]]) -> None:
        """Store (id, states, roles, messages, low, high) of examples."""
        blocks: dict[int, list[tuple[int, ...]]] = {}
        for row in rows:
            blocks.setdefault(row[0] // BLOCK, []).append(row)
        for block, inside in blocks.items():
            columns = self._block(block)
            for example, *values in inside:
                for column, value in zip(columns, values, strict=False):
                    column[example % BLOCK] = value
            self._store(block, columns)

    def put_overall(self, found: Iterable[tuple[int, int]]) -> None:
        """Replace the column `overall` by (id, bit) pairs."""
        bits: dict[int, bytearray] = {block: bytearray(BLOCK) for (block,) in self._db.execute(_BLOCKS)}
        for example, bit in found:
            bits.setdefault(example // BLOCK, bytearray(BLOCK))[example % BLOCK] |= bit
        for block, column in bits.items():
            self._store(block, [*self._block(block)[:-1], column])

    def _block(self, block: int) -> list[bytearray]:
        row = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM flags WHERE block = ?", (block,)).fetchone()
        return [bytearray(column).ljust(BLOCK, b"\0")[:BLOCK] for column in row or [b""] * len(COLUMNS)]

    def _store(self, block: int, columns: list[bytearray]) -> None:
        self._db.execute("INSERT OR REPLACE INTO flags VALUES(?,?,?,?,?,?,?)", (block, *columns))

    def read(self, column: Column, size: int) -> bytearray:
        """One byte for each id below `size`; 0 where there is no result."""
        return self.read_all([column], size)[0]

    def read_all(self, columns: Sequence[Column], size: int) -> list[bytearray]:
        """As `read`, of several columns: they lie behind each other, so one look at each row is cheaper."""
        found = [bytearray(-(-size // BLOCK) * BLOCK) for _ in columns]
        rows = f"SELECT block, {', '.join(columns)} FROM flags WHERE block < ?"
        for block, *data in self._db.execute(rows, (-(-size // BLOCK),)):
            for column, inside in zip(found, data, strict=True):
                column[block * BLOCK : block * BLOCK + BLOCK] = inside[:BLOCK].ljust(BLOCK, b"\0")
        for column in found:
            del column[size:]
        return found
