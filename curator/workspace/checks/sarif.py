"""`check --sarif`: findings as SARIF 2.1.0, which code scanning services show beside the lines of a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import orjson

from curator import __version__, atomic
from curator.core.problem import Profile, Severity
from curator.core.rules import Rule
from curator.core.text import writable
from curator.errors import InputError
from curator.workspace.checks.known_findings import FindingRow
from curator.workspace.checks.verdict import Check
from curator.workspace.files.dataset_file import STDIN

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
DAMAGED = "workspace_damaged"


def write_sarif(path: Path, checks: Sequence[Check], failures: Mapping[str, str]) -> None:
    """Write the findings of all checks; `failures` are the sentences on paths that could not be read.

    Raises InputError where the file cannot be written.
    """
    rules = _rules(checks)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "Curator", "version": __version__, "semanticVersion": __version__, "rules": rules}
    told = [{"level": "error", "message": {"text": text}} for text in failures.values()]
    invocation = {"executionSuccessful": not failures, "toolExecutionNotifications": told}
    head = {"tool": {"driver": driver}, "invocations": [invocation], "columnKind": "unicodeCodePoints"}
    try:
        with atomic.replacing(path) as file:
            file.write(b'{"$schema":%b,"version":"2.1.0","runs":[' % orjson.dumps(SCHEMA))
            file.write(orjson.dumps(head)[:-1] + b',"results":[')
            for number, result in enumerate(_results(checks, numbers)):
                file.write((b",\n" if number else b"\n") + orjson.dumps(result))
            file.write(b"]}]}\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _rules(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The rules that found something, in the order of the registry."""
    described: dict[str, dict[str, Any]] = {}
    for check in checks:
        found = {rule for counts in check.findings.counts.values() for rule in counts}
        profile = check.options.profile
        described |= {name: _rule(rule, profile) for name, rule in check.rules.items() if name in found}
    if any(check.damage for check in checks):
        text = {"text": "The files of the workspace are damaged."}
        level = {"level": "error"}
        described[DAMAGED] = {"id": DAMAGED, "shortDescription": text, "defaultConfiguration": level}
    return list(described.values())


def _rule(rule: Rule, profile: Profile) -> dict[str, Any]:
    level = LEVELS[rule.severity.get(profile, Severity.WARNING)]
    described = {"id": rule.id, "name": rule.id, "defaultConfiguration": {"level": level}}
    texts = {"shortDescription": rule.what, "fullDescription": rule.why, "help": rule.why}
    return described | {key: {"text": _plain(text)} for key, text in texts.items() if text}


def _results(checks: Sequence[Check], numbers: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(FindingRow).decode
    for check in checks:
        uri = _uri(check.path)
        for raw in check.findings.rows:
            yield _result(check, decode(raw), uri, numbers)
        for words in check.damage or ():
            place = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
            message = {"text": _plain(words)}
            yield {"ruleId": DAMAGED, "ruleIndex": numbers[DAMAGED], "level": "error", "message": message,
                   "locations": [place]}  # fmt: skip


def _result(check: Check, row: FindingRow, uri: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """One finding. The line is that of the file; of a workspace the example's number is named instead."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    where = row.location
    if row.line is not None and check.damage is None:
        physical["region"] = {"startLine": max(1, row.line)}
    elif row.line is not None:
        where = f"example {row.line}" + (f", {row.location}" if row.location else "")
    place: dict[str, Any] = {"physicalLocation": physical}
    if where:
        place["logicalLocations"] = [{"fullyQualifiedName": where, "kind": "value"}]
    result = {
        "ruleId": row.rule, "ruleIndex": numbers[row.rule], "level": LEVELS[row.severity],
        "message": {"text": _plain(row.message) or row.rule}, "locations": [place],
    }  # fmt: skip
    if isinstance(row.fingerprint, str):
        result["partialFingerprints"] = {"curatorExample/v1": f"{row.fingerprint}:{row.rule}:{row.location}"}
    if check.baseline is not None:
        result["baselineState"] = "new"
    return result


def _plain(text: str) -> str:
    """A text of a message, in which `[words](place)` would be shown as a link."""
    return writable(text).replace("](", "]\\(")


def _uri(path: str) -> str:
    """The path as a reference relative to the working folder, where it lies in there."""
    if path == STDIN:
        return "stdin"
    full = Path(path).absolute()
    try:
        return quote(full.relative_to(Path.cwd()).as_posix().encode("utf-8", "surrogateescape")) or "."
    except ValueError:
        return full.as_uri()
