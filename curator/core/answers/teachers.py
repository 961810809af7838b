"""Which training examples may explain a wrong answer: those that teach it, contradictions, the nearest prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

_NEAR = 88.0
"""Least similarity, 0 to 100, of prompts that ask the same (`rapidfuzz.fuzz.token_sort_ratio`)."""

Reason = Literal["teaches", "contradicts", "near"]
REASON_WORDS: dict[Reason, str] = {
    "teaches": "teaches the answer that was given",
    "contradicts": "asks the same and wants another answer",
    "near": "is one of the nearest prompts",
}


class Taught(NamedTuple):
    """A training example: its id, the text of its prompt, the answer that it teaches."""

    example: int
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Teacher:
    """A training example that may explain a miss; `likeness` of the prompts is 0 to 1."""

    example: int
    prompt: str
    answer: str
    reason: Reason
    likeness: float


def find_teachers(
    prompt: str, answer: str, right: Sequence[str], training: Iterable[Taught], limit: int = 5
) -> list[Teacher]:
    """The training examples that may explain why a model gave an answer where one of `right` is wanted.

    First those that teach the answer given, the nearest prompts first; then those that ask the same as the prompt
    and want something that is not right; then the nearest prompts. At most `limit` of each, none twice.
    """
    from rapidfuzz import fuzz, process  # heavy

    rows = list(training)
    answer_key, right_keys = _key(answer), {_key(text) for text in right}
    if not rows:
        return []
    scores: Any = process.cdist([prompt], [row.prompt for row in rows], scorer=fuzz.token_set_ratio)[0]
    nearest_first: list[int] = (-scores).argsort(kind="stable").tolist()

    def teacher(at: int, reason: Reason) -> Teacher:
        row = rows[at]
        return Teacher(row.example, row.prompt, row.answer, reason, round(float(scores[at]) / 100, 3))

    teachers: dict[int, Teacher] = {}
    if answer_key and answer_key not in right_keys:
        teaching = (at for at in nearest_first if _key(rows[at].answer) == answer_key)
        teachers |= {at: teacher(at, "teaches") for at in islice(teaching, limit)}
    contradicting = [
        at
        for at in nearest_first[: 20 * limit]
        if at not in teachers
        and _key(rows[at].answer) not in right_keys
        and fuzz.token_sort_ratio(prompt, rows[at].prompt) >= _NEAR
    ]
    teachers |= {at: teacher(at, "contradicts") for at in contradicting[:limit]}
    nearest = [at for at in nearest_first[: 3 * limit] if at not in teachers]
    teachers |= {at: teacher(at, "near") for at in nearest[:limit]}
    return list(teachers.values())


def _key(answer: str) -> str:
    return " ".join(answer.casefold().split())
