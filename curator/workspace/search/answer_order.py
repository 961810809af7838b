"""Orders examples by their answers, and says where each group of equal answers begins."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

Answers = Mapping[int, str]
"""Answers, or their beginnings, by example."""


def order_by_answer(
    ids: Sequence[int],
    beginnings: Answers,
    cut_at: int,
    read_whole: Callable[[Sequence[int]], Answers],
    descending: bool = False,
) -> tuple[Sequence[int], Sequence[int]]:
    """The ids ordered by their answers in any case, and the index where each group of equal answers begins.

    Examples without an answer are the last group. `beginnings` are cut at `cut_at` characters; `read_whole` gets
    the examples whose beginnings are alike and that long, and gives their whole answers.
    """
    present = [example for example in ids if beginnings.get(example)]
    absent = [example for example in ids if not beginnings.get(example)]
    times = Counter(beginnings[example] for example in present if len(beginnings[example]) >= cut_at)
    alike = [example for example in present if times[beginnings[example]] > 1]
    answers = {**beginnings, **read_whole(alike)} if alike else beginnings
    present.sort(key=lambda example: (answers[example].casefold(), answers[example]), reverse=descending)
    starts = array("q", _group_starts([answers[example] for example in present]))
    starts.extend([len(present)] * bool(absent))
    return array("q", present + absent), starts


def _group_starts(answers: Sequence[str]) -> Iterator[int]:
    """Where another answer than the one before begins."""
    before = ""
    for at, answer in enumerate(answers):
        if answer != before:
            yield at
            before = answer
