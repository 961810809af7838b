"""One look at one example: parsed once, then rules, tokens, hashes and the list's preview from the same value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.core import rules
from curator.core.duplicates.texts import message_text, turns
from curator.core.example import Example, parse
from curator.core.problem import Problem, Severity
from curator.core.rules.engine import check_subject
from curator.core.rules.facts import Facts, facts
from curator.core.rules.subject import Subject
from curator.workspace import flags
from curator.workspace.results import Result

if TYPE_CHECKING:
    from curator.core.tokens import Counter

PREVIEW_CHARS = 100
ROLES_SHOWN = 24
_LETTERS = {"system": "s", "developer": "d", "user": "u", "assistant": "a", "tool": "t", "function": "f"}


class Look(NamedTuple):
    """What one look gave: the result to store, and the facts for the rules over the whole dataset."""

    result: Result
    facts: Facts | None
    example: Example

    def feed(self, check: rules.DatasetCheck) -> None:
        """Hand the example on to the rules over the whole dataset."""
        if self.facts is None:
            check.add(self.result.id, self.example)
        else:
            check.take(self.result.id, self.facts)


class Analyst:
    """Looks at examples under one rule context; counts tokens where it was given a counter."""

    def __init__(self, context: rules.Context, counter: Counter | None = None) -> None:
        self.context = context
        self.counter = counter
        if counter is not None:
            self.count_with(counter)

    def count_with(self, counter: Counter) -> None:
        """From now on count tokens too."""
        self.counter = counter
        self.context = replace(self.context, count=counter.example)

    def look(self, example_id: int, version: int, raw: bytes) -> Look:
        """Everything that analysis stores about these bytes."""
        return self.look_at(example_id, version, parse(raw))

    def look_at(self, example_id: int, version: int, example: Example) -> Look:
        """The same for an example that is parsed already."""
        subject = Subject(example, self.context)
        problems = tuple(check_subject(subject, self.context))
        unread = example.value is None and bool(example.faults)
        known = None if unread else facts(subject, self.context)
        messages = [] if unread else turns(example.value)
        tokens = None if unread or self.counter is None else subject.tokens(self.context)
        total, answer = (tokens.total, tokens.assistant) if tokens is not None else (None, None)
        if unread and self.counter is not None:
            total = answer = 0
        errors, warnings = tally(problems)
        result = Result(
            example_id, version, errors, warnings, len(messages), roles(messages), total, answer,
            _states(example, version, errors, warnings) | _roles(messages) << 8,
            preview(example, messages), problems,
        )  # fmt: skip
        return Look(result, known, example)


def _states(example: Example, version: int, errors: int, warnings: int) -> int:
    found = flags.LOOKED | (flags.ERROR if errors else 0) | (flags.WARNING if warnings else 0)
    if version:
        return found
    plain = flags.PLAIN if is_plain(example.value) else 0
    return found | flags.SOURCE | plain | (flags.HIDING if flags.hides(example.raw) else 0)


def _roles(messages: Iterable[Any]) -> int:
    """The roles that occur, as bits."""
    found = 0
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        found |= flags.ROLES.get(role, 0) if isinstance(role, str) else 0
    return found


def is_plain(value: Any) -> bool:
    """Whether an example is nothing but messages of a role and a text each."""
    return (
        type(value) is dict
        and len(value) == 1
        and type(value.get("messages")) is list
        and all(
            type(message) is dict
            and len(message) == 2
            and "role" in message
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
    text = (text or example.raw[: PREVIEW_CHARS * 4].decode("utf-8", "replace"))[:PREVIEW_CHARS]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
