"""A dataset file looked at like a workspace, without making one: for `list` and `export` of a plain file."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from curator.workspace.files.dataset_file import STDIN, open_dataset
from curator.workspace.storage import folder as place
from curator.workspace.storage.line_file import Source, build_index
from curator.workspace.workspace import Workspace


@contextmanager
def looked_at(path: str | Path) -> Iterator[Workspace]:
    """A workspace folder opened for reading, or a file (any kind that `lines` reads, "-" too) shown as one.

    Nothing is written but a temporary copy of what is not plain JSON Lines. Raises InputError.
    """
    if str(path) != STDIN and place.is_workspace(Path(path)):
        with Workspace.open(path, read_only=True) as workspace:
            workspace.derived.alone = not workspace.derived.finished
            yield workspace
        return
    with ExitStack() as stack:
        source = stack.enter_context(open_dataset(path))
        numbers: array[int] = array("Q")
        if source.plain and source.path is not None:
            file = source.path
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="curator-"))
            file = Path(folder) / "lines"
            with file.open("wb") as copy:
                for number, raw in source.records():
                    copy.write(raw + b"\n")
                    numbers.append(number)
        indexer = build_index(file)
        with Workspace.over(source.name, Source(file, indexer.offsets, indexer.blanks), numbers) as workspace:
            yield workspace
