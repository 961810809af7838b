"""How far a long action is. Who receives a report may raise to cancel it, as long as nothing is on the disk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Report = Callable[[str, int, int], None]
"""Called with (what is being done, items done, items in all). What it raises cancels the action."""

EVERY = 500
"""Items between two reports: some milliseconds of work."""


@contextmanager
def without_collecting() -> Iterator[None]:
    """Turn the collector of cycles off, for a loop that makes none: it would take up to a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Meter:
    """Reports the progress of long actions of one workspace; without a receiver it costs nothing."""

    def __init__(self) -> None:
        self._report: Report | None = None

    @contextmanager
    def reporting_to(self, report: Report) -> Iterator[None]:
        """Report the actions inside the `with` block to `report`."""
        self._report = report
        try:
            yield
        finally:
            self._report = None

    def over(self, what: str, items: Iterable[Item], total: int, before: int = 0) -> Iterable[Item]:
        """The items, reported as they are taken; `before` items of the `total` were done earlier."""
        return items if self._report is None else self._reported(self._report, what, items, total, before)

    def step(self, what: str, done: int, total: int) -> None:
        """Report that `done` of `total` items are done, for code that takes many of them at once."""
        if self._report is not None:
            self._report(what, done, total)

    def last(self, what: str) -> None:
        """Report the last step (0 of 0), whose duration is unknown; `report` can cancel now for the last time."""
        if self._report is not None:
            self._report(what, 0, 0)

    def share(self, total: int) -> Callable[[str, float], None]:
        """A callback (phase, share 0 to 1) for code that counts no items; the share is shown as items of `total`.

        A share of 0 is not reported.
        """

        def report_share(phase: str, share: float) -> None:
            if self._report is not None and share:
                self._report(phase.capitalize(), round(share * total), total)

        return report_share

    @staticmethod
    def _reported(report: Report, what: str, items: Iterable[Item], total: int, before: int) -> Iterator[Item]:
        for done, item in enumerate(items, before):
            if done % EVERY == 0:
                report(what, done, total)
            yield item
