"""Ways of asking a model a held-out prompt: as it is, under another system prompt, or with examples before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from curator.core.duplicates.texts import SYSTEM_ROLES, message_text
from curator.core.scores.references import best_reference

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Prompt:
    """A held-out example: the messages before its last answer, and that answer; `line` is its line or id."""

    line: int
    messages: Messages
    expected: str
    also_right: tuple[str, ...] = ()
    """Further right answers that a person accepted."""

    def reference(self, answer: str) -> str:
        """The right answer that an answer is held against: the one it agrees with best."""
        return best_reference(self.expected, self.also_right, answer)

    @property
    def references(self) -> tuple[str, ...]:
        """All right answers, the wanted one first."""
        return (self.expected, *self.also_right)

    @property
    def text(self) -> str:
        """The text of the last message, for tables."""
        return message_text(self.messages[-1]) if self.messages else ""


@dataclass(frozen=True)
class Way:
    """A model and how it is asked. Two ways of one model are two rows of an evaluation."""

    model: str
    system: str | None = None
    """The system prompt in place of the prompt's own; None leaves that; an empty one removes it."""
    shots: int = 0
    """Examples with their answers before the question."""
    nearest: bool = False
    """Whether each question gets the examples that are most like it, instead of the same ones for all."""
    pool: Sequence[Prompt] = field(default=(), repr=False, compare=False)
    """Training examples to choose from."""
    provider: str = ""
    """The provider that has the model, where that is another than the evaluation's own."""

    @property
    def answers_as(self) -> str:
        """The name under which the ledger stores the answers: the model, with its provider where that is another
        one."""
        return f"{self.model} at {self.provider}" if self.provider else self.model

    @property
    def name(self) -> str:
        """The row's name: the model's, with what is different about the way."""
        words = [self.answers_as]
        if self.system is not None:
            words.append(f"system prompt {_four_letters(self.system)}" if self.system else "no system prompt")
        if self.shots:
            words.append(f"{self.shots} {'nearest ' if self.nearest else ''}examples")
        return " + ".join(words)

    def messages(self, prompt: Prompt) -> Messages:
        """The messages that are sent for a prompt."""
        own_system = [message for message in prompt.messages if message.get("role") in SYSTEM_ROLES]
        spoken = [message for message in prompt.messages if message.get("role") not in SYSTEM_ROLES]
        if self.system is not None:
            own_system = [{"role": "system", "content": self.system}] if self.system else []
        shots: Messages = []
        for example in self._examples(prompt):
            shots += [message for message in example.messages if message.get("role") not in SYSTEM_ROLES]
            shots.append({"role": "assistant", "content": example.expected})
        return [*own_system, *shots, *spoken] if self.shots or self.system is not None else list(prompt.messages)

    def _examples(self, prompt: Prompt) -> list[Prompt]:
        """The examples for a prompt, the most alike last; never one that asks the same."""
        if not self.shots:
            return []
        pool = [example for example in self.pool if example.text.strip() != prompt.text.strip()]
        if not self.nearest:
            return _spread(pool, self.shots)
        from rapidfuzz import fuzz, process  # heavy

        texts = [example.text for example in pool]
        ranked = process.extract(prompt.text, texts, scorer=fuzz.token_set_ratio, limit=self.shots)
        return [pool[position] for _, _, position in reversed(ranked)]


def _four_letters(text: str) -> str:
    """A short name for a text: the beginning of its hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:4]


def _spread(pool: Sequence[Prompt], count: int) -> list[Prompt]:
    """`count` examples of the pool: first one for each different answer, then others in order."""
    answers: set[str] = set()
    first: list[Prompt] = []
    others: list[Prompt] = []
    for example in pool:
        (others if example.expected in answers else first).append(example)
        answers.add(example.expected)
        if len(first) == count:
            break
    return [*first, *others][:count]


def message_key(messages: Messages) -> str:
    """A hash of the messages that are sent: the same question has the same key in every evaluation."""
    return hashlib.sha256(orjson.dumps(messages, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()
