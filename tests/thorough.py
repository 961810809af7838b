"""How much the longest tests try: a part by default, all with CURATOR_THOROUGH=1."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
THOROUGH = bool(os.environ.get("CURATOR_THOROUGH"))


def examples(count: int) -> int:
    """`count` in a thorough run, else a third of it, at least 15."""
    return count if THOROUGH else max(15, count // 3)


def every(nth: int, cases: Sequence[T]) -> Sequence[T]:
    """All cases in a thorough run, else every `nth`, from the first on."""
    return cases if THOROUGH else cases[::nth]
