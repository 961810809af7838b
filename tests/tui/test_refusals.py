"""What a provider refuses is a screen with the way out, and nothing is paid twice or lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Select, Static

from curator import paths
from curator.tui.screens.train.dialog import TrainDialog
from curator.tui.screens.train.screen import TrainScreen
from curator.tui.screens.train.submitting import SubmitDialog
from tests.jobs.fake_provider import KEY, REFUSED, FakeProvider, running
from tests.tui.scene import NARROW, Scene, dataset, opened

pytestmark = pytest.mark.by_turns

CLEAN = paths.packaged("sample_data") / "emojibot-clean.jsonl"


def configure(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider `openai` of the configuration, at the fake's address."""
    monkeypatch.setenv("TEST_KEY", KEY)
    file = paths.config_dir() / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[providers.openai]\nkind = "openai"\nbase_url = "{fake.base_url}"\n'
        'api_key_env = "TEST_KEY"\nmodel = "gpt-4.1-mini-2025-04-14"\n'
    )


async def start_training(scene: Scene) -> str:
    """T, the provider openai, enter; returns what the screen then says."""
    scene.workspace.set_meta("ui.provider", "openai")
    await scene.press("T")
    dialog = scene.app.screen
    assert isinstance(dialog, TrainDialog)
    for _ in range(200):
        await scene.pilot.pause(0.05)
        text = str(dialog.query_one("#estimate", Static).content)
        if "tokens ×" in text:
            break
    else:
        raise AssertionError(text)
    await scene.pilot.press("enter")
    for _ in range(300):
        await scene.pilot.pause(0.05)
        screen = scene.app.screen
        if not isinstance(screen, SubmitDialog | TrainDialog):
            break
        if isinstance(screen, SubmitDialog) and str(screen.query_one("#trouble", Static).content):
            break
    return scene.screen_text()


async def test_an_organisation_that_may_not_train_is_told_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        fake.fault("POST", "fine_tuning/jobs$", "refuse", times=9, status=403, body=REFUSED)
        path = dataset(tmp_path, CLEAN.read_bytes().splitlines()[:60])
        async with opened(path, NARROW) as scene:
            text = await start_training(scene)
            assert "no longer" in text or "winding down" in text
            assert "Train it here instead" in text and "Training is not available" in text
            assert "Nothing was uploaded and nothing was paid." in text and "--provider" not in text
            assert KEY not in text
            assert [run.status for run in scene.app.job_watch.runs()] == ["refused"]
            await scene.pilot.press("escape")
            await scene.pilot.pause()
            assert len(scene.workspace.ids()) == 60
            assert fake.files == {}, "the refusal came before anything was uploaded"


async def test_unused_files_are_named_and_deleted_after_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        fake.fault("POST", "fine_tuning/jobs$", "refuse", times=9, status=403, body=REFUSED)
        path = dataset(tmp_path, CLEAN.read_bytes().splitlines()[:60])
        async with opened(path, NARROW) as scene:
            await start_training(scene)
            fake._store("left.jsonl", b"{}")
            (run,) = scene.app.job_watch.runs()
            (file_id,) = fake.files
            scene.app.job_watch.ledger.note_orphan(run.run, run.origin, file_id, "left.jsonl")
            await scene.pilot.press("escape")
            await scene.press("alt+4")
            assert "not used by any job" in scene.screen_text()
            await scene.press("D")
            await scene.press("enter")
            assert fake.files == {}
            assert scene.app.job_watch.ledger.orphans() == []


async def test_a_job_that_runs_elsewhere_is_followed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.jobs.runs.monitor.interval", lambda run, kind: 0.05)
    async with running() as fake:
        configure(fake, monkeypatch)
        path = dataset(tmp_path, CLEAN.read_bytes().splitlines()[:60])
        async with opened(path, NARROW) as scene:
            await start_training(scene)
            for _ in range(600):
                await scene.pilot.pause(0.05)
                if "succeeded" in scene.screen_text():
                    break
            (run,) = scene.app.job_watch.runs()
            assert run.status == "succeeded"
            assert len(fake.jobs) == 1


async def test_the_refused_data_is_trained_here_with_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: str
) -> None:
    monkeypatch.setattr("curator.jobs.providers.LOCAL_MODEL", tiny)
    async with running() as fake:
        configure(fake, monkeypatch)
        with (paths.config_dir() / "config.toml").open("a") as file:
            file.write(f'[providers.local]\nkind = "local"\nmodel = "{tiny}"\n')
        fake.fault("POST", "fine_tuning/jobs$", "refuse", times=9, status=403, body=REFUSED)
        path = dataset(tmp_path, CLEAN.read_bytes().splitlines()[:20])
        async with opened(path, NARROW) as scene:
            await start_training(scene)
            await scene.pilot.press("enter")
            for _ in range(600):
                await scene.pilot.pause(0.05)
                if "succeeded" in scene.screen_text():
                    break
            local, refused = scene.app.job_watch.runs()
            assert (local.provider, local.status) == ("local", "succeeded")
            assert (refused.provider, refused.status) == ("openai", "refused")


async def test_an_upload_is_left_by_escape_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        fake.fault("POST", "/files$", "delay", seconds=60)
        path = dataset(tmp_path, CLEAN.read_bytes().splitlines()[:60])
        async with opened(path, NARROW) as scene:
            scene.workspace.set_meta("ui.provider", "openai")
            await scene.press("T")
            scene.app.screen.query_one("#suffix", Input).value = "mine"
            await scene.pilot.pause()
            await scene.pilot.press("enter")
            for _ in range(400):
                await scene.pilot.pause(0.05)
                if any(
                    request.method == "POST" and request.path.endswith("/files") for request in fake.wire.requests
                ):
                    break
            assert "Starting the training" in scene.screen_text()
            await scene.pilot.press("escape")
            await scene.pilot.pause(0.3)
            assert "Starting the training" not in scene.screen_text() and fake.jobs == {}
            await scene.press("alt+4")
            assert "Stopped before its job was created: T continues." in scene.screen_text()
            scene.workspace.set_meta("ui.provider", "local")
            await scene.press("T")
            dialog = scene.app.screen
            assert isinstance(dialog, TrainDialog)
            kept = [dialog.query_one("#provider", Select).value, dialog.query_one("#suffix", Input).value]
            assert kept == ["openai", "mine"]
            await scene.pilot.press("enter")
            for _ in range(400):
                await scene.pilot.pause(0.05)
                if fake.jobs and isinstance(scene.app.screen, TrainScreen):
                    break
            (run,) = scene.app.job_watch.runs()
            assert run.job_id == "ftjob-0001" and list(fake.jobs) == ["ftjob-0001"] and len(fake.files) == 2
