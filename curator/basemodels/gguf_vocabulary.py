"""A model's tokenizer as the metadata of a GGUF file: the reverse of `text_model.build_tokenizer`."""

from __future__ import annotations

from pathlib import Path

from curator.basemodels.gguf import open_gguf
from curator.basemodels.gguf_writer import Value
from curator.basemodels.text_model import PRE_TOKENIZERS, TextModel, same_pre_tokenizer
from curator.basemodels.tokenizer_config import read_object
from curator.basemodels.weights import find_gguf
from curator.errors import InputError

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_COPIED = ("model", "pre", "tokens", "token_type", "merges")


def vocabulary_metadata(folder: Path, text: TextModel, template: str, size: int) -> dict[str, Value]:
    """All keys `tokenizer.…` for the tokenizer in a model's folder, its chat template, and `size` rows of
    embeddings. Raises InputError for a tokenizer whose kind has no name in GGUF."""
    gguf = find_gguf(folder)
    if gguf is not None:
        original = open_gguf(gguf).metadata
        meta = {f"tokenizer.ggml.{key}": original[f"tokenizer.ggml.{key}"] for key in _COPIED}
    else:
        meta = _from_json(folder, text, size)
    ids = {"bos": text.special.get("bos_token"), "unknown": text.special.get("unk_token")}
    ids["padding"] = text.special.get("pad_token")
    for name, token in ids.items():
        number = text.tokenizer.token_to_id(token) if token else None
        if number is not None:
            meta[f"tokenizer.ggml.{name}_token_id"] = number
    for name, end in zip(("eos", "eot", "eom"), text.end_ids, strict=False):
        meta[f"tokenizer.ggml.{name}_token_id"] = end
    # The template writes every token itself, in training and here.
    meta |= {"tokenizer.ggml.add_bos_token": False, "tokenizer.ggml.add_space_prefix": False}
    meta["tokenizer.chat_template"] = template
    return meta


def _from_json(folder: Path, text: TextModel, size: int) -> dict[str, Value]:
    raw = read_object(folder / "tokenizer.json")
    model = raw.get("model") or {}
    pre = next((name for name in PRE_TOKENIZERS if same_pre_tokenizer(name, raw.get("pre_tokenizer"))), None)
    if model.get("type") != "BPE" or model.get("byte_fallback") or pre is None:
        raise InputError(
            f"{folder.name} cannot be written as GGUF: GGUF has no name here for its kind of tokenizer; export "
            "it with --format merged and convert that folder with llama.cpp's convert_hf_to_gguf.py"
        )
    tokens = {number: token for token, number in text.tokenizer.get_vocab(with_added_tokens=True).items()}
    added = {int(entry["id"]): bool(entry.get("special")) for entry in raw.get("added_tokens") or []}
    count = max(size, 1 + max(tokens, default=0))
    types = [_type_of(number in tokens, added.get(number)) for number in range(count)]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model.get("merges") or []]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": [tokens.get(number, f"[PAD{number}]") for number in range(count)],
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": merges,
    }


def _type_of(exists: bool, special: bool | None) -> int:
    """The GGUF type of a token; `special` is None for one that is no added token."""
    if not exists:
        return _UNUSED
    return _NORMAL if special is None else _CONTROL if special else _USER_DEFINED
