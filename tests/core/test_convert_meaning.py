"""A conversion never gives a text to another speaker, never makes one up, and loses none without telling it.

Each text of a record is a mark of its own that names who says it: `«u3»` the user, `«a4»` the assistant, `«x5»`
nobody.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.convert import maps
from curator.core.convert.shapes import detect_map
from curator.core.convert.to_example import Converted, Misfit, to_example
from curator.core.example import Path

CALL = {"name": "f", "arguments": '{"x": "«c1»"}'}
U1, A1, U2, A2 = "«u1»", "«a1»", "«u2»", "«a2»"
OPENAI = [{"role": "user", "content": U1}, {"role": "assistant", "content": A1}]
OPENAI_2 = [{"role": "user", "content": U2}, {"role": "assistant", "content": A2}]


def langchain(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "data": {"content": text, "additional_kwargs": {}, "type": kind, **more}}


def constructed(name: str, text: str) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "messages", name], "kwargs": {"content": text}}


def item(role: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def node(role: str, text: str, parent: str | None, **content: Any) -> dict[str, Any]:
    """A node of ChatGPT's export."""
    said = {"author": {"role": role, "name": None}, "weight": 1.0, "recipient": "all", "status": "«x2»"}
    return {"message": {**said, "content": content or {"content_type": "text", "parts": [text]}}, "parent": parent}


def claude(sender: str, text: str, uuid: str, parent: str) -> dict[str, Any]:
    """A message of Claude's export."""
    block = {"type": "text", "text": text, "citations": []}
    return {"sender": sender, "text": text, "content": [block], "uuid": uuid, "parent_message_uuid": parent}


def reply(role: str, text: str, rank: int | None, *replies: Any) -> dict[str, Any]:
    return {"role": role, "text": text, "rank": rank, "lang": "«x3»", "replies": [*replies]}


