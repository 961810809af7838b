"""Slips of the pen, endings and spellings: two words that are one."""

from __future__ import annotations

import unicodedata

_ENDINGS = frozenset(("s", "es", "ed", "d", "ing", "n", "en", "e", "er", "t", "te", "st", "ly", "r"))


def is_slip(x: str, y: str) -> bool:
    """Whether two words are one word with a slip of the pen, an accent or another ending."""
    if not x or not y or not x.isalpha() or not y.isalpha():
        return False
    short, long = sorted((x, y), key=len)
    if len(short) == len(long):
        if len(x) > 2 and is_swapped(x, y):
            return True
        differing = [at for at in range(len(x)) if x[at] != y[at]]
        if len(x) > 4 and _without_accents(x) == _without_accents(y):
            return True
        return len(differing) == 1 and len(x) > 6 and differing[0] > 0
    if len(short) > 2 and long.startswith(short) and long[len(short) :] in _ENDINGS:
        return True
    if len(short) > 1 and len(long) - len(short) == 1:
        at = next((at for at, sign in enumerate(short) if long[at] != sign), len(short))
        return short[at:] == long[at + 1 :] and (len(short) > 3 or long[at] == long[at - 1])
    stem = short.rstrip("e")
    return (
        len(stem) > 3 and long.startswith(stem[:-1]) and long[len(stem) - 1 :] in ("ies", "ied", "ing", "ed", "es")
    )


def _without_accents(word: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


def is_kana_for_kanji(a: str, b: str) -> bool:
    """Whether Japanese is spelt once with and once without kanji: した, 下."""
    kana_a, kana_b = (all("\u3040" <= sign <= "\u30ff" for sign in text) for text in (a, b))
    han_a, han_b = (any("\u3400" <= sign <= "\u9fff" for sign in text) for text in (a, b))
    return bool(a and b) and (kana_a and han_b or kana_b and han_a)


def is_swapped(x: str, y: str) -> bool:
    """Whether two neighbouring signs have changed places."""
    if len(x) != len(y):
        return False
    at = next((at for at in range(len(x)) if x[at] != y[at]), len(x))
    return x[at + 2 :] == y[at + 2 :] and x[at : at + 2] == y[at : at + 2][::-1]
