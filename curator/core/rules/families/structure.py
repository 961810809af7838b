"""Rules on an example as a whole: its top-level keys, and whether the model can learn anything from it."""

from __future__ import annotations

from collections.abc import Iterator

from curator.core.example import Path
from curator.core.formats import CHAT_KEYS, PREFERENCE_INPUT_KEYS, PREFERENCE_KEYS
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, MESSAGE_FORMATS, TUNED_FORMATS, Finding, rule, severities
from curator.core.rules.subject import Subject, json_type, quote
from curator.core.splice import Edit

AZURE_MESSAGES = 2048
AZURE_MESSAGE_CHARACTERS = 1_048_576


def _drop(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("remove", path)


@rule(
    "missing_messages_list",
    "E",
    24,
    "`messages` is absent, null, empty or no list",
    "there is nothing to train on; the service says: Example X is missing key 'messages'",
    formats=frozenset(("chat", "reinforcement", "unknown")),
    when=Has.NO_TURNS,
)
def missing_messages_list(subject: Subject, context: Context) -> Iterator[Finding]:
    value = subject.value
    if not isinstance(value, dict):
        return
    messages = value.get("messages")
    if isinstance(messages, list) and messages:
        return
    if "messages" not in value:
        yield Finding((), "the key 'messages' is missing")
    elif isinstance(messages, list):
        yield Finding(("messages",), "'messages' is empty")
    else:
        yield Finding(("messages",), f"'messages' is {json_type(messages)}, not a list")


@rule(
    "unknown_top_level_key",
    severities("E", local="W"),
    20,
    "a top-level key that the format does not have",
    'the service refuses it: Example 1 contains an extra "weight"',
    formats=TUNED_FORMATS,
    fix=("safe", "drop the key", _drop),
    when=Has.EXTRA_KEYS,
)
def unknown_top_level_key(subject: Subject, context: Context) -> Iterator[Finding]:
    if subject.format == "chat":
        if not subject.value.keys() <= CHAT_KEYS:
            for key in subject.value:
                if key not in CHAT_KEYS:
                    yield Finding((key,), f"{quote(key)} is no key of a chat example")
        return
    pair_input = subject.value.get("input")
    for key in subject.value:
        if key not in PREFERENCE_KEYS and not key.endswith("preferred_completion"):
            yield Finding((key,), f"{quote(key)} is no key of a preference example")
    for key in pair_input if isinstance(pair_input, dict) else ():
        if key not in PREFERENCE_INPUT_KEYS:
            yield Finding(("input", key), f"{quote(key)} is no key of a preference example's input")


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
