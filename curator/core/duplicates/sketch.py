"""MinHash sketches of many texts at once, vectorised with NumPy.

A text becomes the set of its words' hashes, without the words that occur in more than 5 % of the texts (they
do not tell copies apart). The set becomes `HASHES` minimums under random linear maps (Broder 1997, "On the
resemblance and containment of documents"). The share of minimums in which two texts agree estimates the
Jaccard similarity of their sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.texts import FOLD_BYTES, fold_bytes, fold_whole

HASHES = 72
ROWS = 2
"""Minimums in a band: with 36 bands of 2, a pair of Jaccard similarity .3 shares a band with probability .97."""
BANDS = 36
_STORED_ROWS = 3
"""Minimums in a band of stored sketches, which keep one byte of each."""

BATCH = 400
"""Texts sketched at a time: their word hashes stay in the processor's cache."""
_LEARN = 2_000
"""Texts from which the common words are learnt."""
_SLOTS = 1 << 20
"""Slots for words by the low bits of their hashes."""
_STOP_SHARE = 0.05
"""A word in more than this share of texts is common and dropped."""
_STOP_FROM = 200
"""With fewer texts no word is dropped: 5 % of so few is chance."""

_STOP_MOST = 0.7
"""Most of all word occurrences that may be dropped: in a small vocabulary all words are common."""

_LOAD = 8
"""Bytes of a word that are hashed at a time."""
_LONG = 4 * _LOAD
"""Words with more bytes are hashed one by one; there are few."""
_PAD = b"\0" * _LOAD

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Rows = NDArray[np.int64]
Numbers = TypeVar("Numbers", U64, Rows)

_MASKS: U64 = np.array([(1 << (8 * size)) - 1 for size in range(_LOAD + 1)], np.uint64)


Words = tuple[U64, Rows]
"""The hashes of all words of some texts in order, and the number of words of each text."""
NoteWords = Callable[[Words], None]


class Sketches(NamedTuple):
    """Sketches of n texts."""

    minimums: U8
    """The lowest byte of each minimum (n × HASHES): enough to estimate similarity."""
    bands: U32
    """A hash of each band of minimums (BANDS × n); 0 for a text whose words were all dropped."""
    orders: U64
    """A hash that depends on all words and their order (n); 0 for a text without words."""
    features: U32
    """How many hashes the minimums are taken of (n)."""


