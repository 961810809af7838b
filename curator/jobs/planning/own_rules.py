"""What people's own rules say of training data: counts by rule, and which files of rules are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from curator.core.problem import Problem, Severity
from curator.jobs.planning.training_data import TrainingCheck


@dataclass(frozen=True, slots=True)
class OwnFindings:
    """The findings of own rules on each example; empty where there are no own rules."""

    by_example: list[list[Problem]]

    @classmethod
    def of(cls, raws: Sequence[bytes]) -> OwnFindings:
        """Ask all own rules of this machine."""
        from curator.workspace.own_rules.asking import OwnRuleAsker  # heavy

        with closing(OwnRuleAsker()) as asker:
            return cls(asker.findings(raws) if asker else [])

    def joined_to(self, check: TrainingCheck) -> TrainingCheck:
        """The check with these findings; a file of rules that is wrong is no fault of the data."""
        counts = {severity: Counter(self._rules(severity)) for severity in (Severity.ERROR, Severity.WARNING)}
        errors = {**check.errors, **counts[Severity.ERROR]}
        return replace(check, errors=errors, warnings={**check.warnings, **counts[Severity.WARNING]})

    def _rules(self, severity: Severity) -> list[str]:
        problems = (problem for problems in self.by_example for problem in problems)
        return [each.rule for each in problems if each.severity is severity and each.rule.startswith("own:")]

    def is_faulty(self, at: int) -> bool:
        """Whether an own rule finds an error in an example."""
        problems = self.by_example[at] if self.by_example else []
        return any(each.severity is Severity.ERROR and each.rule.startswith("own:") for each in problems)

    @property
    def failures(self) -> list[str]:
        """A sentence for each file of rules that is wrong."""
        problems = (problem for problems in self.by_example for problem in problems)
        return [f"Own rules: {each.message}." for each in problems if not each.rule.startswith("own:")]
