"""What data of judged answers says of one: whether it is a good one or a bad one (KTO and its like)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

Verdict = Literal["good", "bad", "unclear"]
"""`unclear` where a column of verdicts holds a word that is none, or two of them disagree."""

VERDICT_KEYS = frozenset(
    "label kto_tag kto_label verdict desirable is_desirable good is_good correct is_correct accepted is_accepted "
    "approved is_approved acceptable is_acceptable chosen is_chosen preferred is_preferred liked is_liked "
    "helpful is_helpful thumb thumbs thumbs_up feedback user_feedback human_feedback vote judgment judgement "
    "assessment preference rating score reward quality valid is_valid approval "
    "decision review review_status status".replace("_", "").split()
)
"""Headings of columns that may say whether the answer is good, in small letters without blanks and signs."""
_REVERSED_KEYS = frozenset(
    "undesirable is_undesirable bad is_bad wrong is_wrong incorrect is_incorrect rejected is_rejected disliked "
    "is_disliked thumbs_down hallucination is_hallucination hallucinated".replace("_", "").split()
)
"""The same, where yes means that the answer is bad."""
_MEASURES = frozenset(("rating", "score", "reward", "quality"))
"""Headings of measures: numbers in them are verdicts only where some are 0 or -1 and none is anything but 1."""
_GOOD = """
    true t yes y 1 1.0 +1 good desirable desired chosen accepted accept approved approve positive correct right
    acceptable preferred helpful liked like thumbs_up thumbsup thumb_up up upvote upvoted pass passed ok okay
    wahr vrai verdadero vero verdadeiro waar ja oui sí gut 👍 ✅ ✓ ✔ ✔️ 👍🏻
"""
_BAD = """
    false f no n 0 0.0 -1 -1.0 bad undesirable undesired rejected reject disapproved negative incorrect wrong
    unacceptable dispreferred unhelpful disliked dislike thumbs_down thumbsdown thumb_down down downvote downvoted
    fail failed poor falsch faux falso onwaar nein non nee schlecht
    👎 ❌ ✗ ✘ ✖ 👎🏻
"""
_VERDICTS = {**dict.fromkeys(_GOOD.split(), True), **dict.fromkeys(_BAD.split(), False)}
"""Words of verdicts in small letters, and whether they call an answer good; spreadsheets translate booleans."""
_CERTAIN = frozenset(("ktotag", "ktolabel", "verdict", "desirable", "isdesirable", "thumbs"))
"""Headings that speak of nothing else: what cannot be read under them is unclear."""
_MOST_PEOPLE = 50
"""Verdicts of so many people on one answer are read."""
_DECIDED = frozenset(("status", "review", "reviewstatus", "decision"))
"""Headings of more than verdicts: of their words only those of a decision are some."""
_DECISIONS = frozenset(("approved", "approve", "accepted", "accept", "rejected", "reject", "disapproved"))
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def is_good(value: Any) -> bool | None:
    """What a value says as a verdict: a boolean, 1, 0, -1, or a word like `good`; None where it says nothing.

    So does `{"value": "good"}`, as Argilla writes answers of people, and a list of verdicts that agree.
    """
    if isinstance(value, dict):
        return (
            is_good(value["value"]) if "value" in value and not isinstance(value["value"], dict | list) else None
        )
    if isinstance(value, list):
        said = {is_good(each) if not isinstance(each, list) else None for each in value[:_MOST_PEOPLE]}
        return said.pop() if len(said) == 1 else None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return True if value == 1 else False if value in (0, -1) else None
    if not isinstance(value, str):
        return None
    word = re.sub(r"[\s-]+(?=\w)(?!\d)", "_", value.strip().lower())
    return _VERDICTS.get(word)


def _said_under(word: str, value: Any) -> bool | None:
    """What a value says as a verdict under a heading."""
    if word in _DECIDED and not (isinstance(value, str) and value.strip().lower() in _DECISIONS):
        return None
    return is_good(value)


class VerdictColumn:
    """Whether a column holds verdicts: more than half of its values have to be some, and all its numbers."""

    def __init__(self, key: str) -> None:
        self._word = _word(key)
        self._polarity = _polarity(key)
        self.can_be = self._polarity is not None
        """Whether it may still hold verdicts; once no more it never does."""
        self._values = self._readable = self._numbers = 0
        self._is_all_one = True

    def add(self, value: Any) -> Verdict:
        """Count one value; what it says if the column does hold verdicts."""
        good, number = _said_under(self._word, value), _number(value)
        self._values += 1
        self._readable += good is not None
        if number is not None:
            self._numbers += 1
            self._is_all_one &= number == 1
            self.can_be &= number in (-1, 0, 1) or self._word in _CERTAIN
        return "unclear" if good is None else "good" if good == (self._polarity is not False) else "bad"

    @property
    def holds_verdicts(self) -> bool:
        """Whether the values so far are verdicts. A measure that is always 1 may be one of up to 5."""
        if not self.can_be or self._word in _CERTAIN:
            return self.can_be
        is_measure = self._word in _MEASURES and self._numbers == self._values and self._is_all_one
        return not is_measure and 2 * self._readable > self._values


def verdict_columns(records: Iterable[Any], text_columns: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of some records that hold verdicts on the answer, apart from those that become texts."""
    columns: dict[str, VerdictColumn] = {}
    for record in records:
        for key, value in speaking_cells(record, text_columns):
            columns.setdefault(key, VerdictColumn(key)).add(value)
    return tuple(key for key, column in columns.items() if column.holds_verdicts)


def speaking_cells(record: Any, without: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """The values of a record under headings that speak of verdicts, apart from some columns and empty cells."""
    for key, value in record.items() if isinstance(record, dict) else ():
        if value not in (None, "", []) and key not in without and _polarity(key) is not None:
            yield key, value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def verdict_of(record: Any, columns: Sequence[str] | None = None) -> Verdict | None:
    """What the data says of the record's answer in some columns; None where it says nothing.

    Columns that are verdicts whatever the rest of the data says count as well. Without `columns`, those whose
    headings speak of verdicts do, as far as their values can be read.
    """
    if not isinstance(record, dict):
        return None
    looked_at = verdict_columns([record]) if columns is None else {*columns, *certain_columns(record)}
    verdicts: set[Verdict] = set()
    for key in looked_at:
        if record.get(key) not in (None, "", []):
            good = _said_under(_word(key), record[key])
            verdicts.add("unclear" if good is None else "good" if good == (_polarity(key) is not False) else "bad")
    return "unclear" if len(verdicts) > 1 else next(iter(verdicts), None)


def certain_columns(record: Any) -> tuple[str, ...]:
    """The columns of a record that are verdicts whatever the rest of the data says: KTO's."""
    keys = record if isinstance(record, dict) else ()
    return tuple(
        key for key in keys if _word(key) in _CERTAIN or (_word(key) == "label" and isinstance(record[key], bool))
    )


def read_columns(record: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Those of some columns whose verdict on the answer of a record could be read."""
    return tuple(key for key in columns if key in record and _said_under(_word(key), record[key]) is not None)


def _polarity(key: Any) -> bool | None:
    """Whether yes in a column means that the answer is good; None where its heading speaks of no verdict."""
    word = _word(key)
    return True if word in VERDICT_KEYS else False if word in _REVERSED_KEYS else None


def _word(key: Any) -> str:
    return _BETWEEN_WORDS.sub("", str(key).lower().removesuffix(".responses"))
