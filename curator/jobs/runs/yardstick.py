"""A yardstick: a frozen, named set of held-out prompts, and how exact a score on it can be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curator.core.scores import metrics
from curator.core.text import count_of
from curator.jobs.runs.asking import Prompt, message_key

_FEW = 20
"""Prompts below which nearly no difference between two models can be told from chance."""


@dataclass(frozen=True)
class Yardstick:
    """The prompts that models are compared on. `id` is a hash of questions and expected answers, whatever their
    order."""

    id: str
    side: str
    """Where they come from: "validation", "test", or empty for a file."""
    prompts: tuple[Prompt, ...]

    @classmethod
    def of(cls, prompts: Sequence[Prompt], side: str) -> Yardstick:
        """The yardstick of some prompts."""
        pairs = sorted(f"{message_key(prompt.messages)}:{prompt.expected}" for prompt in prompts)
        return cls(
            hashlib.sha256("\n".join(pairs).encode("utf-8", "replace")).hexdigest()[:12], side, tuple(prompts)
        )

    @property
    def margin(self) -> float:
        """Half the width of the 95 % interval of a share of one half: by how much a share may be off here."""
        count = len(self.prompts)
        interval = metrics.wilson(count // 2, count)
        return (interval.high - interval.low) / 2

    @property
    def words(self) -> str:
        """How exact a score on it can be, in a sentence."""
        count = len(self.prompts)
        sentence = f"{count_of(count, 'prompt tells', 'prompts tell')} ±{100 * self.margin:.0f} points"
        return f"{sentence}: too few to judge" if count < _FEW else sentence

    def rows(self) -> list[dict[str, Any]]:
        """As the ledger stores it: an object a prompt."""
        return [
            {
                "key": message_key(prompt.messages),
                "line": prompt.line,
                "text": prompt.text,
                "expected": prompt.expected,
            }
            for prompt in self.prompts
        ]

    def to_json(self) -> dict[str, Any]:
        """As `evaluate --json` prints it."""
        return {"id": self.id, "prompts": len(self.prompts), "side": self.side, "says": self.words}
