"""How alike two normal forms are, at a cost that stays bounded where texts are very long."""

from __future__ import annotations

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

LONG = 2_500_000_000
"""Letters times letters beyond which words are compared: letter by letter takes a second and more."""

_SHINGLE = 3
_SHARED = 0.1
_PARTIAL = 25_000_000


def ratio(a: str, b: str, cutoff: float = 0.0) -> float:
    """rapidfuzz's ratio, 0 to 100, and 0 below `cutoff`; of very long texts that of their words."""
    if len(a) * len(b) <= LONG:
        return fuzz.ratio(a, b, score_cutoff=cutoff)
    left, right = a.split(" "), b.split(" ")
    if not _share_phrases(left, right):
        return 0.0
    return 100.0 * Indel.normalized_similarity(left, right, score_cutoff=cutoff / 100)


def contains(a: str, b: str, cutoff: float) -> bool:
    """Whether the shorter text is, all but word for word, a part of the other."""
    if len(a) * len(b) > _PARTIAL:
        return a in b or b in a
    return fuzz.partial_ratio(a, b, score_cutoff=cutoff) >= cutoff


def _share_phrases(left: list[str], right: list[str]) -> bool:
    """Whether a tenth of the phrases of three words of one stand in the other: copies share more by far."""
    here, there = (set(zip(*(words[at:] for at in range(_SHINGLE)), strict=False)) for words in (left, right))
    return len(here & there) >= _SHARED * min(len(here), len(there))
