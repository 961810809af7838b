"""What a model in memory says of given answers, and what it answers itself: many at once, in several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from curator.basemodels.chat_render import IGNORED, Rendered, render_chat, render_prompt
from curator.basemodels.text_model import TextModel
from curator.server.engines.embedded import batches, loss
from curator.server.engines.embedded.decode import EmbeddedDecoder
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter
from curator.server.engines.examples import MAX_TOKENS

_TOGETHER = 64
"""Examples that are scored, or answered, at once."""

Advance = Callable[[int], None]
"""Called with the number of examples that were done."""


@dataclass(frozen=True, slots=True)
class AnswerLogprob:
    """The log probability of an answer with its end, in nats, and its number of tokens; `likeliest`: whether the
    model finds each of them the most likely."""

    logprob: float
    tokens: int
    likeliest: bool


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """What a model answers, greedily; `logprob` is that of the whole answer. `cut`: it was not finished."""

    text: str
    logprob: float
    cut: bool


def split_answer(example: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The messages before an example's last answer, and that answer. Raises KeyError for an example without."""
    messages = example["messages"]
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].get("role") == "assistant":
            return messages[:at], messages[at]
    raise KeyError("no answer")


def render_pair(text: TextModel, asking: dict[str, Any], answering: dict[str, Any]) -> Rendered:
    """The prompt of one example with the last answer of another, of which only that answer is scored."""
    before, _ = split_answer(asking)
    _, answer = split_answer(answering)
    quiet = [{**message, "weight": 0} if message.get("role") == "assistant" else message for message in before]
    spoken = {name: value for name, value in answer.items() if name != "weight"}
    return render_chat(text, {**asking, "messages": [*quiet, spoken]}, MAX_TOKENS)


def score_answers(
    model: Llama, adapter: Adapter | None, rendered: Sequence[Rendered], threads: int, advance: Advance
) -> list[AnswerLogprob]:
    """The score of each example's answer. Neighbours by their tokens share what they have in common; what comes
    many times, as few labels after the same prompts do, is scored once."""
    places: dict[tuple[Any, ...], list[int]] = {}
    for at, one in enumerate(rendered):
        places.setdefault((*one.ids, None, *one.labels), []).append(at)
    order = sorted((same[0] for same in places.values()), key=lambda at: rendered[at].ids)
    copies = {same[0]: same for same in places.values()}
    totals, misses = np.zeros(len(rendered)), np.zeros(len(rendered), np.int64)

    def work(row: batches.PackedRow) -> tuple[Any, loss.ScoredTokens]:
        hidden, _ = model.forward(row, adapter)
        return row.owners, loss.score(hidden, model.head, row.targets)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(order), _TOGETHER):
            part = order[first : first + _TOGETHER]
            rows = [row for row in batches.pack_rows(rendered, part) if len(row.read)]
            for owners, scored in pool.map(work, rows):
                np.add.at(totals, owners, scored.logprobs)
                np.add.at(misses, owners, ~scored.correct)
            advance(sum(len(copies[at]) for at in part))
    found = {at: same[0] for same in places.values() for at in same}
    return [
        AnswerLogprob(
            float(totals[found[at]]), sum(label != IGNORED for label in one.labels[1:]), not misses[found[at]]
        )
        for at, one in enumerate(rendered)
    ]


def answer_as_given(
    text: TextModel, example: dict[str, Any], rendered: Rendered, score: AnswerLogprob, longest: int
) -> OwnAnswer | None:
    """The answer that an example has, where the model would give that very one, so that it need not be asked."""
    prompt = _prompt_ids(text, example)
    answer = rendered.ids[len(prompt) :]
    end = next((at for at, token in enumerate(answer) if token in text.end_ids), longest)
    if not score.likeliest or rendered.ids[: len(prompt)] != prompt or end >= longest or score.tokens != end + 1:
        return None
    return OwnAnswer(text.decode(answer[:end]), score.logprob, False)


def _prompt_ids(text: TextModel, example: dict[str, Any]) -> list[int]:
    return render_prompt(text, split_answer(example)[0], example.get("tools"))[-MAX_TOKENS:]


def answer_prompts(
    model: Llama,
    adapter: Adapter | None,
    text: TextModel,
    examples: Sequence[dict[str, Any]],
    longest: int,
    threads: int,
    advance: Advance,
) -> list[OwnAnswer]:
    """What the model answers to each example's prompt, in at most `longest` tokens."""
    prompts = [_prompt_ids(text, one) for one in examples]
    order = sorted(range(len(prompts)), key=lambda at: prompts[at])
    size = max(1, min(_TOGETHER, -(-len(order) // threads)))
    parts = [order[first : first + size] for first in range(0, len(order), size)]

    def work(part: list[int]) -> list[OwnAnswer]:
        return _decode(model, adapter, text, [prompts[at] for at in part], longest)

    answers: dict[int, OwnAnswer] = {}
    with ThreadPoolExecutor(threads) as pool:
        for part, texts in zip(parts, pool.map(work, parts), strict=True):
            answers |= dict(zip(part, texts, strict=True))
            advance(len(part))
    return [answers[at] for at in range(len(prompts))]


def _decode(
    model: Llama, adapter: Adapter | None, text: TextModel, prompts: list[list[int]], longest: int
) -> list[OwnAnswer]:
    decoder = EmbeddedDecoder(model, adapter, prompts)
    while not decoder.ready:
        decoder.read()
    open_rows, tokens = list(range(len(prompts))), [[] for _ in prompts]  # type: tuple[list[int], list[list[int]]]
    sums, finished = [0.0] * len(prompts), [False] * len(prompts)
    for _ in range(longest):
        logits = decoder.logits.astype(np.float64)
        likeliest = logits.argmax(axis=1)
        shifted = logits - logits.max(axis=1, keepdims=True)
        logprobs = -np.log(np.exp(shifted).sum(axis=1))
        open_places: list[int] = []
        for place, row in enumerate(open_rows):
            sums[row] += float(logprobs[place])
            finished[row] = int(likeliest[place]) in text.end_ids
            if not finished[row]:
                tokens[row].append(int(likeliest[place]))
                open_places.append(place)
        if not open_places:
            break
        decoder.keep(open_places)
        open_rows = [open_rows[place] for place in open_places]
        decoder.advance([tokens[row][-1] for row in open_rows])
    return [
        OwnAnswer(text.decode(own), total, not done)
        for own, total, done in zip(tokens, sums, finished, strict=True)
    ]
