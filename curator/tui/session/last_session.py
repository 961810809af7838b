"""`LastSession`: what the UI remembers from one start to the next, outside of any workspace."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from curator import atomic, paths


@dataclass
class LastSession:
    """Stored as `ui.json` in the state folder; if it is lost, the defaults apply."""

    theme: str = ""
    last: str = ""
    """Path of the workspace that was open last."""
    tour: str = ""
    """The number of the tour's step, `left`, or empty: nobody has seen the tour yet."""

    @classmethod
    def load(cls) -> LastSession:
        """Read the file; the defaults where it is missing or unreadable."""
        try:
            values = json.loads(_file().read_bytes())
        except (OSError, ValueError):
            return cls()
        if not isinstance(values, dict):
            return cls()
        return cls(**{key: values[key] for key in ("theme", "last", "tour") if isinstance(values.get(key), str)})

    def save(self) -> None:
        """Write the file; does nothing where that fails (a full disk, a read-only home)."""
        try:
            _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            atomic.write_bytes(_file(), json.dumps(asdict(self)).encode())
        except OSError:
            return


def _file() -> Path:
    return paths.state_dir() / "ui.json"
