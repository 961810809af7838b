"""The order of a workspace's examples: the lines of its sources, with additions behind their anchors."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress

from curator.workspace.storage.id_mask import IdMask

START = 0
"""The anchor of an addition that stands before all other examples."""


class Order:
    """Two sequences of ids in order: `all` with the deleted examples, `live` without them."""

    def __init__(self) -> None:
        self.all: Sequence[int] = range(0)
        self.live: Sequence[int] = range(0)
        self.ascending = True
        """Whether the ids ascend: no addition stands before an example with a lower id."""
        self._mask: bytearray | None = None

    def build(
        self,
        sources: Iterable[tuple[int, int, Sequence[int]]],
        additions: Iterable[tuple[int, int]],
        deleted: Sequence[int],
    ) -> None:
        """`sources`: (first id, number of lines, blank lines) each; `additions`: (id, anchor); `deleted`: ids."""
        self._mask = None
        spans = [_ids_of_source(first, lines, blanks) for first, lines, blanks in sources]
        flat = spans[0] if len(spans) == 1 else _joined(spans)
        behind: dict[int, list[int]] = {}
        for example, anchor in sorted(additions):
            behind.setdefault(anchor, []).append(example)
        self.all = _insert_additions(flat, behind) if behind else flat
        self.ascending = not behind or _is_sorted(self.all)
        self.live = self._without_deleted(deleted) if deleted else self.all

    def delete(self, example: int) -> None:
        """Remove one id from `live`; quicker than `build`."""
        at = self.position(example)
        if at < 0:
            return
        live = self.live if isinstance(self.live, array) and self.live is not self.all else array("q", self.live)
        live.pop(at)
        self.live = live
        if self._mask is not None:
            self._mask[example] = 0

    def mask(self, size: int) -> bytearray:
        """One byte for each id below `size`: 1 where it is in `live`. The caller must not change it."""
        if self._mask is None or len(self._mask) != size:
            self._mask = _mask_of(self.live, size)
        return self._mask

    def position(self, example: int) -> int:
        """Where an id stands in `live`; -1 where it does not."""
        return position(self.live, example, self.ascending)

    def _without_deleted(self, deleted: Sequence[int]) -> Sequence[int]:
        """`all` without the deleted ids; for few of them quicker than a pass over `all`."""
        if not self.ascending or len(deleted) > 1000:
            deleted_ids = set(deleted)
            return array("q", compress(self.all, (example not in deleted_ids for example in self.all)))
        live = array("q", self.all)
        for example in sorted(deleted, reverse=True):
            at = bisect_left(live, example)
            if at < len(live) and live[at] == example:
                live.pop(at)
        return live


def position(ids: Sequence[int], example: int, ascending: bool) -> int:
    """The index of an id, -1 where it is absent; a binary search where the ids ascend."""
    if isinstance(ids, IdMask):
        return ids.position(example)
    if ascending:
        at = bisect_left(ids, example)
        return at if at < len(ids) and ids[at] == example else -1
    try:
        return ids.index(example)
    except ValueError:
        return -1


def _mask_of(ids: Sequence[int], size: int) -> bytearray:
    mask = bytearray(size)
    if isinstance(ids, range):
        mask[ids.start : ids.stop] = b"\1" * len(ids)
        return mask
    for example in ids:
        mask[example] = 1
    return mask


def _ids_of_source(first: int, lines: int, blanks: Sequence[int]) -> Sequence[int]:
    """The ids of a source's lines without the blank ones."""
    if not len(blanks):
        return range(first, first + lines)
    ids = array("q")
    start = 0
    for blank in blanks:
        ids.extend(range(first + start, first + blank))
        start = blank + 1
    ids.extend(range(first + start, first + lines))
    return ids


def _joined(spans: Sequence[Sequence[int]]) -> array[int]:
    ids = array("q")
    for span in spans:
        ids.extend(span)
    return ids


def _insert_additions(flat: Sequence[int], behind: dict[int, list[int]]) -> array[int]:
    """`flat` with every addition directly behind its anchor, the newest of one anchor first."""
    ids = array("q", _chain(behind, START))
    start = 0
    ascending = _is_sorted(flat)
    anchors = sorted(anchor for anchor in behind if anchor != START)
    at = {anchor: position(flat, anchor, ascending) for anchor in anchors}
    added = {example for group in behind.values() for example in group}
    for anchor in sorted((a for a in anchors if at[a] >= 0), key=at.__getitem__):
        ids.extend(flat[start : at[anchor] + 1])
        start = at[anchor] + 1
        ids.extend(_chain(behind, anchor))
    ids.extend(flat[start:])
    for anchor in anchors:  # no example (a blank line, a damaged database): at the end
        if at[anchor] < 0 and anchor not in added:
            ids.extend(_chain(behind, anchor))
    return ids


def _chain(behind: dict[int, list[int]], anchor: int) -> list[int]:
    """The additions behind an anchor, each followed by those behind it; depth first, without recursion."""
    out: list[int] = []
    waiting = list(behind.get(anchor, ()))
    while waiting:
        example = waiting.pop()
        out.append(example)
        waiting.extend(behind.get(example, ()))
    return out


def _is_sorted(ids: Sequence[int]) -> bool:
    if isinstance(ids, range):
        return True
    return all(map(int.__lt__, ids, ids[1:]))
