"""The wrong answers of a row of an evaluation, with the kinds that a person chose for them."""

from __future__ import annotations

from typing import cast

from curator.core.answers.misses import KINDS, Miss, MissKind, find_misses
from curator.errors import UsageError
from curator.jobs.ledger.answer_facts import MISS_KIND, AnswerKey, text_hash
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Prompt, message_key
from curator.jobs.runs.evaluation import Evaluation, ScoredModel, right_answers


def misses_of(result: Evaluation, scored: ScoredModel, ledger: Ledger) -> list[Miss]:
    """The answers of one row that are wrong by the primary metric, sorted by kind of miss; `at` is the prompt's
    position in the evaluation."""
    facts = ledger.facts(MISS_KIND, scored.model)

    def kind_by_person(at: int) -> MissKind | None:
        fact = facts.get(_key(scored.model, result.prompts[at], scored.answers[at]))
        kind = fact.get("kind") if fact else None
        return cast("MissKind", kind) if kind in KINDS else None

    contract = result.contract
    return find_misses(
        [prompt.text for prompt in result.prompts],
        [prompt.references for prompt in result.prompts],
        scored.answers,
        right_answers(result.primary, contract, result.prompts, scored),
        contract.allows if contract else None,
        kind_by_person,
    )


def set_miss_kind(ledger: Ledger, row: str, prompt: Prompt, answer: str, kind: MissKind | None) -> None:
    """Store which kind of miss an answer of a row is; None: the rule's kind again. Raises UsageError."""
    key = _key(row, prompt, answer)
    if kind is None:
        ledger.remove_fact(MISS_KIND, key)
    elif kind in KINDS:
        ledger.add_fact(MISS_KIND, key, {"kind": kind})
    else:
        raise UsageError(f"there is no kind of miss '{kind}': there are {', '.join(KINDS)}")


def _key(row: str, prompt: Prompt, answer: str) -> AnswerKey:
    return AnswerKey(row, message_key(prompt.messages), text_hash(answer))
