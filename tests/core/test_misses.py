"""Kinds and groups of wrong answers, the examples that explain one, and the luck of the best of many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.answers import misses
from curator.core.answers.misses import KIND_WORDS, KINDS, Miss, MissKind, count_kinds, find_misses, group_misses
from curator.core.answers.teachers import Taught, find_teachers
from curator.core.scores.flattery import measure_flattery
from tests.thorough import examples


@pytest.mark.parametrize(
    ("answer", "right", "kind"),
    [
        ("(tired) I hope you sleep soon", "(tired)", "goes_on"),
        ("(Tired)(happy)", "(tired)", "goes_on"),
        ("yes, because it is", "yes", "goes_on"),
        ("yes\nno", "yes", "goes_on"),
        ("the big dog barked", "the big dog", "goes_on"),
        ("3.5", "3", "form"),
        ("catfood", "cat", "form"),
        ("the big dog's", "the big dog", "form"),
        ("(tired)!", "(tired)", "form"),  # a mark more is no talk
        ("(happy)", "(tired)", "wrong"),
        ("", "x", "form"),
        ("I'm sorry, but I can't help with that.", "(tired)", "refuses"),
        ("I'm sorry, but I can't do it.", "I'm sorry, but I can't do that.", "form"),
        ("oh dear " * 60, "(tired)", "rambles"),
        ("tired " * 40, "a sentence of some length that is wanted", "rambles"),
    ],
)
def test_the_kind_of_a_miss(answer: str, right: str, kind: MissKind) -> None:
    assert misses.miss_kind(answer, [right], lambda text: text.startswith("(") and text.endswith(")")) == kind
    assert set(KIND_WORDS) == set(KINDS)


def test_a_person_says_otherwise_and_each_kind_is_counted() -> None:
    found = find_misses(
        ["a", "b", "c", "d"],
        [("x",), ("y",), ("z",), ("z",)],
        ["x", "q", "q", "q"],
        [True, False, False, False],
        kind_by_person={2: "wanted_wrong"}.get,  # type: ignore[arg-type]
    )
    assert [(miss.at, miss.kind, miss.by_person) for miss in found] == [
        (1, "wrong", False),
        (2, "wanted_wrong", True),
        (3, "wrong", False),
    ]
    assert count_kinds(found) == {"wrong": 2, "wanted_wrong": 1}
    with pytest.raises(ValueError, match="shorter|longer"):
        find_misses(["a"], [], [], [])


def miss(at: int, prompt: str, answer: str, kind: MissKind = "wrong") -> Miss:
    return Miss(at, prompt, ("right",), answer, kind)


def test_misses_that_are_alike_stand_together() -> None:
    groups = group_misses(
        [
            miss(0, "my cat is ill", "(cat)"),
            miss(1, "unrelated words here", "(Cat)"),
            miss(2, "the rain in spain", "one"),
            miss(3, "stays the rain in spain mainly", "two"),
            miss(4, "wholly different", "three"),
            miss(5, "my cat is ill", "(cat)", "form"),
        ]
    )
    assert [[each.at for each in group.misses] for group in groups] == [[0, 1], [2, 3], [5], [4]]
    assert groups[0].words == "right form, wrong answer: 2 prompts answered “(cat)”"


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=4), st.sampled_from(KINDS)), max_size=12))
def test_every_miss_is_in_one_group(rows: list[tuple[str, str, MissKind]]) -> None:
    all_misses = [miss(at, prompt, answer, kind) for at, (prompt, answer, kind) in enumerate(rows)]
    grouped = [each.at for group in group_misses(all_misses) for each in group.misses]
    assert sorted(grouped) == list(range(len(rows)))
    assert sum(count_kinds(all_misses).values()) == len(rows)


def test_what_teaches_a_wrong_answer() -> None:
    training = [
        Taught(1, "My cat is ill today", "(sad)"),
        Taught(2, "I adore my cat", "(cat)"),
        Taught(3, "Cats everywhere", " (Cat) "),
        Taught(4, "my cat is very ill", "(syringe)"),
        Taught(5, "Stock prices fell", "(graph)"),
    ]
    found = find_teachers("my cat is very ill", "(cat)", ["(sad)"], training, limit=2)
    assert [(each.example, each.reason) for each in found] == [
        (2, "teaches"),
        (3, "teaches"),
        (4, "contradicts"),
        (1, "near"),
        (5, "near"),
    ]
    assert found[2].likeness == 1
    assert find_teachers("x", "y", ["z"], []) == []
    right_all_the_same = find_teachers("my cat is very ill", "(SAD)", ["(sad)"], training, limit=1)
    assert [each.reason for each in right_all_the_same] == ["contradicts", "near"]


def test_the_best_of_many_is_flattered() -> None:
    random = np.random.default_rng(1)
    equal_models = (random.random((10, 40)) < 0.5).astype(float).tolist()
    found = measure_flattery(equal_models)
    assert found is not None and (found.models, found.prompts) == (10, 40)
    assert found.score > 0.6 and 0.45 < found.fair < found.score - 0.05
    assert f"flattered by about {found.points:.0f} points" in found.words and "test side" in found.words
    clearly = measure_flattery([[1.0] * 40, [0.0] * 40])
    assert clearly is not None and clearly.best == 0 and clearly.points == 0 and "less than half" in clearly.words
    assert measure_flattery([[1.0, 0.0]]) is None and measure_flattery([]) is None
    with pytest.raises(ValueError, match="same prompts"):
        measure_flattery([[1.0], [1.0, 0.0]])
