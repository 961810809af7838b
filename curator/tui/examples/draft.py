"""An example's unsaved bytes in the editor: text edits, and structural changes with undo and redo. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.core import splice
from curator.core.example import Path, parse
from curator.tui.examples.blocks import ROLES, Block, blocks_of

AFTER = {"system": "user", "developer": "user", "user": "assistant", "assistant": "user", "tool": "assistant"}
"""The role that a new message gets, by the role of the message before it."""


@dataclass
class DraftBytes:
    """The draft's bytes, with the bytes before each structural change for undo.

    Structural changes are: another role, a message added, removed or moved.
    """

    raw: bytes
    _undo: list[bytes] = field(default_factory=list)
    _redo: list[bytes] = field(default_factory=list)

    @property
    def blocks(self) -> list[Block]:
        """The draft's blocks, parsed anew."""
        return blocks_of(parse(self.raw))

    def type_into(self, path: Path, text: str) -> None:
        """Set the text at a path. Not in the undo history: the text field undoes typing."""
        self.raw = splice.set_value(self.raw, path, text)

    def set_role(self, block: Block, role: str) -> None:
        """Set a message's role."""
        self._change(splice.set_value(self.raw, (*block.path, "role"), role))

    def add_after(self, block: Block) -> int:
        """Insert an empty message after `block`; returns the new message's index in its list."""
        index = int(block.path[-1]) + 1
        message = {"role": AFTER.get(block.role, "user"), "content": ""}
        self._change(splice.insert(self.raw, (*block.path[:-1], index), message))
        return index

    def remove(self, block: Block) -> None:
        """Remove a message."""
        self._change(splice.remove(self.raw, block.path))

    def move(self, block: Block, step: int) -> bool:
        """Swap a message with the next one (`step` 1) or the one before (-1); both keep their exact bytes.

        Returns False where there is no such neighbour.
        """
        index = int(block.path[-1])
        first = (*block.path[:-1], min(index, index + step))
        second = (*block.path[:-1], max(index, index + step))
        if int(first[-1]) < 0:
            return False
        try:
            (a, b), (c, d) = splice.span(self.raw, first), splice.span(self.raw, second)
        except LookupError:
            return False
        raw = self.raw
        self._change(raw[:a] + raw[c:d] + raw[b:c] + raw[a:b] + raw[d:])
        return True

    def _change(self, raw: bytes) -> None:
        self._undo.append(self.raw)
        self._redo.clear()
        self.raw = raw

    def undo(self) -> bool:
        """Undo the last structural change; False where there is none."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Redo the structural change undone last; False where there is none."""
        return self._step(self._redo, self._undo)

    def _step(self, source: list[bytes], target: list[bytes]) -> bool:
        if not source:
            return False
        target.append(self.raw)
        self.raw = source.pop()
        return True


def next_role(role: str) -> str:
    """The role after `role` in `ROLES`, cyclically; the first one for an unknown role."""
    return ROLES[(ROLES.index(role) + 1) % len(ROLES)] if role in ROLES else ROLES[0]
