"""An example prepared for the rules: its format, its messages with their places, and its features."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from curator.core.example import Example, Path
from curator.core.formats import CHAT_KEYS, OLD_PREFERENCE_KEYS, Format, detect
from curator.core.rules.byte_hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.context import Context, TokenCount
from curator.core.rules.has import Has
from curator.core.splice import children_of, whole
from curator.core.turns import is_learnt

Result = TypeVar("Result")
ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))


class Turn(NamedTuple):
    """A message that is an object, with its place; `trained` says whether the model learns it."""

    path: Path
    message: dict[str, Any]
    role: Any
    content: Any
    trained: bool

    def text(self) -> str:
        """The text of the message: the string, or its text parts joined by newlines."""
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
    """An example as the rules get it.

    `turns` are all messages that are objects; `threads` the conversations they form: one for chat and
    reinforcement, one for each answer of a preference pair. `roles` are those of the first thread. `has` are the
    bits of `Has`.
    """

    format: Format
    __slots__ = (
        "_keys",
        "_spans",
        "_threads",
        "_tokens",
        "_turns",
        "_worked_out",
        "example",
        "format",
        "has",
        "roles",
        "value",
    )

    def __init__(self, example: Example, context: Context, needed: int = Has.ALL) -> None:
        """`needed` are the only bits of `has` that are asked for; the bytes are not searched for others."""
        self.example, self.value = example, example.value
        self._tokens: TokenCount | None = None
        self._turns: list[Turn] | None = None
        self._worked_out: dict[Any, Any] = {}
        self._spans: dict[Path, dict[str | int, tuple[int, int]]] = {}
        self._threads: list[list[Turn]] = []
        self._keys = 0
        self.has = Has.FAULTS if example.faults else 0
        value = example.value
        plain = type(value) is dict and len(value) == 1 and "messages" in value
        self.format = "chat" if plain and context.method != "reinforcement" else _format_in(value, context)
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
        if not context.quick and (not needed or needed & _OF_BYTES):
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
            self._turns = self._make_turns()
        return self._turns

    @property
    def threads(self) -> list[list[Turn]]:
        """The conversations, each a list of turns."""
        if self._turns is None:
            self._turns = self._make_turns()
        return self._threads

    def tokens(self, context: Context) -> TokenCount | None:
        """The tokens of the example by the context's counter, cached; None without a counter."""
        if self._tokens is None and context.count is not None and isinstance(self.value, dict):
            self._tokens = context.count(self.value)
        return self._tokens

    def once(self, work: Callable[[Subject], Result]) -> Result:
        """What a function makes of this example, worked out at the first call: many findings may need it."""
        if work not in self._worked_out:
            self._worked_out[work] = work(self)
        result: Result = self._worked_out[work]
        return result

    def place(self, path: Path) -> tuple[list[Turn], int]:
        """The first conversation that has the message at a path, and its number there. Raises KeyError."""
        return self.once(_places_of)[path]

    def span(self, path: Path) -> tuple[int, int]:
        """Byte offsets (start, end) of the value at a path; each object and list is walked through once.

        Raises LookupError where it is absent.
        """
        if not path:
            return whole(self.example.raw)
        if path[:-1] not in self._spans:
            children = enumerate(children_of(self.example.raw, self.span(path[:-1])[0]))
            self._spans[path[:-1]] = {
                number if child.key is None else child.key: (child.value, child.end) for number, child in children
            }
        return self._spans[path[:-1]][path[-1]]

    def trained_answers(self) -> list[Turn]:
        """The messages that the model learns; in a preference pair those of both outputs."""
        return [turn for turn in self.turns if turn.trained]

    def _scan(self, messages: Any) -> None:
        """Collect the roles, bits and number of keys of some messages; fast, because every example needs it."""
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
        self.has = has | _shape_bits(self.roles)

    def _scan_preference(self) -> None:
        pair_input = self.value.get("input")
        lists = [pair_input.get("messages") if isinstance(pair_input, dict) else None]
        lists += [self.value.get(new, self.value.get(old)) for old, new in OLD_PREFERENCE_KEYS.items()]
        for messages in lists:
            self._scan(messages)
        self.has |= Has.EXTRA_KEYS | Has.KEYS | _SHAPES
        self.has |= _tool_bits(pair_input) if isinstance(pair_input, dict) else 0
        messages_of_input = lists[0] if isinstance(lists[0], list) else []
        self.roles = self.roles[: sum(isinstance(message, dict) for message in messages_of_input)]

    def _make_turns(self) -> list[Turn]:
        value = self.value
        if self.format != "preference":
            turns = _turns_of(("messages",), value["messages"], self.format == "chat") if self.roles else []
            self._threads = [turns] if turns else []
            return turns
        pair_input = value.get("input")
        messages_of_input = pair_input.get("messages") if isinstance(pair_input, dict) else None
        prompt = _turns_of(("input", "messages"), messages_of_input, False)
        turns = list(prompt)
        for old, new in OLD_PREFERENCE_KEYS.items():
            key = new if new in value else old
            answer = _turns_of((key,), value.get(key), True)
            turns += answer
            self._threads.append(prompt + answer)
        return turns


