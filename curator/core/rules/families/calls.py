"""Rules on tool calls and the messages that answer them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import orjson

from curator.core.example import Path
from curator.core.problem import FixKind
from curator.core.rules.context import Context
from curator.core.rules.families.json_schema import mismatch, schema_flaw
from curator.core.rules.families.messages import value_at
from curator.core.rules.families.tools import called_functions, declared_functions, listed_json, tool_calls
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule, severities
from curator.core.rules.subject import Subject, Turn, json_type, quote
from curator.core.slips import python_value
from curator.core.splice import Edit, Raw, on_one_line


def _complete_call(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    call = value_at(subject, path)
    if path[-1] == "tool_calls":
        raw = subject.example.raw
        listed = listed_json(call) or Raw(b"[" + on_one_line(raw[slice(*subject.span(path))]) + b"]")
        yield Edit("set", path, listed)
        return
    if _has_null_arguments(call):
        yield Edit("set", (*path, "function", "arguments"), "{}")
    if _is_bare(call):
        yield Edit("remove", (*path, "name"))
        yield Edit("remove", (*path, "arguments"))
        yield Edit("set", (*path, "function"), {"name": call["name"], "arguments": call["arguments"]})
    if call.get("type") != "function":
        yield Edit("set", (*path, "type"), "function")
    if "id" not in call:
        paths, calls_before = subject.once(_calls_before)
        number = calls_before[bisect_left(paths, path[:2])] + int(path[-1]) + 1
        while f"call_{number}" in subject.once(_ids_of_all_calls):
            number += 1
        yield Edit("set", (*path, "id"), f"call_{number}")


def _calls_before(subject: Subject) -> tuple[list[Path], list[int]]:
    """The paths of all messages in order, and how many calls stand before each; at the end, how many in all."""
    turns = sorted(subject.turns, key=lambda turn: turn.path)
    return [turn.path for turn in turns], [0, *accumulate(len(tool_calls(turn)) for turn in turns)]


def _ids_of_all_calls(subject: Subject) -> set[str]:
    return {call["id"] for _, call in _calls_with_id(subject)}


def _has_null_arguments(call: dict[str, Any]) -> bool:
    """Whether a call has null in place of its arguments, as libraries write those of a call without any."""
    function = call.get("function")
    return isinstance(function, dict) and function.get("arguments", "") is None and bool(function.get("name"))


def _is_bare(call: dict[str, Any]) -> bool:
    """Whether a call has its function's name and arguments without the object around them."""
    return "function" not in call and isinstance(call.get("name"), str) and call.get("arguments") is not None


def _calls_with_id(subject: Subject) -> Iterator[tuple[Path, dict[str, Any]]]:
    """All tool calls with a string id, with their places."""
    for turn in subject.turns:
        for index, call in enumerate(tool_calls(turn)):
            if isinstance(call, dict) and isinstance(call.get("id"), str):
                yield (*turn.path, "tool_calls", index), call


