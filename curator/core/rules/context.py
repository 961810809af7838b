"""What a rule is given beside the example: profile, training method, limits, counter and answer contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from curator.core.problem import Method, Profile


class TokenCount(Protocol):
    """What a counter says of one example (`core.counting.counter.Tokens`)."""

    @property
    def total(self) -> int:
        """Tokens of the whole example."""

    @property
    def assistant(self) -> int:
        """Tokens of what is learnt."""


class Place(Protocol):
    """The point at which an example is cut off (`core.counting.counter.Cut`)."""

    @property
    def location(self) -> str:
        """The text that is cut, e.g. `messages[2].content`; empty where the cut is in no text."""

    @property
    def offset(self) -> int:
        """Characters of that text that are still read."""


class AnswerContract(Protocol):
    """What answers may look like (`core.answers.contract.Contract`)."""

    def violations(self, text: str) -> str | None:
        """One sentence on what is wrong with an answer, or None."""

    def suggest(self, text: str) -> list[str]:
        """Allowed answers near `text`, best first."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the example; `method` None means: whatever the data is for."""

    profile: Profile = "openai"
    method: Method | None = None
    model: str = ""
    limit: int | None = None
    """Tokens of one example that training reads; what is beyond is cut off."""
    count: Callable[[Any], TokenCount] | None = None
    contract: AnswerContract | None = None
    cut: Callable[[Any, int], Place | None] | None = None
    """Where an example over the limit is cut off (`core.counting.counter.Counter.truncation`)."""
    quick: bool = False
    """Only the rules on formats."""
