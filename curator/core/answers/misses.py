"""Wrong answers, sorted: what kind of miss each is, by rule, and which misses are alike.

| kind | rule, the first that fits |
|---|---|
| refuses | the answer reads like a refusal, and no right answer does |
| goes_on | it begins with a right answer, which ends there, and then says more |
| rambles | it repeats itself to its end, or is 200 characters longer than thrice the longest right answer |
| form | the contract does not allow it |
| wrong | anything else: the form is right, the answer is not |

A person can say otherwise. Only a person says `wanted_wrong` (the wanted answer is the wrong one) or `also_right`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from curator.core.answers.refusal import is_refusal
from curator.core.answers.repetition import repeated_end

MissKind = Literal["form", "wrong", "goes_on", "refuses", "rambles", "wanted_wrong", "also_right"]
KINDS: tuple[MissKind, ...] = get_args(MissKind)
"""All kinds, in the order in which they are shown."""
KIND_WORDS: dict[MissKind, str] = {
    "form": "breaks the contract",
    "wrong": "right form, wrong answer",
    "goes_on": "right, then goes on talking",
    "refuses": "refuses",
    "rambles": "rambles",
    "wanted_wrong": "the wanted answer is wrong",
    "also_right": "also right",
}
_TIMES_LONGER, _CHARACTERS_MORE = 3, 200
_END_MARKS = ".,;:!?)]}\u3002\uff0c\uff01\uff1f"
_LIKE = 60.0
"""Least similarity of two prompts, 0 to 100, whose misses are alike (`rapidfuzz.fuzz.token_set_ratio`)."""
_COMPARED = 400
"""Most prompts that are compared with each other."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A wrong answer, with its prompt's position and text, and the right answers (the wanted one first)."""

    at: int
    prompt: str
    right: tuple[str, ...]
    answer: str
    kind: MissKind
    by_person: bool = False
    """Whether a person chose the kind."""


@dataclass(frozen=True, slots=True)
class MissGroup:
    """Misses that are alike, with what they have in common in words."""

    words: str
    misses: tuple[Miss, ...] = field(repr=False)


def miss_kind(answer: str, right: Sequence[str], allowed: Callable[[str], bool] | None = None) -> MissKind:
    """The kind of a wrong answer by rule. `allowed` answers whether the contract allows a text (None: no
    contract)."""
    if is_refusal(answer) and not any(map(is_refusal, right)):
        return "refuses"
    if any(_goes_on(answer, text) for text in right):
        return "goes_on"
    longest = max(map(len, right), default=0)
    if len(answer) > _TIMES_LONGER * longest + _CHARACTERS_MORE or repeated_end(answer):
        return "rambles"
    if allowed is not None and not allowed(answer):
        return "form"
    return "wrong"


def _goes_on(answer: str, right: str) -> bool:
    """Whether an answer begins with a right one, which ends there, and says more after it."""
    start, folded = right.strip().casefold(), answer.strip().casefold()
    if not start or not folded.startswith(start) or folded == start:
        return False
    rest = folded[len(start) :]
    if not rest.strip(_END_MARKS + " \t\r\n"):
        return False
    if not start[-1].isalnum() or "\n" in rest[: len(rest) - len(rest.lstrip())]:
        return True
    if rest[0] in _END_MARKS and not rest[1].isalnum():
        return True
    return len(start.split()) > 2 and not rest[0].isalnum() and rest[0] not in "'\u2019-_"


def find_misses(
    prompts: Sequence[str],
    right: Sequence[tuple[str, ...]],
    answers: Sequence[str],
    is_right: Sequence[bool],
    allowed: Callable[[str], bool] | None = None,
    kind_by_person: Callable[[int], MissKind | None] = lambda at: None,
) -> list[Miss]:
    """The misses among the answers, by position. `kind_by_person(at)` is None where nobody chose one.

    Raises ValueError for lists of different length.
    """
    misses = []
    for at, row in enumerate(zip(prompts, right, answers, is_right, strict=True)):
        prompt, right_answers, answer, good = row
        if good:
            continue
        corrected = kind_by_person(at)
        kind = corrected or miss_kind(answer, right_answers, allowed)
        misses.append(Miss(at, prompt, right_answers, answer, kind, corrected is not None))
    return misses


def count_kinds(misses: Collection[Miss]) -> dict[MissKind, int]:
    """How many misses of each kind there are; kinds without any are left out."""
    counts = Counter(miss.kind for miss in misses)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def group_misses(misses: Sequence[Miss]) -> list[MissGroup]:
    """Misses of one kind that are alike: the same answer was given, or else the prompts have words in common.

    The largest group first; a miss that is like no other is a group of one. Every miss is in exactly one group.
    """
    groups: list[MissGroup] = []
    alone: dict[MissKind, list[Miss]] = {}
    for (kind, answer), same in _by_answer(misses).items():
        if len(same) > 1 and answer:
            words = f"{len(same)} prompts answered “{_cut(same[0].answer)}”"
            groups.append(MissGroup(f"{KIND_WORDS[kind]}: {words}", tuple(same)))
        else:
            alone.setdefault(kind, []).extend(same)
    for kind, rest in alone.items():
        for alike in _with_like_prompts(rest):
            about = f"{len(alike)} prompts like “{_cut(alike[0].prompt)}”" if len(alike) > 1 else ""
            groups.append(MissGroup(f"{KIND_WORDS[kind]}: {about or _cut(alike[0].prompt)}", tuple(alike)))
    groups.sort(key=lambda group: (-len(group.misses), KINDS.index(group.misses[0].kind), group.misses[0].at))
    return groups


def _by_answer(misses: Sequence[Miss]) -> dict[tuple[MissKind, str], list[Miss]]:
    groups: dict[tuple[MissKind, str], list[Miss]] = {}
    for miss in misses:
        groups.setdefault((miss.kind, " ".join(miss.answer.casefold().split())), []).append(miss)
    return groups


def _with_like_prompts(misses: Sequence[Miss]) -> list[list[Miss]]:
    """The misses divided so that each prompt is like another one of its part."""
    from rapidfuzz import fuzz, process  # heavy

    compared, rest = misses[:_COMPARED], misses[_COMPARED:]
    texts = [miss.prompt for miss in compared]
    parts: list[list[Miss]] = []
    unplaced = dict(enumerate(compared))
    while unplaced:
        first = next(iter(unplaced))
        part, open_places = [unplaced.pop(first)], [first]
        while open_places:
            near = process.extract(
                texts[open_places.pop()],
                {at: texts[at] for at in unplaced},
                scorer=fuzz.token_set_ratio,
                score_cutoff=_LIKE,
                limit=None,
            )
            for _, _, at in near:
                part.append(unplaced.pop(at))
                open_places.append(at)
        parts.append(part)
    return parts + [[miss] for miss in rest]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
