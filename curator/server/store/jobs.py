"""Fine-tuning jobs in the database. Every change of a job's status is made here."""

from __future__ import annotations

import time
from typing import Any

import orjson

from curator.core.text import count_of
from curator.server import ids
from curator.server.errors import no_such_job, overloaded
from curator.server.settings import ServerLimits
from curator.server.store.database import Database
from curator.server.store.files import unknown_cursor
from curator.server.store.job import (
    COLUMNS,
    LIVE,
    TERMINAL,
    JobRow,
    checkpoint_view,
    event_view,
    job_from_row,
    to_json,
)


class JobStore:
    """Stores and finds jobs, their events and checkpoints. All methods block on the disk."""

    def __init__(self, db: Database, limits: ServerLimits) -> None:
        self.db = db
        self._limits = limits

    def create(self, job: JobRow) -> JobRow:
        """Insert a new job with its first events. If a job has the same intent, that one is returned instead.

        Raises ApiError 429 if too many jobs are waiting.
        """
        with self.db.transaction() as db:
            earlier = self.find_by_intent(job.intent)
            if earlier is not None:
                return earlier
            waiting = "status IN ('validating_files','queued','running','paused')"
            if db.execute(f"SELECT count(*) FROM jobs WHERE {waiting}").fetchone()[0] >= self._limits.queued_jobs:
                raise overloaded(f"{count_of(self._limits.queued_jobs, 'job')} waiting: cancel one or wait.")
            names = COLUMNS.split(", ")
            values = [to_json(v) if isinstance(v := getattr(job, name), dict) else v for name in names]
            db.execute(f"INSERT INTO jobs ({COLUMNS}) VALUES ({','.join('?' * len(names))})", values)
            add_event(db, job.id, "created", f"Created fine-tuning job: {job.id}")
            files = f"Validating training file: {job.training_file}"
            if job.validation_file is not None:
                files += f" and validation file: {job.validation_file}"
            add_event(db, job.id, "validating", files)
        return job

    def get(self, job_id: str) -> JobRow:
        """The job. Raises ApiError 404."""
        row = None
        if ids.is_id(job_id, ids.JOB):
            row = self.db.row(f"SELECT {COLUMNS} FROM jobs WHERE id=?", job_id)
        if row is None:
            raise no_such_job(job_id)
        return job_from_row(row)

    def find_by_intent(self, intent: str | None) -> JobRow | None:
        """The job that was created with this intent; None if there is none."""
        row = None if intent is None else self.db.row(f"SELECT {COLUMNS} FROM jobs WHERE intent=?", intent)
        return None if row is None else job_from_row(row)

    def page(self, after: str | None, limit: int, metadata: dict[str, str] | None) -> tuple[list[JobRow], bool]:
        """At most `limit` jobs, newest first, after the cursor, and whether there are more.

        With `metadata`, only jobs that have all these pairs; with an empty dict, only jobs without metadata.
        """
        where, values = ["1"], []  # type: tuple[list[str], list[Any]]
        if after is not None:
            where.append("seq < ?")
            values.append(self._cursor("jobs", after))
        for key, value in (metadata or {}).items():
            where.append("EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ? AND json_each.value = ?)")
            values += [key, value]
        if metadata == {}:
            where.append("metadata = '{}'")
        sql = f"SELECT {COLUMNS} FROM jobs WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"
        rows = self.db.rows(sql, *values, limit + 1)
        return [job_from_row(row) for row in rows[:limit]], len(rows) > limit

    def _cursor(self, table: str, after: str) -> int:
        row = self.db.row(f"SELECT seq FROM {table} WHERE id=?", after)
        if row is None:
            raise unknown_cursor(after)
        return int(row["seq"])

    def oldest(self, status: str) -> JobRow | None:
        """The oldest job with this status; None if there is none."""
        row = self.db.row(f"SELECT {COLUMNS} FROM jobs WHERE status=? ORDER BY seq LIMIT 1", status)
        return None if row is None else job_from_row(row)

    def list_with_worker(self) -> list[JobRow]:
        """Jobs whose worker may still live, or that were running when the server ended."""
        rows = self.db.rows(f"SELECT {COLUMNS} FROM jobs WHERE pid IS NOT NULL OR status='running' ORDER BY seq")
        return [job_from_row(row) for row in rows]

    def has_work(self) -> bool:
        """Whether a job is being validated, queued or running."""
        return (
            self.db.row("SELECT 1 FROM jobs WHERE status IN ('validating_files','queued','running')") is not None
        )

    def update(self, job_id: str, **values: Any) -> None:
        """Set columns of a job; their names must not come from a client."""
        with self.db.transaction() as db:
            set_columns(db, job_id, **values)

    def move(
        self, job_id: str, sources: frozenset[str], status: str, event: tuple[str, str] | None, **values: Any
    ) -> bool:
        """Change a job's status, if it is in one of `sources`, and add the event `(key, message)`. Returns whether
        it was."""
        with self.db.transaction() as db:
            row = db.execute("SELECT status FROM jobs WHERE id=?", (job_id,)).fetchone()
            if row is None or row["status"] not in sources:
                return False
            if status in TERMINAL:
                values.setdefault("finished_at", int(time.time()))
            set_columns(db, job_id, status=status, **values)
            if event is not None:
                add_event(db, job_id, *event, level="error" if status == "failed" else "info")
        return True

    def warn(self, job_id: str, key: str, message: str) -> None:
        """Add an event of level "warn", unless the job has one with the same key."""
        with self.db.transaction() as db:
            add_event(db, job_id, key, message, level="warn")

    def fail(self, job_id: str, code: str, message: str, param: str | None = None) -> bool:
        """Fail a job that has not ended. Returns False for a job that had ended."""
        error = {"code": code, "message": message, "param": param}
        return self.move(job_id, LIVE, "failed", ("failed", message), error=error)

    def events(self, job_id: str, after: str | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """At most `limit` of the job's events as API objects, newest first, and whether there are more."""
        self.get(job_id)
        where, values = "job_id=?", [job_id]  # type: tuple[str, list[Any]]
        if after is not None:
            where += " AND seq < ?"
            values.append(self._cursor("events", after))
        rows = self.db.rows(f"SELECT * FROM events WHERE {where} ORDER BY seq DESC LIMIT ?", *values, limit + 1)
        return [event_view(row) for row in rows[:limit]], len(rows) > limit

    def metrics(self, job_id: str) -> list[dict[str, Any]]:
        """The data of the job's metrics events, by step."""
        rows = self.db.rows("SELECT data FROM events WHERE job_id=? AND type='metrics' ORDER BY seq", job_id)
        return sorted((orjson.loads(row["data"]) for row in rows), key=lambda data: data["step"])

    def checkpoints(self, job_id: str, after: str | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """At most `limit` of the job's checkpoints as API objects, newest first, and whether there are more."""
        self.get(job_id)
        where, values = "job_id=?", [job_id]  # type: tuple[str, list[Any]]
        if after is not None:
            where += " AND seq < ?"
            values.append(self._cursor("checkpoints", after))
        rows = self.db.rows(
            f"SELECT * FROM checkpoints WHERE {where} ORDER BY seq DESC LIMIT ?", *values, limit + 1
        )
        return [checkpoint_view(row) for row in rows[:limit]], len(rows) > limit


def set_columns(db: Any, job_id: str, **values: Any) -> None:
    """Set columns of a job inside the caller's transaction."""
    names = ", ".join(f"{name}=?" for name in values)
    encoded = [to_json(value) if isinstance(value, dict) else value for value in values.values()]
    db.execute(f"UPDATE jobs SET {names} WHERE id=?", (*encoded, job_id))


def add_event(
    db: Any, job_id: str, key: str, message: str, *, level: str = "info", data: dict[str, Any] | None = None
) -> None:
    """Add an event inside the caller's transaction, unless the job has one with the same key."""
    kind = "message" if data is None else "metrics"
    values = (ids.new(ids.EVENT), job_id, key, int(time.time()), level, kind, message, to_json(data or {}))
    db.execute(
        "INSERT OR IGNORE INTO events (id, job_id, key, created_at, level, type, message, data) "
        "VALUES (?,?,?,?,?,?,?,?)",
        values,
    )
