"""Rules on the keys of messages: what is missing or misnamed, unknown, or there without saying anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.bookkeeping import is_bookkeeping
from curator.core.example import Path
from curator.core.problem import FixKind, Severity
from curator.core.role_words import LEARNT_KEYS, ROLE_KEYS, TEXT_KEYS, learnt_of
from curator.core.rules.context import Context
from curator.core.rules.families.messages import (
    KEYS,
    SUBSTITUTES,
    drop,
    has_substitute,
    is_empty,
    likely_role,
    value_at,
    with_article,
)
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule
from curator.core.rules.subject import ROLES, Subject, Turn, quote
from curator.core.splice import Edit

_ALL_KEYS = frozenset().union(*KEYS.values())
_OPTIONAL = ("name", "tool_calls", "tool_call_id", "weight", "function_call", "refusal", "audio")
"""Keys that a message may go without; libraries that write tables (Arrow, datasets) write all of them as null."""
_NULLABLE = frozenset(("refusal", "audio"))
"""Keys of an assistant's message that may be null (docs/openai.md §2.1)."""


def _misnamed_keys(message: dict[str, Any]) -> dict[str, str]:
    """The keys under which another tool keeps what is missing: {its key: "role" or "content"}; one for each."""
    keys: dict[str, str] = {}
    if "content" not in message and not has_substitute(message):
        texts = [key for key in TEXT_KEYS if isinstance(message.get(key), str) and message[key]]
        keys |= {texts[0]: "content"} if len(texts) == 1 else {}
    if "role" not in message:
        words = [key for key in ROLE_KEYS if key not in keys and likely_role(message.get(key), message)]
        keys |= {words[0]: "role"} if len(words) == 1 else {}
    return keys


