"""Uploads in parts (docs/openai.md §6.2): each part is a row and a file; the files are joined at the end."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.core.text import count_of
from curator.server import ids
from curator.server.errors import bad_request, no_such_upload, overloaded, quote
from curator.server.settings import ServerSettings
from curator.server.store.database import Database
from curator.server.store.files import FileStore, StoredFile

_COLUMNS = "id, bytes, created_at, expires_at, filename, purpose, mime_type, keep_seconds, status, file_id"
_COPY_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """One row of `uploads`; `stored` is its status there, which does not change when the upload expires."""

    id: str
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    mime_type: str
    keep_seconds: int | None
    stored: str
    file_id: str | None
    now: int = field(default_factory=lambda: int(time.time()))

    @property
    def status(self) -> str:
        """The status: pending, completed, cancelled or expired."""
        return "expired" if self.stored == "pending" and self.expires_at <= self.now else self.stored

    def view(self, file: StoredFile | None = None) -> dict[str, Any]:
        """The API's Upload object."""
        return {
            "id": self.id,
            "object": "upload",
            "bytes": self.bytes,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": self.status,
            "file": None if file is None else file.view(),
        }


class UploadStore:
    """Stores uploads and their parts. All methods block on the disk."""

    def __init__(self, db: Database, settings: ServerSettings, files: FileStore) -> None:
        self._db = db
        self._settings = settings
        self._files = files

    def _part(self, part_id: str) -> Path:
        return self._settings.data / "parts" / part_id

    def create(self, filename: str, purpose: str, size: int, mime_type: str, keep_seconds: int | None) -> Upload:
        """Open an upload. Raises ApiError 429 if too many are open, 507 if it does not fit on the disk."""
        self._files.require_space(size)
        self.expire()
        now = int(time.time())
        upload = Upload(
            id=ids.new(ids.UPLOAD),
            bytes=size,
            created_at=now,
            expires_at=now + self._settings.limits.upload_seconds,
            filename=filename,
            purpose=purpose,
            mime_type=mime_type,
            keep_seconds=keep_seconds,
            stored="pending",
            file_id=None,
        )
        with self._db.transaction() as db:
            count = db.execute("SELECT count(*) FROM uploads WHERE status='pending'").fetchone()[0]
            if count >= self._settings.limits.open_uploads:
                raise overloaded(
                    f"{count_of(count, 'upload is', 'uploads are')} open: complete or cancel one first."
                )
            values = [getattr(upload, name) for name in Upload.__slots__ if name != "now"]
            db.execute(f"INSERT INTO uploads ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", values)
        return upload

    def get(self, upload_id: str) -> Upload:
        """The upload. Raises ApiError 404."""
        row = None
        if ids.is_id(upload_id, ids.UPLOAD):
            row = self._db.row(f"SELECT {_COLUMNS} FROM uploads WHERE id=?", upload_id)
        if row is None:
            raise no_such_upload(upload_id)
        return Upload(*row)

    def pending(self, upload_id: str) -> Upload:
        """The upload, if parts may be added to it. Raises ApiError 404 or 400."""
        upload = self.get(upload_id)
        if upload.status != "pending":
            raise bad_request(f"Upload {upload_id} is {upload.status} and can no longer change.", "upload_id")
        return upload

    def add_part(self, upload_id: str, scratch: Path) -> dict[str, Any]:
        """Store a received part and return the API's UploadPart object. Raises ApiError 400 if the parts
        together are more than twice the declared size."""
        upload = self.pending(upload_id)
        part_id, now, size = ids.new(ids.PART), int(time.time()), scratch.stat().st_size
        scratch.rename(self._part(part_id))
        try:
            with self._db.transaction() as db:
                have = db.execute("SELECT total(bytes) FROM parts WHERE upload_id=?", (upload_id,)).fetchone()[0]
                if have + size > 2 * upload.bytes:  # parts may be sent twice, so the declared size may be exceeded
                    raise bad_request(f"The parts of upload {upload_id} exceed {upload.bytes} bytes.", "data")
                db.execute("INSERT INTO parts VALUES (?,?,?,?)", (part_id, upload_id, size, now))
        except BaseException:
            self._part(part_id).unlink(missing_ok=True)
            raise
        return {"id": part_id, "object": "upload.part", "created_at": now, "upload_id": upload_id}

    def complete(self, upload_id: str, part_ids: list[str], md5: str | None) -> tuple[Upload, StoredFile]:
        """Join the parts in order into a file. Raises ApiError 400: unknown part, wrong size or checksum."""
        upload = self.pending(upload_id)
        stored_ids = {row["id"] for row in self._db.rows("SELECT id FROM parts WHERE upload_id=?", upload_id)}
        for index, part_id in enumerate(part_ids):
            if part_id not in stored_ids or part_id in part_ids[:index]:
                raise bad_request(
                    f"Upload {upload_id} has no part '{quote(part_id)}'.", "part_ids", "invalid_value"
                )
        scratch = self._settings.scratch / ids.tail(24)
        try:
            self._join(part_ids, scratch, upload, md5)
            file = self._files.adopt(scratch, upload.filename, upload.purpose, upload.keep_seconds)
        finally:
            scratch.unlink(missing_ok=True)
        self._close(upload_id, "completed", file.id)
        return self.get(upload_id), file

    def _join(self, part_ids: list[str], scratch: Path, upload: Upload, md5: str | None) -> None:
        self._files.require_space(upload.bytes)
        digest = hashlib.md5(usedforsecurity=False)
        total = 0
        with scratch.open("xb") as whole:
            for part_id in part_ids:
                with self._part(part_id).open("rb") as part:
                    while block := part.read(_COPY_BYTES):
                        digest.update(block)
                        total += whole.write(block)
        if total != upload.bytes:
            raise bad_request(
                f"The parts hold {total} bytes, but the upload was declared with {upload.bytes}.", "part_ids"
            )
        if md5 is not None and md5.lower() != digest.hexdigest():
            raise bad_request("The md5 checksum does not match the uploaded bytes.", "md5", "invalid_checksum")

    def cancel(self, upload_id: str) -> Upload:
        """Cancel the upload and delete its parts. Raises ApiError 404 or 400."""
        self.pending(upload_id)
        self._close(upload_id, "cancelled", None)
        return self.get(upload_id)

    def _close(self, upload_id: str, status: str, file_id: str | None) -> None:
        with self._db.transaction() as db:
            db.execute("UPDATE uploads SET status=?, file_id=? WHERE id=?", (status, file_id, upload_id))
            part_rows = db.execute("DELETE FROM parts WHERE upload_id=? RETURNING id", (upload_id,)).fetchall()
        for row in part_rows:
            self._part(row["id"]).unlink(missing_ok=True)

    def expire(self) -> None:
        """Mark the pending uploads that have expired and delete their parts."""
        now = int(time.time())
        for row in self._db.rows("SELECT id FROM uploads WHERE status='pending' AND expires_at <= ?", now):
            self._close(row["id"], "expired", None)

    def sweep(self) -> None:
        """At start, delete the parts of expired uploads, and parts without a row."""
        self.expire()
        stored_ids = {row["id"] for row in self._db.rows("SELECT id FROM parts")}
        for path in (self._settings.data / "parts").iterdir():
            if path.name not in stored_ids and ids.is_id(path.name, ids.PART):
                path.unlink(missing_ok=True)
