"""How much the longest tests try: a part by default, another one each day, all with CURATOR_THOROUGH=1."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
THOROUGH = bool(os.environ.get("CURATOR_THOROUGH"))
DAY = int(os.environ.setdefault("CURATOR_TESTS_DAY", str(int(time.time() // 86_400))))
"""The day whose part is tried; all processes of a run have the same. CURATOR_TESTS_DAY=N tries that of another."""


def examples(count: int) -> int:
    """`count` in a thorough run, else a third of it, at least 15."""
    return count if THOROUGH else max(15, count // 3)


def every(nth: int, cases: Sequence[T]) -> Sequence[T]:
    """All cases in a thorough run, else every `nth`, from the first on."""
    return cases if THOROUGH else cases[::nth]


def rotating(nth: int, cases: Sequence[T]) -> Sequence[T]:
    """All cases in a thorough run, else every `nth`, beginning with another one each day."""
    return cases if THOROUGH else cases[DAY % min(nth, len(cases)) :: nth]
