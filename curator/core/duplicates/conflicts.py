"""Conflicts: examples with the same prompt and different answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curator.core.duplicates.texts import question_and_answer


@dataclass(frozen=True, slots=True)
class Conflict:
    """Examples that answer one prompt differently."""

    prompt: str
    ids: tuple[int, ...]
    """All of them, ascending."""
    answers: tuple[tuple[str, tuple[int, ...]], ...]
    """Each different answer with the ids that give it, the commonest first."""


def make_conflict(ids: Sequence[int], texts: Sequence[str]) -> Conflict:
    """The conflict of examples with one prompt, from their ids and their compared texts."""
    answers: dict[str, list[int]] = {}
    for item, text in zip(ids, texts, strict=True):
        answers.setdefault(question_and_answer(text)[1].rstrip(), []).append(item)
    return rank_answers(question_and_answer(texts[0])[0], answers)


def rank_answers(prompt: str, answers: Mapping[str, Sequence[int]]) -> Conflict:
    """A conflict with its answers sorted: the commonest first, then the one with the smallest id."""
    order = sorted(answers.items(), key=lambda entry: (-len(entry[1]), min(entry[1])))
    ids = sorted(item for who in answers.values() for item in who)
    return Conflict(prompt, tuple(ids), tuple((answer, tuple(sorted(who))) for answer, who in order))
