"""Analyses one example: it is parsed once, for rules, tokens, hashes and the preview in the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from curator.core import rules
from curator.core.duplicates.texts import message_text, messages_of
from curator.core.example import Example, parse
from curator.core.problem import Problem, Severity
from curator.core.rules.engine import check_subject
from curator.core.rules.facts import Facts, facts_of
from curator.core.rules.families.syntax import repeats_a_key
from curator.core.rules.has import Has
from curator.core.rules.quick.quick_look import QuickLook, quick_looks
from curator.core.rules.subject import Subject
from curator.core.text import writable
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.result_store import Result

if TYPE_CHECKING:
    from curator.core.rules.context import TokenCount
    from curator.tokens import Counter, Tokens

PREVIEW_CHARS = 100
ROLES_SHOWN = 24
_LETTERS = {"system": "s", "developer": "d", "user": "u", "assistant": "a", "tool": "t", "function": "f"}
_KNOWN_ROLES = tuple(_LETTERS)


class Analysed(NamedTuple):
    """An analysed example: the result to store, and the facts for the rules on the dataset as a whole."""

    result: Result
    facts: Facts | None
    """None where the example cannot be parsed."""
    example: Example

    def with_tokens(self, tokens: Mapping[int, int | None]) -> Analysed:
        """The same with tokens counted before, given by id."""
        if self.facts is None:
            return self
        return self._replace(facts=structs.replace(self.facts, tokens=tokens.get(self.result.id) or 0))


def feed_all(check: rules.DatasetCheck, examples: Iterable[Analysed], deleted: Set[int]) -> None:
    """Hand examples to the rules on the dataset as a whole, but for the deleted ones (by id)."""
    keys, rows = [], []
    for result, facts, example in examples:
        if result.id in deleted:
            continue
        if facts is None:
            check.add(result.id, example)
        else:
            keys.append(result.id)
            rows.append(facts)
    check.take(keys, rows)


class Analyst:
    """Analyses examples by the rules in one context; counts tokens where it has a counter."""

    def __init__(self, context: rules.Context, counter: Counter | None = None) -> None:
        self.context = self._without_counter = context
        self.counter = counter
        if counter is not None:
            self.count_with(counter)

    def count_with(self, counter: Counter) -> None:
        """Count tokens too from now on."""
        self.counter = counter
        self.context = replace(self.context, count=counter.example, cut=counter.truncation)

    def analyse(self, example_id: int, version: int, raw: bytes) -> Analysed:
        """Compute everything that is stored about the bytes of one version of an example."""
        return self.analyse_parsed(example_id, version, parse(raw))

    def analyse_many(self, examples: Iterable[tuple[int, int, bytes]], *, many: bool = False) -> list[Analysed]:
        """As `analyse` for each (id, version, bytes); of plain chats a quick look does, and one call counts
        tokens. `many`: there are enough to come to be worth loading NumPy."""
        examples = list(examples)
        quick_looks = self._quick_looks([raw for *_, raw in examples], many)
        plain = [(look.roles, look.texts) for look in quick_looks if look is not None and look.value is None]
        counts = iter(self.counter.chats(plain) if self.counter is not None else [None] * len(plain))
        analysed = []
        for (example_id, version, raw), look in zip(examples, quick_looks, strict=True):
            tokens = next(counts) if look is not None and look.value is None else None
            analysed.append(self._analyse_by(look, example_id, version, raw, tokens))
        return analysed

    def _analyse_by(
        self, look: QuickLook | None, example_id: int, version: int, raw: bytes, tokens: Tokens | None
    ) -> Analysed:
        """By a quick look; by all the rules where there is none, or where the example is over the limit."""
        limit = self.context.limit
        if look is not None and look.value is not None and self.counter is not None:
            tokens = self.counter.example(look.value)
        if look is None or (tokens is not None and limit is not None and tokens.total > limit):
            return self.analyse(example_id, version, raw)
        return _of_quick_look(example_id, version, raw, look, tokens)

    def _quick_looks(self, raws: list[bytes], many: bool) -> list[QuickLook | None]:
        """A quick look at each line; None where only the rules tell, as always with an answer contract."""
        if self.context.contract is not None:
            return [None] * len(raws)
        return quick_looks(raws, self._without_counter, many=many)

    def analyse_parsed(self, example_id: int, version: int, example: Example) -> Analysed:
        """As `analyse`, of an example that is parsed already."""
        subject = Subject(example, self.context)
        problems = tuple(check_subject(subject, self.context))
        unparsed = example.value is None and bool(example.faults)
        example_facts = None if unparsed else facts_of(subject, self.context)
        tokens = None if unparsed else subject.tokens(self.context)
        no_repeated_keys = not subject.has & Has.KEYS or not repeats_a_key(example.raw, example.value)
        result = _result(example, example_id, version, problems, tokens, no_repeated_keys=no_repeated_keys)
        if unparsed and self.counter is not None:
            result = structs.replace(result, tokens=0, assistant=0)
        return Analysed(result, example_facts, example)


def _result(
    example: Example,
    example_id: int,
    version: int,
    problems: tuple[Problem, ...],
    tokens: TokenCount | None,
    *,
    no_repeated_keys: bool,
) -> Result:
    """What is stored of an example. `no_repeated_keys`: no JSON object in the line has a key twice."""
    messages = messages_of(example.value)
    errors, warnings = tally(problems)
    plain = not messages or (no_repeated_keys and is_plain(example.value))
    may_open = no_repeated_keys and not plain and not version
    opening = flags.OPENS if may_open and flags.OPENING.match(example.raw) else 0
    return Result(
        id=example_id,
        version=version,
        errors=errors,
        warnings=warnings,
        messages=len(messages),
        roles=role_letters(messages),
        tokens=None if tokens is None else tokens.total,
        assistant=None if tokens is None else tokens.assistant,
        flags=_states(example.raw, plain, version, errors, warnings) | (_role_bits(messages) | opening) << 8,
        preview=preview(example, messages),
        answer=answer_preview(messages),
        problems=problems,
    )


def _of_quick_look(example_id: int, version: int, raw: bytes, look: QuickLook, tokens: Tokens | None) -> Analysed:
    """The analysis of a line of which a quick look tells everything."""
    example_facts = structs.replace(look.facts, tokens=tokens.total) if tokens is not None else look.facts
    if look.value is not None:
        example = Example(raw, look.value)
        result = _result(example, example_id, version, look.problems, tokens, no_repeated_keys=True)
        return Analysed(result, example_facts, example)
    errors, warnings = tally(look.problems)
    letters, role_bits, asked, answered = _of_roles(look.roles)
    result = Result(
        id=example_id,
        version=version,
        errors=errors,
        warnings=warnings,
        messages=len(look.texts),
        roles=letters,
        tokens=None if tokens is None else tokens.total,
        assistant=None if tokens is None else tokens.assistant,
        flags=_states(raw, True, version, errors, warnings) | role_bits << 8,
        preview=_cut_text(look.texts[asked]),
        answer="" if answered is None else _cut_text(look.texts[answered]),
        problems=look.problems,
    )
    return Analysed(result, example_facts, Example(raw))


@lru_cache(maxsize=4096)
def _of_roles(names: tuple[str, ...]) -> tuple[str, int, int, int | None]:
    """`role_letters` and `_role_bits` of messages with these roles, and the places of two of them: the first that
    is asked (else the first of all), and the last answer."""
    messages = [{"role": name} for name in names]
    answers = [place for place, name in enumerate(names) if name == "assistant"]
    asked = names.index("user") if "user" in names else 0
    return role_letters(messages), _role_bits(messages), asked, answers[-1] if answers else None


def _states(raw: bytes, plain: bool, version: int, errors: int, warnings: int) -> int:
    """The byte for the flag column `states`."""
    states = flags.LOOKED | (flags.ERROR if errors else 0) | (flags.WARNING if warnings else 0)
    if version:
        return states
    hiding = flags.HIDING if flags.may_hide_a_letter(raw) else 0
    return states | flags.SOURCE | (flags.PLAIN if plain else 0) | hiding


def _role_bits(messages: Iterable[Any]) -> int:
    """The byte for the flag column `roles`: a bit for each role that occurs."""
    bits = 0
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        bits |= flags.ROLES.get(role, 0) if isinstance(role, str) else 0
    return bits


def is_plain(value: Any) -> bool:
    """Whether an example is an object with `messages` alone, and each of them has a known role and a text alone.

    Another role could be a word that a search for bytes would find.
    """
    return (
        type(value) is dict
        and len(value) == 1
        and type(value.get("messages")) is list
        and all(
            type(message) is dict
            and len(message) == 2
            and message.get("role") in _KNOWN_ROLES
            and type(message.get("content")) is str
            for message in value["messages"]
        )
    )


def tally(problems: Iterable[Problem]) -> tuple[int, int]:
    """The number of errors and of warnings among some problems."""
    errors = warnings = 0
    for problem in problems:
        errors += problem.severity is Severity.ERROR
        warnings += problem.severity is Severity.WARNING
    return errors, warnings


def role_letters(messages: Iterable[Any]) -> str:
    """One letter a message, `?` for an unknown role; after `ROLES_SHOWN` messages cut with `…`."""
    out = ""
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        out += _LETTERS.get(role, "?") if isinstance(role, str) else "?"
        if len(out) == ROLES_SHOWN:
            return out + "…"
    return out


def preview(example: Example, messages: list[Any]) -> str:
    """The first user text, else the first text, else the line; `PREVIEW_CHARS` long, without lone surrogates."""
    text = ""
    for message in messages:
        words = message_text(message)
        if words and isinstance(message, dict) and message.get("role") == "user":
            text = words
            break
        text = text or words
    return _cut_text(text or example.raw[: PREVIEW_CHARS * 4].decode("utf-8", "replace"))


def answer_preview(messages: list[Any]) -> str:
    """The beginning of the last assistant text, as `preview` cuts it; empty where there is none."""
    return _cut_text(answer_text(messages))


def answer_text(messages: list[Any]) -> str:
    """The last assistant text; empty where there is none."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "assistant":
            return message_text(message)
    return ""


def _cut_text(text: str) -> str:
    beginning = text[:PREVIEW_CHARS]
    return beginning if beginning.isascii() else writable(beginning)
