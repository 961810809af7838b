"""Replaces an imported file by the examples of its source, after a backup beside it."""

from __future__ import annotations

import shutil
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from curator import atomic
from curator.errors import CuratorError, InputError
from curator.workspace.exchange.export import ExportReport, Sink, write_examples
from curator.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class WriteBack:
    """A planned write-back: which examples replace which file, and where its backup goes."""

    source: int
    origin: Path
    backup: Path
    ids: Sequence[int]


def plan_write_back(workspace: Workspace, source_id: int) -> WriteBack:
    """Check that an imported file can be replaced by the examples of its source, and those added behind them.

    Raises InputError with the reason where it cannot. Writes nothing.
    """
    source = next((s for s in workspace.stored.sources if s.id == source_id), None)
    if source is None or source.origin is None:
        raise InputError("there is no file to write back to")
    origin = Path(source.origin)
    if source.format != "jsonl" or origin.suffix.lower() in (".gz", ".zst"):
        raise InputError(f"{source.name} was converted from another format: export it as JSON Lines instead")
    if not origin.is_file():
        raise InputError(f"{origin} is not there any more: export it instead")
    if source_id in workspace.source_changed():
        raise InputError(f"{source.name} changed since it was imported: merge it first")
    backup = origin.with_name(f"{origin.name}.bak-{time.strftime('%Y%m%d-%H%M%S')}")
    return WriteBack(source_id, origin, backup, _ids_of_source(workspace, source_id))


def _ids_of_source(workspace: Workspace, source_id: int) -> Sequence[int]:
    """The examples of a source that are not deleted, each followed by those that were added behind it."""
    visible = [source for source in workspace.stored.sources if not source.hidden]
    if len(visible) == 1:
        return workspace.ids()
    live = set(workspace.ids())
    current = visible[0].id
    ids = array("q")
    for example in workspace.ids(deleted=True):
        source = workspace.stored.source_of(example)
        current = current if source is None else source.id
        if current == source_id and example in live:
            ids.append(example)
    return ids


def write_back(
    workspace: Workspace, plan: WriteBack, progress: Callable[[int], None] | None = None
) -> ExportReport:
    """Replace the imported file by the examples of its source, after a backup beside it.

    Raises CuratorError where the backup or the file could not be written; the file is then what it was.
    """
    workspace.require_writer()
    try:
        with atomic.replacing(plan.backup) as copy, plan.origin.open("rb") as old:
            shutil.copyfileobj(old, copy)
        shutil.copystat(plan.origin, plan.backup)
    except OSError as error:
        raise CuratorError(f"nothing was written, no backup could be made: {error.strerror or error}") from error
    report = write_examples(workspace, plan.ids, plan.origin, None, Sink(progress))
    workspace.accept_origin(plan.source)
    return replace(report, backup=plan.backup)
