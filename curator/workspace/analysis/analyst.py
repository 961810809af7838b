"""One look at one example: parsed once, then rules, tokens, hashes and the list's preview from the same value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from curator.core import rules
from curator.core.duplicates.texts import message_text, messages_of
from curator.core.example import Example, parse
from curator.core.problem import Problem, Severity
from curator.core.rules.engine import check_subject
from curator.core.rules.facts import Facts, facts
from curator.core.rules.families.syntax import repeats_a_key
from curator.core.rules.has import Has
from curator.core.rules.quick.quick_look import Seen, looks
from curator.core.rules.subject import Subject
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.result_store import Result

if TYPE_CHECKING:
    from curator.core.rules.context import TokenCount
    from curator.tokens import Counter, Tokens

PREVIEW_CHARS = 100
ROLES_SHOWN = 24
_LETTERS = {"system": "s", "developer": "d", "user": "u", "assistant": "a", "tool": "t", "function": "f"}
_KNOWN = tuple(_LETTERS)


class Look(NamedTuple):
    """What one look gave: the result to store, and the facts for the rules over the whole dataset."""

    result: Result
    facts: Facts | None
    example: Example

    def counted(self, tokens: Mapping[int, int | None]) -> Look:
        """The same with tokens, by id, that were counted before."""
        if self.facts is None:
            return self
        return self._replace(facts=structs.replace(self.facts, tokens=tokens.get(self.result.id) or 0))

    def feed(self, check: rules.DatasetCheck) -> None:
        """Hand the example on to the rules over the whole dataset."""
        if self.facts is None:
            check.add(self.result.id, self.example)
        else:
            check.take([self.result.id], [self.facts])


class Analyst:
    """Looks at examples under one rule context; counts tokens where it was given a counter."""

    def __init__(self, context: rules.Context, counter: Counter | None = None) -> None:
        self.context = self._bare = context
        self.counter = counter
        if counter is not None:
            self.count_with(counter)

    def count_with(self, counter: Counter) -> None:
        """From now on count tokens too."""
        self.counter = counter
        self.context = replace(self.context, count=counter.example, cut=counter.truncation)

    def look(self, example_id: int, version: int, raw: bytes) -> Look:
        """Everything that analysis stores about these bytes."""
        return self.look_at(example_id, version, parse(raw))

    def look_at_many(self, examples: Iterable[tuple[int, int, bytes]]) -> list[Look]:
        """As `look` for each (id, version, bytes); plain chats go the short way, their tokens counted together."""
        some = list(examples)
        looked = self._looks([raw for *_, raw in some])
        seen = [(*example, look) for example, look in zip(some, looked, strict=True)]
        plain = [(s.roles, s.texts) for *_, s in seen if s is not None and s.value is None]
        counts = iter(self.counter.chats(plain) if self.counter is not None else [None] * len(plain))
        return [
            self._take(number, version, raw, s, next(counts) if s is not None and s.value is None else None)
            for number, version, raw, s in seen
        ]

    def _take(self, number: int, version: int, raw: bytes, seen: Seen | None, tokens: Tokens | None) -> Look:
        """What was seen at once; the rules look where nothing was, or where there are too many tokens."""
        limit = self.context.limit
        if seen is not None and seen.value is not None and self.counter is not None:
            tokens = self.counter.example(seen.value)
        if seen is None or (tokens is not None and limit is not None and tokens.total > limit):
            return self.look(number, version, raw)
        return _taken(number, version, raw, seen, tokens)

    def _looks(self, raws: list[bytes]) -> list[Seen | None]:
        """What is seen at once of chats, None of any other lines."""
        return looks(raws, self._bare) if self.context.contract is None else [None] * len(raws)

    def look_at(self, example_id: int, version: int, example: Example) -> Look:
        """The same for an example that is parsed already."""
        subject = Subject(example, self.context)
        problems = tuple(check_subject(subject, self.context))
        unread = example.value is None and bool(example.faults)
        known = None if unread else facts(subject, self.context)
        tokens = None if unread else subject.tokens(self.context)
        said = not subject.has & Has.KEYS or not repeats_a_key(example.raw, example.value)
        result = _result(example, example_id, version, problems, tokens, said=said)
        if unread and self.counter is not None:
            result = replace(result, tokens=0, assistant=0)
        return Look(result, known, example)


def _result(
    example: Example,
    number: int,
    version: int,
    problems: tuple[Problem, ...],
    tokens: TokenCount | None,
    *,
    said: bool,
) -> Result:
    """What is stored of an example; `said`: no key stands twice in it."""
    messages = messages_of(example.value)
    errors, warnings = tally(problems)
    total, answer = (None, None) if tokens is None else (tokens.total, tokens.assistant)
    plain = not messages or (said and is_plain(example.value))
    opening = flags.OPENS if said and not plain and not version and flags.OPENING.match(example.raw) else 0
    return Result(
        number, version, errors, warnings, len(messages), roles(messages), total, answer,
        _states(example.raw, plain, version, errors, warnings) | (_roles(messages) | opening) << 8,
        preview(example, messages), problems,
    )  # fmt: skip


def _taken(number: int, version: int, raw: bytes, seen: Seen, tokens: Tokens | None) -> Look:
    """The look at a line of which all is seen at once."""
    known = structs.replace(seen.facts, tokens=tokens.total) if tokens is not None else seen.facts
    if seen.value is not None:
        example = Example(raw, seen.value)
        return Look(_result(example, number, version, seen.problems, tokens, said=True), known, example)
    errors, warnings = tally(seen.problems)
    kinds, bits = _order(seen.roles)
    text = seen.texts[seen.roles.index("user")] if "user" in seen.roles else seen.texts[0]
    total, answer = (None, None) if tokens is None else (tokens.total, tokens.assistant)
    result = Result(
        number, version, errors, warnings, len(seen.texts), kinds, total, answer,
        _states(raw, True, version, errors, warnings) | bits << 8, _cut(text), seen.problems,
    )  # fmt: skip
    return Look(result, known, Example(raw))


@lru_cache(maxsize=4096)
def _order(names: tuple[str, ...]) -> tuple[str, int]:
    """The letters and the bits of some roles."""
    messages = [{"role": name} for name in names]
    return roles(messages), _roles(messages)


def _states(raw: bytes, plain: bool, version: int, errors: int, warnings: int) -> int:
    found = flags.LOOKED | (flags.ERROR if errors else 0) | (flags.WARNING if warnings else 0)
    if version:
        return found
    return found | flags.SOURCE | (flags.PLAIN if plain else 0) | (flags.HIDING if flags.hides(raw) else 0)


def _roles(messages: Iterable[Any]) -> int:
    """The roles that occur, as bits."""
    found = 0
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        found |= flags.ROLES.get(role, 0) if isinstance(role, str) else 0
    return found


def is_plain(value: Any) -> bool:
    """Whether an example is nothing but messages of a known role and a text each: another role may be a word that
    is looked for."""
    return (
        type(value) is dict
        and len(value) == 1
        and type(value.get("messages")) is list
        and all(
            type(message) is dict
            and len(message) == 2
            and message.get("role") in _KNOWN
            and type(message.get("content")) is str
            for message in value["messages"]
        )
    )


def tally(problems: Iterable[Problem]) -> tuple[int, int]:
    """How many errors and warnings there are among some problems."""
    errors = warnings = 0
    for problem in problems:
        errors += problem.severity is Severity.ERROR
        warnings += problem.severity is Severity.WARNING
    return errors, warnings


def roles(messages: Iterable[Any]) -> str:
    """One letter a message, `?` for what is no known role; cut with `…`."""
    out = ""
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        out += _LETTERS.get(role, "?") if isinstance(role, str) else "?"
        if len(out) == ROLES_SHOWN:
            return out + "…"
    return out


def preview(example: Example, messages: list[Any]) -> str:
    """The first user text, else the first text, else the line itself; cut, without lone surrogates."""
    text = ""
    for message in messages:
        words = message_text(message)
        if words and isinstance(message, dict) and message.get("role") == "user":
            text = words
            break
        text = text or words
    return _cut(text or example.raw[: PREVIEW_CHARS * 4].decode("utf-8", "replace"))


def _cut(text: str) -> str:
    text = text[:PREVIEW_CHARS]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
