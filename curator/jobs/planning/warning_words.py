"""Warnings about training data that the user should see before a job, as sentences and as a list by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from curator.core import example as examples
from curator.core.answers.balance import Balance, BalanceTally
from curator.core.answers.contract import percent
from curator.core.text import one_line
from curator.core.turns import OUTPUTS, turns

_SENTENCES = {
    "secret_like": "Texts that look like API keys or other secrets: {n:,}.",
    "pii_like": "Texts that look like personal data: {n:,}.",
    "train_validation_overlap": "Training examples that are in the validation file too: {n:,}.",
    "missing_validation_file": "No validation data: nothing will show whether the model generalises.",
    "conflicting_answers": "Examples that contradict others with the same prompt: {n:,}.",
    "duplicate_example": "Examples that are copies of others: {n:,}.",
    "example_too_long": "Examples longer than the training context, which will be cut: {n:,}.",
}
"""The sentence of each rule, `{n}` being the number of findings, in the order in which they are shown."""
_NOT_LEARNT = OUTPUTS[2:]
"""Keys of the answers of a preference pair that training teaches to avoid."""
_NAMED = 3
"""How many of the dominant answers a sentence names at most."""


def by_rule(counts: Mapping[str, int]) -> str:
    """Counts with the names of their rules, the largest first: `pii_like 3 · few_examples 1`."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{rule} {count:,}" for rule, count in ordered)


def sentences(warnings: Mapping[str, int]) -> list[str]:
    """A sentence for each of the rules in `warnings` that has one."""
    return [words.format(n=warnings[rule]) for rule, words in _SENTENCES.items() if warnings.get(rule)]


def imbalance_words(raws: Sequence[bytes]) -> str:
    """A sentence on answers that are far too frequent (`Balance.dominant`); "" where there are none."""
    answers = _answers(raws)
    if not answers.dominant:
        return ""
    named = ", ".join(
        f"'{one_line(share.text, 24)}' is {percent(share.times, answers.total)}"
        for share in answers.dominant[:_NAMED]
    )
    more = len(answers.dominant) - _NAMED
    return f"Unbalanced answers: {named}{f' and {more} others' if more > 0 else ''} of {answers.total:,}."


def _answers(raws: Sequence[bytes]) -> Balance:
    tally = BalanceTally()
    for raw in raws:
        tally.add(list(_learnt_messages(raw)))
    return tally.result()


def _learnt_messages(raw: bytes) -> Iterator[object]:
    """The messages of an example that training teaches to write."""
    for turn in turns(examples.parse(raw).value):
        if turn.trained and turn.path[0] not in _NOT_LEARNT:
            yield turn.message
