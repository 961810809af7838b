"""Splitting and exporting from the UI."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from textual.widgets import Input, Select

from curator.tui.screens.split.screen import SplitScreen
from tests.tui.scene import SIZES, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_split_by_two_keys_and_back_by_one(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(40)), size) as scene:
        await scene.press("S", "enter")
        counts = scene.workspace.counts()
        assert (counts.train, counts.validation) == (36, 4)
        await scene.press("alt+3")
        assert "validation 4" in scene.screen_text()
        await scene.press("u")
        assert scene.workspace.counts().validation == 0
        assert "No split yet" in scene.screen_text()


async def test_the_same_seed_is_the_same_split(tmp_path: Path) -> None:
    held = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        async with opened(dataset(folder, many(40))) as scene:
            await scene.press("S")
            scene.app.screen.query_one("#seed", Input).value = "7"
            await scene.press("enter")
            held.append(list(scene.workspace.view("split:validation").ids))
    assert held[0] == held[1]


async def test_new_examples_join_and_nobody_moves(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(40))) as scene:
        await scene.press("S", "enter")
        before = set(scene.workspace.view("split:validation").ids)
        for line in many(60)[40:]:
            scene.app.session.add(line, None)
        await scene.press("S", "enter")
        after = set(scene.workspace.view("split:validation").ids)
        assert before < after
        assert len(after) == 6


async def test_wrong_words_leaks_pair_by_pair_and_answers_by_side(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(20))) as scene:
        await scene.press("S")
        scene.app.screen.query_one("#validation", Input).value = "many"
        await scene.press("enter")
        assert "Validation is a number" in scene.toasts()
        await scene.press("escape")
        assert scene.workspace.counts().validation == 0
        await scene.press("S", "enter", "alt+3")
        screen = scene.app.screen
        assert isinstance(screen, SplitScreen)
        assert "(answer1)" in scene.screen_text()
        await scene.press("enter")
        assert scene.app.session.view.total == 1
        await scene.press("escape", "alt+3", "c")
        assert "No leak" in scene.toasts()
        copied = scene.workspace.view("split:validation").ids[0]
        raw = scene.workspace.raw(copied)
        change = scene.app.session.add(raw, None)
        assert change is not None
        scene.workspace.changes.assign(change.ids, "train")
        await scene.press("c")
        assert "1 held-out example has a copy in training" in scene.toasts()


async def test_export_writes_what_the_list_shows_byte_for_byte(tmp_path: Path) -> None:
    lines = many(12)
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("E")
        out = tmp_path / "out.jsonl"
        scene.app.screen.query_one("#path", Input).value = str(out)
        await scene.press("enter")
        assert out.read_bytes() == b"".join(line + b"\n" for line in lines)
        assert "12 examples" in scene.toasts()

        # Marks go along where they are wanted: beside the file, or under a key; CSV holds none.
        await scene.press("a", "E")
        scene.app.screen.query_one("#path", Input).value = str(out)
        await scene.press("tab", "tab", "space", "down", "enter", "enter")
        assert "out.jsonl will be replaced" in scene.screen_text()
        await scene.press("enter")
        marks = [json.loads(line) for line in (tmp_path / "out.jsonl.marks.jsonl").read_text().splitlines()]
        assert [(each["line"], each["review"]) for each in marks] == [(1, "accepted")]
        await scene.press("E")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "keys.jsonl")
        await scene.press("tab", "tab", "space", "down", "down", "enter", "enter")
        first, second = (tmp_path / "keys.jsonl").read_text().splitlines()[:2]
        assert json.loads(first)["curator_marks"] == {"review": "accepted"} and "curator_marks" not in second
        await scene.press("E")
        scene.app.screen.query_one("#format", Select).value = "csv"
        scene.app.screen.query_one("#marks", Select).value = "keys"
        await scene.press("enter")
        assert "holds no marks" in scene.toasts()


async def test_export_of_the_selection_in_another_format_tells_count_and_hash(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(12))) as scene:
        await scene.press("space", "space", "E")
        assert "2 selected examples" in scene.screen_text()
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "out.jsonl")
        scene.app.screen.query_one("#format", Select).value = "csv"
        await scene.settle()
        assert scene.app.screen.query_one("#path", Input).value == str(tmp_path / "out.csv")
        await scene.press("enter")
        written = (tmp_path / "out.csv").read_bytes()
        assert written.count(b"\r\n") == 3
        assert f"out.csv: 2 examples, {len(written)} bytes" in scene.toasts()
        assert hashlib.sha256(written).hexdigest() in scene.toasts()


async def test_export_of_both_sides_and_asking_before_replacing(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(20))) as scene:
        await scene.press("S", "enter", "E")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "out.jsonl")
        await scene.press("enter")
        files = [tmp_path / "out-train.jsonl", tmp_path / "out-validation.jsonl"]
        assert [len(file.read_bytes().splitlines()) for file in files] == [18, 2]
        files[0].write_bytes(b"old")
        await scene.press("E")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "out.jsonl")
        await scene.pilot.press("enter")
        await scene.pilot.pause()
        assert "will be replaced" in scene.screen_text()
        await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert files[0].read_bytes() == b"old"


async def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("E")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "no" / "such" / "out.jsonl")
        await scene.press("enter")
        assert "cannot write" in scene.toasts()


async def test_pinned_examples_stay_where_they_are_whatever_is_divided(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(40))) as scene:
        await scene.press("p", "j", "p", "p")
        assert "Pinned line 2 to validation" in scene.toasts()
        for seed in ("1", "2", "3"):
            await scene.press("S")
            scene.app.screen.query_one("#seed", Input).value = seed
            keep = scene.app.screen.query_one("#keep")
            keep.value = False  # type: ignore[attr-defined]
            await scene.press("enter")
            held = list(scene.workspace.view("split:validation").ids)
            assert 1 not in held
            assert 2 in held
            assert len(held) == 4
        await scene.press("alt+3")
        assert "2 pinned" in scene.screen_text()
        await scene.press("alt+1", "g", "p", "p", "p")
        assert scene.workspace.row(1).labels == ()
        await scene.press("u")
        assert (scene.workspace.row(1).labels, scene.workspace.row(1).split) == (("pinned",), "test")


async def test_an_answer_is_held_out_whole_with_one_key(tmp_path: Path) -> None:
    lines = [*many(20), chat("Shall we go for a swim?", "(swim)"), chat("The pool opens at nine.", "(swim)")]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("S", "enter", "alt+3", "v")
        assert list(scene.workspace.view("label:pinned").ids) == [21, 22]
        assert {21, 22} <= set(scene.workspace.view("split:validation").ids)
        await scene.press("r")
        assert not scene.workspace.view("label:pinned").total


async def test_copies_of_a_test_file_in_training_are_listed(tmp_path: Path) -> None:
    lines = [*many(20), chat("Logging off now, I will see all of you next week!", "(bye)")]
    test = tmp_path / "test.jsonl"
    near = chat("Logging off now, I will see you all next week!", "(bye)")
    test.write_bytes(chat("Nothing like it", "(no)") + b"\n" + near + b"\n" + lines[4] + b"\n")
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("alt+3", "f")
        scene.app.screen.query_one(Input).value = str(test)
        await scene.press("enter")
        assert "2 lines of the file have a copy in training: 2, 3" in scene.toasts()
        assert list(scene.app.session.view.ids) == [5, 21]


async def test_a_test_side_is_drawn_beside_the_validation_side(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(40))) as scene:
        await scene.press("S", "enter")
        before = set(scene.workspace.view("split:validation").ids)
        await scene.press("S")
        scene.app.screen.query_one("#test", Input).value = "0.1"
        await scene.press("enter")
        assert set(scene.workspace.view("split:validation").ids) == before
        tested = set(scene.workspace.view("split:test").ids)
        assert len(tested) == 4 and not tested & before
        await scene.press("S", "enter", "escape")  # divided again, each keeps its side
        assert set(scene.workspace.view("split:test").ids) == tested
        await scene.press("alt+3")
        assert "test 4" in scene.screen_text() and "sealed, never opened" in scene.screen_text()
        await scene.press("alt+1", "p", "p", "p")
        assert scene.workspace.record(1).split == "test"
        assert "Pinned line 1 to test" in scene.toasts()
