"""Rules on one message: that it is an object, and has all keys that its role needs and no others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from curator.core.example import Path
from curator.core.formats import OLD_PREFERENCE_KEYS
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, MESSAGE_FORMATS, Finding, rule
from curator.core.rules.subject import ROLES, Subject, Turn, json_type, quote
from curator.core.splice import Edit

_SPOKEN = frozenset(("role", "content", "name"))
KEYS: dict[str, frozenset[str]] = {
    "system": _SPOKEN,
    "developer": _SPOKEN,
    "user": _SPOKEN,
    "assistant": _SPOKEN | {"refusal", "tool_calls", "function_call", "audio", "weight"},
    "tool": frozenset(("role", "content", "tool_call_id")),
    "function": _SPOKEN,
}
"""The keys of each role's message (docs/openai.md §2.1)."""
_ALL_KEYS = frozenset().union(*KEYS.values())
_SUBSTITUTES = ("tool_calls", "function_call", "refusal")
_ROLE_NAMES = {
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def _drop(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("remove", path)


def value_at(subject: Subject, path: Path) -> Any:
    """The value at a path of the example."""
    item = subject.value
    for step in path:
        item = item[step]
    return item


@rule(
    "message_not_object",
    "E",
    32,
    "a message is a string, null, a number or a list",
    "every message is an object with a role and a content",
    when=Has.ODD,
)
def message_not_object(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, messages in message_lists(subject):
        for index, message in enumerate(messages):
            if not isinstance(message, dict):
                yield Finding((*path, index), f"the message is {json_type(message)}, not an object")


def message_lists(subject: Subject) -> Iterator[tuple[Path, list[Any]]]:
    """The lists of messages with their places; their items may be any JSON values."""
    value = subject.value
    paths: list[Path] = [("messages",)]
    if subject.format == "preference":
        answers = [(new if new in value else old,) for old, new in OLD_PREFERENCE_KEYS.items()]
        paths = [("input", "messages"), *answers]
    for path in paths:
        item = value
        for step in path:
            item = item.get(step) if isinstance(item, dict) else None
        if isinstance(item, list):
            yield path, item


@rule(
    "message_missing_key",
    "E",
    33,
    "no role, or no content where the role needs one; no tool_call_id or function name",
    "the service says: Example 100, message 2 Discriminator 'role' is missing in value",
    when=Has.ODD,
)
def message_missing_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        message = turn.message
        if "role" not in message:
            yield Finding(turn.path, "the message has no 'role'")
        if "content" not in message and not (turn.role == "assistant" and _has_substitute(message)):
            yield Finding(turn.path, "the message has no 'content'")
        if turn.role == "tool" and "tool_call_id" not in message:
            yield Finding(turn.path, "the tool message has no 'tool_call_id'")
        if turn.role == "function" and "name" not in message:
            yield Finding(turn.path, "the function message has no 'name'")


def _has_substitute(message: dict[str, Any]) -> bool:
    """Whether the message has a call or a refusal instead of a content."""
    return any(message.get(key) for key in _SUBSTITUTES)


@rule(
    "message_unrecognized_key",
    "E",
    34,
    "a key that messages of this role do not have",
    "the service refuses the file",
    when=Has.ODD,
    fix=("safe", "drop the key, where the message has all that its role needs", _drop),
)
def message_unrecognized_key(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        allowed = KEYS.get(turn.role, _ALL_KEYS) if isinstance(turn.role, str) else _ALL_KEYS
        if turn.message.keys() <= allowed:
            continue
        complete = "role" in turn.message and ("content" in turn.message or _has_substitute(turn.message))
        for key in turn.message:
            if key not in allowed and key != "weight":
                words = f"{quote(key)} is no key of {_with_article(turn.role)} message"
                speaks = key in _SUBSTITUTES and _is_empty(turn.content)  # without it the message would be empty
                yield Finding((*turn.path, key), words, fix=complete and not speaks)


def _with_article(role: Any) -> str:
    if not isinstance(role, str) or role not in ROLES:
        return "a"
    return f"an {role}" if role == "assistant" else f"a {role}"


def _rename_role(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _likely_role(value_at(subject, path)))


def _likely_role(role: Any) -> str | None:
    """The role that the role name of another tool most likely means; None where it is not known."""
    name = role.strip().lower() if isinstance(role, str) else ""
    return name if name in ROLES else _ROLE_NAMES.get(name)


@rule(
    "unrecognized_role",
    "E",
    35,
    "the role is not system, developer, user, assistant, tool or function",
    "the service refuses the file; data from other tools says human, gpt or bot",
    when=Has.ODD,
    fix=("unsafe", "human becomes user; gpt, bot and model become assistant", _rename_role),
)
def unrecognized_role(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        role = turn.role
        if "role" in turn.message and not (isinstance(role, str) and role in ROLES):
            likely_role = _likely_role(role)
            hint = f"; did you mean '{likely_role}'?" if likely_role else ""
            yield Finding((*turn.path, "role"), f"{quote(role)} is no role{hint}", fix=likely_role is not None)


@rule(
    "missing_content",
    "E",
    36,
    "the content is missing, null or empty, and there is no call or refusal",
    "the message says nothing",
    when=Has.ODD | Has.PARTS,
)
def missing_content(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if not _is_empty(turn.content) or _has_substitute(turn.message):
            continue
        if "content" not in turn.message:
            yield Finding(turn.path, "the message has no content")
        elif turn.role != "function" or turn.content is not None:  # a function may return null
            words = "null" if turn.content is None else "empty"
            yield Finding((*turn.path, "content"), f"the content is {words}")


def _is_empty(content: Any) -> bool:
    """Whether a content is null, an empty string or list, or a list of empty parts or strings."""
    if isinstance(content, list):
        return all(
            part == "" or (isinstance(part, dict) and part.get("type") == "text" and part.get("text") == "")
            for part in content
        )
    return content is None or content == ""


def _to_system(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, "system")


@rule(
    "developer_role_in_sft",
    "W",
    39,
    "role developer in a chat example",
    "the schema for supervised training knows only system; whether the service takes it is not documented",
    formats=CHAT,
    when=Has.ODD,
    fix=("safe", "write system", _to_system),
)
def developer_role_in_sft(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if turn.role == "developer":
            yield Finding((*turn.path, "role"), "supervised training documents 'system', not 'developer'")


def _set_weight(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _intended_weight(value_at(subject, path)))


def _intended_weight(weight: Any) -> int | None:
    """The 0 or 1 that a value of another type stands for (true, 1.0, "1"); None for others."""
    if isinstance(weight, (bool, int, float)) and weight in (0, 1):
        return int(weight)
    return int(weight) if weight in ("0", "1") else None


@rule(
    "weight_invalid",
    "E",
    40,
    "a weight that is not the integer 0 or 1",
    "only 0 (do not learn) and 1 (learn) are legal",
    when=Has.ODD,
    fix=("safe", 'true, 1.0 and "1" become 1; false, 0.0 and "0" become 0', _set_weight),
)
def weight_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if turn.role != "assistant" or "weight" not in turn.message:
            continue
        weight = turn.message["weight"]
        if type(weight) is not int or weight not in (0, 1):
            fixable = _intended_weight(weight) is not None
            yield Finding((*turn.path, "weight"), f"the weight is {quote(weight)}, not 0 or 1", fix=fixable)


@rule(
    "weight_on_non_assistant",
    "E",
    41,
    "a weight on a message that is not the assistant's",
    "only assistant messages are learnt, so only they can have a weight",
    when=Has.ODD,
    fix=("safe", "drop the weight", _drop),
)
def weight_on_non_assistant(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if (
            turn.role != "assistant"
            and isinstance(turn.role, str)
            and turn.role in ROLES
            and "weight" in turn.message
        ):
            yield Finding((*turn.path, "weight"), f"{_with_article(turn.role)} message has no weight")


def _slug(name: Any) -> str:
    """`name` in the allowed characters and without accents; empty where none of it is left."""
    if not isinstance(name, str):
        return ""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_")[:64]


def _slugify(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _slug(value_at(subject, path)))


@rule(
    "name_invalid",
    "W",
    43,
    "a name that is not 1 to 64 letters, digits, `_` or `-`",
    "the specification allows no other characters",
    formats=MESSAGE_FORMATS,
    when=Has.ODD,
    fix=("safe", "replace what is not allowed by _", _slugify),
)
def name_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        name = turn.message.get("name")
        if "name" in turn.message and not (isinstance(name, str) and _NAME.match(name)):
            fixable = bool(_slug(name)) and turn.role != "function"
            yield Finding((*turn.path, "name"), f"{quote(name)} is no valid name", fix=fixable)


def is_name(name: Any) -> bool:
    """Whether `name` is 1 to 64 letters, digits, `_` or `-` (docs/openai.md §2.1)."""
    return isinstance(name, str) and _NAME.match(name) is not None


__all__ = ["KEYS", "Turn", "is_name", "message_lists", "value_at"]
