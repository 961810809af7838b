"""The shapes of other trainers: what each holds and skips, and that an import reads the same messages back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from curator.core.convert.shapes import detect_map
from curator.core.convert.to_example import Converted, to_example
from curator.core.convert.trainers import TRAINERS, Trainer, to_trainer


def turn(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": "x"}'}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
PLAIN = {"messages": [turn("system", "Be brief."), turn("user", "Hi?"), turn("assistant", "Yes."),
                      turn("user", "And?"), turn("assistant", "No.")]}  # fmt: skip
SHORT = {"messages": [turn("user", "Hi?"), turn("assistant", "Yes.")]}
CALLS = {
    "messages": [turn("user", "Find x"), turn("assistant", None, tool_calls=[CALL]),
                 turn("tool", "found", tool_call_id="c1"), turn("assistant", "Here.")],
    "tools": [TOOL],
}  # fmt: skip
WEIGHED = {"messages": [turn("user", "Hi?"), turn("assistant", "Yes.", weight=0), turn("user", "So?"),
                        turn("assistant", "No.", weight=1)]}  # fmt: skip
PAIR = {
    "input": {"messages": [turn("user", "Hi?")], "tools": [], "parallel_tool_calls": True},
    "preferred_output": [turn("assistant", "Yes.")],
    "non_preferred_output": [turn("assistant", "What?")],
}
HOLDS: dict[str, set[str]] = {
    "trl": {"plain", "short", "calls", "pair"},
    "axolotl": {"plain", "short", "calls", "weighed"},
    "llamafactory": {"plain", "short", "calls", "pair"},
    "unsloth": {"plain", "short", "pair"},
    "together": {"plain", "short", "calls", "weighed", "pair"},
    "mistral": {"plain", "short", "calls", "weighed"},
    "gemini": {"plain", "short"},
    "bedrock": {"plain", "short"},
}
VALUES: dict[str, Any] = {"plain": PLAIN, "short": SHORT, "calls": CALLS, "weighed": WEIGHED, "pair": PAIR}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_a_trainer_holds(trainer: Trainer) -> None:
    before = copy.deepcopy(VALUES)
    made = {name: to_trainer(value, trainer) for name, value in VALUES.items()}
    assert {name for name, value in made.items() if value is not None} == HOLDS[trainer]
    assert before == VALUES  # nothing is changed on the way
    for name in ("plain", "short") if trainer != "bedrock" else ():
        record = json.loads(json.dumps(made[name]))
        _, by = detect_map([record])
        back = to_example(record, by)
        assert isinstance(back, Converted), (trainer, name, back)
        messages = [{"role": each["role"], "content": _text(each["content"])} for each in back.value["messages"]]
        assert messages == VALUES[name]["messages"], (trainer, name)


def _text(content: Any) -> Any:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


WRONG: tuple[Any, ...] = (
    None,
    [],
    {"messages": []},
    {"messages": [turn("user", "Hi?")]},
    {"messages": [turn("user", "Hi?"), turn("developer", "x"), turn("assistant", "Yes.")]},
    {"messages": [turn("user", [{"type": "text", "text": "x"}]), turn("assistant", "Yes.")]},  # type: ignore[arg-type]
    {"messages": [turn("user", "Hi?"), turn("assistant", None)]},
    {"messages": [turn("user", "Hi?"), "x", turn("assistant", "Yes.")]},
    {"messages": [turn("user", "Hi?"), turn("assistant", None, function_call={"name": "f", "arguments": "{}"})]},
    {"input": 3, "preferred_output": 4, "non_preferred_output": 5},
    {"prompt": "a", "completion": "b"},
)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_no_trainer_holds(trainer: Trainer) -> None:
    assert [to_trainer(value, trainer) for value in WRONG] == [None] * len(WRONG)


def test_details() -> None:
    weighed = to_trainer(WEIGHED, "axolotl")
    assert weighed is not None and [each.get("training") for each in weighed["messages"]] == [
        None,
        False,
        None,
        True,
    ]
    calls = to_trainer(CALLS, "llamafactory")
    assert calls is not None
    assert [each["from"] for each in calls["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(calls["tools"]) == [TOOL["function"]]
    assert to_trainer({**SHORT, "topic": "x"}, "gemini") == to_trainer(SHORT, "gemini")
    assert to_trainer({**SHORT, "topic": "x"}, "trl") == {**SHORT, "topic": "x"}
    twice = {"messages": [turn("user", "a"), turn("user", "b"), turn("assistant", "c")]}
    assert to_trainer(twice, "bedrock") is None and to_trainer(twice, "llamafactory") is None
