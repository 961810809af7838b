"""Judgements of answers as preference data, which DPO trains; judged held-out prompts are never trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from curator.jobs.ledger.judgements import Judgement

_HELD_OUT = ("validation", "test")


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Preference examples, a line of JSON each: those to train on, and those of held-out prompts."""

    training: list[bytes]
    held_out: list[bytes]


def preference_pairs(judgements: Iterable[Judgement], held_out: frozenset[str] = frozenset()) -> PairFiles:
    """The pairs that judgements give. `held_out` are keys of prompts that are on a held-out side now.

    The better answer is preferred; where both are bad, the wanted answer to either. Ties and pairs that are both
    right give none. Of several judgements of the same two answers the latest counts.
    """
    latest: dict[tuple[str, frozenset[str]], Judgement] = {}
    for judgement in judgements:
        answers = frozenset((judgement.first_answer.strip(), judgement.second_answer.strip()))
        latest[judgement.prompt, answers] = judgement
    training: dict[bytes, None] = {}
    kept_apart: dict[bytes, None] = {}
    for judgement in latest.values():
        is_held_out = judgement.side in _HELD_OUT or judgement.prompt in held_out
        lines = kept_apart if is_held_out else training
        for preferred, rejected in _pairs(judgement):
            lines[_line(judgement.messages, preferred, rejected)] = None
    return PairFiles(list(training), list(kept_apart))


def _pairs(judgement: Judgement) -> list[tuple[str, str]]:
    """(preferred, rejected) answers of one judgement; an answer without words is never preferred."""
    first, second, expected = judgement.first_answer, judgement.second_answer, judgement.expected
    pairs = {
        "first": [(first, second)],
        "second": [(second, first)],
        "both_bad": [(expected, first), (expected, second)],
    }.get(judgement.verdict, [])
    return [(one, other) for one, other in pairs if one.strip() and one.strip() != other.strip()]


def _line(messages: list[dict[str, Any]], preferred: str, rejected: str) -> bytes:
    """A preference example as OpenAI's API takes it."""
    return orjson.dumps(
        {
            "input": {"messages": messages},
            "preferred_output": [{"role": "assistant", "content": preferred}],
            "non_preferred_output": [{"role": "assistant", "content": rejected}],
        }
    )
