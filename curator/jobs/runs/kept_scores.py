"""Scores of a row that were measured before: the same answers to the same prompts are scored once, not each time.

BLEU, chrF and ROUGE with their intervals take seconds for a thousand long answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from curator.core.answers.contract import Contract
from curator.core.scores.metrics import Interval
from curator.errors import CuratorError
from curator.jobs.ledger.answer_facts import SCORES, AnswerKey
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs import evaluation
from curator.jobs.runs.asking import Prompt
from curator.jobs.runs.evaluation import ScoredModel
from curator.jobs.runs.questions import Questions

_MEASURED_BY = "1"
"""Another number where metrics measure otherwise than before."""


def score_once(
    name: str,
    questions: Questions,
    prompts: Sequence[Prompt],
    names: Sequence[str],
    contract: Contract | None,
    ledger: Ledger,
) -> ScoredModel:
    """The row `name` of an evaluation, all of whose questions are answered; its scores are kept in the ledger."""
    kept = kept_row(name, questions, prompts, names, contract, ledger)
    if kept is not None:
        return kept
    scored = evaluation.score_way(name, questions, prompts, names, contract)
    with suppress(CuratorError):  # a ledger that can only be read
        ledger.add_fact(SCORES, _key(name, scored.answers, prompts, names, contract), _to_json(scored))
    return scored


def kept_row(
    name: str,
    questions: Questions,
    prompts: Sequence[Prompt],
    names: Sequence[str],
    contract: Contract | None,
    ledger: Ledger,
) -> ScoredModel | None:
    """As `score_once`, where the scores are kept already; None where they would have to be measured."""
    answers = questions.stored()["answers"]
    key = _key(name, answers, prompts, names, contract)
    kept = _read(ledger.facts(SCORES, name).get(key), names)
    return None if kept is None else ScoredModel(name, answers, *kept)


def _key(
    name: str, answers: Sequence[str], prompts: Sequence[Prompt], names: Sequence[str], contract: Contract | None
) -> AnswerKey:
    return AnswerKey(name, evaluation.prompts_key(prompts), _digest(prompts, answers, names, contract))


def _to_json(scored: ScoredModel) -> dict[str, Any]:
    scores = {name: [score.value, score.low, score.high] for name, score in scored.scores.items()}
    return {"scores": scores, "signatures": scored.signatures}


def _digest(
    prompts: Sequence[Prompt], answers: Sequence[str], names: Sequence[str], contract: Contract | None
) -> str:
    """A hash of all that the scores depend on."""
    pairs = [[*prompt.references, answer] for prompt, answer in zip(prompts, answers, strict=True)]
    text = orjson.dumps([_MEASURED_BY, list(names), repr(contract), pairs], default=str)
    return hashlib.sha256(text).hexdigest()


def _read(value: Any, names: Sequence[str]) -> tuple[dict[str, Interval], dict[str, str]] | None:
    """Kept scores; None where there are none, or of another shape, as in a foreign ledger."""
    scores = value.get("scores") if isinstance(value, dict) else None
    if not isinstance(scores, dict) or list(scores) != list(names):
        return None
    if not all(isinstance(row, list) and len(row) == 3 and all(map(_is_number, row)) for row in scores.values()):
        return None
    signatures = value.get("signatures")
    texts = signatures.items() if isinstance(signatures, dict) else ()
    return (
        {name: Interval(*map(float, row)) for name, row in scores.items()},
        {name: text for name, text in texts if isinstance(text, str)},
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
