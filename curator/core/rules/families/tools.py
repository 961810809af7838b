"""Rules on declared tools and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.json_schema import schema_flaw
from curator.core.rules.families.messages import is_name
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, Finding, rule
from curator.core.rules.subject import Subject, Turn, json_type, quote
from curator.core.splice import Edit

MAX_TOOLS = 128


def tool_holder(subject: Subject) -> tuple[Path, dict[str, Any]]:
    """The object that holds the tools of an example (the example itself, or the input of a pair), with its
    place."""
    if subject.format != "preference":
        return (), subject.value
    pair_input = subject.value.get("input")
    return ("input",), pair_input if isinstance(pair_input, dict) else {}


def declared_functions(subject: Subject) -> dict[str, dict[str, Any]]:
    """The declared functions by name, from `tools` and the old `functions`; invalid ones are skipped."""
    _, holder = tool_holder(subject)
    tools, old = holder.get("tools"), holder.get("functions")
    items = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    items += old if isinstance(old, list) else []
    return {
        function["name"]: function
        for function in items
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


@rule(
    "tools_invalid",
    "E",
    44,
    "a tool without type function or a valid name, parameters that are no object schema, a name twice, over 128",
    "the service refuses the example",
    when=Has.TOOLS,
)
def tools_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    path, holder = tool_holder(subject)
    names: set[str] = set()
    for key in ("tools", "functions"):
        if key not in holder:
            continue
        items = holder[key]
        if not isinstance(items, list):
            yield Finding((*path, key), f"'{key}' is {json_type(items)}, not a list")
            continue
        if len(items) > MAX_TOOLS or (key == "functions" and not items):
            yield Finding((*path, key), f"{len(items)} {key}; 1 to {MAX_TOOLS} are allowed")
        for index, item in enumerate(items):
            yield from _tool_findings((*path, key, index), item, key, names)


def _tool_findings(path: Path, tool: Any, key: str, names: set[str]) -> Iterator[Finding]:
    if not isinstance(tool, dict):
        yield Finding(path, f"the tool is {json_type(tool)}, not an object")
        return
    function: Any = tool
    if key == "tools":
        if tool.get("type") != "function":
            yield Finding((*path, "type") if "type" in tool else path, "the tool's type is not 'function'")
        path, function = (*path, "function"), tool.get("function")
        if not isinstance(function, dict):
            yield Finding(path[:-1], "the tool has no 'function' object")
            return
    name = function.get("name")
    if not isinstance(name, str) or not is_name(name):
        yield Finding((*path, "name") if "name" in function else path, f"{quote(name)} is no valid function name")
    elif name in names:
        yield Finding((*path, "name"), f"the function {quote(name)} is declared twice")
    else:
        names.add(name)
    parameters = function.get("parameters", {})
    if not isinstance(parameters, dict) or (parameters and parameters.get("type") != "object"):
        yield Finding((*path, "parameters"), "the parameters are no JSON Schema of type object")
    elif (wrong := schema_flaw(parameters)) is not None:
        yield Finding((*path, "parameters"), f"the parameters are no JSON Schema: {wrong}")


@rule(
    "tool_unknown_name",
    "W",
    48,
    "a call, or tool_choice, names a tool that is not declared",
    "the model is to see the tools it calls: declare them in the example",
    when=Has.TOOLS,
)
def tool_unknown_name(subject: Subject, context: Context) -> Iterator[Finding]:
    names = declared_functions(subject)
    for path, function in called_functions(subject):
        name = function.get("name")
        if isinstance(name, str) and name not in names:
            yield Finding((*path, "name"), f"{quote(name)} is not among the declared tools")
    path, holder = tool_holder(subject)
    choice = holder.get("tool_choice")
    choice_function = choice.get("function") if isinstance(choice, dict) else None
    if (
        isinstance(choice_function, dict)
        and isinstance(choice_function.get("name"), str)
        and choice_function["name"] not in names
    ):
        where = (*path, "tool_choice", "function", "name")
        yield Finding(where, f"{quote(choice_function['name'])} is not among the declared tools")


def tool_calls(turn: Turn) -> list[Any]:
    """The list `tool_calls` of a message, whose items may be any JSON values; empty where there is no list."""
    items = turn.message.get("tool_calls")
    return items if isinstance(items, list) else []


def called_functions(subject: Subject) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The `function` objects of tool calls, and the old `function_call` objects, with their places."""
    for turn in subject.turns:
        for index, call in enumerate(tool_calls(turn)):
            if isinstance(call, dict) and isinstance(call.get("function"), dict):
                yield (*turn.path, "tool_calls", index, "function"), call["function"]
        old = turn.message.get("function_call")
        if isinstance(old, dict):
            yield (*turn.path, "function_call"), old


