"""The answer contract: which answers training data may give, as a vocabulary, a pattern, or both."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from curator.core.answers.emoji import meanings
from curator.core.answers.pattern import automaton
from curator.core.text import count_of

MAX_ANSWERS = 100_000
"""Most answers of a vocabulary."""
MAX_ANSWER = 1_000
"""Longest answer of a vocabulary, in characters."""
NEAR = 0.6
"""Least similarity (1 - Damerau-Levenshtein distance / longer length) of a suggestion by spelling."""
MAX_WORD = 20
"""Longest answer, in characters, for which allowed answers inside it are suggested: "bee" for "bumblebee"."""
PROPOSED = 0.85
"""Least share of the answers that a proposed contract covers."""
RARE = 0.02
"""Upper or lower case letters that occur in at most this share of the answers are left out of a proposed
pattern."""
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
    """Allows an answer that is in `vocabulary` (None: any) and matches `pattern` (None: any).

    Raises ValueError where the pattern is not supported (`pattern.automaton`) or the vocabulary is empty or
    too large.
    """

    vocabulary: frozenset[str] | None = None
    pattern: str | None = None
    only_with_system: bool = False
    """Whether examples without a system prompt, as those of rehearsal, may answer anything."""

    def __post_init__(self) -> None:
        if self.pattern is not None:
            automaton(self.pattern)
        if self.vocabulary is not None:
            if not 0 < len(self.vocabulary) <= MAX_ANSWERS:
                raise ValueError(f"a vocabulary has 1 to {MAX_ANSWERS:,} answers, not {len(self.vocabulary):,}")
            if max(map(len, self.vocabulary)) > MAX_ANSWER:
                raise ValueError(f"an answer of the vocabulary is longer than {MAX_ANSWER:,} characters")

    def __repr__(self) -> str:
        """A text that is equal in every process (unlike that of a set): stored results are keyed by it."""
        return f"Contract({json.dumps(self.to_json())})"

    @property
    def words(self) -> str:
        """What it asks for: `265 allowed answers`, `pattern …`, or both; `any answer` for neither."""
        vocabulary = "" if self.vocabulary is None else count_of(len(self.vocabulary), "allowed answer")
        pattern = "" if self.pattern is None else f"pattern {self.pattern}"
        where = "where there is a system prompt" if self.only_with_system else ""
        return ", ".join(filter(None, (vocabulary, pattern, where))) or "any answer"

    def allows(self, text: str) -> bool:
        """Whether the contract allows an answer."""
        if self.vocabulary is not None and text not in self.vocabulary:
            return False
        return self.pattern is None or automaton(self.pattern).matches(text)

    def violations(self, text: str) -> str | None:
        """Why an answer is not allowed, in one sentence without a full stop; None where it is allowed."""
        if self.allows(text):
            return None
        quoted = f"'{text}'" if len(text) <= 40 else f"'{text[:39]}…'"
        if self.allows(cleaned := tidy(text)):
            return f"{quoted} has blanks or hidden characters; '{cleaned}' is meant"
        if self.vocabulary is not None and text not in self.vocabulary:
            return f"{quoted} is not one of the {len(self.vocabulary):,} allowed answers"
        return f"{quoted} does not fit the pattern {self.pattern}"

    def suggest(self, text: str, limit: int = 5) -> list[str]:
        """Allowed answers that `text` may stand for, the best first.

        In this order: equal but for blanks, case and brackets; a word of it; the meaning of its emoji; a similar
        spelling; a part of it.
        """
        suggestions = dict.fromkeys(answer for answer in self._interpretations(text) if self.allows(answer))
        if self.vocabulary is not None and len(suggestions) < limit:
            from rapidfuzz import process  # heavy: a program that starts suggests nothing
            from rapidfuzz.distance import DamerauLevenshtein

            answers_by_key, word = _answers_by_key(self.vocabulary), comparison_key(text)[:MAX_ANSWER]
            similar = process.extract(
                word,
                list(answers_by_key),
                scorer=DamerauLevenshtein.normalized_similarity,
                score_cutoff=NEAR,
                limit=limit * 2,
            )
            similar.sort(key=lambda match: (-match[1], match[0]))
            similar_keys = [match[0] for match in similar]
            if len(word) <= MAX_WORD:
                similar_keys += sorted(
                    (part for part in answers_by_key if len(part) > 2 and part in word), key=len, reverse=True
                )
            suggestions |= dict.fromkeys(
                answer for part in similar_keys for answer in answers_by_key[part] if self.allows(answer)
            )
        suggestions.pop(text, None)
        return list(suggestions)[:limit]

    def complete(self, prefix: str, limit: int = 20) -> list[str]:
        """Answers of the vocabulary that begin with `prefix`, ignoring brackets and case, in order."""
        if self.vocabulary is None:
            return []
        exact = prefix.casefold()
        start = comparison_key(prefix) if any(map(str.isalnum, prefix)) else ""
        return [
            answer
            for answer in _sorted_by_key(self.vocabulary)
            if answer.casefold().startswith(exact) or (start and comparison_key(answer).startswith(start))
        ][:limit]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object: `vocabulary` (sorted list or null), `pattern` (text or null), `only_with_system`."""
        words = None if self.vocabulary is None else sorted(self.vocabulary)
        where = {"only_with_system": True} if self.only_with_system else {}
        return {"vocabulary": words, "pattern": self.pattern, **where}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Contract:
        """The contract that `to_json` wrote. Raises ValueError where `value` is no such object."""
        words, pattern = value.get("vocabulary"), value.get("pattern")
        if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            raise ValueError("the vocabulary of an answer contract is a list of texts")
        if pattern is not None and not isinstance(pattern, str):
            raise ValueError("the pattern of an answer contract is a text")
        where = value.get("only_with_system") is True
        return cls(None if words is None else frozenset(words), pattern, where)

    def _interpretations(self, text: str) -> Iterable[str]:
        """Answers that `text` may stand for, the likeliest first; not all of them are allowed."""
        cleaned = tidy(text)
        yield cleaned
        yield cleaned.casefold()
        for chunk in cleaned[:MAX_ANSWER].split():
            yield chunk.strip(",.;:!?\"'")
        words = [
            comparison_key(cleaned),
            *(word.casefold() for word in _WORD.findall(cleaned[:MAX_ANSWER])),
            *meanings(text),
        ]
        answers_by_key = {} if self.vocabulary is None else _answers_by_key(self.vocabulary)
        for word in words:
            if self.vocabulary is None:
                yield from (f"({word})", word)
            yield from answers_by_key.get(word, ())


