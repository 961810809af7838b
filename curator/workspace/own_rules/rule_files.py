"""Reads files of own rules: TOML tables with patterns and lengths, or Python functions (docs/ci.md)."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc, isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

from curator.core.example import Example, format_path
from curator.core.problem import Severity
from curator.core.rules.context import Context
from curator.core.rules.subject import Subject
from curator.errors import UsageError

PREFIX = "own:"
"""How the ids of own rules begin."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_KEYS = {"severity", "roles", "pattern", "missing", "longest", "shortest", "message", "why"}
_ANY_CONTEXT = Context()

Found = Iterator[tuple[str, str]]
"""(location, message) of each finding on one example."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """One rule of a file."""

    name: str
    severity: Severity
    why: str
    check: Callable[[Example], Found]


def rule_files(folder: Path) -> list[Path]:
    """The files of rules in a folder, in alphabetical order; those that begin with `_` or `.` are none."""
    if not folder.is_dir():
        return []
    files = [*folder.glob("*.toml"), *folder.glob("*.py")]
    return sorted(file for file in files if file.is_file() and not file.name.startswith(("_", ".")))


def read_rules(file: Path) -> list[OwnRule]:
    """The rules of one file. Raises UsageError for a mistake in it, or whatever its Python code raises."""
    return _read_toml(file) if file.suffix == ".toml" else _read_python(file)


def _read_toml(file: Path) -> list[OwnRule]:
    try:
        tables = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"it is no TOML: {error}") from None
    return [_rule_of_table(name, table) for name, table in tables.items()]


def _rule_of_table(name: str, table: Any) -> OwnRule:
    if not isinstance(table, dict) or not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no rule: write [NAME] in letters, digits, - and _, and its keys below")
    if unknown := table.keys() - _KEYS:
        raise UsageError(f"[{name}] has an unknown key '{min(unknown)}'; there are {', '.join(sorted(_KEYS))}")
    for key in ("pattern", "missing", "message", "why"):
        if not isinstance(table.get(key, ""), str):
            raise UsageError(f"[{name}] {key}: write a text")
    for key in ("longest", "shortest"):
        if key in table and (type(table[key]) is not int or table[key] < 0):
            raise UsageError(f"[{name}] {key}: write a number of characters")
    roles = table.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise UsageError(f'[{name}] roles: write a list such as ["assistant"]')
    tests = list(_tests(name, table))
    if not tests:
        raise UsageError(f"[{name}] looks at nothing: give it pattern, missing, longest or shortest")
    return OwnRule(
        name, _severity(name, table.get("severity")), table.get("why", ""), _text_check(frozenset(roles), tests)
    )


def _tests(name: str, table: dict[str, Any]) -> Iterator[Callable[[str], str | None]]:
    """For each key that asks for something, a function from a text to what is wrong with it (None: nothing)."""
    message = table.get("message")
    for key in ("pattern", "missing"):
        if key in table:
            try:
                search = re.compile(table[key]).search
            except re.error as error:
                raise UsageError(f"[{name}] {key}: {error}") from None
            if key == "pattern":
                yield lambda text, search=search: _words_of_match(search(text), message)  # type: ignore[misc]
            else:
                words = message or f"nothing in it fits the pattern {table[key]}"
                yield lambda text, search=search, words=words: None if search(text) else words  # type: ignore[misc]
    if "longest" in table:
        most = table["longest"]
        yield (
            lambda text: (message or f"{len(text):,} characters, more than {most:,}") if len(text) > most else None
        )
    if "shortest" in table:
        least = table["shortest"]
        yield (
            lambda text: (
                (message or f"{len(text):,} characters, fewer than {least:,}") if len(text) < least else None
            )
        )


def _words_of_match(match: re.Match[str] | None, message: str | None) -> str | None:
    return None if match is None else message or f"it holds '{match[0][:40]}'"


def _text_check(roles: frozenset[str], tests: list[Callable[[str], str | None]]) -> Callable[[Example], Found]:
    """A check of each text of the messages in some roles (none: of all)."""

    def check(example: Example) -> Found:
        for turn in Subject(example, _ANY_CONTEXT).turns:
            if not roles or turn.role in roles:
                for path, text in turn.texts():
                    for test in tests:
                        if (words := test(text)) is not None:
                            yield format_path(path), words

    return check


def _severity(name: str, value: object) -> Severity:
    if value is None:
        return Severity.WARNING
    try:
        return Severity(str(value))
    except ValueError:
        raise UsageError(f"{name}: a severity is error, warning or info") from None


def _read_python(file: Path) -> list[OwnRule]:
    """Each function of the file whose name begins with no underscore is a rule; its docstring says why."""
    module = _load(file)
    functions = [
        each for name, each in vars(module).items() if isfunction(each) and not name.startswith("_")
        and each.__module__ == module.__name__
    ]  # fmt: skip
    if not functions:
        raise UsageError("it holds no rule: write a function that takes an example and yields (location, message)")
    return [
        OwnRule(
            each.__name__,
            _severity(each.__name__, getattr(each, "severity", None)),
            cleandoc(each.__doc__ or "").partition("\n\n")[0].replace("\n", " "),
            _function_check(each),
        )
        for each in functions
    ]


def _load(file: Path) -> ModuleType:
    """The module that a file holds; raises whatever its code raises."""
    spec = importlib.util.spec_from_file_location(f"curator_own_rules_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError("it cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _function_check(function: Callable[[Any], Iterable[Any] | None]) -> Callable[[Example], Found]:
    """A check by a function that yields or returns messages or (location, message); None: no finding."""

    def check(example: Example) -> Found:
        findings = function(example.value)
        for each in [findings] if isinstance(findings, str) else findings or ():
            if isinstance(each, str):
                yield "", each
            elif isinstance(each, tuple | list) and len(each) == 2:
                yield str(each[0]), str(each[1])
            else:
                raise UsageError("a rule yields messages or (location, message)")

    return check
