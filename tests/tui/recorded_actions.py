"""Which test runs which action by its key: `docs/keys.md` names them.

    CURATOR_RECORD_ACTIONS=1 python -m pytest tests/tui

adds to `actions.txt` what has no test there yet, one line an action: its id, and the file with a test that runs
fewest others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from curator.tui.actions import ACTIONS

FILE = Path(__file__).parent / "actions.txt"
WANTED = "CURATOR_RECORD_ACTIONS"

_tests: defaultdict[str, set[str]] = defaultdict(set)
"""The tests that ran each action, by what the action runs."""


def read() -> dict[str, str]:
    """The file of the tests of each action, by the action's id."""
    lines = FILE.read_text("utf-8").splitlines() if FILE.exists() else []
    return dict(line.split(" ", 1) for line in lines)


def note(namespace: object, name: str, params: tuple[Any, ...]) -> None:
    """An action of a widget, screen or app runs in the present test."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].partition("[")[0]
    words = f"{name}({', '.join(map(repr, params))})" if params else name
    for kind in type(namespace).__mro__:
        if scope := vars(kind).get("SCOPE"):
            _tests[f"{scope}.{words}"].add(test.removeprefix("tests/"))


def write() -> None:
    """Write the file: each action with the test that runs fewest others."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for tests in _tests.values():
        for test in tests:
            sizes[test] += 1
    found = read()
    for action in ACTIONS:
        command = action.command if action.command.startswith("app.") else f"{action.scope}.{action.command}"
        if command in _tests:
            test = min(_tests[command], key=lambda test: (sizes[test], test))
            found.setdefault(action.id, test.partition("::")[0])
    ids = [action.id for action in ACTIONS if action.id in found]
    FILE.write_text("".join(f"{each} {found[each]}\n" for each in ids), "utf-8")
