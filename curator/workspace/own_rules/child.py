"""The process that runs one file of own rules: `python -m curator.workspace.own_rules.child FILE`.

It answers with one JSON object a line: first its rules, or why there are none, then the findings of each batch. A
batch comes as a line with its number of examples, and a line for each. What rules print goes to stderr.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from curator.core.example import Example, parse
from curator.core.text import one_line, writable
from curator.errors import UsageError
from curator.workspace.own_rules.rule_files import PREFIX, OwnRule, read_rules


def main(file: Path) -> None:
    """Load the rules, then answer batches until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the check ends this process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        rules = read_rules(file)
    except (Exception, SystemExit) as error:
        _answer(answers, {"error": _words(error)})
        return
    _answer(answers, {"rules": [(rule.name, rule.severity.value, writable(rule.why)) for rule in rules]})
    while header := sys.stdin.buffer.readline():
        raws = [sys.stdin.buffer.readline().removesuffix(b"\n") for _ in range(int(header))]
        _answer(answers, _check_batch(rules, raws))


def _check_batch(rules: list[OwnRule], raws: list[bytes]) -> dict[str, Any]:
    """The findings of a batch. A rule that raises is taken off `rules`; `failed` says so."""
    findings: list[tuple[int, str, str, str]] = []
    failed: list[tuple[int, str, str]] = []
    for at, raw in enumerate(raws):
        example = parse(raw)
        if not isinstance(example.value, dict):
            continue  # the rules on syntax tell that
        for rule in list(rules):
            try:
                findings += _findings(rule, example, at)
            except (Exception, SystemExit) as error:
                rules.remove(rule)
                failed.append((at, rule.name, _words(error)))
                example = parse(raw)  # the rule may have changed the value
    return {"findings": findings, "failed": failed}


def _findings(rule: OwnRule, example: Example, at: int) -> list[tuple[int, str, str, str]]:
    return [(at, PREFIX + rule.name, writable(place), writable(words)) for place, words in rule.check(example)]


def _words(error: BaseException) -> str:
    """What a rule raised, in a few words."""
    if isinstance(error, UsageError):
        return error.message
    return one_line(f"{type(error).__name__}: {error}", 200)


def _answer(answers: BinaryIO, value: dict[str, Any]) -> None:
    answers.write(orjson.dumps(value) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
