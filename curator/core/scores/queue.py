"""Which prompts should be answered by a person next: uncertainty times distance, each far from those before it.

Texts are compared as counts of words and of pieces of words, hashed into a vector of 512 numbers: cheap, and near
enough to tell what is unlike everything there is.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIZE = 512
_WORD = re.compile(r"\w+")
_PIECE = 4
"""Letters of a piece of a word."""
_LIKE_A_MISS = 0.35
"""Least likeness, 0 to 1, of a prompt to one that was missed, to count as like it."""
_MISSED = 1.0
"""How much more a prompt counts that is exactly like a missed one."""
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Ranked:
    """A prompt of the queue."""

    at: int
    """Its place among the prompts."""
    distance: float
    """1 less its likeness to the nearest training prompt: 0 says the same, 1 shares no word."""
    misses: int
    """How many missed prompts it is like."""


def vectors_of(texts: Sequence[str]) -> Vectors:
    """A row of length 1 for each text; of zeros for a text without words."""
    rows = np.zeros((len(texts), _SIZE), np.float32)
    for at, text in enumerate(texts):
        for feature, count in Counter(_features(text)).items():
            number = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
            rows[at, number % _SIZE] += (1 if number & 0x80000000 else -1) * np.sqrt(count)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = np.divide(rows, lengths, out=rows, where=lengths > 0)
    return scaled


def _features(text: str) -> list[str]:
    """Words, which count double, and pieces of four letters, by which forms of a word are alike."""
    features = []
    for word in _WORD.findall(text.casefold()):
        features += [word, word]
        features += [f"~{word[at : at + _PIECE]}" for at in range(len(word) - _PIECE)]
    return features


def rank(
    uncertainty: Sequence[float], prompts: Vectors, training: Vectors, missed: Vectors, most: int
) -> list[Ranked]:
    """At most `most` prompts, best first: uncertain, unlike what is known and what was chosen before, like misses.

    `uncertainty` is 0 to 1 for each row of `prompts`.
    """
    to_known = _nearest(prompts, training)
    like_misses = prompts @ missed.T if len(missed) else np.zeros((len(prompts), 0), np.float32)
    worth = np.asarray(uncertainty, np.float64)
    worth = worth * (1 + _MISSED * (like_misses.max(axis=1).clip(0) if len(missed) else 0))
    nearest = to_known.copy()
    waiting = np.ones(len(prompts), bool)
    queue: list[Ranked] = []
    while len(queue) < min(most, len(prompts)):
        scores = np.where(waiting, worth * (1 - nearest).clip(0), -1)
        at = int(scores.argmax())
        waiting[at] = False
        queue.append(Ranked(at, float(1 - to_known[at]), int((like_misses[at] >= _LIKE_A_MISS).sum())))
        nearest = np.maximum(nearest, prompts @ prompts[at])
    return queue


def _nearest(prompts: Vectors, training: Vectors) -> NDArray[np.float64]:
    """The likeness of each prompt to the nearest known one."""
    nearest = np.zeros(len(prompts))
    for start in range(0, len(training), 4096):
        part = training[start : start + 4096]
        nearest = np.maximum(nearest, (prompts @ part.T).max(axis=1))
    return nearest
