"""Rules on an example as a whole: its top-level keys, and whether the model can learn anything from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from curator.core.bookkeeping import is_bookkeeping
from curator.core.convert.verdicts import verdict_of
from curator.core.example import Path
from curator.core.formats import CHAT_KEYS, OLD_PREFERENCE_KEYS, PREFERENCE_INPUT_KEYS, PREFERENCE_KEYS
from curator.core.problem import FixKind
from curator.core.rules.context import Context
from curator.core.rules.families.messages import message_lists, value_at, what_import_does
from curator.core.rules.families.tools import listed_json
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, MESSAGE_FORMATS, TUNED_FORMATS, Finding, rule, severities
from curator.core.rules.subject import Subject, json_type, quote
from curator.core.slips import python_value
from curator.core.splice import Edit

AZURE_MESSAGES = 2048
AZURE_MESSAGE_CHARACTERS = 1_048_576


def _read_messages(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    messages, _ = _messages_in_text(value_at(subject, path))
    yield Edit("set", path, messages)


def _messages_in_text(value: Any) -> tuple[Any, FixKind | Literal[False]]:
    """The list that a string holds as JSON (safe), or as Python prints it (unsafe); (None, False) where none."""
    messages = listed_json(value)
    if messages is not None:
        return messages, "safe"
    printed = python_value(value.strip()) if isinstance(value, str) else None
    return (printed, "unsafe") if isinstance(printed, list) and printed else (None, False)


@rule(
    "missing_messages_list",
    "E",
    24,
    "`messages` is absent, null, empty or no list",
    "there is nothing to train on; the service says: Example X is missing key 'messages'",
    formats=frozenset(("chat", "reinforcement", "unknown")),
    when=Has.NO_TURNS,
    fix=(
        "partly safe",
        "a list that a string holds as JSON is read; unsafe where Python printed it",
        _read_messages,
    ),
)
def missing_messages_list(subject: Subject, context: Context) -> Iterator[Finding]:
    value = subject.value
    if not isinstance(value, dict):
        return
    messages = value.get("messages")
    if isinstance(messages, list) and messages:
        return
    if "messages" not in value:
        yield Finding((), f"the key 'messages' is missing{what_import_does(value)}", fix=False)
    elif isinstance(messages, list):
        yield Finding(("messages",), "'messages' is empty", fix=False)
    else:
        _, kind = _messages_in_text(messages)
        origin = {"safe": " that holds JSON", "unsafe": " in which Python printed a list"}.get(str(kind), "")
        yield Finding(("messages",), f"'messages' is {json_type(messages)}{origin}, not a list", fix=kind)


@rule(
    "other_shape",
    "E",
    17,
    "an example of prompt and completion, or a pair of chosen and rejected: shapes that no method takes today",
    "the service refuses the file; an import makes a chat of the one, and a preference pair of the other",
    formats=frozenset(("completion",)),
)
def other_shape(subject: Subject, context: Context) -> Iterator[Finding]:
    if {"chosen", "rejected"} & subject.value.keys():
        words = "'chosen' and 'rejected' are a pair of another tool"
    else:
        words = "a prompt with a completion is trained by no method today"
    yield Finding((), f"{words}{what_import_does(subject.value)}")


SYSTEM_KEYS = (
    *("system", "system_prompt", "systemPrompt", "system_message", "systemInstruction", "system_instruction"),
    "context",
)
"""Keys under which other tools keep the system prompt beside the messages."""


def prompt_beside(value: Any) -> str | list[dict[str, str]] | None:
    """The text, or text parts, of a system prompt that stands beside the messages; None where it is none.

    Takes a text, a list of texts and `{"text": …}` blocks, and an object with `parts`, `content` or `text`.
    """
    if isinstance(value, dict):
        keys = value.keys() & {"parts", "content", "text"}
        if len(keys) != 1 or not value.keys() <= {*keys, "role"}:
            return None
        return prompt_beside(value[keys.pop()])
    if isinstance(value, str):
        return value if value.strip() else None
    texts = [_text_of_block(block) for block in value] if isinstance(value, list) else []
    if not texts or not all(texts):
        return None
    return str(texts[0]) if len(texts) == 1 else [{"type": "text", "text": str(text)} for text in texts]


def _text_of_block(block: Any) -> str | None:
    """The text of a string or of a `{"text": …}` block without anything else; None for others."""
    if isinstance(block, dict) and block.keys() <= {"type", "text"} and block.get("type", "text") == "text":
        block = block.get("text")
    return block if isinstance(block, str) else None


def _prompted_list(subject: Subject, path: Path) -> tuple[Path, list[Any]] | None:
    """The list that the system prompt at `path` belongs to: the messages of the chat, or of the pair's input."""
    lists = next(iter(message_lists(subject)), None)
    if lists is None or (subject.format == "preference") != (lists[0] == ("input", "messages")):
        return None
    messages = lists[1]
    return lists if messages and all(isinstance(message, dict) for message in messages) else None


