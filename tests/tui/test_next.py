"""What to write next: the cards and each of their keys, on a provider named `local` over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from curator import settings
from curator.tui.screens.dataset.next_dialog import NextDialog
from curator.tui.session import next_cards
from tests.jobs.fake_provider import KEY, running
from tests.tui.scene import chat, dataset, opened

pytestmark = pytest.mark.by_turns

FRESH = ["Puddles in every street", "The sourdough rose twice", "My canary whistles", "Nobody came to my party"]


async def test_cards_are_taken_edited_thrown_away_and_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["cat", "train", "party", "rain", "dog", "cake"]
    path = dataset(tmp_path, [chat(f"Something of a {word}", f"({word})") for word in words])
    raw = tmp_path / "raw.txt"
    raw.write_text("\n".join([*FRESH, "something of a CAT!"]))
    async with running() as fake:
        fake.reply = lambda model, asked: f"({asked.split()[-1].lower()})"
        monkeypatch.setenv("LOCAL_KEY", KEY)
        settings.path().parent.mkdir(parents=True, exist_ok=True)
        settings.path().write_text(
            f'[providers.local]\nkind = "compatible"\nbase_url = "{fake.base_url}"\n'
            'model = "m"\napi_key_env = "LOCAL_KEY"\n'
        )
        async with opened(path, (110, 34)) as scene:
            await scene.press("Q")
            assert isinstance(scene.app.screen, NextDialog)
            await scene.type(str(tmp_path / "nothing.txt"))
            await scene.press("enter")
            await scene.until("cannot read")
            await scene.press("ctrl+u")
            await scene.type(str(raw))
            await scene.press("enter")
            await scene.until("4 of 5 prompts answered by m")
            says = str(scene.app.screen.query_one("#says", Static).content)
            assert "1 are there already" in says and "does not tell how sure" in says
            assert "an answer never used" in scene.screen_text()
            first, second = scene.app.screen._cards[:2]
            await scene.press("s")
            assert scene.app.screen._cards[-1] == first
            await scene.press("x", "enter")
            assert second not in scene.app.screen._cards and len(scene.workspace.ids()) == 7
            assert len(scene.app.screen._cards) == 2 and "Took" in scene.toasts()
            await scene.press("u")
            assert len(scene.workspace.ids()) == 6
            await scene.press("e")  # into the editor, with the usual system prompt before it
            added = scene.workspace.record(scene.current).example.value["messages"]
            assert [message["role"] for message in added] == ["system", "user", "assistant"]
            assert added[1]["content"] in FRESH
            await scene.press("escape")
            await scene.press("Q", "enter")  # the same file again
            await scene.until("prompts answered by m")
            shown = {card.prompt for card in scene.app.screen._cards}
            assert second.prompt not in shown and added[1]["content"] not in shown  # thrown away; there already
            assert scene.workspace.meta(next_cards.FILE) == str(raw)
            await scene.press("escape")
