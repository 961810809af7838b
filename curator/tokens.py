"""The token counter of a model: by a packaged encoding, or by a local model's own tokenizer and chat template."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from curator import paths
from curator.basemodels import own_tokenizer as own_model
from curator.core import models
from curator.core.counting import vocabulary
from curator.core.counting.counter import Counter, Cut, Span, Tokens
from curator.core.counting.template_counter import TemplateCounter, template_counter

__all__ = ["Counter", "Cut", "Span", "Tokens", "counter", "encoding_for", "template_counter"]

_FALLBACK = "o200k_base"
_FAMILIES = (
    ("o200k_harmony", re.compile(r"gpt-oss\b")),
    ("o200k_base", re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|o1|o3|o4-mini)\b")),
    ("cl100k_base", re.compile(r"(gpt-4|gpt-3\.5-turbo)(-|$)|(babbage|davinci)-002\b")),
)
"""tiktoken's map from models to encodings, by family; used for names that are not in the model table."""


def encoding_for(model: str, table: models.Table | None = None) -> str:
    """The name of the encoding of `model` (base, tuned or Azure name); `o200k_base` for an unknown model.

    For a model with a tokenizer of its own that is on this machine, it is the model's name.
    """
    return counter(model, table).encoding


def counter(model: str, table: models.Table | None = None) -> Counter:
    """The counter of a model by `table` (default: the packaged one). The vocabulary is loaded at the first use."""
    info = models.find(model, table)
    name = info.name if info else models.base_name(model)
    if info is None or info.encoding == "own":
        own = _own(name)
        if own is not None:
            return own
    if info is not None and info.encoding in vocabulary.ENCODINGS:
        return _packaged(info.encoding, False)
    for encoding, family in _FAMILIES:
        if family.match(name):
            return _packaged(encoding, False)
    return _packaged(_FALLBACK, True)


@cache
def _packaged(encoding: str, estimated: bool) -> Counter:
    return Counter(vocabulary.Vocabulary(encoding), encoding, estimated)


def _own(name: str) -> TemplateCounter | None:
    """The counter of a base model that was fetched to this machine under exactly this name; None: it was not."""
    if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
        return None
    folder = paths.models_dir() / name
    tokenizer, render = own_model.own_tokenizer(folder), own_model.own_renderer(folder)
    return _templated(name, tokenizer, render) if tokenizer and render else None


@lru_cache(maxsize=4)
def _templated(name: str, tokenizer: own_model.OwnTokenizer, render: own_model.OwnRenderer) -> TemplateCounter:
    return TemplateCounter(tokenizer, name, render, tokenizer.specials, prepare=render.prepare)
