"""Going from stage to stage: by key, as terminals send it, by name, by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from curator.tui import keys
from curator.tui import stage_list as screens
from tests.tui.scene import dataset, many, opened

pytestmark = pytest.mark.by_turns

STAGES = [(entry.name, f"alt+{entry.key}", entry.key) for entry in screens.STAGES.values()]


async def test_by_key_by_name_and_by_mouse(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        for name, key, _ in [*STAGES[1:], STAGES[0]]:
            await scene.press(key)
            assert scene.app.current_mode == name
        await scene.press("ctrl+p")
        await scene.type("History")
        await scene.until("History")
        await scene.settle()
        await scene.press("enter")
        assert scene.app.current_mode == "history"
        await scene.pilot.click(scene.app.screen.query("StageTab")[2])
        await scene.settle()
        assert scene.app.current_mode == "split"


@pytest.mark.parametrize(("name", "key", "digit"), STAGES)
def test_what_terminals_send_for_alt_and_a_digit_is_bound(name: str, key: str, digit: int) -> None:
    for sent in (f"\x1b{digit}", f"\x1b[{48 + digit};3u"):
        (event,) = [event for event in XTermParser().feed(sent) if isinstance(event, Key)]
        bound = [b for b in keys.bindings("app") if not isinstance(b, tuple) and event.key in b.key.split(",")]
        assert [b.action for b in bound] == [f"stage('{name}')"]
