"""How likely a model finds the wanted answers: the log probabilities of their tokens, for the perplexity.

Only a provider that can score a given text tells them: `POST /v1/completions` with `echo`, `logprobs` and
`max_tokens` 0. The conversation is sent as token ids, rendered with the base model's own chat template, just as
training reads it; so it needs the base model on this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from curator import paths
from curator.core.models import base_name
from curator.errors import CuratorError
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused
from curator.jobs.ledger.answer_facts import LIKELIHOOD, AnswerKey, text_hash
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Messages, Prompt, Way, message_key

_TOGETHER = 16
"""Conversations in one request."""
_LONGEST = 100_000
"""Tokens of a conversation that is still sent; the server says itself what its model cannot read."""


def stored_likelihoods(ledger: Ledger, way: Way, prompts: Sequence[Prompt]) -> list[list[float] | None]:
    """The log probabilities of each wanted answer's tokens; None where they were not measured."""
    facts = ledger.facts(LIKELIHOOD, way.answers_as)
    rows = (facts.get(_fact_key(way, prompt)) for prompt in prompts)
    return [_numbers(row.get("logprobs")) if row else None for row in rows]


def why_not_measurable(client: Client | None, model: str) -> str | None:
    """Why a provider cannot tell how likely a wanted answer is, without a full stop; None where it can."""
    if client is None:
        return "the provider is not connected"
    if client.provider.kind != "local":
        return f"{client.provider.name} cannot score a given text; the local server can"
    base = base_name(model)
    if not (paths.models_dir() / base).is_dir():
        return f"the base model {base} is not on this machine, whose tokenizer is needed"
    return None


async def measure_likelihoods(
    client: Client,
    way: Way,
    prompts: Sequence[Prompt],
    ledger: Ledger,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Ask how likely the wanted answers are that are not measured yet, and store each. Raises ProviderError,
    CuratorError where the base model cannot be read."""
    unmeasured = [
        prompt
        for prompt, stored in zip(prompts, stored_likelihoods(ledger, way, prompts), strict=True)
        if stored is None
    ]
    rendered = await asyncio.to_thread(_render, base_name(way.model), [_conversation(way, p) for p in unmeasured])
    for first in range(0, len(unmeasured), _TOGETHER):
        part = rendered[first : first + _TOGETHER]
        scored = await _score_each(client, way.model, [ids for ids, _ in part])
        for prompt, (_, answer_places), row in zip(unmeasured[first:], part, scored, strict=False):
            logprobs = [row[at] for at in answer_places] if row else []
            numbers = [value for value in logprobs if value is not None]
            if numbers:
                ledger.add_fact(LIKELIHOOD, _fact_key(way, prompt), {"logprobs": numbers})
        report(min(first + _TOGETHER, len(unmeasured)), len(unmeasured))


def _fact_key(way: Way, prompt: Prompt) -> AnswerKey:
    return AnswerKey(way.answers_as, message_key(way.messages(prompt)), text_hash(prompt.expected))


def _conversation(way: Way, prompt: Prompt) -> Messages:
    """The messages that are sent, with the wanted answer as the last one; only that is scored."""
    before = [
        {**message, "weight": 0} if message.get("role") == "assistant" else message
        for message in way.messages(prompt)
    ]
    return [*before, {"role": "assistant", "content": prompt.expected}]


def _render(base: str, conversations: Sequence[Messages]) -> list[tuple[list[int], list[int]]]:
    """The token ids of each conversation, and the positions of those that belong to its last answer."""
    from curator.basemodels import chat_render, text_model  # heavy: tokenizers

    text = text_model.load(paths.models_dir() / base)
    rendered = []
    for messages in conversations:
        one = chat_render.render_chat(text, {"messages": messages}, _LONGEST)
        places = [at for at, label in enumerate(one.labels) if label != chat_render.IGNORED]
        rendered.append((one.ids, places))
    return rendered


async def _score_each(client: Client, model: str, prompts: list[list[int]]) -> list[list[float | None]]:
    """The log probability of each token of each prompt; no tokens for a prompt that the model cannot read."""
    try:
        return await _score(client, model, prompts)
    except Refused as refusal:
        if refusal.status != 400:
            raise
        if len(prompts) == 1:
            return [[]]  # too long, for example
    return [(await _score_each(client, model, [prompt]))[0] for prompt in prompts]


async def _score(client: Client, model: str, prompts: list[list[int]]) -> list[list[float | None]]:
    """The log probability of each token of each prompt; None for a first token."""
    doing = f"score texts with {model}"
    create = cast(Any, client.sdk.completions.create)
    answer = await client.read(
        doing,
        lambda: create(model=model, prompt=prompts, echo=True, logprobs=0, max_tokens=0, temperature=0),
        total=600.0,
    )
    choices = sorted(getattr(answer, "choices", None) or [], key=lambda choice: choice.index)
    rows = [getattr(choice.logprobs, "token_logprobs", None) for choice in choices]
    if len(rows) != len(prompts) or not all(
        isinstance(row, list) and len(row) == len(ids) for row, ids in zip(rows, prompts, strict=True)
    ):
        raise CuratorError(f"{client.provider.name} did not tell a log probability for each token of the text.")
    return cast("list[list[float | None]]", rows)


def _numbers(stored: Any) -> list[float] | None:
    if not isinstance(stored, list) or not all(isinstance(value, int | float) for value in stored):
        return None
    return [float(value) for value in stored]
