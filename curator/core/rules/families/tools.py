"""Rules on declared tools and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.json_schema import flaw
from curator.core.rules.families.messages import is_name
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, Found, rule
from curator.core.rules.subject import Subject, Turn, kind_of, quoted
from curator.core.splice import Edit

MAX_TOOLS = 128


def declared(subject: Subject) -> tuple[Path, dict[str, Any]]:
    """Where the tools of an example stand, and the object that holds them: the example, or a pair's input."""
    if subject.format != "preference":
        return (), subject.value
    given = subject.value.get("input")
    return ("input",), given if isinstance(given, dict) else {}


def functions(subject: Subject) -> dict[str, dict[str, Any]]:
    """Every declared function by its name, of `tools` and of the old `functions`; broken ones left out."""
    _, holder = declared(subject)
    tools, old = holder.get("tools"), holder.get("functions")
    found = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    found += old if isinstance(old, list) else []
    return {
        function["name"]: function
        for function in found
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
def tools_invalid(subject: Subject, context: Context) -> Iterator[Found]:
    path, holder = declared(subject)
    names: set[str] = set()
    for key in ("tools", "functions"):
        if key not in holder:
            continue
        items = holder[key]
        if not isinstance(items, list):
            yield Found((*path, key), f"'{key}' is {kind_of(items)}, not a list")
            continue
        if len(items) > MAX_TOOLS or (key == "functions" and not items):
            yield Found((*path, key), f"{len(items)} {key}; 1 to {MAX_TOOLS} are allowed")
        for index, item in enumerate(items):
            yield from _wrong_tool((*path, key, index), item, key, names)


def _wrong_tool(path: Path, tool: Any, key: str, names: set[str]) -> Iterator[Found]:
    if not isinstance(tool, dict):
        yield Found(path, f"the tool is {kind_of(tool)}, not an object")
        return
    function: Any = tool
    if key == "tools":
        if tool.get("type") != "function":
            yield Found((*path, "type") if "type" in tool else path, "the tool's type is not 'function'")
        path, function = (*path, "function"), tool.get("function")
        if not isinstance(function, dict):
            yield Found(path[:-1], "the tool has no 'function' object")
            return
    name = function.get("name")
    if not isinstance(name, str) or not is_name(name):
        yield Found((*path, "name") if "name" in function else path, f"{quoted(name)} is no valid function name")
    elif name in names:
        yield Found((*path, "name"), f"the function {quoted(name)} is declared twice")
    else:
        names.add(name)
    parameters = function.get("parameters", {})
    if not isinstance(parameters, dict) or (parameters and parameters.get("type") != "object"):
        yield Found((*path, "parameters"), "the parameters are no JSON Schema of type object")
    elif (wrong := flaw(parameters)) is not None:
        yield Found((*path, "parameters"), f"the parameters are no JSON Schema: {wrong}")


@rule(
    "tool_unknown_name",
    "W",
    48,
    "a call, or tool_choice, names a tool that is not declared",
    "the model is to see the tools it calls: declare them in the example",
    when=Has.TOOLS,
)
def tool_unknown_name(subject: Subject, context: Context) -> Iterator[Found]:
    known = functions(subject)
    for path, function in called(subject):
        name = function.get("name")
        if isinstance(name, str) and name not in known:
            yield Found((*path, "name"), f"{quoted(name)} is not among the declared tools")
    path, holder = declared(subject)
    choice = holder.get("tool_choice")
    chosen = choice.get("function") if isinstance(choice, dict) else None
    if isinstance(chosen, dict) and isinstance(chosen.get("name"), str) and chosen["name"] not in known:
        where = (*path, "tool_choice", "function", "name")
        yield Found(where, f"{quoted(chosen['name'])} is not among the declared tools")


def calls(turn: Turn) -> list[Any]:
    """The tool calls of a message, whatever they are; empty where there is no list."""
    found = turn.message.get("tool_calls")
    return found if isinstance(found, list) else []


def called(subject: Subject) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each `function` object of a tool call, and each old function_call object, with its place."""
    for turn in subject.turns:
        for index, call in enumerate(calls(turn)):
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
def parallel_calls_disabled(subject: Subject, context: Context) -> Iterator[Found]:
    _, holder = declared(subject)
    if holder.get("parallel_tool_calls") is not False:
        return
    for turn in subject.turns:
        if len(calls(turn)) > 1:
            words = f"{len(calls(turn))} calls at once, with parallel_tool_calls false"
            yield Found((*turn.path, "tool_calls"), words)


def _modernise(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    plan = _plan(subject)
    if plan is None:
        return
    yield from plan


def _plan(subject: Subject) -> list[Edit] | None:
    """The edits that turn functions into tools; None where the old calls are not whole."""
    value, edits, number, waiting = subject.value, [], 0, None
    given = (call.get("id") for turn in subject.turns for call in calls(turn) if isinstance(call, dict))
    taken = {name for name in given if isinstance(name, str)}
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
            while f"call_{number}" in taken:
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
def deprecated_function_call(subject: Subject, context: Context) -> Iterator[Found]:
    if "functions" in subject.value:
        yield Found(("functions",), "'functions' is deprecated", fix=_plan(subject) is not None)
        return
    for turn in subject.turns:
        if turn.message.get("function_call") is not None or turn.role == "function":
            key = "role" if turn.role == "function" else "function_call"
            words = (
                f"{'role' if key == 'role' else 'the key'} '{'function' if key == 'role' else key}' is deprecated"
            )
            yield Found((*turn.path, key), words, fix=_plan(subject) is not None)
            return
