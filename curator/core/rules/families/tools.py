"""Rules on declared tools and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path, parse
from curator.core.rules.context import Context
from curator.core.rules.families.json_schema import schema_flaw
from curator.core.rules.families.messages import is_name, value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, Finding, rule
from curator.core.rules.subject import Subject, Turn, json_type, quote
from curator.core.splice import Edit, Raw, on_one_line

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
    dicts = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    items = [_bare_function(tool) or tool.get("function") for tool in dicts]
    items += old if isinstance(old, list) else []
    return {
        function["name"]: function
        for function in items
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


def _is_bare(tool: dict[str, Any]) -> bool:
    """Whether a tool is a function without the object around it, as the Responses API and others write it."""
    return (
        isinstance(tool.get("name"), str) and tool.keys() <= _BARE and tool.get("type", "function") == "function"
    )


_BARE = frozenset(("type", "name", "description", "parameters", "input_schema", "strict"))


def _bare_function(tool: dict[str, Any]) -> dict[str, Any] | None:
    """The function that a bare tool is; Anthropic calls its parameters `input_schema`."""
    if not _is_bare(tool) or {"parameters", "input_schema"} <= tool.keys():
        return None
    names = {"input_schema": "parameters"}
    return {names.get(key, key): value for key, value in tool.items() if key != "type"}


def listed_json(text: Any) -> Raw | None:
    """The JSON of a list that a string holds, on one line; None where it holds none."""
    return json_in(text, list)


def json_in(text: Any, kind: type) -> Raw | None:
    """The JSON of a list, or of an object, that a string holds, on one line; None where it holds none."""
    if not isinstance(text, str):
        return None
    raw = text.strip().encode("utf-8", "surrogatepass")
    example = parse(raw)
    return Raw(on_one_line(raw)) if isinstance(example.value, kind) and not example.faults else None


def _complete_tools(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    tool = value_at(subject, path)
    if isinstance(tool, str):
        yield Edit("set", path, listed_json(tool) or json_in(tool, dict))
    elif (function := _bare_function(tool)) is not None:
        yield Edit("set", path, {"type": "function", "function": function})
    else:
        yield Edit("set", (*path, "type"), "function")


@rule(
    "tools_invalid",
    "E",
    44,
    "a tool without type function or a valid name, parameters that are no object schema, a name twice, over 128",
    "the service refuses the example",
    when=Has.TOOLS,
    fix=(
        "safe",
        "JSON in a string is read, a bare function becomes the function of a tool, a missing type is added",
        _complete_tools,
    ),
)
def tools_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    path, holder = tool_holder(subject)
    names: set[str] = set()
    for key in ("tools", "functions"):
        items = holder.get(key)
        if items is None or items == []:
            continue  # empty_optional_key tells that
        if not isinstance(items, list):
            is_text = listed_json(items) is not None
            words = "a string that holds JSON" if is_text else json_type(items)
            yield Finding((*path, key), f"'{key}' is {words}, not a list", fix=is_text)
            continue
        if len(items) > MAX_TOOLS:
            yield Finding((*path, key), f"{len(items)} {key}; 1 to {MAX_TOOLS} are allowed", fix=False)
        for index, item in enumerate(items):
            yield from _tool_findings((*path, key, index), item, key, names)


def _tool_findings(path: Path, tool: Any, key: str, names: set[str]) -> Iterator[Finding]:
    if not isinstance(tool, dict):
        is_text = json_in(tool, dict) is not None
        words = "a string that holds JSON" if is_text else json_type(tool)
        yield Finding(path, f"the tool is {words}, not an object", fix=is_text)
        return
    function: Any = tool
    if key == "tools" and (bare := _bare_function(tool)) is not None:
        function = bare
        yield Finding(path, "the tool is a function without its type around it")
    elif key == "tools":
        function = tool.get("function")
        if "type" not in tool and isinstance(function, dict):
            yield Finding(path, "the tool has no type 'function'")
        elif tool.get("type") != "function":
            where = (*path, "type") if "type" in tool else path
            yield Finding(where, "the tool's type is not 'function'", fix=False)
        if not isinstance(function, dict):
            yield Finding(path, "the tool has no 'function' object", fix=False)
            return
        path = (*path, "function")
    name = function.get("name")
    if not isinstance(name, str) or not is_name(name):
        yield Finding(
            (*path, "name") if "name" in function else path, f"{quote(name)} is no valid function name", fix=False
        )
    elif name in names:
        yield Finding((*path, "name"), f"the function {quote(name)} is declared twice", fix=False)
    else:
        names.add(name)
    parameters = function.get("parameters", {})
    if not isinstance(parameters, dict) or (parameters and parameters.get("type") != "object"):
        yield Finding((*path, "parameters"), "the parameters are no JSON Schema of type object", fix=False)
    elif (wrong := schema_flaw(parameters)) is not None:
        yield Finding((*path, "parameters"), f"the parameters are no JSON Schema: {wrong}", fix=False)


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
    path, holder = tool_holder(subject)
    if any(not isinstance(holder.get(key) or [], list) for key in ("tools", "functions")):
        return  # tools_invalid tells that they cannot be read
    for place, function in called_functions(subject):
        name = function.get("name")
        if isinstance(name, str) and name not in names:
            yield Finding((*place, "name"), f"{quote(name)} is not among the declared tools")
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


def _set_boolean(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _intended_boolean(value_at(subject, path)))


def _intended_boolean(value: Any) -> bool | None:
    """The true or false that a value of another type stands for (1, "true"); None for others."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


@rule(
    "parallel_tool_calls_invalid",
    "E",
    52,
    "parallel_tool_calls is neither true nor false",
    "the specification wants a boolean; the service refuses the example",
    when=Has.TOOLS,
    fix=("safe", '"true" and 1 become true, "false" and 0 false', _set_boolean),
)
def parallel_tool_calls_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    path, holder = tool_holder(subject)
    value = holder.get("parallel_tool_calls")
    if value is not None and not isinstance(value, bool):
        words = f"parallel_tool_calls is {quote(value)}, neither true nor false"
        yield Finding((*path, "parallel_tool_calls"), words, fix=_intended_boolean(value) is not None)


def _modernise(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    plan = _edits_to_tools(subject)
    if plan is None:
        return
    yield from plan


def _edits_to_tools(subject: Subject) -> list[Edit] | None:
    """The edits that replace functions by tools; None where an old call is invalid or has no answer."""
    value, edits, number, waiting, called = subject.value, [], 0, None, None
    ids = (call.get("id") for turn in subject.turns for call in tool_calls(turn) if isinstance(call, dict))
    used_ids = {name for name in ids if isinstance(name, str)}
    if value.get("functions"):
        if value.get("tools") or not isinstance(value["functions"], list):
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
            waiting, called = f"call_{number}", call.get("name")
            entry = {"id": waiting, "type": "function", "function": call}
            edits += [
                Edit("set", (*turn.path, "tool_calls"), [entry]),
                Edit("remove", (*turn.path, "function_call")),
            ]
        elif turn.role == "function":
            if waiting is None or not isinstance(turn.content, str):
                return None  # a tool message has a text
            if turn.message.get("name", called) != called:
                return None  # a tool message has no name, so this one would be lost
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
    if subject.value.get("functions"):
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
