"""How far the best of all tuned models is flattered by the prompts that it was chosen on."""

from __future__ import annotations

from collections.abc import Sequence

from curator.core.scores.flattery import MANY_ROUNDS, Flattery, measure_flattery
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import message_key
from curator.jobs.runs.evaluation import Evaluation, is_right


def flattery_of(result: Evaluation, ledger: Ledger) -> Flattery | None:
    """The flattery of the best of all tuned models that answered the prompts of an evaluation.

    By its primary metric. None where fewer than `MANY_ROUNDS` models answered all of them.
    """
    models = dict.fromkeys(run.fine_tuned_model for run in ledger.runs() if run.fine_tuned_model)
    scores = right_shares(result, [str(model) for model in models], ledger)
    return measure_flattery(scores) if len(scores) >= MANY_ROUNDS else None


def right_shares(result: Evaluation, models: Sequence[str], ledger: Ledger) -> list[list[float]]:
    """For each model that answered all prompts of an evaluation: 1 for each right answer, 0 for each other."""
    keys = [message_key(prompt.messages) for prompt in result.prompts]
    scores = []
    for model in models:
        answers = ledger.answers(model, keys)
        texts = [answers.get(key, {}).get("answer") for key in keys]
        if all(isinstance(text, str) for text in texts):
            pairs = zip(result.prompts, texts, strict=True)
            scores.append(
                [float(is_right(result.primary, result.contract, prompt, str(text))) for prompt, text in pairs]
            )
    return scores
