"""Editing in place: typing, structure, JSON, undo; nothing lost, nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key

from curator.tui.examples.json_folding import fold, unfold
from curator.tui.widgets.cell import Cell
from curator.tui.widgets.editor import Editor
from curator.tui.widgets.text_field import TextField
from tests.tui.scene import NARROW, WIDE, Scene, chat, dataset, many, opened


def contents(scene: Scene) -> list[str]:
    """The contents of the example's messages as saved."""
    return [message["content"] for message in messages(scene)]


def messages(scene: Scene) -> list[dict[str, Any]]:
    """The example's messages as saved."""
    found: list[dict[str, Any]] = json.loads(scene.workspace.raw(scene.current))["messages"]
    return found


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("key", ["enter", "e"])
async def test_edit_answer_undo_redo(tmp_path: Path, size: tuple[int, int], key: str) -> None:
    async with opened(dataset(tmp_path, many(3)), size) as scene:
        before = scene.workspace.raw(1)
        await scene.press(key)
        await scene.type("!x")
        await scene.press("escape")
        assert contents(scene)[2] == "(answer1)!x"
        assert "(answer1)!x" in scene.screen_text()
        await scene.press("u")
        assert scene.workspace.raw(1) == before
        await scene.press("ctrl+r")
        assert contents(scene)[2] == "(answer1)!x"


async def test_only_the_edited_text_changes(tmp_path: Path) -> None:
    line = (
        b'{"messages":[{"role" :"user","content":"H \\u00e9"} , {"role":"assistant", "content":"(a)"}],"x":1.50}'
    )
    async with opened(dataset(tmp_path, [line])) as scene:
        await scene.press("e")
        await scene.type("b")
        await scene.press("escape")
        assert scene.workspace.raw(1) == line.replace(b'"(a)"', b'"(a)b"')


