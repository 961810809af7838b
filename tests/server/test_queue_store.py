"""The tables: one transaction or nothing, and nothing that a stranger's folder could lose."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from curator.errors import CuratorError, UsageError
from curator.server import ids, services
from curator.server.errors import ApiError
from curator.server.listen import serve
from curator.server.queue import progress_facts as facts
from curator.server.routes.job_request import tuned_name
from curator.server.settings import ServerLimits, ServerSettings
from curator.server.store.database import Database
from curator.server.store.job import JobRow
from curator.server.store.jobs import JobStore


def job(intent: str | None = None) -> JobRow:
    """A job as a create makes it."""
    return JobRow(
        id=ids.new(ids.JOB),
        intent=intent,
        status="validating_files",
        created_at=1,
        finished_at=None,
        model="tiny",
        name=tuned_name("tiny", None),
        suffix=None,
        seed=1,
        engine=None,
        method="supervised",
        hyperparameters={"n_epochs": "auto"},
        metadata={},
        training_file="file-x",
        validation_file=None,
    )


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    """An empty job table."""
    return JobStore(Database(tmp_path / "server.db"), ServerLimits())


def test_a_failed_commit_leaves_the_connection_usable(store: JobStore) -> None:
    made = store.create(job())
    with pytest.raises(sqlite3.IntegrityError), store.db.transaction() as db:
        db.execute("UPDATE jobs SET status='running'")
        db.execute("PRAGMA defer_foreign_keys=ON")
        db.execute("UPDATE events SET job_id='nobody'")  # found out by COMMIT
    assert store.get(made.id).status == "validating_files"
    assert store.move(made.id, frozenset({"validating_files"}), "queued", None)


def test_facts_told_twice_are_stored_once(store: JobStore, tmp_path: Path) -> None:
    made = store.create(job())
    told = [{"kind": "started", "total_steps": 2, "n_epochs": 1, "batch_size": 1, "learning_rate_multiplier": 1}]
    told += [{"kind": "step", "step": n, "total_steps": 2, "train_loss": 1.0, "seconds": 0.5} for n in (1, 1, 2)]
    told += [{"kind": "checkpoint", "step": 1, "path": "ckpt-1", "metrics": {"train_loss": float("nan")}}] * 2
    path = tmp_path / "progress.jsonl"
    path.write_text("".join(json.dumps(fact) + "\n" for fact in told) * 2 + '{"kind": "st')
    batch = facts.read_facts(path, 0)
    assert batch.offset == path.stat().st_size - len('{"kind": "st')
    for _ in range(2):
        with store.db.transaction() as db:
            facts.store_facts(db, store.get(made.id), batch, 3)
    assert [data["step"] for data in store.metrics(made.id)] == [1, 2]
    [point] = store.checkpoints(made.id, None, 10)[0]
    assert point["metrics"] == {"step": 1}  # NaN is no JSON number
    assert store.get(made.id).hyperparameters == {"n_epochs": 1}


def test_the_estimate_comes_from_measured_steps(store: JobStore) -> None:
    made = store.create(job())
    batch = facts.NewFacts(
        [{"kind": "step", "step": 1, "total_steps": 101, "train_loss": 1.0, "seconds": 36.0}], 10
    )
    with store.db.transaction() as db:
        facts.store_facts(db, made, batch, 3)
    store.move(made.id, frozenset({"validating_files"}), "running", None)
    estimate = store.get(made.id).view()["estimated_finish"]
    newest = store.events(made.id, None, 1)[0][0]
    assert 3590 <= estimate - newest["created_at"] <= 3610


def test_an_intent_has_one_job(store: JobStore) -> None:
    first = store.create(job("a"))
    assert store.create(job("a")).id == first.id
    assert len(store.page(None, 10, None)[0]) == 1


def test_a_full_queue_is_told(tmp_path: Path) -> None:
    store = JobStore(Database(tmp_path / "server.db"), ServerLimits(queued_jobs=1))
    store.create(job())
    with pytest.raises(ApiError) as caught:
        store.create(job())
    assert caught.value.status == 429


def test_a_newer_or_foreign_database_is_refused_untouched(tmp_path: Path) -> None:
    newer, foreign = tmp_path / "newer.db", tmp_path / "foreign.db"
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version=99")
    db.close()
    foreign.write_bytes(b"hello, I am a letter" * 100)
    for path in (newer, foreign):
        with pytest.raises(CuratorError):
            Database(path)
    assert foreign.read_bytes() == b"hello, I am a letter" * 100


def test_looking_does_not_write(tmp_path: Path) -> None:
    Database(tmp_path / "server.db").close()
    db = Database(tmp_path / "server.db", read_only=True)
    with pytest.raises(sqlite3.OperationalError), db.transaction() as writing:
        writing.execute("DELETE FROM jobs")
    assert db.rows("SELECT * FROM jobs") == []


def test_a_folder_with_other_things_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    precious = [tmp_path / "thesis.txt", tmp_path / "files" / "photo.jpg"]
    for path in precious:
        path.write_text("mine")
    with pytest.raises(UsageError, match="holds other things"):
        serve(ServerSettings(data=tmp_path, token_file=tmp_path / "token"))
    assert all(path.read_text() == "mine" for path in precious)


def test_the_sweep_removes_only_what_has_the_shape_of_an_id(tmp_path: Path) -> None:
    settings = ServerSettings(data=tmp_path, token_file=tmp_path / "token")
    services.build(settings).db.close()
    stray, orphan = settings.files / "photo.jpg", settings.files / ids.new(ids.FILE)
    for path in (stray, orphan):
        path.write_text("x")
    services.build(settings).db.close()
    assert stray.exists()
    assert not orphan.exists()


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    settings = ServerSettings(data=tmp_path, token_file=tmp_path / "token", limits=ServerLimits(free_bytes=2**60))
    own = services.build(settings)
    with pytest.raises(ApiError) as caught:
        own.uploads.create("a", "batch", 5, "text/plain", None)
    assert (caught.value.status, caught.value.code) == (507, "insufficient_storage")
    own.db.close()


def test_the_models_command_only_looks(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "curator", "models", "list", "--json"]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert json.loads(out)["models"] == []
