"""`curator merge`: takes over the labels, ratings, reviews and notes of another workspace, by the examples' bytes.

What only one of the two judged is taken as it is; what both judged is compared, and differences wait for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from curator.core.scores.raters import RaterAgreement, rater_agreement
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError
from curator.workspace.changes.changes import REVIEW_STATES
from curator.workspace.exchange.disagreements import Disagreement, Judgement, all_disagreements
from curator.workspace.exchange.marks_file import Marks, marks_of
from curator.workspace.records import Change
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.open_change import REVISION, FieldChange
from curator.workspace.workspace import Workspace

RATINGS = (1, 2, 3, 4, 5)
NO_MARKS = Marks()
Pairs = dict[int, int]
"""Id here → id there, of examples with the same bytes."""


@dataclass(slots=True)
class Merge:
    """What the marks of another workspace come to here."""

    by: str
    """Whose marks they are."""
    same: int = 0
    """Examples that are in both, by their bytes."""
    only_here: int = 0
    only_there: int = 0
    agreement: dict[str, RaterAgreement] = field(default_factory=dict)
    """By `rating`, `review` and `label:NAME`, of the examples that both judged."""
    parts: list[FieldChange] = field(default_factory=list)
    taken: int = 0
    """Examples that get marks which they had not."""
    disagreements: list[Disagreement] = field(default_factory=list)
    known: int = 0
    """Disagreements that wait already, or were decided."""
    refused: int = 0
    """Marks there that no Curator writes."""


def find_merge(here: Workspace, there: Workspace, by: str) -> Merge:
    """Compare the marks of two workspaces; changes nothing.

    Raises InputError where both are the same workspace, UsageError where `by` is no name.
    """
    if here.path.resolve() == there.path.resolve():
        raise InputError(f"{there.path} is this workspace itself: name the workspace of somebody else")
    if not by.strip() or len(by) > 100 or one_line(by) != by:
        raise UsageError("a name is 1 to 100 visible characters: give one with --name")
    merge = Merge(by)
    mine = marks_of(here.stored)
    theirs = _trusted_marks(marks_of(there.stored), merge)
    pairs = _pair(here.stored, there.stored, mine, theirs, merge)
    _measure(pairs, mine, theirs, merge)
    before_merge = {each.key: each for each in all_disagreements(here)}
    versions = here.stored.example_rows(list(pairs))
    differing_keys: set[str] = set()
    for example, other in pairs.items():
        before, after = mine.get(example, NO_MARKS), theirs.get(other, NO_MARKS)
        version = versions[example].version if example in versions else 0
        changes = list(_take(example, before, after, version))
        merge.parts += changes
        merge.taken += bool(changes)
        for each in _differences(example, before, after, by):
            differing_keys.add(each.key)
            waiting = before_merge.get(each.key)
            if waiting is not None and _is_known(waiting, each):
                merge.known += 1
            else:
                merge.disagreements.append(each)
                merge.parts.append(each.part(waiting))
    merge.parts += [
        each.part_away()
        for each in before_merge.values()
        if each.by == by and not each.decided and each.key not in differing_keys
    ]
    return merge


def _is_known(stored: Disagreement, current: Disagreement) -> bool:
    """Whether a difference waits already as it is now, or was decided and the other side stays as it was."""
    return stored.theirs == current.theirs and (stored.decided is not None or stored.mine == current.mine)


def commit_merge(here: Workspace, merge: Merge) -> Change:
    """Take over what a comparison found, as one change. Raises NotSaved."""
    with here.guard:
        here.changes.writing.begin()
        label = f"Merged the judgements of {merge.by}: {count_of(merge.taken)}"
        if merge.disagreements:
            label += f", {len(merge.disagreements):,} to decide"
        return here.journal.commit("marks", label, merge.parts, examples=merge.taken)


def _trusted_marks(marks: Mapping[int, Marks], merge: Merge) -> dict[int, Marks]:
    """The marks without those that no Curator writes: a workspace may come from anybody."""
    trusted = {}
    for example, each in marks.items():
        try:
            trusted[example] = msgspec.convert(msgspec.to_builtins(each), Marks).require_valid()
        except (ValueError, UnicodeError):
            merge.refused += 1
    return trusted


def _pair(
    here: StoredExamples,
    there: StoredExamples,
    mine: Mapping[int, Marks],
    theirs: Mapping[int, Marks],
    merge: Merge,
) -> Pairs:
    """The examples of equal bytes that are marked on either side; of equal ones the first goes with the first."""
    waiting: dict[int, int | list[int]] = {}
    for example, key in _keys(here):
        other = waiting.setdefault(key, example)
        if other != example:
            if isinstance(other, int):
                waiting[key] = [other, example]
            else:
                other.append(example)
        merge.only_here += 1
    candidates: Pairs = {}
    for example, key in _keys(there):
        equal = waiting.pop(key, None)
        if equal is None:
            merge.only_there += 1
            continue
        if isinstance(equal, list):
            if len(equal) > 1:
                waiting[key] = equal[1:]
            equal = equal[0]
        merge.same += 1
        merge.only_here -= 1
        if equal in mine or example in theirs:
            candidates[equal] = example
    ours = dict(here.raws(list(candidates)))
    others = dict(there.raws(list(candidates.values())))
    return {example: other for example, other in candidates.items() if ours.get(example) == others.get(other)}


def _keys(stored: StoredExamples) -> Iterator[tuple[int, int]]:
    """(id, hash of the bytes) of every example that is not deleted."""
    deleted = {example for (example,) in stored.db.execute("SELECT id FROM example WHERE deleted <> 0")}
    for example, _, raw in stored.everything():
        if example not in deleted:
            yield example, xxh3_64_intdigest(raw)


def _measure(pairs: Pairs, mine: Mapping[int, Marks], theirs: Mapping[int, Marks], merge: Merge) -> None:
    """How far both agree about the examples that both judged: labels of those that both marked in any way."""
    both = [(mine[here], theirs[there]) for here, there in pairs.items() if here in mine and there in theirs]
    rated = [(one.rating, other.rating) for one, other in both if one.rating and other.rating]
    reviewed = [(one.review, other.review) for one, other in both if one.review and other.review]
    for what, judged, categories in (("rating", rated, RATINGS), ("review", reviewed, REVIEW_STATES)):
        if judged:
            ours, others = zip(*judged, strict=True)
            merge.agreement[what] = rater_agreement(ours, others, categories)
    for name in sorted({label for one, other in both for label in (*one.labels, *other.labels)}):
        ours = tuple(name in one.labels for one, _ in both)
        others = tuple(name in other.labels for _, other in both)
        merge.agreement[f"label:{name}"] = rater_agreement(ours, others, (False, True))


def _take(example: int, mine: Marks, theirs: Marks, version: int) -> Iterator[FieldChange]:
    """The parts that bring over what only the other side judged."""
    if mine.rating is None and theirs.rating is not None:
        yield FieldChange(example, "rating", None, theirs.rating)
    if mine.review is None and theirs.review is not None:
        yield FieldChange(example, "review", None, theirs.review)
        yield FieldChange(example, "reviewed", None, REVISION if theirs.stale else version)
    if mine == NO_MARKS:
        yield from (FieldChange(example, f"label:{name}", 0, 1) for name in theirs.labels)
    if theirs.note and theirs.note not in mine.note:
        note = f"{mine.note}\n{theirs.note}" if mine.note else theirs.note
        yield FieldChange(example, "note", mine.note or None, note)


def _differences(example: int, mine: Marks, theirs: Marks, by: str) -> Iterator[Disagreement]:
    """What both judged differently. A label is judged by whoever marked the example in any way."""
    if NO_MARKS in (mine, theirs):
        return
    pairs: list[tuple[str, Judgement, Judgement]] = [
        (what, getattr(mine, what), getattr(theirs, what)) for what in ("rating", "review")
    ]
    for what, one, other in pairs:
        if one is not None and other is not None and one != other:
            yield Disagreement(example, what, one, other, by)
    for name in sorted({*mine.labels} ^ {*theirs.labels}):
        yield Disagreement(example, f"label:{name}", name in mine.labels, name in theirs.labels, by)


def as_dict(merge: Merge) -> dict[str, Any]:
    """The merge as `curator merge --json` prints it."""
    agreement = {
        what: {"examples": each.examples, "same": each.same, "percent": each.percent, "kappa": each.kappa,
               "ac1": each.ac1}
        for what, each in merge.agreement.items()
    }  # fmt: skip
    disagreements = [
        {"example": each.example, "what": each.what, "mine": each.mine, "theirs": each.theirs}
        for each in merge.disagreements
    ]
    return {
        "by": merge.by, "same": merge.same, "only_here": merge.only_here, "only_there": merge.only_there,
        "taken": merge.taken, "agreement": agreement, "disagreements": disagreements, "known": merge.known,
        "refused": merge.refused,
    }  # fmt: skip
