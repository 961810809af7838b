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
from tests.tui.scene import SIZES, WIDE, Scene, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns


def contents(scene: Scene) -> list[str]:
    """The contents of the example's messages as saved."""
    return [message["content"] for message in messages(scene)]


def messages(scene: Scene) -> list[dict[str, Any]]:
    """The example's messages as saved."""
    found: list[dict[str, Any]] = json.loads(scene.workspace.raw(scene.current))["messages"]
    return found


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_edit_answer_undo_redo(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(3)), size) as scene:
        before = scene.workspace.raw(1)
        for key in ("enter", "e"):
            await scene.press(key)
            await scene.type("!x")
            await scene.press("escape")
            assert contents(scene)[2] == "(answer1)!x"
            assert "(answer1)!x" in scene.screen_text()
            await scene.press("u")
            assert scene.workspace.raw(1) == before
            await scene.press("ctrl+r")
            assert contents(scene)[2] == "(answer1)!x"
            await scene.press("u")


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
        footer = scene.screen_text().splitlines()[-1]  # the keys shown are the editor's
        assert "Done" in footer
        assert "Delete" not in footer
        assert isinstance(scene.app.screen.query_one(Editor), Editor)
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
        await scene.press("escape")
        assert scene.workspace.row(1).tokens  # of what was saved, at once


async def test_structure(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "ctrl+n")
        await scene.type("ask")
        await scene.press("ctrl+n")
        await scene.type("tell")
        await scene.press("ctrl+s")
        assert [m["role"] for m in messages(scene)] == ["system", "user", "assistant", "user", "assistant"]
        assert contents(scene)[3:] == ["ask", "tell"]
        await scene.press("ctrl+up")
        await scene.press("ctrl+s")
        assert contents(scene)[3:] == ["tell", "ask"]
        await scene.press("ctrl+t", "ctrl+s")
        assert messages(scene)[3]["role"] == "tool"
        await scene.press("f5", "ctrl+s")
        assert contents(scene)[3:] == ["ask"]
        await scene.press("ctrl+z", "ctrl+s")
        assert contents(scene)[3:] == ["tell", "ask"]
        await scene.press("ctrl+y", "escape")
        assert contents(scene)[3:] == ["ask"]


async def test_messages_are_walked_and_home_and_end_go_to_the_ends_of_a_line(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "f7")
        await scene.type("?")
        await scene.press("alt+up")
        await scene.type("Y")
        await scene.press("f8", "f8")
        await scene.type("Z")
        await scene.press("escape")
        assert [text[-1] for text in contents(scene)] == ["Y", "?", "Z"]
        await scene.press("j", "e", "home", "A", "end", "Z", "escape")
        assert contents(scene)[2] == "A(answer2)Z"


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


async def test_json_view_and_broken_json(tmp_path: Path) -> None:
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
        await scene.press("e", "ctrl+l")
        scene.app.screen.query_one("#json", TextField).text = '{"messages": ['
        await scene.settle()
        assert "1 E" in scene.screen_text()
        await scene.press("escape")
        assert scene.workspace.raw(1) == b'{"messages": ['
        assert scene.workspace.row(1).errors
        await scene.press("e")
        assert scene.app.screen.query_one("#json", TextField).text == '{"messages": ['
        scene.app.screen.query_one("#json", TextField).text = ""  # what cannot be saved stays on the screen
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
    ("home", "z"): "z(answer1)xy",
    ("home", "z", "end", "w"): "z(answer1)xyw",
    ("left", "z", "backspace", "w"): "(answer1)xwy",
}
"""Keys behind a typed `xy`, and what the last message is then."""


async def test_keys_that_arrive_at_once_act_one_after_the_other(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(1) * (len(BURSTS) + 1))
    async with opened(path) as scene:
        for keys, last in BURSTS.items():
            await scene.press("e")
            for key in ("x", "y", *keys, "escape"):
                scene.app.post_message(Key(key, key if len(key) == 1 else None))
            await scene.settle()
            assert contents(scene)[-1] == last, keys
            await scene.press("escape", "j")
        await scene.press("e")
        for key in ("x", "y", "ctrl+q"):  # quitting saves the draft, and waits for the keys before
            scene.app.post_message(Key(key, key if len(key) == 1 else None))
        await scene.settle()
    async with opened(path) as scene:
        assert b'"(answer1)xy"' in scene.workspace.raw(len(BURSTS) + 1)


