"""What the ledger's answers say of rounds on one set of prompts: kinds of misses, and the luck of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from curator.core.answers.contract import Contract
from curator.core.answers.misses import KINDS, MissKind, count_kinds, find_misses
from curator.core.scores.flattery import MANY_ROUNDS, Flattery, measure_flattery
from curator.core.scores.metrics import exact_match
from curator.jobs.ledger.answer_facts import MISS_KIND, AnswerKey, text_hash
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.rounds.comparing import RightById
from curator.jobs.rounds.kept import keep, terms


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
    """How many misses of each kind a model has on a frozen set; None where it did not answer all of it. They are
    counted once, until an answer or a person's word on one changes."""
    by_person = sorted((*key, value) for key, value in ledger.facts(MISS_KIND, model).items())

    def work_out() -> dict[str, Any]:
        return {"kinds": _count_misses(ledger, model, yardstick, contract, also_right)}

    depends_on = [yardstick, by_person, terms(contract, also_right)]
    kinds = keep(ledger, "misses", [model], depends_on, work_out).get("kinds")
    if kinds is not None and not isinstance(kinds, dict):  # what no Curator writes
        kinds = _count_misses(ledger, model, yardstick, contract, also_right)
    return kinds and {kind: kinds[kind] for kind in KINDS if type(kinds.get(kind)) is int}


def _count_misses(
    ledger: Ledger, model: str, yardstick: str, contract: Contract | None, also_right: RightById
) -> dict[MissKind, int] | None:
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
    """How far the best of some rounds' models is flattered on a frozen set, by exact match; measured once.

    None where fewer than `MANY_ROUNDS` of them answered all of it.
    """

    def work_out() -> dict[str, Any]:
        flattery = _measure_flattery(ledger, models, yardstick, also_right)
        return {} if flattery is None else asdict(flattery)

    kept = keep(ledger, "flattery", list(dict.fromkeys(models)), [yardstick, terms(None, also_right)], work_out)
    try:
        return Flattery(**kept) if kept else None
    except TypeError:  # what no Curator writes
        return _measure_flattery(ledger, models, yardstick, also_right)


def _measure_flattery(
    ledger: Ledger, models: Sequence[str], yardstick: str, also_right: RightById
) -> Flattery | None:
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
