"""`check WORKSPACE`: its examples checked as a file's are, itself proved sound; nothing is changed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

from curator.errors import CuratorError, InputError
from curator.workspace.checks.one_pass import Options, Stretch, examine
from curator.workspace.checks.soundness import is_newer, soundness
from curator.workspace.checks.verdict import Check, Progress, finished, first_of, method_of, with_model
from curator.workspace.files.dataset_file import DatasetFile
from curator.workspace.files.line_splitter import Notes, Record, group
from curator.workspace.plain_file import looked_at
from curator.workspace.workspace import Workspace


def check_workspace(
    path: Path, options: Options, *, validation: Mapping[int, int] | None = None, progress: Progress | None = None
) -> Check:
    """CHECK of a workspace's live examples, with what is wrong with the workspace itself in `damage`.

    `line` is the line in the source where there is one source, else the example's id. A workspace that is too
    damaged to read has no examples. Raises InputError for one of a newer Curator and for what is none.
    """
    if not (path / "workspace.db").is_file():
        raise InputError(f"{path} is no workspace: it holds no workspace.db")
    damage = soundness(path)
    try:
        with looked_at(path) as workspace:
            found = _checked(workspace, options, validation, progress)
    except CuratorError:
        if not damage or is_newer(path):
            raise
        found = Check(str(path), "unknown", Stretch(Notes()), options)
    found.damage = damage
    return found


def _checked(
    workspace: Workspace, options: Options, validation: Mapping[int, int] | None, progress: Progress | None
) -> Check:
    notes = Notes()
    source = DatasetFile(workspace.path, "examples.jsonl", "lines", io.BytesIO(), None, False, notes)
    batches = group(_records(workspace, notes, progress))
    first = first_of(batches)
    told = with_model(replace(options, contract=options.contract or workspace.context().contract))
    told = replace(told, method=told.method or method_of(first))
    return finished(source, examine(chain(first, batches), notes, told, spill=True), told, validation, None)


def _records(workspace: Workspace, notes: Notes, progress: Progress | None) -> Iterator[Record]:
    ids = workspace.ids()
    by_line = workspace.stored.noun == "line"
    for example, raw in workspace.stored.raws(ids):
        notes.records += 1
        notes.lines += 1
        base = workspace.stored.base(example) if by_line else None
        if progress is not None and notes.records % 5000 == 0:
            progress(notes.records, len(ids))
        yield (example if base is None else base.line(example)), raw
