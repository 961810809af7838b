"""Contradictions: one prompt, different answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curator.core.duplicates.groups import Pair
from curator.core.duplicates.texts import SYSTEM_ROLES, message_text, normalise, prompt_and_answer, turns
from curator.core.duplicates.union import Union


@dataclass(frozen=True, slots=True)
class Conflict:
    """`answers` are the different answers with the ids that give each, the commonest first."""

    prompt: str
    ids: tuple[int, ...]
    answers: tuple[tuple[str, tuple[int, ...]], ...]


def prompt_key(value: Any) -> tuple[str, str] | None:
    """What makes two examples ask the same: normal forms of system text and prompt; None without an answer."""
    prompt, answer = prompt_and_answer(value)
    if answer is None:
        return None
    system = "\n".join(
        message_text(m) for m in turns(value) if isinstance(m, dict) and m.get("role") in SYSTEM_ROLES
    )
    return normalise(system), normalise(prompt)


class ConflictFinder:
    """Add examples in order, then read `conflicts()`; only prompts seen twice cost more than a hash."""

    def __init__(self) -> None:
        self._by_prompt: dict[int, list[int]] = {}
        self._first: dict[int, tuple[str, str]] = {}

    def add(self, item: int, value: Any) -> None:
        """Take one example's parsed value."""
        key = prompt_key(value)
        if key is not None and key[1]:
            prompt, answer = prompt_and_answer(value)
            self._by_prompt.setdefault(hash(key), []).append(item)
            self._first[item] = (prompt, (answer or "").strip())

    def conflicts(self, near: Iterable[Pair] = ()) -> list[Conflict]:
        """Every prompt with two or more different answers, by first id; `near` pairs that contradict join in."""
        same = Union()
        for ids in self._by_prompt.values():
            for other in ids[1:]:
                same.join(ids[0], other)
        for pair in near:
            if pair.relation == "conflict" and pair.a in self._first and pair.b in self._first:
                same.join(pair.a, pair.b)
        found = [self._conflict(ids) for ids in same.sets()]
        return [conflict for conflict in found if len(conflict.answers) > 1]

    def _conflict(self, ids: list[int]) -> Conflict:
        answers: dict[str, list[int]] = {}
        for item in ids:
            answers.setdefault(self._first[item][1], []).append(item)
        ranked = sorted(answers.items(), key=lambda entry: (-len(entry[1]), entry[1][0]))
        return Conflict(self._first[ids[0]][0], tuple(ids), tuple((text, tuple(who)) for text, who in ranked))
