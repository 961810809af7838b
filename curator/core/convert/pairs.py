"""Preference pairs of other trainers: prompt, chosen and rejected are texts, messages or transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curator.core.convert import templates
from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.texts_in import kind_of
from curator.core.convert.turns_in import Message, is_turn, messages

_PROMPT_KEYS = (
    "prompt", "question", "instruction", "conversations", "conversation", "query", "input", "context_messages",
)  # fmt: skip
_SIDES = (
    ("chosen", "rejected"),
    ("chosen_response", "rejected_response"),
    ("chosen_answer", "rejected_answer"),
    ("response_chosen", "response_rejected"),
    ("preferred", "non_preferred"),
    ("preferred", "dispreferred"),
    ("preferred", "rejected"),
    ("accepted", "rejected"),
    ("response", "rejected_response"),
    ("messages", "rejected_messages"),
    ("messages", "rejected_response"),
)
"""Keys of the preferred and of the other answer."""


def is_pair(record: Mapping[str, Any]) -> bool:
    """Whether a record has a preferred answer and another one."""
    return _side_keys(record) is not None


def _side_keys(record: Mapping[str, Any]) -> tuple[str, str] | None:
    return next((keys for keys in _SIDES if all(_is_side(record.get(key, True)) for key in keys)), None)


def _is_side(value: Any) -> bool:
    """Whether a value may be an answer: no yes or no, which is a verdict on another one."""
    return value is not None and not isinstance(value, bool | int | float)


def from_record(
    record: Mapping[str, Any], system: list[Message], earlier: list[Message], carried: Carried
) -> dict[str, Any]:
    """The pair of a record with a preferred answer and another. Raises MisfitError where the two do not fit.

    The prompt stands in a key of its own, or is what both conversations begin with, or both; `earlier` turns that
    stand in a history come before it.
    """
    keys = _side_keys(record)
    if keys is None:
        raise MisfitError("it has no 'chosen' and 'rejected'")
    preferred, rejected = (_side(record[key], key) for key in keys)
    carried.add((keys[0],))
    carried.add((keys[1],))
    if keys[0] == "messages" and len(rejected) == 1:
        rejected = [*preferred[:-1], *rejected]
    prompt = _prompt(record, carried)
    shared = _shared_prefix(preferred, rejected)
    preferred, rejected = preferred[len(shared) :], rejected[len(shared) :]
    question = _joined(shared, [*earlier, *prompt])
    if _whole(record) == [*question, *preferred]:
        carried.add(("messages",))
    if question and question[0]["role"] == "system":
        if system and system[0] != question[0]:
            raise MisfitError("two system prompts differ")
        system = []
    return pair([*system, *question], preferred, rejected)


def pair(question: list[Message], preferred: list[Message], rejected: list[Message]) -> dict[str, Any]:
    """A preference pair of the API. Raises MisfitError where one side is no single answer of the assistant."""
    if not question or question[-1]["role"] not in ("user", "tool"):
        raise MisfitError("no question stands before 'chosen' and 'rejected'")
    for name, answers in (("chosen", preferred), ("rejected", rejected)):
        if len(answers) != 1 or answers[0]["role"] != "assistant":
            raise MisfitError(f"'{name}' is not one answer of the assistant behind the shared beginning")
    return {"input": {"messages": question}, "preferred_output": preferred, "non_preferred_output": rejected}


def _side(value: Any, name: str) -> list[Message]:
    """The messages of one side: a text is an answer, or a whole transcript."""
    if isinstance(value, str):
        turns = templates.turns_of(value)
        if turns is None:
            return [{"role": "assistant", "content": value}]
        return messages([list(turn) for turn in turns], name, Carried(), ())
    if is_turn(value):
        value = [value]
    if not isinstance(value, list):
        raise MisfitError(f"'{name}' is {kind_of(value)}, not an answer")
    side_carried = Carried()
    side = messages(value, name, side_carried, ())
    if lost := side_carried.left_behind(value):
        raise MisfitError(f"'{name}' has more than messages: {lost[0]}")
    return side


def _prompt(record: Mapping[str, Any], carried: Carried) -> list[Message]:
    """The messages of the prompt, [] where the record has none. Alpaca's `input` is joined to its instruction."""
    for key in _PROMPT_KEYS:
        value = record.get(key)
        if value in (None, "", []):
            carried.add((key,))
            continue
        if isinstance(value, list):
            return messages(value, key, carried, (key,))
        carried.add((key,))
        if not isinstance(value, str):
            raise MisfitError(f"'{key}' is {kind_of(value)}, not a prompt")
        turns = templates.turns_of(value)
        if turns is not None:
            return messages([list(turn) for turn in turns], key, Carried(), ())
        extra = record.get("input") if key == "instruction" else None
        if key == "instruction" and "input" in record:
            carried.add(("input",))
        text = f"{value}\n\n{extra}" if isinstance(extra, str) and extra else value
        return [{"role": "user", "content": text}]
    return []


def _shared_prefix(preferred: list[Message], rejected: list[Message]) -> list[Message]:
    """The messages that both sides begin with, without an answer that would be the last of either."""
    length = 0
    most = min(len(preferred), len(rejected)) - 1
    while length < most and preferred[length] == rejected[length]:
        length += 1
    return preferred[:length]


def _joined(shared: list[Message], prompt: list[Message]) -> list[Message]:
    """The question that a shared beginning and a prompt make together. Raises MisfitError where they differ.

    The prompt may be the first or the last turns of what is shared, or go further back; either may leave out the
    system message.
    """
    if not shared or not prompt:
        return shared or prompt
    systems, spoken = _divided(shared)
    further, turns = _divided(prompt)
    if systems and further and systems != further:
        raise MisfitError("two system prompts differ")
    length = min(len(spoken), len(turns))
    ends_alike = spoken[-length:] == turns[-length:] if length else True
    if not ends_alike and turns != spoken[:length]:
        raise MisfitError("the prompt is not what 'chosen' and 'rejected' begin with")
    return [*(systems or further), *(spoken if len(spoken) >= len(turns) else turns)]


def _divided(turns: list[Message]) -> tuple[list[Message], list[Message]]:
    """(system messages at the beginning, everything after them)"""
    count = next((at for at, message in enumerate(turns) if message["role"] != "system"), len(turns))
    return turns[:count], turns[count:]


def _whole(record: Mapping[str, Any]) -> list[Message] | None:
    """The conversation that some data sets carry beside the pair; None where there is none, or none that can be
    read."""
    value = record.get("messages")
    try:
        return messages(value, "messages", Carried(), ()) if isinstance(value, list) else None
    except MisfitError:
        return None
