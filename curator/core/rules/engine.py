"""Runs the example rules, and their fixes, on one example."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from curator.core.example import Example, Path, format_path, parse
from curator.core.formats import Format
from curator.core.problem import FixKind, Problem, Profile
from curator.core.rules.context import Context
from curator.core.rules.edits import apply
from curator.core.rules.registry import REGISTRY, Finding, Rule
from curator.core.rules.subject import Subject
from curator.core.splice import Edit


def check(example: Example, context: Context) -> list[Problem]:
    """All findings of the example rules, in the order of the registry; never raises."""
    return check_subject(Subject(example, context), context)


def check_subject(subject: Subject, context: Context) -> list[Problem]:
    """As `check`, for an example that is already a Subject (the dataset rules use it too)."""
    problems: list[Problem] = []
    for rule in _applicable_rules(subject.format, subject.has, context.profile, context.quick):
        for finding in _findings(rule, subject, context):
            problems.append(_problem(rule, finding, context))
    return problems


def fix(
    example: Example, rule: str, context: Context, location: str | None = None, *, safe_only: bool = False
) -> bytes | None:
    """The bytes with the fix of a rule applied at `location`, or at all findings; None where nothing is fixed.

    With `safe_only` unsafe fixes are left out. The bytes are empty where a line has nothing in it, and hold a line
    feed where a line is to be cut in two. Raises KeyError for an unknown rule.
    """
    entry = REGISTRY[rule]
    if entry.fixer is None or context.profile not in entry.severity:
        return None
    subject = Subject(example, context, entry.when)
    if subject.format not in entry.formats or (entry.when and not entry.when & subject.has):
        return None
    edits: dict[tuple[str, Path], Edit] = {}
    allowed = ("safe",) if safe_only else ("safe", "unsafe")
    for finding in _findings(entry, subject, context):
        here = location is None or format_path(finding.path) == location
        if here and _fix_kind(entry, finding) in allowed:
            edits.update(((edit.kind, edit.path), edit) for edit in entry.fixer(subject, finding.path, context))
    fixed = apply(example.raw, edits.values(), None if example.faults else example.value)
    return fixed if fixed != example.raw else None


def fix_all(
    example: Example, context: Context, rules: frozenset[str] | None = None, *, unsafe: bool = False
) -> tuple[bytes, dict[str, int]]:
    """The bytes with all safe fixes applied (with `unsafe` all fixes, with `rules` only those of some rules),
    and the number of findings of each rule that they removed.

    The bytes are empty for a line with nothing in it, and hold line feeds where one line became several.
    """
    fixed_counts: Counter[str] = Counter()
    problems = check(example, context)
    for _ in range(PASSES):
        before, problems_now = example.raw, problems
        for name in dict.fromkeys(p.rule for p in problems if _is_selected(p, rules, unsafe)):
            fixed = fix(example, name, context, safe_only=not unsafe)
            if fixed is None:
                continue
            if not fixed or fixed.count(b"\n") > example.raw.count(b"\n"):
                fixed_counts[name] += 1
                return _fix_lines(fixed, fixed_counts, context, rules, unsafe)
            fixable_before = _count_fixable(problems_now, name, unsafe)
            example = parse(fixed)
            problems_now = check(example, context)
            fixed_counts[name] += max(fixable_before - _count_fixable(problems_now, name, unsafe), 0)
        problems = problems_now
        if example.raw == before:
            break
    return example.raw, dict(fixed_counts)


def _fix_lines(
    lines: bytes, fixed_counts: Counter[str], context: Context, rules: frozenset[str] | None, unsafe: bool
) -> tuple[bytes, dict[str, int]]:
    """As `fix_all`, for the lines that one line became, which may be none."""
    pieces = []
    for line in lines.split(b"\n") if lines else ():
        piece, counts = fix_all(parse(line), context, rules, unsafe=unsafe)
        fixed_counts.update(counts)
        pieces.append(piece)
    return b"\n".join(pieces), dict(fixed_counts)


PASSES = 4
"""Most rounds of fixes: a fix may make another one possible, e.g. on a content that had the wrong type."""


def _count_fixable(problems: list[Problem], rule: str, unsafe: bool) -> int:
    return sum(problem.rule == rule and _is_selected(problem, None, unsafe) for problem in problems)


def _is_selected(problem: Problem, rules: frozenset[str] | None, unsafe: bool) -> bool:
    allowed = problem.fix == "safe" or (unsafe and problem.fix == "unsafe")
    return allowed and (rules is None or problem.rule in rules)


FORMAT_FAMILIES = frozenset(
    ("syntax", "structure", "messages", "message_keys", "content", "tools", "calls", "images", "preference")
)
"""The modules of rules on the format: what a service refuses, and calls that cannot be executed."""


def is_about_format(rule: Rule) -> bool:
    """Whether a quick check includes this rule."""
    return rule.check is not None and rule.check.__module__.rpartition(".")[2] in FORMAT_FAMILIES


@lru_cache(maxsize=4096)
def _applicable_rules(kind: Format, has: int, profile: Profile, quick: bool) -> tuple[Rule, ...]:
    """The rules to call for examples of this format with these bits of `Has`."""
    return tuple(
        rule
        for rule in REGISTRY.values()
        if rule.check is not None
        and profile in rule.severity
        and kind in rule.formats
        and (not rule.when or rule.when & has)
        and (not quick or is_about_format(rule))
    )


def _findings(rule: Rule, subject: Subject, context: Context) -> list[Finding]:
    """The findings of a rule, each once: the two threads of a preference pair share their prompt."""
    assert rule.check is not None
    findings = list(rule.check(subject, context))
    return list(dict.fromkeys(findings)) if len(findings) > 1 and len(subject.threads) > 1 else findings


def _fix_kind(rule: Rule, finding: Finding) -> FixKind | None:
    """Whether the fix of a finding is safe or unsafe; None where it has none."""
    if rule.fix is None or finding.fix is False:
        return None
    return rule.fix if finding.fix is True else finding.fix


def _problem(rule: Rule, finding: Finding, context: Context) -> Problem:
    severity = finding.severity or rule.severity[context.profile]
    return Problem(rule.id, severity, finding.message, format_path(finding.path), _fix_kind(rule, finding))
