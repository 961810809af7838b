"""The packaged tiktoken vocabularies as tokenizers: exact counts without a network.

Core reads no files but these, which are part of the package and never change.
"""

from __future__ import annotations

import importlib
import lzma
import threading
from collections.abc import Callable
from functools import cache, cached_property
from importlib import resources
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import tiktoken

SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""The checksums of the published `.tiktoken` files that tiktoken pins; a test rebuilds these files and
compares."""

# Splitting patterns and special tokens as tiktoken 0.14 defines them (tiktoken_ext.openai_public, MIT); tests
# compare the tokens of both.
_O200K_TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERNS = {
    "o200k_base": "|".join(
        [
            rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_O200K_TAIL}",
            rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_O200K_TAIL}",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
    "cl100k_base": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
}
_SPECIAL = {
    "o200k_base": {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    "cl100k_base": {
        "<|endoftext|>": 100257,
        "<|fim_prefix|>": 100258,
        "<|fim_middle|>": 100259,
        "<|fim_suffix|>": 100260,
        "<|endofprompt|>": 100276,
    },
    "o200k_harmony": {
        "<|startoftext|>": 199998,
        "<|endoftext|>": 199999,
        "<|return|>": 200002,
        "<|constrain|>": 200003,
        "<|channel|>": 200005,
        "<|start|>": 200006,
        "<|end|>": 200007,
        "<|message|>": 200008,
        "<|call|>": 200012,
        "<|endofprompt|>": 200018,
        **{f"<|reserved_{rank}|>": rank for rank in (200000, 200001, 200004, 200009, 200010, 200011)},
        **{f"<|reserved_{rank}|>": rank for rank in range(200013, 201088)},
    },
}
ENCODINGS = tuple(_SPECIAL)
"""The packaged encodings."""

_SLICE = 200_000
"""Characters encoded at once: a longer run without a word boundary would overflow the regex engine's stack."""

_loading = threading.Lock()


class Tokenizer(Protocol):
    """What a counter needs. Text that looks like a special token is counted as plain text."""

    def count(self, text: str) -> int:
        """The number of tokens of `text`."""

    def counts(self, texts: list[str]) -> list[int]:
        """The number of tokens of each text."""

    def cut(self, text: str, limit: int) -> int:
        """The number of characters that the first `limit` tokens of `text` contain completely."""


def token_bytes(name: str) -> list[bytes]:
    """The tokens of a packaged vocabulary by rank. Raises KeyError for a name that is not packaged.

    File layout, compressed with xz: the number of tokens (4 bytes, little endian), the length of each token
    (a byte each), then all tokens without a gap.
    """
    if name not in SHA256:
        raise KeyError(name)
    packed = resources.files("curator").joinpath(f"data/vocab/{name}.xz").read_bytes()
    blob = lzma.decompress(packed)
    start = 4 + int.from_bytes(blob[:4], "little")
    ends = accumulate(blob[4:start], initial=start)
    return [blob[a:b] for a, b in pairwise(ends)]


def encoding(name: str) -> tiktoken.Encoding:
    """The tiktoken encoding `o200k_base`, `cl100k_base` or `o200k_harmony`, built once (about 0.5 s).

    Raises KeyError for any other name.
    """
    with _loading:
        return _build(name)


@cache
def _build(name: str) -> tiktoken.Encoding:
    import tiktoken  # heavy: only where something is counted

    base = "o200k_base" if name == "o200k_harmony" else name
    ranks = {token: rank for rank, token in enumerate(token_bytes(base))}
    built = tiktoken.Encoding(name, pat_str=_PATTERNS[base], mergeable_ranks=ranks, special_tokens=_SPECIAL[name])
    ranks.clear()  # the encoding has its own copy; this one would be a third of the memory
    return built


