"""An example made ready for rules: its format, its messages with their places, and what it holds at all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from curator.core.example import Example, Path
from curator.core.formats import CHAT_KEYS, OLD_PREFERENCE_KEYS, Format, detect
from curator.core.rules.byte_hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.context import Context, TokenCount
from curator.core.rules.has import Has
from curator.core.turns import is_learnt

ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))


class Turn(NamedTuple):
    """One message that is an object, with its place; `trained` says whether its text is learnt."""

    path: Path
    message: dict[str, Any]
    role: Any
    content: Any
    trained: bool

    def text(self) -> str:
        """The message's text: the string, or its text parts one after another."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(text for _, text in self.texts())

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Each string of the content with its place."""
        if isinstance(self.content, str):
            yield (*self.path, "content"), self.content
        elif isinstance(self.content, list):
            for index, part in enumerate(self.content):
                if isinstance(part, str):
                    yield (*self.path, "content", index), part
                elif isinstance(part, dict):
                    for key in ("text", "refusal"):
                        if isinstance(part.get(key), str):
                            yield (*self.path, "content", index, key), part[key]


class Subject:
    """What example rules look at.

    `turns` are all messages that are objects; `threads` the conversations they form: one for chat and
    reinforcement, one for each answer of a preference pair. `roles` are those of the first thread. `has` says
    what the example holds (a superset is allowed: it only spares calls of rules).
    """

    format: Format
    __slots__ = ("_keys", "_threads", "_tokens", "_turns", "example", "format", "has", "roles", "value")

    def __init__(self, example: Example, context: Context) -> None:
        self.example, self.value = example, example.value
        self._tokens: TokenCount | None = None
        self._turns: list[Turn] | None = None
        self._threads: list[list[Turn]] = []
        self._keys = 0
        self.has = Has.FAULTS if example.faults else 0
        value = example.value
        plain = type(value) is dict and len(value) == 1 and "messages" in value
        self.format = "chat" if plain and context.method != "reinforcement" else _format(value, context)
        self.roles: tuple[Any, ...] = ()
        if self.format == "chat" or self.format == "reinforcement":
            self._scan(self.value["messages"])
            if len(value) > 1:
                self.has |= _tool_bits(value) | (0 if value.keys() <= CHAT_KEYS else Has.EXTRA_KEYS)
        elif self.format == "preference":
            self._scan_preference()
        else:
            self.has |= Has.NO_TURNS | Has.KEYS
        if context.contract is not None:
            self.has |= Has.CONTRACT
        limited = context.limit is not None and context.count is not None
        if limited or len(example.raw) > LONG_LINE or len(self.roles) > LONG_THREAD:
            self.has |= Has.LONG
        if not context.quick:
            self.has |= byte_bits(example.raw)
        if self.has & Has.WIDE and any(is_unusual(text) for turn in self.turns for _, text in turn.texts()):
            self.has |= Has.ODD_TEXT
        strings = 2 * len(self.roles) + self._keys
        if not self.has & Has.KEYS and may_repeat_keys(example.raw, strings + len(self.value)):
            self.has |= Has.KEYS

    @property
    def turns(self) -> list[Turn]:
        """All messages that are objects, in order."""
        if self._turns is None:
            self._turns = self._read()
        return self._turns

    @property
    def threads(self) -> list[list[Turn]]:
        """The conversations, each a list of turns."""
        if self._turns is None:
            self._turns = self._read()
        return self._threads

    def tokens(self, context: Context) -> TokenCount | None:
        """The example's tokens by the context's counter, counted once; None without a counter."""
        if self._tokens is None and context.count is not None and isinstance(self.value, dict):
            self._tokens = context.count(self.value)
        return self._tokens

    def trained_answers(self) -> list[Turn]:
        """Assistant messages whose text is learnt: of weight 1, and in a preference pair those of both outputs."""
        return [turn for turn in self.turns if turn.trained]

    def _scan(self, messages: Any) -> None:
        """Note what a list of messages holds; the loop that every example goes through, so it makes nothing."""
        roles, has, keys = [], self.has, self._keys
        for message in messages if type(messages) is list else ():
            if type(message) is not dict:
                has |= Has.ODD | Has.TAIL  # it may be the last one, which then is no answer
                continue
            role, content = message.get("role"), message.get("content")
            roles.append(role)
            keys += len(message)
            if type(content) is str and content:
                if len(message) != 2 or (role != "user" and role != "assistant" and role != "system"):
                    has |= _odd_bits(message, role)
                if len(content.strip()) != len(content):
                    has |= Has.EDGES
            else:
                has |= _odd_bits(message, role)
                if type(content) is list:
                    has |= Has.PARTS | Has.EDGES | Has.ODD_TEXT
        self.roles, self._keys = (*self.roles, *roles), keys
        self.has = has | _shape(self.roles)

    def _scan_preference(self) -> None:
        given = self.value.get("input")
        lists = [given.get("messages") if isinstance(given, dict) else None]
        lists += [self.value.get(new, self.value.get(old)) for old, new in OLD_PREFERENCE_KEYS.items()]
        for messages in lists:
            self._scan(messages)
        self.has |= Has.EXTRA_KEYS | Has.KEYS | _SHAPES
        self.has |= _tool_bits(given) if isinstance(given, dict) else 0
        asked = lists[0] if isinstance(lists[0], list) else []
        self.roles = self.roles[: sum(isinstance(message, dict) for message in asked)]

    def _read(self) -> list[Turn]:
        value = self.value
        if self.format != "preference":
            turns = _turns(("messages",), value["messages"], self.format == "chat") if self.roles else []
            self._threads = [turns] if turns else []
            return turns
        given = value.get("input")
        asked = given.get("messages") if isinstance(given, dict) else None
        prompt = _turns(("input", "messages"), asked, False)
        turns = list(prompt)
        for old, new in OLD_PREFERENCE_KEYS.items():
            key = new if new in value else old
            answer = _turns((key,), value.get(key), True)
            turns += answer
            self._threads.append(prompt + answer)
        return turns


LONG_LINE, LONG_THREAD = 1_000_000, 2_000
_SHAPES = Has.NO_USER | Has.NO_SYSTEM | Has.MOVED_SYSTEM | Has.REPEATS | Has.TAIL | Has.NO_TURNS


def _format(value: Any, context: Context) -> Format:
    """The format of the line; of chat and reinforcement, which look alike, the one the context trains."""
    found = detect(value)
    if found == "reinforcement" and context.method == "supervised":
        return "chat"
    if found == "chat" and context.method == "reinforcement" and not ends_on_answer(value):
        return "reinforcement"
    return found


def ends_on_answer(value: dict[str, Any]) -> bool:
    """Whether the last message is an assistant's."""
    messages = value.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") == "assistant"


