"""Examples of a size that nobody meant to write: the work grows with them, and not faster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from curator.core import example, rules, splice
from curator.core.example import parse
from curator.core.rules.families import calls
from curator.core.rules.registry import REGISTRY
from curator.core.rules.subject import Subject


def conversation(turns: int, **call: Any) -> bytes:
    """So many questions that are answered by way of a call, all of them with the given keys."""
    whole = {"type": "function", "function": {"name": "f", "arguments": "{}"}, **call}
    messages: list[dict[str, Any]] = []
    for number in range(turns):
        messages += [
            {"role": "user", "content": f" question {number}"},
            {"role": "assistant", "tool_calls": [whole]},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
            {"role": "assistant", "content": "answer"},
            {"role": "assistant", "content": "and more"},
        ]
    return json.dumps({"messages": messages}).encode()


SPOILT: dict[str, dict[str, Any]] = {
    "tool_call_duplicate_id": {"id": "c"},
    "tool_call_shape": {"id": "c", "type": None},
    "tool_arguments_not_string": {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}},
    "consecutive_same_role": {"id": "c"},
    "surrounding_whitespace": {"id": "c"},
}


@pytest.mark.parametrize("rule", SPOILT)
def test_the_work_of_a_fix_grows_with_the_messages(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert REGISTRY[rule].fix is not None
    steps = 0

    def counted(function: Any) -> Any:
        def call(*args: Any) -> Any:
            nonlocal steps
            steps += 1
            return function(*args)

        return call

    def counted_walk(function: Any) -> Any:
        def call(*args: Any) -> Any:
            nonlocal steps
            for child in function(*args):
                steps += 1
                yield child

        return call

    for name in ("_ids_of_calls", "tool_calls"):
        monkeypatch.setattr(calls, name, counted(getattr(calls, name)))
    for module in (splice, rules.edits, rules.subject):
        monkeypatch.setattr(module, "children_of", counted_walk(splice.children_of))
    monkeypatch.setattr(splice, "_place", lambda *place: (splice._find(*place) or ())[1:3] or None)
    work = []
    for turns in (50, 200):
        steps, raw = 0, conversation(turns, **SPOILT[rule])
        assert rules.fix(parse(raw), rule, rules.Context()) not in (None, raw)
        work.append(steps)
    assert work[1] <= 4.5 * work[0] + 50


def test_calls_that_are_made_and_answered_together_keep_their_pairs() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answers = [{"role": "tool", "tool_call_id": "c", "content": str(n)} for n in range(3)]
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call] * 3}, *answers]
    fixed = rules.fix(
        parse(json.dumps({"messages": messages}).encode()), "tool_call_duplicate_id", rules.Context()
    )
    assert fixed is not None
    value = json.loads(fixed)["messages"]
    named = [made["id"] for made in value[1]["tool_calls"]]
    assert len(set(named)) == 3 and [message["tool_call_id"] for message in value[2:]] == named


@pytest.mark.parametrize("pattern", [splice._BRACKET_OR_STRING, example._BRACKET_OR_STRING])
@pytest.mark.parametrize("end", [b"", b"\\", b"\\\\", b'\\"'])
def test_a_text_without_an_end_is_one_step(pattern: Any, end: bytes) -> None:
    text = b'"' + rb"\"{" * 100 + end
    assert [match[0] for match in pattern.finditer(b'[{"a": ' + text)] == [b"[", b"{", b'"a"', text]
    with pytest.raises(ValueError):
        splice.whole(b'{"a": ' + text)


def test_the_span_of_a_value_is_that_of_its_last_key() -> None:
    raw = b'{"messages": [{"role": "user", "content": 1, "content": {"a": [1, 2]}}], "x": "y"}'
    subject = Subject(parse(raw), rules.Context())
    for path in ((), ("messages",), ("messages", 0, "content"), ("messages", 0, "content", "a", 1), ("x",)):
        assert subject.span(path) == splice.span(raw, path)
