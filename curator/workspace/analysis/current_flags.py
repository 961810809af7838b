"""Answers about all examples at once, for filters and searches: one byte for each id, of current results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.flag_columns import Column
from curator.workspace.analysis.result_store import Results


class ResultSources(Protocol):
    """Where current results lie: in this process's store and in the child's (see `CurrentResults`)."""

    fresh: Results
    file: Results | None

    @property
    def inline(self) -> bool:
        """Whether this process alone answers."""

    @property
    def overall_store(self) -> Results:
        """The store with the findings of the rules on the dataset as a whole."""

    def superseded(self) -> set[int]:
        """Examples whose result in the child's store does not count."""


class CurrentFlags:
    """Masks and flag columns over the ids below `size`; those of the child's store are read once and kept."""

    def __init__(self, sources: ResultSources) -> None:
        self._sources = sources
        self._stored: dict[str, bytearray] = {}
        """Columns as last read from the child's store; valid while `_stored_at` is unchanged."""
        self._stored_at: tuple[int, int] | None = None
        """The data_version of the child's store and the number of ids when they were read."""

    def forget(self) -> None:
        """The child's store is another one now."""
        self._stored_at = None

    def select(self, where: str, values: Sequence[object], size: int) -> bytearray:
        """A mask: 1 for each id whose result meets a condition. `where` is SQL of ours, never a user's text."""
        return self._mask(f"SELECT id FROM result WHERE {where} AND id < ?", (*values, size), size)

    def with_finding(self, rule: str, size: int) -> bytearray:
        """A mask: 1 for each id with a finding of a rule, be it one on the dataset as a whole."""
        mask = self._mask("SELECT id FROM finding WHERE rule = ? AND id < ?", (rule, size), size)
        query = "SELECT id FROM overall WHERE rule = ? AND id < ?"
        for (example,) in self._sources.overall_store.db.execute(query, (rule, size)):
            mask[example] = 1
        return mask

    def _mask(self, query: str, values: Sequence[object], size: int) -> bytearray:
        """1 for each id that a query over either store returns, superseded results aside."""
        mask = bytearray(size)
        if self._sources.file is not None:
            for (example,) in self._sources.file.db.execute(query, values):
                mask[example] = 1
            for example in self._sources.superseded():
                if example < size:
                    mask[example] = 0
        for (example,) in self._sources.fresh.db.execute(query, values):
            mask[example] = 1
        return mask

    def columns(self, size: int, *columns: Column) -> list[bytearray]:
        """Flag columns of current results, 0 where an example has none. Not to be changed."""
        if self._sources.file is None:
            return self._sources.fresh.flags.read_all(columns, size)
        by_name = self._stored_columns(self._sources.file, size, *columns)
        stored = [by_name[column] for column in columns]
        newer = [example for example in self._sources.superseded() if example < size]
        if not newer:
            return stored
        merged = [bytearray(column) for column in stored]
        for column, fresh in zip(merged, self._sources.fresh.flags.read_all(columns, size), strict=True):
            for example in newer:
                column[example] = fresh[example]
        return merged

    def states_with_overall(self, size: int, bits: int) -> bytearray:
        """The column `states`, with these bits (`ERROR`, `WARNING`) set also for findings on the whole dataset."""
        stored: dict[str, bytearray] = {}
        if self._sources.file is not None and not self._sources.inline:
            stored = self._stored_columns(self._sources.file, size, "states", "overall")
        overall = stored["overall"] if stored else self._sources.fresh.flags.read("overall", size)
        if 1 not in overall.translate(flags.having_any(bits)):
            return self.columns(size, "states")[0]
        if not stored or self._sources.superseded():
            return flags.union(self.columns(size, "states")[0], overall)
        if "states and overall" not in stored:
            stored["states and overall"] = flags.union(stored["states"], overall)
        return stored["states and overall"]

    def _stored_columns(self, store: Results, size: int, *columns: Column) -> dict[str, bytearray]:
        """Columns of the child's results by name, at least these; read again only after it has written."""
        read_at = (store.db.execute("PRAGMA data_version").fetchone()[0], size)
        if read_at != self._stored_at:
            self._stored, self._stored_at = {}, read_at
        missing = [column for column in columns if column not in self._stored]
        if missing:
            self._stored.update(zip(missing, store.flags.read_all(missing, size), strict=True))
        return self._stored
