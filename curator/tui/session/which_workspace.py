"""Which workspace does the UI open: the named one, the last one, or the bundled sample?"""

from __future__ import annotations

import shutil
from pathlib import Path

from curator import paths
from curator.errors import CuratorError
from curator.tui.session.last_session import LastSession
from curator.workspace import opening
from curator.workspace.workspace import Workspace

SAMPLE = "emojibot.jsonl"


def open_workspace(path: str | None, memory: LastSession) -> Workspace:
    """Open the path of the command line, else the workspace that was open last, else the sample.

    Sets `memory.last` to it. Raises InputError where the named path is no dataset.
    """
    workspace = opening.open_workspace(Path(path)) if path else _last(memory) or opening.open_workspace(sample())
    memory.last = str(Path(workspace.path).absolute())
    return workspace


def _last(memory: LastSession) -> Workspace | None:
    if not memory.last or not Path(memory.last).is_dir():
        return None
    try:
        return opening.open_workspace(Path(memory.last))
    except CuratorError:
        return None  # damaged since: the sample opens instead; opening it by its path shows the error


def sample() -> Path:
    """The bundled sample, copied to the user's data folder, so that changes of it survive an upgrade."""
    bundled = paths.packaged("sample_data") / SAMPLE
    own = paths.data_dir() / "sample" / SAMPLE
    if not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundled, own)
    return own
