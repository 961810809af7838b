"""The query language of `/`, bulk actions and `--filter` (docs/query.md).

`parse` gives a tree of small frozen nodes; `workspace.views` evaluates it over stored results. What a text node
matches is decided here, so that a scan over bytes, one example and the highlighting agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from curator.core.duplicates.texts import message_text, turns
from curator.core.example import Example
from curator.errors import UsageError

Kind = Literal["word", "fuzzy", "regex"]
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
STATES = ("error", "warning", "clean", "edited", "new", "deleted", "reviewed", "duplicate", "conflict")
SPLITS = ("train", "validation", "none")
REVIEWS = ("accepted", "rejected", "flagged", "none")
NUMBERS = ("rating", "tokens", "messages", "line", "id")
CHOICES: dict[str, tuple[str, ...]] = {"is": STATES, "split": SPLITS, "role": ROLES, "review": REVIEWS}
NAMES = ("rule", "label", "source")
FIELDS = (*CHOICES, *NAMES, *NUMBERS, "system", "developer", "user", "assistant", "tool")
"""Every word that may stand before `:` (numbers also before `<`, `<=`, `=`, `>=`, `>`)."""
MAX_DEPTH = 50
_WORDS = re.compile(r"\w+")


class QueryError(UsageError):
    """A query that cannot be understood; `position` is the character (from 0) where it breaks."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (column {position + 1})", title="The query breaks off")
        self.reason = message
        self.position = position


@dataclass(frozen=True)
class Text:
    """Text in any message, or in the messages of one role."""

    kind: Kind
    text: str
    role: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The regular expression of a `/regex/`."""
        body, _, flags = self.text.rpartition("/")
        return re.compile(body, re.IGNORECASE if flags == "i" else 0)

    @cached_property
    def folded(self) -> str:
        """The word as it is compared."""
        return self.text.lower()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it matches, as (start, end) in characters, for highlighting."""
        if self.kind == "regex":
            return [m.span() for m in self.pattern.finditer(text) if m.end() > m.start()]
        if self.kind == "fuzzy":
            return [m.span() for m in _WORDS.finditer(text) if alike(self.folded, m[0].lower())]
        lowered = text.lower()
        if len(lowered) != len(text):  # a few capitals lower to two characters: places would be wrong
            lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        return list(_occurrences(lowered, self.folded))

    def matches_text(self, text: str) -> bool:
        """Whether it occurs in one text."""
        if self.kind == "word":
            return self.folded in text.lower()
        if self.kind == "regex":
            return self.pattern.search(text) is not None
        lowered = text.lower()
        return self.folded in lowered or any(alike(self.folded, w) for w in set(_WORDS.findall(lowered)))

    def matches(self, example: Example) -> bool:
        """Whether it occurs in an example: in its messages, or in the line itself where that has none."""
        messages = [] if example.value is None else turns(example.value)
        if messages:
            return any(self.matches_text(text) for text in self._texts(messages))
        return self.role is None and self.matches_text(example.raw.decode("utf-8", "replace"))

    def _texts(self, messages: list[Any]) -> Iterator[str]:
        for message in messages:
            if self.role is None or (isinstance(message, dict) and message.get("role") == self.role):
                yield message_text(message)


