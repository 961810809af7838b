"""What the dataset rules store of each example: hashes and bits, 25 bytes, so that a million fit into memory."""

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
from curator.core.bookkeeping import is_bookkeeping
from curator.core.formats import COMPLETION_KEYS, Format
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.subject import Subject, Turn, ends_on_answer
from curator.core.turns import without_marks

FORMATS: tuple[Format, ...] = ("unknown", "chat", "preference", "reinforcement", "completion")
REFUSAL, IMAGE, ANSWERED = 8, 16, 32
"""Bits of `Facts.flags`: the answer is a refusal, there is an image, there is an answer. The lowest three bits
are the index of the format in `FORMATS`."""
OPTIONAL_KEYS = frozenset(("tools", "parallel_tool_calls", "functions"))
LONG_ROW = 10_000
"""Characters of a prompt/completion row above which it is long."""
_INDEX = {name: index for index, name in enumerate(FORMATS)}
_CHAT = _INDEX["chat"]
_ANSWERED = _CHAT | ANSWERED


class Facts(msgspec.Struct, frozen=True, gc=False):  # one for each line: made three times as fast as a NamedTuple
    """The facts of one example. The hashes are equal in every process.

    Equal hashes of prompt and answer mean that both are said alike: weights, ids of calls, bookkeeping beside the
    messages and blanks around the answer do not count. An example without an answer (a chat without one, a
    reinforcement prompt) has all of its value hashed as the prompt.
    """

    flags: int
    prompt: int
    """64 bits; covers everything but the answer."""
    answer: int
    """32 bits; compared between equal prompts only."""
    system: int
    """32 bits of the system message's text; 0 without one."""
    optional: tuple[str, ...]
    """Which of `OPTIONAL_KEYS` it has."""
    tokens: int
    pair: tuple[str, str] | None
    """Prompt and completion of a prompt/completion example."""


def facts_of(subject: Subject, context: Context) -> Facts:
    """The facts of one example that has a value."""
    value = subject.value
    flags = _INDEX[subject.format]
    counted = subject.tokens(context)
    tokens = counted.total if counted is not None else 0
    if subject.has & Has.PARTS and _has_image(subject.turns):
        flags |= IMAGE
    if subject.example.faults:
        return _facts_of_whole(subject, flags, tokens)
    if subject.format == "chat" and (not subject.has & Has.TAIL or ends_on_answer(value)):
        if len(value) == 1 and not subject.has & (Has.ODD | Has.TOOLS):
            return plain_facts(subject.roles, [message["content"] for message in value["messages"]], tokens)
        return chat_facts(value, flags, tokens)
    if subject.format == "preference":
        answer = {key: item for key, item in value.items() if key != "input"}
        hashes = xxh3_64_intdigest(canonical_json(value.get("input"))), _hash32(canonical_json(answer))
        return Facts(flags | ANSWERED, *hashes, _system_of(subject), (), tokens, None)
    if subject.format == "completion" and value.keys() == COMPLETION_KEYS:
        prompt, completion = value["prompt"], value["completion"]
        if isinstance(prompt, str) and isinstance(completion, str):
            hashes = xxh3_64_intdigest(canonical_json(prompt)), _hash32(canonical_json(completion))
            return Facts(flags | ANSWERED, *hashes, 0, (), tokens, (prompt, completion))
    return _facts_of_whole(subject, flags, tokens)


def _facts_of_whole(subject: Subject, flags: int, tokens: int) -> Facts:
    """The facts of an example whose whole value is hashed as the prompt."""
    value = subject.value
    optional = tuple(sorted(OPTIONAL_KEYS & value.keys())) if isinstance(value, dict) else ()
    # with faults: orjson would write NaN as null and refuse lone surrogates
    spelled = json.dumps(value, sort_keys=True).encode() if subject.example.faults else canonical_json(value)
    return Facts(flags, xxh3_64_intdigest(spelled), 0, _system_of(subject), optional, tokens, None)


def chat_facts(value: dict[str, Any], flags: int = _CHAT, tokens: int = 0) -> Facts:
    """The facts of a chat that ends on an answer; its prompt is all else but weights, ids and bookkeeping."""
    optional = tuple(sorted(OPTIONAL_KEYS & value.keys())) if len(value) > 1 else ()
    rest = {key: item for key, item in value.items() if key != "messages" and not is_bookkeeping(key, item)}
    messages = [without_marks(message) for message in value["messages"]]
    content = value["messages"][-1].get("content")
    flags |= ANSWERED | (REFUSAL if type(content) is str and is_refusal(content) else 0)
    system = _system_hash(messages[0])
    if not rest and (roles := _roles_of_plain(messages)):
        plain = plain_facts(roles, [message["content"] for message in messages], tokens)
        return Facts(flags, plain.prompt, plain.answer, system, optional, tokens, None)
    prompt = canonical_json(messages[:-1]) + (canonical_json(rest) if rest else b"")
    return Facts(
        flags, xxh3_64_intdigest(prompt), _hash32(canonical_json(messages[-1])), system, optional, tokens, None
    )


