"""Differences of texts and of examples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.diff import Change, Span, examples, words


def test_one_word_replaced() -> None:
    assert words("I fell off my bike.", "I fell off my horse.") == [
        Span("equal", "I fell off my "),
        Span("delete", "bike"),
        Span("insert", "horse"),
        Span("equal", "."),
    ]


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ("", "", []),
        ("a", "a", [Span("equal", "a")]),
        ("", "a b", [Span("insert", "a b")]),
        ("a b", "", [Span("delete", "a b")]),
        (
            "(tired)",
            "(happy)",
            [Span("equal", "("), Span("delete", "tired"), Span("insert", "happy"), Span("equal", ")")],
        ),
        ("one two", "uno due", [Span("delete", "one two"), Span("insert", "uno due")]),
    ],
)
def test_small_cases(before: str, after: str, spans: list[Span]) -> None:
    assert words(before, after) == spans


@settings(max_examples=200, deadline=None)
@given(st.text("ab .\n🙂é", max_size=30), st.text("ab .\n🙂é", max_size=30))
def test_spans_rebuild_both_sides(before: str, after: str) -> None:
    spans = words(before, after)
    assert "".join(span.text for span in spans if span.kind != "insert") == before
    assert "".join(span.text for span in spans if span.kind != "delete") == after
    assert all(span.text for span in spans)
    if before == after:
        assert {span.kind for span in spans} <= {"equal"}


@pytest.mark.parametrize("join", ["\n", " "])
def test_long_texts_are_compared_in_coarser_pieces(join: str) -> None:
    before = join.join(f"line {at} of the text" for at in range(6_000))
    after = before.replace("line 3000 of", "line 3000 in")
    spans = words(before, after)
    assert "".join(span.text for span in spans if span.kind != "delete") == after
    assert any(span.kind == "insert" and "3000 in" in span.text for span in spans)


CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo", "weight": 0}]
}


def test_an_edit_names_its_field() -> None:
    after = {"messages": [CHAT["messages"][0], {"role": "assistant", "content": "Good day.", "weight": 0}]}
    assert examples(CHAT, after) == [Change("messages[1].content", "changed", "Yo", "Good day.")]


def test_an_inserted_message_does_not_shift_the_others() -> None:
    system = {"role": "system", "content": "Be kind."}
    after = {"messages": [system, *CHAT["messages"]]}
    assert examples(CHAT, after) == [Change("messages[0]", "added", None, system)]
    assert examples(after, CHAT) == [Change("messages[0]", "removed", system, None)]


def test_keys_come_and_go() -> None:
    after = {"messages": [CHAT["messages"][0], {"role": "assistant", "content": "Yo"}], "tools": []}
    assert examples(CHAT, after) == [
        Change("messages[1].weight", "removed", 0, None),
        Change("tools", "added", None, []),
    ]


def test_types_count_and_key_order_does_not() -> None:
    assert examples({"a": 1}, {"a": True}) == [Change("a", "changed", 1, True)]
    assert examples({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []
    assert examples([1], None) == [Change("", "changed", [1], None)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=1), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_no_change_means_equal_values(before: Any, after: Any) -> None:
    assert examples(before, before) == []
    assert bool(examples(before, after)) == (repr(before) != repr(after) and not _same(before, after))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)
