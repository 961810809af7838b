"""With which bytes and where the editor begins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core import splice
from curator.core.example import parse
from curator.tui.examples.beginning import begin, is_empty, new_chat, usual_system
from curator.tui.examples.blocks import blocks_of

pytestmark = pytest.mark.by_turns

CONTENT: st.SearchStrategy[Any] = st.none() | st.just("") | st.text(max_size=5) | st.just([]) | st.integers()
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "bot", ""])
MESSAGE = st.fixed_dictionaries({"role": ROLE}, optional={"content": CONTENT, "weight": st.sampled_from([0, 1])})
CHAT = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE | st.integers(), max_size=5)}, optional={"x": st.text()}
)
OTHER = st.dictionaries(st.sampled_from(["prompt", "completion", "input", "preferred_output", "text"]), CONTENT)


@settings(deadline=None)
@given(CHAT | OTHER)
def test_the_beginning_only_adds_a_place_for_the_answer(value: dict[str, Any]) -> None:
    raw = json.dumps(value).encode()
    beginning = begin(raw)
    blocks = blocks_of(parse(beginning.raw))
    assert -1 <= beginning.block < len(blocks)
    if beginning.block >= 0:
        assert blocks[beginning.block].text_path
    if beginning.raw != raw:
        assert not blocks[beginning.block].text and blocks[beginning.block].role in ("assistant", "completion")
        texts = [block.text for block in blocks_of(parse(raw)) if block.text]
        assert [block.text for block in blocks if block.text] == texts


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_have_a_beginning(raw: bytes) -> None:
    assert begin(raw).raw == raw or b"completion" in begin(raw).raw or b"messages" in raw


def chat(*system: str) -> dict[str, Any]:
    """A chat with or without a system message."""
    return {
        "messages": [*({"role": "system", "content": text} for text in system), {"role": "user", "content": ""}]
    }


def test_an_empty_question_before_an_empty_answer_comes_first() -> None:
    def messages(*texts: str) -> bytes:
        roles = ("system", "user", "assistant")
        pairs = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        return json.dumps({"messages": pairs}).encode()

    blocks = [
        begin(messages(*texts)).block for texts in (("s", "", ""), ("s", "q", ""), ("s", "", "a"), ("s", "q", "a"))
    ]
    assert blocks == [1, 2, 2, 2]


def test_the_usual_system_prompt_is_that_of_half() -> None:
    usual, own = chat("usual"), chat("own")
    assert usual_system([usual, usual, own, chat()], own) == {"role": "system", "content": "usual"}
    assert usual_system([chat(), chat(), own], own) is None
    assert usual_system([chat("a"), chat("b"), chat("c")], own) == {"role": "system", "content": "own"}
    assert usual_system([], None) is None
    assert usual_system([{"prompt": "x"}, 7, None], chat()) is None


def test_a_new_chat_is_empty_and_begins_in_its_prompt() -> None:
    for system, block in ((None, 0), ({"role": "system", "content": "s"}, 1)):
        beginning = new_chat(system)
        assert is_empty(beginning.raw) and beginning.block == block
        assert blocks_of(parse(beginning.raw))[block].role == "user"
        assert not is_empty(splice.set_value(beginning.raw, ("messages", block, "content"), "x"))