@lru_cache(maxsize=4096)
def shape_of(roles: tuple[str, ...]) -> int:
    """The bits on the order of messages of these roles; at least one."""
    systems = [at for at, role in enumerate(roles) if role == "system" or role == "developer"]
    return (
        (Has.NO_USER if "user" not in roles else 0)
        | (Has.NO_SYSTEM if not systems else Has.MOVED_SYSTEM if systems != [0] else 0)
        | (Has.REPEATS if any(one == two and one != "tool" for one, two in pairwise(roles)) else 0)
        | (Has.TAIL if roles[-1] != "assistant" else 0)
    )


def _shape(roles: tuple[Any, ...]) -> int:
    """The bits on the order of messages, whatever their roles are."""
    return shape_of(roles) if roles and all(type(role) is str for role in roles) else _SHAPES


def _odd_bits(message: dict[str, Any], role: Any) -> int:
    """The bits for a message that is no plain one; a call or a result of a tool as it should be is not odd."""
    keys, content = message.keys(), message.get("content")
    if keys == _RESULT and role == "tool" and content and type(content) is str:
        return Has.TOOLS | Has.KEYS
    if (
        keys <= _CALL
        and role == "assistant"
        and message.get("tool_calls")
        and (content is None or type(content) is str)
    ):
        return Has.TOOLS | Has.KEYS
    has = Has.ODD | Has.KEYS
    if "tool_calls" in message or role == "tool":
        has |= Has.TOOLS
    if "function_call" in message or role == "function":
        has |= Has.OLD_CALLS | Has.TOOLS
    if "refusal" in message:
        has |= Has.EDGES | Has.ODD_TEXT
    return has


def _tool_bits(holder: dict[str, Any]) -> int:
    if holder.keys().isdisjoint(_TOOL_KEYS):
        return 0
    return Has.TOOLS | Has.KEYS | (Has.OLD_CALLS if "functions" in holder else 0)


_RESULT = {"role", "content", "tool_call_id"}
_CALL = {"role", "content", "tool_calls"}
_TOOL_KEYS = ("tools", "functions", "parallel_tool_calls", "tool_choice")


def _turns(path: Path, messages: Any, trained: bool) -> list[Turn]:
    """The messages of one list that are objects."""
    turns = []
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            role = message.get("role")
            learnt = trained and is_learnt(message)
            turns.append(Turn((*path, index), message, role, message.get("content"), learnt))
    return turns


def quoted(value: Any, limit: int = 40) -> str:
    """A value from the data as it may stand inside a sentence, cut short."""
    text = value if isinstance(value, str) else repr(value)
    return f"'{text}'" if len(text) <= limit else f"'{text[: limit - 1]}…'"


def kind_of(value: Any) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
