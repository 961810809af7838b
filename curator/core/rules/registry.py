"""The definition of a rule, and the registry of all rules.

A rule is a small function decorated with `@rule(...)`. Its `needs` says what it checks: one example, the whole
dataset, or the bytes of a file. Only example rules have a function; dataset and file rules are computed by
`dataset.py` and by the file reader, and are registered with `declare`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from curator.core.example import Path
from curator.core.formats import Format
from curator.core.problem import FixKind, Profile, Severity
from curator.core.rules.context import Context
from curator.core.rules.subject import Subject
from curator.core.splice import Edit

PROFILES: tuple[Profile, ...] = ("openai", "azure", "local")
MESSAGE_FORMATS: frozenset[Format] = frozenset(("chat", "preference", "reinforcement"))
TUNED_FORMATS: frozenset[Format] = frozenset(("chat", "preference"))
CHAT: frozenset[Format] = frozenset(("chat",))
PREFERENCE: frozenset[Format] = frozenset(("preference",))
ANY_FORMAT: frozenset[Format] = MESSAGE_FORMATS | {"completion", "unknown"}
VERSION = 11
"""Raised with each change of the rules: stored results of another version are computed again."""

Needs = Literal["example", "dataset", "file"]
SeverityLetter = Literal["E", "W", "I"]
_SEVERITY = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


class Finding(NamedTuple):
    """One finding of a rule: the place and one sentence.

    `severity` overrides that of the rule. `fix` is True where the fix of the rule applies, False where it does
    not, and "safe" or "unsafe" where that differs from finding to finding.
    """

    path: Path
    message: str
    severity: Severity | None = None
    fix: bool | FixKind = True


Check = Callable[[Subject, Context], Iterable[Finding]]
Fixer = Callable[[Subject, Path, Context], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A profile that is absent in `severity` does not have the rule."""

    id: str
    severity: Mapping[Profile, Severity]
    needs: Needs
    row: str
    """The number of its facts in docs/openai.md §3, or "own" for Curator's own advice."""
    what: str
    """The condition, for docs/rules.md."""
    why: str
    """The reason, for docs/rules.md."""
    formats: frozenset[Format] = ANY_FORMAT
    when: int = 0
    """The rule is called only for examples with one of these bits of `Has`; 0: for all."""
    escalates: bool = False
    """Some findings have a higher severity than `severity`."""
    check: Check | None = None
    fix: FixKind | None = None
    """The kind of its fix; "unsafe" where that holds for some findings only (`partly_safe`)."""
    fix_text: str = ""
    fixer: Fixer | None = None
    partly_safe: bool = False
    """Whether the fix of some findings is safe though `fix` says unsafe."""


REGISTRY: dict[str, Rule] = {}
"""All rules by id; in the order of their `row` once `arrange` has run."""


def arrange() -> None:
    """Sort the registry by `row`, own rules last: findings and docs/rules.md have this order."""
    rules = sorted(REGISTRY.values(), key=lambda entry: int(entry.row) if entry.row.isdigit() else 1000)
    REGISTRY.clear()
    REGISTRY.update((entry.id, entry) for entry in rules)


def severities(default: SeverityLetter | None, **profiles: SeverityLetter | None) -> dict[Profile, Severity]:
    """The severity by profile: `severities("E", local="W")` is E but for local; None leaves a profile out."""
    letters = {profile: profiles.get(profile, default) for profile in PROFILES}
    return {profile: _SEVERITY[letter] for profile, letter in letters.items() if letter}


def declare(
    name: str,
    severity: SeverityLetter | Mapping[Profile, Severity],
    needs: Needs,
    row: int | str,
    what: str,
    why: str,
    *,
    fix: FixKind | None = None,
    fix_text: str = "",
) -> Rule:
    """Register a dataset or file rule, which is computed elsewhere."""
    levels = severities(severity) if isinstance(severity, str) else severity
    entry = Rule(name, levels, needs, str(row), what, why, fix=fix, fix_text=fix_text)
    if name in REGISTRY:
        raise ValueError(f"rule {name} is registered twice")
    REGISTRY[name] = entry
    return entry


def rule(
    name: str,
    severity: SeverityLetter | Mapping[Profile, Severity],
    row: int | str,
    what: str,
    why: str,
    *,
    formats: frozenset[Format] = MESSAGE_FORMATS,
    when: int = 0,
    escalates: bool = False,
    fix: tuple[FixKind | Literal["partly safe"], str, Fixer] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated function as the rule `name`; `fix` is (kind, description, function).

    Of the kind "partly safe", each finding says itself whether its fix is safe.
    """

    def register(check: Check) -> Check:
        kind, text, fixer = fix or (None, "", None)
        entry = Rule(
            name,
            severities(severity) if isinstance(severity, str) else severity,
            "example",
            str(row),
            what,
            why,
            formats=formats,
            when=when,
            escalates=escalates,
            check=check,
            fix="unsafe" if kind == "partly safe" else kind,
            fix_text=text,
            fixer=fixer,
            partly_safe=kind == "partly safe",
        )
        if name in REGISTRY:
            raise ValueError(f"rule {name} is registered twice")
        REGISTRY[name] = entry
        return check

    return register
