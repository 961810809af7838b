"""Which changes of the data explain that a prompt was fixed or broken between two rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.core.duplicates.question import question_and_answer
from curator.jobs.rounds.comparing import Flip

if TYPE_CHECKING:
    from curator.workspace.versions import RevisionDifference
    from curator.workspace.workspace import Workspace

MOST_READ = 5_000
"""Most changed examples that are read to explain flips."""
MOST_REASONS = 3
"""Most changed examples that are named for one flip."""
ALIKE = 60.0
"""Least likeness of two prompts, in percent, that counts as asking alike."""
_LONGEST = 2_000
"""Characters of a text that are compared."""
SIGNS = {"+": "added", "-": "removed", "~": "edited"}


@dataclass(frozen=True)
class ChangedExample:
    """A changed example: what it asks, and its answer before and after; None where it was not there."""

    id: int
    sign: str
    """A key of `SIGNS`."""
    prompt: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Reason:
    """A changed example that may explain a flip, and why, in words."""

    changed: ChangedExample
    words: str


def read_changed(workspace: Workspace, difference: RevisionDifference) -> list[ChangedExample]:
    """The changed examples, of more than `MOST_READ` an even choice."""
    signed = [("~", i) for i in difference.edited]
    signed += [("+", i) for i in difference.added] + [("-", i) for i in difference.removed]
    if len(signed) > MOST_READ:
        signed = [signed[at * len(signed) // MOST_READ] for at in range(MOST_READ)]
    return [_read(workspace, sign, example, difference) for sign, example in signed]


def reasons(flip: Flip, changed: Sequence[ChangedExample]) -> list[Reason]:
    """The changed examples that explain a flip best, the best first; none where none has to do with it.

    An example has to do with it where it teaches the answer that the model gives now, taught the one that it gave
    before, or asks alike.
    """
    alike = _likeness(flip.prompt.text, [each.prompt for each in changed])
    ranked = []
    for each, percent in zip(changed, alike, strict=True):
        words = list(_answer_words(flip, each))
        weight = percent + 100 * len(words)
        if percent >= ALIKE:
            words.append(f"asks alike ({percent:.0f} %)")
        if words:
            ranked.append((-weight, each.id, Reason(each, f"{SIGNS[each.sign]}: {', '.join(words)}")))
    return [reason for _, _, reason in sorted(ranked, key=lambda entry: entry[:2])[:MOST_REASONS]]


def _answer_words(flip: Flip, changed: ChangedExample) -> Iterable[str]:
    """What the change has to do with the two answers, in words."""
    if _same(changed.after, flip.after) and not _same(changed.before, flip.after):
        yield "teaches what it says now"
    if _same(changed.before, flip.before) and not _same(changed.after, flip.before):
        yield "taught what it said before"


def _same(taught: str | None, answer: str) -> bool:
    return taught is not None and taught.strip() == answer.strip() != ""


def _likeness(text: str, prompts: Sequence[str]) -> list[float]:
    """How much each prompt is like a text, in percent, by common words in any order."""
    from rapidfuzz import fuzz, utils  # heavy

    question = utils.default_process(text[:_LONGEST])
    return [fuzz.token_sort_ratio(question, utils.default_process(each[:_LONGEST])) for each in prompts]


def _read(workspace: Workspace, sign: str, example: int, difference: RevisionDifference) -> ChangedExample:
    from curator.workspace.versions import raw_at  # heavy

    prompt, before, after = "", None, None
    if sign != "+":
        prompt, before = question_and_answer(raw_at(workspace, example, difference.old))
    if sign != "-":
        prompt, after = question_and_answer(raw_at(workspace, example, difference.new))
    return ChangedExample(example, sign, prompt, before, after)
