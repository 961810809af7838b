"""What to write next: raw prompts with the model's answers, in the order in which a person should look at them."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.core import splice
from curator.core.answers.contract import Contract
from curator.core.duplicates.texts import SYSTEM_ROLES
from curator.core.scores.queue import Ranked, rank, vectors_of
from curator.core.text import count_of
from curator.errors import InputError
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.providers import LOCAL_MODEL, Provider
from curator.jobs.runs.asking import Prompt, Way
from curator.jobs.runs.asking_cost import AskingCost, estimate_cost
from curator.jobs.runs.evaluation import is_right, make_prompts
from curator.jobs.runs.questions import Questions
from curator.jobs.studies.raw_prompts import MOST as MOST_READ
from curator.workspace.duplicates.known_texts import KnownTexts

MOST_ASKED = 200
"""Prompts that the model is asked; of more a seeded sample."""
_MOST_KNOWN = 20_000
"""Training prompts that are compared with."""
_LOOKED_AT = 4
"""So many times more prompts than asked are looked at, since copies are left out."""
_SHORT = 16
"""Tokens up to which the probability of a whole answer counts; of a longer one that of its mean token."""
_UNSURE, _FAR = 0.5, 0.75
"""Below this certainty a model is unsure; from this distance on a prompt is far from all there is."""
_SHOTS = 8
Report = Callable[[str, int, int], None]
Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Card:
    """A prompt of the queue with the model's answer."""

    messages: Messages
    prompt: str
    answer: str
    certainty: float | None
    """The probability that the model gave its answer; None where its provider does not tell."""
    reasons: tuple[str, ...]
    is_cut: bool = False
    """Whether the answer goes on: it is longer than any that is there."""

    def to_json(self) -> dict[str, Any]:
        """As `curator study next --json` has it."""
        return {
            "prompt": self.prompt,
            "answer": self.answer,
            "certainty": None if self.certainty is None else round(self.certainty, 4),
            "reasons": list(self.reasons),
        }

    def example(self, answer: str | None = None) -> dict[str, Any]:
        """The prompt with an answer (default: the model's) as an example."""
        turn = {"role": "assistant", "content": self.answer if answer is None else answer}
        return {"messages": [*self.messages, turn]}


