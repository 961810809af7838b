"""What the last study of suspects said of each example: `surprises.json`, in the workspace's folder.

Whoever ran the study replaces it as a whole. A surprise holds for the bytes that were studied: it is not told of
an example that was changed since. A reader takes the file for untrusted: workspaces can come from strangers.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from curator import atomic
from curator.errors import CuratorError

NAME = "surprises.json"
MAX_BYTES = 16 << 20
"""Largest file that is read."""
_MOST_IDS = 1 << 62


@dataclass(frozen=True, slots=True)
class StudiedExample:
    """An example as it was studied: the digest of its bytes, its surprise in nats, what the model would have
    answered and how sure it was (0 to 1); `curve`: its loss in each epoch in which it was learnt, in nats;
    `whole`: whether that answer is known to its end."""

    digest: str
    surprise: float
    instead: str
    sure: float
    curve: tuple[float, ...] = ()
    whole: bool = False

    def holds_for(self, raw: bytes) -> bool:
        """Whether the example still has the bytes that were studied."""
        return self.digest == digest_of(raw)


@dataclass(frozen=True, slots=True)
class StudiedExamples:
    """What the last study said, in words, and of each example by its id; none where it could not tell."""

    says: str
    examples: Mapping[int, StudiedExample]


NOTHING = StudiedExamples("", MappingProxyType({}))
"""No study was made yet."""


def digest_of(raw: bytes) -> str:
    """What tells an example's bytes from others: their number and a checksum."""
    return f"{len(raw)}-{zlib.crc32(raw):08x}"


def write(folder: Path, studied: StudiedExamples) -> None:
    """Replace what a workspace folder has, durably, readable by its owner alone. Raises CuratorError."""
    rows = {
        str(example): [
            each.digest,
            round(each.surprise, 4),
            each.instead,
            round(each.sure, 4),
            [round(loss, 2) for loss in each.curve],
            each.whole,
        ]
        for example, each in studied.examples.items()
    }
    data = json.dumps({"format": 1, "says": studied.says, "examples": rows}).encode()
    try:
        atomic.write_bytes(folder / NAME, data, mode=0o600)
    except OSError as error:
        raise CuratorError(f"{folder / NAME} cannot be written: {error.strerror or error}") from None


def read(folder: Path) -> StudiedExamples:
    """What a workspace folder has; nothing where there is no file, or it cannot be read."""
    try:
        stat = (folder / NAME).lstat()
    except OSError:
        return NOTHING
    return _read(folder / NAME, stat.st_mtime_ns, stat.st_size) if stat.st_size <= MAX_BYTES else NOTHING


@lru_cache(maxsize=4)
def _read(path: Path, _modified: int, _size: int) -> StudiedExamples:
    try:
        if path.is_symlink() or not path.is_file():
            return NOTHING
        value = json.loads(path.read_bytes())
        rows = dict(_examples(value["examples"].items()))
        return StudiedExamples(str(value["says"]), MappingProxyType(rows))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return NOTHING


def _examples(rows: Iterable[tuple[Any, Any]]) -> Iterable[tuple[int, StudiedExample]]:
    for example, (digest, surprise, instead, sure, *more) in rows:
        key, number = int(example), float(surprise)
        curve = tuple(map(float, more[0])) if more else ()  # older files have neither this nor the next
        if math.isfinite(number) and 0 < key < _MOST_IDS:
            yield key, StudiedExample(str(digest), number, str(instead), float(sure), curve, more[1:2] == [True])
