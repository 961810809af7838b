"""Data that wants to harm the screen: every row, in every pane, at every size, without a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.events import Paste

from curator.core.text import printable
from curator.tui import stage_list
from tests.thorough import rotating
from tests.tui.scene import WIDE, chat, dataset, opened

pytestmark = pytest.mark.by_turns

TEXTS = (
    "[/b]",
    "[link='",
    "[$x] [A] a[i]",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b]52;c;eA==\x07",
    "\x00\x08\x7f\x9b",
    "\u202egnp\u2066",
    "😀👩‍👩‍👧 é 日本語",
    "a\u2028b\u2029c\u0085d\x0be",
    "tab\tand\nline\r\nfeed",
    "",
    " ",
    "x" * 100_000,
    "\n" * 20_000,
)
LINES = (
    *(chat(text, text, text) for text in TEXTS),
    *(
        json.dumps({"messages": [dict.fromkeys(["role", "content", "name", text], text)]}).encode()
        for text in TEXTS
    ),
    b"{broken",
    b"[]",
    b"null",
    b"[1, 2]",
    b'"text"',
    b"NaN",
    b"\xff\xfe",
    b"{}",
    b'{"messages": null}',
    b'{"messages": [null, 1, [], "x", {"role": null, "content": {"a": [1]}}]}',
    b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
    b'{"prompt": "[/b]", "completion": "\x1b[2J"}',
    b'{"input": {"messages": [{"role": "user", "content": "[/x]"}], "tools": [{}]}, "preferred_output": '
    b'[{"role": "assistant", "content": "[link=\'"}], "non_preferred_output": [7]}',
    b'{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "[/b]", "arguments": "\\u001b[2J"}}'
    b', 3], "content": [{"type": "text", "text": "[/b]"}, {"type": "image_url", "image_url": {"url": "[/b]"}}, 5]}'
    b"]}",
    b"[" * 3_000 + b"]" * 3_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"messages": [' + b",".join([b'{"role": "user", "content": "m"}'] * 3_000) + b"]}",
)


def clean(text: str) -> bool:
    """Whether nothing on the screen would be obeyed by a terminal."""
    return printable(text) == text


PARTS = 2
"""Tests that one long test is cut into, for several processes."""


@pytest.mark.parametrize("size", rotating(2, [WIDE, (60, 16)]), ids=str)
async def test_every_row_can_be_looked_at(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, LINES), size) as scene:
        assert scene.app.session.view.total == len(LINES)
        for _ in LINES:
            assert clean(scene.screen_text())
            await scene.pilot.press("j")
        await scene.settle()
        assert scene.current == len(LINES)


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_row_can_be_edited_and_comes_back_unchanged(tmp_path: Path, part: int) -> None:
    """At 80×24, through both forms of the editor each; some straight back from the form of messages too."""
    mine = rotating(4, list(enumerate(LINES))[part::PARTS])
    async with opened(dataset(tmp_path, [line for _, line in mine])) as scene:
        before = scene.workspace.revision()
        for number, line in mine:
            forms = [["e", "f6", "escape"]] + [["e", "escape"]] * (number < len(TEXTS) and number % 3 == 0)
            for keys in forms:
                await scene.press(*keys[:-1])
                assert scene.data.has_class("-editing")
                assert clean(scene.screen_text())
                await scene.press(keys[-1])
                assert not scene.data.editing
                assert scene.workspace.raw(scene.current) == line
            await scene.press("j")
        assert scene.workspace.revision() == before


async def test_names_notes_and_labels_are_text(tmp_path: Path) -> None:
    path = tmp_path / "[link='\x1b[2J.jsonl"
    path.write_bytes(chat("a", "(b)") + b"\n")
    async with opened(path) as scene:
        scene.app.session.label([1], "[/b] x", True)
        scene.app.session.note([1], "[@click=app.quit]\x1b[2J")
        await scene.settle()
        assert "[/b] x" in scene.screen_text()
        assert "[@click=app.quit]␛[2J" in scene.screen_text()
        assert clean(scene.screen_text())


async def test_small_terminals_say_so(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES[:3]), (1, 1)) as scene:
        for width, height in ((1, 1), (20, 5), (59, 24), (80, 15)):
            await scene.pilot.resize_terminal(width, height)
            await scene.press("j", "question_mark", "escape", "e", "escape", "colon", "escape")
            assert width < 20 or "60×16" in scene.screen_text()
        await scene.pilot.resize_terminal(80, 24)
        await scene.settle()
        assert "Curator needs" not in scene.screen_text()
        assert "examples" in scene.screen_text()


async def test_a_storm_of_resizes_loses_no_key_and_breaks_no_dialog(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [chat(f"q{n}", f"(a{n})") for n in range(30)])) as scene:
        for n in range(10):
            await scene.pilot.resize_terminal(20 + n * 14, 5 + n * 4)
            await scene.pilot.press("j")
        await scene.settle()
        assert scene.current == 11
        for name in rotating(8, list(stage_list.DIALOGS)):
            scene.app.action_dialog(name)
            await scene.settle()
            dialog = scene.app.screen
            for width, height in ((300, 80), (30, 8), (60, 16)):
                await scene.pilot.resize_terminal(width, height)
                await scene.pilot.pause()
                box = dialog.query_one(".box").region
                assert box.width <= width and box.height <= height, (name, width)
            assert scene.app.screen is dialog
            await scene.press("escape")
            assert scene.app.screen is not dialog, name


async def test_a_paste_of_ten_megabytes_is_refused_or_cut(tmp_path: Path) -> None:
    big = ("word " * 20 + "\n") * 100_000
    async with opened(dataset(tmp_path, [chat("a", "(b)")])) as scene:
        raw = scene.workspace.raw(1)
        for keys in (("e",), ("slash",), ("percent_sign",), ()):
            await scene.press(*keys)
            scene.app.post_message(Paste(big))
            await scene.settle()
            assert len(scene.screen_text()) < 10_000
            await scene.press("escape", "escape", "escape")
            assert scene.workspace.raw(1) == raw
        assert "Not pasted: 10,100,000 characters" in scene.toasts()
