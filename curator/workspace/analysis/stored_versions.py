"""Which results are in the store: of which examples, and of which version of each."""

from __future__ import annotations

from curator.sqlite_file import placeholders
from curator.workspace.analysis.flag_columns import SOURCE, having
from curator.workspace.analysis.result_store import Results


class StoredVersions:
    """Which examples have a stored result, and of which version; for ids below `size`."""

    def __init__(self, results: Results, size: int) -> None:
        self._results = results
        self._source = results.flags.read("states", size).translate(having(SOURCE, SOURCE))
        self.edited: dict[int, int] = dict(
            results.db.execute("SELECT id, version FROM result WHERE version > 0").fetchall()
        )
        """Versions by id of results that are not of the bytes as imported."""

    def holds(self, example: int, version: int) -> bool:
        """Whether there is a result of that version of an example."""
        if version:
            return self.edited.get(example) == version
        return example < len(self._source) and bool(self._source[example])

    def add(self, versions: dict[int, int]) -> None:
        """Results of these versions, by id, were stored."""
        for example, version in versions.items():
            if version:
                self.edited[example] = version
            elif example < len(self._source):
                self._source[example] = 1

    def tokens(self, ids: list[int]) -> dict[int, int]:
        """The stored tokens of some examples, by id."""
        if not ids:
            return {}
        query = f"SELECT id, tokens FROM result WHERE id IN ({placeholders(len(ids))})"
        return dict(self._results.db.execute(query, ids))
