"""A model folder's tokenizer, chat template and end tokens: text to token ids and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from curator.basemodels.byte_letters import bytes_by_letter
from curator.basemodels.gguf import Gguf, open_gguf
from curator.basemodels.tokenizer_config import read_object, special_tokens
from curator.basemodels.weights import find_gguf
from curator.errors import InputError

_CONTROL, _USER_DEFINED = 3, 4
"""GGUF token types of special tokens, which are matched before the text is split."""

PRE_TOKENIZERS: dict[str, list[Any]] = {
    "smollm": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "gpt-2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "qwen2": [
        pre_tokenizers.Split(
            Regex(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+"
            ),
            "isolated",
        ),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
    "llama-bpe": [
        pre_tokenizers.Split(
            Regex(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+"
            ),
            "isolated",
        ),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
}
"""How text is split before tokens are merged, by the value of GGUF's `tokenizer.ggml.pre`."""


@dataclass(frozen=True, slots=True)
class TextModel:
    """A model's tokenizer, chat template, special tokens, and the token ids that end an answer."""

    tokenizer: Tokenizer
    template: str
    special: dict[str, str]
    """The texts of special tokens by the names that templates use, such as `bos_token`."""
    end_ids: tuple[int, ...]

    def encode(self, text: str) -> list[int]:
        """The token ids of `text`. Special tokens in it are recognised, none are added."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of `ids` without special tokens; an incomplete character becomes U+FFFD."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def token_bytes(self, token: int) -> bytes:
        """The bytes that a token of a byte-level vocabulary stands for."""
        piece = self.tokenizer.id_to_token(token) or ""
        return b"".join(_BYTE_OF.get(c, c.encode()) for c in piece)


def load(folder: Path) -> TextModel:
    """The tokenizer and template of a model folder. Raises InputError if one is missing or damaged."""
    if (folder / "tokenizer.json").is_file():
        return _from_files(folder)
    gguf = find_gguf(folder)
    if gguf is None:
        raise InputError(f"{folder} holds no tokenizer.json: copy the model's tokenizer files beside its weights")
    return _from_gguf(open_gguf(gguf))


def build_tokenizer(file: Gguf) -> Tokenizer:
    """The byte-level BPE tokenizer of a GGUF file's metadata. Raises InputError for another kind of tokenizer."""
    meta = file.metadata
    kind = str(meta.get("tokenizer.ggml.pre", "gpt-2"))
    pre = PRE_TOKENIZERS.get(kind)
    if meta.get("tokenizer.ggml.model") != "gpt2" or pre is None:
        raise InputError(f"{file.path.name} has a tokenizer of an unknown kind: put its tokenizer.json beside it")
    tokens, merges = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.merges"]
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, ignore_merges=kind == "llama-bpe"))
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pre)
    tokenizer.decoder = decoders.ByteLevel()
    types = meta.get("tokenizer.ggml.token_type", [])
    special = [t for t, kind in zip(tokens, types, strict=False) if kind in (_CONTROL, _USER_DEFINED)]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    return tokenizer


def same_pre_tokenizer(name: str, declared: Any) -> bool:
    """Whether a `pre_tokenizer` of a tokenizer.json splits text as GGUF's kind `name` does."""
    blank = Tokenizer(models.BPE())
    blank.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[name])
    return _split_steps(json.loads(blank.to_str())["pre_tokenizer"]) == _split_steps(declared)


def _split_steps(declared: Any) -> list[dict[str, Any]]:
    """The steps of a pre-tokenizer without what does not change the split."""
    if not isinstance(declared, dict):
        return []
    steps = declared.get("pretokenizers", []) if declared.get("type") == "Sequence" else [declared]
    return [{key: value for key, value in step.items() if key != "trim_offsets"} for step in steps]


def special_names(file: Gguf) -> dict[str, str]:
    """The texts of a GGUF file's special tokens, by the names `bos_token`, `eos_token`, `pad_token`,
    `unk_token`."""
    tokens = file.metadata.get("tokenizer.ggml.tokens", [])
    names = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    ids = {ours: file.metadata.get(f"tokenizer.ggml.{theirs}_token_id") for ours, theirs in names.items()}
    return {name: tokens[i] for name, i in ids.items() if isinstance(i, int) and i < len(tokens)}


def _from_gguf(file: Gguf) -> TextModel:
    template = file.metadata.get("tokenizer.chat_template")
    if not isinstance(template, str):
        raise InputError(f"{file.path.name} carries no chat template: put a chat_template.jinja beside it")
    tokenizer, special = build_tokenizer(file), special_names(file)
    return TextModel(tokenizer, template, special, _end_ids(tokenizer, special, {}))


def _from_files(folder: Path) -> TextModel:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library knows no closer one
        raise InputError(
            f"{folder / 'tokenizer.json'} cannot be read: copy the model's tokenizer again"
        ) from error
    config = read_object(folder / "tokenizer_config.json")
    template_file = folder / "chat_template.jinja"
    template = template_file.read_text("utf-8") if template_file.is_file() else config.get("chat_template")
    if not isinstance(template, str):
        raise InputError(f"{folder} has no chat template: put a chat_template.jinja into it")
    special = {name: token for name, token in special_tokens(folder).items() if token}
    return TextModel(tokenizer, template, special, _end_ids(tokenizer, special, _ends(folder)))


def _ends(folder: Path) -> dict[str, Any]:
    return read_object(folder / "config.json") | read_object(folder / "generation_config.json")


def _end_ids(tokenizer: Tokenizer, special: dict[str, str], config: dict[str, Any]) -> tuple[int, ...]:
    declared = config.get("eos_token_id")
    ids = list(declared) if isinstance(declared, list) else [declared]
    ids += [tokenizer.token_to_id(t) for t in (special.get("eos_token", ""), "<|im_end|>", "<|eot_id|>") if t]
    return tuple(dict.fromkeys(i for i in ids if isinstance(i, int)))


_BYTE_OF = {letter: bytes([byte]) for letter, byte in bytes_by_letter().items()}