_OF_BYTES = Has.ODD_TEXT | Has.MARKS | Has.DIGITS | Has.RISKY | Has.WIDE
LONG_LINE, LONG_THREAD = 1_000_000, 2_000
"""Bytes and messages above which `Has.LONG` is set."""
_SHAPES = Has.NO_USER | Has.NO_SYSTEM | Has.MOVED_SYSTEM | Has.REPEATS | Has.TAIL | Has.NO_TURNS


def _places_of(subject: Subject) -> dict[Path, tuple[list[Turn], int]]:
    places: dict[Path, tuple[list[Turn], int]] = {}
    for thread in subject.threads:
        for number, turn in enumerate(thread):
            places.setdefault(turn.path, (thread, number))
    return places


def _format_in(value: Any, context: Context) -> Format:
    """The format of an example; between chat and reinforcement, which look alike, the context's method decides."""
    detected = detect(value)
    if detected == "reinforcement" and context.method == "supervised":
        return "chat"
    if detected == "chat" and context.method == "reinforcement" and not ends_on_answer(value):
        return "reinforcement"
    return detected


def ends_on_answer(value: dict[str, Any]) -> bool:
    """Whether the last message is the assistant's."""
    messages = value.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") == "assistant"


@lru_cache(maxsize=4096)
def shape_of(roles: tuple[str, ...]) -> int:
    """The bits for messages with these roles, of which there must be at least one."""
    systems = [at for at, role in enumerate(roles) if role == "system" or role == "developer"]
    return (
        (Has.NO_USER if "user" not in roles else 0)
        | (Has.NO_SYSTEM if not systems else Has.MOVED_SYSTEM if systems != [0] else 0)
        | (Has.REPEATS if any(one == two and one != "tool" for one, two in pairwise(roles)) else 0)
        | (Has.TAIL if roles[-1] != "assistant" else 0)
    )


def _shape_bits(roles: tuple[Any, ...]) -> int:
    """As `shape_of`, for roles that may be any JSON values, or none."""
    return shape_of(roles) if roles and all(type(role) is str for role in roles) else _SHAPES


def _odd_bits(message: dict[str, Any], role: Any) -> int:
    """The bits for a message that is not plain; `Has.ODD` is not set for a well-formed tool call or result."""
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


def _turns_of(path: Path, messages: Any, trained: bool) -> list[Turn]:
    """The messages of one list that are objects; `trained` False: none of them is learnt."""
    turns = []
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            role = message.get("role")
            learnt = trained and is_learnt(message)
            turns.append(Turn((*path, index), message, role, message.get("content"), learnt))
    return turns


def quote(value: Any, limit: int = 40) -> str:
    """A value from the data for a message, cut to `limit` characters: a text in quotes, others as in JSON.

    A list or an object is only named as such.
    """
    if isinstance(value, list | dict):
        return json_type(value)
    text = value if isinstance(value, str) else json.dumps(value)
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return f"'{cut}'" if isinstance(value, str) else cut


def json_type(value: Any) -> str:
    """The JSON type of a value, with an article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
