"""The text that is being typed and not saved yet: a file of its own in the workspace folder for each window.

`typed.draft` is that of the window that writes the workspace. One that only reads, and one that finds the draft of
another there, has `typed-TOKEN.draft`, and holds `typed-TOKEN.lock` as long as it lives. A draft is a line of JSON
with the sizes, then the bytes that were begun with, then those of the draft. Whoever reads one takes it for
untrusted: workspaces can come from strangers.
"""

from __future__ import annotations

import json
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from curator import atomic, locks

NAME = "typed.draft"
_OTHERS = "typed-*.draft"
MOST_OTHERS = 20
"""Most drafts of other windows that are looked at."""
MAX_BYTES = 16 << 20
"""Largest draft that is kept, together with what it was begun with."""
MAX_EXAMPLES = 100_000
"""Most examples of one note whose draft is kept."""
MAX_HEAD = 2 << 20
"""Longest first line of the file, in bytes."""
FORMAT = 1
KINDS = ("example", "new", "note")


@dataclass(frozen=True, slots=True)
class TypedText:
    """What was typed, and what for."""

    kind: Literal["example", "new", "note"]
    """An example's bytes, those of an example that was not added yet, or a note."""
    examples: tuple[int, ...]
    """Ids of the edited example, of the one before the new example (or none), or of those that get the note."""
    begun: bytes
    """What the typing began with: the saved bytes of the example or note, empty for a new example."""
    typed: bytes

    @property
    def fits(self) -> bool:
        """Whether it is small enough to be kept."""
        return len(self.begun) + len(self.typed) <= MAX_BYTES and len(self.examples) <= MAX_EXAMPLES


def new_name() -> str:
    """The name of a draft that no other window has."""
    return f"typed-{secrets.token_hex(4)}.draft"


def lock_of(name: str) -> str:
    """The file that a window holds as long as the draft `name`, other than `NAME`, is its own."""
    return name.removesuffix(".draft") + ".lock"


def left_over(folder: Path, own: str) -> list[str]:
    """The names of the drafts whose windows are gone, that of the writer first; for the window that writes.

    `own` is the name of its own draft.
    """
    others = sorted(path.name for path in folder.glob(_OTHERS))[:MOST_OTHERS]
    gone = [name for name in others if name != own and not locks.is_held(folder / lock_of(name), 0)]
    return gone if own == NAME else [NAME, *gone]


def write(folder: Path, text: TypedText, name: str = NAME) -> None:
    """Replace a draft of a workspace folder, durably, readable by its owner alone. Raises OSError."""
    head = {
        "format": FORMAT,
        "kind": text.kind,
        "examples": text.examples,
        "begun": len(text.begun),
        "typed": len(text.typed),
    }
    data = b"".join((json.dumps(head).encode(), b"\n", text.begun, text.typed))
    atomic.write_bytes(folder / name, data, mode=0o600)


def remove(folder: Path, name: str = NAME) -> None:
    """Remove a draft, durably, and its lock; does nothing where there is none. Raises OSError."""
    for path in (folder / name, folder / lock_of(name)):
        if path.is_symlink() or path.exists():
            path.unlink()
            atomic.sync_folder(folder)


def read(folder: Path, name: str = NAME) -> TypedText | None:
    """A draft of a workspace folder; None where there is none, or a file that is no whole draft."""
    path = folder / name
    try:
        entry = path.lstat()
        if not stat.S_ISREG(entry.st_mode) or entry.st_size > MAX_BYTES + MAX_HEAD:
            return None
        head_line, _, body = path.read_bytes().partition(b"\n")
        head = json.loads(head_line) if len(head_line) <= MAX_HEAD else None
    except (OSError, ValueError, RecursionError):
        return None
    return _from_parts(head, body)


def _from_parts(head: object, body: bytes) -> TypedText | None:
    """The draft with these parts of a file; None unless each is of the right kind and size."""
    if not isinstance(head, dict) or head.get("format") != FORMAT or head.get("kind") not in KINDS:
        return None
    examples, begun, typed = head.get("examples"), head.get("begun"), head.get("typed")
    if not isinstance(examples, list) or not all(type(example) is int for example in examples):
        return None
    if type(begun) is not int or type(typed) is not int or begun < 0 or begun + typed != len(body) or typed < 0:
        return None
    if (len(examples) != 1 and head["kind"] == "example") or (len(examples) > 1 and head["kind"] == "new"):
        return None
    kind = cast(Literal["example", "new", "note"], head["kind"])
    text = TypedText(kind, tuple(examples), body[:begun], body[begun:])
    return text if text.fits and (examples or kind == "new") else None