@rule(
    "parallel_calls_disabled",
    "W",
    52,
    "parallel_tool_calls is false but a message makes two or more calls",
    "the example shows what its own setting forbids",
    when=Has.TOOLS,
)
def parallel_calls_disabled(subject: Subject, context: Context) -> Iterator[Finding]:
    _, holder = tool_holder(subject)
    if holder.get("parallel_tool_calls") is not False:
        return
    for turn in subject.turns:
        if len(tool_calls(turn)) > 1:
            words = f"{len(tool_calls(turn))} calls at once, with parallel_tool_calls false"
            yield Finding((*turn.path, "tool_calls"), words)


def _modernise(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    plan = _edits_to_tools(subject)
    if plan is None:
        return
    yield from plan


def _edits_to_tools(subject: Subject) -> list[Edit] | None:
    """The edits that replace functions by tools; None where an old call is invalid or has no answer."""
    value, edits, number, waiting = subject.value, [], 0, None
    ids = (call.get("id") for turn in subject.turns for call in tool_calls(turn) if isinstance(call, dict))
    used_ids = {name for name in ids if isinstance(name, str)}
    if "functions" in value:
        if "tools" in value or not isinstance(value["functions"], list):
            return None
        tools = [{"type": "function", "function": function} for function in value["functions"]]
        edits += [Edit("set", ("tools",), tools), Edit("remove", ("functions",))]
    for turn in subject.turns:
        call = turn.message.get("function_call")
        if waiting is not None and turn.role != "function":
            return None  # the call would have no answer
        if call is not None:
            if not isinstance(call, dict) or "tool_calls" in turn.message or turn.role != "assistant":
                return None
            number += 1
            while f"call_{number}" in used_ids:
                number += 1
            waiting = f"call_{number}"
            entry = {"id": waiting, "type": "function", "function": call}
            edits += [
                Edit("set", (*turn.path, "tool_calls"), [entry]),
                Edit("remove", (*turn.path, "function_call")),
            ]
        elif turn.role == "function":
            if waiting is None or not isinstance(turn.content, str):
                return None  # a tool message has a text
            edits += [
                Edit("set", (*turn.path, "role"), "tool"),
                Edit("set", (*turn.path, "tool_call_id"), waiting),
            ]
            edits += [Edit("remove", (*turn.path, "name"))] if "name" in turn.message else []
            waiting = None
    return edits


@rule(
    "deprecated_function_call",
    "W",
    42,
    "functions, function_call or role function",
    "replaced by tools, tool_calls and role tool; newer models were trained on those",
    formats=CHAT,
    when=Has.OLD_CALLS,
    fix=("safe", "write tools, tool_calls and tool messages with fresh ids", _modernise),
)
def deprecated_function_call(subject: Subject, context: Context) -> Iterator[Finding]:
    if "functions" in subject.value:
        yield Finding(("functions",), "'functions' is deprecated", fix=_edits_to_tools(subject) is not None)
        return
    for turn in subject.turns:
        if turn.message.get("function_call") is not None or turn.role == "function":
            key = "role" if turn.role == "function" else "function_call"
            words = (
                f"{'role' if key == 'role' else 'the key'} '{'function' if key == 'role' else key}' is deprecated"
            )
            yield Finding((*turn.path, key), words, fix=_edits_to_tools(subject) is not None)
            return
