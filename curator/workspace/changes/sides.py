"""The sides of a split: dividing examples into training, validation and test, and pinning some to a side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import orjson

from curator.errors import UsageError
from curator.workspace.changes.writing import Writing
from curator.workspace.records import Change
from curator.workspace.storage.examples import BytesById
from curator.workspace.storage.open_change import FieldChange

AnySide = Literal["train", "validation", "test"]
SIDES: tuple[AnySide, ...] = get_args(AnySide)
PINNED = "pinned"
"""The label of examples whose side was chosen by hand and stays when the others are divided again."""


def assign(writing: Writing, ids: Iterable[int], split: str | None) -> Change:
    """Put examples on the side `train`, `validation` or `test`; None takes them out of all."""
    if split not in (*SIDES, "none", None):
        raise UsageError("a side is train, validation, test or none")
    value = split or "none"
    return writing.set_fields("split", f"Put {{}} into {value}", ids, lambda _: {"split": value})


def pin(writing: Writing, ids: Iterable[int], side: AnySide | None) -> Change:
    """Put examples on a side and label them `pinned`; None takes the label off and leaves the side."""
    with writing.guard:
        examples = writing.begin(ids)
        rows = writing.stored.example_rows(examples)
        pinned = writing.stored.with_label(PINNED)
        parts = [FieldChange(i, f"label:{PINNED}", int(i in pinned), int(side is not None)) for i in examples]
        if side is not None:
            parts += [FieldChange(i, "split", rows[i].split if i in rows else None, side) for i in examples]
        changed = sorted({part.example for part in parts if part.before != part.after})
        template = f"Pinned {{}} to {side}" if side else "Let {} go"
        return writing.journal.commit("split", writing.describe(template, changed), parts)


def split(
    writing: Writing,
    validation: float,
    test: float,
    seed: int,
    *,
    stratify: str | None,
    ids: Iterable[int] | None,
    fixed: Mapping[int, AnySide] | None,
) -> Change:
    """Divide examples into training, validation and test; see `Changes.split`."""
    from curator.workspace.duplicates.three_sides import divide_in_three  # heavy

    stored, journal = writing.stored, writing.journal
    with writing.guard:
        examples = writing.begin(stored.order.live if ids is None else ids)
        strata = _labels_of(writing, examples) if stratify == "label" else None
        raws = BytesById(stored, examples)
        sides_fixed = {**(fixed or {}), **_pinned_sides(writing)}
        division = divide_in_three(
            raws, validation, test, seed, stratify=stratify, strata=strata, fixed=sides_fixed, meter=journal.meter
        )
        parts: list[FieldChange] = []
        if ids is None:
            settings: dict[str, Any] = {"validation": validation, "test": test, "seed": seed, "stratify": stratify}
            settings["reasons"] = division.reasons
            settings["last"] = max(examples)  # examples with a higher id were added after this split
            row = journal.db.execute("SELECT value FROM meta WHERE key = 'split'").fetchone()
            parts.append(FieldChange(0, "meta:split", row[0] if row else "null", orjson.dumps(settings).decode()))
        parts += _side_parts(writing, examples, division.side_of, default=None if ids is None else "train")
        template = f"Split {{}}: {len(division.train):,} to train, {len(division.validation):,} to validate"
        template += f", {len(division.test):,} to test" if division.test else ""
        change = journal.commit("split", writing.describe(template, examples), parts, examples=len(examples))
        stored.reorder()
        return change


def _side_parts(
    writing: Writing, examples: Sequence[int], held_out: Mapping[int, AnySide], default: str | None
) -> list[FieldChange]:
    """The changes of `split`. `default` stands for training: None after a split of all, which implies it."""
    rows = writing.stored.example_rows(examples)
    parts: list[FieldChange] = []
    for example in examples:
        before = rows[example].split if example in rows else None
        after = held_out.get(example, default)
        if before != after:
            parts.append(FieldChange(example, "split", before, after))
    return parts


def _pinned_sides(writing: Writing) -> dict[int, AnySide]:
    """The side of each pinned example."""
    pinned = writing.stored.with_label(PINNED)
    rows = writing.stored.example_rows(sorted(pinned))
    stored_sides = ((i, rows[i].split if i in rows else None) for i in pinned)
    return {i: "validation" if s == "validation" else "test" if s == "test" else "train" for i, s in stored_sides}


def _labels_of(writing: Writing, ids: Sequence[int]) -> dict[int, tuple[str, ...]] | None:
    """The labels of each example but `pinned`; None where none of them has any."""
    wanted_ids, labels = set(ids), dict[int, tuple[str, ...]]()
    for example, name in writing.journal.db.execute("SELECT example, label FROM label ORDER BY label"):
        if example in wanted_ids and name != PINNED:
            labels[example] = (*labels.get(example, ()), name)
    return {example: labels.get(example, ()) for example in ids} if labels else None
