"""Examples in the shapes that other trainers and services read (docs/formats.md has a word on each)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

from curator.core.formats import detect

Trainer = Literal["trl", "axolotl", "llamafactory", "unsloth", "together", "mistral", "gemini", "bedrock"]
_ROLES = frozenset(("system", "user", "assistant", "tool"))
_TOOL_KEYS = frozenset(("tools", "parallel_tool_calls"))
_FACTORY_NAMES = {"user": "human", "assistant": "gpt", "tool": "observation"}

Messages = list[dict[str, Any]]


def to_trainer(value: Any, trainer: Trainer) -> dict[str, Any] | None:
    """A chat or a preference pair in the shape of a trainer; None where that shape cannot hold all of it."""
    kind = detect(value)
    if kind == "chat":
        messages = value["messages"]
        if not _are_known(messages) or messages[-1]["role"] != "assistant":
            return None
        rest = {key: item for key, item in value.items() if key != "messages"}
        return _CHATS[trainer](messages, rest)
    make_pair = _PAIRS.get(trainer)
    if kind != "preference" or make_pair is None or not isinstance(value.get("input"), dict):
        return None
    prompt, preferred, other = _threads_of(value)
    if not all(map(_are_known, (prompt, preferred, other))):
        return None
    return make_pair(prompt, preferred, other, {k: v for k, v in value["input"].items() if k in _TOOL_KEYS})


def _threads_of(value: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The messages of the question, of the preferred answer and of the other one."""
    return value["input"].get("messages"), value.get("preferred_output"), value.get("non_preferred_output")


def _are_known(messages: Any) -> bool:
    """Whether these are messages of the usual roles, each with a text or with calls."""
    if not isinstance(messages, list) or not messages:
        return False
    for each in messages:
        if not isinstance(each, dict) or each.get("role") not in _ROLES or "function_call" in each:
            return False
        if not isinstance(each.get("content"), str) and not (
            each.get("content") is None and each.get("tool_calls")
        ):
            return False
    return True


def _weights(messages: Messages) -> bool:
    return any("weight" in each for each in messages)


def _plain_texts(messages: Messages) -> bool:
    """Whether every message is a role and a text, and nothing else."""
    return all(each.keys() == {"role", "content"} and isinstance(each["content"], str) for each in messages)


def _split_system(messages: Messages) -> tuple[str, Messages] | None:
    """The system prompt ("" for none) and turns that alternate, the user's first; None where they do not."""
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    turns = messages[1:] if messages[0]["role"] == "system" else messages
    roles = [each["role"] for each in turns]
    alternate = roles[:1] == ["user"] and all(one != other for one, other in pairwise(roles))
    return (system, turns) if alternate and not {*roles} - {"user", "assistant"} else None


