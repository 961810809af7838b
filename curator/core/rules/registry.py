"""What a rule is, and the one table of all of them (docs/openai.md §3).

A rule is one small function and its `@rule(...)` line. `needs` says what it looks at: one example, the whole
dataset, or the file's bytes; only example rules have a function here, dataset and file rules are computed by
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
VERSION = 3
"""Counts changes of the rule set: stored results of another version are computed again."""

Needs = Literal["example", "dataset", "file"]
SeverityLetter = Literal["E", "W", "I"]
_SEVERITY = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


class Found(NamedTuple):
    """One finding of a rule: where, and one sentence; `fix` False where this one cannot be repaired."""

    path: Path
    message: str
    severity: Severity | None = None
    fix: bool = True


Check = Callable[[Subject, Context], Iterable[Found]]
Fixer = Callable[[Subject, Path, Context], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, how bad it is for each profile (absent: does not apply), its documentation."""

    id: str
    severity: Mapping[Profile, Severity]
    needs: Needs
    row: str
    """The number of its facts in docs/openai.md §3, or "own" for Curator's own advice."""
    what: str
    why: str
    formats: frozenset[Format] = ANY_FORMAT
    when: int = 0
    """Called only if the example has one of these bits of `Has`; 0: always."""
    escalates: bool = False
    """Some findings are worse than `severity` says."""
    check: Check | None = None
    fix: FixKind | None = None
    fix_text: str = ""
    fixer: Fixer | None = None


REGISTRY: dict[str, Rule] = {}
"""Every rule by its id, in the order of their row numbers once `arrange` has run."""


def arrange() -> None:
    """Put the registry in the order of the rows, own rules last: that of findings and of the documentation."""
    rules = sorted(REGISTRY.values(), key=lambda made: int(made.row) if made.row.isdigit() else 1000)
    REGISTRY.clear()
    REGISTRY.update((made.id, made) for made in rules)


def severities(default: SeverityLetter | None, **profiles: SeverityLetter | None) -> dict[Profile, Severity]:
    """`severities("E", local="W")`: the default for all profiles but those named; None leaves one out."""
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
    """Register a rule that is computed elsewhere (dataset and file rules)."""
    levels = severities(severity) if isinstance(severity, str) else severity
    made = Rule(name, levels, needs, str(row), what, why, fix=fix, fix_text=fix_text)
    if name in REGISTRY:
        raise ValueError(f"rule {name} is registered twice")
    REGISTRY[name] = made
    return made


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
    fix: tuple[FixKind, str, Fixer] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated function as the rule `name`; `fix` is (kind, what it does, function)."""

    def register(check: Check) -> Check:
        kind, text, fixer = fix or (None, "", None)
        made = Rule(
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
            fix=kind,
            fix_text=text,
            fixer=fixer,
        )
        if name in REGISTRY:
            raise ValueError(f"rule {name} is registered twice")
        REGISTRY[name] = made
        return check

    return register
