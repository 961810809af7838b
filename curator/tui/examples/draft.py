"""Edits to an example that is not saved yet: bytes in, bytes out, and the way back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.core import splice
from curator.core.example import Path, parse
from curator.tui.examples.blocks import ROLES, Block, blocks_of

AFTER = {"system": "user", "developer": "user", "user": "assistant", "assistant": "user", "tool": "assistant"}
"""The role that a new message behind another one most likely has."""


@dataclass
class DraftBytes:
    """The bytes of the draft and those before each change of its structure."""

    raw: bytes
    _undo: list[bytes] = field(default_factory=list)
    _redo: list[bytes] = field(default_factory=list)

    @property
    def blocks(self) -> list[Block]:
        """What there is to edit."""
        return blocks_of(parse(self.raw))

    def type_into(self, path: Path, text: str) -> None:
        """Set one text; typing is undone by the field it happens in."""
        self.raw = splice.set_value(self.raw, path, text)

    def set_role(self, block: Block, role: str) -> None:
        """Give a message a role."""
        self._change(splice.set_value(self.raw, (*block.path, "role"), role))

    def add_after(self, block: Block) -> int:
        """Add an empty message behind one; returns its index in the list."""
        index = int(block.path[-1]) + 1
        message = {"role": AFTER.get(block.role, "user"), "content": ""}
        self._change(splice.insert(self.raw, (*block.path[:-1], index), message))
        return index

    def remove(self, block: Block) -> None:
        """Remove a message."""
        self._change(splice.remove(self.raw, block.path))

    def move(self, block: Block, step: int) -> bool:
        """Swap a message with its neighbour; both keep their exact bytes. False at the end of the list."""
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
        """Take the last change of structure back; False where there is none."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Do it again; False where there is none."""
        return self._step(self._redo, self._undo)

    def _step(self, source: list[bytes], target: list[bytes]) -> bool:
        if not source:
            return False
        target.append(self.raw)
        self.raw = source.pop()
        return True


def next_role(role: str) -> str:
    """The role that follows in the order in which they are offered."""
    return ROLES[(ROLES.index(role) + 1) % len(ROLES)] if role in ROLES else ROLES[0]
