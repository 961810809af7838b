"""Runs the example rules over one example, and their fixes."""

from __future__ import annotations

from functools import lru_cache

from curator.core import splice
from curator.core.example import Example, Path, format_path, parse
from curator.core.formats import Format
from curator.core.problem import Problem, Profile
from curator.core.rules.context import Context
from curator.core.rules.registry import REGISTRY, Found, Rule
from curator.core.rules.subject import Subject


def check(example: Example, context: Context) -> list[Problem]:
    """All findings of the example rules, in the registry's order; never raises."""
    return check_subject(Subject(example, context), context)


def check_subject(subject: Subject, context: Context) -> list[Problem]:
    """As `check`, for an example already made ready (the file checker shares it with the dataset rules)."""
    problems: list[Problem] = []
    for rule in _plan(subject.format, subject.has, context.profile, context.quick):
        for found in _findings(rule, subject, context):
            problems.append(_problem(rule, found, context))
    return problems


def fix(example: Example, rule: str, context: Context, location: str | None = None) -> bytes | None:
    """The example's bytes with the rule's fix applied at `location`, or at every finding; None if none applies.

    Raises KeyError for an unknown rule.
    """
    chosen = REGISTRY[rule]
    if chosen.fixer is None or context.profile not in chosen.severity:
        return None
    subject = Subject(example, context)
    if subject.format not in chosen.formats:
        return None
    edits: dict[tuple[str, Path], splice.Edit] = {}
    for found in _findings(chosen, subject, context):
        if found.fix and (location is None or format_path(found.path) == location):
            edits.update(((edit.kind, edit.path), edit) for edit in chosen.fixer(subject, found.path, context))
    fixed = splice.apply(example.raw, edits.values())
    return fixed if fixed != example.raw else None


def fix_all(
    example: Example, context: Context, rules: frozenset[str] | None = None, *, unsafe: bool = False
) -> tuple[bytes, dict[str, int]]:
    """The bytes with every safe fix applied (of `rules` alone where given; unsafe ones too if asked for), and how
    many findings of each rule went away by it."""
    done: dict[str, int] = {}
    for _ in range(PASSES):
        before = example.raw
        for name in dict.fromkeys(p.rule for p in check(example, context) if _wanted(p, rules, unsafe)):
            fixed = fix(example, name, context)
            if fixed is not None:
                left = _fixable(example, name, context)
                example = parse(fixed)
                done[name] = done.get(name, 0) + max(left - _fixable(example, name, context), 0)
        if example.raw == before:
            break
    return example.raw, done


PASSES = 4
"""One fix may uncover what another can repair (a content that was hidden by its type); never more often."""


def _fixable(example: Example, rule: str, context: Context) -> int:
    return sum(problem.rule == rule and problem.fix is not None for problem in check(example, context))


def _wanted(problem: Problem, rules: frozenset[str] | None, unsafe: bool) -> bool:
    allowed = problem.fix == "safe" or (unsafe and problem.fix == "unsafe")
    return allowed and (rules is None or problem.rule in rules)


FORMAT_FAMILIES = frozenset(
    ("syntax", "structure", "messages", "content", "tools", "calls", "images", "preference")
)
"""The modules of rules on the format: what a service refuses, and calls that nobody could carry out."""


def is_about_format(rule: Rule) -> bool:
    """Whether a quick check asks this rule."""
    return rule.check is not None and rule.check.__module__.rpartition(".")[2] in FORMAT_FAMILIES


@lru_cache(maxsize=4096)
def _plan(kind: Format, has: int, profile: Profile, quick: bool) -> tuple[Rule, ...]:
    """The rules with something to look at in an example of this format that holds these things."""
    return tuple(
        rule
        for rule in REGISTRY.values()
        if rule.check is not None
        and profile in rule.severity
        and kind in rule.formats
        and (not rule.when or rule.when & has)
        and (not quick or is_about_format(rule))
    )


def _findings(rule: Rule, subject: Subject, context: Context) -> list[Found]:
    """The rule's findings; the prompt that two answers of a pair share is told once."""
    assert rule.check is not None
    found = list(rule.check(subject, context))
    return list(dict.fromkeys(found)) if len(found) > 1 and len(subject.threads) > 1 else found


def _problem(rule: Rule, found: Found, context: Context) -> Problem:
    severity = found.severity or rule.severity[context.profile]
    return Problem(rule.id, severity, found.message, format_path(found.path), rule.fix if found.fix else None)
