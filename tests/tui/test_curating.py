"""Reviewing, labelling, repairing, adding, deleting, copying; each with its way back."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from textual.widgets import Input, Select

from curator.cli.main import main
from curator.tui.screens.data import curating
from curator.tui.screens.data.bulk_fix_dialog import BulkFixDialog
from curator.tui.screens.data.fix_dialog import FixDialog
from curator.tui.widgets.problems import Problems, RuleCount
from tests.tui.scene import SIZES, WIDE, Scene, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns

SPACED = chat("Tired today", "(tired) ")


async def test_review_goes_on_and_comes_back(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(5))) as scene:
        for example, (key, state) in enumerate({"a": "accepted", "x": "rejected", "f": "flagged"}.items(), 1):
            assert scene.current == example
            await scene.press(key)
            assert scene.workspace.row(example).review == state
            assert scene.current == example + 1
            for undo, redo in (("u", "ctrl+r"), ("ctrl+z", "ctrl+y")):
                await scene.press(undo)
                assert scene.workspace.row(example).review is None, undo
                await scene.press(redo)
                assert scene.workspace.row(example).review == state, redo
            await scene.press("g", *["j"] * example)


async def test_labels(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        for number, name in enumerate(scene.data.labels(), 1):
            scene.app.clear_notifications()
            await scene.press(str(number))
            assert scene.workspace.row(1).labels == (name,)
            assert name in scene.toasts()
            assert name in scene.screen_text()
            await scene.press(str(number))
            assert scene.workspace.row(1).labels == ()
        assert number == 9


async def test_labels_get_names_and_colours_of_ones_own(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    async with opened(path) as scene:
        await scene.press("L")
        scene.app.screen.query_one("#name-2", Input).value = "good"
        await scene.press("ctrl+end", "enter")
        assert "Two keys have the same label" in scene.toasts()
        scene.app.screen.query_one("#name-2", Input).value = "brilliant"
        scene.app.screen.query_one("#name-3", Input).value = ""
        scene.app.screen.query_one("#colour-2", Select).value = 7
        await scene.press("enter", "2")
        assert scene.workspace.row(1).labels == ("brilliant",)
        await scene.press("3")
        assert "There is no label 3" in scene.toasts()
    async with opened(path) as scene:
        wanted = scene.data.examples.get_component_rich_style("list--label-7").color
        drawn = [s for s in scene.data.examples.render_line(1) if s.text.strip().startswith("brill")]
        assert [s.style and s.style.color for s in drawn] == [wanted]
        await scene.press("slash")
        await scene.type("label:brilliant")
        await scene.press("enter")
        assert scene.app.session.view.total == 1


async def test_ratings_and_notes_have_keys(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("asterisk", "asterisk", "asterisk", "underscore")
        assert scene.workspace.row(1).rating == 2
        assert "★★" in scene.screen_text()
        await scene.press("t")
        await scene.type("ask")
        await scene.press("enter")
        assert scene.workspace.record(1).note == "ask"
        before = scene.app.session.note([2], "two\nlines \x1b[2J")
        await scene.press("j", "t", "enter")
        assert (
            before is not None and scene.workspace.revision() == before.id
        )  # shown with stand-ins, kept as it was
        await scene.press("t", "end", "x", "enter")
        assert scene.workspace.record(2).note == "two\nlines \x1b[2Jx"


async def test_bulk_is_one_step(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(9))) as scene:
        await scene.press("v", "j", "j", "v", "1", "d")
        assert len(scene.workspace.ids()) == 6
        assert "Deleted 3 examples · u takes it back" in scene.toasts()
        await scene.press("u")
        assert len(scene.workspace.ids()) == 9
        assert [row.labels for row in scene.workspace.rows([1, 2, 3, 4])] == [("good",)] * 3 + [()]
        await scene.press("u")
        assert not any(row.labels for row in scene.workspace.rows(scene.workspace.ids()))


async def test_delete_at_once(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        for key in ("d", "delete"):
            await scene.press("g", "j", key)
            assert list(scene.workspace.ids()) == [1, 3]
            assert scene.current == 3
            await scene.press("u")
            assert list(scene.workspace.ids()) == [1, 2, 3]


async def test_new_and_duplicate(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("D")
        assert scene.workspace.raw(scene.current) == scene.workspace.raw(1)
        assert scene.workspace.ids()[1] == scene.current
        await scene.press("plus")
        assert scene.data.editing
        await scene.type("hello")
        await scene.press("escape")
        messages = json.loads(scene.workspace.raw(scene.current))["messages"]
        assert [m["role"] for m in messages] == ["system", "user", "assistant"]
        assert "hello" in [m["content"] for m in messages]
        assert scene.workspace.record(scene.current).new


async def test_safe_fix_is_shown_and_takes_one_key(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [*many(2), SPACED])) as scene:
        await scene.press("right_square_bracket")
        assert scene.current == 3
        problems = scene.data.problems
        assert problems.rule == "surrounding_whitespace"
        assert "(tired)· → " in problems.preview
        await scene.press("F")
        assert json.loads(scene.workspace.raw(3))["messages"][2]["content"] == "(tired)"
        assert "no problems" in scene.screen_text()
        await scene.press("u")
        assert scene.workspace.raw(3) == SPACED


async def test_unsafe_fix_is_asked_for(tmp_path: Path) -> None:
    line = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "bot", "content": "(hi)"}]}'
    async with opened(dataset(tmp_path, [line])) as scene:
        await scene.press("tab", "tab")
        while scene.data.problems.rule != "unrecognized_role":
            await scene.press("j")
        await scene.press("F")
        assert isinstance(scene.app.screen, FixDialog)
        assert "assistant" in scene.screen_text()
        await scene.press("escape")
        assert scene.workspace.raw(1) == line
        await scene.press("F")
        await scene.press("enter")
        assert json.loads(scene.workspace.raw(1))["messages"][1]["role"] == "assistant"


async def test_fix_all_of_a_rule_is_one_step(tmp_path: Path) -> None:
    lines = [chat(f"Q{n}", f"(a{n}) ") for n in range(4)]
    async with opened(dataset(tmp_path, [*lines, *many(2)])) as scene:
        await scene.press("tab", "tab")
        assert isinstance(scene.app.focused, Problems)
        await scene.press("ctrl+f")
        assert "4 examples" in scene.screen_text()
        await scene.press("enter")
        assert scene.workspace.view("rule:surrounding_whitespace").total == 0
        await scene.press("ctrl+z")
        assert scene.workspace.view("rule:surrounding_whitespace").total == 4


async def test_fix_all_shows_what_may_lose_something_and_says_how_many_it_repairs(tmp_path: Path) -> None:
    said = b'{"messages":[{"role":"%s","content":"Hi %d"},{"role":"assistant","content":"Yo."}]}'
    lines = [said % (role, at) for at, role in enumerate((b"captain", b"human", b"human"))]
    async with opened(dataset(tmp_path, [*lines, *many(2)])) as scene:
        await scene.press("tab", "tab", "r", "g")
        while scene.data.problems.rule != "unrecognized_role":
            await scene.press("j")
        await scene.press("ctrl+f")
        text = scene.screen_text()
        assert "3 examples" in text and "2 of them" in text and "+ user" in text and "Fix 2 examples" in text
        await scene.press("enter")
        assert scene.workspace.view("rule:unrecognized_role").total == 1
        await scene.press("ctrl+f")
        assert "unrecognized_role has no fix" in scene.screen_text()
        await scene.press("ctrl+z")
        assert scene.workspace.view("rule:unrecognized_role").total == 3


async def test_a_fix_that_is_partly_unsafe_is_shown_first_and_never_applied_unseen(tmp_path: Path) -> None:
    said = b'{"messages":[{"role":"user","content":"Hi %d"},{"role":"assistant","content":"Yo."}]%s}'
    noted, spoken = b',"metadata":{"n":1}', b',"chosen":"Yo there."'
    lines = [said % (1, noted), said % (2, noted + spoken), said % (3, noted), b"\x1a", *many(2)]

    async def go_to(scene: Scene, word: str) -> None:
        while word not in str(scene.data.problems.current):
            await scene.press("j")

    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("j", "tab", "tab")
        await go_to(scene, "'metadata'")
        await scene.press("F")
        assert scene.workspace.raw(2) == said % (2, spoken)
        await go_to(scene, "'chosen'")
        await scene.press("F")
        assert isinstance(scene.app.screen, FixDialog) and "Yo there." in scene.screen_text()
        await scene.press("escape", "ctrl+z")
        assert scene.workspace.raw(2) == lines[1]
        await go_to(scene, "unknown_top_level_key")
        await scene.press("ctrl+f")  # not the first example, but the first that loses something is shown
        text = scene.screen_text()
        assert isinstance(scene.app.screen, BulkFixDialog) and "Yo there." in text
        assert "! line 2" in text and "line 1" in text  # what may lose something first, then all others
        assert "all of them" in text and "lose something in 1 of these" in text
        await scene.press("escape")
        assert [scene.workspace.raw(i) for i in (1, 2, 3)] == lines[:3]
        scene.data.session.fix([1, 2], "unknown_top_level_key", safe_only=True)
        assert [scene.workspace.raw(i) for i in (1, 2)] == [said % (1, b""), said % (2, spoken)]
        await scene.press("escape", "g", "j", "j", "tab", "tab")
        await go_to(scene, "'metadata'")
        await scene.press("slash")
        await scene.type("line:3")
        await scene.press("enter")
        await scene.press("tab", "tab", "ctrl+f")  # nothing of it is unsafe
        assert "before and after" not in scene.screen_text()
        await scene.press("enter")
        assert scene.workspace.raw(3) == said % (3, b"")
        await scene.press("slash")
        await scene.type("line:4")
        await scene.press("enter")
        await scene.press("tab", "tab", "F")  # a line that holds nothing goes
        assert 4 not in scene.workspace.ids()
        await scene.press("ctrl+z")
        assert scene.workspace.raw(4) == b"\x1a" and 4 in scene.workspace.ids()


async def test_a_filter_by_rule_puts_the_cursor_on_its_problem(tmp_path: Path) -> None:
    said = b'{"messages":[{"role":"user","content":"Hi %d"},{"role":"assistant","content":" Yo"}]}'
    async with opened(dataset(tmp_path, [*many(2), said % 1, said % 2]), WIDE) as scene:
        await scene.press("slash")
        await scene.type("rule:surrounding_whitespace")
        await scene.press("enter")
        for _ in range(2):
            assert scene.data.problems.count == 2
            assert scene.data.problems.rule == "surrounding_whitespace"
            await scene.press("j")


async def test_problems_by_rule_filter_the_list(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [*many(3), SPACED, chat("Q", " (b)")]), WIDE) as scene:
        await scene.press("tab", "tab", "r")
        await scene.press("g")
        problems = scene.data.problems
        assert isinstance(problems.current, RuleCount)
        while problems.rule != "surrounding_whitespace":
            await scene.press("j")
        await scene.press("enter")
        assert scene.app.session.query == "rule:surrounding_whitespace"
        assert scene.app.session.view.total == 2
        assert problems.size.height < scene.data.size.height // 2


async def test_brackets_walk_through_all_problems(tmp_path: Path) -> None:
    lines = [*many(2), SPACED, *many(2), b"{broken", *many(1)]
    async with opened(dataset(tmp_path, lines)) as scene:
        seen = []
        for _ in range(2):
            await scene.press("right_square_bracket")
            while scene.data.problems.cursor + 1 < scene.data.problems.count:
                await scene.press("right_square_bracket")
            seen.append(scene.current)
        assert seen[0] == 3 or seen == [1, 2]  # duplicates of the good lines may be told too
        await scene.press("G")
        await scene.press("left_square_bracket")
        assert scene.data.problems.count


async def test_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("tab", "j")
        await scene.press("y")
        assert scene.app.clipboard == "Question number 1 about thing 919"
        await scene.press("Y")
        assert scene.app.clipboard.encode() == scene.workspace.raw(1)
        monkeypatch.setattr(curating, "MOST_COPIED", 100)
        await scene.press("ctrl+a", "Y")  # no million lines through a terminal
        assert scene.app.clipboard.encode() == scene.workspace.raw(1)
        assert "more than a clipboard takes" in scene.toasts()


async def test_the_view_is_copied_as_a_command_that_lists_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(dataset(tmp_path, many(5))) as scene:
        await scene.press("slash")
        await scene.type("-line:2 'it\u2019s' or line:3-5")
        await scene.press("enter", "s", "s", "s", "s")
        await scene.press("ctrl+p")
        await scene.type("copy this view")
        await scene.press("enter")
        command, shown = scene.app.clipboard, list(scene.data.session.view.ids)
        assert "Copied: curator list" in scene.toasts() and "--sort" in command
    program, *words = shlex.split(command)
    assert program == "curator" and main([*words, "--json"]) == 0
    assert [each["id"] for each in json.loads(capsys.readouterr().out)["examples"]] == shown


def zoomed(scene: Scene) -> object:
    """The pane that has the whole screen."""
    return scene.data.zoomed


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_zoom_and_tab(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(5)), size) as scene:
        order = []
        for _ in range(4):
            focused = scene.app.focused
            order.append(focused.id if focused else None)
            await scene.press("tab")
        assert order[:3] == ["list", "conversation", "problems"]
        await scene.press("shift+tab")
        await scene.press("escape", "z")
        assert zoomed(scene) is scene.data.examples
        await scene.press("z")
        assert zoomed(scene) is None
        await scene.press("z", "escape")
        assert zoomed(scene) is None


async def test_reviewing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(9))
    async with opened(path) as scene:
        await scene.press("a", "j", "x", "f", "g")
    async with opened(path) as scene:
        await scene.press("G", "R")
        assert scene.current == 5
        assert "6 of 9 to review" in scene.toasts()
        await scene.press("a", "a", "a", "a", "a", "R")
        assert scene.current == 2
        scene.app.session.edit(5, "messages[1].content", "new")  # its mark says nothing about this text
        await scene.press("a", "R")
        assert scene.current == 5
        await scene.press("a", "R")
        assert "Everything in this view is reviewed" in scene.toasts()


async def test_how_many_are_selected_stands_there_before_anything_is_done(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(12))) as scene:
        await scene.press("slash")
        await scene.type("line:1-4")
        await scene.press("enter", "ctrl+a")
        assert "4 of 12 · 4 selected" in scene.screen_text()
        await scene.press("space")
        assert "3 selected" in scene.screen_text()
        await scene.press("1")
        assert "Labelled 3 examples" in scene.toasts()
        await scene.press("escape")
        assert "selected" not in scene.screen_text()
