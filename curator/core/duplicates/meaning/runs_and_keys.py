"""Cuts texts into runs between blanks, and these into keys: folded words, numbers, and signs with a meaning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SOFT = ".,;:!?¡¿…'\"‘’“”«»„‚`´–—―‐‑·•、。，！？：；「」『』"
_TOKEN = re.compile(
    rf"[^\W\d_{_CJK}][^\W_{_CJK}]*(?:['’][^\W_]+)*"
    rf"|\d+(?:[.,:]\d+)*(?:(?![{_CJK}])[^\W_])*"
    rf"|[^\W_{_CJK}]+"
    rf"|[{_CJK}]"
    r"|[:;=]['^-]?[()\[\]dp|](?![\w(])"
    r"|(?<![^\W\d_])-(?=\d)|(?:^|(?<=[(\[=,:]))-(?=[\w(])"
    r"|(?<!\w)!(?=[\w(=])|!(?==)"
    r"|(?<!\*)\*(?!\*)"
    rf"|[^\w\s*\-{re.escape(_SOFT)}]|_"
)
"""Words, numbers and signs of a run without blanks."""
BULLET = re.compile(r"^[ \t]*(?:[*+-]|#+)[ \t]+", re.MULTILINE)
WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_]+)*")
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


def keys_of(runs: Iterable[str]) -> list[str]:
    """The words and the signs that mean something."""
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
    if not run.isascii():
        run = run.replace("i\u0307", "i")
    return tuple(_TOKEN.findall(run))
