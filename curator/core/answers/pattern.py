"""Regular expressions that cannot hang: matched by a finite automaton, never by backtracking.

The syntax is Python's without back references, look-around, `\\b`, possessive and atomic groups. Matching
takes time in proportion to the text, whatever the pattern.
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
"""Longest text that can match, in characters."""
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
    """A nondeterministic automaton (Thompson 1968): start state 0, accepting state `end`.

    `free[s]` lists the states after state s. They are reached without a character, or, where `test[s]` is set,
    by one character that passes the test.
    """

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.test: list[_Test | None] = []
        self.edge: list[str] = []
        """By state: "^" or "$" where its transitions apply only at the start or end of the text, else ""."""
        self.end = 0
        self._start: frozenset[int] | None = None
        self._moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def follow(self, state: int) -> int:
        """A new state that is reached from `state` without a character."""
        self.free[state].append(self.state())
        return self.free[state][-1]

    def state(self, test: _Test | None = None, edge: str = "") -> int:
        """A new state. Raises ValueError above `MAX_STATES`."""
        if len(self.free) >= MAX_STATES:
            raise ValueError("the pattern is too large: write smaller repeat counts")
        self.free.append([])
        self.test.append(test)
        self.edge.append(edge)
        return len(self.free) - 1

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if len(text) > MAX_TEXT:
            return False
        if self._start is None:
            self._start = self._closure([0], "^")
        states = self._start
        for character in text:
            key = (states, character)
            next_states = self._moves.get(key)
            if next_states is None:
                next_states = self._step(states, character)
                if len(self._moves) >= _MAX_CACHE:
                    self._moves.clear()
                self._moves[key] = next_states
            if not next_states:
                return False
            states = next_states
        return self.end in self._closure(states, "$" if text else "^$")

    def _step(self, states: frozenset[int], character: str) -> frozenset[int]:
        targets = []
        for state in states:
            test = self.test[state]
            if test is not None and test(character):
                targets += self.free[state]
        return self._closure(targets, "")

    def _closure(self, states: list[int] | frozenset[int], edges: str) -> frozenset[int]:
        """`states` and all states reached from them without a character; `edges` holds "^" at the start of the
        text and "$" at its end."""
        reached, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            if self.test[state] is not None or (self.edge[state] and self.edge[state] not in edges):
                continue
            for target in self.free[state]:
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        return frozenset(reached)


class _Node(NamedTuple):
    """A part of a pattern: one character (`test`), an edge of the text, or a sequence of `parts` ("row"), one
    of them ("choice"), or the repetition of one ("repeat", `most` None: unlimited)."""

    kind: Literal["one", "edge", "row", "choice", "repeat"]
    parts: tuple[_Node, ...] = ()
    test: _Test | None = None
    edge: str = ""
    least: int = 1
    most: int | None = 1


class _Reader:
    """A recursive descent parser of patterns that `re` has compiled already; `at` is its position."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.flags = pattern, 0, 0

    def read(self) -> _Node:
        """Parse the whole pattern. Raises ValueError where a part of it is not supported."""
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
        match = _REPEAT.match(self.pattern, self.at)
        if not match or match[1] == "{}":
            return 1, 1
        if match[2] == "+":
            raise self._unsupported()
        self.at = match.end()
        if match[1] in "*+?":
            return (1 if match[1] == "+" else 0), (1 if match[1] == "?" else None)
        low, comma, high = match[1][1:-1].partition(",")
        return int(low or 0), int(high) if high else (None if comma else int(low))

    def _part(self, depth: int) -> _Node:
        pattern, at = self.pattern, self.at
        if match := _GROUP.match(pattern, at):
            self.at = match.end()
            inside = self._choice(depth + 1)
            self.at += 1  # the ")" is certain: re has compiled the pattern
            return inside
        if match := _EDGE.match(pattern, at):
            self.at = match.end()
            return _Node("edge", edge="^" if match[0] in ("^", "\\A") else "$")
        match = _ONE.match(pattern, at)
        if not match:
            raise self._unsupported()
        self.at = match.end()
        return _Node("one", test=_compile_atom(match[0], self.flags).match)

    def _unsupported(self) -> ValueError:
        part = self.pattern[self.at : self.at + 6]
        return ValueError(f"'{part}' at column {self.at + 1} cannot be used in an answer pattern")


def _build(node: _Node, automaton: Automaton, start: int) -> int:
    """Add the states of `node` after the state `start`; return the state in which it ends."""
    if node.kind == "one":
        automaton.free[start].append(automaton.state(node.test))
        return automaton.follow(automaton.free[start][-1])
    if node.kind == "edge":
        automaton.free[start].append(automaton.state(edge=node.edge))
        return automaton.follow(automaton.free[start][-1])
    if node.kind == "row":
        for part in node.parts:
            start = _build(part, automaton, start)
        return start
    end = automaton.state()
    if node.kind == "choice":
        for part in node.parts:
            automaton.free[_build(part, automaton, automaton.follow(start))].append(end)
        return end
    for count in range(node.least if node.most is None else node.most):
        if count >= node.least:
            automaton.free[start].append(end)
        start = _build(node.parts[0], automaton, automaton.follow(start))
    if node.most is None:
        start = automaton.follow(start)
        automaton.free[_build(node.parts[0], automaton, start)].append(start)
    automaton.free[start].append(end)
    return end


@lru_cache(maxsize=512)
def _compile_atom(atom: str, flags: int) -> re.Pattern[str]:
    return re.compile(atom, flags)


@lru_cache(maxsize=32)
def automaton(pattern: str) -> Automaton:
    """The automaton of a pattern. Raises ValueError with a sentence where it is invalid or not supported."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_PATTERN} are the limit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # re warns of character sets whose meaning a later Python may change
        try:
            re.compile(pattern)
            tree = _Reader(pattern).read()
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
    result = Automaton()
    result.end = _build(tree, result, result.state())
    return result
