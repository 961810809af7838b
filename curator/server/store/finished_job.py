"""The results of a successful job: the result file and the tuned model."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from curator.server.store.database import Database
from curator.server.store.files import FileStore, StoredFile
from curator.server.store.job import JobRow
from curator.server.store.jobs import add_event, set_columns

_COLUMNS = ("step", "train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")
_HEADER = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"


def metrics_csv(metrics: list[dict[str, Any]]) -> bytes:
    """The result file (docs/openai.md §6.6): one row a step; values that were not measured are empty."""
    rows = [_HEADER]
    for data in metrics:
        values = (data.get(name) for name in _COLUMNS)
        rows.append(",".join("" if v is None else str(v) if isinstance(v, int) else f"{v:.5f}" for v in values))
    return ("\n".join(rows) + "\n").encode()


def publish_model(database: Database, job: JobRow, outcome: dict[str, Any], file: StoredFile) -> None:
    """End a job as succeeded: its model, result file and last events appear in one transaction."""
    now = int(time.time())
    with database.transaction() as db:
        FileStore.insert(db, file)
        db.execute(
            "INSERT OR IGNORE INTO models (name, base, path, created_at, job_id) VALUES (?,?,?,?,?)",
            (job.name, job.model, str(outcome["path"]), now, job.id),
        )
        set_columns(
            db,
            job.id,
            status="succeeded",
            finished_at=now,
            trained_tokens=outcome.get("trained_tokens"),
            result_file=file.id,
            error=None,
        )
        for key, message in _end_words(job, outcome):
            add_event(db, job.id, key, message)
        add_event(db, job.id, "model", f"New fine-tuned model created: {job.name}")
        add_event(db, job.id, "succeeded", "The job has successfully completed")


def _end_words(job: JobRow, outcome: dict[str, Any]) -> list[tuple[str, str]]:
    """Events, by their keys, of a training that ended early, or whose model is not its last checkpoint."""
    words = []
    if stopped := outcome.get("stopped_at"):
        patience = job.hyperparameters.get("early_stopping")
        message = f"Training stopped early at step {stopped}/{job.total_steps}: the validation loss did not fall "
        words.append(("stopped", f"{message}for {patience} epoch{'s' * (patience != 1)}"))
    if best := outcome.get("best"):
        words.append(("best", f"The model is the checkpoint of step {best}, whose validation loss is the lowest"))
    return words


def remove_inside(folder: Path, path: str) -> None:
    """Remove the folder `folder/path`, if that lies inside `folder`."""
    target = (folder / path).resolve()
    if target != folder.resolve() and target.is_relative_to(folder.resolve()):
        shutil.rmtree(target, ignore_errors=True)
