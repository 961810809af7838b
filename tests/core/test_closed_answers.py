"""Scores of closed answers, worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.scores import closed_answers, metrics
from tests.thorough import examples

WANTED = ["cat", "cat", "Cat", "dog", "dog", "bird"]
GIVEN = ["cat", "dog", "cat ", "dog", "fish", "(bird)"]


def test_precision_recall_and_f1_by_hand() -> None:
    rows = {score.answer: score for score in closed_answers.answer_scores(WANTED, GIVEN)}
    assert list(rows) == ["cat", "dog", "(bird)", "fish"] or list(rows) == ["cat", "dog", "bird", "fish"]
    cat, dog, fish = rows["cat"], rows["dog"], rows["fish"]
    assert [cat.precision, cat.recall, cat.f1] == pytest.approx([1, 2 / 3, 4 / 5])
    assert [dog.precision, dog.recall, dog.f1] == [1 / 2, 1 / 2, 1 / 2]
    assert (fish.precision, fish.recall, fish.f1, fish.given) == (0, 0, 0, 1)


def test_confusions() -> None:
    found = closed_answers.confusions(["a", "a", "b", "a"], ["b", "b", "a", "a"])
    assert [(each.expected, each.given, each.prompts) for each in found] == [("a", "b", (0, 1)), ("b", "a", (2,))]
    with pytest.raises(ValueError, match="shorter|longer"):
        closed_answers.confusions(["a"], [])


@pytest.mark.parametrize(
    ("expected", "vocabulary", "kind"),
    [
        (["(tired)", "(happy)"], None, "closed"),
        (["yes", "no"] * 20, None, "closed"),
        (["It is rather likely to rain.", "It is not likely to rain."] * 20, None, "closed"),
        (["Paris is the capital of France.", "Dogs bark at the postman.", "I would not say so."], None, "free"),
        (
            ["word"] * 8 + ["a sentence of very many words that goes on and on and on without end"] * 2,
            None,
            "free",
        ),
        (
            ["今天天气很好我们一起去公园散步然后吃饭吧", "昨天下了一整天的大雨所以我们没有出门在家看书"],
            None,
            "free",
        ),
        (["東京", "大阪"], None, "closed"),
        ([], None, "free"),
        (["anything at all that is long enough to be text"], 12, "closed"),
    ],
)
def test_the_task_of_answers(expected: list[str], vocabulary: int | None, kind: str) -> None:
    task = closed_answers.find_task(expected, vocabulary)
    assert task.kind == kind and task.words and not task.words.endswith(".")


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abC ."), st.sampled_from("abc .?")), max_size=20))
def test_counts_add_up(pairs: list[tuple[str, str]]) -> None:
    expected, answers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = closed_answers.answer_scores(expected, answers)
    assert sum(row.expected for row in rows) == sum(row.given for row in rows) == len(pairs)
    confused = sum(len(each.prompts) for each in closed_answers.confusions(expected, answers))
    assert sum(row.hits for row in rows) + confused == len(pairs)
    wanted = [row.f1 for row in rows if row.expected]
    assert metrics.mean(wanted) == pytest.approx(metrics.macro_f1(expected, answers))
