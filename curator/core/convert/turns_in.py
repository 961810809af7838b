"""A list of turns in any of the field's dialects, as messages of the chat API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from curator.core.convert import functions
from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.texts_in import content, joined_text, kind_of, plain_text
from curator.core.example import Path
from curator.core.role_words import ROLE_KEYS, TEXT_KEYS, role_of

Message = dict[str, Any]

_LEARNT_KEYS = ("loss", "train", "training")
"""Keys by which other trainers say whether an answer is trained on; Axolotl, LLaMA-Factory's forks."""


_TEXTS = frozenset(TEXT_KEYS)


def is_turn(value: Any) -> bool:
    """Whether a value looks like a turn: an object with a role, or with role words as keys."""
    return isinstance(value, dict) and (_role_key(value) is not None or _named_roles(value) != [])


def is_named_text(value: Any) -> bool:
    """Whether a value is a list of a role word and a text: `["user", "Hi"]`."""
    return isinstance(value, list) and len(value) == 2 and role_of(value[0]) in ("user", "assistant", "system")


def messages(turns: Any, name: str, carried: Carried, path: Path) -> list[Message]:
    """The messages that a list of turns says.

    `name` is the list's place in words, `path` the same for `carried`, which learns what was carried over. Raises
    MisfitError, with the number of the turn, where one has no known role or no text, parts or calls of its own.
    """
    if not isinstance(turns, list):
        raise MisfitError(f"'{name}' is {kind_of(turns)}, not a list of turns")
    if not turns:
        raise MisfitError(f"'{name}' is an empty list")
    conversation = _Conversation(carried)
    for number, turn in enumerate(turns):
        try:
            conversation.add(turn, (*path, number))
        except MisfitError as misfit:
            raise MisfitError(f"turn {number + 1}: {misfit}") from None
    return conversation.messages


