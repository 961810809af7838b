"""The tour leads through the real loop, ticks what is done, is left at any time and is kept between starts."""

from __future__ import annotations

from pathlib import Path

from curator.core.answers.contract import Contract
from curator.tui.session.last_session import LastSession
from curator.tui.stage_models.loop.tour import STEPS
from tests.tui.scene import dataset, many, opened


async def test_the_tour_goes_through_all_stages_and_back(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(20))) as scene:
        app = scene.app
        await scene.press("full_stop")
        assert "Nobody takes the tour now" in scene.toasts()
        await app.run_action("tour")
        await scene.settle()
        assert f"Tour 1 of {len(STEPS)} · The data" in scene.screen_text()
        await scene.press("enter")
        assert "· esc, then . goes on ·" in scene.screen_text()
        await scene.press("full_stop")
        assert app.tour.step == 0  # it was typed
        await scene.press("ctrl+z", "escape")
        assert "· . goes on ·" in scene.screen_text()
        await scene.press("full_stop")
        assert "✓ Tour 2" not in scene.screen_text()
        app.session.workspace.set_meta("contract", Contract(None, r"\(\w+\)").to_json())
        app.session.publish(None)
        await scene.settle()
        assert "✓ Tour 2" in scene.screen_text()
        for number, step in enumerate(STEPS[2:], 3):
            await scene.press("full_stop")
            await scene.until(f"Tour {number} of {len(STEPS)} · {step.title}")
            assert app.current_mode == step.stage
            assert step.words.split()[-1] in scene.screen_text()  # all of it is there at 80×24
        await scene.press("comma")
        assert app.tour.step == len(STEPS) - 2
        await scene.press("backslash")
        assert "Tour " not in scene.screen_text().replace("The tour is over", "")
        assert app.memory.tour == "left"
        await app.run_action("tour")
        for _ in STEPS:
            await scene.press("full_stop")
        assert app.tour.step is None


def test_the_step_is_kept(curator_home: Path) -> None:
    LastSession(tour="3").save()
    assert LastSession.load().tour == "3"
