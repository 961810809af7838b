"""An example made ready for rules: its format, its messages with their places, and what it holds at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from curator.core.example import Example, Path
from curator.core.formats import OLD_PREFERENCE_KEYS, Format, detect
from curator.core.rules.registry import Context, Has, TokenCount

ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
_DIGITS = re.compile(rb"[0-9][0-9 ().-]{7}")
_MARKS = (b"@", b"<|", b"-----BEGIN", b"sk-", b"eyJ", b"AKIA", b"gh", b"xox", b"AIza", b"\\u00")


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
                if isinstance(part, dict):
                    for key in ("text", "refusal"):
                        if isinstance(part.get(key), str):
                            yield (*self.path, "content", index, key), part[key]


class Subject:
    """What example rules look at. `turns` are all messages that are objects; `threads` the conversations they
    form: one for chat and reinforcement, one for each answer of a preference pair."""

    __slots__ = ("_tokens", "example", "format", "has", "threads", "turns", "value")

    def __init__(self, example: Example, context: Context) -> None:
        self.example = example
        self.value = example.value
        self.format: Format = detect(example.value)
        self._tokens: TokenCount | None = None
        self.has = Has.FAULTS if example.faults else 0
        self.turns: list[Turn] = []
        self.threads: list[list[Turn]] = []
        if self.format == "chat" and context.method == "reinforcement":
            self.format = "reinforcement"
        if self.format == "preference":
            self._read_preference()
        elif self.format in ("chat", "reinforcement"):
            self.turns = self._read(("messages",), self.value["messages"], trained=self.format == "chat")
            self.threads = [self.turns]
        self._look_at_bytes()

    def tokens(self, context: Context) -> TokenCount | None:
        """The example's tokens by the context's counter, counted once; None without a counter."""
        if self._tokens is None and context.count is not None and isinstance(self.value, dict):
            self._tokens = context.count(self.value)
        return self._tokens

    def trained_answers(self) -> list[Turn]:
        """Assistant messages whose text is learnt: of weight 1, and in a preference pair those of both outputs."""
        return [turn for turn in self.turns if turn.trained]

    def _read_preference(self) -> None:
        value = self.value
        given = value.get("input")
        asked = given.get("messages") if isinstance(given, dict) else None
        prompt = self._read(("input", "messages"), asked, trained=False)
        self.turns = list(prompt)
        for old, new in OLD_PREFERENCE_KEYS.items():
            key = new if new in value else old
            answer = self._read((key,), value.get(key), trained=True)
            self.turns += answer
            self.threads.append(prompt + answer)
        if isinstance(given, dict) and not given.keys() <= {"messages"}:
            self.has |= Has.TOOLS

    def _read(self, path: Path, messages: Any, trained: bool) -> list[Turn]:
        """The turns of one list; notes on the way what the example holds."""
        if not isinstance(messages, list):
            return []
        turns, has = [], self.has
        for index, message in enumerate(messages):
            if not isinstance(message, dict):
                has |= Has.ODD
                continue
            role, content = message.get("role"), message.get("content")
            learnt = trained and role == "assistant"
            if type(content) is str and content:
                if len(message) != 2 or role not in _PLAIN_ROLES:
                    has |= self._odd(message, role)
                    learnt = learnt and not _is_zero(message.get("weight"))
                if len(content.strip()) != len(content):
                    has |= Has.EDGES
                if not content.isascii():
                    has |= Has.ODD_TEXT
            else:
                has |= self._odd(message, role) | (Has.PARTS | Has.EDGES if isinstance(content, list) else 0)
                learnt = learnt and not _is_zero(message.get("weight"))
            turns.append(Turn((*path, index), message, role, content, learnt))
        self.has = has
        return turns

    def _odd(self, message: dict[str, Any], role: Any) -> int:
        has = Has.ODD
        if "tool_calls" in message or role == "tool":
            has |= Has.TOOLS
        if "function_call" in message or role == "function":
            has |= Has.OLD_CALLS | Has.TOOLS
        return has

    def _look_at_bytes(self) -> None:
        raw, has = self.example.raw, self.has
        if not raw.isascii() or b"\\u" in raw or b"\\b" in raw or b"\\f" in raw or b"\x7f" in raw:
            has |= Has.ODD_TEXT
        for mark in _MARKS:
            if mark in raw:
                has |= Has.MARKS
                break
        if _DIGITS.search(raw) or b"\\u00" in raw:
            has |= Has.DIGITS
        value = self.value
        if isinstance(value, dict) and len(value) > 1 and ("tools" in value or "functions" in value):
            has |= Has.TOOLS | (Has.OLD_CALLS if "functions" in value else 0)
        if isinstance(value, dict) and "parallel_tool_calls" in value:
            has |= Has.TOOLS
        self.has = has


_PLAIN_ROLES = ROLES - {"tool", "function", "developer"}


def _is_zero(weight: Any) -> bool:
    """Whether a weight says: do not learn this (0, and what people write for it)."""
    return weight is False or weight in (0, "0")


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
