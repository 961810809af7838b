"""`check --baseline`: leaves out the findings that an earlier check of the same file had already.

A finding is known where the earlier check had one of the same rule, at the same location, on an example that says
the same, wherever that example stands now. Each earlier finding covers one: a second copy of a faulty example is
new.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from curator.core.problem import FixKind, Problem, Severity
from curator.errors import InputError
from curator.workspace.checks.excerpt import Excerpt, excerpt
from curator.workspace.checks.json_findings import Rows
from curator.workspace.checks.one_pass import ShownFinding
from curator.workspace.checks.verdict import Check
from curator.workspace.files.dataset_file import STDIN, open_dataset

Key = tuple[str | None, str, str]
"""Fingerprint of the example, rule, location."""


class FindingRow(msgspec.Struct, frozen=True):
    """One entry of `problems`."""

    rule: str
    severity: Severity
    location: str
    message: str
    line: int | None = None
    fix: FixKind | None = None
    fingerprint: str | None | msgspec.UnsetType = msgspec.UNSET

    @property
    def key(self) -> Key:
        """What makes it the same finding as one of another check."""
        return self.fingerprint or None, self.rule, self.location

    def shown(self, place: Excerpt | None) -> ShownFinding:
        """The finding as it is printed."""
        return ShownFinding(
            self.line, Problem(self.rule, self.severity, self.message, self.location, self.fix), place
        )


class _File(msgspec.Struct, frozen=True):
    path: str
    problems: list[FindingRow] | None = None


class Baseline(msgspec.Struct, frozen=True):
    """What `curator check PATH… --json` printed earlier."""

    files: list[_File]
    path: str = ""

    def known_for(self, checked: str) -> Counter[Key]:
        """How often each finding on one file is known. Raises InputError where that file was not checked then."""
        entries = [each for each in self.files if each.path == checked or _is_same_file(each.path, checked)]
        if not entries:
            entries = [each for each in self.files if Path(each.path).name == Path(checked).name]
        remake = f"make one with `curator check {checked} --json > {self.path}`"
        if len(entries) != 1 or entries[0].problems is None:
            others = ", ".join(each.path for each in self.files[:3]) or "no file"
            raise InputError(f"the baseline {self.path} is of {others}, not of {checked}; {remake}")
        problems = entries[0].problems
        if any(each.fingerprint is msgspec.UNSET for each in problems):
            raise InputError(f"the baseline {self.path} does not say which examples it is about; {remake}")
        return Counter(each.key for each in problems)


def _is_same_file(one: str, other: str) -> bool:
    """Whether two paths lead to the same file."""
    if STDIN in (one, other):
        return False
    try:
        return Path(one).resolve() == Path(other).resolve()
    except (OSError, ValueError):
        return False


def read_baseline(path: str | Path) -> Baseline:
    """Read the JSON that an earlier check printed. Raises InputError where it is something else."""
    try:
        data = Path(path).read_bytes()
        baseline = msgspec.json.decode(data, type=Baseline)
    except OSError as error:
        raise InputError(f"the baseline {path} cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        words = "is not what `curator check FILE --json` prints"
        raise InputError(
            f"the baseline {path} {words}; make it with `curator check FILE --json > {path}`"
        ) from None
    return msgspec.structs.replace(baseline, path=str(path))


def keep_new(check: Check, baseline: Baseline) -> None:
    """Leave out of a check what its baseline knows already; `check` must have kept all findings as rows.

    Raises InputError where the baseline is that of another file.
    """
    known = baseline.known_for(check.path)
    before = known.total()
    findings, decode = check.findings, msgspec.json.Decoder(FindingRow).decode
    rows, counts, first = Rows(spill=True), {severity: Counter[str]() for severity in Severity}, []
    for raw in findings.rows:
        row = decode(raw)
        if known[row.key] > 0:
            known[row.key] -= 1
            continue
        rows.add(raw)
        counts[row.severity][row.rule] += 1
        if counts[row.severity][row.rule] <= (check.options.shown_per_rule or 0):
            first.append(row)
    gone = known.total()
    findings.rows, findings.counts, findings.shown = rows, counts, _with_excerpts(check, first)
    check.baseline = {"path": baseline.path, "known": before - gone, "gone": gone}


def _with_excerpts(check: Check, rows: list[FindingRow]) -> list[ShownFinding]:
    """Findings to be printed; of a file that can be read again, with the part of the line that each is about."""
    wanted = {row.line for row in rows if row.line is not None and row.location}
    raws: dict[int, bytes] = {}
    if wanted and check.path != STDIN and check.damage is None:
        with open_dataset(check.path) as source:
            for line, raw in source.records():
                if line in wanted:
                    raws[line] = raw
                    if len(raws) == len(wanted):
                        break
    return [row.shown(excerpt(raws[row.line], row.location) if row.line in raws else None) for row in rows]
