"""Reads a dataset once for a split: what must stay on one side, and what its last look compares."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

import numpy as np

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.equal_rows import Mask
from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.hashes import Fingerprint, fingerprint
from curator.core.duplicates.id_rows import IdRows
from curator.core.duplicates.kin import Kin
from curator.core.duplicates.plain_lines import fingerprint_of_chat, plain_chat
from curator.core.duplicates.texts import messages_of, normalise, prompt_and_answer
from curator.core.example import parse, parse_path
from curator.workspace.duplicates.documents import SharedDocuments, documents, documents_of_chat
from curator.workspace.duplicates.row_reader import RowReader
from curator.workspace.meter import Meter, without_collecting

_BATCH = 2_000
"""Examples read together."""
_BROKEN, _SHAPELESS, _SOUND = 0, 1, 2


class Ties:
    """All examples of a dataset, read once in order; rows are their places."""

    def __init__(
        self,
        raws: Mapping[int, bytes],
        *,
        stratify: str | None = None,
        threshold: float = DEFAULT_THRESHOLD,
        meter: Meter | None = None,
    ) -> None:
        meter = meter or Meter()
        self.strata: dict[int, Hashable] = {}
        """The stratum of each example with messages by `stratify`; empty without it."""
        self._stratify, self._threshold = stratify, threshold
        self._documents = SharedDocuments()
        self._shapes = bytearray()
        self.phrases = Phrases()
        ids = array("q")
        self._reader = RowReader(ids, raws.__getitem__)
        with without_collecting():
            self.kin = Kin(
                self._fingerprints(meter.over("Reading", raws.items(), len(raws)), ids),
                self._reader.text,
                self._reader.same,
                say=self._reader.say,
                progress=meter.share(len(raws)),
                note=self.phrases.note,
            )
        self.rows = IdRows(np.array(ids, np.int64))

    def _fingerprints(self, raws: Iterable[tuple[int, bytes]], ids: array[int]) -> Iterator[list[Fingerprint]]:
        stream = iter(raws)
        while batch := list(islice(stream, _BATCH)):
            first = len(ids)
            ids.extend([example for example, _ in batch])
            yield [self._read(row, example, raw) for row, (example, raw) in enumerate(batch, first)]

    def _read(self, row: int, example: int, raw: bytes) -> Fingerprint:
        """Note what there is to know of an example; its fingerprint."""
        if not self._stratify and (chat := plain_chat(raw)) is not None:
            self._shapes.append(_SOUND)
            if asked := documents_of_chat(chat):
                self._documents.note(row, asked)
            return fingerprint_of_chat(chat)
        line = parse(raw)
        self._documents.note(row, documents(line.value))
        if line.broken or not isinstance(line.value, dict):
            self._shapes.append(_BROKEN)
        elif not messages_of(line.value):
            self._shapes.append(_SHAPELESS)
        else:
            self._shapes.append(_SOUND)
            if self._stratify:
                self.strata[example] = _stratum(line.value, self._stratify)
        return fingerprint(line)

    def among(self, examples: Collection[int]) -> Mask:
        """Marks the rows of these examples."""
        return np.ones(len(self.rows), np.bool_) if len(examples) == len(self.rows) else self.rows.mask(examples)

    def sound(self, among: Mask) -> Mask:
        """Marks those of the marked rows that can be divided: with messages."""
        marked: Mask = among & (np.frombuffer(self._shapes, np.uint8) == _SOUND)
        return marked

    def rest(self, among: Mask) -> tuple[int, int]:
        """How many of the marked rows are broken, and how many have no messages."""
        shapes = np.frombuffer(self._shapes, np.uint8)[among]
        return int((shapes == _BROKEN).sum()), int((shapes == _SHAPELESS).sum())

    @cached_property
    def _kin_sets(self) -> list[list[int]]:
        return self.kin.sets(self._threshold)

    @cached_property
    def families(self) -> list[list[int]]:
        """Examples that should stay on one side, as far as no set is too large: copies, look-alikes,
        contradictions."""
        return self._ids_of(self._kin_sets)

    def copies_among(self, examples: Sequence[int]) -> list[list[int]]:
        """The sets of copies among the families of these examples."""
        rows = set(self.rows.rows(examples).tolist())
        whole = {row for kin in self._kin_sets if not rows.isdisjoint(kin) for row in kin}
        return self._ids_of(self.kin.copies_among(whole, self._threshold))

    def shared_documents(self, among: Mask) -> list[list[int]]:
        """The sets of examples of the marked rows that share a document."""
        return self._ids_of(self._documents.among(among))

    def _ids_of(self, sets: list[list[int]]) -> list[list[int]]:
        ids = self.rows.ids.tolist()
        return [[ids[row] for row in rows] for rows in sets]


def _stratum(value: object, field: str) -> Hashable:
    """The answer of an example, or the value at a location; None where it has none."""
    if field == "answer":
        return normalise(prompt_and_answer(value)[1] or "")
    try:
        for step in parse_path(field):
            value = value[step]  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return None
    return str(value)
