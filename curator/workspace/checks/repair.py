"""`fix PATH`: writes a copy of a dataset file, or of a workspace's examples, with fixes applied.

Lines without a fix are copied byte for byte.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from curator import atomic
from curator.core.example import parse
from curator.core.lines import BOM
from curator.core.rules import REGISTRY, Context, fix_all
from curator.core.slips import with_escapes
from curator.errors import InputError
from curator.workspace.checks.check import check_file
from curator.workspace.checks.one_pass import Options
from curator.workspace.checks.verdict import SAMPLE, Check, method_of
from curator.workspace.checks.workspace_check import with_settings_of
from curator.workspace.exchange.export import pieces
from curator.workspace.files.dataset_file import STDIN, open_dataset
from curator.workspace.opening import open_workspace
from curator.workspace.storage.folder import is_workspace


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The number of fixes by rule, and the check of the file that was written."""

    fixed: dict[str, int]
    check: Check


@dataclass(slots=True)
class Repairs:
    """Which fixes to apply, and how many were applied so far."""

    context: Context
    rules: frozenset[str] | None
    """The rules to fix; None: all that have a fix."""
    unsafe: bool
    """Whether unsafe fixes are applied too."""
    fixed: Counter[str]
    """Fixes by rule."""

    def applies(self, rule: str) -> bool:
        """Whether the fix of a rule is to be applied."""
        allowed = self.unsafe or REGISTRY[rule].fix == "safe"
        return allowed and (self.rules is None or rule in self.rules)

    def line(self, raw: bytes, end: bytes) -> bytes:
        """One record with its fixes applied and its line end; several lines of one, no bytes of an empty one."""
        whole, counts = fix_all(parse(raw), self.context, self.rules, unsafe=self.unsafe)
        self.fixed.update(counts)
        if b"\n" in whole:
            whole = whole.replace(b"\n", end or b"\n")
        return whole + end if whole else b""


def repair(
    path: str | Path,
    out: str | Path,
    options: Options,
    *,
    rules: frozenset[str] | None = None,
    unsafe: bool = False,
    own: Sequence[Path] = (),
) -> RepairReport:
    """Write `out` with the fixes of `rules` (None: all) applied; on an error an existing `out` stays as it was.

    What remains is told by the rules in the files `own` as well.

    Raises InputError where `path` cannot be read or is `out` itself, and where `out` cannot be written.
    """
    target = Path(out)
    with _as_file(path, options) as (file_path, options), open_dataset(file_path) as source:
        if source.path is not None and target.exists() and target.samefile(source.path):
            raise InputError(f"{target} is the source itself, which is never written; name another file")
        if source.notes.encoding and not unsafe:
            raise InputError(f"{path} is {source.notes.encoding}; add --unsafe to write it as UTF-8")
        lines = iter(source.stream) if source.kind == "lines" else (raw + b"\n" for _, raw in source.records())
        sample = list(islice(lines, SAMPLE))
        method = options.method or method_of([(range(len(sample)), sample)])
        repairs = Repairs(replace(options, method=method).context(), rules, unsafe, Counter())
        if source.kind != "lines" or source.notes.encoding:
            repairs.fixed["json_array_file" if source.kind == "array" else "file_encoding"] += source.kind != "csv"
        try:
            with atomic.replacing(target) as file:
                for piece in _repair_lines(chain(sample, lines), repairs):
                    file.write(piece)
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    if source.path is not None and not source.name.endswith(".jsonl") and target.name.endswith(".jsonl"):
        repairs.fixed["file_extension"] += 1
    fixed = {rule: repairs.fixed[rule] for rule in REGISTRY if repairs.fixed[rule]}
    return RepairReport(fixed, check_file(target, options, own=own))


@contextmanager
def _as_file(path: str | Path, options: Options) -> Iterator[tuple[str | Path, Options]]:
    """`path` itself where it is a file; of a workspace a temporary file with its examples, and its settings."""
    if str(path) == STDIN or not is_workspace(Path(path)):
        yield path, options
        return
    with (
        open_workspace(path, read_only=True) as workspace,
        tempfile.TemporaryDirectory(prefix="curator-") as folder,
    ):
        file = Path(folder) / "examples.jsonl"
        with file.open("wb") as copy:
            copy.writelines(piece for piece, _ in pieces(workspace, workspace.ids()))
        yield file, with_settings_of(workspace, options)


def _repair_lines(lines: Iterable[bytes], repairs: Repairs) -> Iterator[bytes]:
    """The pieces of the output, for physical lines with their LF."""
    for number, line in enumerate(lines):
        body, end = (line[:-1], b"\n") if line.endswith(b"\n") else (line, b"")
        if not number and body.startswith(BOM):
            body = body[3:]
            if repairs.applies("file_bom"):
                repairs.fixed["file_bom"] += 1
            else:
                yield BOM
        if not body or body.isspace():
            if repairs.applies("blank_line"):
                repairs.fixed["blank_line"] += 1
            else:
                yield body + end
            continue
        if b"\r" in body and repairs.applies("line_endings"):
            repairs.fixed["line_endings"] += 1
            for part in _without_returns(body):
                yield repairs.line(part, b"\n")
        elif body.endswith(b"\r"):
            yield repairs.line(body[:-1], b"\r" + end)
        else:
            yield repairs.line(body, end)


def _without_returns(body: bytes) -> list[bytes]:
    """A line without CR: split at each CR where every piece is JSON by itself, else with a space for each.

    A JSON string cannot hold a bare CR, so one inside a record is white space, or was meant as a line break of a
    text: then it is escaped.
    """
    body = with_escapes(body)
    parts = [part for part in body.split(b"\r") if part.strip()]
    if len(parts) > 1 and all(parse(part).value is not None for part in parts):
        return parts
    return [body.rstrip(b"\r").replace(b"\r", b" ")]