class _Conversation:
    """The messages so far, with the calls that wait for their answers."""

    def __init__(self, carried: Carried) -> None:
        self.messages: list[Message] = []
        self.unanswered: list[str] = []
        self._taken = carried
        self._calls = 0

    def add(self, turn: Any, path: Path) -> None:
        if is_named_text(turn):
            self._say(str(role_of(turn[0])), turn[1], path, "the second entry")
            self._taken.add(path)
            return
        if not isinstance(turn, dict):
            raise MisfitError(f"it is {kind_of(turn)} without a role")
        role_key = _role_key(turn)
        if role_key is None:
            self._add_named(turn, path)
        else:
            self._add_with_role(turn, role_key, path)

    def _add_with_role(self, turn: Mapping[str, Any], role_key: str, path: Path) -> None:
        """A turn that says its role in a key."""
        role = role_of(turn[role_key])
        if role is None:
            raise MisfitError(f"its role '{str(turn[role_key])[:40]}' is no known one")
        text_key = next((key for key in TEXT_KEYS if key in turn and key != role_key), None)
        self._taken.add((*path, role_key))
        if role == "call":
            self._call(turn, text_key, path)
        elif role == "tool":
            self._answer(turn, text_key, path)
        else:
            self._turn(turn, role, text_key, path)

    def _add_named(self, turn: Mapping[str, Any], path: Path) -> None:
        """A turn like `{"human": …, "assistant": …}`: role words are the keys."""
        named = _named_roles(turn)
        if not named:
            raise MisfitError("it has no role")
        for key, role in named:
            self._say(role, turn[key], (*path, key), key)

    def _say(self, role: str, value: Any, path: Path, name: str) -> None:
        text = content(value, name)
        if text is None:
            raise MisfitError(f"'{name}' is null, not a text")
        self.messages.append({"role": role, "content": text})
        self._taken.add(path)

    def _turn(self, turn: Mapping[str, Any], role: str, text_key: str | None, path: Path) -> None:
        text = None if text_key is None else content(turn[text_key], text_key)
        message: Message = {"role": role, "content": text}
        if text_key is not None:
            self._taken.add((*path, text_key))
        if role == "assistant":
            self._carry_calls(turn, message, path)
            self._carry_weight(turn, message, path)
        if isinstance(turn.get("name"), str) and "name" not in (text_key,):
            message["name"] = turn["name"]
            self._taken.add((*path, "name"))
        if text is None and not message.keys() & {"tool_calls", "function_call"}:
            raise MisfitError("it has no text")
        self.messages.append(message)

    def _carry_calls(self, turn: Mapping[str, Any], message: Message, path: Path) -> None:
        if turn.get("tool_calls"):
            message["tool_calls"] = functions.calls(turn["tool_calls"], "tool_calls", self._calls + 1)
            self._calls += len(message["tool_calls"])
            self.unanswered += [call["id"] for call in message["tool_calls"]]
            self._taken.add((*path, "tool_calls"))
        if isinstance(turn.get("function_call"), dict):
            message["function_call"] = turn["function_call"]
            self._taken.add((*path, "function_call"))

    def _carry_weight(self, turn: Mapping[str, Any], message: Message, path: Path) -> None:
        weight = turn.get("weight")
        if isinstance(weight, int | float) and not isinstance(weight, bool) and weight in (0, 1):
            message["weight"] = int(weight)
            self._taken.add((*path, "weight"))
            return
        for key in _LEARNT_KEYS:
            if isinstance(turn.get(key), bool):
                message["weight"] = int(turn[key])
                self._taken.add((*path, key))
                return

    def _call(self, turn: Mapping[str, Any], text_key: str | None, path: Path) -> None:
        if text_key is None:
            raise MisfitError("it has no call")
        calls = functions.calls(turn[text_key], text_key, self._calls + 1)
        self._calls += len(calls)
        self.unanswered += [call["id"] for call in calls]
        message: Message = {"role": "assistant", "content": None, "tool_calls": calls}
        self._carry_weight(turn, message, path)
        self.messages.append(message)
        self._taken.add((*path, text_key))

    def _answer(self, turn: Mapping[str, Any], text_key: str | None, path: Path) -> None:
        if text_key is None:
            raise MisfitError("it has no text")
        value = turn[text_key]
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else content(value, text_key)
        if text is None:
            raise MisfitError("it has no text")
        call_id = turn.get("tool_call_id")
        if isinstance(call_id, str):
            self._taken.add((*path, "tool_call_id"))
            if call_id in self.unanswered:
                self.unanswered.remove(call_id)
        elif self.unanswered:
            call_id = self.unanswered.pop(0)
        else:
            raise MisfitError("it answers no call")
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
        self._taken.add((*path, text_key))
        if isinstance(turn.get("name"), str):
            self.messages[-1]["name"] = turn["name"]
            self._taken.add((*path, "name"))


def _role_key(turn: Mapping[str, Any]) -> str | None:
    """The key that holds a turn's role; `type` only where its value is a role word (LangChain)."""
    for key in ROLE_KEYS:
        if isinstance(turn.get(key), str) and (key != "type" or role_of(turn[key])):
            return key
    return None


def _named_roles(turn: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(key, role) of the keys that are role words themselves, in the order of the turn.

    A single such key beside another text may hold a person's name instead: `{"user": "U17", "text": …}`.
    """
    pairs = ((str(key), role_of(key)) for key in turn)
    named = [(key, role) for key, role in pairs if role in ("user", "assistant", "system")]
    others = [key for key, value in turn.items() if isinstance(value, str) and (key, role_of(key)) not in named]
    return [] if not _TEXTS.isdisjoint(turn) or (len(named) == 1 and others) else named


def system_text(value: Any, name: str) -> str | None:
    """A system prompt that stands beside the turns; None where it is null or empty. Raises MisfitError."""
    return joined_text(value, name) or None


def text_message(role: str, value: Any, name: str) -> Message:
    """A message of one text. Raises MisfitError where the value is none."""
    text = plain_text(value, name)
    if text is None:
        raise MisfitError(f"'{name}' is null, not a text")
    return {"role": role, "content": text}
