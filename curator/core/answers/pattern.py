"""Answer patterns that cannot hang: a regular expression matched by an automaton, never by backtracking.

The syntax is Python's, without what needs memory or a look around: back references, look-aheads, `\\b`,
possessive and atomic groups. Matching takes time in proportion to the text, whatever the pattern.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

MAX_PATTERN = 500
"""Longest pattern, in characters."""
MAX_TEXT = 10_000
"""Longest text that is looked at, in characters; a longer one does not match."""
MAX_STATES = 2_000
"""Most states of the automaton: `x{1,500}` needs 1,500 of them."""
_MAX_DEPTH = 40
_MAX_CACHE = 20_000

_FLAGS = re.compile(r"\(\?([ias]+)\)")
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
_EDGE = re.compile(r"[\^$]|\\[AZ]")
_ONE = re.compile(
    r"""[^\\\[(*+?]                                     # a character as itself
    | \[\^?\]?(?:\\.|[^\]\\])*\]                        # one of a set
    | \\(?:x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | N\{[^}]+\} | [0-7]{3} | 0[0-7]? | [^1-9bB])""",
    re.DOTALL | re.VERBOSE,
)
_REPEAT = re.compile(r"([*+?]|\{\d*,?\d*\})([?+]?)")

_Test = Callable[[str], object]


class Automaton:
    """States with either free ways on or one way on for a character; state 0 begins, `self.end` accepts."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.test: list[_Test | None] = []
        self.edge: list[str] = []
        """Per state, "^" or "$" where its free ways are open only at that end of the text."""
        self.end = 0
        self._start: frozenset[int] | None = None
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def follow(self, state: int) -> int:
        """A new state with a free way from `state`."""
        self.free[state].append(self.state())
        return self.free[state][-1]

    def state(self, test: _Test | None = None, edge: str = "") -> int:
        """A new state. Raises ValueError where the pattern asks for too many."""
        if len(self.free) >= MAX_STATES:
            raise ValueError("the pattern is too large: write smaller repeat counts")
        self.free.append([])
        self.test.append(test)
        self.edge.append(edge)
        return len(self.free) - 1

    def matches(self, text: str) -> bool:
        """Whether the whole text fits."""
        if len(text) > MAX_TEXT:
            return False
        if self._start is None:
            self._start = self._reach([0], "^")
        here = self._start
        for character in text:
            key = (here, character)
            there = self._moves.get(key)
            if there is None:
                there = self._step(here, character)
                if len(self._moves) >= _MAX_CACHE:
                    self._moves.clear()
                self._moves[key] = there
            if not there:
                return False
            here = there
        return self.end in self._reach(here, "$" if text else "^$")

    def _step(self, here: frozenset[int], character: str) -> frozenset[int]:
        passed = []
        for state in here:
            test = self.test[state]
            if test is not None and test(character):
                passed += self.free[state]
        return self._reach(passed, "")

    def _reach(self, states: list[int] | frozenset[int], edges: str) -> frozenset[int]:
        """`states` and all that is reached from them without a character, at these edges of the text."""
        seen, ahead = set(states), list(states)
        while ahead:
            state = ahead.pop()
            if self.test[state] is not None or (self.edge[state] and self.edge[state] not in edges):
                continue
            for after in self.free[state]:
                if after not in seen:
                    seen.add(after)
                    ahead.append(after)
        return frozenset(seen)


class _Node(NamedTuple):
    """A part of a pattern: one character (`test`), an edge of the text, or parts in a row ("row"), one of
    which counts ("choice"), or one again and again ("repeat", `most` None: without end)."""

    kind: Literal["one", "edge", "row", "choice", "repeat"]
    parts: tuple[_Node, ...] = ()
    test: _Test | None = None
    edge: str = ""
    least: int = 1
    most: int | None = 1


class _Reader:
    """Reads a pattern once from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.flags = pattern, 0, 0

    def read(self) -> _Node:
        """The whole pattern. Raises ValueError where something in it is not supported."""
        if flags := _FLAGS.match(self.pattern):
            self.at = flags.end()
            for letter in flags[1]:
                self.flags |= {"i": re.IGNORECASE, "a": re.ASCII, "s": re.DOTALL}[letter]
        node = self._choice(0)
        if self.at < len(self.pattern):
            raise self._unsupported()
        return node

    def _choice(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise ValueError("the pattern is nested too deeply")
        rows = [self._row(depth)]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            rows.append(self._row(depth))
        return rows[0] if len(rows) == 1 else _Node("choice", tuple(rows))

    def _row(self, depth: int) -> _Node:
        parts = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            part = self._part(depth)
            least, most = self._counts()
            parts.append(part if (least, most) == (1, 1) else _Node("repeat", (part,), least=least, most=most))
        return _Node("row", tuple(parts))

    def _counts(self) -> tuple[int, int | None]:
        found = _REPEAT.match(self.pattern, self.at)
        if not found or found[1] == "{}":
            return 1, 1
        if found[2] == "+":
            raise self._unsupported()
        self.at = found.end()
        if found[1] in "*+?":
            return (1 if found[1] == "+" else 0), (1 if found[1] == "?" else None)
        low, comma, high = found[1][1:-1].partition(",")
        return int(low or 0), int(high) if high else (None if comma else int(low))

    def _part(self, depth: int) -> _Node:
        pattern, at = self.pattern, self.at
        if found := _GROUP.match(pattern, at):
            self.at = found.end()
            inside = self._choice(depth + 1)
            self.at += 1  # the ")" is there: re has compiled the pattern
            return inside
        if found := _EDGE.match(pattern, at):
            self.at = found.end()
            return _Node("edge", edge="^" if found[0] in ("^", "\\A") else "$")
        found = _ONE.match(pattern, at)
        if not found:
            raise self._unsupported()
        self.at = found.end()
        return _Node("one", test=_compiled(found[0], self.flags).match)

    def _unsupported(self) -> ValueError:
        part = self.pattern[self.at : self.at + 6]
        return ValueError(f"'{part}' at column {self.at + 1} cannot be used in an answer pattern")


def _build(node: _Node, made: Automaton, entry: int) -> int:
    """Add the states of `node` behind `entry`; returns the state where it is over."""
    if node.kind == "one":
        made.free[entry].append(made.state(node.test))
        return made.follow(made.free[entry][-1])
    if node.kind == "edge":
        made.free[entry].append(made.state(edge=node.edge))
        return made.follow(made.free[entry][-1])
    if node.kind == "row":
        for part in node.parts:
            entry = _build(part, made, entry)
        return entry
    leave = made.state()
    if node.kind == "choice":
        for part in node.parts:
            made.free[_build(part, made, made.follow(entry))].append(leave)
        return leave
    for count in range(node.least if node.most is None else node.most):
        if count >= node.least:
            made.free[entry].append(leave)
        entry = _build(node.parts[0], made, made.follow(entry))
    if node.most is None:
        entry = made.follow(entry)
        made.free[_build(node.parts[0], made, entry)].append(entry)
    made.free[entry].append(leave)
    return leave


@lru_cache(maxsize=512)
def _compiled(atom: str, flags: int) -> re.Pattern[str]:
    return re.compile(atom, flags)


@lru_cache(maxsize=32)
def automaton(pattern: str) -> Automaton:
    """The automaton of a pattern. Raises ValueError with one sentence where it is wrong or not supported."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_PATTERN} are the limit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # re warns of sets that a later Python may read differently
        try:
            re.compile(pattern)
            tree = _Reader(pattern).read()
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
    made = Automaton()
    made.end = _build(tree, made, made.state())
    return made