FLAT = {"q": {"type": "str, optional", "description": "«d2»"}, "n": {"type": "Tuple[int]", "description": "«d3»"}}
RECORDS: dict[str, Any] = {
    "chatgpt": {
        "title": "«x1»", "current_node": "d",
        "mapping": {
            "r": {"message": None, "parent": None}, "a": node("system", "«s1»", "r"), "b": node("user", U1, "a"),
            "c": node("assistant", "", "b", content_type="thoughts", thoughts=[{"content": "«x4»"}]),
            "d": node("assistant", A1, "c"),
        },
    },
    "chatgpt with branches": {
        "current_node": "d",
        "mapping": {
            "b": node("user", U1, None), "c": node("assistant", "«a5»", "b"), "d": node("assistant", A1, "b"),
        },
    },
    "claude": {
        "name": "«x1»", "chat_messages": [claude("human", U1, "1", "0"), claude("assistant", A1, "2", "1")],
    },
    "message tree": {
        "tree_state": "«x1»",
        "prompt": reply("prompter", U1, None, reply("assistant", "«a2»", 1), reply("assistant", A1, 0)),
    },
    "xlam": {
        "id": 0, "query": U1, "answers": json.dumps([{"name": "f", "arguments": {"x": "«c1»"}}]),
        "tools": json.dumps([{"name": "f", "description": "«d1»", "parameters": FLAT}]),
    },
    "glaive": {
        "system": 'SYSTEM: «s1» -\n{"name": "f", "description": "«d1»"}\n{"name": "g"}\n',
        "chat": f"USER: {U1}\n\n\nASSISTANT: {A1} <functioncall> "
        '{"name": "f", "arguments": \'{"x": "«c1»"}\'}'
        f" <|endoftext|>\n\n\nFUNCTION RESPONSE: «t1»\n\n\nASSISTANT: {A2} <|endoftext|>\n\n\nUSER: {U2}",
    },
    "hermes": {
        "conversations": [
            {"from": "system", "value": "«s1» <tools>[{'name': 'f', 'description': '«s2»'}]</tools>"},
            {"from": "human", "value": U1},
            {"from": "gpt", "value": A1 + "<tool_call>{'name': 'f', 'arguments': {'x': '«c1»'}}</tool_call>"},
            {"from": "tool", "value": "<tool_response>\n«t1»\n</tool_response>"}, {"from": "gpt", "value": A2},
        ],
        "category": "«x1»",
    },
    "nectar": {
        "prompt": f"\n\nHuman: {U1}\n\nAssistant: ", "source": ["«x1»"],
        "answers": [
            {"answer": "«r1»", "rank": 7.0, "model": "«x2»"}, {"answer": A1, "rank": 1.0},
        ],
    },
    "scores": {"instruction": U1, "completions": [{"response": "«r1»", "score": 2}, {"response": A1, "score": 8}]},
    "shp": {"history": U1, "human_ref_A": "«r1»", "human_ref_B": A1, "labels": 0, "post_id": "«x1»"},
    "arena": {
        "conversation_a": OPENAI, "winner": "model_a", "judge": "«x1»",
        "conversation_b": [OPENAI[0], {"role": "assistant", "content": "«r1»"}],
    },
    "helpsteer": {"context": OPENAI[:1], "response1": A1, "response2": "«r1»", "overall_preference": -2},
    "sharegpt": {
        "system": "«s1»", "id": "«x1»",
        "conversations": [{"from": "human", "value": U1}, {"from": "gpt", "value": A1, "weight": 0}],
    },
    "calls": {
        "conversations": [
            {"from": "human", "value": U1}, {"from": "function_call", "value": json.dumps(CALL)},
            {"from": "observation", "value": "«t1»"}, {"from": "gpt", "value": A1},
        ],
        "tools": [{"name": "f", "description": "«d1»", "parameters": {}}],
    },
    "named": {"conversation": [{"human": U1, "assistant": A1}, {"human": U2, "assistant": A2}]},
    "speakers": {"dialogue": [{"speaker": "User", "text": U1}, {"speaker": "Bot", "text": A1}]},
    "pairs of words": {"turns": [["user", U1], ["assistant", A1]]},
    "langchain": {"messages": [langchain("human", U1), langchain("ai", A1)]},
    "langchain calls": {
        "messages": [
            langchain("human", U1),
            langchain("ai", "", tool_calls=[{"name": "f", "args": {"x": "«c1»"}, "id": "1", "type": "tool_call"}]),
            langchain("tool", "«t1»", tool_call_id="1"), langchain("ai", A1),
        ]
    },
    "langchain constructors": {
        "messages": [
            constructed("SystemMessage", "«s1»"), constructed("HumanMessage", U1), constructed("AIMessage", A1),
        ]
    },
    "responses": {
        "instructions": "«s1»", "input": [item("user", "input_text", U1)],
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "«x1»"}]},
            item("assistant", "output_text", A1),
        ],
    },
    "responses calls": {
        "input": [
            item("user", "input_text", U1), {"type": "function_call", "call_id": "1", **CALL},
            {"type": "function_call_output", "call_id": "1", "output": "«t1»"},
        ],
        "output": [item("assistant", "output_text", A1)],
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "«s1»"}]},
        "contents": [
            {"role": "user", "parts": [{"text": U1}, {"text": U2}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": "«c1»"}}}]},
            {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {"r": "«t1»"}}}]},
            {"role": "model", "parts": [{"text": A1}]},
        ],
    },
    "anthropic batch": {
        "custom_id": "«x1»",
        "params": {
            "system": "«s1»",
            "messages": [
                {"role": "user", "content": U1},
                {"role": "assistant", "content": [
                    {"type": "text", "text": A1},
                    {"type": "tool_use", "id": "1", "name": "f", "input": {"x": "«c1»"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "«t1»"}]},
                    {"type": "text", "text": U2},
                ]},
                {"role": "assistant", "content": A2},
            ],
        },
    },
    "anthropic": {
        "system": "«s1»",
        "tools": [{"name": "f", "description": "«d1»", "input_schema": {}}],
        "messages": [
            {"role": "user", "content": U1},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": ["«c1»"]}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "«t1»"}]},
            {"role": "assistant", "content": [{"type": "text", "text": A1}]},
        ],
    },
    "bedrock": {
        "schemaVersion": "x", "system": [{"text": "«s1»"}],
        "messages": [
            {"role": "user", "content": [{"text": U1}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "f", "input": ["«c1»"]}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "«t1»"}]}}]},
            {"role": "assistant", "content": [{"text": A1}]},
        ],
    },
    "cohere": {
        "message": U2, "response": A2, "preamble": "«s1»",
        "chat_history": [{"role": "USER", "message": U1}, {"role": "CHATBOT", "message": A1}],
    },
    "vertex": {
        "context": "«s1»",
        "messages": [{"author": "user", "content": U1}, {"author": "bot", "content": A1}],
    },
    "alpaca": {"instruction": U1, "input": U2, "output": A1, "system": "«s1»", "history": [["«u3»", "«a3»"]]},
    "dolly": {"instruction": U1, "context": U2, "response": A1, "category": "«x1»"},
    "question": {"question": U1, "passage": U2, "answer": A1, "system_prompt": "«s1»"},
    "completion": {"prompt": U1, "completion": A1, "system": "«s1»", "note": "«x1»"},
    "conversational completion": {"prompt": OPENAI[:1], "completion": OPENAI[1:]},
    "row": {"row_idx": 0, "row": {"prompt": U1, "response": A1, "id": "«x1»"}, "truncated_cells": []},
    "bare list": [*OPENAI, *OPENAI_2],
    "chatml": {"text": f"<|im_start|>user\n{U1}<|im_end|>\n<|im_start|>assistant\n{A1}<|im_end|>\n", "n": "«x1»"},
    "zephyr": {"text": f"<|system|>\n«s1»</s>\n<|user|>\n{U1}</s>\n<|assistant|>\n{A1}</s>\n"},
    "pair": {"prompt": U1, "chosen": A1, "rejected": "«r1»", "system": "«s1»", "score": "«x1»"},
    "pair of conversations": {
        "prompt": U1, "chosen": [*OPENAI, *OPENAI_2],
        "rejected": [*OPENAI, OPENAI_2[0], {"role": "assistant", "content": "«r1»"}],
    },
    "swift": {"messages": [*OPENAI, *OPENAI_2], "rejected_response": "«r1»"},
    "ranking": {
        "conversations": [{"from": "human", "value": U1}],
        "chosen": {"from": "gpt", "value": A1}, "rejected": {"from": "gpt", "value": "«r1»"},
    },
}  # fmt: skip
ROLES = {"u": "user", "a": "assistant", "s": "system", "t": "tool", "r": "rejected"}
TOOLS = re.compile(r"<tools>[^«]*«s2»[^«]*</tools>")
MARK = re.compile(r"«([a-z])\d+»")


