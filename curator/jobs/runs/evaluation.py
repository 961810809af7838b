"""Evaluating models: each answers every held-out prompt; the answers are scored and stored in the ledger.

The base model answers a set of prompts once; the stored answers are compared with those of every tuned model.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from curator.core import example as examples
from curator.core.answers import contract as contracts
from curator.core.duplicates.texts import message_text
from curator.core.models import base_name
from curator.core.scores import metrics
from curator.errors import CuratorError, UsageError
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.runs.chat import chat

DEFAULT_METRICS = ("exact_match", "contract", "token_f1", "bleu", "rouge1", "rougeL", "length")
NAMES = (*metrics.NAMES, "perplexity")
"""All metrics. `perplexity` is that of a model's own answers, where it returns log probabilities."""
_YES_OR_NO = ("exact_match", "contract", "accuracy")
_MAX_ANSWER = 1024
"""Most tokens of an answer."""
_PARALLEL = {"local": 32}
"""Requests at a time, by kind of provider (others: 8); the local server answers waiting ones as one batch."""


@dataclass(frozen=True)
class Prompt:
    """A held-out example: the messages before its last answer, and that answer; `line` is its line or id."""

    line: int
    messages: list[dict[str, Any]]
    expected: str

    @property
    def text(self) -> str:
        """The text of the last message, for tables."""
        return message_text(self.messages[-1]) if self.messages else ""


@dataclass(frozen=True)
class ScoredModel:
    """One model's answers, and the value of each metric with its 95 % confidence interval."""

    model: str
    answers: list[str]
    scores: dict[str, metrics.Interval]


@dataclass(frozen=True)
class Evaluation:
    """Several models on the same prompts; `flips` compares the first with the last by the metric `primary`."""

    prompts: list[Prompt]
    models: list[ScoredModel]
    primary: str
    flips: metrics.Flips | None
    contract: contracts.Contract | None

    def to_json(self) -> dict[str, Any]:
        """The object of `evaluate --json` (docs/cli.md); `ci` is the interval of the primary metric."""
        return {
            "models": {scored.model: _scores_json(scored, self.primary) for scored in self.models},
            "examples": len(self.prompts),
            "primary": self.primary,
            "flips": self._flips_json(),
            "results": [
                {
                    "line": prompt.line,
                    "prompt": prompt.text,
                    "expected": prompt.expected,
                    "answers": {scored.model: scored.answers[at] for scored in self.models},
                }
                for at, prompt in enumerate(self.prompts)
            ],
        }

    def _flips_json(self) -> dict[str, Any]:
        """The object `flips`; lines are line numbers or ids."""
        if self.flips is None:
            return {"fixed": 0, "broken": 0}
        return {
            "fixed": len(self.flips.fixed),
            "broken": len(self.flips.broken),
            "fixed_lines": [self.prompts[at].line for at in self.flips.fixed],
            "broken_lines": [self.prompts[at].line for at in self.flips.broken],
            "p_value": self.flips.p_value,
        }


def make_prompts(data: TrainingExamples) -> tuple[list[Prompt], int]:
    """The prompts of the examples, and how many examples give none: broken, or without an answer of text."""
    askable = []
    for key, raw in zip(data.keys, data.raws, strict=True):
        prompt = _read_prompt(key, examples.parse(raw))
        if prompt is not None:
            askable.append(prompt)
    return askable, len(data.raws) - len(askable)


def _read_prompt(key: int, example: examples.Example) -> Prompt | None:
    """The prompt of an example; for a preference pair, the preferred answer is expected. None: it gives none."""
    if example.broken or not isinstance(example.value, dict):
        return None
    messages = [message for message in example.messages if isinstance(message, dict)]
    preferred = example.value.get("preferred_output") or example.value.get("preferred_completion")
    if isinstance(preferred, list) and preferred and isinstance(preferred[-1], dict):
        return _make_prompt(key, messages, preferred[-1])
    for at in range(len(messages) - 1, 0, -1):
        if messages[at].get("role") == "assistant":
            return _make_prompt(key, messages[:at], messages[at])
    return None


def _make_prompt(key: int, before: list[dict[str, Any]], answer: dict[str, Any]) -> Prompt | None:
    expected = message_text(answer)
    if not before or not expected:
        return None
    messages = [{name: value for name, value in message.items() if name != "weight"} for message in before]
    return Prompt(key, messages, expected)


def baseline_of(model: str) -> str | None:
    """The base model in a tuned model's name; None for the name of a base model."""
    base = base_name(model)
    return base if base != model else None


