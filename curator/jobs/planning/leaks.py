"""Copies of held-out examples among those that are to be trained: with them a score says nothing."""

from __future__ import annotations

from collections.abc import Sequence

from curator.core.duplicates.texts import compared_text, normalise
from curator.core.example import parse
from curator.core.text import count_of
from curator.jobs.planning.training_data import TrainingExamples

MOST_NEAR = 30_000
"""Up to this many examples on all sides, near copies are searched too; above it only copies in the same words."""
_NAMED = 5
"""Most copies that a sentence names."""


def leaking_keys(training: TrainingExamples, held_out: Sequence[bytes]) -> list[int]:
    """The keys (lines or ids) of training examples that are copies or near copies of held-out ones."""
    from curator.workspace.duplicates.twins import find_twins  # heavy

    if not held_out:
        return []
    mine = dict(zip(training.keys, training.raws, strict=True))
    if len(training.raws) + len(held_out) > MOST_NEAR:
        forms = {_form(raw) for raw in held_out} - {""}
        mine = {key: raw for key, raw in mine.items() if _form(raw) in forms}
    return sorted(find_twins(mine, dict(enumerate(held_out, 1))))


def leak_words(keys: Sequence[int], noun: str) -> str:
    """The sentence that blocks a training because of these leaks."""
    named = ", ".join(str(key) for key in keys[:_NAMED]) + (", …" if len(keys) > _NAMED else "")
    one = len(keys) == 1
    who = f"1 training example is a copy or near copy of a held-out one ({noun} {named})"
    if not one:
        who = (
            f"{count_of(len(keys), 'training example copies', 'training examples copy')} "
            f"held-out ones, exactly or nearly ({noun}s {named})"
        )
    return f"{who}: scores would be too good. Divide the data again, or take {'it' if one else 'them'} out."


def _form(raw: bytes) -> str:
    return normalise(compared_text(parse(raw).value))