@dataclass(frozen=True)
class Choice:
    """A field that has one of some values: `is:`, `split:`, `role:`, `review:`, `rule:`, `label:`, `source:`."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both inclusive; None is open."""

    field: str
    low: float | None
    high: float | None

    def holds(self, number: float | None) -> bool:
        """Whether a number lies in the range; an absent one never does."""
        return (
            number is not None
            and (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
        )


@dataclass(frozen=True)
class Not:
    """What does not match."""

    item: Query


@dataclass(frozen=True)
class And:
    """What matches every item; an empty one is everything."""

    items: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Or:
    """What matches at least one item."""

    items: tuple[Query, ...]


Query = Text | Choice | Range | Not | And | Or


@dataclass(frozen=True)
class Completion:
    """A text that may replace `start:end` of the query."""

    text: str
    start: int
    end: int


def parse(text: str) -> Query:
    """The tree of a query; an empty query matches everything. Raises QueryError."""
    reader = _Reader(text)
    if reader.done():
        return And()
    query = reader.either(0)
    if not reader.done():
        raise QueryError("nothing is open that this ')' could close", reader.at)
    return query


def texts(query: Query) -> list[Text]:
    """The text nodes that a match may contain, for highlighting (those under a `not` are left out)."""
    if isinstance(query, Text):
        return [query]
    if isinstance(query, And | Or):
        return [found for item in query.items for found in texts(item)]
    return []


def spans(query: Query, text: str, role: str | None = None) -> list[tuple[int, int]]:
    """Where a query's texts occur in one message of a role: ascending, not overlapping."""
    found = sorted(
        span for node in texts(query) if node.role is None or node.role == role for span in node.spans(text)
    )
    out: list[tuple[int, int]] = []
    for start, end in found:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def mentions(query: Query, field: str, value: str) -> bool:
    """Whether a choice such as `is:deleted` stands anywhere in the query."""
    if isinstance(query, Choice):
        return query.field == field and value in query.values
    if isinstance(query, Not):
        return mentions(query.item, field, value)
    return isinstance(query, And | Or) and any(mentions(item, field, value) for item in query.items)


def alike(word: str, other: str) -> bool:
    """Whether two lower-case words differ by a typo or two: one edit up to 7 letters, two up to 11, then three."""
    allowed = 0 if len(word) < 3 else min(3, 1 + max(0, len(word) - 4) // 4)
    if abs(len(word) - len(other)) > allowed:
        return False
    from rapidfuzz.distance import OSA

    return bool(OSA.distance(word, other, score_cutoff=allowed) <= allowed)


def completions(
    text: str, cursor: int, labels: Iterable[str] = (), sources: Iterable[str] = ()
) -> list[Completion]:
    """What may stand at the cursor: field names, or the values of the field before it."""
    start = cursor
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.:|"):
        start -= 1
    typed = text[start:cursor]
    field, colon, value = typed.partition(":")
    if not colon:
        names = [name + ("" if name in NUMBERS else ":") for name in FIELDS] + ["or"]
        return [Completion(name, start, cursor) for name in names if field and name.startswith(field.lower())]
    value = value.rpartition("|")[2]
    known = CHOICES.get(field.lower(), ())
    if field.lower() == "rule":
        from curator.core.rules import REGISTRY

        known = tuple(sorted(REGISTRY))
    elif field.lower() in ("label", "source"):
        known = tuple(_quoted(name) for name in sorted(labels if field.lower() == "label" else sources))
    at = cursor - len(value)
    return [Completion(name, at, cursor) for name in known if name.lower().lstrip('"').startswith(value.lower())]


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else '"' + name.replace('"', '\\"') + '"'


def _occurrences(text: str, word: str) -> Iterator[tuple[int, int]]:
    at = text.find(word) if word else -1
    while at >= 0:
        yield at, at + len(word)
        at = text.find(word, at + len(word))


class _Reader:
    """A recursive descent over the characters; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def done(self) -> bool:
        """Skip blanks; whether the end is reached."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at >= len(self.text)

    def either(self, depth: int) -> Query:
        """`a or b`."""
        if depth > MAX_DEPTH:
            raise QueryError("too many parentheses", self.at)
        items = [self.both(depth)]
        while self._is_or():
            self.at += 2
            items.append(self.both(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def both(self, depth: int) -> Query:
        """`a b`."""
        items: list[Query] = []
        while not self.done() and self.text[self.at] != ")" and not self._is_or():
            items.append(self.one(depth))
        if not items:
            raise QueryError("something to look for is missing here", self.at)
        return items[0] if len(items) == 1 else And(tuple(items))

    def _is_or(self) -> bool:
        if self.done() or self.text[self.at : self.at + 2].lower() != "or":
            return False
        after = self.text[self.at + 2 : self.at + 3]
        return not after or after.isspace() or after in "()"

    def one(self, depth: int) -> Query:
        """`-a`, `(a)`, or a term."""
        start = self.at
        if self.text[start] in "-!":
            self.at += 1
            if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
                raise QueryError(f"'{self.text[start]}' wants something behind it", start)
            if depth > MAX_DEPTH:
                raise QueryError("too many signs", start)
            return Not(self.one(depth + 1))
        if self.text[start] == "(":
            self.at += 1
            inner = self.either(depth + 1)
            if self.done():
                raise QueryError("this '(' is never closed", start)
            self.at += 1
            return inner
        return self._field() or self._text(None)

    def _field(self) -> Query | None:
        match = re.compile(r"([^\W\d]\w*)(:|<=|>=|=|<|>)").match(self.text, self.at)
        if match is None:
            return None
        name, sign = match[1].lower(), match[2]
        if name not in FIELDS:
            if sign != ":" or self.text.startswith("//", match.end()):
                return None
            known = ", ".join(FIELDS)
            raise QueryError(
                f"there is no field '{match[1]}' (put it in quotes to search the text; fields: {known})", self.at
            )
        if sign != ":" and name not in NUMBERS:
            raise QueryError(f"'{name}' is no number: write {name}:…", match.start(2))
        self.at = match.end()
        if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
            raise QueryError(f"a value is missing behind '{match[0]}'", self.at)
        if name in NUMBERS:
            return self._number(name, sign)
        if name in CHOICES or name in NAMES:
            return self._choice(name)
        return self._text(name)

    def _number(self, name: str, sign: str) -> Range:
        start = self.at
        found = self._bare()
        match = re.fullmatch(r"(\d+(?:\.\d+)?)?(-(\d+(?:\.\d+)?)?)?", found) if sign == ":" else None
        if match is not None and found != "-":
            low = float(match[1]) if match[1] else None
            if not match[2]:
                return Range(name, low, low)
            return Range(name, low, float(match[3]) if match[3] else None)
        if sign == ":" or not re.fullmatch(r"-?\d+(\.\d+)?", found):
            raise QueryError(f"'{found}' is no number" + (" or range such as 10-20" if sign == ":" else ""), start)
        number = float(found)
        if sign == "=":
            return Range(name, number, number)
        whole = number == int(number)
        if sign == "<":
            return Range(name, None, number - 1 if whole else number)
        if sign == ">":
            return Range(name, number + 1 if whole else number, None)
        return Range(name, None, number) if sign == "<=" else Range(name, number, None)

    def _choice(self, name: str) -> Choice:
        values: list[str] = []
        while True:
            start = self.at
            value = self._quoted_text() if self.text[self.at : self.at + 1] == '"' else self._bare("|")
            if not value:
                raise QueryError(f"a value is missing behind '{name}:'", start)
            known = CHOICES.get(name)
            if known is not None and value.lower() not in known:
                raise QueryError(f"'{value}' is none of {', '.join(known)}", start)
            values.append(value.lower() if known is not None else value)
            if self.text[self.at : self.at + 1] != "|":
                return Choice(name, tuple(values))
            self.at += 1

    def _text(self, role: str | None) -> Text:
        start = self.at
        first = self.text[start]
        if first == '"':
            text = self._quoted_text()
            if not text:
                raise QueryError("there is nothing between the quotes", start)
            return Text("word", text, role)
        if first == "/":
            return self._regex(role)
        if first == "~":
            self.at += 1
            if not (word := self._bare()):
                raise QueryError("'~' wants a word behind it", start)
            return Text("fuzzy", word, role)
        word = self._bare()
        if not word:
            raise QueryError("something to look for is missing here", start)
        return Text("word", word, role)

    def _bare(self, also: str = "") -> str:
        start = self.at
        while (
            self.at < len(self.text) and not self.text[self.at].isspace() and self.text[self.at] not in "()" + also
        ):
            self.at += 1
        return self.text[start : self.at]

    def _quoted_text(self) -> str:
        match = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(self.text, self.at)
        if match is None:
            raise QueryError("this quote is never closed", self.at)
        self.at = match.end()
        return re.sub(r'\\(["\\])', r"\1", match[1])

    def _regex(self, role: str | None) -> Text:
        start = self.at
        match = re.compile(r"/((?:[^/\\]|\\.)*)/(i?)(?=[\s()]|\Z)", re.DOTALL).match(self.text, start)
        if match is None:
            raise QueryError("this regular expression has no end: write /…/", start)
        body = match[1].replace("\\/", "/")
        try:
            re.compile(body)
        except (re.error, OverflowError, RecursionError) as error:
            place = start + 1 + (getattr(error, "pos", None) or 0)
            raise QueryError(f"not a regular expression: {getattr(error, 'msg', error)}", place) from error
        self.at = match.end()
        return Text("regex", f"{body}/{match[2]}", role)
