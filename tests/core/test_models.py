"""The model table: names found, prices and dates kept apart by provider, a user's file laid over it."""

from __future__ import annotations

from datetime import date

import pytest

from curator.core import models
from curator.core.counting import vocabulary
from curator.errors import UsageError


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("ft:gpt-4o-mini-2024-07-18:personal:recipe-ner:8PjmcwDH", "gpt-4o-mini-2024-07-18"),
        ("ft:gpt-4.1-2025-04-14:org::id:ckpt-step-88", "gpt-4.1-2025-04-14"),
        ("gpt-4o-mini-2024-07-18.ft-0f1e2d:ckpt-step-90", "gpt-4o-mini-2024-07-18"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-35-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-35-turbo-0613", "gpt-3.5-turbo-0613"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm2-135m-instruct"),
        ("ft:smollm2-135m-instruct:local:emoji:abcdefgh", "smollm2-135m-instruct"),
        ("GPT-4O", "gpt-4o-2024-08-06"),
    ],
)
def test_names_lead_to_their_base_model(name: str, entry: str) -> None:
    info = models.find(name)
    assert info is not None
    assert info.name == entry


@pytest.mark.parametrize("name", ["", "gpt-9", "ft:", "ft:nobody:knows::it", "gpt-4o-2031-01-01"])
def test_unknown_names_are_none(name: str) -> None:
    assert models.find(name) is None


@pytest.mark.parametrize(
    ("name", "training", "context", "shutdown"),
    [
        ("gpt-4.1", 25.0, 65_536, date(2027, 1, 14)),
        ("gpt-4.1-mini", 5.0, 65_536, date(2027, 1, 14)),
        ("gpt-4.1-nano", 1.5, 65_536, date(2026, 10, 23)),
        ("gpt-4o", 25.0, 65_536, date(2027, 1, 14)),
        ("gpt-4o-mini", 3.0, 65_536, date(2027, 1, 14)),
        ("gpt-3.5-turbo", 8.0, 16_385, date(2026, 10, 23)),
        ("gpt-3.5-turbo-0613", 8.0, 4_096, date(2026, 10, 23)),
        ("davinci-002", 6.0, None, date(2026, 10, 23)),
        ("smollm2-135m-instruct", 0.0, 1_024, None),
    ],
)
def test_published_figures(name: str, training: float, context: int | None, shutdown: date | None) -> None:
    info = models.find(name)
    assert info is not None
    assert (info.training, info.context, info.shutdown) == (training, context, shutdown)


@pytest.mark.parametrize(
    ("name", "provider", "usd"),
    [
        ("gpt-4.1-mini", "openai", 0.40 + 1.60),
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "openai", 0.80 + 3.20),
        ("gpt-4o-mini-2024-07-18", "openai", 0.15 + 0.60),
        ("gpt-35-turbo", "openai", 0.50 + 1.50),
        ("gpt-4.1-mini", "azure", None),
        ("gpt-4.1-mini-2025-04-14.ft-1", "azure", None),
        ("gpt-4", "openai", None),
    ],
)
def test_a_base_costs_less_to_ask_than_what_is_tuned_from_it(name: str, provider: str, usd: float | None) -> None:
    info = models.find(name)
    assert info is not None
    assert info.on(provider).price_of(name, 1e6, 1e6) == (None if usd is None else pytest.approx(usd))


def test_every_entry_is_consistent() -> None:
    for info in models.table().values():
        assert info.encoding in (None, "own", *vocabulary.ENCODINGS)
        assert set(info.methods) <= {"supervised", "dpo", "reinforcement"}
        assert set(info.providers) <= {"openai", "azure", "local"}
        assert info.priced_on or info.training is None
        assert models.find(info.name) is info
        assert all(models.find(alias) is info for alias in info.aliases)


def test_a_kind_of_provider_starts_with_a_known_model() -> None:
    for provider in ("openai", "azure", "local"):
        info = models.find(models.default(provider))
        assert info is not None
        assert provider in info.providers


def test_azure_has_its_own_dates_and_no_guessed_price() -> None:
    info = models.table()["gpt-4.1-2025-04-14"].on("azure")
    assert (info.training, info.input, info.hosting_hour) == (None, None, 1.70)
    assert info.shutdown == date(2027, 10, 14)
    assert info.context == 65_536


def test_a_compatible_server_knows_neither_price_nor_date() -> None:
    info = models.table()["gpt-4o-2024-08-06"].on("compatible")
    assert (info.training, info.shutdown, info.encoding) == (None, None, "o200k_base")
    assert models.table()["smollm2-135m-instruct"].on("local").training == 0.0


def test_a_users_file_is_laid_over_key_by_key() -> None:
    override = """
        [models."gpt-4o-mini-2024-07-18"]
        training = 2
        priced_on = 2026-12-01
        [models."gpt-4o-mini-2024-07-18".azure]
        training = 2.5
        [models."my-model"]
        encoding = "cl100k_base"
        context = 2048
    """
    merged = models.merge(models.table(), override)
    mini = merged["gpt-4o-mini-2024-07-18"]
    assert (mini.training, mini.priced_on, mini.input) == (2, date(2026, 12, 1), 0.30)
    assert (mini.on("azure").training, mini.on("azure").hosting_hour) == (2.5, 1.70)
    mine = models.find("my-model", merged)
    assert mine is not None
    assert (mine.context, mine.training) == (2048, None)
    assert models.find("my-model") is None


@pytest.mark.parametrize(
    "override",
    [
        "models = 3",
        "[models\n",
        "[models.x]\ntrainning = 3",
        "[models.x]\ntraining = 'cheap'",
        "[models.x]\ntraining = -1",
        "[models.x]\ntraining = true",
        "[models.x]\ntraining = nan",
        "[models.x]\nmethods = [1]",
        "[models]\nx = 4",
        "[models.x.azure]\ncost = 4",
    ],
)
def test_a_bad_users_file_is_one_sentence_naming_it(override: str) -> None:
    with pytest.raises(UsageError, match=r"^mine\.toml") as caught:
        models.merge(models.table(), override, "mine.toml")
    assert "\n" not in caught.value.message.strip()
