"""Whatever shape a line has: safe fixes keep every text that somebody meant, and settle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core import rules
from curator.core.bookkeeping import is_bookkeeping
from curator.core.example import parse
from tests.thorough import examples

OPENAI = rules.Context()
WORDS = st.integers(100, 999).map("meant{}".format)
"""Texts that can be found again anywhere in a line."""
TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", " ", "\n", "    ", "\u200b", "&amp; ", "one\\ntwo "]),
    WORDS,
    st.sampled_from(["", " ", "\n", "\u2028", "caf\u00c3\u00a9", "<|im_end|>", "\ufeff"]),
)
BLOCKS = st.one_of(
    TEXTS,
    st.builds(lambda text: {"text": text}, TEXTS),
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}, TEXTS),
    st.builds(lambda text: {"type": "image_url", "image_url": {"url": f"https://example.org/{text}"}}, WORDS),
    st.builds(lambda text: {"result": text}, WORDS),
)
CONTENTS = st.one_of(
    TEXTS,
    st.lists(BLOCKS, max_size=3),
    st.builds(lambda text: {"answer": text}, WORDS),
    st.sampled_from([None, "", 7, 1.50, True]),
)
MEANT_KEYS = (
    "label",
    "kto_tag",
    "chosen",
    "rejected",
    "context",
    "reasoning_content",
    "thought",
    "category",
    "notes",
)
SYSTEM_KEYS = ("system", "system_prompt", "context", "systemInstruction", "system_message", "instructions")
FUNCTIONS = st.builds(
    lambda name, text: {"name": name, "description": text, "parameters": {"type": "object", "properties": {}}},
    WORDS,
    WORDS,
)
CALLS = st.one_of(
    st.builds(lambda name, text: {"name": name, "arguments": json.dumps({"a": text})}, WORDS, WORDS),
    st.builds(
        lambda name, value, kind: {"id": "c1", **kind, "function": {"name": name, "arguments": value}},
        WORDS,
        st.one_of(st.just(""), st.builds(lambda text: {"a": text}, WORDS), WORDS.map(json.dumps)),
        st.sampled_from([{}, {"type": "function"}, {"type": "retrieval"}, {"type": None}]),
    ),
)
ROLES = st.sampled_from(
    ["system", "developer", "user", "assistant", "tool", "function", "Human", "AI", "bing", "narrator"]
)
MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": ROLES, "content": CONTENTS}),
    st.fixed_dictionaries({"role": ROLES, "text": TEXTS}),
    st.fixed_dictionaries({"from": ROLES, "value": TEXTS}),
    st.fixed_dictionaries({"speaker": ROLES, "utterance": TEXTS, "content": TEXTS}),
    st.fixed_dictionaries(
        {"role": ROLES},
        optional={
            "content": CONTENTS,
            "name": st.one_of(WORDS, st.just(None), WORDS.map("Zo\u00eb {}".format)),
            "weight": st.sampled_from([None, 0, 1, "1", True]),
            "tool_calls": st.one_of(st.none(), st.lists(CALLS, max_size=2), st.lists(CALLS).map(json.dumps)),
            "tool_call_id": st.sampled_from(["c1", None]),
            "function_call": st.one_of(st.none(), CALLS),
            "refusal": st.one_of(st.none(), WORDS),
            "reasoning_content": WORDS,
            "prefix": st.one_of(st.booleans(), WORDS),
            "id": WORDS,
            "text": TEXTS,
        },
    ),
    TEXTS,
)
LISTS = st.lists(MESSAGES, min_size=1, max_size=4)
BESIDE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(MEANT_KEYS, st.one_of(WORDS, st.booleans(), LISTS)),
        **dict.fromkeys(SYSTEM_KEYS, st.one_of(TEXTS, st.lists(BLOCKS, max_size=2), st.none())),
        "id": st.integers(0, 9),
        "metadata": st.builds(lambda text: {"note": text}, WORDS),
        "source": st.one_of(st.just("web"), st.builds(lambda text: f"{text} " * 60, WORDS)),
        "tools": st.one_of(
            st.none(), st.lists(FUNCTIONS, max_size=2), st.lists(FUNCTIONS, max_size=2).map(json.dumps)
        ),
        "functions": st.one_of(st.none(), st.lists(FUNCTIONS, max_size=2)),
        "parallel_tool_calls": st.sampled_from([None, True, "true", 1, "maybe"]),
        "tool_choice": st.one_of(st.just("auto"), st.builds(lambda name: {"function": {"name": name}}, WORDS)),
    },
)
OUTPUTS = st.one_of(LISTS, TEXTS, MESSAGES)
VALUES = st.one_of(
    st.builds(lambda messages, beside: {**beside, "messages": messages}, LISTS, BESIDE),
    st.builds(lambda messages, beside: {"messages": json.dumps(messages), **beside}, LISTS, BESIDE),
    st.builds(lambda value: json.dumps({"messages": value}), LISTS),
    LISTS,
    st.builds(
        lambda messages, one, two, beside: {
            "input": {"messages": messages, **beside},
            "preferred_output": one,
            "non_preferred_completion": two,
            **beside,
        },
        LISTS,
        OUTPUTS,
        OUTPUTS,
        BESIDE,
    ),
)


def meant_words(value: Any) -> Iterator[str]:
    """The texts of a value that no safe fix may lose: all but those under keys of bookkeeping."""
    if isinstance(value, str) and value.startswith(("[", "{")):
        yield from meant_words(json.loads(value))
    elif isinstance(value, str):
        yield from (f"meant{piece[:3]}" for piece in value.split("meant")[1:])
    elif isinstance(value, list):
        for item in value:
            yield from meant_words(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not is_bookkeeping(key, item):
                yield from meant_words(item)


@st.composite
def lines(draw: st.DrawFn) -> tuple[set[str], bytes]:
    """The words that somebody meant in a line, and the line, which may have a slip."""
    value = draw(VALUES)
    raw = json.dumps(value, ensure_ascii=draw(st.booleans())).encode()
    how = draw(st.sampled_from(["", "", "bom", "^Z", "nul", "tab", "comma", "two"]))
    if how == "tab":
        raw = raw.replace(b"meant", b"\tmeant", 1)
    raw = {"bom": b"\xef\xbb\xbf" + raw, "^Z": raw + b"\x1a", "nul": raw + b"\0\0"}.get(how, raw)
    raw = {"comma": raw + b",", "two": raw + raw}.get(how, raw)
    return set(meant_words(value)), raw


@settings(max_examples=examples(300), deadline=None)
@given(lines(), st.sampled_from([None, "supervised", "dpo"]))
def test_every_text_that_was_meant_is_there_after_the_safe_fixes(
    line: tuple[set[str], bytes], method: Any
) -> None:
    words, raw = line
    context = rules.Context(method=method)
    fixed, counts = rules.fix_all(parse(raw), context)
    text = fixed.decode()
    assert not {word for word in words if word not in text}, (raw, fixed)
    assert rules.fix_all(parse(fixed), context) == (fixed, {}), (raw, fixed)
    assert counts or fixed == raw


@settings(max_examples=examples(200), deadline=None)
@given(lines())
def test_all_fixes_settle_too(line: tuple[set[str], bytes]) -> None:
    fixed, _ = rules.fix_all(parse(line[1]), OPENAI, unsafe=True)
    pieces = [rules.fix_all(parse(piece), OPENAI, unsafe=True)[0] for piece in fixed.split(b"\n")]
    again = b"\n".join(rules.fix_all(parse(piece), OPENAI, unsafe=True)[0] for piece in pieces)
    assert again == b"\n".join(pieces)


def test_what_another_trainer_calls_untrained_stays_untrained() -> None:
    """Dropped, `loss: false` would make the model learn an answer that nobody wanted to be learnt."""
    for key, value, weight in (("loss", False, 0), ("train", True, 1), ("training", False, 0)):
        said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", key: value}]
        for unsafe in (False, True):
            fixed, _ = rules.fix_all(parse(json.dumps({"messages": said}).encode()), OPENAI, unsafe=unsafe)
            assert json.loads(fixed)["messages"][1] == {"role": "assistant", "content": "b", "weight": weight}
    odd = {"role": "assistant", "content": "b", "weight": 1, "loss": False}
    raw = json.dumps({"messages": [{"role": "user", "content": "a"}, odd]}).encode()
    assert rules.fix_all(parse(raw), OPENAI) == (raw, {})  # two that disagree are for a person
