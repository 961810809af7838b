"""What differs between two texts, stretch by stretch and word by word, and which of it changes the meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations, zip_longest
from typing import NamedTuple

from curator.core.duplicates.meaning.damage import (
    is_another_word,
    is_denial,
    is_filled_in,
    is_filled_in_for_article,
)
from curator.core.duplicates.meaning.little_words import (
    DIRECTIVES,
    LITTLE_WORDS,
    NEGATIONS,
    SUBJECTS,
    TELLING,
    are_of_one_language,
    says_another,
    weighty,
)
from curator.core.duplicates.meaning.slips import are_both_words, is_kana_for_kanji, is_slip, is_swapped
from curator.core.duplicates.meaning.word_classes import are_opposed, is_turned_round

LABEL_WORDS = 3
"""A text of at most so many words is compared sign by sign."""
_SENTENCE = 5
"""So many words more or less in one place are a sentence more or less, not a word that turns the others round."""
_PASSAGE, _PASSAGE_SHARE = 3, 0.4
"""So many runs in the place of others, in at most such a share of the text, are another passage."""
_SLIPS = 2
"""With at least this many slips of the pen, a doubtful one counts as a slip too."""
_FEW_EXCHANGED = 3
"""Up to so many exchanged words one word more is not taken for a part of a rewording."""
_MANY_EXCHANGED = 12
"""With more exchanged words none of them is looked for in another's place in another case."""
_SHORT_CHAT, _FEW_IN_SHORT_CHAT = 36, 2
"""Words of a short chat, and exchanged words in it up to which one may stand in an article's place."""
_STEM = 4
"""Letters at the beginning of a word that all its cases share."""
_BEFORE_IT = frozenset(("please", "and", "bitte", "und", "s'il", "te", "plaît", "por", "favor", "y", "et"))
_COMMON, _COMMON_IF_OVERWRITTEN = 0.4, 0.2
"""Share of the words of the shorter text that two texts must have in common, in order."""
_REWORDED, _REWORDED_SHARE = 6, 0.15
"""From so many exchanged words, and such a share of all, on a text is reworded: an opposite may be chance."""
_THOUSANDS = re.compile(r"\d{1,3}(?:[,']\d{3})+(?!\d)")

_OF_A_DAY = {"on", "next"}
"""On Monday and next Monday are one day. Elsewhere one does not stand in the other's place."""

_CHANCE = frozenset(
    ("another text", "a negation", "an opposite, or another of its kind", "words in each other's place")
)
"""What is chance in a chat whose words were overwritten here and there."""

Exchange = tuple[str, str]
"""Two words that stand for each other; "" for none."""


class MeaningDifference(NamedTuple):
    """What came out for two texts."""

    reason: str | None
    """What changes the meaning, in a few words; None where nothing does."""
    exchanged: frozenset[Exchange] = frozenset()
    """Words that stand for each other, without slips and without small words for small words."""
    repeated: frozenset[Exchange] = frozenset()
    """Those that do so more than once."""
    places: int = 0
    """In how many places words were exchanged."""
    slips: int = 0
    """Words with a slip of the pen."""
    is_doubtful: bool = False
    """Whether a slip gives another number or another word: a slip where there are others, else no slip."""
    is_passage: bool = False
    """Whether one passage stands in the place of another and all else is the same."""

    @property
    def may_be_chance(self) -> bool:
        """Whether the reason is none in a chat whose words were overwritten by chance."""
        return self.reason in _CHANCE

    @property
    def is_lone(self) -> bool:
        """Whether words were exchanged in one place only, be it for a word that does not seem to fit there."""
        return self.places == 1 and bool(self.exchanged)

    @property
    def is_throughout(self) -> bool:
        """Whether one word stands for another wherever it occurs, and little else differs."""
        return 0 < len(self.exchanged) <= 2 * len(self.repeated)

    def is_filling(self, words: int) -> bool:
        """Whether words stand for others and none of them is damage, as in a form that is filled in.

        In a short chat (`words`: of how many) a word in an article's place is filled in, too.
        """
        fills = is_filled_in
        if words <= _SHORT_CHAT and len(self.exchanged) <= _FEW_IN_SHORT_CHAT:
            fills = _is_filled_in_anywhere
        return bool(self.exchanged) and all(fills(x, y) for x, y in self.exchanged)

    def joined(self, other: MeaningDifference) -> MeaningDifference:
        """The difference of two messages together."""
        if other is ALIKE or self is ALIKE:
            return self if other is ALIKE else other
        both = _in_full(self.exchanged & other.exchanged)
        return MeaningDifference(
            self.reason or other.reason,
            self.exchanged | other.exchanged,
            self.repeated | other.repeated | both,
            self.places + other.places,
            self.slips + other.slips,
            self.is_doubtful or other.is_doubtful,
            self.is_passage if other == ALIKE else other.is_passage and self == ALIKE,
        )

    @property
    def counts(self) -> bool:
        """Whether it changes the meaning."""
        return (
            self.reason is not None
            or self.is_passage
            or self.is_lone
            or self.is_throughout
            or (self.is_doubtful and self.slips < _SLIPS)
        )


