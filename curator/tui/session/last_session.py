"""What the UI remembers between starts, beside the workspace itself: the theme and the last workspace."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from curator import atomic, paths


@dataclass
class LastSession:
    """Kept in the state folder; losing it loses nothing of value."""

    theme: str = ""
    last: str = ""
    """Path of the workspace that was open last."""

    @classmethod
    def load(cls) -> LastSession:
        """Read it; anything unreadable counts as nothing remembered."""
        try:
            values = json.loads(_file().read_bytes())
        except (OSError, ValueError):
            return cls()
        if not isinstance(values, dict):
            return cls()
        return cls(**{key: values[key] for key in ("theme", "last") if isinstance(values.get(key), str)})

    def save(self) -> None:
        """Write it; a full disk or a read-only home is no reason to complain here."""
        try:
            _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write_bytes(_file(), json.dumps(asdict(self)).encode())
        except OSError:
            return


def _file() -> Path:
    return paths.state_dir() / "ui.json"
