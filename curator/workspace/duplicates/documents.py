"""Long texts that several examples ask about: a split keeps the examples of one document on one side."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from curator.core.duplicates.equal_rows import Mask, rows_by_key
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.plain_lines import PlainTurns
from curator.core.duplicates.texts import message_text, messages_of, normalise

_LONG = 300
"""Characters from which on a system prompt or a paragraph of a question is a document."""
_SHARE = 0.2
"""What more than this share of all examples have is no document but an instruction."""
_ASKED = ("system", "developer", "user", "tool", "function")


class SharedDocuments:
    """The documents in the questions of many examples, by row."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._rows = array("q")

    def note(self, row: int, documents: set[int]) -> None:
        """Note what a row asks about."""
        for document in documents:
            self._hashes.append(document)
            self._rows.append(row)

    def among(self, rows: Mask) -> list[list[int]]:
        """The sets of marked rows that share a document, in order of their first member."""
        of_documents = np.array(self._rows, np.int64)
        hashes = np.array(self._hashes, np.int64)
        most = _SHARE * int(rows.sum())
        places = rows_by_key(hashes, rows[of_documents])
        return sorted(of_documents[shared].tolist() for shared in places if len(shared) <= most)


def documents(value: Any) -> set[int]:
    """The hashes of the documents in the question of an example."""
    questions = (m for m in messages_of(value) if isinstance(m, dict) and m.get("role") in _ASKED)
    return _documents_in(map(message_text, questions))


def documents_of_chat(chat: PlainTurns) -> set[int]:
    """The hashes of the documents in the question of a plain chat."""
    return _documents_in(
        text for role, text in zip(chat.roles, chat.contents, strict=True) if len(text) >= _LONG and role in _ASKED
    )


def _documents_in(texts: Iterable[str]) -> set[int]:
    hashes = set()
    for text in texts:
        if len(text) >= _LONG:
            hashes |= {text_hash(normalise(part)) for part in text.split("\n") if len(part) >= _LONG}
            hashes.add(text_hash(normalise(text)))
    return hashes