def _trl(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    return None if _weights(messages) else {"messages": messages, **rest}


def _unsloth(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    return None if not _plain_texts(messages) or rest.keys() & _TOOL_KEYS else {"conversations": messages, **rest}


def _axolotl(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    """Weights become `training`, which `message_field_training: training` reads."""
    if any(each.get("weight", 1) not in (0, 1) for each in messages):
        return None
    turns = [
        {**{key: item for key, item in each.items() if key != "weight"}, "training": bool(each["weight"])}
        if "weight" in each else each
        for each in messages
    ]  # fmt: skip
    return {"messages": turns, **rest}


def _service(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    """Together's and Mistral's chats: those of OpenAI; keys of other meaning would be refused."""
    return {"messages": messages, **{key: item for key, item in rest.items() if key in _TOOL_KEYS}}


def _llamafactory(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    """ShareGPT with calls: the odd turns are human or observation, the even ones gpt or function_call."""
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    turns = [_factory_turn(each) for each in (messages[1:] if messages[0]["role"] == "system" else messages)]
    if None in turns or "system" in rest or "conversations" in rest:
        return None
    asked = [turn["from"] in ("human", "observation") for turn in turns if turn]
    if asked != [at % 2 == 0 for at in range(len(asked))]:
        return None
    record: dict[str, Any] = {"conversations": turns}
    if system:
        record["system"] = system
    if "tools" in rest:
        tools = rest.pop("tools")
        record["tools"] = json.dumps([each.get("function", each) for each in tools if isinstance(each, dict)])
    return {**record, **rest}


def _factory_turn(message: dict[str, Any]) -> dict[str, str] | None:
    """One turn; None for a message that has more than a text, or than one call."""
    role = message["role"]
    calls = message.get("tool_calls")
    if role == "assistant" and isinstance(calls, list) and len(calls) == 1 and not message.get("content"):
        function = calls[0].get("function") if isinstance(calls[0], dict) else None
        try:
            arguments = json.loads(function["arguments"]) if isinstance(function, dict) else None
        except (KeyError, TypeError, ValueError):
            return None
        if not isinstance(function, dict) or not isinstance(arguments, dict):
            return None
        return {
            "from": "function_call",
            "value": json.dumps({"name": function.get("name"), "arguments": arguments}),
        }
    more = message.keys() - {"role", "content", *(("tool_call_id",) if role == "tool" else ())}
    if more or role not in _FACTORY_NAMES or not isinstance(message["content"], str):
        return None
    return {"from": _FACTORY_NAMES[role], "value": message["content"]}


def _gemini(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    found = _split_system(messages) if _plain_texts(messages) and not rest.keys() & _TOOL_KEYS else None
    if found is None:
        return None
    roles = {"user": "user", "assistant": "model"}
    contents = [{"role": roles[each["role"]], "parts": [{"text": each["content"]}]} for each in found[1]]
    head = {"systemInstruction": {"role": "system", "parts": [{"text": found[0]}]}} if found[0] else {}
    return {**head, "contents": contents}


def _bedrock(messages: Messages, rest: dict[str, Any]) -> dict[str, Any] | None:
    found = _split_system(messages) if _plain_texts(messages) and not rest.keys() & _TOOL_KEYS else None
    if found is None:
        return None
    turns = [{"role": each["role"], "content": [{"text": each["content"]}]} for each in found[1]]
    head = {"system": [{"text": found[0]}]} if found[0] else {}
    return {"schemaVersion": "bedrock-conversation-2024", **head, "messages": turns}


def _trl_pair(
    prompt: Messages, preferred: Messages, other: Messages, tools: dict[str, Any]
) -> dict[str, Any] | None:
    return {"prompt": prompt, "chosen": preferred, "rejected": other, **tools}


def _axolotl_pair(
    prompt: Messages, preferred: Messages, other: Messages, tools: dict[str, Any]
) -> dict[str, Any] | None:
    """`type: chat_template.default` of DPO: one message on each side."""
    if tools or len(preferred) != 1 or len(other) != 1:
        return None
    return {"messages": prompt, "chosen": preferred[0], "rejected": other[0]}


def _llamafactory_pair(
    prompt: Messages, preferred: Messages, other: Messages, tools: dict[str, Any]
) -> dict[str, Any] | None:
    if len(preferred) != 1 or len(other) != 1:
        return None
    record = _llamafactory([*prompt, preferred[0]], dict(tools))
    answers = [_factory_turn(each[0]) for each in (preferred, other)]
    if record is None or None in answers:
        return None
    record["conversations"] = record["conversations"][:-1]
    return {**record, "chosen": answers[0], "rejected": answers[1]}


def _together_pair(
    prompt: Messages, preferred: Messages, other: Messages, tools: dict[str, Any]
) -> dict[str, Any] | None:
    pair_input = {"messages": prompt, **tools}
    return {"input": pair_input, "preferred_output": preferred, "non_preferred_output": other}


_CHATS: dict[Trainer, Callable[[Messages, dict[str, Any]], dict[str, Any] | None]] = {
    "trl": _trl,
    "axolotl": _axolotl,
    "llamafactory": _llamafactory,
    "unsloth": _unsloth,
    "together": _service,
    "mistral": _service,
    "gemini": _gemini,
    "bedrock": _bedrock,
}
_PAIRS: dict[Trainer, Callable[[Messages, Messages, Messages, dict[str, Any]], dict[str, Any] | None]] = {
    "trl": _trl_pair,
    "unsloth": _trl_pair,
    "axolotl": _axolotl_pair,
    "llamafactory": _llamafactory_pair,
    "together": _together_pair,
}
TRAINERS: Sequence[Trainer] = tuple(_CHATS)
