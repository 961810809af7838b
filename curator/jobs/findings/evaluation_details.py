"""What an evaluation tells beside its scores: each answer's precision and recall, confusions, kinds of misses."""

from __future__ import annotations

from typing import Any

from curator.core.answers.misses import count_kinds
from curator.core.scores.choice import MetricChoice
from curator.core.scores.closed_answers import answer_scores, confusions
from curator.jobs.findings.best_of import flattery_of
from curator.jobs.findings.row_misses import misses_of
from curator.jobs.findings.training_noise import noise_of
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.evaluation import Evaluation, ScoredModel


def details_json(result: Evaluation, choice: MetricChoice, ledger: Ledger) -> dict[str, Any]:
    """The objects that `evaluate --json` holds beside the scores (docs/cli.md), from `task` to `noise`."""
    closed = choice.task.kind == "closed"
    flattered, noise = flattery_of(result, ledger), noise_of(result, ledger)
    return {
        "task": {"kind": choice.task.kind, "says": choice.task.words},
        "hidden": {name: reason for name, reason in choice.hidden.items() if name not in result.last.scores},
        "signatures": dict(sorted(result.last.signatures.items())),
        "answers": {each.model: _answers_json(result, each) for each in result.models} if closed else None,
        "misses": {each.model: count_kinds(misses_of(result, each, ledger)) for each in result.models},
        "flattered": flattered and flattered.to_json(),
        "noise": noise and {"scores": list(noise.scores), "spread": noise.spread, "says": noise.words},
    }


def _answers_json(result: Evaluation, scored: ScoredModel) -> dict[str, Any]:
    """Precision, recall and F1 of each answer of one row, and which it mistakes for which."""
    pairs = zip(result.prompts, scored.answers, strict=True)
    expected = [prompt.reference(answer) for prompt, answer in pairs]
    return {
        "scores": [
            {
                "answer": each.answer,
                "expected": each.expected,
                "given": each.given,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
            }
            for each in answer_scores(expected, scored.answers)
        ],
        "confusions": [
            {
                "expected": each.expected,
                "given": each.given,
                "count": len(each.prompts),
                "lines": [result.prompts[at].line for at in each.prompts],
            }
            for each in confusions(expected, scored.answers)
        ],
    }