async def evaluate(
    prompts: Sequence[Prompt],
    models: Sequence[str],
    client: Client | None,
    ledger: Ledger,
    *,
    names: Sequence[str] = DEFAULT_METRICS,
    contract: contracts.Contract | None = None,
    reuse: Sequence[str] = (),
    report: Callable[[str, int, int], None] = lambda model, done, total: None,
) -> Evaluation:
    """Send every prompt to every model and score the answers; for models in `reuse`, stored answers are used.

    `contract` None: the answer contract that the expected answers suggest, if any. `report` is called with model,
    answers so far, prompts in all. Without a `client` only stored answers are scored. Raises UsageError for an
    unknown metric or no prompt, CuratorError where stored answers are missing, ProviderError.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown or not prompts:
        raise UsageError(f"No metric '{unknown[0]}': there are {', '.join(NAMES)}." if unknown else _NOTHING)
    if contract is None:
        proposal = contracts.propose(prompt.expected for prompt in prompts)
        contract = proposal.contract if proposal else None
    names = [name for name in names if name != "contract" or contract is not None]
    names = names or ["exact_match"]
    dataset = prompts_key(prompts)
    scored = []
    for model in dict.fromkeys(models):
        stored = ledger.evaluation(dataset, model) if model in reuse else None
        if stored is None or ("perplexity" in names and not stored.get("logprobs")):
            if client is None:
                raise CuratorError(f"{model} has not answered these prompts yet.")
            stored = await _ask(prompts, model, client, "perplexity" in names, report)
        result = ScoredModel(model, stored["answers"], _score(names, prompts, stored, contract))
        ledger.add_evaluation(dataset, model, None, stored | {"scores": _all_json(result)})
        scored.append(result)
    primary = next((name for name in names if name in _YES_OR_NO), "exact_match")
    return Evaluation(list(prompts), scored, primary, _flips(primary, prompts, scored, contract), contract)


_NOTHING = "Nothing to ask: no example ends with an answer of text."


async def _ask(
    prompts: Sequence[Prompt],
    model: str,
    client: Client,
    logprobs: bool,
    report: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """All answers of one model, at temperature 0, and the log probabilities of their tokens."""
    longest = max(len(prompt.expected) for prompt in prompts)  # an answer has at most as many tokens as characters
    options: dict[str, Any] = {"temperature": 0, "max_completion_tokens": min(_MAX_ANSWER, max(16, longest))}
    if logprobs:
        options["logprobs"] = True
    gate = asyncio.Semaphore(_PARALLEL.get(client.provider.kind, 8))
    done = 0

    async def one(prompt: Prompt) -> tuple[str, list[float]]:
        nonlocal done
        async with gate:
            answer = await chat(client, model, prompt.messages, **options)
        done += 1
        report(model, done, len(prompts))
        choice = answer.choices[0]
        content = getattr(getattr(choice, "message", None), "content", None)
        tokens = getattr(getattr(choice, "logprobs", None), "content", None) or []
        return content if isinstance(content, str) else "", [token.logprob for token in tokens]

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(prompt)) for prompt in prompts]
    except ExceptionGroup as many:
        raise many.exceptions[0] from None  # the first error has cancelled the other requests
    results = [task.result() for task in tasks]
    return {
        "answers": [text for text, _ in results],
        "logprobs": [p for _, logprobs_of_one in results for p in logprobs_of_one],
    }


def _score(
    names: Sequence[str], prompts: Sequence[Prompt], stored: dict[str, Any], contract: contracts.Contract | None
) -> dict[str, metrics.Interval]:
    """Each metric of one model."""
    expected = [prompt.expected for prompt in prompts]
    scores = {}
    for name in names:
        if name == "perplexity":
            scores[name] = metrics.perplexity_interval(stored.get("logprobs") or [])
        else:
            scores[name] = metrics.score(name, expected, stored["answers"], contract.allows if contract else None)
    return scores


def _flips(
    primary: str, prompts: Sequence[Prompt], scored: Sequence[ScoredModel], contract: contracts.Contract | None
) -> metrics.Flips | None:
    """Which prompts only the last model gets right, and which only the first; None for a single model."""
    if len(scored) < 2:
        return None

    def right(prompt: Prompt, answer: str) -> bool:
        if primary == "contract":
            return contract is None or contract.allows(answer)
        if primary == "accuracy":
            return metrics.label(prompt.expected) == metrics.label(answer)
        return metrics.exact_match(prompt.expected, answer) == 1

    first, last = scored[0], scored[-1]
    before = [right(prompt, answer) for prompt, answer in zip(prompts, first.answers, strict=True)]
    after = [right(prompt, answer) for prompt, answer in zip(prompts, last.answers, strict=True)]
    return metrics.flips(before, after)


def prompts_key(prompts: Sequence[Prompt]) -> str:
    """A hash of prompts and expected answers, under which the ledger stores evaluations."""
    return hashlib.sha256(orjson.dumps([[p.messages, p.expected] for p in prompts], default=str)).hexdigest()


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _all_json(scored: ScoredModel) -> dict[str, Any]:
    return {name: [_number(s.value), _number(s.low), _number(s.high)] for name, s in scored.scores.items()}


def _scores_json(scored: ScoredModel, primary: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: _number(s.value) for name, s in scored.scores.items()}
    intervals = {name: [_number(s.low), _number(s.high)] for name, s in scored.scores.items()}
    return values | {"ci": intervals.get(primary), "intervals": intervals}
