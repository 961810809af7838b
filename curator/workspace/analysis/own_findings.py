"""Adds what own rules find to the results of an analysis."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from curator.core.problem import Problem, Severity
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.result_store import Result
from curator.workspace.own_rules.asking import OwnRuleAsker


def with_own_findings(own: OwnRuleAsker, results: Sequence[Result], raws: Sequence[bytes]) -> list[Result]:
    """The results of examples with these bytes, with what the own rules find on them behind the other findings."""
    if not own:
        return list(results)
    return [_joined(result, problems) for result, problems in zip(results, own.findings(raws), strict=True)]


def _joined(result: Result, problems: list[Problem]) -> Result:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = sum(problem.severity is Severity.WARNING for problem in problems)
    bits = (flags.ERROR if errors else 0) | (flags.WARNING if warnings else 0)
    return replace(
        result,
        errors=result.errors + errors,
        warnings=result.warnings + warnings,
        flags=result.flags | bits,
        problems=(*result.problems, *problems),
    )
