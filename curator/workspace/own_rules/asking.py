"""Asks the own rules of this machine for what they find on some examples, outside a check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from curator import paths
from curator.core.problem import Problem, Severity

if TYPE_CHECKING:
    from curator.workspace.own_rules.process import RuleProcess

WHY_FAILED = "A file of own rules is wrong: mend it or take it away (docs/ci.md)."


def own_rules_folder() -> Path:
    """The folder of the files of own rules that hold everywhere."""
    return paths.config_dir() / "rules"


class OwnRuleAsker:
    """Some files of own rules, whose processes start at the first question. Not for two threads at a time."""

    def __init__(self, files: Sequence[Path] | None = None) -> None:
        self.files = _files_everywhere() if files is None else list(files)
        self.key = _key_of_files(self.files)
        """What the findings depend on, as text; empty where there are no own rules."""
        self.rules: dict[str, tuple[Literal["error", "warning", "info"], str]] = {}
        """(severity, reason) of each rule, by its id; known after the first question."""
        self._processes: list[RuleProcess] | None = None

    def __bool__(self) -> bool:
        return bool(self.files)

    def findings(self, raws: Sequence[bytes]) -> list[list[Problem]]:
        """What the rules find on each of some examples.

        A file that cannot be read, raises or does not end is told at the first example of that question,
        and is asked no more.
        """
        problems: list[list[Problem]] = [[] for _ in raws]
        if not raws or not self.files:
            return problems
        faults = self._start() if self._processes is None else []
        problems[0] += faults
        from curator.workspace.own_rules.process import PART  # heavy: few people have own rules

        for start in range(0, len(raws), PART):
            self._ask(raws[start : start + PART], problems[start : start + PART])
        return problems

    def _start(self) -> list[Problem]:
        """Start the processes; returns a problem for each rule or file that cannot be used."""
        from curator.workspace.own_rules.process import SECONDS_TO_LOAD, RuleProcess  # heavy
        from curator.workspace.own_rules.rule_files import PREFIX

        self._processes = [RuleProcess(file) for file in self.files]
        problems = []
        for process in self._processes:
            for name, severity, why in process.answer(SECONDS_TO_LOAD).get("rules", ()):
                if PREFIX + name in self.rules:
                    words = f"its rule {name} is in another file too; give it another name"
                    problems.append(_failed(process, words))
                else:
                    self.rules[PREFIX + name] = (Severity(severity).value, str(why))
        return [*problems, *self._given_up()]

    def _ask(self, raws: Sequence[bytes], places: list[list[Problem]]) -> None:
        """Send examples to the processes and add what they find of each to its list in `places`."""
        from curator.workspace.own_rules.process import SECONDS  # heavy

        for process in self._processes or ():
            process.send(raws)
        for process in self._processes or ():
            answer = process.answer(SECONDS)
            for at, rule, location, message in answer.get("findings", ()):
                if rule in self.rules:
                    places[at].append(Problem(rule, Severity(self.rules[rule][0]), message, location))
            for at, rule, words in answer.get("failed", ()):
                places[at].append(_failed(process, f"{rule} raised {words}; it was left out from there on"))
        places[0] += self._given_up()

    def _given_up(self) -> list[Problem]:
        """A problem for each file that was given up since the last call."""
        faulty = [process for process in self._processes or () if process.fault]
        self._processes = [process for process in self._processes or () if not process.fault]
        return [_failed(process, f"{process.fault}; its rules were left out") for process in faulty]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes or ():
            process.end()
        self._processes = None


def _files_everywhere() -> list[Path]:
    """The files in the configuration folder; most people have none."""
    folder = own_rules_folder()
    if not folder.is_dir():
        return []
    from curator.workspace.own_rules.rule_files import rule_files  # heavy

    return rule_files(folder)


def _failed(process: RuleProcess, words: str) -> Problem:
    from curator.workspace.own_rules.process import FAILED  # heavy

    return Problem(FAILED, Severity.ERROR, f"{process.file.name}: {words}")


def _key_of_files(files: Sequence[Path]) -> str:
    """The names and bytes of files of rules as a short text; empty for none."""
    if not files:
        return ""
    import hashlib  # heavy

    digest = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            content = b"?"
        digest.update(b"%d %d " % (len(file.name.encode("utf-8", "replace")), len(content)))
        digest.update(file.name.encode("utf-8", "replace") + content)
    return digest.hexdigest()[:16]
