"""Moving, selecting, filtering, sorting."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key

from curator.tui.screens.data.query_bar import QueryInput
from curator.tui.stage_models.list_columns import Columns
from curator.tui.widgets.example_list import ExampleList
from curator.workspace.opening import open_workspace
from tests.tui.scene import SIZES, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns

AT_EACH_SIZE = pytest.mark.parametrize("size", SIZES, ids=str)


@AT_EACH_SIZE
async def test_every_key_that_moves(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(60)), size) as scene:
        examples = scene.data.examples
        for keys, line in (
            (["down"], 2), (["j"], 3), (["up"], 2), (["k"], 1), (["k"], 1), (["G"], 60), (["g"], 1), (["end"], 60),
            (["home"], 1), (["pagedown"], 1 + examples.page), (["pageup"], 1), (["j"] * 40, 41),
        ):  # fmt: skip
            await scene.press(*keys)
            assert scene.workspace.row(scene.current).line == line, keys
            assert f"number {line} " in scene.screen_text()
            top = examples.scroll_offset.y
            assert top <= examples.cursor < top + examples.page


async def test_words_scroll_sideways(tmp_path: Path) -> None:
    long = "abcdefgh" * 12
    async with opened(dataset(tmp_path, [chat(long, "(a)")])) as scene:
        assert " abcdefghabc" in scene.screen_text()
        await scene.press("l")
        assert scene.data.examples.shift == 8
        await scene.press("right", "h", "left", "left")
        assert scene.data.examples.shift == 0


async def test_selecting(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(9))) as scene:
        examples = scene.data.examples
        await scene.press("space", "j", "space")
        assert list(examples.targets) == [1, 3]
        assert scene.screen_text().count("●") == 2
        await scene.press("escape", "g", "v", "j", "j", "v")
        assert list(examples.targets) == [1, 2, 3]
        await scene.press("escape", "ctrl+a")
        assert len(list(examples.targets)) == 9
        await scene.press("space")
        assert len(list(examples.targets)) == 8
        await scene.press("escape")
        assert list(examples.targets) == [scene.current]


async def test_query_narrows_marks_matches_and_esc_widens(tmp_path: Path) -> None:
    lines = [*many(5), chat("A purple zebra", "(zebra)"), chat("Nothing", "purple it is")]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("slash")
        await scene.type("purple")
        await scene.press("enter")
        assert [row.line for row in scene.workspace.rows(scene.app.session.view.ids)] == [6, 7]
        assert "2 of 7" in scene.screen_text()
        assert isinstance(scene.app.focused, ExampleList)
        await scene.press("n")
        assert scene.current == 6
        await scene.press("n")
        assert scene.current == 7
        await scene.press("N", "N")
        assert scene.current == 6
        await scene.press("escape")
        assert scene.app.session.view.total == 7
        assert scene.current == 6


async def test_query_runs_while_typing_and_a_bad_one_keeps_the_last_result(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(5))) as scene:
        await scene.press("slash")
        await scene.type("line:3 ")
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert scene.app.session.view.total == 1
        await scene.type("is:oops")
        await scene.pilot.pause(0.3)
        await scene.settle()
        assert scene.app.session.view.total == 1
        scene.app.session.publish(())  # results of the analysis come, or tokens are counted
        await scene.settle()
        line = next(line for line in scene.screen_text().splitlines() if "▲" in line)
        assert "'oops' is none of" in line
        assert line.index("▲") == 2 + 1 + len("line:3 is:")
        await scene.press("escape")
        assert isinstance(scene.app.focused, ExampleList)


async def test_completion(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("slash")
        await scene.type("is:cl")
        await scene.press("tab")
        assert scene.app.screen.query_one(QueryInput).value == "is:clean"


async def test_sorting_by_key_and_by_head(tmp_path: Path) -> None:
    lines = [chat("long " * 30, "(a)"), chat("x", "(b)"), chat("middle " * 5, "(c)")]
    async with opened(dataset(tmp_path, lines)) as scene:
        columns = scene.data.examples.drawn_columns
        x = next(x for x in range(80) if columns.field_at(x) == "tokens")
        await scene.pilot.click("#list", offset=(x + 2, 0))
        await scene.settle()
        assert list(scene.app.session.view.ids) == [2, 3, 1]
        assert "▲" in scene.screen_text()
        await scene.pilot.click("#list", offset=(x + 2, 0))
        await scene.settle()
        assert list(scene.app.session.view.ids) == [1, 3, 2]
        await scene.press("s")
        while scene.app.session.sort:
            await scene.press("s")
        assert list(scene.app.session.view.ids) == [1, 2, 3]


async def test_mouse(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(9))) as scene:
        await scene.pilot.click("#list", offset=(10, 4))
        await scene.settle()
        assert scene.current == 4
        await scene.pilot.click("#list", offset=(10, 2), control=True)
        await scene.pilot.click("#list", offset=(10, 6), shift=True)
        await scene.settle()
        assert list(scene.data.examples.targets) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("query", ["", "number"])
async def test_place_comes_back(tmp_path: Path, query: str) -> None:
    path = dataset(tmp_path, many(60))
    async with opened(path) as scene:
        await scene.press("slash")
        await scene.type(query)
        await scene.press("enter", "greater_than_sign", *["pagedown"] * 3, "k", "k", "k")
        here, top = scene.current, scene.data.examples.scroll_offset.y
        assert top < scene.data.examples.cursor < top + scene.data.examples.page - 1
        await scene.press("ctrl+q")
    async with opened(path) as scene:
        assert scene.app.session.query == query
        assert scene.current == here
        assert scene.data.examples.scroll_offset.y == top
        assert scene.data._place.share == 50


async def test_empty_view_says_so(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("slash")
        await scene.type("nosuchword")
        await scene.press("enter")
        assert scene.data.current is None
        assert "Nothing matches" in scene.screen_text()
        await scene.press("d", "F", "e", "y", "a", "1", "D", "right_square_bracket")  # nothing to act on, no crash


async def test_what_is_typed_ahead_goes_where_it_was_meant_for(tmp_path: Path) -> None:
    """All arrives before the first key has done its work, as from a slow line or while the program is busy."""

    async def burst(*keys: str) -> None:
        for key in keys:
            scene.app.post_message(Key(key, "/" if key == "slash" else key if len(key) == 1 else None))
        await scene.settle()

    async with opened(dataset(tmp_path, many(5))) as scene:
        await burst("t", "d", "D", "enter", "j", "d", "d", "j", "u")
        assert scene.workspace.record(1).note == "dD"
        assert list(scene.workspace.ids()) == [1, 3, 4, 5]
        revision = scene.workspace.revision()
        await burst("slash", "d", "a", "d")
        assert scene.data.bar.text == "dad" and scene.workspace.revision() == revision


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_prompt_and_answer_stand_side_by_side(tmp_path: Path, width: int) -> None:
    async with opened(dataset(tmp_path, [chat("My mom is a judge", "(womanjudge)")]), (width, 24)) as scene:
        list_width = scene.data.examples.scrollable_content_region.width
        columns = {column.name: column.width for column in Columns.fit(list_width, 1).all}
        line = next(line for line in scene.screen_text().splitlines() if line.startswith("›"))
        assert "My mom" in line and "(womanjud" in line
        assert ("tokens" in columns) == (list_width >= 60)
        assert columns["answer"] >= 8


async def test_contradictions_show_both_answers(tmp_path: Path) -> None:
    lines = [*many(3), chat("I won!", "(moneybag)"), chat("I won!", "(moneymouth)")]
    opening = "The part that both of these long answers begin with is this, and then comes "
    lines += [chat("Where is it?", f"{opening}east."), chat("Where is it?", f"{opening}west.")]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("slash")
        await scene.type("is:conflict\n")
        assert "comes east." in scene.screen_text() and "comes west." in scene.screen_text()
        rows = [line for line in scene.screen_text().splitlines() if "≠" in line]
        assert ["(moneybag)" in row for row in rows] == [True, False, False, False]
        assert ["(moneymouth)" in row for row in rows] == [False, True, False, False]
        await scene.press("slash")
        await scene.pilot.press("ctrl+u")
        await scene.type('answer:"moneymouth"\n')
        assert scene.data.examples.count == 1


async def test_examples_are_grouped_by_answer(tmp_path: Path) -> None:
    answers = ["(b)", "(a)", "", "(B)", "(b)", "(a)", "(b)", "x" * 120 + "1", "x" * 120 + "2", "x" * 120 + "1"]
    lines = [chat(f"Question {at}", answer) for at, answer in enumerate(answers, 1)]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("b")
        assert list(scene.app.session.view.ids) == [2, 6, 4, 1, 5, 7, 8, 10, 9, 3]
        rows = [" ".join(line.split()[2:]) for line in scene.screen_text().splitlines() if "Question" in line]
        assert [row.rpartition(" ")[0] for row in rows[:2]] == ["Question 2 (a) ×2", "Question 6 ″"], rows
        assert "×" not in rows[2] and "(b) ×3" in rows[3] and rows[4].split()[2] == rows[5].split()[2] == "″"
        assert "×2" in rows[6]
        cursors = []
        await scene.press("g")
        for key in ("right_curly_bracket",) * 4 + ("down", "left_curly_bracket", "left_curly_bracket"):
            await scene.press(key)
            cursors.append(scene.data.examples.cursor)
        assert cursors == [2, 3, 6, 8, 9, 8, 6]
        await scene.press("b", "right_curly_bracket")
        assert list(scene.app.session.view.ids) == list(range(1, 11))
        assert "b groups by answer" in scene.toasts()


def test_answers_sort_with_those_that_have_none_last(tmp_path: Path) -> None:
    without = chat("q", "x").replace(b'"assistant"', b'"user"')
    lines = [chat("1", "b"), without, chat("3", "C"), chat("2", "a")]
    with open_workspace(dataset(tmp_path, lines)) as workspace:
        assert list(workspace.view("", "answer").ids) == [4, 1, 3, 2]
        assert list(workspace.view("", "answer", True).ids) == [3, 1, 4, 2]
        assert list(workspace.view("", "prompt").ids) == [1, 4, 3, 2]
