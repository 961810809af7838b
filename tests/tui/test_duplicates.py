"""Duplicates stage: every planted copy and contradiction is settled, and brought back, with one key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from curator import paths
from curator.tui.screens.duplicates.screen import DuplicatesScreen
from curator.tui.session import duplicate_groups
from curator.tui.session.changed import Changed
from curator.tui.session.duplicate_groups import DuplicateGroup, DuplicateGroups
from curator.tui.stage_models import settle_group
from curator.tui.widgets.line_list import LineList
from curator.workspace import meter
from curator.workspace.opening import open_workspace
from curator.workspace.records import Record
from curator.workspace.storage.examples import StoredExamples
from tests.tui.scene import SIZES, Scene, chat, dataset, opened

pytestmark = pytest.mark.by_turns

SAMPLE = paths.packaged("sample_data") / "emojibot.jsonl"


def stage(scene: Scene) -> DuplicatesScreen:
    screen = scene.app.screen
    assert isinstance(screen, DuplicatesScreen)
    return screen


def kinds(scene: Scene) -> list[str]:
    return [group.kind for group in stage(scene)._groups]


LINES = [
    chat("The plumber needs a bigger wrench.", "(tools)"),
    chat("The plumber needs a bigger wrench.", "(tools)"),
    chat("My train is late again today, sigh.", "(train)"),
    chat("My train is late again today, sigh!", "(angry)"),
    chat("Something else entirely", "(smile)"),
    chat("Logging off now, I will see all of you next week!", "(bye)"),
    chat("Logging off now, I will see you all next week!", "(bye)"),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_groups_are_listed_with_marks_and_members(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, LINES), size) as scene:
        await scene.press("alt+2")
        assert kinds(scene) == ["conflict", "exact", "near"]
        text = scene.screen_text()
        assert "≠ 1 contradictions" in text
        assert "● line 3" in text
        assert "○ line 4" in text


async def test_a_copy_goes_with_one_key_and_comes_back_with_one(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "down", "x")
        assert list(scene.workspace.ids()) == [1, 3, 4, 5, 6, 7]
        assert kinds(scene) == ["conflict", "near"]
        await scene.press("u")
        assert len(scene.workspace.ids()) == 7
        assert kinds(scene) == ["conflict", "exact", "near"]


async def test_the_member_to_keep_is_chosen_by_hand(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "tab", "down")
        assert "● line 4" in scene.screen_text()
        await scene.press("x")
        assert 3 not in scene.workspace.ids()
        assert 4 in scene.workspace.ids()


async def test_a_contradiction_gets_one_answer_with_one_key(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "a")
        answers = {scene.workspace.record(i).example.value["messages"][-1]["content"] for i in (3, 4)}
        assert answers == {"(train)"}
        assert "conflict" not in kinds(scene)
        await scene.press("u")
        assert kinds(scene)[0] == "conflict"


async def test_all_groups_at_once_is_one_change_and_leaves_contradictions(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "X")
        assert "Delete 2 copies in 2 groups" in scene.screen_text()
        await scene.press("enter")
        assert list(scene.workspace.ids()) == [1, 3, 4, 5, 6]
        assert kinds(scene) == ["conflict"]
        await scene.press("u")
        assert len(scene.workspace.ids()) == 7


async def test_not_a_duplicate_is_remembered(tmp_path: Path) -> None:
    path = dataset(tmp_path, LINES)
    async with opened(path) as scene:
        await scene.press("alt+2", "G", "N")
        assert kinds(scene) == ["conflict", "exact"]
    async with opened(path) as scene:
        await scene.press("alt+2")
        assert kinds(scene) == ["conflict", "exact"]


async def test_threshold_and_policy_move(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2")
        assert "68: 2   70: 2  [72: 2]  74: 2   76: 2" in scene.screen_text()
        await scene.press(*["plus"] * 14)
        assert "98: 1  [100: 1]" in scene.screen_text()
        assert "near" not in kinds(scene)
        await scene.press(*["minus"] * 14)
        assert "near" in kinds(scene)
        await scene.press("K")
        assert "keeps the newest" in scene.screen_text()
        await scene.press("down", "x")
        assert 2 in scene.workspace.ids()
        assert 1 not in scene.workspace.ids()


async def test_prompts_or_answers_alone_are_compared(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "c")
        assert "Compares prompts" in scene.screen_text()
        assert kinds(scene) == ["exact", "normalised", "near"]
        await scene.press("c")
        assert [group.ids for group in stage(scene)._groups] == [(1, 2), (6, 7)]
        scene.app.session.edit(5, "messages[2].content", "(bye)")
        await scene.settle()
        assert [group.ids for group in stage(scene)._groups] == [(1, 2), (5, 6, 7)]
        await scene.press("c")
        assert kinds(scene) == ["conflict", "exact", "near"]


async def test_merging_keeps_what_people_said(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        scene.workspace.changes.label([2], "good")
        scene.workspace.changes.rate([2], 5)
        scene.workspace.changes.note([2], "seen")
        await scene.press("alt+2", "down", "m")
        row = scene.workspace.row(1)
        assert (row.labels, row.rating) == (("good",), 5)
        assert scene.workspace.record(1).note == "seen"
        assert 2 not in scene.workspace.ids()
        await scene.press("u")
        row = scene.workspace.row(1)
        assert not (row.labels or row.rating or scene.workspace.record(1).note)
        assert 2 in scene.workspace.ids()


async def test_an_edit_that_makes_it_differ_takes_it_out_of_its_group_at_once(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2")
        assert "exact" in kinds(scene)
        scene.app.session.edit(2, "messages[1].content", "A walrus has stolen the bucket of my neighbour")
        await scene.pilot.pause()
        assert "exact" not in kinds(scene)
        scene.app.session.edit(2, "messages[1].content", "The plumber needs a bigger wrench.")
        await scene.pilot.pause()
        assert "exact" in kinds(scene)


async def test_a_search_is_stopped_and_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    async def find(self: DuplicateGroups, report: Callable[[str, float], None]) -> None:
        report("comparing", 0.25)
        begun.append("")
        await asyncio.sleep(60)

    monkeypatch.setattr(DuplicateGroups, "find", find)
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.pilot.press("alt+2")
        await scene.pilot.pause()
        assert "comparing 25%" in scene.screen_text()
        await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert "Stopped; esc looks again" in scene.screen_text()
        await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert len(begun) == 2
        await scene.press("escape")


async def test_opening_a_member_goes_to_the_data_stage(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        await scene.press("alt+2", "G", "o")
        assert scene.current == 6


async def test_every_planted_copy_and_contradiction_of_the_sample_is_settled_with_one_key(tmp_path: Path) -> None:
    path = tmp_path / "emojibot.jsonl"
    path.write_bytes(SAMPLE.read_bytes())
    faults = json.loads((SAMPLE.parent / "emojibot-faults.json").read_text())
    listed = faults["faults"] if isinstance(faults, dict) else faults
    planted = {f["line"] for f in listed if f["kind"].startswith("duplicate") or f["kind"] == "conflict"}
    async with opened(path) as scene:
        await scene.press("alt+2")
        groups = list(stage(scene)._groups)
        assert planted <= {example for finding in groups for example in finding.ids}
        for _ in groups:
            await scene.press("x")
        assert stage(scene).query_one("#groups", LineList).count == 0
        assert "no copies and no contradictions" in scene.screen_text()
        for _ in groups:
            await scene.pilot.press("u")
        await scene.settle()
        assert len(stage(scene)._groups) == len(groups)


async def test_all_groups_are_chosen_with_progress_and_each_example_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [chat(f"Question {n // 3} of its own", f"(answer {n // 3})") for n in range(30)]
    told: list[tuple[str, int, int]] = []
    read: list[int] = []
    records = StoredExamples.records

    def counted(self: StoredExamples, ids: Sequence[int]) -> Iterator[Record]:
        read.extend(ids)
        return records(self, ids)

    with open_workspace(dataset(tmp_path, lines)) as workspace:
        groups = [DuplicateGroup("exact", (n, n + 1, n + 2)) for n in range(1, 31, 3)]
        monkeypatch.setattr(meter, "EVERY", 1)
        monkeypatch.setattr(StoredExamples, "records", counted)
        with workspace.reporting_to(lambda *words: told.append(words)):
            others = settle_group.surplus(workspace, groups, "newest", {(1, 2, 3): 2})
        assert list(others) == [1, 3, *(n for n in range(4, 31) if n % 3)]
        assert read == list(range(4, 31))
        assert told == [("Choosing", n, 10) for n in range(10)]


async def test_what_changed_is_compared_in_portions_and_a_stop_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_groups, "PORTION", 4)
    lines = [chat(f"Question {n} of its own kind", f"(answer {n})") for n in range(10)]
    with open_workspace(dataset(tmp_path, lines)) as workspace:
        copies = DuplicateGroups(workspace)
        await copies.find(lambda *_: None)
        same = chat("Where is it?", "(there)")
        workspace.changes.replace_many(dict.fromkeys(range(1, 11), same), "Changed 10")
        copies.note_change(Changed(None))
        shares: list[float] = []

        def goes_on(share: float) -> bool:
            shares.append(share)
            return len(shares) < 3

        copies._catch_up(goes_on)
        assert shares == [0.0, 0.4, 0.8]
        assert [group.ids for group in copies.groups(72.0)] == [tuple(range(1, 11))]
