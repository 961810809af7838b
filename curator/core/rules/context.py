"""What a rule is given beside the example: profile, training method, limits, counter and answer contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from curator.core.problem import Method, Profile


class TokenCount(Protocol):
    """The tokens of one example (`core.counting.counter.Tokens`)."""

    @property
    def total(self) -> int:
        """Tokens of the whole example."""

    @property
    def assistant(self) -> int:
        """Tokens of the assistant messages."""


class Place(Protocol):
    """The point at which an example is cut off (`core.counting.counter.Cut`)."""

    @property
    def location(self) -> str:
        """The text that is cut, e.g. `messages[2].content`; empty where the cut is in no text."""

    @property
    def offset(self) -> int:
        """Characters of that text that are still read."""


class AnswerContract(Protocol):
    """Which answers are allowed (`core.answers.contract.Contract`)."""

    @property
    def only_with_system(self) -> bool:
        """Whether examples without a system prompt may answer anything."""

    @property
    def words(self) -> str:
        """What it asks for, in words."""

    def violations(self, text: str) -> str | None:
        """Why an answer is not allowed, in one sentence; None where it is allowed."""

    def suggest(self, text: str) -> list[str]:
        """Allowed answers similar to `text`, the best first."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may use beside the example."""

    profile: Profile = "openai"
    method: Method | None = None
    """The training method; None: the one that takes the format of the example."""
    model: str = ""
    limit: int | None = None
    """Tokens of one example that training reads; longer examples are cut off."""
    count: Callable[[Any], TokenCount] | None = None
    """Counts the tokens of a parsed example."""
    contract: AnswerContract | None = None
    cut: Callable[[Any, int], Place | None] | None = None
    """Where an example over the limit is cut off (`core.counting.counter.Counter.truncation`)."""
    quick: bool = False
    """Whether only the rules on formats are checked."""
