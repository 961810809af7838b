"""Counts tokens by OpenAI's published formula, for a whole example and piece by piece.

tokens(example)    = 3 + Σ messages (3 + Σ tokens of each string value + 1 for a `name`)
assistant(example) = Σ tokens of the content of assistant messages
(OpenAI Cookbook, "Chat_finetuning_data_prep" and "How_to_count_tokens_with_tiktoken".) Beyond that, and marked
estimated because no official figure exists: tool calls and tool definitions count as compact JSON, an image by
its `detail`, a preference pair as one conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress
from typing import Any

import msgspec

from curator.core.counting.vocabulary import Tokenizer
from curator.core.example import Path, format_path
from curator.core.turns import Turn, compact, definitions, is_completion, turns

PER_MESSAGE, PER_NAME, PER_REPLY = 3, 1, 3
IMAGE_LOW = 85
IMAGE_HIGH = 765
"""Tokens of a 1024 × 1024 image at high detail: 85 + 170 for each of 4 tiles; a guess for training."""

RoleTexts = tuple[tuple[str, ...], list[str]]
"""The roles and the texts of a plain chat."""

_CACHED_CHARS = 4_000
_HUGE_CHARS = 256_000
_ANSWER_KEYS = ("content", "tool_calls", "function_call")
_PLAIN_KEYS = frozenset(("messages", "parallel_tool_calls"))
_NO_TURN = -1


class Tokens(msgspec.Struct, frozen=True, gc=False):  # made once an example
    """The tokens of an example: in total, and those of its assistant messages (whether learnt or not)."""

    total: int
    assistant: int
    estimated: bool = False
    """True where a part of the count has no official formula, or the model's encoding is not known."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the text that the model reads; the tokens of all spans of an example add up to its total."""

    index: int
    """The number of its message, from 0; -1 for text that belongs to no message."""
    text: str
    trained: bool
    """Whether the model learns to write this."""
    role: str
    location: str = ""
    """The place of the value that `text` is, e.g. `messages[2].content`; empty for the marks around it."""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The point at which an example is cut off: before character `offset` of the text at `location`."""

    location: str
    offset: int


class Counter:
    """Counts with one vocabulary. The counts of texts are cached, so that after an edit of one message only
    that message is counted again."""

    def __init__(self, tokenizer: Tokenizer, encoding: str, estimated: bool = False) -> None:
        self.tokenizer = tokenizer
        self.encoding = encoding
        """The name of the encoding, for reports."""
        self.estimated = estimated
        """True where the encoding is a guess."""
        self._short = lru_cache(maxsize=8_192)(tokenizer.count)
        self._long = lru_cache(maxsize=64)(tokenizer.count)
        self._around = lru_cache(maxsize=1_024)(self._around_roles)

    def text(self, text: str) -> int:
        """The tokens of a text; text that looks like a special token is counted as plain text."""
        if len(text) <= _CACHED_CHARS:
            return self._short(text)
        return self._long(text) if len(text) <= _HUGE_CHARS else self.tokenizer.count(text)

    def message(self, message: Any) -> int:
        """The tokens of one message (any JSON value) with the marks around it."""
        return self._message(message)[0]

    def example(self, value: Any) -> Tokens:
        """The tokens of a parsed example of any format; 0 for values that are no example."""
        if _lists_messages(value) and value.keys() <= _PLAIN_KEYS:
            return self._plain(value["messages"])
        if is_completion(value):
            prompt, completion = self._value(value["prompt"])[0], self._value(value["completion"])[0]
            return Tokens(prompt + completion, completion, self.estimated)
        total = assistant = 0
        estimated = self.estimated
        for turn in turns(value):
            count, answer, guessed = self._message(turn.message)
            total += count
            estimated |= guessed or turn.path[0] != "messages"
            if not turn.context:
                assistant += answer
        for _, tools in definitions(value):
            total += self.text(compact(tools))
            estimated = True
        if total or _lists_messages(value):
            total += PER_REPLY
        return Tokens(total, assistant, estimated)

    def _plain(self, messages: list[Any]) -> Tokens:
        """The fast path for examples with only messages, which are nearly all."""
        total, assistant, estimated = PER_REPLY, 0, self.estimated
        for message in messages:
            count, answer, guessed = self._message(message)
            total += count
            assistant += answer
            estimated |= guessed
        return Tokens(total, assistant, estimated)

    def chats(self, many: Sequence[RoleTexts]) -> list[Tokens]:
        """As `example`, for many chats of only roles and texts: all texts are counted in one call and not
        cached."""
        counts = self.tokenizer.counts([*chain.from_iterable(contents for _, contents in many)])
        tokens_of_chats, at, estimated = [], 0, self.estimated
        for roles, contents in many:
            around, speaks = self._around(roles)
            mine = counts[at : at + len(contents)]
            at += len(mine)
            tokens_of_chats.append(Tokens(around + sum(mine), sum(compress(mine, speaks)), estimated))
        return tokens_of_chats

    def _around_roles(self, roles: tuple[str, ...]) -> tuple[int, list[bool]]:
        """The tokens of everything but the texts, and for each text whether it is an answer."""
        total = PER_REPLY + sum(PER_MESSAGE + self.text(role) for role in roles)
        return total, [role == "assistant" for role in roles]

    def spans(self, value: Any) -> list[Span]:
        """The text that the model reads of an example, piece by piece.

        The marks around each message are those of the chat format as far as it is known; the formula gives a
        message three tokens for them and the reply that follows the example three more.
        """
        return list(self._spans(value))

    def truncation(self, value: Any, limit: int) -> Cut | None:
        """The point at which an example of more than `limit` tokens is cut off; None where it is not."""
        remaining = limit
        last = Cut("", 0)
        for span in self.spans(value):
            if span.location:
                last = Cut(span.location, len(span.text))
            if span.tokens > remaining:
                return Cut(span.location, self.tokenizer.cut(span.text, remaining)) if span.location else last
            remaining -= span.tokens
        return None

    def _message(self, message: Any) -> tuple[int, int, bool]:
        """The tokens of a message, those of its answer if it is the assistant's, and whether a part is
        estimated."""
        if not isinstance(message, dict):
            return PER_MESSAGE + self._value(message)[0], 0, True
        total, answer, estimated = PER_MESSAGE, 0, False
        speaks = message.get("role") == "assistant"
        short = self._short
        for key, value in message.items():
            if type(value) is str:
                count = short(value) if len(value) <= _CACHED_CHARS else self.text(value)
                total += count + (PER_NAME if key == "name" else 0)
            else:
                count, guessed = self._content(value) if key == "content" else self._value(value)
                total += count
                estimated |= guessed
            if speaks and key in _ANSWER_KEYS:
                answer += count
        return total, answer, estimated

    def _value(self, value: Any) -> tuple[int, bool]:
        """The tokens of a value in a message, and whether they are estimated; null, numbers and booleans have
        none."""
        if isinstance(value, str):
            return self.text(value), False
        if value is None or isinstance(value, (bool, int, float)):
            return 0, False
        return self.text(compact(value)), True

    def _content(self, content: Any) -> tuple[int, bool]:
        """As `_value`, for a content that may be a list of parts."""
        if not isinstance(content, list):
            return self._value(content)
        counts = [self._part(part) for part in content]
        return sum(count for count, _ in counts), any(guessed for _, guessed in counts)

    def _part(self, part: Any) -> tuple[int, bool]:
        key = _text_key(part)
        if key:
            return self.text(part[key]), False
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "image_url":
            image = part.get("image_url")
            low = isinstance(image, dict) and image.get("detail") == "low"
            return (IMAGE_LOW, False) if low else (IMAGE_HIGH, True)
        if kind in ("input_audio", "file"):
            return 0, True
        return self.text(compact(part)), True

    def _spans(self, value: Any) -> Iterator[Span]:
        if is_completion(value):
            for key, trained in (("prompt", False), ("completion", True)):
                role = "assistant" if trained else "user"
                yield Span(int(trained), _as_text(value[key]), trained, role, key, self._value(value[key])[0])
            return
        total = 0
        for path, tools in definitions(value):
            text = compact(tools)
            total += self.text(text)
            yield Span(_NO_TURN, text, False, "tools", format_path(path), self.text(text))
        for index, turn in enumerate(turns(value)):
            total += PER_MESSAGE
            yield from self._turn(index, turn)
        if total or _lists_messages(value):
            yield Span(_NO_TURN, "", False, "", "", PER_REPLY)

    def _turn(self, index: int, turn: Turn) -> Iterator[Span]:
        total, _, _ = self._message(turn.message)
        inside = [
            Span(index, text, turn.trained, turn.role, format_path(path), count)
            for path, text, count in self._texts(turn)
        ]
        marks = total - sum(span.tokens for span in inside)
        yield Span(index, f"<|im_start|>{turn.role}<|im_sep|>", False, turn.role, "", marks)
        yield from inside
        yield Span(index, "<|im_end|>", turn.trained, turn.role)

    def _texts(self, turn: Turn) -> Iterator[tuple[Path, str, int]]:
        """The contents and calls of a message: (place, text, tokens)."""
        message = turn.message
        if not isinstance(message, dict):
            yield turn.path, _as_text(message), self._value(message)[0]
            return
        content = message.get("content")
        if isinstance(content, list):
            for index, part in enumerate(content):
                key = _text_key(part)
                path = (*turn.path, "content", index, key) if key else (*turn.path, "content", index)
                yield path, part[key] if key else _as_text(part), self._part(part)[0]
        elif content is not None:
            yield (*turn.path, "content"), _as_text(content), self._value(content)[0]
        for key in ("refusal", "tool_calls", "function_call"):
            if message.get(key):
                yield (*turn.path, key), _as_text(message[key]), self._value(message[key])[0]


def _lists_messages(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("messages"), list)


def _text_key(part: Any) -> str:
    """The key of the text in a content part; empty for parts without text."""
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if kind in ("text", "refusal") and isinstance(part.get(kind), str) else ""


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