@dataclass
class PromptQueue:
    """The cards in their order, and what was left out."""

    cards: list[Card]
    model: str
    read: int
    held_out: int = 0
    """Prompts that are like a held-out one."""
    copies: int = 0
    """Prompts that training has already, or that came twice."""
    asked: int = 0
    notices: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `curator study next --json` has it."""
        return {
            "queue": [card.to_json() for card in self.cards],
            "model": self.model,
            "prompts": self.read,
            "asked": self.asked,
            "left_out": {"held_out": self.held_out, "copies": self.copies},
            "notices": self.notices,
        }


class Data:
    """A dataset as the queue sees it: prompts of training and of what is held out, and how prompts begin."""

    def __init__(self, data: TrainingExamples) -> None:
        held_out = [at for at, side in enumerate(data.sides) if side not in (None, "train")]
        held_out_places = set(held_out)
        trained = [at for at in range(len(data.raws)) if at not in held_out_places]
        step = max(1, -(-len(trained) // _MOST_KNOWN))
        self.trained, _ = make_prompts(data.only(trained[::step]))
        self.held_out, _ = make_prompts(data.only(held_out))
        if not self.trained:
            raise InputError("no example has a prompt and an answer that a next one could add to")
        systems = Counter(splice.dump(_system_of(prompt.messages)) for prompt in self.trained)
        commonest = systems.most_common(1)[0][0]
        self.system = next(
            system for prompt in self.trained if splice.dump(system := _system_of(prompt.messages)) == commonest
        )
        self.longest = max(len(prompt.expected) for prompt in self.trained)
        self.answers = {_key(prompt.expected) for prompt in self.trained}
        self._of_held_out = {prompt.line for prompt in self.held_out}
        both = sorted([*self.trained, *self.held_out], key=lambda prompt: prompt.line)
        self._known = KnownTexts((prompt.line, _asked_alone(prompt.messages)) for prompt in both)
        self._fresh_id = max(prompt.line for prompt in both) + 1

    def begun(self, messages: Messages) -> Messages:
        """A raw prompt under the usual system prompt, unless it has one."""
        return messages if _system_of(messages) else [*self.system, *messages]

    def why_not(self, messages: Messages) -> str:
        """`held_out` or `copies` for a prompt that asks what is there already; else it is known from now on."""
        raw = _asked_alone(messages)
        twin = self._known.twin(raw)
        if twin is not None:
            return "held_out" if twin in self._of_held_out else "copies"
        self._known.add(self._fresh_id, raw)
        self._fresh_id += 1
        return ""


def choose_way(model: str | None, provider: Provider, ledger: Ledger, data: Data) -> Way:
    """The model that answers: the one named, else the latest one trained at this provider, else its base with the
    eight nearest training examples before each question."""
    if model:
        return Way(model)
    tuned = (run.fine_tuned_model for run in ledger.runs() if run.provider == provider.name)
    latest = next((name for name in tuned if name), None)
    if latest:
        return Way(latest)
    return Way(provider.model or LOCAL_MODEL, shots=_SHOTS, nearest=True, pool=data.trained)


def cost_of(raw: Sequence[Messages], most: int, provider: Provider, way: Way, data: Data) -> AskingCost:
    """About what asking at most `most` of the prompts costs."""
    sample = raw[:most]
    sent = sum(len(str(each.get("content"))) for messages in sample for each in data.begun(messages))
    shots = way.shots * len(sample) * (sum(len(each.text) for each in data.trained) // len(data.trained))
    return estimate_cost(provider, way.model, len(sample), sent + shots, len(sample) * data.longest)


async def make_queue(
    data: Data,
    raw_prompts: Sequence[Messages],
    way: Way,
    client: Client,
    ledger: Ledger,
    report: Report,
    *,
    contract: Contract | None = None,
    limit: int = 50,
    most_asked: int = MOST_ASKED,
    seed: int = 0,
) -> PromptQueue:
    """Ask the model what a sample of raw prompts is answered, and order them. Raises ProviderError, InputError."""
    queue = PromptQueue([], way.name, len(raw_prompts))
    prompts = _fresh_prompts(data, raw_prompts, queue, most_asked, seed)
    if not prompts:
        raise InputError(
            f"none of {count_of(len(raw_prompts), 'prompt')} is new: all are in the data, or held out"
        )
    questions = Questions(way, prompts, ledger, longest=data.longest)
    await questions.ask(client, report)
    stored = questions.stored()
    certainties = [_certainty(logprobs) for logprobs in stored["logprobs"]]
    if any(certainty is None for certainty in certainties):
        queue.notices.append(
            f"{client.provider.name} does not tell how sure its answers are: the order is by distance alone. A "
            "model on this machine tells it"
        )
    missed = _missed(data, way, ledger, contract)
    ranked = rank(
        [1 - (0.5 if certainty is None else certainty) for certainty in certainties],
        vectors_of([prompt.text for prompt in prompts]),
        vectors_of([prompt.text for prompt in data.trained]),
        vectors_of([prompt.text for prompt in missed]),
        limit,
    )
    queue.asked = len(prompts)
    if len(raw_prompts) == MOST_READ:
        queue.notices.append(f"the first {MOST_READ:,} prompts were read")
    for each in ranked:
        answer, certainty = stored["answers"][each.at].strip(), certainties[each.at]
        is_cut, prompt = questions.is_cut(each.at), prompts[each.at]
        reasons = (*_reasons(each, answer, certainty, data, contract), *["its answer goes on"] * is_cut)
        queue.cards.append(Card(prompt.messages, prompt.text, answer, certainty, reasons, is_cut))
    return queue


def _fresh_prompts(data: Data, raw: Sequence[Messages], queue: PromptQueue, most: int, seed: int) -> list[Prompt]:
    """A seeded sample of the raw prompts that ask what is not there yet."""
    order = list(range(len(raw)))
    random.Random(seed).shuffle(order)
    places = []
    for at in order[: _LOOKED_AT * most]:
        messages = data.begun(raw[at])
        why_not = data.why_not(messages)
        if why_not == "held_out":
            queue.held_out += 1
        elif why_not:
            queue.copies += 1
        else:
            places.append(at)
        if len(places) == most:
            break
    if len(raw) > most and len(places) == most:
        queue.notices.append(f"{most:,} of {len(raw):,} prompts were asked, chosen by the seed {seed}")
    return [Prompt(at + 1, data.begun(raw[at]), "") for at in sorted(places)]


def _missed(data: Data, way: Way, ledger: Ledger, contract: Contract | None) -> list[Prompt]:
    """The held-out prompts that this model is known to have answered wrong."""
    if not data.held_out:
        return []
    questions = Questions(way, data.held_out, ledger)
    missed = []
    for prompt, key in zip(data.held_out, questions.keys, strict=True):
        stored = questions.answers.get(key)
        if stored is not None and not is_right("exact_match", contract, prompt, str(stored["answer"])):
            missed.append(prompt)
    return missed


def _certainty(logprobs: Sequence[float] | None) -> float | None:
    """The probability of an answer by the log probabilities of its tokens."""
    if not logprobs:
        return None
    total = math.fsum(logprobs)
    return math.exp(min(0.0, total if len(logprobs) <= _SHORT else total / len(logprobs)))


def _reasons(
    ranked: Ranked, answer: str, certainty: float | None, data: Data, contract: Contract | None
) -> tuple[str, ...]:
    """Why a prompt is in the queue, in words."""
    reasons = []
    if certainty is not None and certainty < _UNSURE:
        reasons.append(f"unsure: {certainty:.0%}")
    if contract is not None and not contract.allows(answer):
        reasons.append("an answer outside the contract")
    elif _key(answer) not in data.answers:
        reasons.append("an answer never used")
    if ranked.misses:
        reasons.append(f"like {ranked.misses} miss{'es' * (ranked.misses > 1)}")
    if ranked.distance >= _FAR:
        reasons.append("far from all there is")
    return tuple(reasons)


def _key(answer: str) -> str:
    return " ".join(answer.casefold().split())


def _system_of(messages: Messages) -> Messages:
    return [message for message in messages if message.get("role") in SYSTEM_ROLES]


def _asked_alone(messages: Messages) -> bytes:
    """The messages as an example without an answer, so that prompts are compared whatever they are answered."""
    return splice.dump({"messages": messages})
