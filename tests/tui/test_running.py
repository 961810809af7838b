"""A training that runs is told on every stage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from curator.jobs.http.provider_records import Event
from curator.jobs.ledger.ledger import Run
from curator.tui.session.job_watch import JobWatch
from tests.tui.scene import NARROW, Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns


async def run_training(scene: Scene, status: str, steps: tuple[int, int] | None) -> None:
    """Store a run as a job at a provider would be, and tell the screens."""
    watch = scene.app.job_watch
    run = Run("run-1", "nowhere", "x", "a-model", status, "f", time.time(), "ftjob-1", examples=4)
    watch.ledger.claim(run)
    if steps is not None:
        data = {"step": steps[0], "total_steps": steps[1]}
        watch.ledger.add_events("run-1", [Event("e1", int(time.time()), "info", "Step", "metrics", data)])
    watch.changed.publish("run-1")
    await scene.settle()


@pytest.fixture(autouse=True)
def no_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider is asked: the ledger alone says how far the job is."""
    monkeypatch.setattr(JobWatch, "start", lambda self: None)


@pytest.mark.parametrize(
    ("status", "steps", "words"),
    [("running", (31, 50), "▸ training 62 %"), ("queued", None, "▸ training: queued")],
)
async def test_every_stage_tells_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, steps: tuple[int, int] | None, words: str
) -> None:
    async with opened(dataset(tmp_path, many(4)), NARROW) as scene:
        await run_training(scene, status, steps)
        for key in ("alt+1", "alt+2", "alt+3", "alt+4", "alt+5", "alt+6"):
            await scene.press(key)
            await scene.until(words)
        await scene.press("alt+5")
        assert ", alt+4 shows it." in scene.screen_text()
        assert "T trains one" not in scene.screen_text()
        steered: list[tuple[str, str]] = []

        async def steer(watch: JobWatch, run: Run, action: str) -> None:
            steered.append((run.run, action))

        monkeypatch.setattr(JobWatch, "steer", steer)
        await scene.press("exclamation_mark")
        assert f"{words.removeprefix('▸ ')} · c stops it" in scene.screen_text()
        await scene.press("c", "escape")
        assert steered == []
        await scene.press("c", "enter")
        assert steered == [("run-1", "cancel")]
        await scene.press("enter")  # goes to the training
        assert scene.app.current_mode == "train" and f"#1  {status}" in scene.screen_text()


async def test_no_training_is_told_once_it_is_over(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4)), NARROW) as scene:
        await run_training(scene, "failed", (31, 50))
        assert "training" not in scene.screen_text()
