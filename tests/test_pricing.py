"""The user's own price table over the packaged one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from curator import pricing
from curator.core import models
from curator.errors import UsageError


def write(home: Path, text: bytes) -> None:
    file = pricing.path()
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_bytes(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def test_without_a_file_the_packaged_table_counts() -> None:
    assert pricing.table() == models.table()


def test_a_changed_file_is_read_again(curator_home: Path) -> None:
    write(curator_home, b"\xef\xbb\xbf[models.mine]\ntraining = 1.0\n")
    found = pricing.find("ft:mine:org::id")
    assert found is not None
    assert found.training == 1.0
    write(curator_home, b"[models.mine]\ntraining = 2.0\n")
    again = pricing.find("mine")
    assert again is not None
    assert again.training == 2.0


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[models"])
def test_a_bad_file_is_one_sentence(curator_home: Path, text: bytes) -> None:
    write(curator_home, text)
    with pytest.raises(UsageError, match=r"models\.toml"):
        pricing.table()
