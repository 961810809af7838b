"""Answers that go round in circles, and answers that only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.answers.repetition import repeated_end


@given(st.text(max_size=50), st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=60))
def test_whatever_repeats_often_enough_is_found_also_with_an_incomplete_end(start: str, unit: str) -> None:
    answer = start + unit * max(5, 200 // len(unit) + 1)
    shortest = repeated_end(answer)
    assert shortest and answer.endswith(shortest * 4)
    cut = answer[: -len(unit) // 2 or None]
    assert repeated_end(cut)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "la la la la la",
        "-" * 120,
        "  " * 600,
        "\n".join(f"{number}. The {number}th item is another one." for number in range(60)),
        "".join(f"| {number:>3} | {number * number:>6} |\n" for number in range(80)),
        "def f():\n    return 1\n" * 3,
        "We are the champions, my friends, and we'll keep on fighting till the end of the evening. " * 3,
    ],
)
def test_lists_tables_and_choruses_are_no_circles(answer: str) -> None:
    assert repeated_end(answer) == ""
