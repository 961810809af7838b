"""The user's model table: the packaged one, overridden by `models.toml` of the configuration folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from curator import paths
from curator.core import models
from curator.core.models import ModelInfo, Table
from curator.errors import UsageError


def path() -> Path:
    """The path of the user's own table."""
    return paths.config_dir() / "models.toml"


def table() -> Table:
    """The merged table; the file is read again when it has changed.

    Raises UsageError, one sentence naming the file: unreadable, no TOML, wrong key or type.
    """
    file = path()
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return models.table()
    return dict(_read(file, changed))


def find(model: str) -> ModelInfo | None:
    """The entry of a base, tuned or aliased name in the merged table; None where there is none."""
    return models.find(model, table())


@lru_cache(maxsize=2)
def _read(file: Path, changed: int) -> Table:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({error}).") from None
    return models.merge(models.table(), text, str(file))
