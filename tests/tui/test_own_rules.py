"""Own rules of the configuration folder: their findings in the list, in queries, in counts of rules, in Train."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curator.paths import config_dir
from tests.tui.scene import WIDE, dataset, many, opened

pytestmark = pytest.mark.by_turns

RULES = """
[no_three]
severity = "error"
roles = ["user"]
pattern = "3"
why = "Threes are unlucky."
"""


async def test_own_rules_are_rules_like_any_other(tmp_path: Path) -> None:
    folder = config_dir() / "rules"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(RULES)
    lines = many(12)
    hit = sum("3" in json.loads(line)["messages"][-2]["content"] for line in lines)
    assert 0 < hit < 12
    async with opened(dataset(tmp_path, lines), WIDE) as scene:
        scene.app.session.start()  # the analysis, as a window has it
        await scene.until(f"{hit} E")
        await scene.press("/")
        await scene.type("rule:own:no_three")
        await scene.press("enter")
        assert f"{hit} of 12" in scene.screen_text(), scene.screen_text()
        await scene.press("tab", "r")
        assert "own:no_three" in scene.screen_text(), scene.screen_text()
        await scene.press("T")
        await scene.until("own:no_three")