async def test_problems_tokens_and_cost_follow_each_key(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e")
        assert "0 E · 0 W" in scene.screen_text()
        counted = scene.data.editor._session.draft(scene.workspace.raw(1)).tokens
        assert counted is not None
        tokens = counted.total
        assert f"{tokens} tokens" in scene.screen_text()
        await scene.pilot.press("space")
        assert "0 E · 1 W" in scene.screen_text()
        await scene.pilot.press("backspace")
        assert "0 E · 0 W" in scene.screen_text()
        await scene.type("some more words")
        assert f"{tokens} tokens" not in scene.screen_text()


async def test_what_was_saved_has_its_tokens_at_once(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e")
        await scene.type("b")
        await scene.press("escape")
        assert scene.workspace.row(1).tokens


async def test_structure(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "ctrl+n")
        await scene.type("next question")
        await scene.press("ctrl+n")
        await scene.type("next answer")
        await scene.press("ctrl+s")
        assert [m["role"] for m in messages(scene)] == ["system", "user", "assistant", "user", "assistant"]
        assert contents(scene)[3:] == ["next question", "next answer"]
        await scene.press("ctrl+up")
        await scene.press("ctrl+s")
        assert contents(scene)[3:] == ["next answer", "next question"]
        await scene.press("ctrl+t", "ctrl+s")
        assert messages(scene)[3]["role"] == "tool"
        await scene.press("f5", "ctrl+s")
        assert contents(scene)[3:] == ["next question"]
        await scene.press("ctrl+z", "ctrl+s")
        assert contents(scene)[3:] == ["next answer", "next question"]
        await scene.press("ctrl+y", "escape")
        assert contents(scene)[3:] == ["next question"]


async def test_messages_are_walked(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "f7")
        await scene.type("?")
        await scene.press("alt+up")
        await scene.type("Y")
        await scene.press("f8", "f8")
        await scene.type("Z")
        await scene.press("escape")
        assert [text[-1] for text in contents(scene)] == ["Y", "?", "Z"]


@pytest.mark.parametrize("view", [[], ["f6"]], ids=["messages", "json"])
async def test_line_separators_inside_a_text_stay_what_they_are(tmp_path: Path, view: list[str]) -> None:
    odd = "a\u2028b\u2029c\x85d\x7fe\u202ef"
    line = json.dumps({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": odd}]},
                      ensure_ascii=False).encode()  # fmt: skip
    async with opened(dataset(tmp_path, [line])) as scene:
        await scene.press("e", *view)
        field = scene.app.focused
        assert isinstance(field, TextField)
        field.insert("X", field.document.start)
        await scene.settle()
        if not view:
            assert "Xa␤b" in scene.screen_text()
        await scene.press("escape")
        assert scene.workspace.raw(1) == (b"X" + line if view else line.replace(b'"a\xe2', b'"Xa\xe2'))


async def test_json_view(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        before = scene.workspace.raw(1)
        await scene.press("e", "f6")
        field = scene.app.screen.query_one("#json", TextField)
        assert unfold(field.true_text).encode() == before
        field.text = field.text.replace("(answer1)", "(other)")
        await scene.press("f6")
        assert "(other)" in scene.screen_text()
        await scene.press("escape")
        assert scene.workspace.raw(1) == before.replace(b"(answer1)", b"(other)")


async def test_broken_json_is_kept_and_told(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "ctrl+l")
        scene.app.screen.query_one("#json", TextField).text = '{"messages": ['
        await scene.settle()
        assert "1 E" in scene.screen_text()
        await scene.press("escape")
        assert scene.workspace.raw(1) == b'{"messages": ['
        assert scene.workspace.row(1).errors
        await scene.press("e")
        assert scene.app.screen.query_one("#json", TextField).text == '{"messages": ['


async def test_what_cannot_be_saved_stays_on_screen(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "f6")
        scene.app.screen.query_one("#json", TextField).text = ""
        await scene.press("escape")
        assert scene.data.editing
        assert "cannot be empty" in scene.toasts()


BURSTS = {
    ("f9",): "(answer1)xy",
    ("ctrl+up",): "Question number 1 about thing 919",
    ("f6", "f6", "z"): "(answer1)xyz",
    ("f6",): "(answer1)xy",
    ("f4", "z"): "z",
    ("shift+f7", "z", "shift+f8"): "(answer1)xyz",
    ("f5",): "Question number 1 about thing 919",
    ("escape",): "(answer1)xy",
    ("ctrl+z",): "(answer1)",
}
"""Keys behind a typed `xy`, and what the last message is then."""


@pytest.mark.parametrize("keys", BURSTS, ids="-".join)
async def test_keys_that_arrive_at_once_act_one_after_the_other(tmp_path: Path, keys: tuple[str, ...]) -> None:
    async with opened(dataset(tmp_path, many(3))) as scene:
        await scene.press("e")
        for key in ("x", "y", *keys, "ctrl+q"):
            scene.app.post_message(Key(key, key if len(key) == 1 else None))
        await scene.settle()
        assert contents(scene)[-1] == BURSTS[keys]


async def test_going_to_quit_saves_the_draft(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(2))
    async with opened(path) as scene:
        await scene.press("e")
        await scene.type("kept")
        await scene.press("ctrl+q")
    async with opened(path) as scene:
        assert contents(scene)[2] == "(answer1)kept"


async def test_long_examples_open_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.tui.widgets.editor.WINDOW", 10)
    long = {"messages": [{"role": "user" if n % 2 else "assistant", "content": f"m{n}"} for n in range(300)]}
    async with opened(dataset(tmp_path, [json.dumps(long).encode()])) as scene:
        await scene.press("e")
        cells = scene.app.screen.query(Cell)
        assert len(cells) == 10
        assert cells.last().index == 299
        for _ in range(10):
            await scene.press("f7")
        await scene.type("!")
        await scene.press("escape")
        assert contents(scene)[289] == "m289!"


async def test_huge_text_is_not_put_into_a_field(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [chat("x" * 1_000_000, "(a)")]), WIDE) as scene:
        await scene.press("e")
        assert "ctrl+o opens" in scene.screen_text()
        await scene.type("b")
        await scene.press("escape")
        assert contents(scene)[2] == "(a)b"


async def test_editor_keys_are_the_ones_shown(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e")
        footer = scene.screen_text().splitlines()[-1]
        assert "Done" in footer
        assert "Delete" not in footer
        assert isinstance(scene.app.screen.query_one(Editor), Editor)


@given(st.text(alphabet='[]{},:" \\ab\t1é\r', max_size=200))
def test_folding_comes_back(line: str) -> None:
    assert unfold(fold(line)) == line
