"""How far a long action is: told to whoever watches it, who may stop it as long as it is not on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Tell = Callable[[str, int, int], None]
"""Called with what is being done in a word, how much of it is done, and about how much there is. What it raises
ends the action, and nothing is changed."""

EVERY = 500
"""Items between two calls: some milliseconds of work."""


class Meter:
    """One for each workspace. Where nobody watches it costs nothing."""

    def __init__(self) -> None:
        self._tell: Tell | None = None

    @contextmanager
    def watched(self, tell: Tell) -> Iterator[None]:
        """Tell of what is done inside."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def over(self, what: str, items: Iterable[Item], total: int, before: int = 0) -> Iterable[Item]:
        """The items, told of while somebody takes them; `before` pieces of the `total` were done earlier."""
        return items if self._tell is None else self._told(self._tell, what, items, total, before)

    def last(self, what: str) -> None:
        """Tell of the end, of which nobody knows how long it takes: it can be stopped now or not at all."""
        if self._tell is not None:
            self._tell(what, 0, 0)

    def share(self, total: int) -> Callable[[str, float], None]:
        """Tells of a phase by its share of `total`, as those say it that know no more; before any it is silent."""

        def tell(phase: str, share: float) -> None:
            if self._tell is not None and share:
                self._tell(phase.capitalize(), round(share * total), total)

        return tell

    @staticmethod
    def _told(tell: Tell, what: str, items: Iterable[Item], total: int, before: int) -> Iterator[Item]:
        for done, item in enumerate(items, before):
            if done % EVERY == 0:
                tell(what, done, total)
            yield item
