"""Were words of a chat overwritten here and there by chance, so that no person can have meant the differences?"""

from __future__ import annotations

from curator.core.duplicates.meaning.damage import ARTICLES, is_adverb
from curator.core.duplicates.meaning.little_words import LITTLE_WORDS, ROLE_WORDS, STRUCTURE
from curator.core.duplicates.meaning.spoken import Spoken

_DAMAGED, _JOINING_DAMAGED = 6, 3
"""So many small words under a noun or a verb, and among them so many other ones than articles, are chance."""
_ENDS = ".,;:?!*()\"'"


def is_overwritten(a: Spoken, b: Spoken) -> bool:
    """Whether all messages have as many words, and a noun or a verb stands in the place of many a small word.

    Nobody writes *the shop people open* for *the shop is open* six times. Only words whose neighbours are the same
    count, so that sentences in other words are none of it.
    """
    damaged = joining = 0
    for text_a, text_b in zip(a.texts, b.texts, strict=True):
        if text_a == text_b:
            continue
        words_a, words_b = text_a.casefold().split(), text_b.casefold().split()
        if len(words_a) != len(words_b):
            return False
        for small in _damaged_words(words_a, words_b):
            damaged += 1
            joining += small not in ARTICLES
    return damaged >= _DAMAGED and joining >= _JOINING_DAMAGED


def _damaged_words(words_a: list[str], words_b: list[str]) -> list[str]:
    """The small words of two texts of one length in whose place a noun or a verb stands in the other one."""
    differing = [at for at, (x, y) in enumerate(zip(words_a, words_b, strict=True)) if x != y]
    places = set(differing)
    lone = [at for at in differing if at - 1 not in places and at + 1 not in places]
    damaged = (_damaged_word(words_a[at].strip(_ENDS), words_b[at].strip(_ENDS)) for at in lone)
    return [small for small in damaged if small]


def _damaged_word(x: str, y: str) -> str:
    """The small one of two words of which the other one cannot stand in its place; "" if there is none."""
    small, other = (x, y) if x in STRUCTURE else (y, x)
    if small not in STRUCTURE or not other.isalpha() or other in LITTLE_WORDS or other in ROLE_WORDS:
        return ""
    return "" if is_adverb(other) else small
