"""One look at one example: parse once, then rules, tokens, hashes and the list's preview from the same value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from curator.core import rules
from curator.core.duplicates.hashes import value_hash
from curator.core.duplicates.texts import message_text, prompt_and_answer, turns
from curator.core.example import Example, parse
from curator.core.problem import Problem, Severity
from curator.workspace.results import Result

if TYPE_CHECKING:
    from curator.core.tokens import Counter

PREVIEW_CHARS = 120
ROLES_SHOWN = 24
_LETTERS = {
    "system": "s",
    "developer": "d",
    "user": "u",
    "assistant": "a",
    "tool": "t",
    "function": "f",
}


class Analyst:
    """Looks at examples under one rule context; counts tokens where it was given a counter."""

    def __init__(self, context: rules.Context, counter: Counter | None = None) -> None:
        self.context = context
        self.counter = counter

    def look(self, example_id: int, version: int, raw: bytes) -> Result:
        """Everything that analysis stores about these bytes."""
        return self.result(example_id, version, parse(raw))

    def result(self, example_id: int, version: int, example: Example) -> Result:
        """The same for an example that is parsed already."""
        problems = tuple(rules.check(example, self.context))
        value = example.value
        messages = [] if example.broken else turns(value)
        total = answer = None
        if self.counter is not None:
            counted = self.counter.example(None if example.broken else value)
            total, answer = counted.total, counted.assistant
        hashes = _hashes(value) if messages else (0, 0, 0)
        errors, warnings = tally(problems)
        return Result(
            example_id, version, errors, warnings, len(messages), roles(messages), total, answer, *hashes,
            preview(example, messages), problems,
        )  # fmt: skip


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
        if isinstance(message, dict) and message.get("role") == "user" and words:
            text = words
            break
        text = text or words
    text = text or example.raw[: PREVIEW_CHARS * 4].decode("utf-8", "replace")
    return text[:PREVIEW_CHARS].encode("utf-8", "replace").decode()


def _hashes(value: Any) -> tuple[int, int, int]:
    """Of the value, of its prompt (0 where there is no answer) and of its answer; 0 stands for none."""
    prompt, answer = prompt_and_answer(value)
    if answer is None:
        return value_hash(value), 0, 0
    return value_hash(value), _text_hash(prompt), _text_hash(answer)


def _text_hash(text: str) -> int:
    import hashlib

    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
