"""A chat example in the shapes that people ask for. What a shape cannot hold is not written into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from curator.core.convert import templates
from curator.core.convert.trainers import TRAINERS, Trainer, to_trainer
from curator.core.convert.verdicts import verdict_of
from curator.core.formats import detect

Target = Literal["chat", "preference", "completion", "sharegpt", "alpaca", "csv"] | Trainer
TARGETS: tuple[Target, ...] = ("chat", "preference", "completion", "sharegpt", "alpaca", "csv", *TRAINERS)
_TOOL_KEYS = frozenset({"tools", "functions", "parallel_tool_calls", "function_call", "tool_choice"})
_SHAREGPT_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}


def to_target(value: Any, target: Target) -> Any | None:
    """An example in another format, further keys carried along; None where that format cannot hold all of it.

    What is written reads back as the same messages. A pair becomes a chat with its preferred answer. An answer
    that KTO data calls bad becomes no chat: it would be trained as a good one.
    """
    if target in TRAINERS:
        return to_trainer(value, cast(Trainer, target))
    if detect(value) == target or target == "csv":
        return value
    if target == "chat":
        return _as_chat(value)
    if target == "preference" or detect(value) != "chat":
        return None
    messages = value["messages"]
    rest = {key: item for key, item in value.items() if key != "messages"}
    if not isinstance(messages, list) or not all(map(_is_plain, messages)) or rest.keys() & _TOOL_KEYS:
        return None
    if target == "sharegpt":
        return _as_sharegpt(messages, rest)
    return _as_columns(messages, rest, target)


def _as_sharegpt(messages: list[dict[str, str]], rest: dict[str, Any]) -> dict[str, Any] | None:
    if any(message["role"] not in _SHAREGPT_NAMES for message in messages) or "system" in rest:
        return None
    turns = [{"from": _SHAREGPT_NAMES[each["role"]], "value": each["content"]} for each in messages]
    return {"conversations": turns, **rest} if turns else None


def _as_columns(messages: list[dict[str, str]], rest: dict[str, Any], target: Target) -> dict[str, Any] | None:
    """One question and one answer, with the system prompt in a key of its own where there is one."""
    roles = [message["role"] for message in messages]
    texts = [message["content"] for message in messages]
    if roles == ["system", "user", "assistant"] and texts[0]:
        system = {"system": texts.pop(0)}
    elif roles == ["user", "assistant"]:
        system = {}
    else:
        return None
    question, answer = texts
    if templates.turns_of_both(question, answer) is not None:
        return None  # it would be read back as the conversation that it looks like
    if target == "completion":
        record = {"prompt": question, "completion": answer}
    else:
        record = {"instruction": question, "input": "", "output": answer}
    if ({"system", "history"} | record.keys()) & rest.keys():
        return None
    return {**system, **record, **rest}


def _as_chat(value: Any) -> dict[str, Any] | None:
    kind = detect(value)
    if kind == "preference":
        return _preferred(value)
    if verdict_of(value) == "bad":
        return None
    if kind == "completion" and isinstance(value.get("prompt"), str) and isinstance(value.get("completion"), str):
        question = [{"role": "user", "content": value["prompt"]}]
        return {"messages": [*question, {"role": "assistant", "content": value["completion"]}]}
    return None


def _is_plain(message: Any) -> bool:
    """Whether a message is a role, a text, and nothing else."""
    if not isinstance(message, dict) or len(message) != 2:
        return False
    return isinstance(message.get("role"), str) and isinstance(message.get("content"), str)


def _preferred(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """A preference pair as a chat example with the preferred answer."""
    if not isinstance(value.get("input"), dict):
        return None
    question, preferred = value["input"].get("messages"), value.get("preferred_output")
    if not isinstance(question, list) or not isinstance(preferred, list):
        return None
    rest = {key: value["input"][key] for key in ("tools", "parallel_tool_calls") if key in value["input"]}
    return {"messages": [*question, *preferred], **rest}
