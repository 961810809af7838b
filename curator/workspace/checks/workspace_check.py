"""`check WORKSPACE`: checks its examples as those of a file, and the folder for damage. Changes nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from curator.core.rules import Rule
from curator.errors import CuratorError, InputError
from curator.workspace.checks.one_pass import Findings, Options, examine
from curator.workspace.checks.soundness import is_newer, soundness
from curator.workspace.checks.verdict import Check, Progress, conclude, first_batches, method_of, with_model
from curator.workspace.files.dataset_file import DatasetFile
from curator.workspace.files.line_splitter import Batch, Notes, Record, group
from curator.workspace.opening import open_for_reading
from curator.workspace.workspace import Workspace


def check_workspace(
    path: Path,
    options: Options,
    *,
    validation: Mapping[int, int] | None = None,
    copied: Mapping[int, int] | None = None,
    progress: Progress | None = None,
    own: Sequence[Path] = (),
) -> Check:
    """CHECK of the examples that are not deleted; `damage` says what is wrong with the workspace itself.

    `line` is the line in the source where there is one source, else the example's id. Of a workspace too damaged
    to be opened, `damage` alone is reported. Raises InputError for a workspace of a newer Curator, and where the
    path is no workspace.
    """
    if not (path / "workspace.db").is_file():
        raise InputError(f"{path} is no workspace: it holds no workspace.db")
    damage = soundness(path)
    try:
        with open_for_reading(path) as workspace:
            check = _check_examples(workspace, options, validation, copied, progress, own)
    except CuratorError:
        if not damage or is_newer(path):
            raise
        check = Check(str(path), "unknown", Findings(Notes()), options)
    check.damage = damage
    return check


def _check_examples(
    workspace: Workspace,
    options: Options,
    validation: Mapping[int, int] | None,
    copied: Mapping[int, int] | None,
    progress: Progress | None,
    own: Sequence[Path],
) -> Check:
    options = with_model(with_settings_of(workspace, options))
    notes, held_notes = Notes(), Notes()
    source = DatasetFile(workspace.path, "examples.jsonl", "lines", io.BytesIO(), None, False, notes)
    ids = workspace.ids()
    held_out = workspace.stored.held_out().intersection(ids)
    trained = [example for example in ids if example not in held_out] if held_out else ids
    batches = group(_records(workspace, trained, notes, progress))
    first = first_batches(batches)
    options = replace(options, method=options.method or method_of(first))
    own_rules: Mapping[str, Rule] = {}
    if own:
        from curator.workspace.checks.own_rules import examine_with_own_rules  # heavy: most people have none

        findings, own_rules = examine_with_own_rules(own, chain(first, batches), notes, options)
    else:
        findings = examine(chain(first, batches), notes, options, spill=True)
    side = None
    if held_out:
        records = _records(workspace, sorted(held_out), held_notes, None)
        side = _examine_side(own, group(records), held_notes, options)
    by_key = {_key(workspace, example): line for example, line in (copied or {}).items()}
    return replace(conclude(source, findings, options, validation, None, side, by_key), own=own_rules)


def _examine_side(own: Sequence[Path], batches: Iterator[Batch], notes: Notes, options: Options) -> Findings:
    """What is found on the held-out side, by own rules too."""
    if not own:
        return examine(batches, notes, options)
    from curator.workspace.checks.own_rules import examine_with_own_rules  # heavy: most people have none

    return examine_with_own_rules(own, batches, notes, options)[0]


def _key(workspace: Workspace, example: int) -> int:
    """The line of an example in its source where there is one source, else its id."""
    source = workspace.stored.source_of(example) if workspace.stored.noun == "line" else None
    return example if source is None else source.line(example)


def with_settings_of(workspace: Workspace, options: Options) -> Options:
    """The options, with the workspace's contract, model and profile where nothing else is asked for."""
    own = workspace.context()
    if options.contract is None and own.contract is not None:
        options = replace(options, contract=own.contract, contract_origin="the workspace's contract")
    if not options.profile_given:
        options = replace(options, profile=own.profile)
    return replace(options, model=options.model or own.model, method=options.method or own.method)


def _records(
    workspace: Workspace, ids: Sequence[int], notes: Notes, progress: Progress | None
) -> Iterator[Record]:
    """(line or id, bytes) of some examples."""
    by_line = workspace.stored.noun == "line"
    for example, raw in workspace.stored.raws(ids):
        notes.records += 1
        notes.lines += 1
        source = workspace.stored.source_of(example) if by_line else None
        if progress is not None and notes.records % 5000 == 0:
            progress(notes.records, len(ids))
        yield (example if source is None else source.line(example)), raw
