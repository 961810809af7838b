"""Disjoint sets of ids."""

from __future__ import annotations


class DisjointSets:
    """Disjoint sets of ids (union-find with path halving); the smallest id of a set represents it."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def find(self, item: int) -> int:
        """The representative of `item`'s set."""
        parent = self._parent
        while (up := parent.get(item, item)) != item:
            parent[item] = item = parent.get(up, up)
        return item

    def join(self, a: int, b: int) -> None:
        """Make one set of the sets of `a` and `b`."""
        a, b = self.find(a), self.find(b)
        if a != b:
            self._parent[max(a, b)] = min(a, b)
            self._parent.setdefault(min(a, b), min(a, b))

    def copy(self) -> DisjointSets:
        """An independent copy."""
        other = DisjointSets()
        other._parent = dict(self._parent)
        return other

    def split(self, roots: set[int], finer: DisjointSets) -> None:
        """Replace the sets represented by `roots` with the sets their members have in `finer`."""
        rejoined = DisjointSets()
        for item in self._parent:
            root = self._root(item)
            rejoined.join(item, finer.find(item) if root in roots else root)
        self._parent = rejoined._parent

    def _root(self, item: int) -> int:
        while (up := self._parent.get(item, item)) != item:
            item = up
        return item

    def sets(self) -> list[list[int]]:
        """All sets of two or more, members and sets ascending."""
        members_by_root: dict[int, list[int]] = {}
        for item in sorted(self._parent):
            members_by_root.setdefault(self.find(item), []).append(item)
        return [members for members in members_by_root.values() if len(members) > 1]
