"""Editing a text in $EDITOR while the UI is suspended."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from curator.errors import CuratorError


def edit(app: App[Any], text: bytes, suffix: str) -> bytes | None:
    """Open `text` in $VISUAL, $EDITOR or vi and return the saved text; None where nothing changed.

    `suffix` is that of the temporary file, e.g. `.json`. Raises CuratorError where the editor cannot be started or
    fails, and where this terminal cannot suspend the UI.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="curator-") as folder:
        file = Path(folder) / f"example{suffix}"
        file.write_bytes(text)
        try:
            with app.suspend():
                status = subprocess.run([*command, str(file)], check=False).returncode
        except SuspendNotSupported:
            raise CuratorError(
                "The UI cannot be suspended in this terminal, so no other editor can be opened."
            ) from None
        except OSError as error:
            raise CuratorError(f"'{command[0]}' could not be started ({error.strerror}); set $EDITOR.") from None
        if status != 0:
            raise CuratorError(f"'{command[0]}' ended with status {status}; nothing was changed.")
        after = file.read_bytes()
    return after if after != text else None
