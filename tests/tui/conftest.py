"""Fixtures of the UI tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from curator import paths
from tests.server.tiny import write_tiny_model


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tiny model in a models folder of its own; the server that was started for it is stopped afterwards."""
    write_tiny_model(tmp_path / "models" / "tiny")
    monkeypatch.setenv("CURATOR_MODELS", str(tmp_path / "models"))
    yield "tiny"
    with contextlib.suppress(OSError, ValueError):
        os.kill(json.loads((paths.server_dir() / "server.json").read_text())["pid"], signal.SIGTERM)
