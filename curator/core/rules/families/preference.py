"""Rules on preference pairs (docs/openai.md §2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path
from curator.core.formats import OLD_PREFERENCE_KEYS
from curator.core.rules.context import Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.registry import PREFERENCE, Finding, rule
from curator.core.rules.subject import Subject, json_type, quote
from curator.core.splice import Edit, Raw, dump, span


def _wrap(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """A message becomes a list of it, a text the message that it is; the input's list gets its object."""
    value = value_at(subject, path)
    if isinstance(value, str):
        message = dump({"role": "user" if path == ("input",) else "assistant", "content": value})
    else:
        message = subject.example.raw[slice(*span(subject.example.raw, path))]
    listed = Raw(message if isinstance(value, list) else b"[" + message + b"]")
    yield Edit("set", path, Raw(b'{"messages": ' + listed + b"}") if path == ("input",) else listed)


def _can_wrap(key: str, value: Any) -> bool:
    """Whether a value is a message or a text where a list of messages is due, or the input's list itself."""
    if key == "input" and isinstance(value, list):
        return bool(value) and all(isinstance(message, dict) and "role" in message for message in value)
    return (isinstance(value, str) and bool(value)) or (isinstance(value, dict) and "role" in value)


@rule(
    "preference_missing_key",
    "E",
    58,
    "input.messages, preferred_output or non_preferred_output is missing or empty",
    "the service says: Example 1 is missing key 'input'",
    formats=PREFERENCE,
    fix=(
        "unsafe",
        "an output that is a message or a text becomes a list of that message; so does an input",
        _wrap,
    ),
)
def preference_missing_key(subject: Subject, context: Context) -> Iterator[Finding]:
    value = subject.value
    pair_input = value.get("input")
    messages = pair_input.get("messages") if isinstance(pair_input, dict) else None
    if not isinstance(messages, list) or not messages:
        yield _input_finding(pair_input)
    for old, new in OLD_PREFERENCE_KEYS.items():
        key = new if new in value else old
        if key not in value:
            yield Finding((), f"the key '{new}' is missing", fix=False)
        elif not isinstance(value[key], list):
            words = f"'{key}' is {json_type(value[key])}, not a list of messages"
            yield Finding((key,), words, fix=_can_wrap(key, value[key]))
        elif not value[key]:
            yield Finding((key,), f"'{key}' is empty", fix=False)


def _input_finding(pair_input: Any) -> Finding:
    """The finding on an `input` without messages."""
    if isinstance(pair_input, dict) and "role" not in pair_input:
        path: Path = ("input", "messages") if "messages" in pair_input else ()
        return Finding(path, "'input.messages' is missing, empty or no list", fix=False)
    if pair_input is None:
        return Finding((), "'input.messages' is missing", fix=False)
    words = f"'input' is {json_type(pair_input)}, not an object with messages"
    return Finding(("input",), words, fix=_can_wrap("input", pair_input))


def _rename(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("rename", path, OLD_PREFERENCE_KEYS[str(path[0])])


@rule(
    "preference_old_key",
    "E",
    59,
    "preferred_completion or non_preferred_completion",
    "an early specification's spelling; the service takes preferred_output and non_preferred_output",
    formats=PREFERENCE,
    fix=("safe", "rename the key", _rename),
)
def preference_old_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for old, new in OLD_PREFERENCE_KEYS.items():
        if old in subject.value:
            yield Finding((old,), f"'{old}' is called '{new}' today", fix=new not in subject.value)


@rule(
    "preference_role",
    "E",
    60,
    "an output without assistant message, or with a role not assistant or tool; an input that ends on assistant",
    "both outputs must continue the input with an answer",
    formats=PREFERENCE,
)
def preference_role(subject: Subject, context: Context) -> Iterator[Finding]:
    prompt = [turn for turn in subject.turns if turn.path[0] == "input"]
    if prompt and prompt[-1].role == "assistant":
        yield Finding(prompt[-1].path, "the input ends on an assistant message")
    for old, new in OLD_PREFERENCE_KEYS.items():
        key = new if new in subject.value else old
        answer = [turn for turn in subject.turns if turn.path[0] == key]
        for turn in answer:
            if turn.role not in ("assistant", "tool"):
                yield Finding((*turn.path, "role"), f"role {quote(turn.role)} in an output")
        if answer and all(turn.role != "assistant" for turn in answer):
            yield Finding((key,), f"'{key}' has no assistant message")


@rule(
    "preference_identical",
    "W",
    61,
    "both outputs are equal (apart from white space at their ends)",
    "there is nothing to prefer",
    formats=PREFERENCE,
)
def preference_identical(subject: Subject, context: Context) -> Iterator[Finding]:
    answers = []
    for old, new in OLD_PREFERENCE_KEYS.items():
        output = subject.value.get(new, subject.value.get(old))
        if not isinstance(output, list) or not output:
            return
        answers.append([_strip_content(message) for message in output])
    if answers[0] == answers[1]:
        yield Finding((), "the preferred and the other output are the same")


def _strip_content(message: Any) -> Any:
    if isinstance(message, dict) and isinstance(message.get("content"), str):
        return {**message, "content": message["content"].strip()}
    return message