def tidy(text: str) -> str:
    """`text` without invisible characters and without surrounding blanks."""
    return _INVISIBLE.sub("", text).strip()


def comparison_key(text: str) -> str:
    """The letters and digits of `text` in lower case, so that `(Tired)` and `:tired:` are equal; `text` itself
    where it has none."""
    return "".join(filter(str.isalnum, text.casefold())) or text


def parse_vocabulary(text: str) -> frozenset[str]:
    """The vocabulary in the text of a file: a JSON list of strings, or one answer per line; blank lines are
    ignored.

    Raises ValueError where it holds no answers, or the JSON is no list of strings.
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
    answers = frozenset(filter(None, words))
    if not answers:
        raise ValueError("the list of answers is empty")
    return answers


class ContractOffer(NamedTuple):
    """A contract that already allows most answers of a dataset: `covered` of `total`."""

    contract: Contract
    covered: int
    total: int
    sentence: str
    """For people: "97 % of answers look like (word)"."""

    @property
    def share(self) -> float:
        """The share of answers that it allows, 0 to 1."""
        return self.covered / self.total


def propose(answers: Iterable[str]) -> ContractOffer | None:
    """The contract that the data suggests: a vocabulary if few different answers repeat, else a pattern that most
    answers match; None for free text, or fewer than `ENOUGH` answers."""
    counts = Counter(answers)
    total = counts.total()
    if total < ENOUGH:
        return None
    return _propose_vocabulary(counts, total) or _propose_pattern(counts, total)


def _propose_vocabulary(counts: Counter[str], total: int) -> ContractOffer | None:
    repeated = {answer: count for answer, count in counts.items() if count > 1 and answer == tidy(answer) != ""}
    covered = sum(repeated.values())
    if (
        not repeated
        or covered < PROPOSED * total
        or len(repeated) > total / 10
        or max(map(len, repeated)) > MAX_ANSWER
    ):
        return None
    sentence = f"{percent(covered, total)} of answers are one of {len(repeated)}"
    return ContractOffer(Contract(vocabulary=frozenset(repeated)), covered, total, sentence)


def _propose_pattern(counts: Counter[str], total: int) -> ContractOffer | None:
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
    return ContractOffer(Contract(pattern=pattern), covered, total, sentence)


def _shape(answer: str) -> str:
    """`answer` with its only word (ASCII letters, digits, `_`, `-`) replaced by "word"; "" where it is no such
    word with up to three signs on either side."""
    match = re.fullmatch(r"([^\w\s-]{0,3})[A-Za-z0-9_-]+([^\w\s-]{0,3})", answer)
    return f"{match[1]}word{match[2]}" if match else ""


def percent(part: int, whole: int) -> str:
    """`part` of `whole` as a percentage; "100 %" and "0 %" only where that is exact."""
    share = round(100 * part / whole) if whole else 0
    if part and not share:
        return "less than 1 %"
    return "99 %" if share == 100 and part < whole else f"{share} %"


@lru_cache(maxsize=4)
def _answers_by_key(words: frozenset[str]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for word in sorted(words):
        keys.setdefault(comparison_key(word), []).append(word)
    return keys


@lru_cache(maxsize=4)
def _sorted_by_key(words: frozenset[str]) -> list[str]:
    return sorted(words, key=lambda word: (comparison_key(word), word))
