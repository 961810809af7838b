"""The ledger `runs.db`: what was asked of providers and what came of it.

It is a file of its own in the workspace folder (in the user's data folder for plain files), because a job outlives
the UI and several processes write to it: SQLite with a rollback journal and `synchronous=FULL`, so that a finished
write is on the disk. It holds no secrets.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from curator import paths
from curator.errors import CuratorError
from curator.jobs.http import provider_records as records
from curator.jobs.ledger.answer_facts import AnswerFacts
from curator.jobs.ledger.judgements import JudgementRows
from curator.jobs.ledger.remarks import Remarks
from curator.jobs.ledger.rows import CLOSED as CLOSED
from curator.jobs.ledger.rows import COLUMNS, EVENT, dumps, from_json, run_of, to_column
from curator.jobs.ledger.rows import OPEN as OPEN
from curator.jobs.ledger.rows import Deployment as Deployment
from curator.jobs.ledger.rows import Run as Run
from curator.sqlite_file import placeholders

_IN_ONE_QUERY = 500
"""Values in one `IN (…)`: SQLite allows some thousand."""


class Ledger(JudgementRows, AnswerFacts, Remarks):
    """Open it with `Ledger.for_path`, or with the path of its file. Every method commits before it returns."""

    @classmethod
    def for_path(cls, path: Path | str | None) -> Self:
        """The ledger of a workspace folder; for a plain file or None: the user's own."""
        place = Path(path) if path is not None else None
        return cls((place if place is not None and place.is_dir() else paths.data_dir()) / "runs.db")

    @property
    def datasets(self) -> Path:
        """The folder of the frozen datasets, each named by its sha256."""
        return self.path.parent / "datasets"

    # -- runs -----------------------------------------------------------------------------------------

    def claim(self, intent: Run, again: bool = False) -> Run:
        """Store a new run and return it; without `again`, return an open run of the same fingerprint instead.

        One transaction: where two processes call it at the same time, one stores its run and both get it.
        """
        with self._write() as db:
            row = db.execute(
                f"SELECT * FROM runs WHERE fingerprint = ? AND status NOT IN ({placeholders(len(CLOSED))}) "
                "ORDER BY seq DESC LIMIT 1",
                (intent.fingerprint, *CLOSED),
            ).fetchone()
            if row is not None and not again:
                return run_of(row)
            _insert(db, intent)
        return intent

    def adopt(self, provider: str, origin: str, job: records.ProviderJob) -> Run:
        """The run of a job; one is stored where this ledger has none, as the job was started elsewhere."""
        stored_run = self.by_job(origin, job.id)
        if stored_run is not None:
            return stored_run
        run = run_of_foreign_job(provider, origin, job)
        with self._write() as db:
            row = db.execute("SELECT * FROM runs WHERE origin = ? AND job_id = ?", (origin, job.id)).fetchone()
            if row is not None:
                return run_of(row)
            _insert(db, run)
        return run

    def get(self, run: str) -> Run:
        """A run by its id. Raises CuratorError where there is none."""
        row = self._one("SELECT * FROM runs WHERE run = ?", (run,))
        if row is None:
            raise CuratorError(f"There is no run {run} in {self.path}.")
        return run_of(row)

    def by_job(self, origin: str, job_id: str) -> Run | None:
        """The run of a provider's job."""
        row = self._one("SELECT * FROM runs WHERE origin = ? AND job_id = ?", (origin, job_id))
        return run_of(row) if row else None

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        return [run_of(row) for row in self._all("SELECT * FROM runs ORDER BY seq DESC")]

    def unsettled_runs(self) -> list[Run]:
        """Runs that may have changed at the provider, newest first."""
        return [run for run in self.runs() if not run.settled]

    def update(self, run: str, **values: Any) -> Run:
        """Set columns of a run and return the run. One that is closed keeps its status, whatever comes later."""
        with self._write() as db:
            before = run_of(db.execute("SELECT * FROM runs WHERE run = ?", (run,)).fetchone())
            if before.closed:
                values = {k: v for k, v in values.items() if k not in ("status", "error", "finished_at")}
            after = replace(before, **values)
            if after != before:
                assignments = ", ".join(f"{name} = ?" for name in values)
                row = [to_column(name, value) for name, value in values.items()]
                db.execute(f"UPDATE runs SET {assignments} WHERE run = ?", (*row, run))
        return after

    # -- steps of a submission ------------------------------------------------------------------------

    def mark(self, run: str, step: str, state: str, detail: dict[str, Any] | None = None) -> None:
        """Store the state of a submission step: `started`, `done`, `unclear` or `refused`."""
        with self._write() as db:
            db.execute(
                "INSERT INTO steps (run, step, state, detail, at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (run, step) DO UPDATE SET state = excluded.state, detail = excluded.detail, "
                "at = excluded.at",
                (run, step, state, dumps(detail or {}), time.time()),
            )

    def step(self, run: str, step: str) -> tuple[str, dict[str, Any]] | None:
        """State and detail of a step, None where it has not begun."""
        row = self._one("SELECT state, detail FROM steps WHERE run = ? AND step = ?", (run, step))
        return (str(row["state"]), from_json(row["detail"], dict)) if row else None

    def note_orphan(self, run: str, origin: str, file_id: str, name: str) -> None:
        """Remember an uploaded file that no job uses."""
        with self._write() as db:
            db.execute(
                "INSERT OR IGNORE INTO orphans (origin, file_id, run, name, at) VALUES (?, ?, ?, ?, ?)",
                (origin, file_id, run, name, time.time()),
            )

    def forget_orphan(self, origin: str, file_id: str) -> None:
        """Remove an orphan from the list: it was deleted, or a job uses it after all."""
        with self._write() as db:
            db.execute("DELETE FROM orphans WHERE origin = ? AND file_id = ?", (origin, file_id))

    def orphans(self, run: str | None = None) -> list[tuple[str, str, str]]:
        """(origin, file id, name) of uploads that no job uses; of one run or all."""
        rows = self._all("SELECT * FROM orphans ORDER BY at")
        return [(r["origin"], r["file_id"], r["name"]) for r in rows if run is None or r["run"] == run]

    # -- other ledgers ------------------------------------------------------------------------------------

    def note_place(self, path: Path) -> None:
        """Store the path of another ledger, in the user's own, so that a job's id is enough to find its run."""
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO places (path) VALUES (?)", (str(path.resolve()),))

    def places(self) -> list[Path]:
        """Paths of the other ledgers that still exist."""
        paths_noted = [Path(row["path"]) for row in self._all("SELECT path FROM places ORDER BY path")]
        return [path for path in paths_noted if path.is_file()]

    # -- deployments -------------------------------------------------------------------------------------

    def add_deployment(self, deployment: Deployment) -> None:
        """Store a deployment until it is deleted."""
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO deployments (origin, name, model, sku, usd_per_hour, since) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                tuple(vars(deployment).values()),
            )

    def forget_deployment(self, origin: str, name: str) -> None:
        """Remove a deployment, which was deleted at the provider."""
        with self._write() as db:
            db.execute("DELETE FROM deployments WHERE origin = ? AND name = ?", (origin, name))

    def deployments(self) -> list[Deployment]:
        """Deployments that were not deleted, oldest first."""
        return [Deployment(*row) for row in self._all("SELECT * FROM deployments ORDER BY since")]

    # -- events, metrics, checkpoints --------------------------------------------------------------------

    def add_events(self, run: str, events: Iterable[records.Event]) -> list[records.Event]:
        """Store events and their metrics; return those that were not stored yet, in the same order."""
        new = []
        with self._write() as db:
            for event in events:
                cursor = db.execute(
                    "INSERT OR IGNORE INTO events (run, id, created_at, level, message, type, data) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (run, event.id, event.created_at, event.level, event.message, event.type, dumps(event.data)),
                )
                if cursor.rowcount:
                    new.append(event)
                    _add_metrics(db, run, event.data)
        return new

    def add_results(self, run: str, rows: Iterable[dict[str, Any]]) -> None:
        """Store rows of a result file: `step` and metrics. Metrics from events stay: they are not rounded."""
        with self._write() as db:
            for row in rows:
                _add_metrics(db, run, row, "INSERT OR IGNORE")

    def event_ids(self, run: str) -> set[str]:
        """Ids of the stored events."""
        return {row["id"] for row in self._all("SELECT id FROM events WHERE run = ?", (run,))}

    def events(self, run: str, after: int = 0, until: int = 2**62) -> list[records.Event]:
        """Stored events, oldest first; only those at positions after `after` up to `until` (`last_event`)."""
        rows = self._all(
            "SELECT * FROM events WHERE run = ? AND seq > ? AND seq <= ? ORDER BY created_at, seq",
            (run, after, until),
        )
        return [
            records.event({**{key: r[key] for key in EVENT}, "data": from_json(r["data"], dict)}) for r in rows
        ]

    def last_event(self, run: str) -> int:
        """Position of the event that was stored last, by any process."""
        row = self._one("SELECT MAX(seq) AS last FROM events WHERE run = ?", (run,))
        return row["last"] or 0 if row else 0

    def metrics(self, run: str) -> list[dict[str, float]]:
        """One dict for each step, in order: `step`, and its metrics by their names in `records.METRICS`."""
        steps: dict[int, dict[str, float]] = {}
        for row in self._all("SELECT step, name, value FROM metrics WHERE run = ? ORDER BY step", (run,)):
            steps.setdefault(row["step"], {"step": row["step"]})[row["name"]] = row["value"]
        return list(steps.values())

    def set_checkpoints(self, run: str, checkpoints: Iterable[records.Checkpoint]) -> None:
        """Store checkpoints. Those with the same id are replaced, none is removed."""
        with self._write() as db:
            db.executemany(
                "INSERT OR REPLACE INTO checkpoints (run, id, model, step, created_at, metrics) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [(run, c.id, c.model, c.step, c.created_at, dumps(c.metrics)) for c in checkpoints],
            )

    def checkpoints(self, run: str) -> list[records.Checkpoint]:
        """Stored checkpoints by step."""
        rows = self._all("SELECT * FROM checkpoints WHERE run = ? ORDER BY step", (run,))
        return [
            records.Checkpoint(
                str(r["id"]),
                records.text(r["model"]),
                records.integer(r["step"]),
                records.integer(r["created_at"]),
                records.metrics(from_json(r["metrics"], dict)),
            )
            for r in rows
        ]

    # -- evaluations ------------------------------------------------------------------------------------

    def add_evaluation(self, dataset: str, model: str, run: str | None, value: dict[str, Any]) -> None:
        """Store the scores of a model on a held-out set, which `dataset` identifies; the newest ones count."""
        with self._write() as db:
            db.execute(
                "INSERT INTO evaluations (dataset, model, run, at, value) VALUES (?, ?, ?, ?, ?)",
                (dataset, model, run, time.time(), dumps(value)),
            )

    def evaluation(self, dataset: str, model: str) -> dict[str, Any] | None:
        """The newest evaluation of a model on a held-out set."""
        row = self._one(
            "SELECT value FROM evaluations WHERE dataset = ? AND model = ? ORDER BY seq DESC LIMIT 1",
            (dataset, model),
        )
        return from_json(row["value"], dict) if row else None

    def answers(self, model: str, prompts: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What a model answered to some prompts, by the key of the prompt; unanswered ones are missing."""
        stored: dict[str, dict[str, Any]] = {}
        for start in range(0, len(prompts), _IN_ONE_QUERY):
            part = tuple(prompts[start : start + _IN_ONE_QUERY])
            sql = f"SELECT prompt, value FROM answers WHERE model = ? AND prompt IN ({placeholders(len(part))})"
            stored |= {row["prompt"]: from_json(row["value"], dict) for row in self._all(sql, (model, *part))}
        return stored

    def has_answers(self) -> bool:
        """Whether any model has answered any prompt."""
        return self._one("SELECT 1 FROM answers LIMIT 1", ()) is not None

    def add_answer(self, model: str, prompt: str, value: dict[str, Any]) -> None:
        """Store what a model answered to a prompt, in place of an earlier answer."""
        with self._write() as db:
            row = (model, prompt, time.time(), dumps(value))
            db.execute("INSERT OR REPLACE INTO answers (model, prompt, at, value) VALUES (?, ?, ?, ?)", row)

    def add_yardstick(self, yardstick: str, side: str, prompts: list[dict[str, Any]]) -> None:
        """Freeze a set of held-out prompts under its id; one that is there stays as it is."""
        with self._write() as db:
            row = (yardstick, time.time(), side, dumps(prompts))
            db.execute("INSERT OR IGNORE INTO yardsticks (id, at, side, value) VALUES (?, ?, ?, ?)", row)

    def yardstick(self, yardstick: str) -> tuple[str, list[dict[str, Any]]] | None:
        """(side, prompts) of a frozen set of held-out prompts; None for an unknown id."""
        row = self._one("SELECT side, value FROM yardsticks WHERE id = ?", (yardstick,))
        return (row["side"], from_json(row["value"], list)) if row else None

    def times_opened(self) -> int:
        """How often a test side was evaluated on."""
        opening = "json_extract(CAST(value AS TEXT), '$.opening')"
        row = self._one(
            f"SELECT COUNT(DISTINCT {opening}) AS times FROM evaluations WHERE json_valid(CAST(value AS TEXT))"
        )
        return int(row["times"]) if row else 0

    def is_evaluated(self, run: str) -> bool:
        """Whether the model of a run was asked, and its answers scored."""
        return self._one("SELECT seq FROM evaluations WHERE run = ? LIMIT 1", (run,)) is not None

    def evaluations(self) -> list[dict[str, Any]]:
        """All evaluations, newest first: dataset, model, run, at, and what was stored."""
        rows = self._all("SELECT * FROM evaluations ORDER BY seq DESC")
        return [{k: r[k] for k in ("dataset", "model", "run", "at")} | from_json(r["value"], dict) for r in rows]


def run_of_foreign_job(provider: str, origin: str, job: records.ProviderJob) -> Run:
    """A run for a job that was started elsewhere. It is not stored."""
    return Run(
        run=new_id(),
        provider=provider,
        origin=origin,
        model=job.model or "unknown",
        status=job.status,
        fingerprint="",
        created_at=float(job.created_at or time.time()),
        job_id=job.id,
        fine_tuned_model=job.fine_tuned_model,
        trained_tokens=job.trained_tokens,
        epochs=job.epochs,
        error=job.error,
        finished_at=float(job.finished_at) if job.finished_at else None,
        job=job.raw,
    )


def new_id() -> str:
    """A new run id. The provider's job carries it as the metadata `curator_intent`."""
    return "run-" + uuid.uuid4().hex


def _insert(db: sqlite3.Connection, run: Run) -> None:
    values = [to_column(name, getattr(run, name)) for name in COLUMNS]
    db.execute(f"INSERT INTO runs ({','.join(COLUMNS)}) VALUES ({placeholders(len(COLUMNS))})", values)


def _add_metrics(db: sqlite3.Connection, run: str, data: dict[str, Any], verb: str = "INSERT OR REPLACE") -> None:
    """Store the metrics of one step; `verb` says whether they replace stored ones."""
    step = records.integer(data.get("step"))
    if step is None:
        return
    db.executemany(
        f"{verb} INTO metrics (run, step, name, value) VALUES (?, ?, ?, ?)",
        [(run, step, name, value) for name, value in records.metrics(data).items()],
    )
