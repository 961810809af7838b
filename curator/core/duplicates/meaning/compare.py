"""Do two texts that are nearly alike say the same? Words are aligned, and what differs is judged word by word.

A slip of the pen, a filler or an ending changes nothing; a number, a sign, a negation, a name, an opposite or code
does. One lone word in the place of another changes the meaning too: nothing else could be why both texts exist.
Where much differs, and none of it stands out, one text is a rewording of the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, NamedTuple

import orjson
from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.meaning.code import code_differs, prose_of
from curator.core.duplicates.meaning.little_words import ABBREVIATIONS, DIRECTIVES, LIMITS, LITTLE_WORDS, NEGATIONS
from curator.core.duplicates.meaning.runs_and_keys import BULLET, WORD, in_one_spelling, keys_of, runs_of
from curator.core.duplicates.meaning.slips import is_kana_for_kanji, is_slip, is_swapped
from curator.core.duplicates.meaning.word_classes import are_opposed, is_turned_round

FEW_WORDS = 8
"""In a prompt of at most so many words every exchanged word counts; an answer may have one less."""
LABEL_WORDS = 3
"""A text of at most so many words is compared sign by sign."""
_LONG_WORD = 4
"""A word in capitals with at least this many letters is no abbreviation."""
SENTENCE = 5
"""At least this many words more in one place count as a sentence more, not as a word that reverses the others."""

_PASSAGE, _PASSAGE_SHARE = 3, 0.4
"""At least this many runs replaced by others, in at most this share of the text, count as another passage."""
_FEW_EXCHANGED = 3
"""With at most this many exchanged words, one word more does not count as a part of a rewording."""
_BEFORE_IT = frozenset(("please", "and", "but", "bitte", "und", "s'il", "te", "plaît", "por", "favor", "y", "et"))
_COMMON = 0.4
"""Share of the words of the shorter text that two texts must have in common, in order."""
_REWORDED, _REWORDED_SHARE = 6, 0.15
"""With at least this many exchanged words, and this share of all, a text counts as reworded: an opposite may be
chance."""

_MARKS = re.compile(r"[?!.？！。]+")
_SPELT_OUT = str.maketrans({"ß": "ss", "ẞ": "SS", "İ": "I", "æ": "ae", "œ": "oe"})
_THOUSANDS = re.compile(r"\d{1,3}(?:[,']\d{3})+(?!\d)")


class MeaningDifference(NamedTuple):
    """How two texts differ."""

    reason: str | None
    """What changes the meaning, in a few words; None where nothing does."""
    exchanged: frozenset[tuple[str, str]] = frozenset()
    """Pairs of words that stand for each other ("" for none), without slips, endings and little words."""
    places: int = 0
    """In how many places words were exchanged."""
    slips: int = 0
    """Words with a slip of the pen."""
    swapped: bool = False
    """Whether two digits of a number changed places. That is a slip where the text has other slips, else another
    number."""
    is_passage: bool = False
    """Whether one passage stands in the place of another and all else is the same."""

    @property
    def is_lone(self) -> bool:
        """Whether words were exchanged in one place only, and they carry meaning: no little words, not an adverb
        for an adjective."""
        content = [(x, y) for x, y in self.exchanged if x not in LITTLE_WORDS and y not in LITTLE_WORDS]
        return self.places == 1 and any(x.endswith("ly") == y.endswith("ly") for x, y in content)

    def joined(self, other: MeaningDifference) -> MeaningDifference:
        """This difference and another message's as one."""
        return MeaningDifference(
            self.reason or other.reason,
            self.exchanged | other.exchanged,
            self.places + other.places,
            self.slips + other.slips,
            self.swapped or other.swapped,
            self.is_passage if other == ALIKE else other.is_passage and self == ALIKE,
        )

    @property
    def counts(self) -> bool:
        """Whether it changes the meaning."""
        return self.reason is not None or self.is_passage or self.is_lone or (self.swapped and not self.slips)


ALIKE = MeaningDifference(None)


