"""The classic counts, case by case as published (docs/openai.md §4), and against the notebook's own code."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.compat import ALLOWED_KEYS, FaultCounts, Variant

USER = {"role": "user", "content": "x"}
ANSWER = {"role": "assistant", "content": "y"}
CALL = {"name": "f", "arguments": "{}"}
TOOL_CALLS = [{"id": "c", "type": "function", "function": CALL}]


def example(*messages: Any) -> dict[str, Any]:
    return {"messages": [*messages]}


CASES: list[tuple[Any, dict[str, int], dict[str, int] | None]] = [
    (["a"], {"data_type": 1}, None),
    (None, {"data_type": 1}, None),
    ({}, {"missing_messages_list": 1}, None),
    ({"messages": None}, {"missing_messages_list": 1}, None),
    ({"messages": []}, {"missing_messages_list": 1}, None),
    ({"messages": ""}, {"missing_messages_list": 1}, None),
    ({"prompt": "a", "completion": "b"}, {"missing_messages_list": 1}, None),
    (example(USER, ANSWER), {}, None),
    (example(USER, {"role": "assistant", "content": None, "function_call": CALL}), {"missing_content": 1}, None),
    (example(USER, {"role": "assistant", "content": "", "function_call": CALL}), {}, None),
    (example({"role": "user", "content": [{"type": "text", "text": "a"}]}, ANSWER), {"missing_content": 1}, None),
    (example({"role": "user", "content": " "}, ANSWER), {}, None),
    (example({"role": "user", "content": ""}, ANSWER), {"missing_content": 1}, None),
    (
        example(USER, {"role": "assistant", "tool_calls": TOOL_CALLS}),
        {"message_missing_key": 1, "message_unrecognized_key": 1, "missing_content": 1},
        None,
    ),
    (
        example(USER, {"role": "tool", "tool_call_id": "c", "content": "3"}, ANSWER),
        {"message_unrecognized_key": 1, "unrecognized_role": 1},
        None,
    ),
    (example({"role": "developer", "content": "x"}, ANSWER), {"unrecognized_role": 1}, None),
    (example(USER, {**ANSWER, "weight": 0}), {}, {"message_unrecognized_key": 1}),
    (
        example(USER, {"content": "y"}),
        {"message_missing_key": 1, "unrecognized_role": 1, "example_missing_assistant_message": 1},
        None,
    ),
    ({"messages": "abc"}, {"missing_messages_list": 1}, None),
    ({"messages": {"role": "user"}}, {"missing_messages_list": 1}, None),
    (
        example("text", ANSWER),
        {"message_missing_key": 1, "unrecognized_role": 1, "missing_content": 1},
        None,
    ),
    (example({"role": "user", "content": "x", "a": 1, "b": 2}, ANSWER), {"message_unrecognized_key": 1}, None),
]


@pytest.mark.parametrize(("value", "cookbook", "book"), CASES)
def test_case(value: Any, cookbook: dict[str, int], book: dict[str, int] | None) -> None:
    for variant, expected in (("cookbook", cookbook), ("book", cookbook if book is None else book)):
        counts = FaultCounts(variant)  # type: ignore[arg-type]
        counts.add(value)
        assert dict(counts.counts) == expected


def notebook(dataset: list[Any], variant: Variant) -> Counter[str]:
    """The published checks, written down again from their description; raise where the notebook does."""
    found: Counter[str] = Counter()
    for entry in dataset:
        if not isinstance(entry, dict):
            found["data_type"] += 1
            continue
        if not (messages := entry.get("messages")):
            found["missing_messages_list"] += 1
            continue
        for m in messages:
            found["message_missing_key"] += "role" not in m or "content" not in m
            found["message_unrecognized_key"] += any(k not in ALLOWED_KEYS[variant] for k in m)
            found["unrecognized_role"] += m.get("role") not in ("system", "user", "assistant", "function")
            said = m.get("content")
            found["missing_content"] += (not said and not m.get("function_call")) or not isinstance(said, str)
        found["example_missing_assistant_message"] += not any(m.get("role") == "assistant" for m in messages)
    return +found


VALUES = st.sampled_from([None, "", "x", 1, [], ["a"], {"a": 1}, "user", "assistant", "bot"])
MESSAGES = st.dictionaries(
    st.sampled_from(["role", "content", "name", "weight", "function_call", "ts"]), VALUES, max_size=4
)


@given(
    st.lists(st.one_of(VALUES, st.fixed_dictionaries({"messages": st.lists(MESSAGES, max_size=3)})), max_size=6),
    st.sampled_from(["cookbook", "book"]),
)
def test_the_same_as_the_notebook(dataset: list[Any], variant: Variant) -> None:
    counts = FaultCounts(variant)
    for value in dataset:
        counts.add(value)
    assert counts.counts == notebook(dataset, variant)
