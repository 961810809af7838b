"""Folders of Curator's own files. These functions return paths and create nothing.

`CURATOR_HOME` puts all of them into one folder (tests, portable installs); otherwise they are the platform's own
(on Linux the XDG folders).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs


def _folder(kind: str, default: Callable[..., str]) -> Path:
    home = os.environ.get("CURATOR_HOME")
    return Path(home) / kind if home else Path(default("curator", appauthor=False))


def config_dir() -> Path:
    """Folder of `config.toml`, the user's themes and price table."""
    return _folder("config", platformdirs.user_config_dir)


def data_dir() -> Path:
    """Folder of what must not be lost: the local server's data, workspaces of read-only folders, runs."""
    return _folder("data", platformdirs.user_data_dir)


def state_dir() -> Path:
    """Folder of remembered settings, logs and the running server's address."""
    return _folder("state", platformdirs.user_state_dir)


def cache_dir() -> Path:
    """Folder of what can be fetched or computed again."""
    return _folder("cache", platformdirs.user_cache_dir)


def models_dir() -> Path:
    """Folder of base models, with a sub-folder for each; `$CURATOR_MODELS` overrides it."""
    override = os.environ.get("CURATOR_MODELS")
    return Path(override) if override else cache_dir() / "models"


def server_dir() -> Path:
    """Default data folder of the local server (files, jobs, adapters, token)."""
    return data_dir() / "server"


def packaged(name: str) -> Path:
    """A folder that ships with Curator (`themes`, `sample_data`), in a wheel or in a checkout.

    A wheel carries the folder inside the package; an editable install finds it beside the package.
    """
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
