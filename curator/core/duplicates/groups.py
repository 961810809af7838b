"""Groups of copies: connected components of equal and verified pairs, look-alike families apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.alike import contains, ratio
from curator.core.duplicates.texts import normalise, parts, rejected
from curator.core.duplicates.union import Union

WordsOf = Callable[[int], Sequence[str]]
Relation = Literal["copy", "facts", "conflict"]
"""`facts`: the same template with other numbers, or a preference over another answer; `conflict`: one prompt,
different answers. Neither is a copy."""

Kind = Literal["exact", "normalised", "near", "family"]

SAME_PROMPT = 90.0
"""Score from which two prompts count as the same question."""
SAME_ANSWER = 60.0
"""Score below which two answers to it count as different."""

_DIGIT = re.compile(r"\d")
_LABEL_WORDS = 3
_PART = 90.0
_SAMPLE = 8
_READ = 2_000
"""Words of a text that its template is told by."""
_FEW = 4
_SLOT_SHARE = 0.6
_FAMILY_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Pair:
    """Two examples and how alike they are: 0 to 100, rapidfuzz's `ratio` of their normal forms."""

    a: int
    b: int
    score: float
    relation: Relation = "copy"
    words: int = 0
    """Words in the shorter of the two."""


@dataclass(frozen=True, slots=True)
class Group:
    """Examples that belong together, in dataset order; `exact` groups are equal by value throughout."""

    kind: Kind
    ids: tuple[int, ...]
    score: float
    """The weakest pair's score."""


def relation(a: str, b: str, form_a: str, form_b: str) -> Relation:
    """What two alike compared texts, given with their normal forms, are to each other."""
    (asked_a, answer_a), (asked_b, answer_b) = parts(a), parts(b)
    different = answer_a and answer_b and answer_a != answer_b
    if different and _answers_differ(normalise(answer_a), normalise(answer_b)):
        left, right = normalise(asked_a), normalise(asked_b)
        if ratio(left, right, SAME_PROMPT) and not numbers_differ(left, right):
            return "conflict"
    another = _answers_differ(normalise(rejected(a)), normalise(rejected(b)))
    return "facts" if another or numbers_differ(form_a, form_b) else "copy"


def _answers_differ(a: str, b: str) -> bool:
    """Labels differ by any letter; sentences when neither is like the other nor a part of it."""
    if max(len(a.split()), len(b.split())) <= _LABEL_WORDS:
        return a != b
    return not ratio(a, b, SAME_ANSWER) and not contains(a, b, _PART)


def numbers_differ(a: str, b: str) -> bool:
    """Whether each of two normal forms states a number the other lacks.

    Among other words that differ, a swap of digits is a slip of the pen like theirs.
    """
    left, right = set(a.split(" ")), set(b.split(" "))
    only_left, only_right = _numbers(left - right), _numbers(right - left)
    if not (only_left and only_right):
        return False
    slips = len(only_left) < len(left - right) and len(only_right) < len(right - left)
    return not slips or sorted("".join(only_left)) != sorted("".join(only_right))


def _numbers(words: Iterable[str]) -> list[str]:
    return [word for word in words if _DIGIT.search(word)]


def is_family(texts: Sequence[Sequence[str]]) -> bool:
    """Whether three or more word lists fill one template with different words in the same places.

    Copies of one text differ here and there; members of a family differ from each other in the same slots.
    """
    if len(texts) < 3:
        return False
    members = [words[:_READ] for words in texts[:_SAMPLE]]
    pivot = members[0]
    seen: list[set[str]] = [{word} for word in pivot]
    differences: Counter[int] = Counter()
    for other in members[1:]:
        for at, words in _replaced(pivot, other):
            differences[at] += 1
            seen[at].add(words)
    needed = len(members) if len(members) <= _FEW else max(_FEW, _SLOT_SHARE * len(members))
    slots = {at for at in differences if len(seen[at]) >= needed}
    total = sum(differences.values())
    return total > 0 and sum(differences[at] for at in slots) >= _FAMILY_SHARE * total


def _replaced(pivot: Sequence[str], other: Sequence[str]) -> Iterable[tuple[int, str]]:
    for step in Levenshtein.opcodes(pivot, other):
        if step.tag in ("replace", "delete"):
            gone = " ".join(other[step.dest_start : step.dest_end])
            for place in range(step.src_start, step.src_end):
                yield place, gone


def group(
    equal: Iterable[Sequence[int]],
    normalised: Iterable[Sequence[int]],
    pairs: Iterable[Pair],
    words_of: WordsOf,
) -> list[Group]:
    """Partition everything that has a copy into groups; each id is in one copy group at most.

    `equal` are sets of equal JSON values, `normalised` sets with one normal form, `pairs` verified near
    copies among representatives. Families come last and may touch copy groups.
    """
    same_value, copies = Union(), Union()
    scores: dict[int, float] = {}
    for ids in equal:
        for other in ids[1:]:
            same_value.join(ids[0], other)
            copies.join(ids[0], other)
    for ids in normalised:
        for other in ids[1:]:
            copies.join(ids[0], other)
    exactly = copies.copy()
    near = [pair for pair in pairs if pair.relation != "conflict"]
    for pair in near:
        if pair.relation == "copy":
            copies.join(pair.a, pair.b)
    families = _split_families(near, copies, exactly, words_of)
    for pair in near:
        root = copies.find(pair.a)
        if pair.relation == "copy" and root == copies.find(pair.b):
            scores[root] = min(scores.get(root, 100.0), pair.score)
    found = [_kind(ids, same_value, scores.get(copies.find(ids[0]))) for ids in copies.sets()]
    return found + families


def _kind(ids: list[int], same_value: Union, score: float | None) -> Group:
    if len({same_value.find(i) for i in ids}) == 1:
        return Group("exact", tuple(ids), 100.0)
    return Group("near" if score is not None else "normalised", tuple(ids), 100.0 if score is None else score)


def _split_families(pairs: list[Pair], copies: Union, exactly: Union, words_of: WordsOf) -> list[Group]:
    """Take template families out of `copies` (changed in place); return them as groups."""
    members: dict[int, list[int]] = {}
    for item in sorted({i for pair in pairs if pair.relation == "copy" for i in (pair.a, pair.b)}):
        members.setdefault(copies.find(item), []).append(item)
    torn = {
        root for root, ids in members.items() if len(ids) > 2 and is_family([words_of(i) for i in ids[:_SAMPLE]])
    }
    kin = Union()
    scores: dict[int, float] = {}
    for pair in pairs:
        if pair.relation == "facts" or copies.find(pair.a) in torn:
            kin.join(pair.a, pair.b)
    for pair in pairs:
        if pair.relation == "facts" or copies.find(pair.a) in torn:
            root = kin.find(pair.a)
            scores[root] = min(scores.get(root, 100.0), pair.score)
    if torn:
        copies.split(torn, exactly)
    return [Group("family", tuple(ids), scores[kin.find(ids[0])]) for ids in kin.sets()]
