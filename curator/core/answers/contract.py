"""The answer contract: what a trained answer may look like, a vocabulary and/or a pattern."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from curator.core.answers.emoji import meanings
from curator.core.answers.pattern import automaton

MAX_ANSWERS = 100_000
"""Most answers of a vocabulary."""
MAX_ANSWER = 1_000
"""Longest answer of a vocabulary, in characters."""
NEAR = 0.6
"""Least similarity (1 - Damerau-Levenshtein distance / longer length) of a suggestion by spelling."""
MAX_WORD = 20
"""Longest answer, in letters, of which a part is suggested: "bee" for "bumblebee"."""
PROPOSED = 0.85
"""Least share of the answers that a proposed contract covers."""
RARE = 0.02
"""Capital or small letters in so few of the answers are slips, and not part of the pattern that is proposed."""
ENOUGH = 10
"""Answers needed before anything is proposed."""

_INVISIBLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]"
)
_WORD = re.compile(r"\w+")
_CASES = ("a-z", "A-Z")
_CLASSES = (*_CASES, "0-9", "_", "-")


@dataclass(frozen=True, slots=True, repr=False)
class Contract:
    """An answer keeps the contract if it is in `vocabulary` (None: any) and fits `pattern` (None: any).

    Raises ValueError where the pattern cannot be used (curator.core.answers.pattern) or the vocabulary is too big.
    """

    vocabulary: frozenset[str] | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            automaton(self.pattern)
        if self.vocabulary is not None:
            if not 0 < len(self.vocabulary) <= MAX_ANSWERS:
                raise ValueError(f"a vocabulary has 1 to {MAX_ANSWERS:,} answers, not {len(self.vocabulary):,}")
            if max(map(len, self.vocabulary)) > MAX_ANSWER:
                raise ValueError(f"an answer of the vocabulary is longer than {MAX_ANSWER:,} characters")

    def __repr__(self) -> str:
        """The same text in every process, which that of a set is not: results are stored under it."""
        return f"Contract({json.dumps(self.to_json())})"

    def keeps(self, text: str) -> bool:
        """Whether the answer keeps the contract."""
        if self.vocabulary is not None and text not in self.vocabulary:
            return False
        return self.pattern is None or automaton(self.pattern).matches(text)

    def violations(self, text: str) -> str | None:
        """What is wrong with an answer in one sentence without a full stop; None where nothing is."""
        if self.keeps(text):
            return None
        shown = f"'{text}'" if len(text) <= 40 else f"'{text[:39]}…'"
        if self.keeps(bare := tidy(text)):
            return f"{shown} has blanks or hidden characters; '{bare}' is meant"
        if self.vocabulary is not None and text not in self.vocabulary:
            return f"{shown} is not one of the {len(self.vocabulary):,} allowed answers"
        return f"{shown} does not fit the pattern {self.pattern}"

    def suggest(self, text: str, limit: int = 5) -> list[str]:
        """Allowed answers that `text` may have meant, best first: the same but for blanks, case and
        brackets; one that stands inside it; what its emoji mean; what is spelt nearly so; part of its word."""
        found = dict.fromkeys(answer for answer in self._readings(text) if self.keeps(answer))
        if self.vocabulary is not None and len(found) < limit:
            keys, word = _keys(self.vocabulary), key(text)[:MAX_ANSWER]
            near = process.extract(
                word,
                list(keys),
                scorer=DamerauLevenshtein.normalized_similarity,
                score_cutoff=NEAR,
                limit=limit * 2,
            )
            near.sort(key=lambda match: (-match[1], match[0]))
            likely = [match[0] for match in near]
            if len(word) <= MAX_WORD:
                likely += sorted((part for part in keys if len(part) > 2 and part in word), key=len, reverse=True)
            found |= dict.fromkeys(answer for part in likely for answer in keys[part] if self.keeps(answer))
        found.pop(text, None)
        return list(found)[:limit]

    def complete(self, prefix: str, limit: int = 20) -> list[str]:
        """Answers of the vocabulary that begin with `prefix`, brackets and case left aside, in order."""
        if self.vocabulary is None:
            return []
        exact = prefix.casefold()
        start = key(prefix) if any(map(str.isalnum, prefix)) else ""
        return [
            answer
            for answer in _ordered(self.vocabulary)
            if answer.casefold().startswith(exact) or (start and key(answer).startswith(start))
        ][:limit]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object: `vocabulary` (sorted list or null) and `pattern` (text or null)."""
        words = None if self.vocabulary is None else sorted(self.vocabulary)
        return {"vocabulary": words, "pattern": self.pattern}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Contract:
        """The inverse of `to_json`. Raises ValueError where `value` is no such object."""
        words, pattern = value.get("vocabulary"), value.get("pattern")
        if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            raise ValueError("the vocabulary of an answer contract is a list of texts")
        if pattern is not None and not isinstance(pattern, str):
            raise ValueError("the pattern of an answer contract is a text")
        return cls(None if words is None else frozenset(words), pattern)

    def _readings(self, text: str) -> Iterable[str]:
        """Other ways to read `text`, likely ones first; not all of them are allowed answers."""
        bare = tidy(text)
        yield bare
        yield bare.casefold()
        for chunk in bare[:MAX_ANSWER].split():
            yield chunk.strip(",.;:!?\"'")
        words = [key(bare), *(word.casefold() for word in _WORD.findall(bare[:MAX_ANSWER])), *meanings(text)]
        known = {} if self.vocabulary is None else _keys(self.vocabulary)
        for word in words:
            if self.vocabulary is None:
                yield from (f"({word})", word)
            yield from known.get(word, ())


