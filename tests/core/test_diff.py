"""Differences of texts and of examples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.diff import Difference, DiffSpan, compare_examples, compare_texts
from tests.thorough import examples


def test_one_word_replaced() -> None:
    assert compare_texts("I fell off my bike.", "I fell off my horse.") == [
        DiffSpan("equal", "I fell off my "),
        DiffSpan("delete", "bike"),
        DiffSpan("insert", "horse"),
        DiffSpan("equal", "."),
    ]


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ("", "", []),
        ("a", "a", [DiffSpan("equal", "a")]),
        ("", "a b", [DiffSpan("insert", "a b")]),
        ("a b", "", [DiffSpan("delete", "a b")]),
        (
            "(tired)",
            "(happy)",
            [
                DiffSpan("equal", "("),
                DiffSpan("delete", "tired"),
                DiffSpan("insert", "happy"),
                DiffSpan("equal", ")"),
            ],
        ),
        ("one two", "uno due", [DiffSpan("delete", "one two"), DiffSpan("insert", "uno due")]),
    ],
)
def test_small_cases(before: str, after: str, spans: list[DiffSpan]) -> None:
    assert compare_texts(before, after) == spans


@settings(max_examples=examples(200), deadline=None)
@given(st.text("ab .\n🙂é", max_size=30), st.text("ab .\n🙂é", max_size=30))
def test_spans_rebuild_both_sides(before: str, after: str) -> None:
    spans = compare_texts(before, after)
    assert "".join(span.text for span in spans if span.kind != "insert") == before
    assert "".join(span.text for span in spans if span.kind != "delete") == after
    assert all(span.text for span in spans)
    if before == after:
        assert {span.kind for span in spans} <= {"equal"}


@pytest.mark.parametrize("join", ["\n", " "])
def test_long_texts_are_compared_in_coarser_pieces(join: str) -> None:
    before = join.join(f"line {at} of the text" for at in range(6_000))
    after = before.replace("line 3000 of", "line 3000 in")
    spans = compare_texts(before, after)
    assert "".join(span.text for span in spans if span.kind != "delete") == after
    assert any(span.kind == "insert" and "3000 in" in span.text for span in spans)


CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo", "weight": 0}]
}


def test_an_edit_names_its_field() -> None:
    after = {"messages": [CHAT["messages"][0], {"role": "assistant", "content": "Good day.", "weight": 0}]}
    assert compare_examples(CHAT, after) == [Difference("messages[1].content", "changed", "Yo", "Good day.")]


def test_an_inserted_message_does_not_shift_the_others() -> None:
    system = {"role": "system", "content": "Be kind."}
    after = {"messages": [system, *CHAT["messages"]]}
    assert compare_examples(CHAT, after) == [Difference("messages[0]", "added", None, system)]
    assert compare_examples(after, CHAT) == [Difference("messages[0]", "removed", system, None)]


def test_keys_come_and_go() -> None:
    after = {"messages": [CHAT["messages"][0], {"role": "assistant", "content": "Yo"}], "tools": []}
    assert compare_examples(CHAT, after) == [
        Difference("messages[1].weight", "removed", 0, None),
        Difference("tools", "added", None, []),
    ]


def test_types_count_and_key_order_does_not() -> None:
    assert compare_examples({"a": 1}, {"a": True}) == [Difference("a", "changed", 1, True)]
    assert compare_examples({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []
    assert compare_examples([1], None) == [Difference("", "changed", [1], None)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=1), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=examples(150), deadline=None)
@given(JSON, JSON)
def test_no_change_means_equal_values(before: Any, after: Any) -> None:
    assert compare_examples(before, before) == []
    assert bool(compare_examples(before, after)) == (repr(before) != repr(after) and not _same(before, after))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)
