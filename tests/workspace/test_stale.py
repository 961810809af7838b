"""The totals leave out what the child found of deleted and of changed examples, however many those are."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from curator.workspace import background as analysis
from curator.workspace.analysis import outdated_results as stale
from curator.workspace.analysis.sums import Sums, severities
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.tui.scene import chat, dataset

pytestmark = pytest.mark.by_turns

COUNT = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a dataset was analysed once; a workspace knows its source by path, so it is moved back."""
    folder = tmp_path_factory.mktemp("analysed") / "here"
    folder.mkdir()
    analyse(folder)
    return folder.rename(folder.with_name("store"))


@pytest.fixture
def workspace(store: Path) -> Workspace:
    """The workspace that `analyse` makes, in a copy of its own."""
    folder = store.with_name("here")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(store, folder)
    return open_workspace(folder / "data.jsonl")


def analyse(folder: Path) -> None:
    """Examples of all kinds: clean, faulty, with copies, with several findings of one rule; all looked at."""
    kinds = (
        lambda n: chat(f"Question {n} of its own", f"(answer{n})"),
        lambda n: chat(f"Question {n} of its own ", f" (answer{n})"),
        lambda n: chat("The same for many", f"(answer{n % 4})"),
        lambda n: b'{"messages": [{"role": "robot", "content": "x%d"}, {"role": "robot"}]}' % n,
        lambda n: b"{broken %d" % n,
    )
    made = open_workspace(dataset(folder, [kinds[n % len(kinds)](n) for n in range(COUNT)]))
    child, ends = analysis.start(made), time.monotonic() + 200
    while child.progress().phase != "done":
        child.poll()
        assert time.monotonic() < ends
        time.sleep(0.02)
    child.stop()
    made.close()


def expected(workspace: Workspace) -> tuple[Sums, dict[str, int]]:
    """Totals and rules of the child's results that are of no live example as it is."""
    file = workspace.current_results.file
    assert file is not None
    everything = list(workspace.ids(deleted=True))
    rows = workspace.stored.example_rows(everything)
    wrong = []
    for example, result in file.get(everything).items():
        row = rows.get(example)
        if row is not None and (row.deleted or row.version != result.version):
            wrong.append(result)
    overall = file.overall_problems([result.id for result in wrong])
    rules = Counter(p.rule for r in wrong for p in (*r.problems, *overall.get(r.id, ())))
    sums = Sums()
    for result in wrong:
        sums.add(result, *severities(overall.get(result.id, ())))
    return sums, dict(rules)


@pytest.mark.parametrize(("most", "seed"), [(2, 1), (2, 2), (10, 3), (20_000, 4), (20_000, 5)])
def test_they_are_right_after_any_actions(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, most: int, seed: int
) -> None:
    monkeypatch.setattr(stale, "PASS", most)
    draw = random.Random(seed)
    for _ in range(60):
        some = draw.sample(range(1, COUNT + 1), draw.choice((1, 1, 2, 15)))
        draw.choice(
            (
                lambda some=some: workspace.changes.delete(some),
                lambda some=some: workspace.changes.restore(some),
                lambda some=some: workspace.changes.label(some, "good"),
                lambda some=some: workspace.changes.replace_many(
                    {i: chat("new", f"({i})") for i in some}, "Changed"
                ),
                lambda some=some: workspace.changes.fix(some),
                lambda: workspace.changes.add(chat("A new one", "(new)")),
                workspace.changes.undo,
                workspace.changes.undo,
                workspace.changes.redo,
            )
        )()
        if draw.random() < 0.7:
            wrong = workspace.current_results.outdated()
            assert (wrong.sums, {rule: n for rule, n in wrong.rules.items() if n}) == expected(workspace)
    workspace.close()
    with open_workspace(workspace.path) as again:
        wrong = again.current_results.outdated()
        assert (wrong.sums, {rule: n for rule, n in wrong.rules.items() if n}) == expected(again)


def test_counts_are_those_of_what_is_left(workspace: Workspace) -> None:
    whole = workspace.counts()
    assert whole.errors == 24 and whole.warnings
    workspace.changes.delete(workspace.ids())
    none = workspace.counts()
    assert (none.examples, none.errors, none.warnings, none.analysed, none.rules) == (0, 0, 0, 0, {})
    workspace.changes.undo()
    assert workspace.counts() == whole
    workspace.close()


def test_a_long_pass_is_not_made_again_at_once_but_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.changes.delete([4, 9])
    passes: list[int] = []
    plain = stale.OutdatedResults._recount

    def counted(self: stale.OutdatedResults, *args: Any) -> None:
        passes.append(1)
        plain(self, *args)

    monkeypatch.setattr(stale.OutdatedResults, "_recount", counted)
    monkeypatch.setattr(stale, "QUICK", 0.0)
    monkeypatch.setattr(stale, "REST", 1e6)
    before = workspace.counts()
    written = analysis.start(workspace)
    workspace.changes.replace_many({i: chat(f"A new {i}", f"(new{i})") for i in workspace.ids()}, "All new")
    changed = workspace.counts()
    ends = time.monotonic() + 200
    while workspace.current_results.fresh.versions([1]) or not written.resting:
        written.poll()
        assert time.monotonic() < ends
        time.sleep(0.02)
    written.stop()
    late = workspace.counts()  # not yet those of the child, but none of them below zero
    assert before.errors and (changed.errors, changed.warnings) == (late.errors, late.warnings) == (0, 0)
    assert late.analysed >= 0 and min(late.rules.values(), default=1) > 0
    state = [(len(passes), workspace.current_results.totals_behind)]
    monkeypatch.setattr(stale, "REST", 0)
    state.append((len(passes), workspace.current_results.totals_behind))
    assert workspace.current_results.outdated().sums == expected(workspace)[0]
    state.append((len(passes), workspace.current_results.totals_behind))
    assert workspace.counts().analysed == len(workspace.ids())
    assert state == [(1, False), (1, True), (2, False)]
    workspace.close()


def test_the_sums_of_a_store_are_those_of_its_results_one_by_one(workspace: Workspace) -> None:
    file = workspace.current_results.file
    assert file is not None
    ids = list(workspace.ids(deleted=True))
    sums, overall = Sums(), file.overall_problems(ids)
    for result in file.get(ids).values():
        sums.add(result, *severities(overall.get(result.id, ())))
    assert sums == Sums.of_store(file.db) == Sums.from_dict(sums.as_dict()) and sums.errors and sums.warnings
    workspace.close()


def test_what_this_process_looked_at_before_the_child_did_hides_no_tokens_for_ever(tmp_path: Path) -> None:
    made = open_workspace(dataset(tmp_path, [chat(f"Question {n}", f"(answer{n})") for n in range(200)]))
    made.counts()  # all are analysed here, without tokens
    made.count_tokens(list(made.ids())[:3])
    assert len(made.tokens()) == 3
    child, ends = analysis.start(made), time.monotonic() + 200
    told: set[int] = set()
    while child.progress().phase != "done" or len(made.tokens()) < 200:
        told.update(child.poll())
        assert time.monotonic() < ends
        time.sleep(0.02)
    child.stop()
    assert made.view("tokens>0").total == 200
    assert told == set(made.ids())
    made.close()