def tidy(text: str) -> str:
    """`text` without the characters that cannot be seen and without blanks around it."""
    return _INVISIBLE.sub("", text).strip()


def key(text: str) -> str:
    """The letters and digits of `text` in lower case: `(Tired)` and `:tired:` are both `tired`; the text
    itself where it has none."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def vocabulary(text: str) -> frozenset[str]:
    """The answers listed in a file: a JSON list of texts, or one a line (blank lines do not count).

    Raises ValueError where there are none, or where the JSON is no list of texts.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("["):
        try:
            words = json.loads(text.lstrip("\ufeff"))
        except ValueError as error:
            raise ValueError(f"the list of answers is not valid JSON: {error}") from None
        if not all(isinstance(word, str) for word in words):
            raise ValueError("the list of answers holds something that is no text")
    else:
        words = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    found = frozenset(filter(None, words))
    if not found:
        raise ValueError("the list of answers is empty")
    return found


class Proposal(NamedTuple):
    """A contract that most of the data keeps already: `covered` of `total` answers do."""

    contract: Contract
    covered: int
    total: int
    sentence: str
    """For people: "97 % of answers look like (word)"."""

    @property
    def share(self) -> float:
        """Part of the answers that keep the contract, 0 to 1."""
        return self.covered / self.total


def propose(answers: Iterable[str]) -> Proposal | None:
    """The contract that the data suggests: a vocabulary where few different answers come again and again,
    else a pattern that most of them share; None where the answers are free text or fewer than `ENOUGH`."""
    counts = Counter(answers)
    total = counts.total()
    if total < ENOUGH:
        return None
    return _few_answers(counts, total) or _one_shape(counts, total)


def _few_answers(counts: Counter[str], total: int) -> Proposal | None:
    again = {answer: count for answer, count in counts.items() if count > 1 and answer == tidy(answer) != ""}
    covered = sum(again.values())
    if not again or covered < PROPOSED * total or len(again) > total / 10 or max(map(len, again)) > MAX_ANSWER:
        return None
    sentence = f"{percent(covered, total)} of answers are one of {len(again)}"
    return Proposal(Contract(vocabulary=frozenset(again)), covered, total, sentence)


def _one_shape(counts: Counter[str], total: int) -> Proposal | None:
    shapes: Counter[str] = Counter()
    for answer, count in counts.items():
        shapes[_shape(answer)] += count
    shape, share = shapes.most_common(1)[0]
    if not shape or (shape == "word" and len(counts) == total):
        return None
    used: Counter[str] = Counter()
    for answer, count in counts.items():
        if _shape(answer) == shape:
            used.update({name: count for name in _CLASSES if re.search(f"[{name}]", answer)})
    inside = "".join(name for name in _CLASSES if used[name] > (RARE * share if name in _CASES else 0))
    pattern = re.escape(shape).replace("word", f"[{inside}]+")
    covered = sum(count for answer, count in counts.items() if re.fullmatch(pattern, answer))
    if covered < PROPOSED * total:
        return None
    sentence = f"{percent(covered, total)} of answers look like {shape}"
    return Proposal(Contract(pattern=pattern), covered, total, sentence)


def _shape(answer: str) -> str:
    """`answer` with its one word of ASCII letters, digits, `_` and `-` replaced by "word", else ""."""
    found = re.fullmatch(r"([^\w\s-]{0,3})[A-Za-z0-9_-]+([^\w\s-]{0,3})", answer)
    return f"{found[1]}word{found[2]}" if found else ""


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in words; never "100 %" or "0 %" where that is not quite so."""
    share = round(100 * part / whole) if whole else 0
    if part and not share:
        return "less than 1 %"
    return "99 %" if share == 100 and part < whole else f"{share} %"


@lru_cache(maxsize=4)
def _keys(words: frozenset[str]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for word in sorted(words):
        keys.setdefault(key(word), []).append(word)
    return keys


@lru_cache(maxsize=4)
def _ordered(words: frozenset[str]) -> list[str]:
    return sorted(words, key=lambda word: (key(word), word))
