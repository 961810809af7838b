"""Which workspace the UI opens: the one named, the last one, or the bundled sample."""

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
    """Open what the command line names, else what was open last, else the sample.

    `memory` then names it as the last one. Raises InputError where the named path is no dataset.
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
        return None  # gone or damaged since: the sample is a way in; naming its path tells what is wrong


def sample() -> Path:
    """The bundled sample, in the user's data folder: what people do to it must survive an upgrade."""
    bundled = paths.packaged("sample_data") / SAMPLE
    own = paths.data_dir() / "sample" / SAMPLE
    if not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundled, own)
    return own