async def test_long_examples_open_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.tui.widgets.editor.WINDOW", 10)
    long = {"messages": [{"role": "assistant" if n % 2 else "user", "content": f"m{n}"} for n in range(300)]}
    async with opened(dataset(tmp_path, [json.dumps(long).encode()])) as scene:
        await scene.press("e")
        cells = scene.app.screen.query(Cell)
        assert len(cells) == 10
        assert cells.last().index == 299
        await scene.press(*["f7"] * 10)
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


@given(st.text(alphabet='[]{},:" \\ab\t1é\r', max_size=200))
def test_folding_comes_back(line: str) -> None:
    assert unfold(fold(line)) == line


# Where it begins


USUAL = {"role": "system", "content": "Answer with one shortcode."}


async def test_plus_begins_in_the_prompt_with_the_usual_system_prompt(tmp_path: Path) -> None:
    odd = chat("odd one", "(o)", "Something else.")
    async with opened(dataset(tmp_path, [odd, *many(4)])) as scene:
        await scene.press("plus")
        assert "editing a new example · nothing typed yet" in scene.screen_text()
        await scene.type("hello")
        await scene.press("f8")
        await scene.type("(hi)")
        await scene.press("escape")
        assert messages(scene) == [
            USUAL, {"role": "user", "content": "hello"}, {"role": "assistant", "content": "(hi)"},
        ]  # fmt: skip
        assert scene.workspace.ids()[1] == scene.current  # behind the one it was begun from
        assert len(scene.workspace.history(10)) == 2  # the import, and one addition


async def test_a_new_example_that_is_left_empty_keeps_nothing_and_one_saved_twice_is_one(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        for keys in ((), ("x", "backspace"), ("f4",), ("ctrl+s",)):
            scene.app.clear_notifications()
            await scene.press("plus", *keys, "escape")
            assert not scene.data.editing and scene.current == 1, keys
            assert list(scene.workspace.ids()) == [1, 2], keys
            assert len(scene.workspace.history(10)) == 1, keys
            assert "no example was added" in scene.toasts(), keys
        await scene.press("plus", "x", "ctrl+s", "y", "escape")
        assert len(scene.workspace.ids()) == 3
        assert contents(scene)[1] == "xy"


async def test_a_new_example_in_an_empty_workspace(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(1))) as scene:
        await scene.press("d", "plus")
        await scene.type("hello")
        await scene.press("escape")
        assert messages(scene)[0] == {"role": "user", "content": "hello"}


PROMPT = {"role": "user", "content": "What now?"}
UNANSWERED: dict[str, list[dict[str, Any]]] = {
    "none": [PROMPT],
    "empty": [PROMPT, {"role": "assistant", "content": ""}],
    "null": [PROMPT, {"role": "assistant", "content": None}],
    "no content": [PROMPT, {"role": "assistant"}],
    "no parts": [PROMPT, {"role": "assistant", "content": []}],
    "first of two": [
        PROMPT, {"role": "assistant", "content": ""}, PROMPT, {"role": "assistant", "content": "(b)"},
    ],
    "tool result": [
        PROMPT, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "content": "7"},
    ],
}  # fmt: skip


async def test_without_an_answer_the_editor_begins_there_and_parts_are_edited_as_json(
    tmp_path: Path,
) -> None:
    parts = [{"type": "text", "text": "(a)"}, {"type": "text", "text": "(b)"}]
    examples = [*UNANSWERED.values(), [PROMPT, {"role": "assistant", "content": parts}]]
    lines = [json.dumps({"messages": example}).encode() for example in examples]
    async with opened(dataset(tmp_path, lines)) as scene:
        for (name, example), line in zip(UNANSWERED.items(), lines, strict=False):
            await scene.press("enter", "escape")
            assert scene.workspace.raw(scene.current) == line, name  # looking changes nothing
            await scene.press("enter")
            await scene.type("(um")
            await scene.press("escape")
            answered = [message for message in messages(scene) if message.get("content") == "(um"]
            assert answered and answered[0]["role"] == "assistant", name
            kept = [message for message in messages(scene) if message != answered[0]]
            assert kept == [message for message in example if message in kept] and PROMPT in kept, name
            await scene.press("j")
        await scene.press("enter")
        assert scene.app.focused is not None and scene.app.focused.id == "json"
