"""The answers that can be given: those of the contract and of the data, found by letters and by meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.core.answers.contract import Contract, comparison_key
from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

READ = 20_000
"""Most examples whose answers and prompts are read."""
LONGEST = 200
"""Longer answers are free text, of which nobody chooses one from a list."""
PROMPT = 200
"""Most characters of a prompt that are kept to be searched."""
SUGGESTED = 20
"""Most answers that the contract suggests by meaning or spelling."""


@dataclass(slots=True)
class AnswerChoices:
    """The answers, how often each is given, and to which prompts."""

    contract: Contract | None = None
    times: Counter[str] = field(default_factory=Counter)
    prompts: dict[str, list[str]] = field(default_factory=dict)
    """By answer: the prompts that have it, shortened."""

    def all(self) -> list[str]:
        """Every answer: those given, most frequent first, then those allowed and never given."""
        vocabulary = self.contract.vocabulary if self.contract is not None else None
        used = [text for text, _ in self.times.most_common() if vocabulary is None or text in vocabulary]
        return [*used, *sorted((vocabulary or frozenset()) - self.times.keys())]

    def ranked(self, typed: str) -> list[str]:
        """The answers that fit what is typed: by their beginning, by letters inside, by meaning, by the prompts
        that have them; all of them where nothing is typed."""
        text = typed.strip()
        if not text:
            return self.all()
        return list(dict.fromkeys([*self._by_letters(text), *self._by_meaning(text), *self._by_prompts(text)]))

    def _by_letters(self, text: str) -> list[str]:
        typed, answers = comparison_key(text), self.all()
        keys = [(comparison_key(answer), answer) for answer in answers]
        begins = [answer for key, answer in keys if key.startswith(typed)]
        return [*begins, *(answer for key, answer in keys if typed in key)]

    def _by_meaning(self, text: str) -> Iterable[str]:
        answers = set(self.all())
        suggested = self.contract.suggest(text, SUGGESTED) if self.contract is not None else []
        return [answer for answer in suggested if answer in answers]

    def _by_prompts(self, text: str) -> Iterator[str]:
        """Answers to prompts that have all the words typed, those with the most such prompts first."""
        words = text.casefold().split()
        hits: Counter[str] = Counter()
        for answer, prompts in self.prompts.items():
            hits[answer] = sum(all(word in prompt.casefold() for word in words) for prompt in prompts)
        return (answer for answer, count in hits.most_common() if count)

    def sample(self, answer: str) -> str:
        """A prompt that has this answer; empty where none has."""
        return next(iter(self.prompts.get(answer, ())), "")


def read_choices(workspace: Workspace) -> AnswerChoices:
    """Read the answers of a workspace; slow: call it in a thread."""
    contract = workspace.context().contract
    choices = AnswerChoices(contract if isinstance(contract, Contract) else None)
    for record in workspace.records(workspace.ids()[:READ]):
        prompt, answer = prompt_and_answer(record.example.value)
        if answer and len(answer) <= LONGEST:
            choices.times[answer] += 1
            choices.prompts.setdefault(answer, []).append(one_line(prompt, PROMPT))
    return choices