def _mix(values: U64) -> U64:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014), in place."""
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def _multipliers() -> U32:
    """Odd numbers from a fixed stream, the same with every NumPy."""
    state = np.arange(1, HASHES + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(state) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)


_MULTIPLY = _multipliers()


def fold_texts(texts: Sequence[str]) -> bytes:
    """The normal forms of texts as UTF-8, a NUL after each; unlike `texts.normalise` it does not merge blanks."""
    block = "\0".join([text.replace("\0", " ") if "\0" in text else text for text in texts])
    data = block.encode("utf-8", "surrogatepass")
    if not data.isascii():
        foreign = np.flatnonzero(np.frombuffer(data, np.int8) < 0)
        gaps = np.flatnonzero(np.diff(foreign) > 1)
        starts = foreign[np.concatenate(([0], gaps + 1))].tolist()
        ends = (foreign[np.concatenate((gaps, [-1]))] + 1).tolist()
        parts: list[bytes] = []
        at = 0
        for start, end in zip(starts, ends, strict=True):
            run = fold_bytes(data[start:end])
            if run is None:
                return b"".join(
                    [
                        fold_whole(text).encode("utf-8", "surrogatepass").translate(FOLD_BYTES) + b"\0"
                        for text in block.split("\0")
                    ]
                )
            parts += (data[at:start], run)
            at = end
        data = b"".join([*parts, data[at:]])
    return data.translate(FOLD_BYTES) + b"\0"


def hash_words(block: bytes) -> Words:
    """The hashes of all words in a block of texts (each ends in NUL), and the number of words of each text. A word
    is a run of bytes above 0x20; from U+3000 to U+9FFF (scripts without blanks) each character begins a new
    one."""
    data = np.frombuffer(b" " + block + _PAD, dtype=np.uint8)
    starts, ends = _edges(data)
    lengths = ends - starts
    loads = np.ndarray(len(data) - _LOAD + 1, "<u8", buffer=data, strides=(1,))
    hashes = _mix((loads[starts] & _MASKS[np.minimum(lengths, _LOAD)]) + lengths.astype(np.uint64))
    for done in range(_LOAD, _LONG, _LOAD):
        rest = np.flatnonzero(lengths > done)
        if not len(rest):
            break
        more = loads[starts[rest] + done] & _MASKS[np.minimum(lengths[rest] - done, _LOAD)]
        hashes[rest] = _mix(hashes[rest] ^ more * np.uint64(0x9E3779B97F4A7C15))
    for word in np.flatnonzero(lengths > _LONG).tolist():
        digest = hashlib.blake2b(data[starts[word] : ends[word]].tobytes(), digest_size=8).digest()
        hashes[word] = int.from_bytes(digest, "little")
    counts = np.diff(np.searchsorted(starts, np.flatnonzero(data[: -len(_PAD)] == 0)), prepend=0)
    return hashes, counts


def _edges(data: U8) -> tuple[Rows, Rows]:
    """The offsets at which words start and end; `data` must begin and end with a byte that is in no word."""
    inside = data > 0x20
    lone = (data - np.uint8(0xE3)) <= 6
    if not lone.any():
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        return edges[::2], edges[1::2]
    before = np.concatenate(([False], inside[:-1]))
    return np.flatnonzero(inside & (~before | lone)), np.flatnonzero(before & (~inside | lone))


class Sketcher:
    """Turns texts into sketches; it learns the common words from the first texts that it gets."""

    def __init__(self) -> None:
        self._stop: NDArray[np.bool_] | None = None

    @property
    def common(self) -> NDArray[np.int32]:
        """The slots of the common words; setting them makes a sketcher whose sketches fit those of an earlier
        one."""
        return np.flatnonzero(self._stop if self._stop is not None else []).astype(np.int32)

    @common.setter
    def common(self, slots: NDArray[Any]) -> None:
        self._stop = np.zeros(_SLOTS, dtype=np.bool_)
        self._stop[slots] = True

    def sketch(self, texts: Sequence[str], note: NoteWords | None = None) -> Sketches:
        """The sketches of texts, in order; `note` gets the hashed words of each batch of them."""
        self.learn(texts)
        sketches = empty_sketches(len(texts))
        for at in range(0, len(texts), BATCH):
            words = hash_words(fold_texts(texts[at : at + BATCH]))
            self._write(words, sketches, at)
            if note:
                note(words)
        return sketches

    def learn(self, texts: Sequence[str]) -> None:
        """Learn the common words from these texts, unless they are known."""
        if self._stop is None:
            self._stop = _common_words(texts[:_LEARN])

    def _write(self, words: Words, sketches: Sketches, at: int) -> None:
        """Write the sketches of a batch into `sketches` from row `at` on."""
        assert self._stop is not None, "the common words are not known"
        hashes, counts = words
        sketches.orders[at : at + len(counts)] = _order_hashes(hashes, counts)
        hashes, owner = _features(hashes, counts, self._stop)
        firsts = np.flatnonzero(np.diff(owner, prepend=-1))
        if not len(firsts):
            return
        short = (hashes >> np.uint64(32)).astype(np.uint32)
        lowest = np.empty((HASHES, len(firsts)), dtype=np.uint32)
        for factor, column in zip(_MULTIPLY, lowest, strict=True):
            np.minimum.reduceat(short * factor, firsts, out=column)
        filled = at + owner[firsts]
        sketches.features[filled] = np.diff(firsts, append=len(owner))
        sketches.minimums[filled] = lowest.astype(np.uint8).T
        sketches.bands[:, filled] = _hash_bands(lowest)


def empty_sketches(count: int) -> Sketches:
    """The sketches of texts without words."""
    return Sketches(
        minimums=np.zeros((count, HASHES), np.uint8),
        bands=np.zeros((BANDS, count), np.uint32),
        orders=np.zeros(count, np.uint64),
        features=np.zeros(count, np.uint32),
    )


def _hash_bands(lowest: U32) -> U32:
    """One hash of each band of minimums, never 0: from (HASHES × n) to (BANDS × n)."""
    bands = np.zeros((BANDS, lowest.shape[1]), np.uint64)
    for row in range(ROWS):
        bands = _mix(bands + lowest[row : BANDS * ROWS : ROWS])
    return (bands >> np.uint64(32)).astype(np.uint32) | np.uint32(1)


def bands_of(minimums: U8) -> U32:
    """Bands computed from the lowest bytes of the minimums: coarser, so more pairs share one."""
    parts = minimums.reshape(len(minimums), HASHES // _STORED_ROWS, _STORED_ROWS).astype(np.uint32)
    bands = parts[:, :, 0] | parts[:, :, 1] << np.uint32(8) | parts[:, :, 2] << np.uint32(16) | np.uint32(1 << 24)
    bands[~np.any(minimums, axis=1)] = 0
    return np.ascontiguousarray(bands.T)


def distinct(values: Numbers) -> Numbers:
    """Each value once, ascending; by sorting, which is much faster than the hash table of `np.unique`."""
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def _common_words(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Marks the slots of words so common that they do not tell copies apart."""
    stop = np.zeros(_SLOTS, dtype=np.bool_)
    if len(texts) < _STOP_FROM:
        return stop
    hashes, counts = hash_words(fold_texts(texts))
    slots = (hashes & np.uint64(_SLOTS - 1)).astype(np.int64)
    pairs = distinct((np.repeat(np.arange(len(counts)), counts) << np.int64(20)) | slots)
    texts_with_slot = np.bincount(pairs & (_SLOTS - 1), minlength=_SLOTS)
    common = np.flatnonzero(texts_with_slot > _STOP_SHARE * len(texts))
    uses = np.bincount(slots, minlength=_SLOTS)[common]
    order = np.argsort(-uses, kind="stable")
    stop[common[order[np.cumsum(uses[order]) <= _STOP_MOST * len(slots)]]] = True
    return stop


