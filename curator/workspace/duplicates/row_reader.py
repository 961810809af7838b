"""Texts and messages of examples by their row: read again from their bytes when they are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from curator.core.duplicates.hashes import canonical
from curator.core.duplicates.meaning.spoken import Spoken, spoken_part
from curator.core.duplicates.plain_lines import spoken_of_line, text_and_messages_of_line, text_of_line
from curator.core.duplicates.texts import Scope
from curator.core.example import parse

_NOTED = 20_000_000
"""Characters of messages that are kept for the comparison that follows."""

RawOf = Callable[[int], bytes]
"""The present bytes of an example by id."""


class RowReader:
    """Reads the examples of some ids; row k is that of the k-th id."""

    def __init__(self, ids: Sequence[int], raw_of: RawOf, scope: Scope = "conversation") -> None:
        self._ids, self._raw_of, self._scope = ids, raw_of, scope
        self._messages: dict[int, Spoken] = {}
        """The messages of rows whose text was read while noting."""
        self._room = 0
        """Characters of messages that may still be noted."""

    def raw(self, row: int) -> bytes:
        """The bytes of a row."""
        return self._raw_of(self._ids[row])

    def text(self, row: int) -> str:
        """The compared text of a row."""
        raw = self.raw(row)
        if self._scope != "conversation" or self._room <= 0:
            return text_of_line(raw, self._scope)
        text, self._messages[row] = text_and_messages_of_line(raw)
        self._room -= len(text)
        return text

    def say(self, row: int) -> Spoken:
        """The messages of a row."""
        if self._scope != "conversation":
            return spoken_part(self.text(row), self._scope == "answer")
        return self._messages.get(row) or spoken_of_line(self.raw(row))

    @contextmanager
    def noting_messages(self) -> Iterator[None]:
        """Keep the messages of rows whose text is read: those that are alike are compared soon afterwards."""
        self._room = _NOTED
        try:
            yield
        finally:
            self._messages, self._room = {}, 0

    def same(self, a: int, b: int) -> bool:
        """Whether the examples in two rows are equal; asked of rows with equal hashes."""
        raw_a, raw_b = self.raw(a), self.raw(b)
        if raw_a == raw_b or self._scope != "conversation":
            return raw_a == raw_b or self.text(a) == self.text(b)
        return canonical(parse(raw_a).value) == canonical(parse(raw_b).value)
