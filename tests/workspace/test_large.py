"""Files too large to be copied at once: shown from their place, copied before anything is saved."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from curator.workspace import background as analysis
from curator.workspace.analysis.child import Worker, chunks
from curator.workspace.checks.soundness import soundness
from curator.workspace.opening import open_workspace
from curator.workspace.storage.line_file import open_copy
from curator.workspace.workspace import Workspace

pytestmark = pytest.mark.by_turns


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("curator.workspace.opening.COPY_AT_ONCE", 1000)
    monkeypatch.setattr("curator.workspace.storage.line_file.GLANCE", 2000)
    path = tmp_path / "data.jsonl"
    roles = ("user", "assistant")
    lines = [{"messages": [{"role": r, "content": f"{r} {n} {'x' * 60}"} for r in roles]} for n in range(1, 301)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def until(done: Callable[[], bool], child: analysis.Analysis) -> None:
    end = time.monotonic() + 200
    while not done():
        child.poll()
        assert child.progress().phase not in ("failed", "stopped") and time.monotonic() < end, child.progress()
        time.sleep(0.02)


def test_the_first_lines_are_there_before_the_copy_and_all_of_them_after(data: Path) -> None:
    with open_workspace(data) as workspace:
        first = len(workspace.ids())
        assert 0 < first < 300
        assert not list((workspace.path / "sources").iterdir())
        assert workspace.rows(workspace.ids()[:5])[4].line == 5
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        assert workspace.copied and len(workspace.ids()) == 300
        assert workspace.counts().analysed == 300
        child.stop()
        assert workspace.source_changed() == []
    assert soundness(workspace.path) == []
    with open_workspace(data) as again:
        assert again.copied and again.current_results.finished and again.counts().tokens == workspace_tokens(again)


def test_examples_are_analysed_some_at_a_time_and_few_where_they_are_long() -> None:
    examples = [(number, 0, b"x" * (60_000 if 300 < number < 320 else 100)) for number in range(1, 1000)]
    parts = [*chunks(examples)]
    assert [example for part in parts for example in part] == examples
    assert max(map(len, parts)) == 256
    assert max(sum(len(raw) for *_, raw in part[:-1]) for part in parts) < 1 << 18
    assert [*chunks([])] == []


def workspace_tokens(workspace: Workspace) -> int:
    return sum(row.tokens or 0 for row in workspace.rows(workspace.ids()))


def test_an_edit_makes_the_copy_first_so_that_it_rests_on_bytes_that_stay(data: Path) -> None:
    before = data.read_bytes().splitlines()
    with open_workspace(data) as workspace:
        workspace.changes.edit(2, "messages[0].content", "edited")
        assert workspace.copied and len(workspace.ids()) == 300
    data.write_bytes(b"{}\n")
    with open_workspace(data) as workspace:
        assert workspace.source_changed() == [1]
        assert [r.raw for r in workspace.records([1, 3])] == [before[0], before[2]]
        assert b"edited" in workspace.raw(2)
    assert soundness(workspace.path) == []


def test_edits_and_what_the_rules_know_reach_the_child_and_its_results_come_back(data: Path) -> None:
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        workspace.changes.edit(7, "messages[0].role", "robot")
        assert list(workspace.view("is:error").ids) == [7]
        until(lambda: not workspace.current_results.fresh.versions([7]), child)
        assert list(workspace.view("is:error").ids) == [7]
        workspace.changes.undo()
        assert list(workspace.view("is:error").ids) == []
        added = workspace.changes.add({"messages": [{"role": "user", "content": "only asked"}]}, after=7).ids[0]
        assert added in workspace.view("is:error").ids
        until(lambda: not workspace.current_results.fresh.versions([added]), child)
        assert workspace.row(added).tokens
        workspace.changes.undo()
        workspace.changes.edit(7, "messages[0].role", "robot")
        until(lambda: not workspace.current_results.fresh.versions([7]), child)
        child.stop()
        workspace.changes.undo()  # while no child runs
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        assert workspace.current_results.file is not None
        assert workspace.current_results.file.versions([7]) == {7: 0}
        assert list(workspace.view("is:error").ids) == [] and workspace.counts().errors == 0
        workspace.set_meta("contract", {"vocabulary": ["yes", "no"]})  # what the rules know: every result anew
        until(lambda: workspace.current_results.finished, child)
        counts = workspace.counts()
        child.stop()
        assert counts.rules["answer_outside_contract"] == 300
        assert "answer_outside_contract" in workspace.row(1).rules


def test_the_child_leaves_when_all_is_done_and_an_edit_brings_another(data: Path) -> None:
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.resting, child)
        first = child._child.pid
        assert child._child.returncode == 0 and child.progress().phase == "done"
        workspace.changes.edit(7, "messages[0].role", "robot")
        until(lambda: not workspace.current_results.fresh.versions([7]), child)
        assert child._child.pid != first
        child._child.kill()  # what nobody heard is told to the next one
        workspace.changes.edit(8, "messages[0].role", "robot")
        child.stop()
        child = analysis.start(workspace)
        until(lambda: not workspace.current_results.fresh.versions([8]), child)
        child.stop()
        assert list(workspace.view("is:error").ids) == [7, 8]


def test_lines_are_mapped_and_those_of_a_copy_that_was_cut_are_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = [b'{"n": %d, "text": "%s"}\n' % (n, b"x" * 90) for n in range(2000)]
    path.write_bytes(b"".join(lines))
    source = open_copy(path)
    start, block = source.map_lines(1500, 1503)
    assert block[source.offsets[1500] - start :] == b"".join(lines[1500:1503])
    del block
    os.truncate(path, source.offsets[1501])
    assert source.map_lines(1500, 1503) == (source.offsets[1500], lines[1500])
    source.close()


def warned(workspace: Workspace) -> int:
    return workspace.counts().rules.get("duplicate_example", 0)


def copies_of(data: Path) -> None:
    line = data.read_bytes().splitlines(keepends=True)[0]
    data.write_bytes(data.read_bytes() + line * 2)


def test_what_nobody_compared_before_the_end_is_compared_at_the_next_start(data: Path) -> None:
    copies_of(data)
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        child.stop()
        before = warned(workspace)
        assert before >= 2
        workspace.changes.delete([301, 302])
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        child.stop()
        assert warned(workspace) == 0
        workspace.changes.undo()
        assert warned(workspace) == 0  # not yet
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        child.stop()
        assert warned(workspace) == before


def test_looking_around_does_not_keep_the_dataset_from_being_compared(data: Path) -> None:
    with open_workspace(data) as workspace:
        child = analysis.start(workspace)
        until(lambda: child.progress().phase == "done", child)
        child.stop()
    worker = Worker(workspace.path)
    worker.prepare()
    worker.requests.put({"show": [1, 2], "number": 1})
    assert worker._compare_again() is True
    worker.requests.put({"changed": [1], "restructured": False, "number": 2})
    assert worker._compare_again() is False
    assert worker._compare_again() is True
    worker.db.close()