def differs_in_meaning(a: str, b: str) -> str | None:
    """Why two texts do not say the same; None where they do."""
    difference = compare(a, b)
    return difference.reason or ("a lone word or number" if difference.counts else None)


def compare(a: str, b: str, *, is_answer: bool = False, is_noisy: Callable[[], bool] = bool) -> MeaningDifference:
    """Compare two texts. A short answer is a label, and counts sign by sign.

    `is_noisy` tells whether the prose of other messages differs too, so that a change of code may be one of all.
    """
    a, b = a.strip(), b.strip()
    if a == b:
        return ALIKE
    if (a[:1] in ("{", "[") or b[:1] in ("{", "[")) and (reason := _json_differs(a, b)) is not None:
        return MeaningDifference(reason or None)
    plain_a, plain_b = in_one_spelling(a), in_one_spelling(b)
    runs_a, runs_b = runs_of(plain_a), runs_of(plain_b)
    words = min(len(runs_a), len(runs_b))
    if words <= FEW_WORDS:
        words = min(sum(key[0].isalnum() for key in keys_of(runs)) for runs in (runs_a, runs_b))
        if is_answer and words <= LABEL_WORDS:
            return MeaningDifference("another label")
    difference = _compare_runs(runs_a, runs_b, words, FEW_WORDS - 1 if is_answer else FEW_WORDS)
    if difference is None:
        return MeaningDifference(code_differs(a, b, is_noisy) or _spelling_differs(plain_a, plain_b, words))
    reason = difference.reason or _whole_differs(plain_a, plain_b, difference, is_noisy)
    return difference._replace(reason=reason)


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
    if _CAPITALS.findall(a) == _CAPITALS.findall(b):
        return None
    words_a, words_b = WORD.findall(a), WORD.findall(b)
    pairs = [(x, y) for x, y in zip(words_a, words_b, strict=False) if x != y and x.lower() == y.lower()]
    recased = len(pairs) > 1 and (a in (b.lower(), b.upper(), b.title()) or b in (a.lower(), a.upper(), a.title()))
    if recased or len(pairs) * 2 > len(words_a):
        return None
    if any(x.isupper() != y.isupper() and (len(x) == 2 or x.lower() in ABBREVIATIONS) for x, y in pairs):
        return "an abbreviation"
    if any(_NAMED_IN_CODE.search(x) and _NAMED_IN_CODE.search(y) for x, y in pairs):
        return "a name in code"
    return "a capital" if any(len(x) == 1 and x.lower() not in _LETTER_WORDS for x, _ in pairs) else None


_CAPITALS = re.compile(r"\b[A-ZÀ-ÖØ-Þ]{1,4}\b|\w*[a-zß-öø-ÿ][A-ZÀ-ÖØ-Þ]\w*")
_NAMED_IN_CODE = re.compile(r"[a-z][A-Z]")
_LETTER_WORDS = frozenset("aioyeàu")


def _compare_runs(a: list[str], b: list[str], words: int, few: int) -> MeaningDifference | None:
    """Compare aligned runs: the first difference that changes the meaning, or all that were exchanged.

    None where the words are the same.
    """
    differences = _Differences(len(a), min(len(a), len(b)))
    is_other = False
    for start, runs_a, runs_b in _regions(a, b):
        keys_a, keys_b = keys_of(runs_a), keys_of(runs_b)
        if keys_a != keys_b:
            is_other = True
            differences.note_place(start, len(runs_a), len(runs_b))
            differences.common += len(keys_a) - len(runs_a)
            differences.least += min(len(keys_a) - len(runs_a), len(keys_b) - len(runs_b))
            for _, part_a, part_b in _regions(keys_a, keys_b):
                if reason := differences.judge(part_a, part_b):
                    return MeaningDifference(reason)
    return differences.sum_up(words, few) if is_other else None


def _regions(a: list[str], b: list[str]) -> list[tuple[int, list[str], list[str]]]:
    """The stretches in which two lists differ, touching ones as one, with their starts in the first list."""
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