def _roles_of_plain(messages: list[Any]) -> tuple[str, ...]:
    """The roles of messages that have nothing but a role and a text; () where one has more."""
    roles = []
    for message in messages:
        if type(message) is not dict or len(message) != 2 or type(message.get("content")) is not str:
            return ()
        if type(role := message.get("role")) is not str:
            return ()
        roles.append(role)
    return tuple(roles)


class Frame(NamedTuple):
    """The facts that depend on a plain chat's roles alone, computed once for each sequence of roles."""

    seed: int
    """The seed of the prompt's hash: equal texts in different roles get different hashes."""
    system: bool
    """Whether the first message is the system's."""


@lru_cache(maxsize=4096)
def frame_of(roles: tuple[str, ...]) -> Frame:
    """The frame of a plain chat with these roles."""
    return Frame(xxh3_64_intdigest(" ".join(roles).encode()), roles[0] == "system")


def plain_facts(roles: tuple[str, ...], contents: list[str], tokens: int) -> Facts:
    """The facts of a plain chat (only roles and texts) that ends on an answer."""
    if not any("\0" in text for text in contents):
        return clean_facts(frame_of(roles), contents, tokens)
    prompt, answer = _join(contents[:-1]), contents[-1].encode("utf-8", "surrogatepass")
    return _facts_from_bytes(frame_of(roles), contents, prompt, answer, tokens)


def clean_facts(frame: Frame, contents: list[str], tokens: int = 0) -> Facts:
    """As `plain_facts`, for texts without U+0000."""
    texts = "\0".join(contents).encode("utf-8", "surrogatepass")
    end = texts.rfind(b"\0")
    return _facts_from_bytes(frame, contents, texts[:end] if end >= 0 else b"", texts[end + 1 :], tokens)


def _facts_from_bytes(frame: Frame, contents: list[str], prompt: bytes, answer: bytes, tokens: int) -> Facts:
    seed, has_system = frame
    return Facts(
        _ANSWERED | (REFUSAL if is_refusal(contents[-1]) else 0),
        xxh3_64_intdigest(prompt, seed),
        xxh3_64_intdigest(answer.rstrip()) & 0xFFFFFFFF,
        _system_text_hash(contents[0]) if has_system else 0,
        (),
        tokens,
        None,
    )


def _join(texts: list[str]) -> bytes:
    """Bytes that differ for any two different lists of equally many texts."""
    joined = "\0".join(texts)
    if joined.count("\0") >= len(texts) > 0:  # a text contains the separator
        return b"\0" + canonical_json(texts)
    return joined.encode("utf-8", "surrogatepass")


def canonical_json(value: Any) -> bytes:
    """The canonical JSON of a value: sorted keys, no blanks; integers beyond 64 bits are exact."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


def _hash32(data: bytes) -> int:
    """A hash of 32 bits."""
    return xxh3_64_intdigest(data) & 0xFFFFFFFF


def _system_of(subject: Subject) -> int:
    return _system_hash(subject.turns[0].message) if subject.turns else 0


def _system_hash(first: Any) -> int:
    """The hash of the content of the first message, if it is a system message; else 0."""
    if type(first) is not dict:
        return 0
    if first.get("role") != "system" and first.get("role") != "developer":
        return 0
    content = first.get("content")
    return _system_text_hash(content) if type(content) is str else _hash32(canonical_json(content)) or 1


@lru_cache(maxsize=256)
def _system_text_hash(content: str) -> int:
    return _hash32(canonical_json(content)) or 1


def _has_image(turns: list[Turn]) -> bool:
    return any(
        type(turn.content) is list
        and any(isinstance(p, dict) and p.get("type") == "image_url" for p in turn.content)
        for turn in turns
    )


@dataclass(slots=True)
class FactsTally:
    """The facts of many examples in order, one array a column; another tally can be appended."""

    keys: array[int] = field(default_factory=lambda: array("I"))
    """Line numbers or ids."""
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
    """For each optional key: the first example that has it, and how many have it."""
    pairs: LegacyPairs | None = None

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
                self.pairs = self.pairs or LegacyPairs(row.pair)
                self.pairs.take(*row.pair)

    def extend(self, later: FactsTally) -> None:
        """Append another tally."""
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
            self.pairs = later.pairs if self.pairs is None else self.pairs.merge(later.pairs)


class LegacyPairs:
    """What all prompt/completion rows have in common, as OpenAI's SDK 2.54 checked it (docs/openai.md §3,
    number 73)."""

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

    def merge(self, other: LegacyPairs) -> LegacyPairs:
        """Add the rows of another; returns itself."""
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
