"""A list of turns in any of the field's dialects, as messages of the chat API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curator.core import spelled_numbers
from curator.core.convert import calls_in_text, functions
from curator.core.convert.blocks import Blocks, has_blocks, read_blocks
from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.texts_in import content, joined_text, kind_of, plain_text
from curator.core.example import Path
from curator.core.role_words import LEARNT_KEYS, ROLE_KEYS, TEXT_KEYS, learnt_of, role_of

Message = dict[str, Any]

_TEXTS = frozenset(TEXT_KEYS)


def is_turn(value: Any) -> bool:
    """Whether a value looks like a turn: an object with a role, or with role words as keys."""
    return isinstance(value, dict) and (
        _role_keys(value) != []
        or _named_roles(value) != []
        or langchain_turn(value) is not None
        or value.get("type") == "reasoning"
    )


def is_named_text(value: Any) -> bool:
    """Whether a value is a list of a role word and a text: `["user", "Hi"]`."""
    return isinstance(value, list) and len(value) == 2 and role_of(value[0]) in ("user", "assistant", "system")


def messages(turns: Any, name: str, carried: Carried, path: Path, *, in_tags: bool = False) -> list[Message]:
    """The messages that a list of turns says.

    `name` is the list's place in words, `path` the same for `carried`, which learns what was carried over. With
    `in_tags` calls and their answers stand in `<tool_call>` and `<tool_response>` tags of the texts. Raises
    MisfitError, with the number of the turn, where one has no known role or no text, parts or calls of its own.
    """
    if not isinstance(turns, list):
        raise MisfitError(f"'{name}' is {kind_of(turns)}, not a list of turns")
    if not turns:
        raise MisfitError(f"'{name}' is an empty list")
    conversation = _Conversation(carried, in_tags)
    for number, turn in enumerate(turns):
        try:
            conversation.add(turn, (*path, number))
        except MisfitError as misfit:
            raise MisfitError(f"turn {number + 1}: {misfit}") from None
    return conversation.messages


class _Conversation:
    """The messages so far, with the calls that wait for their answers."""

    def __init__(self, carried: Carried, in_tags: bool) -> None:
        self._in_tags = in_tags
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
        turn, path = self._unpacked(turn, path)
        role_key = _role_key(turn)
        if role_key is not None:
            self._add_with_role(turn, role_key, path)
        elif turn.get("type") != "reasoning":  # of which nothing is carried over, and all is told
            self._add_named(turn, path)

    def _unpacked(self, turn: dict[str, Any], path: Path) -> tuple[dict[str, Any], Path]:
        """A turn, and its place, without the class that LangChain wraps around it."""
        place = langchain_turn(turn)
        if place is None:
            return turn, path
        key, role = place
        inner = dict(turn[key])
        for name in ("type", "lc", "id"):
            self._taken.add((*path, name))
        if not isinstance(inner.get("type", role), str):
            raise MisfitError("its type is no text")
        self._taken.add((*path, key, "type"))
        extra = inner.get("additional_kwargs")
        is_answer = role_of(inner.get("role", role)) == "assistant"
        if isinstance(extra, dict) and extra.get("tool_calls") and not inner.get("tool_calls") and is_answer:
            inner["tool_calls"] = extra["tool_calls"]
            self._taken.add((*path, key, "additional_kwargs", "tool_calls"))
        return {**inner, "type": role} if "role" not in inner else inner, (*path, key)

    def _add_with_role(self, turn: Mapping[str, Any], role_key: str, path: Path) -> None:
        """A turn that says its role in a key."""
        role = role_of(turn[role_key])
        if role is None:
            raise MisfitError(f"its role '{str(turn[role_key])[:40]}' is no known one")
        if role == "system" and role_key == "speaker" and any(each["role"] == "user" for each in self.messages):
            raise MisfitError("'system' speaks after the user, and may be the name of the assistant")
        text_key = _text_key(turn, role_key)
        self._taken.add((*path, role_key))
        if turn.get("type") == "message":
            self._taken.add((*path, "type"))
        if self._in_tags and text_key is not None and self._add_tagged(turn, role, text_key, path):
            return
        if role == "call":
            self._call(turn, text_key, path)
        elif role == "tool":
            self._answer(turn, "output" if "output" in turn else text_key, path)
        elif text_key is not None and has_blocks(turn[text_key]):
            self._add_blocks(read_blocks(turn[text_key], text_key), role, turn, (*path, text_key))
        else:
            self._turn(turn, role, text_key, path)

    def _add_tagged(self, turn: Mapping[str, Any], role: str, text_key: str, path: Path) -> bool:
        """A turn whose text holds calls, or answers of calls, in tags; False for any other turn."""
        text = turn[text_key]
        if not isinstance(text, str):
            return False
        if role == "assistant" and "<tool_call>" in text:
            words, calls = calls_in_text.read_calls(text)
            message: Message = {"role": role, "content": words or None}
            self._take_calls(message, calls, text_key)
            self._carry_weight(turn, message, path)
            self.messages.append(message)
        elif role in ("tool", "user") and (answers := calls_in_text.read_answers(text)) is not None:
            for answer in answers:
                self._say_answer(None, None, answer)
        else:
            return False
        self._taken.add((*path, text_key))
        return True

    def _add_blocks(self, blocks: Blocks, role: str, turn: Mapping[str, Any], path: Path) -> None:
        """A turn of texts, calls and answers of calls: answers become messages of their own."""
        self._taken.add(path)
        if (blocks.calls and role != "assistant") or (blocks.answers and role not in ("user", "tool")):
            raise MisfitError(f"its role '{role}' calls nothing and answers no calls")
        for call_id, name, text in blocks.answers:
            self._say_answer(call_id, name, text)
        message: Message = {"role": role, "content": blocks.content}
        if blocks.calls:
            self._take_calls(message, blocks.calls, str(path[-1]))
        elif role == "assistant":
            self._carry_calls(turn, message, path[:-1])
        if role == "assistant":
            self._carry_weight(turn, message, path[:-1])
        if message["content"] is not None or "tool_calls" in message:
            self.messages.append(message)
        elif not blocks.answers:
            raise MisfitError("it has no text")

    def _add_named(self, turn: Mapping[str, Any], path: Path) -> None:
        """Add the messages of a turn whose keys are role words: `{"human": …, "assistant": …}`."""
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
        if not text and not message.keys() & {"tool_calls", "function_call"}:
            _check_that_it_says_nothing(turn, text_key)
        self.messages.append(message)

    def _carry_calls(self, turn: Mapping[str, Any], message: Message, path: Path) -> None:
        if turn.get("tool_calls"):
            self._take_calls(message, turn["tool_calls"], "tool_calls")
            self._taken.add((*path, "tool_calls"))
        if isinstance(turn.get("function_call"), dict):
            message["function_call"] = turn["function_call"]
            self._taken.add((*path, "function_call"))

    def _take_calls(self, message: Message, value: Any, name: str) -> None:
        """Give a message the calls that a value holds, which from now on wait for their answers."""
        calls = functions.calls(value, name, self._calls + 1)
        self._calls += len(calls)
        self.unanswered += [call["id"] for call in calls]
        message["tool_calls"] = calls

    def _carry_weight(self, turn: Mapping[str, Any], message: Message, path: Path) -> None:
        weight = turn.get("weight")
        if isinstance(weight, int | float) and not isinstance(weight, bool) and weight in (0, 1):
            message["weight"] = int(weight)
            self._taken.add((*path, "weight"))
            return
        for key in LEARNT_KEYS:
            if (learnt := learnt_of(turn.get(key))) is not None:
                message["weight"] = learnt
                self._taken.add((*path, key))
                return

    def _call(self, turn: Mapping[str, Any], text_key: str | None, path: Path) -> None:
        """A turn that consists of calls: in its text, or (Responses) a call in its own keys."""
        message: Message = {"role": "assistant", "content": None}
        if text_key is not None:
            self._take_calls(message, turn[text_key], text_key)
            self._taken.add((*path, text_key))
        elif isinstance(turn.get("name"), str) and "arguments" in turn:
            call = {"id": turn.get("call_id"), "name": turn["name"], "arguments": turn["arguments"]}
            self._take_calls(message, call, "arguments")
            for key in ("call_id", "name", "arguments"):
                self._taken.add((*path, key))
        else:
            raise MisfitError("it has no call")
        self._carry_weight(turn, message, path)
        last = self.messages[-1] if self.messages else {}
        if message.keys() == last.keys() == {"role", "content", "tool_calls"} and last["content"] is None:
            last["tool_calls"] += message["tool_calls"]  # calls at once stand in one message
        else:
            self.messages.append(message)

    def _answer(self, turn: Mapping[str, Any], text_key: str | None, path: Path) -> None:
        if text_key is None:
            raise MisfitError("it has no text")
        value = turn[text_key]
        text = spelled_numbers.spell(value) if isinstance(value, dict) else content(value, text_key)
        if text is None:
            raise MisfitError("it has no text")
        id_key = next((key for key in ("tool_call_id", "call_id") if isinstance(turn.get(key), str)), None)
        name = turn["name"] if isinstance(turn.get("name"), str) else None
        self._say_answer(turn[id_key] if id_key else None, name, text)
        for key in (id_key, text_key, "name" if name is not None else None):
            if key is not None:
                self._taken.add((*path, key))

    def _say_answer(self, call_id: str | None, name: str | None, text: str | list[Any]) -> None:
        """The answer of a call: of the one it names, else of the first that waits."""
        if isinstance(call_id, str):
            if call_id in self.unanswered:
                self.unanswered.remove(call_id)
        elif self.unanswered:
            call_id = self.unanswered.pop(0)
        else:
            raise MisfitError("it answers no call")
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
        if name is not None:
            self.messages[-1]["name"] = name


def langchain_turn(turn: Mapping[str, Any]) -> tuple[str, str] | None:
    """(key of the message, its role word) in what LangChain writes around one; None for any other turn."""
    if (
        isinstance(turn.get("data"), dict)
        and isinstance(turn.get("type"), str)
        and turn.keys() == {"type", "data"}
    ):
        return "data", turn["type"]
    names = turn["id"] if isinstance(turn.get("id"), list) else [None]
    constructed = turn.get("lc") == 1 and turn.get("type") == "constructor"
    if constructed and isinstance(turn.get("kwargs"), dict) and all(isinstance(each, str) for each in names):
        name = "".join(map(str, names[-1:])).removesuffix("Chunk").removesuffix("Message")
        return "kwargs", str(turn["kwargs"].get("type", name))
    return None


def _text_key(turn: Mapping[str, Any], role_key: str) -> str | None:
    """The key of a turn's text: the first that holds something, else the first that is there."""
    keys = [key for key in TEXT_KEYS if key in turn and key != role_key]
    return next((key for key in keys if turn[key] not in (None, "", [])), keys[0] if keys else None)


def _check_that_it_says_nothing(turn: Mapping[str, Any], text_key: str | None) -> None:
    """Raise MisfitError where a turn without a text has none at all, or says something in another place."""
    if text_key is None or turn[text_key] is None:
        raise MisfitError("it has no text")
    for key, value in turn.items():
        if isinstance(value, dict | list) and value and role_of(key) is None:
            raise MisfitError(f"it has no text, but '{key}'")


def _role_key(turn: Mapping[str, Any]) -> str | None:
    """The key that holds a turn's role. Raises MisfitError where two keys name different roles."""
    keys = _role_keys(turn)
    with_role = [key for key in keys if role_of(turn[key]) is not None]
    if len({role_of(turn[key]) for key in with_role}) > 1:
        raise MisfitError(f"'{with_role[0]}' and '{with_role[1]}' name different roles")
    return next(iter(with_role), keys[0] if keys else None)


def _role_keys(turn: Mapping[str, Any]) -> list[str]:
    """The keys that may hold a turn's role; `type` only where its value is a role word (LangChain)."""
    return [key for key in ROLE_KEYS if isinstance(turn.get(key), str) and (key != "type" or role_of(turn[key]))]


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
