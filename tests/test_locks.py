"""Locks between processes, hardened SQLite files, and which hosts are this machine."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from curator import locks, sqlite_file
from curator.errors import CuratorError
from curator.loopback import is_loopback


def test_a_lock_names_its_holder_and_is_released(tmp_path: Path) -> None:
    first, second = locks.Lock(tmp_path / "lock"), locks.Lock(tmp_path / "lock")
    assert not locks.is_held(tmp_path / "lock")
    assert first.acquire() and not second.acquire(0.05)
    assert locks.is_held(tmp_path / "lock") and "process" in second.holder()
    first.release()
    assert not locks.is_held(tmp_path / "lock") and second.acquire()
    second.release()


async def test_a_block_holds_a_lock_and_a_second_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    async with locks.hold(path, 1, "busy"):
        assert locks.is_held(path, 0)
        with pytest.raises(CuratorError, match="busy"):
            async with locks.hold(path, 0.05, "busy"):
                pass
    assert not locks.is_held(path, 0)


def test_an_open_lock_lasts_as_long_as_a_child_that_inherits_it(tmp_path: Path) -> None:
    file = locks.open_locked(tmp_path / "lock")
    assert file is not None
    wait = [sys.executable, "-c", "input()"]
    with subprocess.Popen(wait, stdin=subprocess.PIPE, pass_fds=(file.fileno(),)) as child:
        file.close()
        assert locks.open_locked(tmp_path / "lock") is None
        child.communicate(b"\n")
    again = locks.open_locked(tmp_path / "lock")
    assert again is not None
    again.close()


def test_a_database_is_opened_hardened_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a ? # % ü.db"
    db = sqlite_file.connect(path, "rwc")
    db.execute(f"CREATE TABLE t AS SELECT * FROM (VALUES ({sqlite_file.placeholders(3)}))", (1, 2, 3))
    assert db.execute("PRAGMA trusted_schema").fetchone() == (0,)
    db.close()
    assert path.is_file()
    reader = sqlite_file.connect(path, "ro")
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM t")
    reader.close()
    with pytest.raises(sqlite3.OperationalError):
        sqlite_file.connect(tmp_path / "none.db", "rw")


def test_loopback_names_and_addresses() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")))
    assert not any(map(is_loopback, ("localhost.example.org", "10.0.0.1", "0.0.0.0", "::", "example.org", "")))
