"""Every test gets a home of its own: nothing reads or writes the user's folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Several BLAS threads on a busy machine take many times longer than one; NumPy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def curator_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as CURATOR_HOME, without keys or colour settings from outside."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CURATOR_HOME", str(home))
    for name in (
        "CURATOR_MODELS",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_ENDPOINT",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    return home
