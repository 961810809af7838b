"""Every test gets a home of its own: nothing reads or writes the user's folders."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def curator_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as CURATOR_HOME, without keys or colour settings from outside."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CURATOR_HOME", str(home))
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_ENDPOINT",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    return home
