"""Runs files of own rules beside a check: one process a file, fed with the batches that the check reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from curator.core.example import parse
from curator.core.problem import Problem, Severity
from curator.core.rules.registry import PROFILES, Rule
from curator.core.rules.subject import Subject
from curator.workspace.checks.json_findings import Rows, fingerprint
from curator.workspace.checks.one_pass import Findings, Options, examine, facts_unless_broken
from curator.workspace.checks.own.rule_files import PREFIX
from curator.workspace.files.line_splitter import Batch, Notes

SECONDS, SECONDS_TO_LOAD = 10.0, 30.0
"""How long the rules of one file may take for a part of a batch, and to load, before they are given up."""
PART = 200
"""Examples that a file of rules gets at a time."""
FAILED = "own_rule_failed"


class RuleProcess:
    """One file of rules in its process; nothing waits longer for it than its limit."""

    def __init__(self, file: Path) -> None:
        self.file = file
        command = [sys.executable, "-m", "curator.workspace.checks.own.child", str(file)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._thread = ThreadPoolExecutor(1)
        self._answers: list[Future[bytes]] = [self._thread.submit(self._read)]
        self.fault = ""
        """Why it was given up; empty while it works."""

    def send(self, raws: Sequence[bytes]) -> None:
        """Have a part of a batch checked; `answer` waits for the findings."""
        if not self.fault:
            self._answers.append(self._thread.submit(self._exchange, list(raws)))

    def answer(self, seconds: float) -> dict[str, Any]:
        """The next answer; where none comes in time the process is ended and `fault` says why."""
        if self.fault or not self._answers:
            return {}
        try:
            line = self._answers.pop(0).result(seconds)
            answer: dict[str, Any] = orjson.loads(line) if line else {"error": "its process ended"}
        except Late:
            answer = {"error": f"it did not finish within {seconds:g} seconds"}
        except (OSError, ValueError):
            answer = {"error": "its process ended"}
        if "error" in answer:
            self.fault = str(answer["error"])
            self.end()
            return {}
        return answer

    def _exchange(self, raws: list[bytes]) -> bytes:
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % len(raws) + b"".join(raw + b"\n" for raw in raws))
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._thread.shutdown(wait=True)
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue  # what was not written yet is of no use


class OwnRules:
    """All files of rules, while one dataset is checked."""

    def __init__(self, files: Sequence[Path], options: Options) -> None:
        self.options = options
        self._context = replace(options, tokens=False).context()
        self.rules: dict[str, Rule] = {}
        """What each rule is, by its id."""
        self.findings = Findings(Notes(), rows=Rows(spill=True))
        self._processes = [RuleProcess(file) for file in files]

    def __enter__(self) -> OwnRules:
        for process in self._processes:
            for name, severity, why in process.answer(SECONDS_TO_LOAD).get("rules", ()):
                if PREFIX + name in self.rules:
                    self._tell(process, f"its rule {name} is in another file too; give it another name", None)
                else:
                    self._register(PREFIX + name, Severity(severity), why)
        self._tell_faults()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.end()

    def watch(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches, each checked by the own rules while the caller works on it."""
        for numbers, raws in batches:
            for start in range(0, len(raws), PART):
                part = raws[start : start + PART]
                for process in self._processes:
                    process.send(part)
                yield numbers[start : start + PART], part
                self._collect(numbers[start : start + PART], part)

    def _collect(self, numbers: Sequence[int], raws: list[bytes]) -> None:
        for process in self._processes:
            answer = process.answer(SECONDS)
            for at, rule, location, message in answer.get("findings", ()):
                if rule in self.rules:
                    self._note(numbers[at], raws[at], rule, location, message)
            for at, rule, words in answer.get("failed", ()):
                self._tell(process, f"{rule} raised {words}; it was left out from there on", numbers[at])
        self._tell_faults()

    def _note(self, line: int, raw: bytes, rule: str, location: str, message: str) -> None:
        example = parse(raw)
        name = fingerprint(facts_unless_broken(Subject(example, self._context), self._context), raw)
        severity = self.rules[rule].severity[self.options.profile]
        self.findings.note(line, Problem(rule, severity, message, location), self.options, example, name)

    def _tell_faults(self) -> None:
        """Tell of each file that was given up, once."""
        for process in [each for each in self._processes if each.fault]:
            self._processes.remove(process)
            self._tell(process, f"{process.fault}; its rules were left out", None)

    def _tell(self, process: RuleProcess, words: str, line: int | None) -> None:
        self._register(
            FAILED, Severity.ERROR, "A file of own rules is wrong: mend it or take it away (docs/ci.md)."
        )
        problem = Problem(FAILED, Severity.ERROR, f"{process.file.name}: {words}")
        self.findings.note(line, problem, self.options)

    def _register(self, name: str, severity: Severity, why: str) -> None:
        levels = dict.fromkeys(PROFILES, severity)
        self.rules[name] = Rule(name, levels, "example", "own", why or "A rule of your own.", why)

    def join_to(self, findings: Findings) -> None:
        """Put what the own rules found behind the other findings of the dataset."""
        for severity, counts in self.findings.counts.items():
            findings.counts[severity].update(counts)
        findings.shown += self.findings.shown
        for row in self.findings.rows:
            findings.rows.add(row)


def examine_with_own_rules(
    files: Sequence[Path], batches: Iterator[Batch], notes: Notes, options: Options
) -> tuple[Findings, Mapping[str, Rule]]:
    """As `examine`, with the findings of own rules behind the others; also what each of these rules is."""
    with OwnRules(files, options) as own_rules:
        findings = examine(own_rules.watch(batches), notes, options, spill=True)
        own_rules.join_to(findings)
        return findings, own_rules.rules
