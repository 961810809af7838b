"""The JSON files beside a model's tokenizer, and the special tokens that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if the file is missing, cannot be read or holds another value."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def special_tokens(folder: Path) -> dict[str, str]:
    """The texts of the special tokens in a folder's `tokenizer_config.json`, by names such as `bos_token`.

    A token is a string there, or an object with its text as `content`; a token without a text gives "".
    """
    config = read_object(folder / "tokenizer_config.json")
    return {name: _text_of(token) for name, token in config.items() if name.endswith("_token")}


def _text_of(token: Any) -> str:
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else ""