class Vocabulary:
    """A packaged encoding as a Tokenizer; the vocabulary is read at the first count."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        return encoding(self._name)

    @cached_property
    def _quick(self) -> Callable[[str], int]:
        return quick_count(self._name) or self._exact

    def _exact(self, text: str) -> int:
        return len(self._encoding.encode_ordinary(text))

    def count(self, text: str) -> int:
        """The tokens of `text` by tiktoken's `encode_ordinary`, or by `quick_count` where that is available."""
        if len(text) > _SLICE:
            return sum(map(self.count, slices(text)))
        try:
            return self._quick(text)
        except UnicodeEncodeError:  # a lone surrogate: tiktoken alone reads it as U+FFFD
            return self._exact(text)

    def counts(self, texts: list[str]) -> list[int]:
        """As `count`, for many texts at once."""
        try:
            if max(map(len, texts), default=0) <= _SLICE:
                return [*map(self._quick, texts)]
        except UnicodeEncodeError:
            pass
        return [*map(self.count, texts)]

    def cut(self, text: str, limit: int) -> int:
        """The number of characters that the first `limit` tokens contain completely."""
        length = 0
        for part in slices(text):
            tokens = self._encoding.encode_ordinary(part)
            if len(tokens) > limit:
                prefix = b"".join(self._encoding.decode_tokens_bytes(tokens[: max(0, limit)]))
                return length + len(prefix.decode("utf-8", "ignore"))
            limit -= len(tokens)
            length += len(part)
        return length


def slices(text: str) -> list[str]:
    """`text` in parts of at most `_SLICE` characters, cut before a blank between letters if there is one nearby.

    Both encodings begin a new piece there, so the counts of the parts add up to the count of the text. Only a
    very long run without blanks is cut elsewhere, where one token more may be counted.
    """
    parts = []
    start = 0
    while len(text) - start > _SLICE:
        end = start + _SLICE
        for at in range(end - 1, end - 2_000, -1):
            if text[at] == " " and text[at - 1].isalpha() and text[at + 1].isalpha():
                end = at
                break
        parts.append(text[start:end])
        start = end
    parts.append(text[start:])
    return parts


def quick_count(name: str) -> Callable[[str], int] | None:
    """The count function of the package toktok-rs, or None where it is not installed or counts differently.

    It is about ten times as fast as tiktoken. As the package is young, it is used only if its counts for
    `SAMPLE` equal those of tiktoken (`SAMPLE_COUNTS`; a test compares them); else it is noted in `mistrusted`.
    """
    try:
        encoder = importlib.import_module("toktok")._encoding("o200k_base" if name == "o200k_harmony" else name)
        count: Callable[[str], int] = encoder.count
        counts = tuple(count(text) for text in SAMPLE)
    except (ImportError, AttributeError, KeyError, TypeError, ValueError):
        return None
    if counts == SAMPLE_COUNTS[name]:
        return count
    mistrusted.add(name)
    return None


mistrusted: set[str] = set()
"""The encodings for which the package counts differently, as far as it was asked: tiktoken counts instead."""


SAMPLE = (
    "Hello, world! It's 2026 -- don't panic, they'LL see.",
    "\n\n\tTabs   and  blanks \r\n\r\n  ends in blanks   ",
    "Grüße aus Köln: ÄÖÜß, naïve café, l'été; ½ cup ² x̄ é",
    "日本語のテキスト 混ぜて english words 한국어 हिन्दी العربية עברית",
    "👩‍👩‍👧‍👦🎉🎉🏳️‍🌈 (smileboy) <|endoftext|> <|im_start|>user",
    'def f(x):\n    return {"a": [1, 22, 333, 4444, 1234567890]}  # note\n//*/\n',
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + " " * 40 + "!" * 40 + "\n" * 40,
    "\u200b\ufeff\u00a0\u3000\u2028\x00\x1b[31m\x7f",
    "iPhoneXSMax HTTPServer camelCaseAndSNAKE_CASE ǅungla",
    "",
)
"""Texts that fast counters have counted wrongly: blanks, punctuation, digits, cases, scripts, control
characters."""
SAMPLE_COUNTS = {
    "o200k_base": (17, 13, 27, 18, 40, 34, 15, 11, 18, 0),
    "cl100k_base": (19, 13, 29, 37, 50, 34, 16, 11, 17, 0),
    "o200k_harmony": (17, 13, 27, 18, 40, 34, 15, 11, 18, 0),
}