class _Differences:
    """What differs between two texts, stretch by stretch."""

    def __init__(self, common: int, least: int) -> None:
        self.common, self.least = common, least
        """Words in common, and words of the shorter text."""
        self.exchanged: set[tuple[str, str]] = set()
        self.places = self.slips = 0
        self.first = self.last = self.changed_a = self.changed_b = 0
        """Where the first and the last stretch with differences begin and end, and how many runs are in all."""
        self.opposed = self.added = self.swapped = False

    def note_place(self, start: int, count_a: int, count_b: int) -> None:
        """Note where runs differ."""
        self.first = start if not (self.changed_a or self.changed_b) else self.first
        self.last = start + count_a
        self.changed_a += count_a
        self.changed_b += count_b

    @property
    def is_another_passage(self) -> bool:
        """Whether all differences are one passage in the place of another, and all around it is the same."""
        changed, span = min(self.changed_a, self.changed_b), self.last - self.first
        return changed >= _PASSAGE and changed >= span / 2 and span <= _PASSAGE_SHARE * self.least

    def sum_up(self, words: int, few: int) -> MeaningDifference:
        """The result for all stretches, in a text of `words` words; in one of at most `few` every word counts."""
        exchanged = self.exchanged
        reason = None
        is_reworded = len(exchanged) >= _REWORDED and len(exchanged) >= _REWORDED_SHARE * words
        if words <= LABEL_WORDS or (exchanged and words <= few):
            reason = "a word of a short text"
        elif self.common < _COMMON * self.least:
            reason = "another text"
        elif self.added and len(exchanged) <= _FEW_EXCHANGED:
            reason = "a word more"
        elif self.opposed and not is_reworded:
            reason = "an opposite, or another of its kind"
        elif any((y, x) in exchanged for x, y in exchanged if x and y):
            reason = "words in each other's place"
        is_passage = bool(exchanged) and self.is_another_passage
        return MeaningDifference(reason, frozenset(exchanged), self.places, self.slips, self.swapped, is_passage)

    def judge(self, a: list[str], b: list[str]) -> str | None:
        """Why one stretch changes the meaning; None, with its words in `exchanged`, where it may not."""
        self.common -= len(a)
        before = len(self.exchanged)
        reason = self._judge(a, b)
        self.places += len(self.exchanged) > before
        return reason

    def _judge(self, a: list[str], b: list[str]) -> str | None:
        text_a, text_b = "".join(a), "".join(b)
        if text_a == text_b or (not text_a.isascii() and is_kana_for_kanji(text_a, text_b)):
            return None
        if len(a) == len(b):
            reasons = (self._judge_words(x, y) for x, y in zip(a, b, strict=True) if x != y)
            return next((reason for reason in reasons if reason), None)
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
        little_x, little_y = x in LITTLE_WORDS, y in LITTLE_WORDS
        if (x in NEGATIONS) != (y in NEGATIONS) and _turns_round(x, y):
            return "a negation"
        if is_slip(x, y):
            self.slips += 1
            return None
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
        self.places += 1  # and one for the stretch: a sentence is no lone word
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
        if bool(NEGATIONS & set(only_a)) != bool(NEGATIONS & set(only_b)):
            return "a negation"
        if (not a or not b) and LIMITS & {*a, *b}:
            return "a limit"
        if any(not word[0].isalnum() for word in (*only_a, *only_b)):
            return "a sign"
        content_a, content_b = ([word for word in words if word not in LITTLE_WORDS] for words in (only_a, only_b))
        self.added |= (not a or not b) and bool(content_a or content_b)
        self.exchanged |= {(x, y) for x, y in zip_longest(content_a, content_b, fillvalue="") if not is_slip(x, y)}
        return None


def _turns_round(x: str, y: str) -> bool:
    """Whether a negation and a little word stand for each other, and one is no slip of the other: not, ont."""
    is_little = x in LITTLE_WORDS or y in LITTLE_WORDS
    return is_little and not (len(x) > 2 and is_swapped(x, y))


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
