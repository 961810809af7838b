"""`check PATH`: a dataset file or a workspace, checked by every rule; CHECK of the contract in docs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from curator.core.rules import DatasetCheck
from curator.workspace.checks.byte_ranges import LARGE, QUICK_SHARE, SHARE, examine_in_ranges
from curator.workspace.checks.one_pass import Options, examine
from curator.workspace.checks.verdict import Check, Progress, conclude, first_batches, method_of, with_model
from curator.workspace.files.dataset_file import STDIN, open_dataset
from curator.workspace.storage.folder import is_workspace


def check_file(
    path: str | Path,
    options: Options,
    *,
    validation: Mapping[int, int] | None = None,
    copied: Mapping[int, int] | None = None,
    epochs: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    own: Sequence[Path] = (),
) -> Check:
    """Check one file ("-": standard input) or workspace.

    Memory does not grow with the file but for hashes and the findings that are kept. `validation` comes from
    `value_lines`; `workers` is the most processes to use (None: one for each core); `own` are files of own rules.
    Raises InputError where the path cannot be read.
    """
    if str(path) != STDIN and is_workspace(Path(path)):
        from curator.workspace.checks.workspace_check import check_workspace  # heavy (50 ms)

        return check_workspace(
            Path(path), options, validation=validation, copied=copied, progress=progress, own=own
        )
    options = with_model(options)
    with open_dataset(path) as source:
        batches = source.batches()
        first = first_batches(batches)
        options = replace(options, method=options.method or method_of(first))
        size = source.size if source.plain and source.path is not None else None
        if own:
            from curator.workspace.checks.own_rules import (
                examine_with_own_rules,
            )  # heavy: most people have none

            findings, rules = examine_with_own_rules(own, chain(first, batches), source.notes, options)
            return replace(conclude(source, findings, options, validation, epochs, copied=copied), own=rules)
        processes = min(workers or os.cpu_count() or 1, (size or 0) // (QUICK_SHARE if options.quick else SHARE))
        if processes > 1 and source.path is not None:
            findings = examine_in_ranges(source.path, options, processes, progress)
        else:
            large = (size or 0) > LARGE
            findings = examine(chain(first, batches), source.notes, options, spill=True, large=large)
        return conclude(source, findings, options, validation, epochs, copied=copied)


def value_lines(path: str | Path, options: Options) -> dict[int, int]:
    """The hash of every example of a validation file and the first line it stands on.

    `check_file` takes it as `validation`, to find examples that are also trained on. Raises InputError.
    """
    without_tokens = replace(options, tokens=False, compat=None, shown_per_rule=0)
    dataset = DatasetCheck(without_tokens.context(), part="validation")
    with open_dataset(path) as source:
        dataset.tally = examine(source.batches(), source.notes, without_tokens).tally
    return dataset.value_lines()


def copied_lines(path: str | Path, validation: str | Path) -> dict[int, int]:
    """The examples of a file or workspace of which a validation file holds a copy, exact or near, with its line.

    Empty where one of the two is standard input, which cannot be read twice: there only equal examples are found.
    Raises InputError.
    """
    from curator.workspace.any_dataset import open_examples  # heavy
    from curator.workspace.duplicates.split import copies_by_example_read

    if STDIN in (str(path), str(validation)):
        return {}
    with open_examples(path) as training, open_examples(validation) as held_out:
        return copies_by_example_read(held_out, training)
