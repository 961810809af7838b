"""Six facts about every example, one byte each, in columns, so that a filter is one `bytes.translate`.

A column has one byte for each id. The table `flags` stores them in blocks of ids, beside the results they
summarise, and is written in the same transaction.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

Column = Literal["states", "roles", "messages", "low", "high", "overall"]
COLUMNS: tuple[Column, ...] = ("states", "roles", "messages", "low", "high", "overall")
"""`states` and `roles` hold the bits below, `messages` a number, `low` and `high` the tokens as `token_bytes` has
them, `overall` the bits `ERROR` and `WARNING` for findings of the rules on the dataset as a whole."""

LOOKED, ERROR, WARNING = 1, 2, 4
"""Bits of `states`: the example is analysed; a rule on single examples found an error, a warning."""
SOURCE = 8
"""The example is as imported (version 0); `PLAIN` and `HIDING` are set only then."""
PLAIN = 16
"""All text is in string `content`s of `messages`, or the line is no JSON object: a search can look at the
bytes."""
HIDING = 32
"""The bytes may spell an ASCII letter otherwise: see `may_hide_a_letter`."""
ROLES = {"system": 1, "developer": 2, "user": 4, "assistant": 8, "tool": 16, "function": 32}
"""Bits of the column `roles`."""
OPENS = 64
"""A further bit of `roles`, only with `SOURCE`: the bytes match `OPENING`, and no JSON object has a key twice."""
MANY = 255
"""The value of `messages` for so many messages or more."""
MOST_TOKENS = 65_534
"""The number of tokens stored for so many or more."""

BLOCK = 1 << 16
"""Ids in one row of the table."""
TABLE = """
CREATE TABLE flags(block INTEGER PRIMARY KEY, states BLOB NOT NULL, roles BLOB NOT NULL, messages BLOB NOT NULL,
    low BLOB NOT NULL, high BLOB NOT NULL, overall BLOB NOT NULL);
