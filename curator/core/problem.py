"""A problem: one rule's finding at one location of one example."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

FixKind = Literal["safe", "unsafe"]
Profile = Literal["openai", "azure", "local"]
Method = Literal["supervised", "dpo", "reinforcement"]


class Severity(StrEnum):
    """How bad a problem is: the service refuses an error, or it breaks training; a warning is likely a mistake."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    __hash__ = str.__hash__  # much faster than an enum's own, and every finding is counted by its severity

    @property
    def mark(self) -> str:
        """One letter for lists, so that colour is never the only mark of a severity."""
        return {"error": "E", "warning": "W", "info": "i"}[self.value]


@dataclass(frozen=True, slots=True)
class Problem:
    """`message` is one sentence without the line number; it may contain untrusted text from the data."""

    rule: str
    severity: Severity
    message: str
    location: str = ""
    """The place in the example, e.g. `messages[2].content`; empty for the whole example."""
    fix: FixKind | None = None
