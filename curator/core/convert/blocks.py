"""Content blocks of other services: texts, calls and answers of calls in one list, as messages of the chat API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curator.core.convert.carried import MisfitError
from curator.core.convert.texts_in import content

Answer = tuple[str | None, str | None, str]
"""(id of the call, name of the function, text); a service may leave out the id or the name."""

_CALLS = {"toolUse": ("toolUseId", "input"), "functionCall": ("id", "args"), "function_call": ("id", "args")}
"""Keys of blocks that hold a call, with those of its id and its arguments (Bedrock, Gemini)."""
_ANSWERS = {"toolResult": ("toolUseId", "content"), "functionResponse": ("id", "response")}
_ANSWERS["function_response"] = _ANSWERS["functionResponse"]


@dataclass(slots=True)
class Blocks:
    """What a list of blocks says, by kinds."""

    texts: list[Any] = field(default_factory=list)
    """Texts and content parts of the API."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Each as `{"id", "name", "arguments"}`."""
    answers: list[Answer] = field(default_factory=list)

    @property
    def content(self) -> str | list[Any] | None:
        """The content of a message: a single text as it is."""
        if len(self.texts) == 1 and isinstance(self.texts[0], str):
            return str(self.texts[0])
        return content(self.texts, "content") if self.texts else None


def has_blocks(value: Any) -> bool:
    """Whether a list holds blocks that are no content parts of the API."""
    return isinstance(value, list) and any(isinstance(each, dict) and _kind(each) != "" for each in value)


def has_calls(value: Any) -> bool:
    """Whether a list holds calls or answers of calls as other services write them."""
    return isinstance(value, list) and any(
        isinstance(each, dict) and _kind(each) in ("call", "answer") for each in value
    )


def read_blocks(value: list[Any], name: str) -> Blocks:
    """The blocks of a list by kinds. Raises MisfitError where one is of no known kind, or out of order."""
    blocks = Blocks()
    for each in value:
        kind = _kind(each) if isinstance(each, dict) else ""
        if kind == "call":
            blocks.calls.append(_call(each))
            continue
        if blocks.calls:
            raise MisfitError(f"'{name}' goes on after a call")
        if kind == "answer":
            if blocks.texts:
                raise MisfitError(f"'{name}' holds a text before the answer of a call")
            blocks.answers.append(_answer(each, name))
        elif kind == "text":
            blocks.texts.append(each["text"])
        else:
            blocks.texts += content([each], name) or []
    return blocks


def _kind(block: Mapping[str, Any]) -> str:
    """`call`, `answer`, `text` of another service, or empty for what may be a part of the API."""
    kind = block.get("type")
    if kind == "tool_use" or not _CALLS.keys().isdisjoint(block):
        return "call"
    if kind == "tool_result" or not _ANSWERS.keys().isdisjoint(block):
        return "answer"
    has_text = isinstance(block.get("text"), str) and not block.get("thought")
    if has_text and kind in ("input_text", "output_text"):
        plain = block.keys() <= {"type", "text", "annotations", "logprobs"} and not block.get("annotations")
        return "text" if plain else ""
    return "text" if has_text and block.keys() <= {"text", "thought"} else ""


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    if block.get("type") == "tool_use":
        _check_keys(block, "type", "id", "name", "input")
        return {"id": block.get("id"), "name": block.get("name"), "arguments": block.get("input", {})}
    key = next(key for key in _CALLS if key in block)
    inner = block[key]
    if not isinstance(inner, dict) or len(block) != 1:
        raise MisfitError(f"'{key}' is no call alone")
    id_key, arguments_key = _CALLS[key]
    _check_keys(inner, id_key, "name", arguments_key)
    return {"id": inner.get(id_key), "name": inner.get("name"), "arguments": inner.get(arguments_key, {})}


def _answer(block: Mapping[str, Any], name: str) -> Answer:
    if block.get("type") == "tool_result":
        _check_keys(block, "type", "tool_use_id", "content", "is_error")
        if block.get("is_error"):
            raise MisfitError(f"'{name}' holds the error of a call")
        return _checked_id(block.get("tool_use_id")), None, _answer_text(block.get("content"), name)
    key = next(key for key in _ANSWERS if key in block)
    inner = block[key]
    if not isinstance(inner, dict) or len(block) != 1 or inner.get("status") == "error":
        raise MisfitError(f"'{key}' is no answer of a call alone")
    id_key, text_key = _ANSWERS[key]
    _check_keys(inner, id_key, "name", text_key, "status")
    return _checked_id(inner.get(id_key)), inner.get("name"), _answer_text(inner.get(text_key), name)


def _checked_id(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise MisfitError("the id of a call is no text")
    return value


def _check_keys(inner: Mapping[str, Any], *carried: str) -> None:
    """Raise MisfitError where a block holds more than is carried over."""
    if further := inner.keys() - {*carried}:
        raise MisfitError(f"a block has the unknown key '{min(further)}'")


def _answer_text(value: Any, name: str) -> str:
    """The text of an answer: as it is, joined of its blocks, or an object as JSON, as tools give it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    texts: list[str] = []
    for each in value if isinstance(value, list) else [None]:
        inner: dict[str, Any] = each if isinstance(each, dict) else {}
        if inner.keys() <= {"type", "text"} and isinstance(inner.get("text"), str):
            texts.append(inner["text"])
        elif inner.keys() == {"json"} and isinstance(inner["json"], dict):
            texts.append(json.dumps(inner["json"], ensure_ascii=False))
        else:
            raise MisfitError(f"'{name}' holds an answer of a call that is no text")
    return "\n\n".join(texts)