"""

SIGNS = (("", b"\\u00", b"234567"), ("k", b"\\u212", b"aA"), ("i", b"\\u0130", b""))
"""JSON escapes of characters that are ASCII letters in lower case: (the letter, empty: any; how the escape begins;
the bytes one of which follows)."""
FOLDING = (("k", b"\xe2\x84\xaa"), ("i", b"\xc4\xb0"))
"""The Kelvin sign and the dotted capital I, whose lower case is an ASCII letter."""
_HEAD = rb'\{"role": ?"\w+", ?"content": ?"'
_MESSAGE = _HEAD + rb'[^"\\]*(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^"\\]*)*'
_BLOCKS = "SELECT block FROM flags"
OPENING = re.compile(rb'\{"messages": ?\[(?:' + _MESSAGE + rb'"\}, ?)*' + _MESSAGE)
"""Everything before a place in the text of one of the first messages, where these have only a role and a text."""
HEAD = re.compile(rb'\{"messages": ?\[' + _HEAD)
"""Everything before the first text of such messages."""
NEXT = re.compile(rb'"\}, ?' + _HEAD)
"""Everything between the texts of two such messages."""
LAST = b'"}]}'
"""Everything after the last text, where the line ends with such a message."""
QUOTES, EACH = 9, 8
"""Quotation marks before a word of the first such text, and how many more for each further message."""
_ESCAPES = re.compile(rb"\\u(00[2-7]|212[aA]|0130)")


def may_hide_a_letter(raw: bytes) -> bool:
    """Whether some character in these bytes is an ASCII letter in lower case, but not spelled as one.

    That is a JSON escape, or one of `FOLDING`. A search for bytes would miss it.
    """
    if b"\\" in raw and b"\\u" in raw and _ESCAPES.search(raw):  # one byte alone is found faster
        return True
    return not raw.isascii() and (FOLDING[0][1] in raw or FOLDING[1][1] in raw)


@lru_cache
def having(bits: int, among: int) -> bytes:
    """A table for `translate`: 1 for bytes of whose bits `among` exactly `bits` are set, 0 for others."""
    return bytes(byte & among == bits for byte in range(256))


@lru_cache
def having_any(bits: int) -> bytes:
    """A table for `translate`: 1 for bytes with at least one of `bits`."""
    return bytes(byte & bits > 0 for byte in range(256))


@lru_cache
def between(low: int, high: int) -> bytes:
    """A table for `translate`: 1 for bytes from `low` to `high`, both included."""
    return bytes(low <= byte <= high for byte in range(256))


def token_bytes(tokens: int | None) -> tuple[int, int]:
    """The low and high byte of the number of tokens plus 1; both are 0 where they are not counted."""
    high, low = divmod(0 if tokens is None else min(tokens, MOST_TOKENS) + 1, 256)
    return low, high


def at_least(low: bytearray, high: bytearray, tokens: int) -> bytearray:
    """1 for each id with at least so many tokens (below `MOST_TOKENS`); the columns are compared as big
    numbers."""
    low_byte, high_byte = token_bytes(tokens)
    above = int.from_bytes(high.translate(_compare(high_byte)), "little")
    above += int.from_bytes(low.translate(between(low_byte, 255)), "little")
    return bytearray(above.to_bytes(len(low), "little")).translate(between(2, 255))


def union(column: bytearray, other: bytearray) -> bytearray:
    """Two columns combined by bitwise or, byte by byte."""
    bits = int.from_bytes(column, "little") | int.from_bytes(other, "little")
    return bytearray(bits.to_bytes(len(column), "little"))


@lru_cache
def _compare(number: int) -> bytes:
    """A table for `translate`: 2 for bytes above a number, 1 for the number itself, 0 below."""
    return bytes((byte > number) + (byte >= number) for byte in range(256))


class Flags:
    """The flag columns of one store; the caller begins and ends the transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, rows: Iterable[tuple[int, int, int, int, int, int]]) -> None:
        """Store the bytes of some examples: (id, states, roles, messages, low, high)."""
        blocks: dict[int, list[tuple[int, ...]]] = {}
        for row in rows:
            blocks.setdefault(row[0] // BLOCK, []).append(row)
        for block, inside in blocks.items():
            columns = self._block(block)
            ids, *columns_of_values = zip(*inside, strict=True)
            first = ids[0]
            in_a_row = ids == tuple(range(first, first + len(ids)))
            for column, values in zip(columns, columns_of_values, strict=False):  # `overall` stays
                if in_a_row:
                    column[first % BLOCK : first % BLOCK + len(ids)] = bytes(values)
                else:
                    for example, value in zip(ids, values, strict=True):
                        column[example % BLOCK] = value
            self._store(block, columns)

    def put_overall(self, bits_by_id: Iterable[tuple[int, int]]) -> None:
        """Replace the column `overall`; an id may come several times, once for each bit."""
        bits: dict[int, bytearray] = {block: bytearray(BLOCK) for (block,) in self._db.execute(_BLOCKS)}
        for example, bit in bits_by_id:
            bits.setdefault(example // BLOCK, bytearray(BLOCK))[example % BLOCK] |= bit
        for block, column in bits.items():
            self._store(block, [*self._block(block)[:-1], column])

    def _block(self, block: int) -> list[bytearray]:
        """All columns of one block of ids."""
        row = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM flags WHERE block = ?", (block,)).fetchone()
        return [bytearray(column).ljust(BLOCK, b"\0")[:BLOCK] for column in row or [b""] * len(COLUMNS)]

    def _store(self, block: int, columns: list[bytearray]) -> None:
        self._db.execute("INSERT OR REPLACE INTO flags VALUES(?,?,?,?,?,?,?)", (block, *columns))

    def read(self, column: Column, size: int) -> bytearray:
        """One byte for each id below `size`; 0 where an example has no result."""
        return self.read_all([column], size)[0]

    def read_all(self, columns: Sequence[Column], size: int) -> list[bytearray]:
        """As `read`, of several columns, with one pass over the table."""
        values = [bytearray(-(-size // BLOCK) * BLOCK) for _ in columns]
        rows = f"SELECT block, {', '.join(columns)} FROM flags WHERE block < ?"
        for block, *data in self._db.execute(rows, (-(-size // BLOCK),)):
            for column, inside in zip(values, data, strict=True):
                column[block * BLOCK : block * BLOCK + BLOCK] = inside[:BLOCK].ljust(BLOCK, b"\0")
        for column in values:
            del column[size:]
        return values
