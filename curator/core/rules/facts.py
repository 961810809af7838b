"""What the dataset rules keep of each example: a few hashes and bits, 25 bytes, so that a million fit anywhere."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from os.path import commonprefix
from typing import Any, NamedTuple

import msgspec
import orjson
from xxhash import xxh3_64_intdigest

from curator.core.answers.refusal import is_refusal
from curator.core.formats import COMPLETION_KEYS, Format
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.subject import Subject, Turn, ends_on_answer

FORMATS: tuple[Format, ...] = ("unknown", "chat", "preference", "reinforcement", "completion")
REFUSAL, IMAGE, ANSWERED = 8, 16, 32
"""Bits of `Facts.flags`; the lowest three hold the format's index in `FORMATS`."""
OPTIONAL_KEYS = frozenset(("tools", "parallel_tool_calls", "functions"))
LONG_ROW = 10_000
_INDEX = {name: index for index, name in enumerate(FORMATS)}
_CHAT = _INDEX["chat"]
_ANSWERED = _CHAT | ANSWERED


class Facts(msgspec.Struct, frozen=True, gc=False):  # made once a line: three times as fast as a NamedTuple
    """Hashes are process-independent; equal prompt and answer mean an equal value, whatever its spelling.

    What has no answer of its own (a chat without one, a reinforcement prompt) is all prompt.
    """

    flags: int
    prompt: int
    """64 bits."""
    answer: int
    """32 bits; compared between equal prompts only."""
    system: int
    """32 bits of the system message's text; 0 without one."""
    optional: tuple[str, ...]
    tokens: int
    pair: tuple[str, str] | None
    """Prompt and completion of a legacy example."""


def facts(subject: Subject, context: Context) -> Facts:
    """The facts of one example that is no broken line."""
    value = subject.value
    flags = _INDEX[subject.format]
    counted = subject.tokens(context)
    tokens = counted.total if counted is not None else 0
    if subject.has & Has.PARTS and _has_image(subject.turns):
        flags |= IMAGE
    if subject.example.faults:
        return _all_prompt(subject, flags, tokens)
    if subject.format == "chat" and (not subject.has & Has.TAIL or ends_on_answer(value)):
        if len(value) == 1 and not subject.has & (Has.ODD | Has.TOOLS):
            return plain_facts(subject.roles, [message["content"] for message in value["messages"]], tokens)
        return chat_facts(value, flags, tokens)
    if subject.format == "preference":
        answer = {key: item for key, item in value.items() if key != "input"}
        hashes = xxh3_64_intdigest(dumped(value.get("input"))), _short(dumped(answer))
        return Facts(flags | ANSWERED, *hashes, _system_of(subject), (), tokens, None)
    if subject.format == "completion" and value.keys() == COMPLETION_KEYS:
        prompt, completion = value["prompt"], value["completion"]
        if isinstance(prompt, str) and isinstance(completion, str):
            hashes = xxh3_64_intdigest(dumped(prompt)), _short(dumped(completion))
            return Facts(flags | ANSWERED, *hashes, 0, (), tokens, (prompt, completion))
    return _all_prompt(subject, flags, tokens)


def _all_prompt(subject: Subject, flags: int, tokens: int) -> Facts:
    """Facts of an example that is compared as a whole."""
    value = subject.value
    optional = tuple(sorted(OPTIONAL_KEYS & value.keys())) if isinstance(value, dict) else ()
    # faults: NaN is not null, and halves of characters differ
    spelled = json.dumps(value, sort_keys=True).encode() if subject.example.faults else dumped(value)
    return Facts(flags, xxh3_64_intdigest(spelled), 0, _system_of(subject), optional, tokens, None)


def chat_facts(value: dict[str, Any], flags: int = _CHAT, tokens: int = 0) -> Facts:
    """Facts of a chat that ends on an answer; the prompt is all but that answer, other keys included."""
    messages = value["messages"]
    last = messages[-1]
    head = dumped(messages[:-1])
    optional: tuple[str, ...] = ()
    if len(value) > 1:
        rest = {key: item for key, item in value.items() if key != "messages"}
        optional = tuple(sorted(OPTIONAL_KEYS & rest.keys()))
        head += dumped(rest)
    content = last.get("content")
    flags |= ANSWERED | (REFUSAL if type(content) is str and is_refusal(content) else 0)
    return Facts(
        flags, xxh3_64_intdigest(head), _short(dumped(last)), _system(messages[0]), optional, tokens, None
    )


class Frame(NamedTuple):
    """What the roles of a plain chat tell."""

    seed: int
    """Of the prompt's hash, to keep equal texts in other roles apart."""
    system: bool
    """Whether the first one is the system's."""


@lru_cache(maxsize=4096)
def frame_of(roles: tuple[str, ...]) -> Frame:
    """The frame of a plain chat."""
    return Frame(xxh3_64_intdigest(" ".join(roles).encode()), roles[0] == "system")


def plain_facts(roles: tuple[str, ...], contents: list[str], tokens: int) -> Facts:
    """Facts of a chat of nothing but known roles with texts, that ends on an answer; told from the texts alone."""
    if not any("\0" in text for text in contents):
        return clean_facts(frame_of(roles), contents, tokens)
    prompt, answer = _joined(contents[:-1]), contents[-1].encode("utf-8", "surrogatepass")
    return _plain(frame_of(roles), contents, prompt, answer, tokens)


def clean_facts(frame: Frame, contents: list[str], tokens: int = 0) -> Facts:
    """`plain_facts` of texts without U+0000."""
    texts = "\0".join(contents).encode("utf-8", "surrogatepass")
    end = texts.rfind(b"\0")
    return _plain(frame, contents, texts[:end] if end >= 0 else b"", texts[end + 1 :], tokens)


