"""Rules on one message: that it is an object, has a known role and a content, and a valid weight and name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal

from curator.core.example import Path, parse
from curator.core.formats import OLD_PREFERENCE_KEYS
from curator.core.problem import FixKind
from curator.core.role_words import role_of
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, MESSAGE_FORMATS, Finding, rule
from curator.core.rules.subject import ROLES, Subject, Turn, json_type, quote
from curator.core.splice import Edit, Raw, on_one_line

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
SUBSTITUTES = ("tool_calls", "function_call", "refusal")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def drop(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """The fix that removes a key."""
    yield Edit("remove", path)


def value_at(subject: Subject, path: Path) -> Any:
    """The value at a path of the example."""
    item = subject.value
    for step in path:
        item = item[step]
    return item


def _message_in(text: Any) -> Raw | None:
    """The message that a string holds as JSON, on one line; None where it holds none."""
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return None
    raw = text.strip().encode("utf-8", "surrogatepass")
    example = parse(raw)
    is_message = isinstance(example.value, dict) and "role" in example.value and not example.faults
    return Raw(on_one_line(raw)) if is_message else None


def _read_message(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _message_in(value_at(subject, path)))


@rule(
    "message_not_object",
    "E",
    32,
    "a message is a string, null, a number or a list",
    "every message is an object with a role and a content",
    when=Has.ODD,
    fix=("safe", "a string that holds the message as JSON is read", _read_message),
)
def message_not_object(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, messages in message_lists(subject):
        for index, message in enumerate(messages):
            if not isinstance(message, dict):
                hint = "" if index else what_import_does(subject.value)
                is_text = _message_in(message) is not None
                words = "a string that holds JSON" if is_text else json_type(message)
                yield Finding((*path, index), f"the message is {words}, not an object{hint}", fix=is_text)


def what_import_does(value: Any) -> str:
    """What an import makes of an example of another tool's shape, to end a message with; "" of a native one."""
    from curator.core.convert.hint import import_hint  # heavy: few files need the converters

    hint = import_hint(value)
    return f"; {hint}" if hint else ""


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


def has_substitute(message: dict[str, Any]) -> bool:
    """Whether the message has a call or a refusal instead of a content."""
    return any(message.get(key) for key in SUBSTITUTES)


def with_article(role: Any) -> str:
    """`an assistant`, `a user`; `a` alone for an unknown role."""
    if not isinstance(role, str) or role not in ROLES:
        return "a"
    return f"an {role}" if role == "assistant" else f"a {role}"


def _rename_role(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, likely_role(value_at(subject, path), value_at(subject, path[:-1])))


def likely_role(word: Any, message: dict[str, Any]) -> str | None:
    """The role that the role word of another tool means in a message; None where that is not known."""
    role = role_of(word)
    if role is None and isinstance(word, str) and word.strip().lower() in ROLES:
        role = word.strip().lower()
    answers = role != "tool" or "tool_call_id" in message
    return role if role in ROLES and answers else None


@rule(
    "unrecognized_role",
    "E",
    35,
    "the role is not system, developer, user, assistant, tool or function",
    "the service refuses the file; data from other tools says human, gpt or bot",
    when=Has.ODD,
    fix=(
        "unsafe",
        "human becomes user; gpt, bot, model, AI, Chatbot and the like assistant; capitals small",
        _rename_role,
    ),
)
def unrecognized_role(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        role = turn.role
        if "role" in turn.message and not (isinstance(role, str) and role in ROLES):
            likely = likely_role(role, turn.message)
            hint = f"; did you mean '{likely}'?" if likely else ""
            yield Finding((*turn.path, "role"), f"{quote(role)} is no role{hint}", fix=likely is not None)


@rule(
    "missing_content",
    "E",
    36,
    "the content is null or empty, and there is no call or refusal",
    "the message says nothing",
    when=Has.ODD | Has.PARTS,
)
def missing_content(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if not is_empty(turn.content) or has_substitute(turn.message):
            continue
        if turn.role == "function" and turn.content is None:
            continue  # a function may return null
        if "content" in turn.message:  # message_missing_key tells where it is missing
            words = "null" if turn.content is None else "empty"
            yield Finding((*turn.path, "content"), f"the content is {words}")


def is_empty(content: Any) -> bool:
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
        weight = turn.message.get("weight")
        if turn.role != "assistant" or weight is None:
            continue
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
    fix=("safe", "drop the weight", drop),
)
def weight_on_non_assistant(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if (
            turn.role != "assistant"
            and isinstance(turn.role, str)
            and turn.role in ROLES
            and turn.message.get("weight") is not None
        ):
            yield Finding((*turn.path, "weight"), f"{with_article(turn.role)} message has no weight")


def _slug(name: Any) -> str:
    """`name` in the allowed characters and without accents; empty where none of it is left."""
    if not isinstance(name, str):
        return ""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_")[:64]


def _slugify(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _slug(value_at(subject, path)))


def _slug_kind(name: Any, role: Any) -> FixKind | Literal[False]:
    """Whether a name's slug keeps all its letters and digits, accents aside; False where it has none."""
    slug = _slug(name)
    if not slug or role == "function":
        return False
    is_whole = sum(map(str.isalnum, slug)) == sum(map(str.isalnum, unicodedata.normalize("NFC", name)))
    return "safe" if is_whole else "unsafe"


@rule(
    "name_invalid",
    "W",
    43,
    "a name that is not 1 to 64 letters, digits, `_` or `-`",
    "the specification allows no other characters",
    formats=MESSAGE_FORMATS,
    when=Has.ODD,
    fix=(
        "partly safe",
        "replace what is not allowed by _; unsafe where letters or digits would be lost",
        _slugify,
    ),
)
def name_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        name = turn.message.get("name")
        if name is None and not (turn.role == "function" and "name" in turn.message):
            continue  # absent, or told by empty_optional_key
        if not (isinstance(name, str) and _NAME.match(name)):
            yield Finding((*turn.path, "name"), f"{quote(name)} is no valid name", fix=_slug_kind(name, turn.role))


def is_name(name: Any) -> bool:
    """Whether `name` is 1 to 64 letters, digits, `_` or `-` (docs/openai.md §2.1)."""
    return isinstance(name, str) and _NAME.match(name) is not None


__all__ = ["KEYS", "Turn", "is_name", "message_lists", "value_at"]
