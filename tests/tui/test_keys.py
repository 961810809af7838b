"""The key table at work: help on each focus, commands by name, keys of one's own, the line of keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual.events import Click
from textual.widgets import Static

from curator import paths
from curator.tui import actions, keys
from curator.tui.screens.dialog import CommandsHint
from curator.tui.screens.palette import PLACES, ActionCommands, CommandLines, identity, way_to
from curator.tui.widgets.key_line import KeyLine
from curator.tui.widgets.text_field import MessageField
from tests.thorough import every
from tests.tui.scene import NARROW, WIDE, Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns

FOCUS = {
    "list": (),
    "conversation": ("tab",),
    "problems": ("tab", "tab"),
    "query": ("slash",),
    "editor": ("e",),
    "facets": ("c",),
    "duplicates": ("alt+2",),
    "split": ("alt+3",),
    "train": ("alt+4",),
    "compare": ("alt+5",),
    "history": ("alt+6",),
}
"""Keys that lead from the list to what has a scope of its own."""
ELSEWHERE = {
    "disagreements",
    "suspects",
    "activity",
    "why",
    "dialog",
    "field",
    "answer",
    "providers",
    "balance",
    "members",
    "judge",
    "playground",
    "conversations",
    "effects",
    "proposals",
    "columns",
    "cards",
}
"""Scopes inside dialogs, and of what is there only when there is something to show."""


def hints(scene: Scene) -> str:
    """The last line of the screen."""
    return scene.screen_text().splitlines()[-1]


async def test_help_the_palette_and_the_line_tell_the_keys_of_what_has_the_focus(tmp_path: Path) -> None:
    offered: dict[tuple[str, str], str] = {}
    of_the_palette = set()
    async with opened(dataset(tmp_path, many(4)), WIDE) as scene:
        for scope, pressed in FOCUS.items():
            await scene.press("alt+1", *pressed)
            assert_whole_line(scene, scope)
            for command in ActionCommands(scene.app.screen).commands():
                of_the_palette.add(command.action.description)
                if command.node is not None:
                    offered[identity(command.action)] = command.title.plain
            await scene.press("f1")
            tables = [str(table.render()) for table in scene.app.screen.query(Static).filter(".keys")]
            own = next(table for table in tables if table.startswith(actions.SCOPES[scope]))
            for action in keys.of_scope(scope):
                assert not action.keys or keys.keys_of(action, {}) in own, (scope, action.id)
            if scope in ("list", "conversation", "problems", "query"):
                assert tables[0] == own
            await scene.press("escape", "escape")
    listed = [action for action in actions.ACTIONS if action.scope not in ELSEWHERE]
    assert [action.id for action in listed if identity(action) not in offered] == []
    general = ("dialog", "field")  # each dialog has buttons for them, and a field is where one types
    reached = [action.description in of_the_palette or action.scope in general for action in actions.ACTIONS]
    assert [action.id for action, is_reached in zip(actions.ACTIONS, reached, strict=True) if not is_reached] == []
    for action in listed:
        title = offered[identity(action)]
        assert title.startswith(action.description)
        assert keys.keys_of(action, {}) in title


def test_the_palette_knows_the_way_to_every_action() -> None:
    for scope in PLACES:
        first = way_to(scope)[0]
        assert first.scope == "app" or first.command.startswith("app."), scope


async def test_a_dialog_with_actions_of_its_own_offers_them_to_the_mouse(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("ctrl+p")
        await scene.type("both bad")
        await scene.press("enter")
        assert scene.app.current_mode == "compare"
        assert "Both bad is here: press b, then b" in scene.toasts()
        await scene.press("alt+1", "W", "ctrl+p")
        assert scene.app.screen.query(CommandLines)
        await scene.press("escape")
        await scene.pilot.click(CommandsHint)
        await scene.settle()
        dialog = scene.app.screen_stack[-2]
        commands = list(ActionCommands(dialog).commands())
        assert {"Reject all", "Accept and edit"} <= {command.action.description for command in commands}
        assert all(command.node is not None for command in commands)
        assert "Delete" not in {command.action.description for command in commands}
        await scene.type("reject all")
        await scene.press("enter")
        assert scene.app.screen is dialog
        await scene.press("escape", "d")  # a question has nothing but its buttons
        await scene.app.run_action("dialog('export')")
        await scene.press("ctrl+p")
        assert not scene.app.screen.query(CommandLines)


async def test_keys_of_ones_own(tmp_path: Path) -> None:
    config = paths.config_dir() / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        '[keys]\n"data.delete" = "m,ctrl+k"\n"data.edit" = "Z"\n"data.nothing" = "x"\n"data.sort" = "a"\n'
    )
    async with opened(dataset(tmp_path, many(4)), WIDE) as scene:
        assert "there is no action 'data.nothing'" in scene.toasts()
        assert "'a' is used by both" in scene.toasts()
        await scene.press("d")
        assert len(scene.workspace.ids()) == 4
        await scene.press("m")
        await scene.press("ctrl+k")
        assert len(scene.workspace.ids()) == 2
        assert " m Delete" in hints(scene)
        assert " Z Edit" in hints(scene)
        await scene.press("a")
        assert scene.workspace.row(3).review == "accepted"
        await scene.press("question_mark")
        assert any("m / ctrl+k" in str(table.render()) for table in scene.app.screen.query(Static).filter(".keys"))


def assert_whole_line(scene: Scene, scope: str) -> None:
    """The line of keys holds nothing but whole hints, and always those of help and commands."""
    line = hints(scene)
    assert (" f1 Help" if scope in ("query", "editor") else " ? Help") in line
    assert "ctrl+p Commands" in line
    known = {f"{key} {a.description}" for a in actions.ACTIONS for key in map(keys.key_label, a.keys.split(","))}
    at = 0
    while line[at:].strip():
        fitting = [words for words in known if line[at:].startswith(f" {words} ")]
        assert fitting, (scope, line[at:])
        at += max(map(len, fitting)) + 2 - (not line[at + max(map(len, fitting)) + 1 :].startswith(" "))


@pytest.mark.parametrize("size", every(2, [NARROW, (60, 16)]), ids=str)
async def test_the_line_of_keys_is_whole_and_never_without_help(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, many(4)), size) as scene:
        for scope, pressed in FOCUS.items():
            await scene.press("alt+1", *pressed)
            assert_whole_line(scene, scope)
            await scene.press("escape")


async def test_a_click_on_a_hint_presses_its_key(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.pilot.click(KeyLine, offset=(hints(scene).index("Accept"), 0))
        await scene.settle()
        assert scene.workspace.row(1).review == "accepted"
        await scene.pilot.click(KeyLine, offset=(hints(scene).index("Help"), 0))
        await scene.settle()
        assert "Previous example" in scene.screen_text()


async def test_tab_stays_in_the_editor_and_escape_leaves_it_from_the_list_too(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4)), WIDE) as scene:
        await scene.press("e", "x")
        seen = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            await scene.press(key)
            assert isinstance(scene.app.focused, MessageField)
            seen.append(scene.app.focused.text)
        assert seen == ["Answer with one shortcode.", "Question number 1 about thing 919", "(answer1)x", seen[1]]
        await scene.pilot.click(scene.data.examples, offset=(4, 3))
        await scene.press("escape")
        assert not scene.data.editing
        assert b"(answer1)x" in scene.workspace.raw(1)


async def test_the_palette_stands_pages_without_room_and_clicks_on_what_has_gone(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("colon")
        await scene.pilot.pause(0.1)
        lines = scene.app.screen.query_one(CommandLines)
        await scene.pilot.resize_terminal(1, 1)
        await scene.press("pagedown", "pagedown", "pageup")
        await scene.pilot.resize_terminal(80, 24)
        await scene.settle()
        style = Style(meta={"option": 10_000})
        lines.post_message(Click(lines, 1, 1, 0, 0, 1, False, False, False, style=style))
        await scene.press("escape")
        assert scene.data.examples.has_focus


async def test_ctrl_c_leaves_as_an_interrupted_program_and_saves_what_was_typed(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("e", "x", "ctrl+c")
        assert scene.app.return_code == 130
        assert b"(answer1)x" in scene.workspace.raw(1)
