"""Parses a query by recursive descent; errors name the character at which it cannot be understood."""

from __future__ import annotations

import math
import re

from curator.core.query.nodes import And, Choice, Not, Or, Query, Range, Text
from curator.errors import UsageError

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
STATES = ("error", "warning", "clean", "edited", "new", "deleted", "reviewed", "duplicate", "conflict")
SPLITS = ("train", "validation", "test", "none")
REVIEWS = ("accepted", "rejected", "flagged", "none")
NUMBERS = ("rating", "tokens", "messages", "line", "id", "surprise")
FRACTIONS = ("surprise",)
"""Numbers that need not be whole, so that `>2` holds for 2.1."""
CHOICES: dict[str, tuple[str, ...]] = {"is": STATES, "split": SPLITS, "role": ROLES, "review": REVIEWS}
PARTS = ("prompt", "answer")
"""Fields of text that is no single role's: the last assistant message, and what is said before it."""
NAMES = ("rule", "label", "source")
FIELDS = (*CHOICES, *NAMES, *NUMBERS, "system", "developer", "user", "assistant", "tool", *PARTS)
"""All field names, which stand before `:` (those of `NUMBERS` also before `<`, `<=`, `=`, `>=`, `>`)."""
MAX_DEPTH = 50
_WORD = re.compile(r"(?:[^\s()]|\([^\s()]*\))+")
"""A word; parentheses that are closed in it belong to it: `(tired)`, `f(x)`."""
_WORD_BEFORE_BAR = re.compile(r"(?:[^\s()|]|\([^\s()|]*\))+")
_RANGE = re.compile(r"(?=\d|-\d)(\d+(?:\.\d+)?)?(?:(-)(\d+(?:\.\d+)?)?)?")
_SMILEY = re.compile(r"[:;=]['^o*-]*[()](?=[\s)]|\Z)")
_PARENTHESIS_AS_TYPED = re.compile(r'\((?![-!]\w|["/~]|[^\W\d]\w*(?:[<>=]|:(?!//)))[^\s()"]+\)')
"""Parentheses around one word, which are text and no group: `(tired)`, but not `(is:error)`, `(-a)`, `( a )`."""


class QueryError(UsageError):
    """A query that cannot be parsed; `position` is the character (from 0) of the error."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (column {position + 1})", title="The query breaks off")
        self.reason = message
        self.position = position


def parse(text: str) -> Query:
    """The tree of a query; an empty query matches everything. Raises QueryError."""
    reader = _Reader(text)
    if reader.done():
        return And()
    query = reader.either(0)
    if not reader.done():
        raise QueryError("nothing is open that this ')' could close (quotes search for it)", reader.at)
    return query


class _Reader:
    """A recursive descent parser; `at` is its position in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def done(self) -> bool:
        """Skip blanks; return whether the end is reached."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at >= len(self.text)

    def either(self, depth: int) -> Query:
        """Parse alternatives: `a or b`."""
        if depth > MAX_DEPTH:
            raise QueryError("too many parentheses", self.at)
        items = [self.both(depth)]
        while self._is_or():
            self.at += 2
            items.append(self.both(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def both(self, depth: int) -> Query:
        """Parse a sequence, all of which must match: `a b`."""
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
        """Parse a negation `-a`, a group `(a b)`, or a term."""
        start = self.at
        if self.text[start] in "-!":
            self.at += 1
            if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
                raise QueryError(f"'{self.text[start]}' wants something behind it", start)
            if depth > MAX_DEPTH:
                raise QueryError("too many signs", start)
            return Not(self.one(depth + 1))
        if self.text[start] == "(" and not _PARENTHESIS_AS_TYPED.match(self.text, start):
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
            fields = ", ".join(FIELDS)
            raise QueryError(
                f"there is no field '{match[1]}' (put it in quotes to search the text; fields: {fields})", self.at
            )
        if sign != ":" and name not in NUMBERS:
            raise QueryError(f"'{name}' is no number: write {name}:…", match.start(2))
        self.at = match.end()
        if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
            raise QueryError(f"a value is missing behind '{match[0]}'", self.at)
        if name in NUMBERS:
            return self._ranges(name) if sign == ":" else self._number(name, sign)
        if name in CHOICES or name in NAMES:
            return self._choice(name)
        return self._text(name)

    def _ranges(self, name: str) -> Query:
        """Parse numbers and ranges that are joined: `3|7-9|12-`."""
        ranges: list[Query] = []
        while True:
            start = self.at
            word = self._bare(before_bar=True)
            match = _RANGE.fullmatch(word)
            if match is None:
                raise QueryError(f"'{word}' is no number or range such as 10-20", start)
            low, to, high = match.groups()
            least = float(low) if low else None
            ranges.append(Range(name, least, (float(high) if high else None) if to else least))
            if self.text[self.at : self.at + 1] != "|":
                return ranges[0] if len(ranges) == 1 else Or(tuple(ranges))
            self.at += 1

    def _number(self, name: str, sign: str) -> Range:
        start = self.at
        word = self._bare()
        if not re.fullmatch(r"-?\d+(\.\d+)?", word):
            raise QueryError(f"'{word}' is no number", start)
        number = float(word)
        if sign == "=":
            return Range(name, number, number)
        if name in FRACTIONS and sign in "<>":
            beyond = math.inf if sign == ">" else -math.inf
            number = math.nextafter(number, beyond)
        whole = number == int(number) and name not in FRACTIONS
        if sign == "<":
            return Range(name, None, number - 1 if whole else number)
        if sign == ">":
            return Range(name, number + 1 if whole else number, None)
        return Range(name, None, number) if sign == "<=" else Range(name, number, None)

    def _choice(self, name: str) -> Choice:
        values: list[str] = []
        while True:
            start = self.at
            value = self._quoted_text() if self.text[self.at : self.at + 1] == '"' else self._bare(before_bar=True)
            if not value:
                raise QueryError(f"a value is missing behind '{name}:'", start)
            allowed = CHOICES.get(name)
            if allowed is not None and value.lower() not in allowed:
                raise QueryError(f"'{value}' is none of {', '.join(allowed)}", start)
            if name == "rule":
                _expect_rule(value, start)
            values.append(value.lower() if allowed is not None else value)
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
            quotes = " (quotes search for what is in them)" if first == "(" else ""
            raise QueryError(f"something to look for is missing here{quotes}", start)
        return Text("word", word, role)

    def _bare(self, *, before_bar: bool = False) -> str:
        """The word here, or a smiley such as `:)`; "" where there is none."""
        patterns = (_WORD_BEFORE_BAR,) if before_bar else (_SMILEY, _WORD)
        match = next(filter(None, (pattern.match(self.text, self.at) for pattern in patterns)), None)
        self.at = match.end() if match else self.at
        return match[0] if match else ""

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


def _expect_rule(name: str, position: int) -> None:
    """Raise QueryError where there is no rule of this name; it suggests a similar name."""
    from difflib import get_close_matches  # heavy: difflib and all rules, only for this error

    from curator.core.rules import REGISTRY

    if name not in REGISTRY and not name.startswith("own:") and name != "own_rule_failed":
        near = [rule for rule in REGISTRY if name.lower() in rule][:1] or get_close_matches(
            name.lower(), REGISTRY, 1
        )
        hint = f"; did you mean {near[0]}?" if near else "; docs/rules.md lists them"
        raise QueryError(f"no rule is called '{name}'{hint}", position)
