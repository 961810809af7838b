"""Groups of copies: connected components of equal rows and verified pairs; template families are kept apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.alike import contains, ratio
from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.texts import normalise, question_and_answer, rejected_answer

WordsOf = Callable[[int], Sequence[str]]
Relation = Literal["copy", "facts", "conflict"]
"""How two similar examples relate. `facts`: one template with different numbers, or a preference pair with another
rejected answer; `conflict`: one prompt with different answers. Neither of these is a copy."""

Kind = Literal["exact", "normalised", "near", "family"]

SAME_PROMPT = 90.0
"""Score from which two prompts count as the same question."""
SAME_ANSWER = 60.0
"""Score below which two answers to it count as different."""

_DIGIT = re.compile(r"\d")
_LABEL_WORDS = 3
"""Answers of at most so many words are labels: any difference counts."""
_PART = 90.0
"""Score from which an answer counts as a part of another."""
_SAMPLE = 8
"""Members of a group that are compared to decide whether it is a template family."""
_READ = 2_000
"""Words at the start of each text that are compared for this."""
_FEW = 4
"""In a sample of at most so many members all must differ in a slot."""
_SLOT_SHARE = 0.6
"""Share of the members of a larger sample that must differ in a slot."""
_FAMILY_SHARE = 0.7
"""Share of all differences that must lie in slots."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows and the similarity of their normal forms: 0 to 100 (rapidfuzz's `ratio`)."""

    a: int
    b: int
    score: float
    relation: Relation = "copy"
    words: int = 0
    """Words in the shorter of the two."""


@dataclass(frozen=True, slots=True)
class Group:
    """Copies of one example, or a template family, in dataset order; all members of an `exact` group are equal."""

    kind: Kind
    ids: tuple[int, ...]
    score: float
    """The lowest score of a pair in it; 100 without verified pairs."""


def relation_of(a: str, b: str, form_a: str, form_b: str) -> Relation:
    """How two similar examples relate, from their compared texts and the normal forms of these."""
    (question_a, answer_a), (question_b, answer_b) = question_and_answer(a), question_and_answer(b)
    different = answer_a and answer_b and answer_a != answer_b
    if different and _answers_differ(normalise(answer_a), normalise(answer_b)):
        prompt_a, prompt_b = normalise(question_a), normalise(question_b)
        if ratio(prompt_a, prompt_b, SAME_PROMPT) and not numbers_differ(prompt_a, prompt_b):
            return "conflict"
    rejected_differ = _answers_differ(normalise(rejected_answer(a)), normalise(rejected_answer(b)))
    return "facts" if rejected_differ or numbers_differ(form_a, form_b) else "copy"


def _answers_differ(a: str, b: str) -> bool:
    """Whether two normalised answers differ: labels in any character, longer ones if neither resembles the other
    nor is a part of it."""
    if max(len(a.split()), len(b.split())) <= _LABEL_WORDS:
        return a != b
    return not ratio(a, b, SAME_ANSWER) and not contains(a, b, _PART)


def numbers_differ(a: str, b: str) -> bool:
    """Whether each of two normal forms contains a number that the other lacks.

    Where other words differ too, numbers that only swap digits count as a typing error, not as a difference.
    """
    words_a, words_b = set(a.split(" ")), set(b.split(" "))
    numbers_a, numbers_b = _numbers(words_a - words_b), _numbers(words_b - words_a)
    if not (numbers_a and numbers_b):
        return False
    slips = len(numbers_a) < len(words_a - words_b) and len(numbers_b) < len(words_b - words_a)
    return not slips or sorted("".join(numbers_a)) != sorted("".join(numbers_b))


def _numbers(words: Iterable[str]) -> list[str]:
    return [word for word in words if _DIGIT.search(word)]


def is_family(texts: Sequence[Sequence[str]]) -> bool:
    """Whether three or more texts (lists of words) fill one template with different words in the same slots.

    Copies of one text differ in places of their own; the members of a family differ in the same places.
    """
    if len(texts) < 3:
        return False
    members = [words[:_READ] for words in texts[:_SAMPLE]]
    pivot = members[0]
    fillings: list[set[str]] = [{word} for word in pivot]
    differences: Counter[int] = Counter()
    for other in members[1:]:
        for at, words in _replacements(pivot, other):
            differences[at] += 1
            fillings[at].add(words)
    needed = len(members) if len(members) <= _FEW else max(_FEW, _SLOT_SHARE * len(members))
    slots = {at for at in differences if len(fillings[at]) >= needed}
    total = sum(differences.values())
    return total > 0 and sum(differences[at] for at in slots) >= _FAMILY_SHARE * total


def _replacements(pivot: Sequence[str], other: Sequence[str]) -> Iterable[tuple[int, str]]:
    """Each position of `pivot` that `other` replaces or leaves out, with the words that `other` has there."""
    for step in Levenshtein.opcodes(pivot, other):
        if step.tag in ("replace", "delete"):
            replacement = " ".join(other[step.dest_start : step.dest_end])
            for position in range(step.src_start, step.src_end):
                yield position, replacement


def group(
    equal: Iterable[Sequence[int]],
    normalised: Iterable[Sequence[int]],
    pairs: Iterable[Pair],
    words_of: WordsOf,
) -> list[Group]:
    """The groups of all rows that have a copy; each row is in at most one group of copies.

    `equal` are sets of equal JSON values, `normalised` sets with one normal form, `pairs` the verified pairs of
    their representatives. Template families come last; their members may also be in a group of copies.
    """
    same_value, copies = DisjointSets(), DisjointSets()
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
    groups = [_group_of(ids, same_value, scores.get(copies.find(ids[0]))) for ids in copies.sets()]
    return groups + families


def _group_of(ids: list[int], same_value: DisjointSets, score: float | None) -> Group:
    if len({same_value.find(i) for i in ids}) == 1:
        return Group("exact", tuple(ids), 100.0)
    return Group("near" if score is not None else "normalised", tuple(ids), 100.0 if score is None else score)


def _split_families(
    pairs: list[Pair], copies: DisjointSets, exactly: DisjointSets, words_of: WordsOf
) -> list[Group]:
    """Take template families out of `copies` (changed in place) and return them as groups.

    What was taken for one group of copies falls back into the sets of `exactly` (equal values and normal forms).
    """
    members: dict[int, list[int]] = {}
    for item in sorted({i for pair in pairs if pair.relation == "copy" for i in (pair.a, pair.b)}):
        members.setdefault(copies.find(item), []).append(item)
    torn = {
        root for root, ids in members.items() if len(ids) > 2 and is_family([words_of(i) for i in ids[:_SAMPLE]])
    }
    kin = DisjointSets()
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
