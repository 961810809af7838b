"""How many examples a property test tries: a part by default, all with CURATOR_THOROUGH=1."""

from __future__ import annotations

import os


def examples(count: int) -> int:
    """`count` in a thorough run, else a third of it, at least 15."""
    return count if os.environ.get("CURATOR_THOROUGH") else max(15, count // 3)
