"""Which changes of the data explain that a prompt was fixed or broken between two rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
_TOGETHER = 50
"""Flips that are compared with all changed examples in one step."""
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
    """The changed examples, of more than `MOST_READ` an even choice; what is held out teaches a model nothing."""
    held_out = {*workspace.view("split:validation").ids, *workspace.view("split:test").ids}
    signed = [("~", i) for i in difference.edited if i not in held_out]
    signed += [("+", i) for i in difference.added if i not in held_out]
    signed += [("-", i) for i in difference.removed]
    if len(signed) > MOST_READ:
        signed = [signed[at * len(signed) // MOST_READ] for at in range(MOST_READ)]
    return [_read(workspace, sign, example, difference) for sign, example in signed]


def reasons(flips: Sequence[Flip], changed: Sequence[ChangedExample]) -> list[list[Reason]]:
    """For each flip the changed examples that explain it best, the best first; none where none has to do with it.

    An example has to do with it where it teaches the answer that the model gives now, taught the one that it gave
    before, or asks alike.
    """
    prompts = [_folded(each.prompt) for each in changed]
    by_after, by_before = _positions_by([c.after for c in changed]), _positions_by([c.before for c in changed])
    explained: list[list[Reason]] = []
    for start in range(0, len(flips) if changed else 0, _TOGETHER):
        part = flips[start : start + _TOGETHER]
        alike = _likeness([_folded(flip.prompt.text) for flip in part], prompts)
        for flip, percents in zip(part, alike, strict=True):
            places = {*by_after.get(flip.after.strip(), ()), *by_before.get(flip.before.strip(), ())}
            places.update((percents >= ALIKE).nonzero()[0].tolist())
            explained.append(_reasons(flip, [(changed[at], float(percents[at])) for at in sorted(places)]))
    return explained or [[] for _ in flips]


def _positions_by(texts: Sequence[str | None]) -> dict[str, list[int]]:
    """Where each text stands, by the text without blanks around it; empty ones are left out."""
    positions: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        if text is not None and text.strip():
            positions.setdefault(text.strip(), []).append(at)
    return positions


def _reasons(flip: Flip, changed: Sequence[tuple[ChangedExample, float]]) -> list[Reason]:
    """The reasons of one flip among changed examples, each with how much it is like the flip in percent."""
    ranked = []
    for each, percent in changed:
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


def _folded(text: str) -> str:
    """The words of a text in lower case, as they are compared."""
    from rapidfuzz import utils  # heavy

    return utils.default_process(text[:_LONGEST])


def _likeness(questions: Sequence[str], prompts: Sequence[str]) -> Any:
    """How much each prompt is like each question, in percent, by common words in any order: a row a question."""
    from rapidfuzz import fuzz, process  # heavy

    return process.cdist(questions, prompts, scorer=fuzz.token_sort_ratio)


def _read(workspace: Workspace, sign: str, example: int, difference: RevisionDifference) -> ChangedExample:
    from curator.workspace.versions import raw_at  # heavy

    prompt, before, after = "", None, None
    if sign != "+":
        prompt, before = question_and_answer(raw_at(workspace, example, difference.old))
    if sign != "-":
        prompt, after = question_and_answer(raw_at(workspace, example, difference.new))
    return ChangedExample(example, sign, prompt, before, after)
