"""`printable`: the one door from data to the screen (reliability: terminals obey what they are sent)."""

from __future__ import annotations

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))

_STANDINS: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "\u2421",
    **dict.fromkeys(range(128, 160), "␦"),
    **dict.fromkeys(_BIDI, "␦"),
    **dict.fromkeys(range(55296, 57344), "␦"),
    0x2028: "\u2424",
    0x2029: "\u2424",
    0xFFF9: "\u2426",
    0xFFFA: "\u2426",
    0xFFFB: "\u2426",
}
_ONE_LINE = {**_STANDINS, 0x09: "\u2409", 0x0A: "\u23ce"}


def printable(text: str) -> str:
    """`text` with control characters, bidi controls and lone surrogates replaced by visible stand-ins.

    One character becomes one character, so offsets stay true. LF and TAB are kept.
    """
    return text.translate(_STANDINS)


def one_line(text: str, limit: int | None = None) -> str:
    """As `printable`, with LF and TAB made visible too, cut to `limit` characters with an ellipsis."""
    if limit is not None and len(text) > limit:
        text = text[: max(0, limit - 1)] + "…"
    return text.translate(_ONE_LINE)
