"""The engine's mathematics: gradients against finite differences, packing against separate examples, decoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curator.basemodels import chat_render as render
from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.basemodels.chat_render import Rendered, RenderedPair
from curator.server.engines.embedded import batches, loss
from curator.server.engines.embedded.adamw import AdamW
from curator.server.engines.embedded.dropout import Dropout
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter
from curator.server.engines.embedded.objective import Objective, Preference, Shards, Supervised
from curator.server.engines.schedule import learning_rate
from curator.server.engines.studies.projections import ProjectedGradients
from tests.server import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return tiny.write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Llama:
    """The tiny model in double precision, so that finite differences are exact enough."""
    return Llama(weights.load(folder), np.float64)


@pytest.fixture(scope="module")
def examples(folder: Path) -> list[Rendered]:
    """Examples with a shared beginning; the last one shares nothing, the one before has two trained answers."""
    text = tokenizer.load(folder)
    values = tiny.examples(5)
    values[3]["messages"] += [{"role": "user", "content": "more"}, {"role": "assistant", "content": "yes"}]
    values[4] = {"messages": [{"role": "user", "content": "alone"}, {"role": "assistant", "content": "ok"}]}
    return [render.render_chat(text, value, 1024) for value in values]


def random_adapter(model: Llama) -> Adapter:
    """An adapter with all parameters away from zero."""
    adapter = Adapter(model.config, 4, 8.0, dtype=np.float64)
    adapter.flat[:] = np.random.default_rng(3).standard_normal(adapter.flat.shape) * 0.05
    return adapter


def check_gradient(
    objective: Objective, chosen: list[int], adapter: Adapter, mean: Any, dropout: Dropout | None = None
) -> None:
    """Compare the gradient with central differences along random directions and single parameters."""
    _, gradient = objective.gradient(chosen, adapter, dropout)
    gradient = gradient.copy()
    random = np.random.default_rng(5)
    start = adapter.flat.copy()
    directions = [random.standard_normal(len(start)) for _ in range(3)]
    directions += [np.eye(1, len(start), int(k))[0] for k in random.integers(0, len(start), 12)]
    for direction in directions:
        step = 1e-5
        values = []
        for sign in (1, -1):
            adapter.flat[:] = start + sign * step * direction
            sums = (
                objective.gradient(chosen, adapter, dropout)[0] if dropout else objective.measure(chosen, adapter)
            )
            values.append(mean(sums))
        adapter.flat[:] = start
        slope = (values[0] - values[1]) / (2 * step)
        assert slope == pytest.approx(float(gradient @ direction), rel=2e-5, abs=1e-8)


@pytest.mark.parametrize("threads", [1, 2])
def test_supervised_gradient_is_that_of_the_mean_loss(
    model: Llama, examples: list[Rendered], threads: int
) -> None:
    objective = Supervised(model, examples, Shards(threads))
    check_gradient(objective, [0, 1, 3, 4], random_adapter(model), lambda sums: sums.mean_loss)


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_the_gradient_with_dropout_is_that_of_the_loss_with_the_same_masks(
    model: Llama, examples: list[Rendered], method: str
) -> None:
    dropout = Dropout(0.3, (7, 1))
    pairs = [RenderedPair(examples[0], examples[1]), RenderedPair(examples[2], examples[4])]
    objective: Objective = (
        Supervised(model, examples, Shards(2))
        if method == "supervised"
        else Preference(model, pairs, 0.3, Shards(2))
    )
    chosen, adapter = ([0, 1, 3, 4] if method == "supervised" else [0, 1]), random_adapter(model)
    check_gradient(objective, chosen, adapter, lambda sums: sums.mean_loss, dropout)
    plain, same, other = (
        objective.gradient(chosen, adapter, each)[0].loss for each in (None, dropout, Dropout(0.3, (7, 2)))
    )
    assert same == objective.gradient(chosen, adapter, dropout)[0].loss
    assert len({plain, same, other}) == 3


def test_of_the_last_blocks_only_these_are_kept(model: Llama, examples: list[Rendered]) -> None:
    """What influences compare: the same features, whether the other blocks' values were kept or not."""
    adapter, features = random_adapter(model), []
    for last in (1, None):
        [row] = batches.pack_rows(examples, [0, 1], apart=True)
        hidden, tape = model.record(row, adapter, last=last)
        assert len(tape.taps) == (last or len(model.layers))
        scale = np.ones(len(row.targets), hidden.dtype)
        _, d_hidden = loss.score_and_gradient(hidden, model.head, row.targets, scale)
        sink = ProjectedGradients(model, adapter, row, 1)
        model.backward(tape, d_hidden, adapter, sink, last=1)
        features.append(dict(sink.by_example()))
    assert features[0].keys() == features[1].keys() == {0, 1}
    for at in (0, 1):
        assert np.array_equal(features[0][at], features[1][at]) and features[0][at].any()


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    masks = [Dropout(0.25, (1, step)).of_row(3).draw(2, "qkv", (400, 500)) for step in (1, 1, 2)]
    assert np.array_equal(masks[0].kept, masks[1].kept) and not np.array_equal(masks[0].kept, masks[2].kept)
    seen = masks[0].apply(np.ones((400, 500)))
    assert 1 - np.count_nonzero(seen) / seen.size == pytest.approx(0.25, abs=0.005)
    assert seen.mean() == pytest.approx(1, abs=0.01) and set(np.unique(seen)) == {0.0, 1 / 0.75}
    assert Dropout(0.0, (1,)).draw(0, "o", (9, 9)).kept.all()


