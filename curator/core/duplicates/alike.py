"""How similar two normal forms are, at a bounded cost even for very long texts."""

from __future__ import annotations

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

LONG = 2_500_000_000
"""Product of the two lengths in characters above which words are compared: by characters it takes over a
second."""

_SHINGLE = 3
"""Words in a phrase."""
_SHARED = 0.1
"""Share of the shorter text's phrases below which two very long texts are not compared at all."""
_PARTIAL = 25_000_000
"""Product of the lengths above which `contains` looks for the exact text only."""


def ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """The similarity of two texts, 0 to 100 (rapidfuzz's `ratio`); 0 where it is below `cutoff`.

    Very long texts are compared word by word instead of character by character.
    """
    if len(a) * len(b) <= LONG:
        return fuzz.ratio(a, b, score_cutoff=cutoff)
    words_a, words_b = a.split(" "), b.split(" ")
    if not _share_phrases(words_a, words_b):
        return 0.0
    return 100.0 * Indel.normalized_similarity(words_a, words_b, score_cutoff=cutoff / 100)


def contains(a: str, b: str, cutoff: float) -> bool:
    """Whether the shorter text occurs in the longer one, with a similarity of at least `cutoff` (0 to 100)."""
    if len(a) * len(b) > _PARTIAL:
        return a in b or b in a
    return fuzz.partial_ratio(a, b, score_cutoff=cutoff) >= cutoff


def _share_phrases(words_a: list[str], words_b: list[str]) -> bool:
    """Whether two texts share `_SHARED` of the shorter one's phrases of three words; copies share far more."""
    phrases_a, phrases_b = (
        set(zip(*(words[at:] for at in range(_SHINGLE)), strict=False)) for words in (words_a, words_b)
    )
    return len(phrases_a & phrases_b) >= _SHARED * min(len(phrases_a), len(phrases_b))