def _features(hashes: U64, counts: Rows, stop: NDArray[np.bool_]) -> tuple[U64, Rows]:
    """The hashes that go into the sketches, and for each the index of its text.

    These are the words that are not common; for a text that has none, its pairs of neighbouring words.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    rare = np.flatnonzero(~stop[hashes & np.uint64(_SLOTS - 1)])
    features, owners = hashes[rare], owner[rare]
    poor = (np.bincount(owners, minlength=len(counts)) == 0) & (counts > 1)
    if not poor.any():
        return features, owners
    pairs = np.flatnonzero(poor[owner[:-1]] & (owner[:-1] == owner[1:]))
    features = np.concatenate([features, hashes[pairs] * np.uint64(3) + hashes[pairs + 1]])
    owners = np.concatenate([owners, owner[pairs]])
    order = np.argsort(owners, kind="stable")
    return features[order], owners[order]


def _order_hashes(hashes: U64, counts: Rows) -> U64:
    """One hash per text that depends on its words and their order; 0 for a text without words."""
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1])) if len(counts) else np.empty(0, np.int64)
    place = np.arange(len(hashes)) - np.repeat(firsts, counts)
    powers = np.full(int(counts.max(initial=0)) + 1, 0xA0761D6478BD642F, np.uint64)
    weighted = hashes * np.multiply.accumulate(powers)[place]
    out = np.zeros(len(counts), dtype=np.uint64)
    filled = counts > 0
    if filled.any():
        out[filled] = np.add.reduceat(weighted, firsts[filled])
    return out
