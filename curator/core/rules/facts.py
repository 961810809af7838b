"""What the dataset rules keep of each example: a few hashes and bits, 33 bytes, so that a million fit anywhere."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from os.path import commonprefix
from typing import Any, NamedTuple

import orjson

from curator.core.formats import Format
from curator.core.refusal import is_refusal
from curator.core.rules.registry import Context
from curator.core.rules.subject import Subject, Turn

FORMATS: tuple[Format, ...] = ("unknown", "chat", "preference", "reinforcement", "completion")
REFUSAL, IMAGE, ANSWERED = 8, 16, 32
"""Bits of `Facts.flags`; the lowest three hold the format's index in `FORMATS`."""
OPTIONAL_KEYS = frozenset(("tools", "parallel_tool_calls", "functions"))
LONG_ROW = 10_000


class Facts(NamedTuple):
    """Hashes are process-independent; `prompt` and `system` are 0 where there is none."""

    flags: int
    value: int
    prompt: int
    answer: int
    system: int
    optional: tuple[str, ...]
    tokens: int
    pair: tuple[str, str] | None
    """Prompt and completion of a legacy example."""


def facts(subject: Subject, context: Context) -> Facts:
    """The facts of one example that is no broken line."""
    flags = FORMATS.index(subject.format)
    value = subject.value
    tokens = subject.tokens(context)
    total = tokens.total if tokens is not None else 0
    turns = subject.turns
    if (
        subject.format == "chat"
        and turns
        and turns[-1].role == "assistant"
        and len(turns) == len(value["messages"])
    ):
        return _chat_facts(subject, flags, total)
    pair = None
    if (
        subject.format == "completion"
        and isinstance(value.get("prompt"), str)
        and isinstance(value.get("completion"), str)
    ):
        pair = (value["prompt"], value["completion"])
    prompt, answer = _split(subject, pair)
    flags |= IMAGE if _has_image(turns) else 0
    flags |= ANSWERED if prompt else 0
    return Facts(flags, _hash(dumped(value)), prompt, answer, _system(turns), (), total, pair)


def _chat_facts(subject: Subject, flags: int, tokens: int) -> Facts:
    """Each message is written once: the hash of the value is made of those of the prompt and of the answer."""
    value, last = subject.value, subject.turns[-1]
    head = dumped(value["messages"][:-1])
    optional: tuple[str, ...] = ()
    if len(value) > 1:
        rest = {key: item for key, item in value.items() if key != "messages"}
        optional = tuple(sorted(OPTIONAL_KEYS & rest.keys()))
        head += dumped(rest)
    tail = dumped(last.message)
    flags |= ANSWERED | (IMAGE if _has_image(subject.turns) else 0)
    if type(last.content) is str and is_refusal(last.content):
        flags |= REFUSAL
    whole = _hash(b"%d %b%b" % (len(head), head, tail))
    return Facts(
        flags, whole, _hash(head), _hash(tail) & 0xFFFFFFFF, _system(subject.turns), optional, tokens, None
    )


def _split(subject: Subject, pair: tuple[str, str] | None) -> tuple[int, int]:
    """Hashes of prompt and answer where the example has both; a pair of preferences has its first output."""
    value = subject.value
    if pair is not None:
        return _hash(pair[0].encode("utf-8", "replace")), _hash(pair[1].encode("utf-8", "replace")) & 0xFFFFFFFF
    if subject.format == "preference":
        answer = value.get("preferred_output", value.get("preferred_completion"))
        return _hash(dumped(value.get("input"))), _hash(dumped(answer)) & 0xFFFFFFFF
    return 0, 0


def dumped(value: Any) -> bytes:
    """Canonical bytes: sorted keys, no spaces; equal for equal JSON values. Lone surrogates do not stop it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return repr(value).encode("utf-8", "surrogatepass")


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _system(turns: list[Turn]) -> int:
    first = turns[0] if turns else None
    if first is None or (first.role != "system" and first.role != "developer"):
        return 0
    return _hash(dumped(first.content)) & 0xFFFFFFFF or 1


def _has_image(turns: list[Turn]) -> bool:
    return any(
        type(turn.content) is list
        and any(isinstance(p, dict) and p.get("type") == "image_url" for p in turn.content)
        for turn in turns
    )


@dataclass(slots=True)
class Tally:
    """The facts of many examples in order, column by column; two of them can be put end to end."""

    keys: array[int] = field(default_factory=lambda: array("q"))
    flags: array[int] = field(default_factory=lambda: array("B"))
    values: array[int] = field(default_factory=lambda: array("Q"))
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

    def take(self, key: int, row: Facts) -> None:
        """Add one example's facts."""
        self.count += 1
        self.keys.append(key)
        self.flags.append(row.flags)
        self.values.append(row.value)
        self.prompts.append(row.prompt)
        self.answers.append(row.answer)
        self.systems.append(row.system)
        self.tokens += row.tokens
        if row.flags & 7 == 1:
            if not self.chats:
                self.first_optional = row.optional
            self.chats += 1
            for name in row.optional:
                first, times = self.optional.get(name, (key, 0))
                self.optional[name] = first, times + 1
        if row.pair is not None:
            self.pairs = self.pairs or Pairs(row.pair)
            self.pairs.take(*row.pair)

    def extend(self, later: Tally) -> None:
        """Put another tally behind this one."""
        for name in ("keys", "flags", "values", "prompts", "answers", "systems"):
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