@rule(
    "tool_call_shape",
    "E",
    45,
    "a tool call without id, type, function name or arguments",
    "all of them are required; the service refuses the example",
    when=Has.TOOLS,
    fix=(
        "partly safe",
        "type becomes function (unsafe where it has another one); name and arguments move into function, null "
        "arguments become {}; a list in a string is read, one call becomes a list; an id is "
        "made where no message refers to one; a missing answer is reported then",
        _complete_call,
    ),
)
def tool_call_shape(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        listed = turn.message.get("tool_calls")
        if listed is not None and not isinstance(listed, list):
            is_text = listed_json(listed) is not None
            words = "a string that holds JSON" if is_text else json_type(listed)
            kind: FixKind | bool = "safe" if is_text or _is_whole(listed) else False
            yield Finding((*turn.path, "tool_calls"), f"'tool_calls' is {words}, not a list", fix=kind)
        for index, call in enumerate(tool_calls(turn)):
            if not _is_whole(call):
                yield from _call_findings((*turn.path, "tool_calls", index), call, subject.once(_has_orphans))
        old = turn.message.get("function_call")
        if old is not None:
            missing = _missing_part(old)
            if missing:
                yield Finding((*turn.path, "function_call"), f"the call has no {missing}", fix=False)


def _missing_part(function: Any) -> str:
    """The first part that the function of a call lacks, in words; empty where it is complete."""
    if not isinstance(function, dict):
        return "'function' object"
    if not isinstance(function.get("name"), str) or not function["name"]:
        return "function name"
    return "" if function.get("arguments") is not None else "'arguments'"


def _has_orphans(subject: Subject) -> bool:
    return any(True for _ in tool_message_orphan(subject, Context()))


def _is_whole(call: Any) -> bool:
    """Whether a call has all required parts; the fast path, since nearly all calls do."""
    return (
        isinstance(call, dict)
        and not _missing_part(call.get("function"))
        and call.get("type") == "function"
        and (isinstance(call.get("id"), str) and bool(call["id"]))
    )


def _call_findings(path: Path, call: Any, orphans: bool) -> Iterator[Finding]:
    if not isinstance(call, dict):
        yield Finding(path, f"the tool call is {json_type(call)}, not an object", fix=False)
        return
    bare = _is_bare(call)
    missing = ["'function' object around its name and arguments" if bare else _missing_part(call.get("function"))]
    identifier = call.get("id")
    unnamed = not isinstance(identifier, str) or not identifier
    missing += ["'id'"] if unnamed else []
    missing += ["type 'function'"] if call.get("type") != "function" else []
    words = " and no ".join(filter(None, missing))
    if words:
        complete = bare or not missing[0] or _has_null_arguments(call)
        fixable = complete and not (unnamed and ("id" in call or orphans))
        kind: FixKind = "safe" if call.get("type") in (None, "", "function") else "unsafe"
        yield Finding(path, f"the tool call has no {words}", fix=kind if fixable else False)


def _arguments_as_string(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    raw = subject.example.raw
    yield Edit("set", path, raw[slice(*subject.span(path))].decode("utf-8", "replace"))


@rule(
    "tool_arguments_not_string",
    "E",
    46,
    "the arguments of a call are an object instead of a string of JSON",
    "the specification wants a string; the service refuses the example",
    when=Has.TOOLS,
    fix=(
        "safe",
        "write the object as a string, unchanged; whether it fits the tool is checked afterwards",
        _arguments_as_string,
    ),
)
def tool_arguments_not_string(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, function in called_functions(subject):
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            words = f"the arguments are {json_type(arguments)}, not a string"
            yield Finding((*path, "arguments"), words, fix=isinstance(arguments, dict))


def _empty_object(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, "{}")


@rule(
    "tool_arguments_empty",
    "W",
    47,
    "the arguments of a call are an empty string, as some services write those of a call without arguments",
    "an empty string is no JSON: a call without arguments has `{}`",
    when=Has.TOOLS,
    fix=("safe", "write {}; whether it fits the tool is checked afterwards", _empty_object),
)
def tool_arguments_empty(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, function in called_functions(subject):
        arguments = function.get("arguments")
        if isinstance(arguments, str) and not arguments.strip():
            yield Finding((*path, "arguments"), "the arguments are an empty string; none are written {}")


def _arguments_as_json(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, json.dumps(python_value(value_at(subject, path)), ensure_ascii=False))


@rule(
    "tool_arguments_not_json",
    "W",
    47,
    "the arguments of a call are no JSON object, or not what the tool's parameters ask for",
    "the model learns to make calls that cannot be carried out",
    when=Has.TOOLS,
    fix=("unsafe", "an object that Python printed is written as JSON", _arguments_as_json),
)
def tool_arguments_not_json(subject: Subject, context: Context) -> Iterator[Finding]:
    functions = declared_functions(subject)
    for path, function in called_functions(subject):
        arguments = function.get("arguments")
        if not isinstance(arguments, str) or not arguments.strip():
            continue  # tool_arguments_not_string and tool_arguments_empty tell these
        try:
            value = orjson.loads(arguments)
        except ValueError:
            printed = isinstance(python_value(arguments), dict)
            fault = "as Python prints them" if printed else "not JSON"
            yield Finding((*path, "arguments"), f"the arguments are {fault}: {quote(arguments)}", fix=printed)
            continue
        if not isinstance(value, dict):
            yield Finding((*path, "arguments"), f"the arguments are {json_type(value)}, no object", fix=False)
            continue
        declared = functions.get(function["name"]) if isinstance(function.get("name"), str) else None
        parameters = declared.get("parameters") if declared else None
        wrong = mismatch(value, parameters) if not schema_flaw(parameters) else None
        if wrong:
            yield Finding((*path, "arguments"), f"the arguments do not fit the tool: {wrong}", fix=False)


@rule(
    "tool_message_orphan",
    "E",
    49,
    "a tool message whose tool_call_id is that of no earlier call without an answer",
    "chat APIs refuse it: a tool message must answer a call",
    when=Has.TOOLS,
)
def tool_message_orphan(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        waiting = Counter[str]()
        for turn in thread:
            waiting.update(str(call.get("id")) for call in tool_calls(turn) if isinstance(call, dict))
            if turn.role != "tool" or "tool_call_id" not in turn.message:
                continue
            answered = turn.message["tool_call_id"]
            if isinstance(answered, str) and waiting[answered] > 0:
                waiting[answered] -= 1
            else:
                words = f"{quote(answered)} answers no earlier call"
                yield Finding((*turn.path, "tool_call_id"), words)


@rule(
    "tool_call_unanswered",
    severities("W", azure="E"),
    50,
    "a call without a tool message before the next other message (the last message may end on a call)",
    "chat APIs refuse it, Azure fails the whole file; the model learns to go on without the result",
    when=Has.TOOLS,
)
def tool_call_unanswered(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        waiting: dict[Path, str] = {}
        places: dict[str, deque[Path]] = {}
        for turn in thread:
            if turn.role == "tool":
                answered = turn.message.get("tool_call_id")
                if isinstance(answered, str) and places.get(answered):
                    del waiting[places[answered].popleft()]
                continue
            for path, name in waiting.items():
                yield Finding(path, f"the call {quote(name)} has no answer before the next message")
            waiting = _ids_of_calls(turn)
            places = _by_id(waiting)


def _ids_of_calls(turn: Turn) -> dict[Path, str]:
    return {
        (*turn.path, "tool_calls", index): call["id"]
        for index, call in enumerate(tool_calls(turn))
        if isinstance(call, dict) and isinstance(call.get("id"), str)
    }


def _renumber(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """A new id for the call at `path`, and for the tool message that answers it."""
    repeats, used_ids = subject.once(_repeats), subject.once(_ids_of_all_calls)
    old, number = value_at(subject, path), repeats[path] + 2
    while f"{old}_{number}" in used_ids:
        number += len(repeats)
    new = f"{old}_{number}"
    yield Edit("set", path, new)
    answer = subject.once(_answers_of_calls).get(path[:-1])
    if answer is not None:
        yield Edit("set", (*answer, "tool_call_id"), new)


def _repeats(subject: Subject) -> dict[Path, int]:
    """The places of ids that another call has already, numbered from 0."""
    paths = [finding.path for finding in tool_call_duplicate_id(subject, Context())]
    return {path: number for number, path in reversed([*enumerate(paths)])}


def _answers_of_calls(subject: Subject) -> dict[Path, Path]:
    """The place of the tool message that answers the call at each place, where calls have ids.

    Of several calls of one message with the same id the first is answered first; a later message with that id
    ends this.
    """
    answers: dict[Path, Path] = {}
    for thread in subject.threads:
        waiting: dict[str, deque[Path]] = {}
        for turn in thread:
            for name, paths in _by_id(_ids_of_calls(turn)).items():
                waiting[name] = paths
            answered = turn.message.get("tool_call_id") if turn.role == "tool" else None
            if isinstance(answered, str) and waiting.get(answered):
                answers.setdefault(waiting[answered].popleft(), turn.path)
    return answers


def _by_id(ids: dict[Path, str]) -> dict[str, deque[Path]]:
    """The places of calls by their id, in order."""
    places: dict[str, deque[Path]] = {}
    for path, name in ids.items():
        places.setdefault(name, deque()).append(path)
    return places


@rule(
    "tool_call_duplicate_id",
    "E",
    51,
    "two calls of an example have the same id",
    "a tool message with this id could answer either of them",
    when=Has.TOOLS,
    fix=("safe", "give the later call and its answer an id of their own", _renumber),
)
def tool_call_duplicate_id(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        ids: set[str] = set()
        for turn in thread:
            for path, name in _ids_of_calls(turn).items():
                if name in ids:
                    yield Finding((*path, "id"), f"the id {quote(name)} is used twice")
                ids.add(name)
