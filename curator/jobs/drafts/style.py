"""Whose style a draft takes: that of the nearest training examples, of those with the wanted answer first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from curator.core.answers.contract import propose
from curator.core.duplicates.question import question_and_answer
from curator.core.duplicates.texts import SYSTEM_ROLES
from curator.core.example import parse

MOST_READ = 20_000
"""Training examples that are read to choose from."""
_NEAREST = 12
"""Examples that one draft's style is chosen from."""
_SHOWN = 5
"""Examples that a model sees before it writes; each request shows others, so that drafts differ."""
_WITH_REPLY = "Write one message to which the right reply is: "
Messages = list[dict[str, Any]]


class StyleExample(NamedTuple):
    """A training example that shows the style: its id, system messages, question and answer."""

    example: int
    system: Messages
    question: str
    answer: str


@dataclass(frozen=True)
class Seed:
    """What a draft should be like."""

    question: str
    """Only to find what is near: the model that writes never sees it."""
    answer: str
    why: str
    """For the person who decides, e.g. `wanted where (sun) was missed`."""


class Style:
    """The training examples of a dataset, to show some of them to a model that writes."""

    def __init__(self, raws: Iterable[tuple[int, bytes]]) -> None:
        self.models: list[StyleExample] = []
        for example, raw in raws:
            question, answer = question_and_answer(raw)
            if question.strip() and answer.strip():
                system = [each for each in parse(raw).messages if _is_system(each)]
                self.models.append(StyleExample(example, system, question, answer))
        self._counts = Counter(model.answer for model in self.models)
        offer = propose(model.answer for model in self.models)
        self._form = offer.contract if offer is not None else None

    def keeps_answer(self, seed: Seed) -> bool:
        """Whether a draft takes over the seed's answer: where answers repeat or have a form, as short codes do."""
        return self._counts[seed.answer] > 1 or (self._form is not None and self._form.allows(seed.answer))

    def nearest(self, seed: Seed) -> list[StyleExample]:
        """The examples nearest to a seed, most alike first; those with its answer before all others."""
        from rapidfuzz import fuzz, process  # heavy

        texts = [model.question for model in self.models]
        ranked = process.extract(seed.question, texts, scorer=fuzz.token_set_ratio, limit=None)
        places = [at for _, _, at in ranked]
        same = [at for at in places if self.models[at].answer == seed.answer]
        others = [at for at in places if self.models[at].answer != seed.answer]
        return [self.models[at] for at in [*same, *others][:_NEAREST]]


def _is_system(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in SYSTEM_ROLES


def question_request(seed: Seed, nearest: Sequence[StyleExample], number: int, *, keeps_answer: bool) -> Messages:
    """The messages that ask for one more question; `number` chooses which examples are examples."""
    examples = list(nearest)
    random.Random(number).shuffle(examples)
    wish = f"{_WITH_REPLY}{seed.answer}" if keeps_answer else "Write one message."
    messages: Messages = [
        {
            "role": "system",
            "content": "You write messages that people send, each different from those before, in the same style "
            "and language. You answer with the message alone.",
        }
    ]
    for model in examples[:_SHOWN]:
        instruction = f"{_WITH_REPLY}{model.answer}" if keeps_answer else wish
        messages += [{"role": "user", "content": instruction}, {"role": "assistant", "content": model.question}]
    return [*messages, {"role": "user", "content": wish}]


def answer_request(question: str, nearest: Sequence[StyleExample]) -> Messages:
    """The messages that ask for the answer to a new question, with the nearest examples before it."""
    messages: Messages = list(nearest[0].system) if nearest else []
    for model in reversed(nearest[:_SHOWN]):
        messages += [{"role": "user", "content": model.question}, {"role": "assistant", "content": model.answer}]
    return [*messages, {"role": "user", "content": question}]


def made_example(question: str, answer: str, nearest: Sequence[StyleExample]) -> dict[str, Any]:
    """A draft as an example, under the system messages of the nearest one."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": [*(nearest[0].system if nearest else []), *turns]}


def cleaned(text: str) -> str:
    """What a model wrote, without the quotes and the label that some put around it."""
    text = text.strip()
    for opening, closing in (('"', '"'), ("“", "”"), ("'", "'")):
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing):
            text = text[1:-1].strip()
    return text
