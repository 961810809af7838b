"""What an import makes of a record, in words for somebody whose file holds another tool's shape."""

from __future__ import annotations

from typing import Any

from curator.core.convert.shapes import detect_map
from curator.core.convert.to_example import NOTHING_KNOWN, Misfit, to_example

_MAP = "`curator import --map user=KEY,assistant=KEY` makes a chat of two of its keys"


def import_hint(record: Any) -> str:
    """What an import makes of a record, or why it keeps it as it is; "" for a native one."""
    detected = detect_map([record])[1]
    if detected.keeps_records:
        return ""
    converted = to_example(record, detected)
    if not isinstance(converted, Misfit):
        what = "a preference pair" if "preferred_output" in converted.value else "a chat"
        return f"`curator import` makes {what} of it"
    if converted.reason == NOTHING_KNOWN:
        return _MAP if isinstance(record, dict) and len(record) > 1 else ""
    return f"an import keeps it as it is: {converted.reason}"
