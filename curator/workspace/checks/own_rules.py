"""Runs files of own rules beside a check: one process a file, fed with the batches that the check reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from curator.core.example import parse
from curator.core.problem import Problem, Severity
from curator.core.rules.registry import PROFILES, Rule
from curator.core.rules.subject import Subject
from curator.workspace.checks.json_findings import Rows, fingerprint
from curator.workspace.checks.one_pass import Findings, Options, examine, facts_unless_broken
from curator.workspace.files.line_splitter import Batch, Notes
from curator.workspace.own_rules import process as processes
from curator.workspace.own_rules.process import FAILED, PART, RuleProcess
from curator.workspace.own_rules.rule_files import PREFIX


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
            for name, severity, why in process.answer(processes.SECONDS_TO_LOAD).get("rules", ()):
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
            answer = process.answer(processes.SECONDS)
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
