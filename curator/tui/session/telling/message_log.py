"""`MessageLog`: everything that the program said since it was started, to be read again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 1_000
"""How many messages are kept, the latest ones."""


@dataclass(frozen=True, slots=True)
class SaidMessage:
    """One message; its texts are untrusted."""

    at: float
    """Unix time."""
    title: str
    text: str
    severity: str
    """`information`, `warning` or `error`."""


class MessageLog:
    """The messages in the order in which they were said."""

    def __init__(self) -> None:
        self._messages: deque[SaidMessage] = deque(maxlen=MOST)

    def add(self, text: str, title: str, severity: str) -> None:
        """Keep a message that is said now."""
        self._messages.append(SaidMessage(time.time(), title, text, severity))

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[SaidMessage]:
        """The latest message first."""
        return reversed(self._messages)