def _rename_keys(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    message = value_at(subject, path)
    for key, name in _misnamed_keys(message).items():
        yield Edit("rename", (*path, key), name)
        if name == "role":
            yield Edit("set", (*path, key), likely_role(message[key], message))


@rule(
    "message_missing_key",
    "E",
    33,
    "no role, or no content where the role needs one; no tool_call_id or function name",
    "the service says: Example 100, message 2 Discriminator 'role' is missing in value",
    when=Has.ODD,
    fix=(
        "partly safe",
        "a text under `text` or `value` becomes the content, a role under `from` or `speaker` the role (unsafe "
        "where the role's word changes, too)",
        _rename_keys,
    ),
)
def message_missing_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        message = turn.message
        missing = [] if "role" in message else ["role"]
        if "content" not in message and not (turn.role == "assistant" and has_substitute(message)):
            missing.append("content")
        if missing:
            yield _missing_finding(turn, missing)
        if turn.role == "tool" and "tool_call_id" not in message:
            yield Finding(turn.path, "the tool message has no 'tool_call_id'", fix=False)
        if turn.role == "function" and "name" not in message:
            yield Finding(turn.path, "the function message has no 'name'", fix=False)


def _missing_finding(turn: Turn, missing: list[str]) -> Finding:
    """The finding on a message without role or content; it names keys that another tool uses for them."""
    misnamed = _misnamed_keys(turn.message)
    words = f"the message has no {' and no '.join(quote(name) for name in missing)}"
    stand_ins = [
        f"{quote(key)} holds its {'text' if name == 'content' else 'role'}" for key, name in misnamed.items()
    ]
    role = next((turn.message[key] for key, name in misnamed.items() if name == "role"), None)
    kind: FixKind = "safe" if role is None or role in ROLES else "unsafe"
    return Finding(turn.path, "; ".join((words, *stand_ins)), fix=kind if misnamed else False)


def _says_weight(message: dict[str, Any], key: Any) -> bool:
    """Whether a key says under another name what `weight` says."""
    is_first = key == next((name for name in LEARNT_KEYS if learnt_of(message.get(name)) is not None), None)
    return is_first and message.get("role") == "assistant" and "weight" not in message


def _drop_or_rename(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    message = value_at(subject, path[:-1])
    if not _says_weight(message, path[-1]):
        yield from drop(subject, path, context)
        return
    yield Edit("rename", path, "weight")
    yield Edit("set", path, int(message[path[-1]]))


@rule(
    "message_unrecognized_key",
    "E",
    34,
    "a key that messages of this role do not have",
    "the service refuses the file",
    when=Has.ODD,
    fix=(
        "partly safe",
        "drop the key, where the message has all that its role needs; safe for bookkeeping (ids, dates, a closed "
        "list) and for what says nothing, else only after it was shown; an answer's `loss`, `train` or `training` "
        "becomes its weight",
        _drop_or_rename,
    ),
)
def message_unrecognized_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        allowed = KEYS.get(turn.role, _ALL_KEYS) if isinstance(turn.role, str) else _ALL_KEYS
        if turn.message.keys() <= allowed:
            continue
        complete = "role" in turn.message and ("content" in turn.message or has_substitute(turn.message))
        reported = {*_misnamed_keys(turn.message), *_empty_keys(turn), "weight"}  # other rules report these
        for key in turn.message:
            if key not in allowed and key not in reported:
                words = f"{quote(key)} is no key of {with_article(turn.role)} message"
                speaks = key in SUBSTITUTES and is_empty(turn.content)  # without it the message would be empty
                kind = _drop_kind(subject, turn, key)
                yield Finding((*turn.path, key), words, fix=kind if complete and not speaks else False)


def _drop_kind(subject: Subject, turn: Turn, key: str) -> FixKind:
    """Whether a key can be dropped without loss: bookkeeping, or a tool message's name that its call says too."""
    value = turn.message[key]
    if (key not in _ALL_KEYS and is_bookkeeping(key, value)) or _says_weight(turn.message, key):
        return "safe"
    if key == "name" and turn.role == "tool":
        calls = (call for other in subject.turns for call in _calls_of(other))
        names = {call["id"]: call["function"].get("name") for call in calls if _has_id_and_function(call)}
        called = turn.message.get("tool_call_id")
        return "safe" if isinstance(called, str) and names.get(called) == value else "unsafe"
    return "unsafe"


def _calls_of(turn: Turn) -> list[Any]:
    calls = turn.message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _has_id_and_function(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("id"), str) and isinstance(call.get("function"), dict)


def _empty_keys(turn: Turn) -> list[str]:
    """The optional keys of a message that are null (or a list of no calls) and may not be."""
    message = turn.message
    needed = {"tool": "tool_call_id", "function": "name"}.get(turn.role) if isinstance(turn.role, str) else None
    legal = _NULLABLE if turn.role == "assistant" else ()
    return [
        key
        for key in _OPTIONAL
        if key in message
        and (message[key] is None or (key == "tool_calls" and message[key] == []))
        and key != needed
        and key not in legal
    ]


@rule(
    "empty_optional_key",
    "E",
    34,
    "an optional key that is null, or a list of no calls or tools (a warning for `tools: []`), as libraries that "
    "write tables leave it",
    "the service refuses null there, and 'tool_calls' and 'tools' may not be empty",
    when=Has.ODD | Has.TOOLS,
    fix=("safe", "drop the key: it says nothing", drop),
)
def empty_optional_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for key in _empty_keys(turn):
            legal = key == "function_call" and turn.role == "assistant"
            words = "null" if turn.message[key] is None else "an empty list"
            yield Finding((*turn.path, key), f"{quote(key)} is {words}", Severity.INFO if legal else None)
    value = subject.value
    path: Path = ("input",) if subject.format == "preference" else ()
    holder = value.get("input") if path else value
    for key in ("tools", "functions", "parallel_tool_calls") if isinstance(holder, dict) else ():
        if key in holder and (holder[key] is None or holder[key] == []):
            if key == "functions" and path:
                continue  # no key of a pair's input: unknown_top_level_key tells it
            words = "null" if holder[key] is None else "an empty list"
            warned = Severity.WARNING if key == "tools" and holder[key] == [] else None
            yield Finding((*path, key), f"{quote(key)} is {words}", warned)
