"""For the misses of a row: the training examples that may explain each, and which misses are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curator.core.answers.misses import KIND_WORDS, Miss, group_misses
from curator.core.answers.teachers import Taught, Teacher, find_teachers
from curator.jobs.findings.row_misses import misses_of
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.training_data import TrainingExamples, side_of
from curator.jobs.runs.evaluation import Evaluation, make_prompts


def training_rows(data: TrainingExamples) -> list[Taught]:
    """What the training side teaches: each example's last prompt and its answer; rejected ones teach nothing.

    Without a split nothing is known to be trained.
    """
    training = side_of(data, "train")
    if training is None:
        return []
    prompts, _ = make_prompts(training.without_rejected())
    return [Taught(prompt.line, prompt.text, prompt.expected) for prompt in prompts]


def teachers_of(miss: Miss, training: Sequence[Taught], limit: int = 3) -> list[Teacher]:
    """The training examples that may explain a miss, see `core.answers.teachers`."""
    return find_teachers(miss.prompt, miss.answer, miss.right, training, limit)


def explained_json(result: Evaluation, ledger: Ledger, data: TrainingExamples) -> dict[str, Any]:
    """The objects `miss_list` and `miss_groups` of `evaluate --explain --json`, of the last row."""
    misses = misses_of(result, result.last, ledger)
    training = training_rows(data)
    lines = {miss.at: result.prompts[miss.at].line for miss in misses}
    return {
        "miss_list": [
            {
                "line": lines[miss.at],
                "prompt": miss.prompt,
                "answer": miss.answer,
                "wanted": miss.right[0],
                "kind": miss.kind,
                "by_person": miss.by_person,
                "taught_by": [
                    {
                        "example": each.example,
                        "answer": each.answer,
                        "reason": each.reason,
                        "likeness": each.likeness,
                    }
                    for each in teachers_of(miss, training)
                ],
            }
            for miss in misses
        ],
        "miss_groups": [
            {
                "kind": group.misses[0].kind,
                "says": group.words,
                "lines": [lines[miss.at] for miss in group.misses],
            }
            for group in group_misses(misses)
        ],
    }


def explained_words(explained: dict[str, Any]) -> list[str]:
    """The lines for people, made of `explained_json`; texts of data are not made printable here."""
    words = []
    for group in explained["miss_groups"]:
        if len(group["lines"]) > 1:
            words.append(f"{group['says']} (lines {', '.join(map(str, group['lines']))})")
    for miss in explained["miss_list"]:
        words.append(
            f"line {miss['line']}: {KIND_WORDS[miss['kind']]}: {miss['answer']} (wanted {miss['wanted']})"
        )
        words += [f"  example {each['example']} {each['reason']}: {each['answer']}" for each in miss["taught_by"]]
    return words
