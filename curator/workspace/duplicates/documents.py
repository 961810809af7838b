"""Long texts that several examples ask about: a split keeps the examples of one document on one side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.plain_lines import plain_chat
from curator.core.duplicates.texts import message_text, messages_of, normalise
from curator.core.example import parse

_LONG = 300
"""Characters from which on a system prompt or a paragraph of a question is a document."""
_SHARE = 0.2
"""What more than this share of all examples have is no document but an instruction."""
_ASKED = ("system", "developer", "user", "tool", "function")


def same_document(raws: Mapping[int, bytes], items: Iterable[tuple[int, bytes]] | None = None) -> list[list[int]]:
    """The sets of examples that share a document, in order of their first member."""
    by_document: dict[int, list[int]] = {}
    for example, raw in items if items is not None else raws.items():
        for document in _documents_of_line(raw) if len(raw) >= _LONG else ():
            by_document.setdefault(document, []).append(example)
    most = _SHARE * len(raws)
    return sorted(examples for examples in by_document.values() if 1 < len(examples) <= most)


def documents(value: Any) -> set[int]:
    """The hashes of the documents in the question of an example."""
    questions = (m for m in messages_of(value) if isinstance(m, dict) and m.get("role") in _ASKED)
    return _documents_in(map(message_text, questions))


def _documents_of_line(raw: bytes) -> set[int]:
    if (chat := plain_chat(raw)) is None:
        return documents(parse(raw).value)
    return _documents_in(text for role, text in zip(chat.roles, chat.contents, strict=True) if role in _ASKED)


def _documents_in(texts: Iterable[str]) -> set[int]:
    hashes = set()
    for text in texts:
        if len(text) >= _LONG:
            hashes |= {text_hash(normalise(part)) for part in text.split("\n") if len(part) >= _LONG}
            hashes.add(text_hash(normalise(text)))
    return hashes
