"""Contradictions: one prompt, different answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curator.core.duplicates.texts import parts


@dataclass(frozen=True, slots=True)
class Conflict:
    """`answers` are the different answers with the ids that give each, the commonest first."""

    prompt: str
    ids: tuple[int, ...]
    answers: tuple[tuple[str, tuple[int, ...]], ...]


def conflict(ids: Sequence[int], texts: Sequence[str]) -> Conflict:
    """What examples that answer one prompt differently say; `texts` are their compared texts."""
    answers: dict[str, list[int]] = {}
    for item, text in zip(ids, texts, strict=True):
        answers.setdefault(parts(text)[1].strip(), []).append(item)
    return ranked(parts(texts[0])[0], answers)


def ranked(prompt: str, answers: Mapping[str, Sequence[int]]) -> Conflict:
    """Each answer with the ids that give it, the commonest first, of two that are as common the earlier."""
    order = sorted(answers.items(), key=lambda entry: (-len(entry[1]), min(entry[1])))
    ids = sorted(item for who in answers.values() for item in who)
    return Conflict(prompt, tuple(ids), tuple((answer, tuple(sorted(who))) for answer, who in order))
