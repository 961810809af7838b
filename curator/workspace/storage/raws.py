"""The bytes of many examples as a mapping that holds none of them: a million are read when they are asked for."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence

from curator.workspace.storage.examples import Stored


class Raws(Mapping[int, bytes]):
    """Id → present bytes, in the order of the ids. Good as long as nothing is changed."""

    def __init__(self, stored: Stored, ids: Sequence[int]) -> None:
        self.stored, self.ids = stored, ids
        rewritten = stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL")
        self._rewritten = {example for (example,) in rewritten}

    def __getitem__(self, example: int) -> bytes:
        if example in self._rewritten:
            return self.stored.raw(example, self.stored.touched([example]).get(example))
        return self.stored.raw(example)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def items(self) -> ItemsView[int, bytes]:
        """The pairs, read block by block."""
        return _Items(self)


class _Items(ItemsView[int, bytes]):
    _mapping: Raws

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._mapping.stored.raws(self._mapping.ids)
