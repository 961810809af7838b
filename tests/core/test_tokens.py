"""Token counts: the published numbers, every odd value, and the model names that trap others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator import tokens
from curator.core import cost, models
from tests.thorough import examples

TOY = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "toy_chat_fine_tuning.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize(
    ("model", "totals", "assistants"),
    [
        ("gpt-3.5-turbo-0613", [45, 111, 26, 28, 8032], [10, 28, 9, 4, 8000]),
        ("gpt-4o-mini-2024-07-18", [43, 106, 26, 27, 8031], [8, 25, 9, 3, 8000]),
    ],
)
def test_toy_examples_have_the_published_counts(model: str, totals: list[int], assistants: list[int]) -> None:
    counted = [tokens.counter(model).example(example) for example in TOY]
    assert [count.total for count in counted] == totals
    assert [count.assistant for count in counted] == assistants
    assert not any(count.estimated for count in counted)


def test_toy_statistics_are_the_published_ones() -> None:
    counted = [tokens.counter("gpt-3.5-turbo").example(example) for example in TOY]
    totals = [count.total for count in counted]
    assert [np.mean(totals), np.median(totals)] == [1648.4, 45.0]
    assert list(np.quantile(totals, [0.1, 0.9])) == [26.8, 4863.6]
    answers = [count.assistant for count in counted]
    assert list(np.quantile(answers, [0.1, 0.9])) == [6.0, 4811.200000000001]


@pytest.mark.parametrize(
    ("model", "limit", "per_epoch", "billed"),
    [
        ("gpt-3.5-turbo-0613", None, 4306, 86120),
        ("gpt-4o-2024-08-06", 4096, 4298, 85960),
        ("gpt-3.5-turbo", 65536, 8242, 164840),
        ("gpt-4.1-2025-04-14", None, 8233, 164660),
    ],
)
def test_toy_costs_are_the_published_ones(model: str, limit: int | None, per_epoch: int, billed: int) -> None:
    totals = [tokens.counter(model).example(example).total for example in TOY]
    bill = cost.estimate(totals, models.find(model), limit=limit)
    assert (bill.tokens_per_epoch, bill.epochs, bill.billed_tokens) == (per_epoch, 20, billed)


def test_toy_cost_by_the_books_formula() -> None:
    counter = tokens.counter("gpt-3.5-turbo-0613")
    answers = [counter.example(example).assistant for example in TOY]
    assert cost.estimate(answers, models.find("gpt-3.5-turbo-0613")).billed_tokens == 82940


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1-2025-04-14", "o200k_base"),
        ("ft:gpt-4.1-2025-04-14:org:suffix:9uJPavaa:ckpt-step-100", "o200k_base"),
        ("ft:gpt-4o-2024-08-06:org::id", "o200k_base"),
        ("gpt-4o-mini-2024-07-18.ft-0123456789abcdef:ckpt-step-90", "o200k_base"),
        ("gpt-4o-2030-01-01", "o200k_base"),
        ("gpt-4.1-turbo", "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("o4-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-32k", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("gpt-3.5-turbo-16k", "cl100k_base"),
        ("ft:gpt-3.5-turbo-0613:org::id", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("babbage-002", "cl100k_base"),
        ("gpt-oss-20b", "o200k_harmony"),
        ("gpt-oss-120b", "o200k_harmony"),
    ],
)
def test_encoding_of_a_model(model: str, encoding: str) -> None:
    assert tokens.encoding_for(model) == encoding
    assert not tokens.counter(model).estimated


@pytest.mark.parametrize("model", ["gpt-6-luna", "Ministral-3B", "", "../../etc", "o1000"])
def test_unknown_models_are_marked_estimated(model: str) -> None:
    counter = tokens.counter(model)
    assert (counter.encoding, counter.estimated) == ("o200k_base", True)
    assert counter.example(TOY[0]).estimated


COUNTER = tokens.counter("gpt-4o")


def test_message_formula() -> None:
    role, text, name = COUNTER.text("user"), COUNTER.text("Hello there"), COUNTER.text("zoe")
    assert COUNTER.message({"role": "user", "content": "Hello there"}) == 3 + role + text
    assert COUNTER.message({"role": "user", "content": "Hello there", "name": "zoe"}) == 4 + role + text + name
    assert COUNTER.message({"role": "user", "content": "Hello there", "weight": 0}) == 3 + role + text


def test_tool_calls_count_as_compact_json_and_are_estimates() -> None:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    expected = COUNTER.text(json.dumps(calls, separators=(",", ":")))
    example = COUNTER.example({"messages": [message]})
    assert example == tokens.Tokens(3 + 3 + COUNTER.text("assistant") + expected, expected, True)


def test_tool_definitions_count_and_empty_ones_do_not() -> None:
    bare = {"messages": [{"role": "user", "content": "x"}]}
    tools = [{"type": "function", "function": {"name": "f"}}]
    more = COUNTER.example({**bare, "tools": tools})
    assert more.total - COUNTER.example(bare).total == COUNTER.text(json.dumps(tools, separators=(",", ":")))
    assert more.estimated
    assert COUNTER.example({**bare, "tools": []}) == COUNTER.example(bare)


def test_parts_and_images() -> None:
    def user(*parts: object) -> tokens.Tokens:
        return COUNTER.example({"messages": [{"role": "user", "content": list(parts)}]})

    text = {"type": "text", "text": "Which cheese?"}
    low = {"type": "image_url", "image_url": {"url": "https://example.org/c.jpg", "detail": "low"}}
    high = {"type": "image_url", "image_url": {"url": "https://example.org/c.jpg"}}
    plain = COUNTER.example({"messages": [{"role": "user", "content": "Which cheese?"}]})
    assert user(text) == plain
    assert user(text, low) == tokens.Tokens(plain.total + 85, 0, False)
    assert user(text, high) == tokens.Tokens(plain.total + 765, 0, True)


def test_preference_counts_input_and_both_outputs() -> None:
    pair: dict[str, Any] = {
        "input": {
            "messages": [{"role": "user", "content": "How cold?"}, {"role": "assistant", "content": "Where?"}]
        },
        "preferred_output": [{"role": "assistant", "content": "3 C."}],
        "non_preferred_output": [{"role": "assistant", "content": "Cold, I guess."}],
    }
    counted = COUNTER.example(pair)
    every = [*pair["input"]["messages"], *pair["preferred_output"], *pair["non_preferred_output"]]
    assert counted.total == 3 + sum(COUNTER.message(message) for message in every)
    assert counted.assistant == COUNTER.text("3 C.") + COUNTER.text("Cold, I guess.")
    old = {key.replace("_output", "_completion"): value for key, value in pair.items()}
    assert COUNTER.example(old) == counted


def test_completion_counts_both_texts() -> None:
    counted = COUNTER.example({"prompt": "What is 2+2? ->", "completion": " 4\n"})
    assert counted == tokens.Tokens(COUNTER.text("What is 2+2? ->") + COUNTER.text(" 4\n"), COUNTER.text(" 4\n"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "role", "content", "type", "text", "tools", "input", "prompt", "completion"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=examples(200), deadline=None)
@given(JSON)
def test_any_value_is_counted_without_an_error(value: Any) -> None:
    for example in (value, {"messages": value}, {"messages": [value]}, {"messages": [{"content": value}]}):
        counted = COUNTER.example(example)
        assert 0 <= counted.assistant <= counted.total
    assert COUNTER.message(value) >= 3


def test_too_deep_values_are_counted_as_nothing() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert COUNTER.example({"messages": [{"role": "user", "content": deep}]}).estimated


CHATS = st.lists(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=20))))


@given(CHATS)
def test_many_chats_are_counted_as_one_is(chats: list[list[tuple[str, str]]]) -> None:
    values = [{"messages": [{"role": role, "content": text} for role, text in chat]} for chat in chats]
    many = [(tuple(role for role, _ in chat), [text for _, text in chat]) for chat in chats]
    assert COUNTER.chats(many) == [COUNTER.example(value) for value in values]


def test_a_half_character_and_a_monster_text_are_counted_in_bulk_too() -> None:
    for text in ("half \ud800 a character", "a word " * 40_000):
        value = {"messages": [{"role": "user", "content": text}]}
        assert COUNTER.chats([(("user",), [text])]) == [COUNTER.example(value)]
