"""What the ledger's answers say of rounds on one set of prompts: kinds of misses, and the luck of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from curator.core.answers.contract import Contract
from curator.core.answers.misses import KINDS, MissKind, count_kinds, find_misses
from curator.core.scores.flattery import MANY_ROUNDS, Flattery, measure_flattery
from curator.core.scores.metrics import exact_match
from curator.jobs.ledger.answer_facts import MISS_KIND, AnswerKey, text_hash
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.rounds.comparing import RightById


@dataclass(frozen=True)
class StoredPrompt:
    """A prompt of a frozen set: the key of its question, its example's id, its text, the right answers."""

    key: str
    line: int
    text: str
    right: tuple[str, ...]

    def accepts(self, answer: str) -> bool:
        """Whether an answer is one of the right ones."""
        return any(exact_match(right, answer) == 1 for right in self.right)


def read_prompts(ledger: Ledger, yardstick: str, also_right: RightById) -> list[StoredPrompt]:
    """The prompts of a frozen set; rows of another shape are left out, and an unknown set is empty."""
    stored = ledger.yardstick(yardstick)
    rows = (_prompt(row, also_right) for row in (stored[1] if stored else ()))
    return [prompt for prompt in rows if prompt is not None]


def _prompt(row: Any, also_right: RightById) -> StoredPrompt | None:
    names = ("key", "line", "text", "expected")
    key, line, text, expected = (row.get(name) if isinstance(row, dict) else None for name in names)
    if not isinstance(key, str) or not isinstance(expected, str):
        return None
    number = line if isinstance(line, int) else 0
    return StoredPrompt(
        key, number, text if isinstance(text, str) else "", (expected, *also_right.get(number, ()))
    )


def count_round_misses(
    ledger: Ledger, model: str, yardstick: str, contract: Contract | None, also_right: RightById
) -> dict[MissKind, int] | None:
    """How many misses of each kind a model has on a frozen set; None where it did not answer all of it."""
    prompts = read_prompts(ledger, yardstick, also_right)
    answers = _answers(ledger, model, prompts)
    if answers is None:
        return None
    facts = ledger.facts(MISS_KIND, model)

    def kind_by_person(at: int) -> MissKind | None:
        kind = facts.get(AnswerKey(model, prompts[at].key, text_hash(answers[at])), {}).get("kind")
        return cast("MissKind", kind) if kind in KINDS else None

    rights = [prompt.accepts(answer) for prompt, answer in zip(prompts, answers, strict=True)]
    texts, right = [prompt.text for prompt in prompts], [prompt.right for prompt in prompts]
    allowed = contract.allows if contract else None
    return count_kinds(find_misses(texts, right, answers, rights, allowed, kind_by_person))


def flattery_of_rounds(
    ledger: Ledger, models: Sequence[str], yardstick: str, also_right: RightById
) -> Flattery | None:
    """How far the best of some rounds' models is flattered on a frozen set, by exact match.

    None where fewer than `MANY_ROUNDS` of them answered all of it.
    """
    prompts = read_prompts(ledger, yardstick, also_right)
    rows = (_answers(ledger, model, prompts) for model in dict.fromkeys(models))
    scores = [
        [float(prompt.accepts(answer)) for prompt, answer in zip(prompts, answers, strict=True)]
        for answers in rows
        if answers is not None
    ]
    return measure_flattery(scores) if len(scores) >= MANY_ROUNDS else None


def _answers(ledger: Ledger, model: str, prompts: Sequence[StoredPrompt]) -> list[str] | None:
    """A model's answers to all prompts; None where one is missing."""
    stored = ledger.answers(model, [prompt.key for prompt in prompts])
    texts = [stored.get(prompt.key, {}).get("answer") for prompt in prompts]
    return [str(text) for text in texts] if texts and all(isinstance(text, str) for text in texts) else None
