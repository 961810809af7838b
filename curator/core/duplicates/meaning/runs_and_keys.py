"""Cuts texts into runs between blanks, and these into keys: folded words, numbers, and signs with a meaning."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SOFT = ".,;:!?¡¿…'\"‘’“”«»„‚`´–—―‐‑·•、。，！？：；「」『』"


def _token_pattern(lone: str) -> str:
    """Matches words, numbers and signs of a run without blanks; each of the signs `lone` is a word of its own."""
    return (
        rf"[^\W\d_{lone}][^\W_{lone}]*(?:['’][^\W_]+)*"
        rf"|\d+(?:[.,:]\d+)*[^\W_{lone}]*"
        rf"|[^\W_{lone}]+" + (rf"|[{lone}]" if lone else "") + r"|[:;=]['^-]?[()\[\]dp|](?![\w(])"
        r"|(?<![^\W\d_])-(?=\d)|(?:^|(?<=[(\[=,:]))-(?=[\w(])"
        r"|(?<!\w)!(?=[\w(=])|!(?==)"
        r"|(?<!\*)\*(?!\*)"
        rf"|[^\w\s*\-{re.escape(_SOFT)}]|_"
    )


_ASCII_TOKEN = re.compile(_token_pattern(""))


@cache
def _token() -> re.Pattern[str]:
    """The pattern for all runs, compiled late: classes with thousands of characters take long."""
    return re.compile(_token_pattern(_CJK))


BULLET = re.compile(r"^[ \t]*(?:[*+-]|#+)[ \t]+", re.MULTILINE)
_ASCII_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_]+)*")


_ODD = {
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f\ufe0e"), ""),
    **{ord(sign): f"^{n}" for n, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{ord(sign): f"_{n}" for n, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{ord("⁻"): "^-", ord("′"): "'", ord("″"): '"', ord("’"): "'"},
}
"""Invisible characters go; raised and lowered digits stay what they are."""
_IS_ODD = re.compile("[" + "".join(map(chr, _ODD)) + "]")
_CONTRACTED = (
    ("n't", " not"), ("cannot", "can not"), ("'ll", " will"), ("'re", " are"), ("'ve", " have"), ("i'm", "i am"),
    ("it's", "it is"), ("that's", "that is"), ("there's", "there is"), ("what's", "what is"), ("who's", "who is"),
    ("where's", "where is"), ("how's", "how is"), ("he's", "he is"), ("let's", "let us"), ("i'd", "i would"),
    ("you'd", "you would"), ("we'd", "we would"), ("they'd", "they would"), ("he'd", "he would"),
)  # fmt: skip


def words_of(text: str) -> list[str]:
    """The words of a text in its own letters; a Chinese or Japanese character is a word."""
    return (_ASCII_WORD if text.isascii() else _word()).findall(text)


def in_one_spelling(text: str) -> str:
    """The text in one spelling of each character; raised and lowered digits stay what they are."""
    if text.isascii():
        return text
    if _IS_ODD.search(text):
        text = text.translate(_ODD)
    return unicodedata.normalize("NFKC", text)


def runs_of(text: str) -> list[str]:
    """The folded runs between blanks, without the signs that begin list items and headings."""
    if "\n" in text or text[:1] in ("*", "+", "-", "#"):
        text = BULLET.sub("", text)
    return text.casefold().split()


def keys_of(runs: list[str]) -> list[str]:
    """The words and the signs that mean something."""
    if len(runs) == 1:
        return list(_run_keys(runs[0]))
    return [key for run in runs for key in _run_keys(run)]


@lru_cache(maxsize=1 << 16)
def _run_keys(run: str) -> tuple[str, ...]:
    """The keys of a run without blanks."""
    if run.isalpha() and run.isascii() and run != "cannot":
        return (run,)
    if "\u2019" in run or "'" in run or "cannot" in run:
        run = run.replace("\u2019", "'")
        for short, long in _CONTRACTED:
            run = run.replace(short, long)
    if run.isascii():
        return tuple(_ASCII_TOKEN.findall(run))
    return tuple(_token().findall(run.replace("i\u0307", "i")))