def check_that_meaning_is_the_same(record: Any, made: Converted) -> None:
    """Each text has its speaker, none is made up, and none is lost that is not told."""
    said = [*spoken(made.value)]
    for role, text in said:
        assert MARK.sub("", TOOLS.sub("", text)).strip("\n -") == ""
        for letter in MARK.findall(text):
            assert ROLES.get(letter) == role or (letter, role) == ("x", "tool")  # an object that a tool answers
    written = json.dumps(made.value, ensure_ascii=False)
    for path, mark in marks(record):
        steps = [
            "[]" if isinstance(step, int) or path[at - 1 : at] == ("mapping",) else step
            for at, step in enumerate(path)
        ]
        words = re.sub(r"\.(?=\[)", "", ".".join(steps))
        places = [place.partition(" (")[0] for place in made.left_behind]
        told = any(words == place or words.startswith((f"{place}.", f"{place}[")) for place in places)
        assert mark in written or told, (mark, made.left_behind)


def spoken(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(role, text) of each message; the answer that is not preferred is `rejected`. A tool's JSON is its texts."""
    listed = value.get("messages") or value["input"]["messages"]
    others = [{**each, "role": "rejected"} for each in value.get("non_preferred_output", [])]
    for message in [*listed, *value.get("preferred_output", []), *others]:
        content = message.get("content")
        if isinstance(content, str) and message["role"] == "tool" and content[:1] == "{":
            content = [mark for _, mark in marks(json.loads(content))]
        texts = content if isinstance(content, list) else [content or ""]
        for text in texts:
            yield message["role"], text["text"] if isinstance(text, dict) else text


def marks(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """(path, mark) of every mark in a value."""
    if isinstance(value, str):
        yield from ((path, mark[0]) for mark in MARK.finditer(value))
    elif isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from marks(inner, (*path, step))


@pytest.mark.parametrize("name", RECORDS)
def test_each_shape_is_carried_over_whole(name: str) -> None:
    made = to_example(RECORDS[name], detect_map([RECORDS[name]])[1])
    assert isinstance(made, Converted), made
    check_that_meaning_is_the_same(RECORDS[name], made)
    assert json.dumps(made.value).count('"role"') >= 2


def containers(value: Any) -> list[dict[str, Any] | list[Any]]:
    """The objects and lists in a value, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    here = [value] if isinstance(value, dict | list) else []
    return [*here, *(each for item in inner for each in containers(item))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A record of a known shape with one to three things taken away, put in, renamed or replaced."""
    record = copy.deepcopy(RECORDS[draw(st.sampled_from([*RECORDS]))])
    for number in range(draw(st.integers(1, 3))):
        held: Any = draw(st.sampled_from(containers(record)))
        steps = [*held] if isinstance(held, dict) else [*range(len(held))]
        extra: Any = draw(st.sampled_from([f"«x{7 + number}»", {"k": f"«x{7 + number}»"}, None, True, [], {}]))
        if not steps or draw(st.booleans()):
            key = draw(
                st.sampled_from(["note", "thought", "score", "id", "value", "text", "weight", "tool_calls"])
            )
            if (
                isinstance(held, dict)
                and key not in held
                and not (key in ("value", "text") and extra == str(extra))
            ):
                held[key] = extra
            continue
        step = draw(st.sampled_from(steps))
        if draw(st.booleans()) and not isinstance(extra, str):
            held[step] = extra
        else:
            del held[step]
    return record


@given(damaged())
def test_a_damaged_record_changes_no_meaning(record: Any) -> None:
    shape, by = detect_map([record])
    made = to_example(record, by)
    if isinstance(made, Misfit) or (shape in maps.NATIVE and made.value is record):
        return
    check_that_meaning_is_the_same(record, made)