def _plain(frame: Frame, contents: list[str], prompt: bytes, answer: bytes, tokens: int) -> Facts:
    seed, has_system = frame
    return Facts(
        _ANSWERED | (REFUSAL if is_refusal(contents[-1]) else 0),
        xxh3_64_intdigest(prompt, seed),
        xxh3_64_intdigest(answer) & 0xFFFFFFFF,
        _system_text(contents[0]) if has_system else 0,
        (),
        tokens,
        None,
    )


def _joined(texts: list[str]) -> bytes:
    """Bytes that tell a list of texts from every other list of as many."""
    joined = "\0".join(texts)
    if joined.count("\0") >= len(texts) > 0:  # a text holds the separator
        return b"\0" + dumped(texts)
    return joined.encode("utf-8", "surrogatepass")


def dumped(value: Any) -> bytes:
    """Canonical bytes: sorted keys, no spaces; equal for equal JSON values. Lone surrogates do not stop it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return repr(value).encode("utf-8", "surrogatepass")


def _short(data: bytes) -> int:
    """32 bits."""
    return xxh3_64_intdigest(data) & 0xFFFFFFFF


def _system_of(subject: Subject) -> int:
    return _system(subject.turns[0].message) if subject.turns else 0


def _system(first: Any) -> int:
    """The hash of a system message's content; 0 where the first message is none."""
    if type(first) is not dict:
        return 0
    if first.get("role") != "system" and first.get("role") != "developer":
        return 0
    content = first.get("content")
    return _system_text(content) if type(content) is str else _short(dumped(content)) or 1


@lru_cache(maxsize=256)
def _system_text(content: str) -> int:
    return _short(dumped(content)) or 1


def _has_image(turns: list[Turn]) -> bool:
    return any(
        type(turn.content) is list
        and any(isinstance(p, dict) and p.get("type") == "image_url" for p in turn.content)
        for turn in turns
    )


@dataclass(slots=True)
class Tally:
    """The facts of many examples in order, column by column; two of them can be put end to end."""

    keys: array[int] = field(default_factory=lambda: array("I"))
    flags: array[int] = field(default_factory=lambda: array("B"))
    prompts: array[int] = field(default_factory=lambda: array("Q"))
    answers: array[int] = field(default_factory=lambda: array("I"))
    systems: array[int] = field(default_factory=lambda: array("I"))
    count: int = 0
    """Examples, broken ones included."""
    tokens: int = 0
    chats: int = 0
    first_optional: tuple[str, ...] = ()
    """The optional keys of the first chat example."""
    optional: dict[str, tuple[int, int]] = field(default_factory=dict)
    """For each optional key the first example that has it, and how many have."""
    pairs: Pairs | None = None

    def take(self, keys: Sequence[int], rows: Sequence[Facts]) -> None:
        """Add the facts of examples, in order."""
        self.count += len(rows)
        self.keys.extend(keys)
        flags = [row.flags for row in rows]
        self.flags.extend(flags)
        self.prompts.extend([row.prompt for row in rows])
        self.answers.extend([row.answer for row in rows])
        self.systems.extend([row.system for row in rows])
        self.tokens += sum([row.tokens for row in rows])
        chats = [flag & 7 for flag in flags].count(_CHAT)
        if chats and not self.chats:
            self.first_optional = next(row.optional for row in rows if row.flags & 7 == _CHAT)
        self.chats += chats
        for key, row in zip(keys, rows, strict=True):
            if row.optional and row.flags & 7 == _CHAT:
                for name in row.optional:
                    first, times = self.optional.get(name, (key, 0))
                    self.optional[name] = first, times + 1
            if row.pair is not None:
                self.pairs = self.pairs or Pairs(row.pair)
                self.pairs.take(*row.pair)

    def extend(self, later: Tally) -> None:
        """Put another tally behind this one."""
        for name in ("keys", "flags", "prompts", "answers", "systems"):
            getattr(self, name).extend(getattr(later, name))
        if later.chats and not self.chats:
            self.first_optional = later.first_optional
        for name, (first, times) in later.optional.items():
            mine, before = self.optional.get(name, (first, 0))
            self.optional[name] = mine, before + times
        self.count += later.count
        self.tokens += later.tokens
        self.chats += later.chats
        if later.pairs is not None:
            self.pairs = later.pairs if self.pairs is None else self.pairs.joined(later.pairs)


class Pairs:
    """What legacy prompt/completion rows have in common (the checks of the SDK's former `tools` command)."""

    def __init__(self, first: tuple[str, str]) -> None:
        self.prompt_prefix, self.completion_prefix = first
        self.prompt_suffix = first[0]
        self.counts: Counter[str] = Counter()

    def take(self, prompt: str, completion: str) -> None:
        """Count one row."""
        self._narrow(prompt, prompt, completion)
        self.counts["rows"] += 1
        self.counts["no_blank"] += not completion[:1].isspace()
        self.counts["long"] += len(prompt) + len(completion) > LONG_ROW
        self.counts["upper"] += _is_mostly_upper(prompt) or _is_mostly_upper(completion)

    def joined(self, other: Pairs) -> Pairs:
        """These rows and others together."""
        self._narrow(other.prompt_prefix, other.prompt_suffix, other.completion_prefix)
        self.counts.update(other.counts)
        return self

    def _narrow(self, prompt: str, prompt_end: str, completion: str) -> None:
        self.prompt_prefix = commonprefix((self.prompt_prefix, prompt))
        self.completion_prefix = commonprefix((self.completion_prefix, completion))
        self.prompt_suffix = commonprefix((self.prompt_suffix[::-1], prompt_end[::-1]))[::-1]


def _is_mostly_upper(text: str) -> bool:
    upper = sum(map(str.isupper, text))
    return upper > sum(map(str.islower, text))
