"""What people wrote about a run: a note and tags."""

from __future__ import annotations

from dataclasses import dataclass

from curator.core.text import one_line
from curator.errors import UsageError
from curator.jobs.ledger.file import LedgerFile
from curator.jobs.ledger.rows import dumps, from_json

LONGEST_TAG = 60
LONGEST_NOTE = 10_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A note and tags; both may be empty."""

    note: str = ""
    tags: tuple[str, ...] = ()


class Remarks(LedgerFile):
    """The part of a ledger that keeps remarks."""

    def remarks(self) -> dict[str, Remark]:
        """The remarks by run; a value of another shape, as in a foreign ledger, counts as none."""
        by_run = {}
        for row in self._all("SELECT run, note, tags FROM remarks"):
            tags = tuple(tag for tag in from_json(row["tags"], list) if isinstance(tag, str))
            by_run[str(row["run"])] = Remark(row["note"] if isinstance(row["note"], str) else "", tags)
        return by_run

    def set_remark(self, run: str, remark: Remark) -> None:
        """Store the remark of a run in place of an earlier one."""
        with self._write() as db:
            row = (run, remark.note, dumps(list(remark.tags)))
            db.execute("INSERT OR REPLACE INTO remarks (run, note, tags) VALUES (?, ?, ?)", row)


def make_remark(note: str, tags: str) -> Remark:
    """A remark from what was typed; tags are apart by commas or blanks. Raises UsageError where it is too long."""
    words = tuple(dict.fromkeys(tags.replace(",", " ").split()))
    if any(len(tag) > LONGEST_TAG or one_line(tag) != tag for tag in words):
        raise UsageError(f"a tag is a word of at most {LONGEST_TAG} visible characters")
    if len(note) > LONGEST_NOTE:
        raise UsageError(f"a note has at most {LONGEST_NOTE:,} characters")
    for text in (note, *words):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError("the text holds half of a surrogate pair, which cannot be saved") from None
    return Remark(note.strip(), words)