def _key_fix(subject: Subject, path: Path, first: Path | None) -> FixKind | Literal[False]:
    """Whether a key can be dropped, or moved into the messages, without loss.

    `first` is the place of the first system prompt; a further one has its fix once that one is a message.
    """
    key, value = str(path[-1]), value_at(subject, path)
    if is_bookkeeping(key, value) or (key == "tool_choice" and value == "auto"):
        return "safe"
    text, target = _moved_prompt(subject, path)
    if text is None or target is None:
        return "unsafe"
    if path != first:
        return False
    systems = _systems(target[1])
    return "safe" if not systems or systems[0].get("content") == text else "unsafe"


def _moved_prompt(subject: Subject, path: Path) -> tuple[Any, tuple[Path, list[Any]] | None]:
    """The system prompt under a key, and the messages to which it belongs; None for what is none."""
    if path[-1] not in SYSTEM_KEYS:
        return None, None
    return prompt_beside(value_at(subject, path)), _prompted_list(subject, path)


def _systems(messages: list[Any]) -> list[dict[str, Any]]:
    return [message for message in messages if message.get("role") in ("system", "developer")]


def _drop_or_move(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """Drop the key; a system prompt becomes the first message, or is put before the text of the present one."""
    yield Edit("remove", path)
    text, target = _moved_prompt(subject, path)
    if text is None or target is None:
        return
    place, messages = target
    systems = _systems(messages)
    if not systems:
        yield Edit("insert", (*place, 0), {"role": "system", "content": text})
        return
    present = systems[0].get("content")
    if present != text and isinstance(text, str) and isinstance(present, str):
        yield Edit("set", (*place, messages.index(systems[0]), "content"), f"{text}\n\n{present}")


def _unknown_keys(subject: Subject) -> list[Path]:
    """The keys beside the messages that the format does not have."""
    value = subject.value
    if subject.format == "chat":
        return [] if value.keys() <= CHAT_KEYS else [(key,) for key in value if key not in CHAT_KEYS]
    pair_input = value.get("input")
    allowed = PREFERENCE_KEYS | OLD_PREFERENCE_KEYS.keys()
    paths: list[Path] = [(key,) for key in value if key not in allowed]
    inside = pair_input if isinstance(pair_input, dict) else {}
    return paths + [("input", key) for key in inside if key not in PREFERENCE_INPUT_KEYS]


def first_prompt(subject: Subject) -> Path | None:
    """The place of the first system prompt beside the messages: only one can become their first message."""
    return next((path for path in _unknown_keys(subject) if _moved_prompt(subject, path)[0] is not None), None)


@rule(
    "unknown_top_level_key",
    severities("E", local="W"),
    20,
    "a top-level key that the format does not have",
    'the service refuses it: Example 1 contains an extra "weight"',
    formats=TUNED_FORMATS,
    fix=(
        "partly safe",
        "bookkeeping (ids, dates, hashes, origins, metadata; a closed list) is dropped and a system prompt "
        "becomes the first message, both safely; any other key is dropped only after it was shown",
        _drop_or_move,
    ),
    when=Has.EXTRA_KEYS,
)
def unknown_top_level_key(subject: Subject, context: Context) -> Iterator[Finding]:
    paths = _unknown_keys(subject)
    first = first_prompt(subject) if paths else None
    noun = "a chat example" if subject.format == "chat" else "a preference example"
    for path in paths:
        kind = _key_fix(subject, path, first)
        words = f"{quote(path[-1])} is no key of {noun}" + ("'s input" if len(path) > 1 else "")
        if path == first:
            words += "; it holds a system prompt, which belongs into the first message"
        elif len(path) == 1 and verdict_of({path[0]: subject.value[path[0]]}, ()) == "bad":
            words += "; it says that the answer is bad: reject the example, else training takes it for a good one"
        yield Finding(path, words, fix=kind)


@rule(
    "example_missing_assistant_message",
    "E",
    25,
    "no assistant message",
    "there is no answer to learn from",
    formats=CHAT,
    when=Has.TAIL,
)
def example_missing_assistant_message(subject: Subject, context: Context) -> Iterator[Finding]:
    messages = subject.value["messages"]
    if isinstance(messages, list) and messages and all(turn.role != "assistant" for turn in subject.turns):
        yield Finding(("messages",), "the example has no assistant message")


@rule(
    "no_trainable_assistant",
    "E",
    26,
    "all assistant messages have weight 0",
    "nothing of the example is trained on",
    formats=CHAT,
    when=Has.ODD,
)
def no_trainable_assistant(subject: Subject, context: Context) -> Iterator[Finding]:
    if any(turn.trained for turn in subject.turns):
        return
    if any(turn.role == "assistant" for turn in subject.turns):
        yield Finding(("messages",), "every assistant message has weight 0: nothing is trained on")


@rule(
    "too_many_messages",
    severities(None, azure="E"),
    31,
    "more than 2,048 messages, or a message of more than 1,048,576 characters",
    "Azure refuses the example",
    formats=MESSAGE_FORMATS,
    when=Has.LONG,
)
def too_many_messages(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        if len(thread) > AZURE_MESSAGES:
            yield Finding((), f"{len(thread):,} messages; Azure takes {AZURE_MESSAGES:,}")
    for turn in subject.turns:
        if len(turn.text()) > AZURE_MESSAGE_CHARACTERS:
            size = len(turn.text())
            yield Finding(
                (*turn.path, "content"), f"{size:,} characters; Azure takes {AZURE_MESSAGE_CHARACTERS:,}"
            )
