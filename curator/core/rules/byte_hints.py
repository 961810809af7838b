"""What the bytes of a line tell before anybody looks at its texts: which rules on texts have nothing to find.

Nearly every line is clean, so most of what a check costs is spent here. All of it may say too much and must
never say too little; a property test calls every rule and compares.
"""

from __future__ import annotations

import re
from functools import lru_cache

from curator.core.rules.has import Has

LEADS = b"\xc2\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd8\xe1\xe2\xe3\xef\xf3"
"""First bytes of the UTF-8 of every character of `_UNUSUAL`."""
_COMMON = bytes(set(range(256)) - set(b"@|\\\x7f_KJz+-0123456789" + LEADS))
"""What `byte_bits` deletes before it looks: all but digits, `LEADS`, and the rarest character of each mark."""
_PLAIN_DIGITS = b"0123456789"
_DIGITS = bytes(48 if byte in _PLAIN_DIGITS else 46 if byte in b" ().-" else 97 for byte in range(256))
"""Digits as 0, what may stand inside a number as a full stop."""
_RUN = re.compile(rb"[0-9+(][0-9 ().-]{6,}[0-9]")
MARKS = (
    *((b"@", b"@", 0), (b"|", b"<|", 1), (b"-", b"sk-", 2), (b"-", b"xox", 4), (b"-", b"-----BEGIN", 4)),
    *((b"K", b"AKIA", 1), (b"J", b"eyJ", 2), (b"z", b"AIza", 2)),
    *((b"_", b"gh%c_" % letter, 3) for letter in b"pousr"),
)
"""What keys, addresses and special tokens begin with, their rarest characters, and how far in these first are."""
PHRASES = ((b"uicid", 0, 1), (b"ill your", 4, 1), (b"bomb", 2, 1))
"""What stands in every phrase that moderation may flag, and where in it rare pairs of letters begin: one an even
number of letters from its beginning, one an odd."""
_UICID, _ILL_YOUR, _BOMB = (phrase for phrase, *_ in PHRASES)
_RARE_ESCAPE = re.compile(rb"\\[bfu]")
_ASCII_ESCAPE = re.compile(rb"\\u00[0-7]")
_UNUSUAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffd\u0370-\u03ff\u0400-\u052f]"
)
"""All that rules on characters may be about, but for tags (U+E0000 on): one class of the BMP is searched fast."""


def byte_bits(raw: bytes) -> int:
    """The bits that the bytes of a line tell: one pass deletes what is common, the rest says what to look for."""
    kept, has = raw.translate(None, _COMMON), 0
    rare = kept.translate(None, _PLAIN_DIGITS)
    digits = len(kept) - len(rare)
    # a card number has 13 digits or more, a telephone number 10, or 8 behind a plus sign
    if (digits > 9 and _is_number(raw)) or (digits > 7 and b"+" in rare):
        has = Has.DIGITS if _RUN.search(raw) else 0
    if _UICID in raw or _ILL_YOUR in raw or _BOMB in raw:
        has |= Has.RISKY
    if rare:
        bits, marks, escapes = _hints(rare)
        has |= bits
        for mark in marks:
            if mark in raw:
                has |= Has.MARKS
        if escapes and _RARE_ESCAPE.search(raw):
            has |= _escape_bits(raw)
    return has


@lru_cache(maxsize=4096)
def _hints(rare: bytes) -> tuple[int, tuple[bytes, ...], bool]:
    """What the rare characters of a line tell: bits, marks that may be there, and whether escapes are."""
    bits = 0 if rare.isascii() else Has.WIDE | (Has.ODD_TEXT if b"\xf3" in rare else 0)
    bits |= Has.ODD_TEXT if b"\x7f" in rare else 0
    return bits, tuple(mark for letter, mark, _ in MARKS if letter in rare), b"\\" in rare


def _is_number(raw: bytes) -> bool:
    """Whether digits are many in a row, or one separator stands between two of them."""
    shape = raw.translate(_DIGITS)
    return b"0.0" in shape or b"0000000000" in shape


def _escape_bits(raw: bytes) -> int:
    """The bits for characters that are written as escapes."""
    has = Has.ODD_TEXT if b"\\b" in raw or b"\\f" in raw else 0
    if b"\\u" in raw:
        has |= Has.WIDE
        if b"\\u00" in raw and _ASCII_ESCAPE.search(raw):
            return Has.ODD_TEXT | Has.DIGITS | Has.MARKS | Has.RISKY | Has.WIDE
        if b"\\udb40" in raw or b"\\uDB40" in raw:
            has |= Has.ODD_TEXT  # tags
    return has


def may_repeat_keys(raw: bytes, strings: int) -> bool:
    """Whether a key could stand twice, in a line whose value has so many strings, those that are keys included.

    Each string needs two quotes; where there are no more than these need, there is no other key.
    """
    quotes = raw.count(b'"')
    return quotes != 2 * strings and (b'\\\\"' in raw or quotes - raw.count(b'\\"') != 2 * strings)


def is_unusual(text: str) -> bool:
    """Whether a rule on characters may find something in a text, where its bytes do not tell it (`byte_bits`)."""
    return not text.isascii() and _UNUSUAL.search(text) is not None
