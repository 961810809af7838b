"""What is counted of marks is what a pass over everything counts, whatever was done since."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from curator.workspace.analysis import mark_counts as marks
from curator.workspace.analysis.mark_counts import MarkCounts
from curator.workspace.opening import open_workspace
from tests.tui.scene import chat, dataset, many

COUNT = 30


@pytest.mark.parametrize(("most", "seed"), [(1, 1), (8, 2), (20_000, 3), (20_000, 4), (20_000, 5)])
def test_marks_are_right_after_any_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, seed: int
) -> None:
    monkeypatch.setattr(marks, "MOST", most)
    draw = random.Random(seed)
    with open_workspace(dataset(tmp_path, many(COUNT))) as workspace:
        for _ in range(80):
            some = draw.sample(range(1, COUNT + 1), draw.choice((1, 1, 2, 15)))
            label, side = draw.choice(("good", "bad", "100%")), draw.choice(("train", "validation", None))
            draw.choice(
                (
                    lambda some=some: workspace.changes.delete(some),
                    lambda some=some: workspace.changes.restore(some),
                    lambda some=some, label=label: workspace.changes.label(some, label, draw.random() < 0.7),
                    lambda some=some: workspace.changes.rate(some, draw.randrange(6)),
                    lambda some=some: workspace.changes.review(some, draw.choice(("accepted", "flagged", None))),
                    lambda some=some: workspace.changes.replace_many(
                        {i: chat("new", f"({i})") for i in some}, "Changed"
                    ),
                    lambda some=some, side=side: workspace.changes.pin(some, side),
                    lambda some=some, side=side: workspace.changes.assign(some, side),
                    lambda: workspace.changes.add(chat("A new one", "(new)"), 1),
                    lambda some=some: workspace.changes.merge_copies(some[0], some[1:]),
                    workspace.changes.undo,
                    workspace.changes.undo,
                    workspace.changes.redo,
                )
            )()
            if draw.random() < 0.7:
                fresh = MarkCounts()
                fresh.update(workspace.stored)
                workspace.current_results.mark_counts.update(workspace.stored)
                assert workspace.current_results.mark_counts.counts == fresh.counts
                assert workspace.current_results.mark_counts.labels == fresh.labels


def test_another_window_counts_what_this_one_does(tmp_path: Path) -> None:
    with (
        open_workspace(dataset(tmp_path, many(6))) as workspace,
        open_workspace(workspace.path, read_only=True) as other,
    ):
        assert other.counts().labels == {}
        workspace.changes.label([1, 2, 3], "good")
        workspace.changes.delete([2])
        other.follow()
        assert other.counts().labels == {"good": 2} and other.counts().deleted == 1
