"""Calls and tools as other trainers write them, in the shape of the chat API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curator.core import spelled_numbers
from curator.core.convert.carried import MisfitError
from curator.core.convert.parameters import schema_of

Call = dict[str, Any]
_QUESTIONS = ("query", "question", "user_query", "instruction", "prompt")
"""Keys of the question whose answer is calls."""
_ARGUMENTS = ("arguments", "parameters", "args")
"""Keys of a call's arguments."""


def parsed_json(value: Any, name: str) -> Any:
    """The value of a JSON text, or a value that is none already. Raises MisfitError for a text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return spelled_numbers.loads(value)
    except (ValueError, RecursionError):
        raise MisfitError(f"'{name}' is a text that is no JSON") from None


def question_of_calls(record: Mapping[str, Any]) -> str | None:
    """The key of the question in a record whose answer is calls in a column of its own (xLAM); else None."""
    if not isinstance(record.get("answers"), str | list) or not isinstance(record.get("tools"), str | list):
        return None
    key = next((key for key in _QUESTIONS if isinstance(record.get(key), str)), None)
    try:
        return key if key and calls(record["answers"], "answers", 1) and tools(record["tools"]) else None
    except MisfitError:
        return None


def tools(value: Any, name: str = "tools") -> list[Any]:
    """The `tools` list of the API, from a list, a JSON text, or bare functions without their wrapper.

    Raises MisfitError where an entry is no function with a name.
    """
    entries = parsed_json(value, name)
    if not isinstance(entries, list):
        raise MisfitError(f"'{name}' is no list of functions")
    return [_tool(each, name) for entry in entries for each in _declared(entry)]


def _declared(entry: Any) -> list[Any]:
    """The functions that Gemini declares in one entry; any other entry is one itself."""
    for key in ("functionDeclarations", "function_declarations"):
        if isinstance(entry, dict) and entry.keys() == {key} and isinstance(entry[key], list):
            return list(entry[key])
    return [entry]


def _tool(entry: Any, name: str) -> Any:
    if isinstance(entry, dict):
        if isinstance(entry.get("function"), dict) and isinstance(entry["function"].get("name"), str):
            return {"type": "function", **entry}
        if isinstance(entry.get("name"), str) and "function" not in entry:
            schema = {"parameters" if key == "input_schema" else key: each for key, each in entry.items()}
            function = schema if "parameters" not in entry else dict(entry)
            if isinstance(function.get("parameters"), dict):
                function["parameters"] = schema_of(function["parameters"])
            return {"type": "function", "function": function}
    raise MisfitError(f"'{name}' holds something that is no function with a name")


def calls(value: Any, name: str, first_id: int) -> list[Call]:
    """`tool_calls` of a function-call turn: one call or a list, as objects or a JSON text.

    Ids are counted from `first_id` ("call_1"), unless a call has its own. Raises MisfitError for what is no call.
    """
    entries = parsed_json(value, name)
    entries = entries if isinstance(entries, list) else [entries]
    if not entries:
        raise MisfitError(f"'{name}' calls nothing")
    return [_call(entry, name, f"call_{number}") for number, entry in enumerate(entries, first_id)]


def _call(entry: Any, name: str, call_id: str) -> Call:
    if isinstance(entry, dict) and isinstance(entry.get("function"), dict):
        call_id = _id_of(entry, call_id)
        entry = entry["function"]
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise MisfitError(f"'{name}' is no call: it has no function name")
    unknown = entry.keys() - {*_ARGUMENTS, "name", "id", "type"}
    if unknown:
        raise MisfitError(f"'{name}' is a call with the unknown key '{min(unknown)}'")
    arguments_found = [entry[key] for key in _ARGUMENTS if key in entry]
    if len(arguments_found) > 1:
        raise MisfitError(f"'{name}' is a call with its arguments in two places")
    arguments = arguments_found[0] if arguments_found else {}
    if not isinstance(arguments, str):
        arguments = spelled_numbers.spell(arguments)
    return {
        "id": _id_of(entry, call_id),
        "type": "function",
        "function": {"name": entry["name"], "arguments": arguments},
    }


def _id_of(entry: Call, usual: str) -> str:
    """The id that a call has, else `usual`."""
    call_id = entry.get("id")
    if call_id is not None and not isinstance(call_id, str):
        raise MisfitError("the id of a call is no text")
    return call_id or usual
