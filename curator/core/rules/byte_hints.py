"""Bits of `Has` from the bytes of a line alone: they spare most lines the rules on texts.

Nearly all lines have no findings, so a check spends most of its time here. A bit may be set in vain, but must
never be missing; a property test calls every rule and compares.
"""

from __future__ import annotations

import re
from functools import lru_cache

from curator.core.rules.has import Has

LEADS = b"\xc2\xc5\xc6\xcb\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd8\xe1\xe2\xe3\xef\xf3"
"""First bytes of the UTF-8 of every character of `_UNUSUAL`, and of those that follow the first of `_MISREAD`."""
_COMMON = bytes(set(range(256)) - set(b"@|\\\x7f_&<KJz+-0123456789" + LEADS))
"""The bytes that `byte_bits` deletes first: all but digits, `LEADS` and the rarest character of each mark."""
_PLAIN_DIGITS = b"0123456789"
_DIGITS = bytes(48 if byte in _PLAIN_DIGITS else 46 if byte in b" ().-" else 97 for byte in range(256))
"""Translation of bytes: digits to 0, separators inside numbers to a full stop, all others to a."""
_RUN = re.compile(rb"[0-9+(][0-9 ().-]{6,}[0-9]")
MARKS = (
    *((b"@", b"@", 0), (b"|", b"<|", 1), (b"-", b"sk-", 2), (b"-", b"xox", 4), (b"-", b"-----BEGIN", 4)),
    *((b"K", b"AKIA", 1), (b"J", b"eyJ", 2), (b"z", b"AIza", 2)),
    *((b"_", b"gh%c_" % letter, 3) for letter in b"pousr"),
    *((b"<", mark, 0) for mark in (b"</s>", b"<s>", b"<<", b"<start_of_", b"<end_of_", b"<\xef\xbd\x9c")),
    *((b"<", mark, 0) for mark in (b"<bos>", b"<eos>", b"<pad>", b"<unk>")),
    *((b"_", mark, mark.index(b"_")) for mark in (b"TOOL_CALLS]", b"TOOL_RESULTS]", b"BLE_TOOLS]", b"EM_PROMPT]")),
    *((b"&", mark, 0) for mark in (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&nbsp;", b"&#")),
)
"""Of each mark with which keys, addresses and special tokens begin: its rarest character, the mark, and the
offset of that character in it."""
PHRASES = ((b"uicid", 0, 1), (b"ill your", 4, 1), (b"bomb", 2, 1), (b"INST]", 2, 3), (b"'role'", 0, 5))
"""Of each text that occurs in the phrases of the rule `moderation_risk`, or in a mark without a rare character:
the text, and the offsets of two rare pairs of letters in it, one even and one odd, as `many_lines` needs."""
_UICID, _ILL_YOUR, _BOMB, _INST, _ROLE = (phrase for phrase, *_ in PHRASES)
ESCAPED_MARKS = (rb"\\n", rb"\"role", rb"\"type")
"""What stands behind a backslash in a text that was escaped twice, or that holds JSON of messages or parts."""
_RARE_ESCAPE = re.compile(rb"\\[bfu]")
_ASCII_ESCAPE = re.compile(rb"\\u00[0-7]")
_WIDE_MARK = re.compile(rb"<\\u[fF]{2}5[cC]")
"""How DeepSeek's marks begin where they are written as escapes."""
_UNUSUAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffd\u0370-\u03ff\u0400-\u052f]"
)
"""All characters that rules may report, except tags (from U+E0000 on) and mojibake: a class within the BMP is
searched fastest."""
_MISREAD = re.compile("[\xc2-\xf4][\x80-\xbf\u0152-\u0192\u02c6-\u02dc\u2013-\u203a\u20ac\u2122]")
"""Two characters with which mojibake begins."""


def byte_bits(raw: bytes) -> int:
    """The bits of a line: one pass deletes the common bytes, the remaining ones decide what to search for."""
    remaining, has = raw.translate(None, _COMMON), 0
    rare = remaining.translate(None, _PLAIN_DIGITS)
    digits = len(remaining) - len(rare)
    # a card number or IBAN has 10 digits or more, a telephone number too, or 8 behind a plus sign; a US social
    # security number has 9
    if (digits > 8 and _is_number(raw)) or (digits > 7 and b"+" in rare):
        has = Has.DIGITS if _RUN.search(raw) else 0
    if _UICID in raw or _ILL_YOUR in raw or _BOMB in raw:
        has |= Has.RISKY
    if _INST in raw or _ROLE in raw:
        has |= Has.MARKS
    if rare:
        bits, marks, escapes = _rare_byte_hints(rare)
        has |= bits
        for mark in marks:
            if mark in raw:
                has |= Has.MARKS
        if escapes:
            if _RARE_ESCAPE.search(raw):
                has |= _escape_bits(raw)
            if any(mark in raw for mark in ESCAPED_MARKS):
                has |= Has.MARKS
    return has


@lru_cache(maxsize=4096)
def _rare_byte_hints(rare: bytes) -> tuple[int, tuple[bytes, ...], bool]:
    """From the rare bytes of a line: bits, the marks that may occur, and whether there are backslashes."""
    bits = 0 if rare.isascii() else Has.WIDE | (Has.ODD_TEXT if b"\xf3" in rare else 0)
    bits |= Has.ODD_TEXT if b"\x7f" in rare else 0
    return bits, tuple(mark for letter, mark, _ in MARKS if letter in rare), b"\\" in rare


def _is_number(raw: bytes) -> bool:
    """Whether ten digits follow one another, or two digits have one separator between them."""
    shape = raw.translate(_DIGITS)
    return b"0.0" in shape or b"0000000000" in shape


def _escape_bits(raw: bytes) -> int:
    """The bits for characters written as escapes."""
    has = Has.ODD_TEXT if b"\\b" in raw or b"\\f" in raw else 0
    if b"\\u" in raw:
        has |= Has.WIDE
        if b"\\u00" in raw and _ASCII_ESCAPE.search(raw):
            return Has.ODD_TEXT | Has.DIGITS | Has.MARKS | Has.RISKY | Has.WIDE
        if _WIDE_MARK.search(raw):
            has |= Has.MARKS
        if b"\\udb40" in raw or b"\\uDB40" in raw:
            has |= Has.ODD_TEXT  # tags
    return has


def may_repeat_keys(raw: bytes, strings: int) -> bool:
    """Whether an object of the line may have a key twice; `strings` is the number of strings, keys included,
    in the parsed value.

    Each string needs two quotes; a line with no more quotes than these has no further key.
    """
    quotes = raw.count(b'"')
    return quotes != 2 * strings and (b'\\\\"' in raw or quotes - raw.count(b'\\"') != 2 * strings)


def is_unusual(text: str) -> bool:
    """Whether a rule on characters may report a text; only for lines with `Has.WIDE`."""
    return not text.isascii() and (_UNUSUAL.search(text) is not None or _MISREAD.search(text) is not None)
