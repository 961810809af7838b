"""Which places of a record a conversion carried over, and so which it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path


class MisfitError(Exception):
    """A record that a map does not fit; the text is the reason, one clause without a full stop."""


class Carried:
    """The places of one record whose content is in the converted example."""

    def __init__(self) -> None:
        self._whole: set[Path] = set()
        self._ancestors: set[Path] = set()
        self._told: dict[str, None] = {}

    def add(self, path: Path) -> None:
        """Everything at and below `path` was carried over."""
        self._whole.add(path)
        self._ancestors.update(path[:length] for length in range(len(path)))

    def tell(self, place: str) -> None:
        """Note a place, in words, as left behind; it lies below a path that was added as a whole."""
        self._told[place] = None

    def left_behind(self, record: Any) -> list[str]:
        """The places of `record` that were not carried over, each once, list indexes left out.

        `{"a": [{"b": 1, "c": 2}]}` with only `a[0].b` carried gives `["a[].c"]`.
        """
        return list(dict.fromkeys((*self._places_left_behind(record, (), ""), *self._told)))

    def _places_left_behind(self, value: Any, path: Path, words: str) -> Iterator[str]:
        if path in self._whole:
            return
        if path not in self._ancestors:
            yield words
        elif isinstance(value, dict):
            for key, inner in value.items():
                name = key if key and key.isprintable() else repr(key)
                yield from self._places_left_behind(inner, (*path, key), f"{words}.{name}" if words else name)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._places_left_behind(inner, (*path, index), f"{words}[]")