ALIKE = MeaningDifference(None)


def _is_filled_in_anywhere(x: str, y: str) -> bool:
    return is_filled_in(x, y) or is_filled_in_for_article(x, y)


def _in_full(exchanged: Iterable[Exchange]) -> frozenset[Exchange]:
    """Those of two words of which none is small."""
    return frozenset((x, y) for x, y in exchanged if x and y and x not in LITTLE_WORDS and y not in LITTLE_WORDS)


class Differences:
    """What differs between two texts, gathered stretch by stretch."""

    def __init__(self, common: int, least: int, *, is_overwritten: bool = False) -> None:
        self.common, self.least = common, least
        """Words in common, and words of the shorter text."""
        self._is_overwritten = is_overwritten
        """Whether words were overwritten here and there, so that an opposite or a lost negation is chance."""
        self.exchanged: set[Exchange] = set()
        self.came: set[str] = set()
        self.went: set[str] = set()
        """Subjects that one text has in a place where the other has none."""
        self.is_start = self.is_moved_from_start = False
        """Whether the stretch begins a sentence, and whether a subject came or went there."""
        self.repeated: set[Exchange] = set()
        self.places = self.slips = 0
        self.first = self.last = self.changed_a = self.changed_b = 0
        """Where the first and the last stretch with differences begin and end, and how many runs are in all."""
        self.is_other_sentence = False
        """Whether a sentence stands in the place of a short one."""
        self.opposed = self.added = self.is_doubtful = self.is_little_other = False

    def note_place(self, start: int, count_a: int, count_b: int, *, is_start: bool) -> None:
        """Note where runs differ, and whether a sentence begins there."""
        self.is_start = is_start
        self.first = start if not (self.changed_a or self.changed_b) else self.first
        self.last = start + count_a
        self.changed_a += count_a
        self.changed_b += count_b

    @property
    def _is_another_passage(self) -> bool:
        """Whether all differences are one passage in the place of another, and all around it is the same."""
        span_a = self.last - self.first
        span_b = span_a - self.changed_a + self.changed_b
        is_dense = self.changed_a >= span_a / 2 or self.changed_b >= span_b / 2
        is_short = min(span_a, span_b) <= _PASSAGE_SHARE * self.least
        return min(self.changed_a, self.changed_b) >= _PASSAGE and is_dense and is_short

    def sum_up(self, words: int, few: int) -> MeaningDifference:
        """What all stretches together tell of a text of some words; in one of at most `few` every word counts."""
        exchanged = self.exchanged
        is_passage = bool(exchanged) and self._is_another_passage
        return MeaningDifference(
            self._reason(words, few),
            frozenset(exchanged),
            _in_full(self.repeated),
            self.places,
            self.slips,
            self.is_doubtful,
            is_passage,
        )

    def _reason(self, words: int, few: int) -> str | None:
        exchanged = self.exchanged
        is_reworded = len(exchanged) >= _REWORDED and len(exchanged) >= _REWORDED_SHARE * words
        if words <= LABEL_WORDS or ((exchanged or self.is_doubtful) and words <= few):
            return "a word of a short text"
        if self.common < (_COMMON_IF_OVERWRITTEN if self._is_overwritten else _COMMON) * self.least:
            return "another text"
        if self.added and len(exchanged) <= _FEW_EXCHANGED:
            return "a word more"
        if not self._is_overwritten and len(exchanged) <= _FEW_EXCHANGED and any(map(is_denial, exchanged)):
            return "a negation"
        if self.is_other_sentence and not is_reworded:
            return "another sentence"
        if self.opposed and not is_reworded and not self._is_overwritten:
            return "an opposite, or another of its kind"
        if (self.is_little_other or (self.is_moved_from_start and self.came & self.went)) and not is_reworded:
            return "a small word"
        if self._is_overwritten:
            return None
        return "words in each other's place" if _are_crossed(exchanged) else None

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
        if is_slip(text_a, text_b) and not are_both_words(text_a, text_b):
            return None
        if abs(len(a) - len(b)) >= _SENTENCE:
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
        if (x in NEGATIONS) != (y in NEGATIONS) and not self._is_overwritten and _turns_round(x, y):
            return "a negation"
        if {x, y} == _OF_A_DAY:
            return None
        if are_of_one_language(x, y):
            if is_swapped(x, y):
                self.is_doubtful = True
            else:
                self.is_little_other |= says_another(x, y)
            return None
        if is_slip(x, y):
            if are_both_words(x, y) and is_another_word(x, y):
                self.is_doubtful = True
            else:
                self.slips += 1
            return None
        if len(x) == len(y) == 1:
            return "a letter"
        if (x, y) in self.exchanged:
            self.repeated.add((x, y))
        self.exchanged.add((x, y))
        return None

    def _judge_numbers(self, x: str, y: str) -> str | None:
        if x == y:
            return None
        if not is_swapped(x, y):
            return "a number"
        self.is_doubtful = True
        return None

    def _judge_sentence(self, short: list[str], long: list[str]) -> str | None:
        """A sentence more changes the meaning where it tells to do or not to do something."""
        self.exchanged |= {("", " ".join(long)), (" ".join(short), "")}
        self.places += 1  # and one for the stretch: a sentence is no lone word
        self.is_other_sentence |= any(word not in LITTLE_WORDS for word in short)
        start = [word for word in long if word not in _BEFORE_IT][:3] + ["", ""]
        tells = start[0] in DIRECTIVES and (start[0] != "do" or start[1] == "not")
        return "an instruction" if tells or " ".join(start).startswith(TELLING) else None

    def _judge_uneven(self, a: list[str], b: list[str]) -> str | None:
        """A few words in the place of fewer."""
        only_a, only_b = [x for x in a if x not in b], [y for y in b if y not in a]
        if any(are_opposed(x, y) or is_turned_round(x, y) for x in only_a for y in only_b):
            self.opposed = True
        if _numbers(only_a) != _numbers(only_b):
            return "a number"
        if bool(NEGATIONS & set(only_a)) != bool(NEGATIONS & set(only_b)):
            return self._judge_cannot(a, b)
        if any(not word[0].isalnum() for word in (*only_a, *only_b)):
            return "a sign"
        content_a, content_b = ([word for word in words if word not in LITTLE_WORDS] for words in (only_a, only_b))
        self.came |= SUBJECTS & set(only_b)
        self.went |= SUBJECTS & set(only_a)
        self.is_moved_from_start |= self.is_start and bool(SUBJECTS & {*only_a, *only_b})
        self.is_little_other |= _differ(weighty(only_a), weighty(only_b))
        self.added |= (not a or not b) and bool(content_a or content_b)
        self.exchanged |= {
            (x, y)
            for x, y in zip_longest(content_a, content_b, fillvalue="")
            if not is_slip(x, y) or are_both_words(x, y)
        }
        return None

    def _judge_cannot(self, a: list[str], b: list[str]) -> str | None:
        """A negation in one text alone; another word for "cannot" is what it is for "not", of which it has two."""
        short, long = sorted((a, b), key=len)
        if long != ["can", "not"] or len(short) != 1 or short[0] in LITTLE_WORDS:
            return "a negation"
        self.exchanged.add(("cannot", short[0]) if short is b else (short[0], "cannot"))
        return None


def _differ(little_a: Sequence[str], little_b: Sequence[str]) -> bool:
    """Whether small words do not say the same."""
    return len(little_a) != len(little_b) or any(map(says_another, little_a, little_b))


def _are_crossed(exchanged: set[Exchange]) -> bool:
    """Whether a word stands where another one stood, and that one where the first was, be it in another case."""
    both = [(x, y) for x, y in exchanged if x and y]
    if any((y, x) in exchanged for x, y in both):
        return True
    stems = [(x[:_STEM], y[:_STEM]) for x, y in both if min(len(x), len(y)) > _STEM]
    return len(stems) <= _MANY_EXCHANGED and any(
        x == v and y == u and x != y for (x, y), (u, v) in combinations(stems, 2)
    )


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
