"""The model table: encoding, prices, dates and methods of each base model, read from data/models.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from curator.errors import UsageError

Table = dict[str, "ModelInfo"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One base model. Prices are US dollars per million tokens, or per hour; None means unknown."""

    name: str
    aliases: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    """Kinds of provider that have it: "openai", "azure", "local"."""
    encoding: str | None = None
    """A packaged tiktoken encoding, or "own" for the model's own tokenizer.json; None where unknown."""
    context: int | None = None
    """Tokens of one example that training reads; longer ones are cut off."""
    inference_context: int | None = None
    """Tokens of one conversation that the model can read when it answers."""
    methods: tuple[str, ...] = ()
    """Methods of fine-tuning: "supervised", "dpo", "reinforcement"; empty: cannot be fine-tuned."""
    training: float | None = None
    training_hour: float | None = None
    input: float | None = None
    cached: float | None = None
    output: float | None = None
    """`input`, `cached`, `output` and `batch` are prices of models tuned from it."""
    base: Mapping[str, float] = field(default_factory=dict)
    """What the base itself costs (`input`, `cached`, `output`); empty: as much as a tuned one."""
    batch: Mapping[str, float] = field(default_factory=dict)
    hosting_hour: float | None = None
    """Price per hour of a deployed tuned model (Azure), whether it is used or not."""
    priced_on: date | None = None
    training_ends: date | None = None
    """The first day on which no new job is accepted."""
    shutdown: date | None = None
    """The first day on which neither the model nor models tuned from it answer."""
    replacement: str | None = None
    note: str = ""
    azure: Mapping[str, Any] = field(default_factory=dict)
    """The fields that differ at Azure."""

    def on(self, provider: str) -> ModelInfo:
        """This model as a kind of provider ("openai", "azure", "local", "compatible") offers it.

        Azure's prices vary by region and training type, so they are unknown unless the `azure` part of the
        entry has them. For other servers, prices and dates are unknown.
        """
        if provider == "azure":
            apart = {**_NOTHING_KNOWN, **self.azure} if "openai" in self.providers else self.azure
            return replace(self, **apart)
        if provider == "openai" or provider in self.providers:
            return self
        return replace(self, **_NOTHING_KNOWN)

    def price_of(self, model: str, sent: float, received: float) -> float | None:
        """US dollars for so many tokens sent to the model of this name, the base or a tuned one, and received.

        None where the price is unknown.
        """
        prices: Mapping[str, Any] = {"input": self.input, "output": self.output}
        if self.base and not is_tuned(model):
            prices = self.base
        each_sent, each_received = prices.get("input"), prices.get("output")
        if each_sent is None or each_received is None:
            return None
        return float(sent * each_sent + received * each_received) / 1e6


_PRICES = ("training", "training_hour", "input", "cached", "output", "hosting_hour")
_NOTHING_KNOWN: dict[str, Any] = {
    **dict.fromkeys((*_PRICES, "priced_on", "training_ends", "shutdown", "replacement")),
    "base": {},
    "batch": {},
    "note": "",
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "aliases": list,
    "providers": list,
    "encoding": str,
    "context": int,
    "inference_context": int,
    "methods": list,
    "base": dict,
    "batch": dict,
    "priced_on": date,
    "training_ends": date,
    "shutdown": date,
    "replacement": str,
    "note": str,
    "azure": dict,
}
_FIELDS = {each.name for each in fields(ModelInfo)} - {"name"}


def table() -> Table:
    """The packaged table by model name, as a new dict that the caller may change."""
    return dict(_packaged()[0])


def default(provider: str) -> str:
    """The default model of a kind of provider ("openai", "azure", "local")."""
    defaults = _packaged()[1]
    return defaults.get(provider, defaults["openai"])


@cache
def _packaged() -> tuple[Table, dict[str, str]]:
    text = resources.files("curator").joinpath("data/models.toml").read_text("utf-8")
    return merge({}, text), tomllib.loads(text)["defaults"]


def merge(base: Table, override: str, source: str = "models.toml") -> Table:
    """`base` with the values of a TOML text of the same shape, which override it key by key.

    Raises UsageError with a sentence that names `source` where the text is no TOML or a value has the wrong type.
    """
    try:
        entries = tomllib.loads(override).get("models", {})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is no valid TOML: {error}") from None
    if not isinstance(entries, dict):
        raise UsageError(f'{source}: write each model as a table [models."NAME"]')
    merged = dict(base)
    for name, entry in entries.items():
        merged[name] = _override(merged.get(name, ModelInfo(name)), entry, f'{source}, model "{name}"')
    return merged


def _override(info: ModelInfo, entry: Any, where: str) -> ModelInfo:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: expected a table")
    _check(entry, where)
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    if "azure" in changes:
        _check(changes["azure"], f"{where}, azure")
        changes["azure"] = {**info.azure, **changes["azure"]}
    return replace(info, **changes)


def _check(entry: Mapping[str, Any], where: str) -> None:
    for key, value in entry.items():
        if key not in _FIELDS:
            raise UsageError(f'{where}: unknown key "{key}"')
        expected = _TYPES.get(key, (int, float))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise UsageError(f'{where}: "{key}" has a value of the wrong type')
        if key in _PRICES and not _is_price(value):
            raise UsageError(f'{where}: "{key}" is not a price')
        if key in ("base", "batch") and not all(map(_is_price, entry[key].values())):
            raise UsageError(f'{where}: "{key}" holds something that is not a price')
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise UsageError(f'{where}: "{key}" is a list of words')


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= float(value) < float("inf")


def base_name(model: str) -> str:
    """The name of the base model in a tuned model's name; other names unchanged, but Azure's `gpt-35-` as
    `gpt-3.5-`.

    Tuned names are `ft:BASE:ORG:SUFFIX:ID` or `BASE:ft-ORG…` (OpenAI) and `BASE.ft-HEX` (Azure), each perhaps with
    `:ckpt-step-N`.
    """
    name = model.strip()
    name = name[3:].split(":", 1)[0] if name.startswith("ft:") else re.split(r"[.:]ft-", name, maxsplit=1)[0]
    return re.sub(r"^gpt-35-", "gpt-3.5-", name)


def is_tuned(model: str) -> bool:
    """Whether a name is that of a tuned model, see `base_name`."""
    return model.strip().startswith("ft:") or re.search(r"[.:]ft-", model) is not None


def find(model: str, models: Table | None = None) -> ModelInfo | None:
    """The entry for the name of a base model, an alias of one or a tuned model; None where the table has none."""
    table = _packaged()[0] if models is None else models
    name = base_name(model)
    if name in table:
        return table[name]
    folded = name.casefold()
    for info in table.values():
        if folded == info.name.casefold() or folded in (alias.casefold() for alias in info.aliases):
            return info
    return None
