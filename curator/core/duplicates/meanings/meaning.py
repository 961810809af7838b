"""Do two texts that are nearly alike say the same? Words are aligned, and what differs is judged word by word.

A slip of the pen, a filler or an ending changes nothing; a number, a sign, a negation, a name, an opposite or code
does. One lone word in the place of another changes the meaning too: nothing else could be why both texts exist.
Where much differs, and none of it stands out, one text is a rewording of the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.meanings.code_text import code_differs, prose_of
from curator.core.duplicates.meanings.little_words import ABBREVIATIONS, DIRECTIVES, LITTLE_WORDS, NEGATIONS
from curator.core.duplicates.meanings.meaning_words import are_opposed, is_turned_round
from curator.core.duplicates.meanings.slips import is_kana_for_kanji, is_slip, is_swapped

FEW_WORDS = 8
"""In a prompt of at most so many words every exchanged word counts; an answer may have one less."""
LABEL_WORDS = 3
"""A text of at most so many words is compared sign by sign."""
_LONG_WORD = 4
"""Letters from which on a word in capitals is no abbreviation."""
SENTENCE = 5
"""So many words more or less in one place are a sentence more or less, not a word that turns the others round."""

_FEW_EXCHANGED = 3
"""Up to so many exchanged words one word more is not taken for a part of a rewording."""
_BEFORE_IT = frozenset(("please", "and", "but", "bitte", "und", "s'il", "te", "plaît", "por", "favor", "y", "et"))
_COMMON = 0.4
"""Share of the words of the shorter text that two texts must have in common, in order."""
_REWORDED, _REWORDED_SHARE = 6, 0.15
"""From so many exchanged words, and such a share of all, on a text is reworded: an opposite may be chance."""

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SOFT = ".,;:!?¡¿…'\"‘’“”«»„‚`´–—―‐‑·•、。，！？：；「」『』"
_TOKEN = re.compile(
    rf"[^\W\d_{_CJK}][^\W_{_CJK}]*(?:['’][^\W_]+)*"
    r"|\d+(?:[.,:]\d+)*(?![^\W_])"
    rf"|[^\W_{_CJK}]+"
    rf"|[{_CJK}]"
    r"|[:;=]['^-]?[()\[\]dp|](?![\w(])"
    r"|(?<![^\W\d_])-(?=\d)|(?:^|(?<=[(\[=,:]))-(?=[\w(])"
    r"|(?<!\w)!(?=[\w(=])|!(?==)"
    r"|(?<!\*)\*(?!\*)"
    rf"|[^\w\s*\-{re.escape(_SOFT)}]|_"
)
"""Words, numbers and signs of a run without blanks."""
_BULLET = re.compile(r"^[ \t]*(?:[*+-]|#+)[ \t]+", re.MULTILINE)
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_]+)*")
_MARKS = re.compile(r"[?!.？！。]+")
_ODD = {
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f\ufe0e"), ""),
    **{ord(sign): f"^{n}" for n, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{ord(sign): f"_{n}" for n, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{ord("⁻"): "^-", ord("′"): "'", ord("″"): '"', ord("’"): "'"},
}
"""Invisible characters go; raised and lowered digits stay what they are."""
_IS_ODD = re.compile("[" + "".join(map(chr, _ODD)) + "]")
_SPELT_OUT = str.maketrans({"ß": "ss", "ẞ": "SS", "İ": "I", "æ": "ae", "œ": "oe"})
_THOUSANDS = re.compile(r"\d{1,3}(?:[,']\d{3})+(?!\d)")
_CONTRACTED = (("n't", " not"), ("n’t", " not"), ("cannot", "can not"))


class MeaningComparison(NamedTuple):
    """What came out for two texts."""

    reason: str | None
    """What changes the meaning, in a few words; None where nothing does."""
    exchanged: frozenset[tuple[str, str]] = frozenset()
    """Pairs of words that stand for each other ("" for none), without slips, endings and little words."""
    slips: int = 0
    """Words with a slip of the pen."""
    swapped: bool = False
    """Whether two digits of a number changed places: a slip where there are others, else another number."""


ALIKE = MeaningComparison(None)


def differs_in_meaning(a: str, b: str) -> str | None:
    """Why two texts do not say the same; None where they do."""
    found = compare(a, b)
    if found.swapped and not found.slips:
        return "a number"
    return found.reason or ("another word" if is_lone(found.exchanged) else None)


def compare(a: str, b: str, *, is_answer: bool = False, is_noisy: Callable[[], bool] = bool) -> MeaningComparison:
    """Compare two texts. A short answer is a label, and counts sign by sign.

    `is_noisy` tells whether the prose of other messages differs too, so that a change of code may be one of all.
    """
    a, b = a.strip(), b.strip()
    if a == b:
        return ALIKE
    if (a[:1] in ("{", "[") or b[:1] in ("{", "[")) and (reason := _json_differs(a, b)) is not None:
        return MeaningComparison(reason or None)
    plain_a, plain_b = _plain(a), _plain(b)
    runs_a, runs_b = _runs(plain_a), _runs(plain_b)
    words = min(len(runs_a), len(runs_b))
    if words <= FEW_WORDS:
        words = min(sum(key[0].isalnum() for key in _keys(runs)) for runs in (runs_a, runs_b))
        if is_answer and words <= LABEL_WORDS:
            return MeaningComparison("another label")
    found = _compare_runs(runs_a, runs_b, words, FEW_WORDS - 1 if is_answer else FEW_WORDS)
    if found is None:
        return MeaningComparison(code_differs(a, b, is_noisy) or _spelling_differs(plain_a, plain_b, words))
    if found.reason is not None:
        return found
    if "```" in a and "```" in b and _only_code_differs(plain_a, plain_b) and not is_noisy():
        return MeaningComparison("code")
    if found.exchanged and _other_names(plain_a, plain_b, found.exchanged):
        return MeaningComparison("a name", found.exchanged)
    if not found.exchanged and (reason := code_differs(a, b, is_noisy)):
        return MeaningComparison(reason)
    return found


def _plain(text: str) -> str:
    """The text in one spelling of each character; raised and lowered digits stay what they are."""
    if text.isascii():
        return text
    if _IS_ODD.search(text):
        text = text.translate(_ODD)
    return unicodedata.normalize("NFKC", text)


def _runs(text: str) -> list[str]:
    """The folded runs between blanks, without the signs that begin list items and headings."""
    if "\n" in text or text[:1] in ("*", "+", "-", "#"):
        text = _BULLET.sub("", text)
    return text.casefold().split()


def _keys(runs: Iterable[str]) -> list[str]:
    """The words and the signs that mean something."""
    return [key for run in runs for key in _run_keys(run)]


def _only_code_differs(a: str, b: str) -> bool:
    return _keys(_runs(prose_of(a))) == _keys(_runs(prose_of(b)))


@lru_cache(maxsize=1 << 16)
def _run_keys(run: str) -> tuple[str, ...]:
    """The keys of a run without blanks."""
    if run.isalpha() and run.isascii() and run != "cannot":
        return (run,)
    for short, long in _CONTRACTED:
        run = run.replace(short, long)
    if not run.isascii():
        run = run.replace("i\u0307", "i")
    return tuple(_TOKEN.findall(run))


def _json_differs(a: str, b: str) -> str | None:
    """Whether two texts are JSON with different values ("": equal values); None where one is no JSON."""
    values: list[Any] = []
    for text in (a, b):
        try:
            values.append(orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS))
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            return None
    return "" if values[0] == values[1] else "a value"


def _spelling_differs(a: str, b: str, words: int) -> str | None:
    """What changes the meaning of two texts of the same words; only case, blanks and punctuation differ."""
    if words <= LABEL_WORDS:
        if (a[-1:] == "?") != (b[-1:] == "?"):
            return "a question mark"
        short_a, short_b = (text.rstrip(" .!?…").translate(_SPELT_OUT).split() for text in (a, b))
        if len(short_a) != len(short_b) or not all(map(_is_recased, short_a, short_b, range(len(short_a)))):
            return "a sign or capital of a short text"
    marks_a, marks_b = _MARKS.findall(a), _MARKS.findall(b)
    as_many = marks_a != marks_b and len(marks_a) == len(marks_b)
    if as_many and any(("?" in x) != ("?" in y) for x, y in zip(marks_a, marks_b, strict=True)):
        return "a question mark"
    return _capitals_differ(a, b)


def _is_recased(x: str, y: str, place: int) -> bool:
    """Whether two words differ in case at most, as in a sentence: long ones shouted, the first one large."""
    if x == y or (place == 0 and x[1:] == y[1:] and x[:1].lower() == y[:1].lower()):
        return True
    usual = all(word.isupper() or word.islower() or word[1:].islower() for word in (x, y))
    return usual and len(x) >= _LONG_WORD and x.lower() == y.lower()


def _capitals_differ(a: str, b: str) -> str | None:
    """Whether an abbreviation stands for a word (US, us; IT, it) in texts that are not recased as a whole."""
    if _SHORT_CAPITALS.findall(a) == _SHORT_CAPITALS.findall(b):
        return None
    words_a, words_b = _WORD.findall(a), _WORD.findall(b)
    pairs = [(x, y) for x, y in zip(words_a, words_b, strict=False) if x != y and x.lower() == y.lower()]
    recased = len(pairs) > 1 and (a in (b.lower(), b.upper(), b.title()) or b in (a.lower(), a.upper(), a.title()))
    if recased or len(pairs) * 2 > len(words_a):
        return None
    if any(x.isupper() != y.isupper() and (len(x) == 2 or x.lower() in ABBREVIATIONS) for x, y in pairs):
        return "an abbreviation"
    return "a capital" if any(len(x) == 1 and x.lower() not in _LETTER_WORDS for x, _ in pairs) else None


_SHORT_CAPITALS = re.compile(r"\b[A-ZÀ-ÖØ-Þ]{1,4}\b")
_LETTER_WORDS = frozenset("aioyeàu")


def _compare_runs(a: list[str], b: list[str], words: int, few: int) -> MeaningComparison | None:
    """Compare aligned runs: the first difference that changes the meaning, or all that were exchanged.

    None where the words are the same.
    """
    found = _Differences()
    common, least, is_other = len(a), min(len(a), len(b)), False
    for runs_a, runs_b in _regions(a, b):
        keys_a, keys_b = _keys(runs_a), _keys(runs_b)
        if keys_a == keys_b:
            continue
        is_other = True
        common += len(keys_a) - len(runs_a)
        least += min(len(keys_a) - len(runs_a), len(keys_b) - len(runs_b))
        for part_a, part_b in _regions(keys_a, keys_b):
            common -= len(part_a)
            if reason := found.judge(part_a, part_b):
                return MeaningComparison(reason)
    if not is_other:
        return None
    if words <= LABEL_WORDS:
        return MeaningComparison("a word of a short text")
    if common < _COMMON * least:
        return MeaningComparison("another text")
    exchanged = found.exchanged
    if found.added and len(exchanged) <= _FEW_EXCHANGED:
        return MeaningComparison("a word more")
    noise = len(exchanged) >= _REWORDED and len(exchanged) >= _REWORDED_SHARE * words
    if found.opposed and not noise:
        return MeaningComparison("an opposite, or another of its kind")
    if any((y, x) in exchanged for x, y in exchanged if x and y):
        return MeaningComparison("words in each other's place")
    if exchanged and words <= few:
        return MeaningComparison("a word of a short text")
    return MeaningComparison(None, frozenset(exchanged), found.slips, found.swapped)


def _regions(a: list[str], b: list[str]) -> list[tuple[list[str], list[str]]]:
    """The stretches in which two lists differ, touching ones as one."""
    regions: list[tuple[list[str], list[str]]] = []
    end = -1
    for step in Levenshtein.opcodes(a, b):
        if step.tag == "equal":
            continue
        part_a, part_b = a[step.src_start : step.src_end], b[step.dest_start : step.dest_end]
        if step.src_start == end and regions:
            regions[-1][0].extend(part_a)
            regions[-1][1].extend(part_b)
        else:
            regions.append((part_a, part_b))
        end = step.src_end
    return regions


class _Differences:
    """What differs between two texts, stretch by stretch."""

    def __init__(self) -> None:
        self.exchanged: set[tuple[str, str]] = set()
        self.slips = 0
        self.opposed = self.added = self.swapped = False

    def judge(self, a: list[str], b: list[str]) -> str | None:
        """Why one stretch changes the meaning; None, with its words in `exchanged`, where it may not."""
        text_a, text_b = "".join(a), "".join(b)
        if text_a == text_b or (not text_a.isascii() and is_kana_for_kanji(text_a, text_b)):
            return None
        if len(a) == len(b):
            for x, y in zip(a, b, strict=True):
                if x != y and (reason := self._judge_words(x, y)):
                    return reason
            return None
        if is_slip(text_a, text_b):
            return None
        if abs(len(a) - len(b)) >= SENTENCE:
            return self._judge_sentence(*sorted((a, b), key=len))
        return self._judge_uneven(a, b)

    def _judge_words(self, x: str, y: str) -> str | None:
        """Why one word in the place of another changes the meaning."""
        if not (x.isalpha() and y.isalpha()):
            if _has_digit(x) and _has_digit(y):
                return self._judge_numbers(_number(x), _number(y))
            if not x[0].isalnum() or not y[0].isalnum():
                return "a sign"
        if are_opposed(x, y) or is_turned_round(x, y):
            self.opposed = True
            return None
        if is_slip(x, y):
            self.slips += 1
            return None
        little_x, little_y = x in LITTLE_WORDS, y in LITTLE_WORDS
        if (x in NEGATIONS) != (y in NEGATIONS) and (little_x or little_y):
            return "a negation"
        if not (little_x and little_y):
            if len(x) == len(y) == 1:
                return "a letter"
            self.exchanged.add((x, y))
        return None

    def _judge_numbers(self, x: str, y: str) -> str | None:
        if x == y:
            return None
        if not is_swapped(x, y):
            return "a number"
        self.swapped = True
        return None

    def _judge_sentence(self, short: list[str], long: list[str]) -> str | None:
        """A sentence more changes the meaning where it tells to do or not to do something."""
        self.exchanged |= {("", " ".join(long)), (" ".join(short), "")}
        first, second = ([word for word in long if word not in _BEFORE_IT] + ["", ""])[:2]
        tells = first in DIRECTIVES and (first != "do" or second == "not")
        return "an instruction" if tells else None

    def _judge_uneven(self, a: list[str], b: list[str]) -> str | None:
        """A few words in the place of fewer."""
        only_a, only_b = [x for x in a if x not in b], [y for y in b if y not in a]
        if any(are_opposed(x, y) or is_turned_round(x, y) for x in only_a for y in only_b):
            self.opposed = True
        if _numbers(only_a) != _numbers(only_b):
            return "a number"
        negated_a, negated_b = bool(NEGATIONS & set(only_a)), bool(NEGATIONS & set(only_b))
        if negated_a != negated_b:
            return "a negation"
        if any(not word[0].isalnum() for word in (*only_a, *only_b)):
            return "a sign"
        content_a = [x for x in only_a if x not in LITTLE_WORDS]
        content_b = [y for y in only_b if y not in LITTLE_WORDS]
        if (not a or not b) and (content_a or content_b):
            self.added = True
        for at in range(max(len(content_a), len(content_b))):
            x, y = (words[at] if at < len(words) else "" for words in (content_a, content_b))
            if not is_slip(x, y):
                self.exchanged.add((x, y))
        return None


def is_lone(exchanged: Iterable[tuple[str, str]]) -> bool:
    """Whether one word alone stands for another, and could: no little word, and no adverb for another kind."""
    pairs = set(exchanged)
    if len(pairs) != 1:
        return False
    x, y = pairs.pop()
    little = x in LITTLE_WORDS or y in LITTLE_WORDS
    return not little and x.endswith("ly") == y.endswith("ly")


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _numbers(words: Iterable[str]) -> list[str]:
    return sorted(_number(word) for word in words if _has_digit(word))


def _number(word: str) -> str:
    """A number without the signs that part its thousands, and without leading zeros after a blank comparison."""
    return re.sub(r"[,']", "", word) if _THOUSANDS.fullmatch(word) else word


def _other_names(a: str, b: str, exchanged: Iterable[tuple[str, str]]) -> bool:
    """Whether a name stands for another name: both with a capital, within sentences that are not all capitals."""
    capital = [(x, y) for x, y in exchanged if x and y and x.capitalize() in a and y.capitalize() in b]
    if not capital or a.isupper() or b.isupper():
        return False
    names_a, names_b = ({word.casefold() for word in _NAME.findall(text)} for text in (a, b))
    return any(x in names_a and y in names_b for x, y in capital)


_NAME = re.compile(r"(?<=[^\W_] )[A-ZÀ-ÖØ-Þ][^\W\d_]+|(?<=, )[A-ZÀ-ÖØ-Þ][^\W\d_]+")
