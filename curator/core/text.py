"""Text from the data made safe for the screen, where control characters would act on the terminal."""

from __future__ import annotations

import re

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSEEN = (
    *(0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180F), 0x200B, *range(0x2060, 0x2066)),
    *(*range(0x206A, 0x2070), 0x3164, 0xFEFF, 0xFFA0, *range(0xE0000, 0xE0020), *range(0xE0080, 0xE01F0)),
)
"""Characters that are always invisible: zero width, fillers, soft hyphen, variation selectors."""
_SOMETIMES = re.compile(
    "(?P<needed>\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    "|[\u0600-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff][\u200c\u200d])"
    "|[\u200c\u200d\U000e0020-\U000e007f]"
)
"""Joiners and tags; the group `needed` matches them where an emoji or a script needs them."""
_SURROGATE = re.compile("[\ud800-\udfff]")

_STANDINS: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "\u2421",
    **dict.fromkeys(range(128, 160), "␦"),
    **dict.fromkeys((*_BIDI, *_UNSEEN), "␦"),
    **dict.fromkeys(range(55296, 57344), "␦"),
    0x2028: "\u2424",
    0x2029: "\u2424",
    0xFFF9: "\u2426",
    0xFFFA: "\u2426",
    0xFFFB: "\u2426",
}
_ONE_LINE = {**_STANDINS, 0x09: "\u2409", 0x0A: "\u23ce"}


def printable(text: str) -> str:
    """`text` with control, direction and invisible characters and lone surrogates replaced by visible ones.

    Each is replaced by one character, so offsets stay valid. LF, TAB and joiners that emoji and scripts need
    are kept.
    """
    return _replace(text, _STANDINS)


def one_line(text: str, limit: int | None = None) -> str:
    """As `printable`, with LF and TAB replaced too, and cut to `limit` characters with an ellipsis."""
    if limit is not None and len(text) > limit:
        text = text[: max(0, limit - 1)] + "…"
    return _replace(text, _ONE_LINE)


def _replace(text: str, standins: dict[int, str]) -> str:
    if text.isascii():
        return text.translate(standins)
    return _SOMETIMES.sub(lambda match: match["needed"] or "␦", text).translate(standins)


def needed_joiners(text: str) -> set[int]:
    """The offsets of joiners and tags that an emoji or a script needs."""
    if text.isascii():
        return set()
    spans = (match.span("needed") for match in _SOMETIMES.finditer(text))
    return {at for start, end in spans for at in range(start + 1, end)}


def writable(text: str) -> str:
    """`text` with `␦` for each lone surrogate, which UTF-8 cannot represent."""
    return text if text.isascii() else _SURROGATE.sub("␦", text)


def count_of(count: int, noun: str = "example", plural: str = "") -> str:
    """`41 examples`, `1 example`; `2 copies` of `copy` and `copies`."""
    return f"1 {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def these(count: int) -> str:
    """`this example`, or `these 12 examples`."""
    return "this example" if count == 1 else f"these {count_of(count)}"