def test_preference_gradient_is_that_of_the_mean_loss(model: Llama, examples: list[Rendered]) -> None:
    pairs = [RenderedPair(examples[0], examples[1]), RenderedPair(examples[2], examples[4])]
    objective = Preference(model, pairs, 0.3, Shards(2))
    check_gradient(objective, [0, 1], random_adapter(model), lambda sums: sums.mean_loss)


def test_preference_loss_begins_at_log_two(model: Llama, examples: list[Rendered]) -> None:
    objective = Preference(model, [RenderedPair(examples[0], examples[1])], 0.1, Shards(1))
    adapter = Adapter(model.config, 4, 8.0, dtype=np.float64)
    adapter.initialise(1)
    assert objective.measure([0], adapter).mean_loss == pytest.approx(np.log(2))


def test_packing_changes_no_loss(model: Llama, examples: list[Rendered]) -> None:
    adapter = random_adapter(model)
    alone = loss.LossTotals()
    for index in range(len(examples)):
        alone.add(Supervised(model, examples, Shards(1)).measure([index], adapter))
    packed = batches.pack_rows(examples, range(len(examples)))
    assert sum(len(row.ids) for row in packed) < sum(len(example.ids) for example in examples)
    whole = range(len(examples))
    rows = batches.pack_rows(examples, whole, 0)
    assert sorted(len(row.ids) for row in rows) == sorted(len(example.ids) for example in examples)
    (_, packed_gradient), (_, plain_gradient) = (
        Supervised(model, examples, Shards(1), tokens).gradient(whole, adapter) for tokens in (512, 0)
    )
    np.testing.assert_allclose(packed_gradient, plain_gradient, rtol=1e-9, atol=1e-12)
    together = Supervised(model, examples, Shards(1)).measure(whole, adapter)
    assert together.tokens == alone.tokens == sum(example.trained for example in examples)
    assert together.loss == pytest.approx(alone.loss, rel=1e-12)
    assert together.correct == alone.correct


def test_an_answer_inside_the_shared_beginning_counts_for_each_example(model: Llama) -> None:
    ids = [257, 1, 2, 3, 4, 5]
    twins = [Rendered([*ids, end], [-100, -100, 2, 3, -100, -100, end]) for end in (7, 8)]
    adapter = random_adapter(model)
    objective = Supervised(model, twins, Shards(1))
    apart = [objective.measure([n], adapter).loss for n in (0, 1)]
    assert objective.measure([0, 1], adapter).loss == pytest.approx(sum(apart), rel=1e-12)


def test_rows_keep_to_their_limit_and_lose_no_answer(examples: list[Rendered]) -> None:
    limit = max(len(example.ids) for example in examples) + 5
    packed = batches.pack_rows(examples, range(len(examples)), limit)
    assert all(len(row.ids) <= limit for row in packed)
    assert sum(len(row.read) for row in packed) == loss.count_answer_tokens(examples)


def test_decoding_with_a_cache_equals_reading_the_whole_text(model: Llama) -> None:
    prompts = [[257, 5, 6, 7], [257, 5, 6, 9, 10, 11, 12], [257, 5, 6, 8]]
    adapter = random_adapter(model)
    decoder = tiny.read_prompts(model, adapter, prompts)
    grown = [list(prompt) for prompt in prompts]
    for step in range(70):  # beyond the cache's first room
        for prompt, logits in zip(grown, decoder.logits, strict=True):
            if step in (0, 1, 69):
                row = batches.pack_prompts([prompt], 0)
                whole = model.forward(row, adapter)[0] @ model.head.T
                np.testing.assert_allclose(logits, whole[0], rtol=1e-9, atol=1e-9)
        tokens = [int((17 * step + 5 * n) % 250) for n in range(len(grown))]
        for prompt, token in zip(grown, tokens, strict=True):
            prompt.append(token)
        decoder.advance(tokens)
        if step == 1:
            decoder.keep([0, 2])
            grown = [grown[0], grown[2]]


def test_identical_prompts_share_all_but_their_last_token(model: Llama) -> None:
    twins = tiny.read_prompts(model, None, [[257, 1, 2], [257, 1, 2]]).logits
    alone = tiny.read_prompts(model, None, [[257, 1, 2]]).logits
    np.testing.assert_allclose(twins, np.repeat(alone, 2, axis=0), rtol=1e-12)


def test_adamw_follows_its_published_rule() -> None:
    flat = np.array([1.0, -2.0])
    optimiser = AdamW(flat)
    gradient = np.array([0.3, -0.4])
    m, v, expected = np.zeros(2), np.zeros(2), flat.copy()
    for step in (1, 2, 3):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        expected -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        assert optimiser.update(gradient.copy(), step, 0.01) == pytest.approx(0.5)
    np.testing.assert_allclose(flat, expected, rtol=1e-12)


def test_a_long_gradient_is_clipped_to_length_one() -> None:
    gradient = np.array([30.0, 40.0])
    assert AdamW(np.zeros(2)).update(gradient, 1, 0.1) == pytest.approx(50.0)
    assert np.linalg.norm(gradient) == pytest.approx(1.0, abs=1e-6)


def test_the_rate_rises_over_a_tenth_and_falls_to_nearly_nothing() -> None:
    rates = [learning_rate(step, 40, 1.0) for step in range(1, 41)]
    assert rates.index(max(rates)) == 3 and max(rates) == 1.0
    assert rates[-1] == pytest.approx(1 / 37)
    assert learning_rate(1, 1, 1.0) == 1.0
