"""Long actions tell how far they are, and stopping one anywhere leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from curator.errors import CuratorError
from curator.workspace import meter
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.tui.scene import chat, dataset

COUNT = 6
ACTIONS: dict[str, Callable[[Workspace], object]] = {
    "label": lambda w: w.changes.label(w.ids(), "good"),
    "unlabel": lambda w: w.changes.label([1, 2], "old", False),
    "rate": lambda w: w.changes.rate(w.ids(), 3),
    "review": lambda w: w.changes.review(w.ids(), "accepted"),
    "delete": lambda w: w.changes.delete([1, 3, 5]),
    "pin": lambda w: w.changes.pin(w.ids(), "train"),
    "fix": lambda w: w.changes.fix(w.ids(), "surrounding_whitespace"),
    "replace": lambda w: w.changes.replace_many({1: b"{}", 2: b"[]"}, "Replaced 2"),
    "split": lambda w: w.changes.split(0.5),
    "undo": lambda w: w.changes.undo(),
    "go back": lambda w: w.changes.undo_to(1),
}


class Enough(CuratorError):
    """Somebody stopped it."""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Six examples, some with something to fix, and one change that can be undone."""
    monkeypatch.setattr(meter, "EVERY", 1)
    lines = [
        chat(f"Question {n} of its own kind", f"(answer{n}) " if n % 2 else f"(answer{n})") for n in range(COUNT)
    ]
    with open_workspace(dataset(tmp_path, lines)) as made:
        made.changes.label([1, 2, 3], "old")
        yield made


def state(workspace: Workspace) -> list[Any]:
    """All that an action may change."""
    records = [
        (r.id, r.raw, r.version, r.labels, r.rating, r.review, r.split) for r in workspace.records(range(1, 7))
    ]
    return [records, list(workspace.ids()), workspace.history(), workspace.meta("split"), workspace.revision()]


@pytest.mark.parametrize("name", ACTIONS)
def test_it_tells_what_it_does_and_how_much_of_it(workspace: Workspace, name: str) -> None:
    told: list[tuple[str, int, int]] = []
    with workspace.reporting_to(lambda *words: told.append(words)):
        ACTIONS[name](workspace)
    phases = list(dict.fromkeys(what for what, _, _ in told))
    assert phases[-2:] == ["Saving", "Finishing"]
    for phase in phases:
        done = [so_far for what, so_far, _ in told if what == phase]
        restarts = [now for before, now in zip(done, done[1:], strict=False) if now < before]
        assert all(now == min(done) for now in restarts)  # a split takes its last look once more after moving
        assert all(so_far <= total for what, so_far, total in told if what == phase)


@pytest.mark.parametrize("name", ACTIONS)
def test_stopping_it_anywhere_changes_nothing(workspace: Workspace, name: str) -> None:
    before, stops = state(workspace), 0
    while True:
        left = stops

        def tell(*_: object) -> None:
            nonlocal left
            if left == 0:
                raise Enough("enough")
            left -= 1

        try:
            with workspace.reporting_to(tell):
                ACTIONS[name](workspace)
            break
        except Enough:
            stops += 1
        assert state(workspace) == before
    assert stops > 2
    assert state(workspace) != before


def test_nobody_is_told_afterwards(workspace: Workspace) -> None:
    told: list[str] = []
    with workspace.reporting_to(lambda what, *_: told.append(what)):
        workspace.changes.label([1], "good")
    told.clear()
    workspace.changes.label([2], "good")
    assert told == []
