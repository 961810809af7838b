"""Do two texts that are nearly alike say the same? Words are aligned, and what differs is judged word by word.

A slip of the pen, a filler or an ending changes nothing; a number, a sign, a negation, a name, an opposite or code
does. One lone word in the place of another changes the meaning too: nothing else could be why both texts exist.
Where much differs, and none of it stands out, one text is a rewording of the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import orjson
from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.meaning.code import code_differs, prose_of
from curator.core.duplicates.meaning.differences import ALIKE, LABEL_WORDS, Differences, MeaningDifference
from curator.core.duplicates.meaning.little_words import ABBREVIATIONS
from curator.core.duplicates.meaning.runs_and_keys import BULLET, in_one_spelling, keys_of, runs_of, words_of

FEW_WORDS = 8
"""In a prompt of at most so many words every exchanged word counts; an answer may have one less."""
_LONG_WORD = 4
"""Letters from which on a word in capitals is no abbreviation."""

_MARKS = re.compile(r"[?!.？！。]+")
_SPELT_OUT = str.maketrans({"ß": "ss", "ẞ": "SS", "İ": "I", "æ": "ae", "œ": "oe"})
_ABOUT_SPELLING = re.compile(
    r"\b(?:spel(?:l|ls|led|ling|t)|misspel\w*|gramma\w*|typos?|proofread\w*|punctuation|palindrom\w*|anagram\w*"
    r"|(?:capital|small|upper-?case|lower-?case) letters?|count the|how many (?:letters|characters|words|blanks)"
    r"|correct (?:the|this|my)|rechtschreib\w*|buchstabier\w*|tippfehler|korrigier\w*|orthograph\w*|corrig\w*"
    r"|ortogra\w*)\b",
    re.IGNORECASE,
)
"""Where a text is about spelling or grammar each slip, blank and sign in it may be what it is about."""
_PARTS_OF_SPELLING = (
    "spel", "gram", "typo", "proofr", "punct", "palin", " letter", "count the", "how many", "correct ", "rechtsch",
    "buchsta", "tippf", "korrig", "orthog", "corrig", "ortogr",
)  # fmt: skip
"""One of these stands in every such text: the search above takes longer."""
_TECHNICAL = re.compile(r"://|@|\\|_|\(\)|::|->|`|\w[.]\w|^~?[.]{0,2}/\w|/.*/|^--?\w")
"""A run that is an address, a path, a flag or a name in code: no slip of the pen is one there."""


def differs_in_meaning(a: str, b: str) -> str | None:
    """Why two texts do not say the same; None where they do."""
    difference = compare(a, b)
    return difference.reason or ("a lone word or number" if difference.counts else None)


def compare(
    a: str,
    b: str,
    *,
    is_answer: bool = False,
    is_noisy: Callable[[], bool] = bool,
    is_overwritten: bool = False,
) -> MeaningDifference:
    """Compare two texts. A short answer is a label, and counts sign by sign.

    `is_noisy` tells whether the prose of other messages differs too, so that a change of code may be one of all;
    `is_overwritten` says that words were overwritten by chance, so that an opposite or a lost negation is no sign.
    """
    if is_answer and _first_blanks(a) != _first_blanks(b):
        return MeaningDifference("blanks at the beginning of an answer")
    a, b = a.strip(), b.strip()
    if a == b:
        return ALIKE
    if (a[:1] in ("{", "[") or b[:1] in ("{", "[")) and (reason := _json_differs(a, b)) is not None:
        return MeaningDifference(reason or None)
    (plain_a, runs_a), (plain_b, runs_b) = _divided(a), _divided(b)
    words = min(len(runs_a), len(runs_b))
    if words <= FEW_WORDS:
        words = min(sum(key[0].isalnum() for key in keys_of(runs)) for runs in (runs_a, runs_b))
        if is_answer and words <= LABEL_WORDS:
            return MeaningDifference("another label")
    few = FEW_WORDS - 1 if is_answer else FEW_WORDS
    difference = _compare_runs(runs_a, runs_b, words, few, is_overwritten=is_overwritten)
    if difference is not None and difference.reason:
        return difference
    if _is_about_spelling(plain_a):
        return MeaningDifference("a sign in a text about signs")
    if difference is None:
        return MeaningDifference(code_differs(a, b, is_noisy) or _spelling_differs(plain_a, plain_b, words))
    reason = _whole_differs(plain_a, plain_b, difference, is_noisy)
    return difference._replace(reason=reason) if reason else difference


def _first_blanks(text: str) -> str:
    """The blanks at the beginning of a text: those of an answer are taught."""
    return text[: len(text) - len(text.lstrip())] if text[:1].isspace() else ""


@lru_cache(maxsize=2_048)
def _divided(text: str) -> tuple[str, list[str]]:
    """A text in one spelling and its runs. A text is often compared with several others, one after another."""
    plain = in_one_spelling(text)
    return plain, runs_of(plain)


def _is_about_spelling(text: str) -> bool:
    small = text.lower()
    return any(map(small.__contains__, _PARTS_OF_SPELLING)) and _ABOUT_SPELLING.search(text) is not None


def _whole_differs(a: str, b: str, difference: MeaningDifference, is_noisy: Callable[[], bool]) -> str | None:
    """What changes the meaning beside single words: code, names."""
    if "```" in a and "```" in b and _only_code_differs(a, b) and not is_noisy():
        return "code"
    if difference.exchanged:
        return "a name" if _other_names(a, b, difference.exchanged) else None
    return code_differs(a, b, is_noisy)


def _only_code_differs(a: str, b: str) -> bool:
    return keys_of(runs_of(prose_of(a))) == keys_of(runs_of(prose_of(b)))


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
        short_a, short_b = (BULLET.sub("", text).rstrip(" .!?…").translate(_SPELT_OUT).split() for text in (a, b))
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
    if _letters(a) == _letters(b) or _is_shouted(a, b) or _CAPITALS.findall(a) == _CAPITALS.findall(b):
        return None
    words_a, words_b = words_of(a), words_of(b)
    pairs = [(x, y) for x, y in zip(words_a, words_b, strict=False) if x != y and x.lower() == y.lower()]
    if len(pairs) * 2 > len(words_a) or (len(pairs) > 1 and _is_recased_whole(a, b)):
        return None
    if any(x.isupper() != y.isupper() and (len(x) == 2 or x.lower() in ABBREVIATIONS) for x, y in pairs):
        return "an abbreviation"
    if any(_UNIT.match(x) and x[0] != y[0] or _BITS.match(x) and x[1:2] != y[1:2] for x, y in pairs):
        return "a unit"
    if any(_NAMED_IN_CODE.search(x) and _NAMED_IN_CODE.search(y) for x, y in pairs):
        return "a name in code"
    return "a capital" if any(len(x) == 1 and x.lower() not in _LETTER_WORDS for x, _ in pairs) else None


def _is_shouted(a: str, b: str) -> bool:
    """Whether more than one word was recased with the whole text; of ASCII, where this is quickly told."""
    if not a.isascii() or not _is_recased_whole(a, b):
        return False
    return sum([x != y for x, y in zip(a.split(), b.split(), strict=True)]) > 1


def _is_recased_whole(a: str, b: str) -> bool:
    """Whether one text is the other in small letters, in capitals, or as a title."""
    return a in (b.lower(), b.upper(), b.title()) or b in (a.lower(), a.upper(), a.title())


def _letters(text: str) -> bytes:
    """A text without the blanks and signs of ASCII."""
    return text.encode("utf-8", "surrogatepass").translate(None, _SIGNS)


_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
_CAPITALS = re.compile(r"\b[A-ZÀ-ÖØ-Þ]{1,4}\b|\w*[a-zß-öø-ÿ][A-ZÀ-ÖØ-Þ]\w*")
_NAMED_IN_CODE = re.compile(r"[a-z][A-Z]")
_LETTER_WORDS = frozenset("aioyeàu")
_UNIT = re.compile(r"[mM](?:Hz|W|Wh|V|A|Pa|J|N|F|Ω|eV|s|bar)$")
"""Units with a thousandth or a million of each."""
_BITS = re.compile(r"[kKMGT][bB](?:it|ps|/s)?$")
"""Bits and bytes."""


def _compare_runs(
    a: list[str], b: list[str], words: int, few: int, *, is_overwritten: bool
) -> MeaningDifference | None:
    """Compare aligned runs: the first difference that changes the meaning, or all that were exchanged.

    None where the words are the same.
    """
    if a == b:
        return None
    differences = Differences(len(a), min(len(a), len(b)), is_overwritten=is_overwritten)
    is_other = False
    for start, runs_a, runs_b in _regions(a, b):
        keys_a, keys_b = keys_of(runs_a), keys_of(runs_b)
        if keys_a != keys_b:
            is_other = True
            if len(runs_a) == len(runs_b) and any(map(_is_technical_other, runs_a, runs_b)):
                return MeaningDifference("a name or an address")
            is_start = not start or a[start - 1][-1] in ".!?:"
            differences.note_place(start, len(runs_a), len(runs_b), is_start=is_start)
            differences.common += len(keys_a) - len(runs_a)
            differences.least += min(len(keys_a) - len(runs_a), len(keys_b) - len(runs_b))
            for _, part_a, part_b in _regions(keys_a, keys_b):
                if reason := differences.judge(part_a, part_b):
                    return MeaningDifference(reason)
    return differences.sum_up(words, few) if is_other else None


def _is_technical_other(a: str, b: str) -> bool:
    """Whether two runs of which one is an address, a path or a name in code differ in a word or sign."""
    if a == b or (a.isalpha() and b.isalpha()):
        return False
    is_technical = _TECHNICAL.search(a) or _TECHNICAL.search(b)
    return bool(is_technical) and "".join(keys_of([a])) != "".join(keys_of([b]))


def _regions(a: list[str], b: list[str]) -> list[tuple[int, list[str], list[str]]]:
    """The stretches in which two lists differ, touching ones as one, with their starts in the first list."""
    if len(a) == len(b) == 1:
        return [(0, a, b)] if a != b else []
    regions: list[tuple[int, list[str], list[str]]] = []
    end = -1
    for step in Levenshtein.opcodes(a, b):
        if step.tag == "equal":
            continue
        part_a, part_b = a[step.src_start : step.src_end], b[step.dest_start : step.dest_end]
        if step.src_start == end and regions:
            regions[-1][1].extend(part_a)
            regions[-1][2].extend(part_b)
        else:
            regions.append((step.src_start, part_a, part_b))
        end = step.src_end
    return regions


def _other_names(a: str, b: str, exchanged: Iterable[tuple[str, str]]) -> bool:
    """Whether a name stands for another name: both with a capital, within sentences that are not all capitals."""
    capital = [(x, y) for x, y in exchanged if x and y and x.capitalize() in a and y.capitalize() in b]
    if not capital or a.isupper() or b.isupper():
        return False
    names_a, names_b = ({word.casefold() for word in _NAME.findall(text) if word[0].isupper()} for text in (a, b))
    return any(x in names_a and y in names_b for x, y in capital)


_NAME = re.compile(r"(?<=[^\W_] )[^\W\d_]{2,}|(?<=, )[^\W\d_]{2,}")
