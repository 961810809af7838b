"""Whether bytes that are no UTF-8 can be Windows-1252, the encoding of Western spreadsheets."""

from __future__ import annotations

import re

_MOST_ODD = 0.1
"""Share of characters that no Western text has there, above which it is in another encoding."""
_LONG_RUN = re.compile(r"[^\x00-\x7f\xa0‘’“”–—…«»]{4,}")
"""Letters of other scripts come in runs; Western words have at most three such letters in a row."""
_INSIDE_WORDS = "‘’“”–—…«»\xa0\xad·"
"""Signs that Western texts have between two letters."""


def western_text(data: bytes) -> str | None:
    """The text that bytes hold by Windows-1252; None where it reads like no Western language.

    Shift-JIS, GBK, Cyrillic, Mac and DOS text, and UTF-8 with a broken byte, decode as well, to other characters
    than somebody wrote: signs amid words, capitals behind small letters, long runs.
    """
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes are undefined
        return None
    others = [at for at, character in enumerate(text) if character > "\x7f"]
    odd = sum(len(match[0]) for match in _LONG_RUN.finditer(text))
    odd += sum(_is_odd(text, at) for at in others)
    return text if odd <= _MOST_ODD * len(others) else None


def _is_odd(text: str, at: int) -> bool:
    """Whether a character stands where no Western text has one."""
    character, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if character.isalpha():
        return character.isupper() and before.islower()
    return character not in _INSIDE_WORDS and before.isalpha() and after.isalpha()
