"""What KTO data says of an answer: whether it is a good one or a bad one."""

from __future__ import annotations

from typing import Any

VERDICT_KEYS = ("kto_tag", "label")
"""Keys of a record whose boolean says whether its answer is good."""


def verdict_of(record: Any) -> bool | None:
    """Whether KTO data calls the answer good; None where no boolean says so."""
    if isinstance(record, dict):
        for key in VERDICT_KEYS:
            if isinstance(record.get(key), bool):
                return bool(record[key])
    return None
