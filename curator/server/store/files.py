"""Uploaded files and result files: a row in the database and the bytes in `files/ID`, synced before the row
exists."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curator.atomic import sync_folder
from curator.server import ids
from curator.server.errors import ApiError, bad_request, no_such_file, quote
from curator.server.settings import ServerSettings
from curator.server.store import disk_space as disk
from curator.server.store.database import Database

Order = Literal["asc", "desc"]

PURPOSE = "fine-tune"
"""The one purpose for which files are taken."""
USELESS_PURPOSES = ("assistants", "batch", "vision", "user_data", "evals")
"""Purposes of the API that nothing on this server could use a file for."""
RESULTS = "fine-tune-results"

_HINT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One row of `files`; times are Unix seconds."""

    id: str
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: str
    status_details: str | None

    def view(self) -> dict[str, Any]:
        """The API's File object."""
        view: dict[str, Any] = {
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": self.status,
        }
        if self.expires_at is not None:
            view["expires_at"] = self.expires_at
        if self.status_details is not None:
            view["status_details"] = self.status_details
        return view


_COLUMNS = "id, bytes, created_at, expires_at, filename, purpose, status, status_details"
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"


class FileStore:
    """Stores and finds files. All methods block on the disk."""

    def __init__(self, db: Database, settings: ServerSettings) -> None:
        self._db = db
        self._settings = settings

    def path(self, file_id: str) -> Path:
        """The path of a file's bytes."""
        return self._settings.files / file_id

    def require_space(self, size: int) -> None:
        """Raise ApiError 507 unless `size` more bytes fit on the disk beside the reserve."""
        disk.require_free_space(self._settings.data, size, self._settings.limits.free_bytes)

    def adopt(self, scratch: Path, filename: str, purpose: str, keep_seconds: int | None = None) -> StoredFile:
        """Make a file of a complete scratch file. Raises ApiError 400 if training data is no JSON Lines."""
        if purpose == "fine-tune":
            expect_jsonl(scratch)
        file = self.place(scratch, filename, purpose, keep_seconds)
        with self._db.transaction() as db:
            self.insert(db, file)
        return file

    def place(self, scratch: Path, filename: str, purpose: str, keep_seconds: int | None = None) -> StoredFile:
        """Sync a complete scratch file and rename it to a new id. The caller inserts the row."""
        now = int(time.time())
        with scratch.open("rb") as whole:
            os.fsync(whole.fileno())
            size = os.fstat(whole.fileno()).st_size
        expires = None if keep_seconds is None else now + keep_seconds
        file = StoredFile(
            id=ids.new(ids.FILE),
            bytes=size,
            created_at=now,
            expires_at=expires,
            filename=filename,
            purpose=purpose,
            status="processed",
            status_details=None,
        )
        scratch.rename(self.path(file.id))
        sync_folder(self._settings.files)
        return file

    @staticmethod
    def insert(db: Any, file: StoredFile) -> None:
        """Insert the row inside the caller's transaction."""
        values = (getattr(file, name) for name in StoredFile.__slots__)
        db.execute(f"INSERT INTO files ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", tuple(values))

    def find(self, file_id: str) -> StoredFile | None:
        """The file; None if there is none or it has expired."""
        if not ids.is_id(file_id, ids.FILE):
            return None
        row = self._db.row(f"SELECT {_COLUMNS} FROM files WHERE id=? AND {_ALIVE}", file_id, int(time.time()))
        return None if row is None else StoredFile(*row)

    def get(self, file_id: str) -> StoredFile:
        """The file. Raises ApiError 404."""
        file = self.find(file_id)
        if file is None:
            raise no_such_file(file_id)
        return file

    def page(
        self, purpose: str | None, after: str | None, limit: int, order: Order
    ) -> tuple[list[StoredFile], bool]:
        """At most `limit` files after the cursor (the id `after`), and whether there are more."""
        where, values = [_ALIVE], [int(time.time())]  # type: tuple[list[str], list[Any]]
        if purpose is not None:
            where.append("purpose = ?")
            values.append(purpose)
        sign = "<" if order == "desc" else ">"
        if after is not None:
            row = self._db.row("SELECT seq FROM files WHERE id=?", after)
            if row is None:
                raise unknown_cursor(after)
            where.append(f"seq {sign} ?")
            values.append(row["seq"])
        sql = f"SELECT {_COLUMNS} FROM files WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?"
        rows = self._db.rows(sql, *values, limit + 1)
        return [StoredFile(*row) for row in rows[:limit]], len(rows) > limit

    def mark_broken(self, file_id: str, details: str) -> None:
        """Give the file the status `error` and the reason why it cannot be trained on."""
        with self._db.transaction() as db:
            db.execute("UPDATE files SET status='error', status_details=? WHERE id=?", (details, file_id))

    def delete(self, file_id: str) -> None:
        """Delete the row, then the bytes. Raises ApiError 404."""
        self.get(file_id)
        with self._db.transaction() as db:
            db.execute("DELETE FROM files WHERE id=?", (file_id,))
        self.path(file_id).unlink(missing_ok=True)

    def expire(self) -> None:
        """Delete the files that have expired."""
        now = int(time.time())
        with self._db.transaction() as db:
            expired = db.execute("DELETE FROM files WHERE expires_at <= ? RETURNING id", (now,)).fetchall()
        for row in expired:
            self.path(row["id"]).unlink(missing_ok=True)

    def sweep(self) -> None:
        """At start, delete expired files, and bytes without a row (after a crash between rename and insert)."""
        self.expire()
        file_ids = {row["id"] for row in self._db.rows("SELECT id FROM files")}
        for path in self._settings.files.iterdir():
            if path.name not in file_ids and ids.is_id(path.name, ids.FILE):
                path.unlink(missing_ok=True)


def unknown_cursor(after: str) -> ApiError:
    """400: `after` is the id of no item in the list."""
    return bad_request(f"No item with the id '{quote(after)}' to continue after.", "after", "invalid_value")


def expect_jsonl(path: Path) -> None:
    """Raise OpenAI's ApiError 400 if the first line that is not blank does not begin a JSON object.

    Errors in later lines are found when a job validates the file, as at OpenAI.
    """
    with path.open("rb") as file:
        start = file.read(_HINT_BYTES).removeprefix(b"\xef\xbb\xbf")
    head = start.lstrip()
    if not head:
        raise bad_request("Invalid file format. The file is empty.", "file", "invalid_file_format")
    if head.startswith(b"{"):
        return
    line = start[: len(start) - len(head)].count(b"\n") + 1
    hint = head.split(b"\n")[0].decode("utf-8", "replace")[:20]
    raise bad_request(
        "Expected file to have JSONL format, where every line is a JSON dictionary. "
        f'Line {line} is not a dictionary (HINT: line starts with: "{hint}...").'
    )
