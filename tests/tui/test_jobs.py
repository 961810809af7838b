"""The Train stage on jobs of any origin: listed, followed, steered, taken away; what costs is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import Input, Select, Static

from curator import alert, paths
from curator.jobs.http import provider_records as records
from curator.jobs.ledger import find_runs as runs
from curator.jobs.ledger.ledger import Ledger, Run
from curator.tui.screens.train.job_dialogs import DeleteDialog, DeployDialog
from curator.tui.widgets.tick import Tick
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import KEY, FakeProvider, running
from tests.thorough import every
from tests.tui.scene import NARROW, WIDE, Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns

MODEL = "gpt-4.1-mini-2025-04-14"


def configure(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    """The provider of the fake's dialect, at its address."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setattr("curator.jobs.runs.monitor.interval", lambda run, kind: 0.05)
    file = paths.config_dir() / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[providers.{fake.dialect}]\nkind = "{fake.dialect}"\nbase_url = "{fake.base_url}"\n'
        f'api_key_env = "TEST_KEY"\nmodel = "{MODEL}"\n{more}'
    )


def job(fake: FakeProvider, status: str | None = None) -> str:
    """A job that somebody started elsewhere."""
    from tests.jobs.fake_provider import FakeJob

    fake._store("theirs.jsonl", b"{}")
    made = FakeJob(f"ftjob-{len(fake.jobs) + 1:04d}", {"model": MODEL, "training_file": "file-0001"}, fake.script)
    fake.jobs[made.id] = made
    fake._say(made, f"Created fine-tuning job: {made.id}")
    if status:
        made.at = made.script.index(status)
    return made.id


async def until(scene: Scene, words: str) -> None:
    """Wait until the screen says something."""
    for _ in range(600):
        await scene.pilot.pause(0.05)
        if words in scene.screen_text():
            return
    raise AssertionError(f"{words!r} never came:\n{scene.screen_text()}")


async def test_a_job_started_elsewhere_is_listed_followed_and_steered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch, '[providers.gone]\nkind = "compatible"\nbase_url = "http://127.0.0.1:1/v1"\n')
        job(fake)
        job(fake)
        fake.advance = False
        async with opened(dataset(tmp_path, many(3)), NARROW) as scene:
            await scene.press("alt+4")
            assert "No training yet" in scene.screen_text() and not fake.wire.requests
            await scene.press("J")
            await until(scene, "validating_files")
            assert "elsewhere" in scene.screen_text()
            screen = scene.app.screen
            own = Ledger.for_path(None)
            assert len(own.runs()) <= 1, "only what is looked at is taken in"
            await scene.pilot.press("p")
            await scene.pilot.press("enter")
            await until(scene, "paused")
            fake.advance = True
            for made in fake.jobs.values():
                made.forced = None
            await until(scene, "The training has succeeded")
            scene.app.clear_notifications()
            await until(scene, "successfully completed")
            (run,) = own.runs()
            assert run.foreign and run.status == "succeeded" and len(own.checkpoints(run.run)) == 2
            await scene.press("e")
            assert "★" in scene.screen_text() and "best" in scene.screen_text()
            await scene.press("e", "G")
            assert "gone could not be reached" in scene.screen_text()
            assert screen is scene.app.screen
            own.close()


async def test_a_run_of_the_command_on_the_same_file_is_listed_and_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        file = dataset(tmp_path, many(3))
        of_file, of_another = job(fake), job(fake)
        with Ledger.for_path(None) as ledger:
            for name, source in ((of_file, file), (of_another, tmp_path / "another.jsonl")):
                run = Run(
                    run=f"run-{name}", provider=fake.dialect, origin=fake.base_url, model=MODEL,
                    status="validating_files", fingerprint=name, created_at=1.0, job_id=name,
                    dataset_sha256="0" * 64, examples=3, source=str(source.resolve()),
                )  # fmt: skip
                ledger.claim(run)
        async with opened(file, NARROW) as scene:
            await scene.press("alt+4")
            await until(scene, "succeeded")
            assert [run.job_id for run in scene.app.job_watch.runs_of_files()] == [of_file]
            assert "elsewhere" not in scene.screen_text() and of_another not in scene.screen_text()
            await scene.press("J")
            await until(scene, "validating_files")
            ids = [run.job_id for run in scene.app.screen._runs]  # type: ignore[attr-defined]
            assert sorted(filter(None, ids)) == sorted([of_file, of_another]), "each is listed once"


async def test_a_key_that_is_revoked_in_the_middle_stops_the_asking_and_a_new_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    async with running() as fake:
        configure(fake, monkeypatch)
        job(fake)
        fake.advance = False
        async with opened(dataset(tmp_path, many(3)), WIDE) as scene:
            await scene.press("alt+4", "J")
            await until(scene, "Created fine-tuning job")
            fake.key = "sk-the-new-one-0123"
            await until(scene, "does not accept the key")
            asked = len(fake.wire.requests)
            await scene.pilot.pause(1.5)
            assert len(fake.wire.requests) == asked and KEY not in scene.screen_text()
            assert scene.app._driver is not None
            monkeypatch.setattr(scene.app._driver, "write", rung.append)
            monkeypatch.setenv("TEST_KEY", fake.key)
            fake.advance = True
            scene.app.job_watch.poll_at_once()
            await until(scene, "The training has succeeded")
            assert rung == ["\a"]
        with Ledger.for_path(None) as own:
            assert [run.status for run in own.runs()] == ["succeeded"]


def second(fake: FakeProvider) -> None:
    """Another provider, named `other`."""
    with (paths.config_dir() / "config.toml").open("a") as file:
        file.write(
            f'[providers.other]\nkind = "compatible"\nbase_url = "{fake.base_url}"\napi_key_env = "TEST_KEY"\n'
        )


async def test_a_provider_that_hangs_holds_up_nobody_elses_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as stuck, running() as fake:
        configure(stuck, monkeypatch)
        second(fake)
        for provider in (stuck, fake):
            job(provider)
        stuck.fault("GET", "/jobs", "delay", times=99, seconds=60)
        async with opened(dataset(tmp_path, many(3)), WIDE) as scene:
            await scene.press("alt+4")
            watch = scene.app.job_watch
            for name, provider in (("other", fake), ("openai", stuck)):
                shown = records.job(provider._shown(provider.jobs["ftjob-0001"]))
                watch.ledger.adopt(name, provider.base_url, shown)
            watch.start()
            await until(scene, "The training has succeeded")
            assert sorted(run.status for run in watch.runs()) == ["succeeded", "validating_files"]
            scene.app.clear_notifications()
            await scene.pilot.press("J")
            await until(scene, "asking openai")
            job(fake)
            await scene.pilot.press("J", "J")
            await until(scene, "elsewhere")
            assert "asking openai" in scene.screen_text()


async def test_a_submission_that_came_to_no_job_is_told_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        async with opened(dataset(tmp_path, many(3)), NARROW) as scene:
            ledger = scene.app.job_watch.ledger
            made = Run("run-1", "openai", fake.base_url, MODEL, "unclear", "print", 1.7e9, dataset_sha256="x")
            ledger.claim(made)
            ledger.mark("run-1", "job", "unclear")
            ledger.mark("run-1", "training_file", "done", {"file_id": "file-9", "name": "curator-1-train.jsonl"})
            await scene.press("alt+4")
            assert "The provider may have created this job" in scene.screen_text()
            assert "Too early to tell" not in scene.screen_text()
            await scene.press("c")
            assert "looks for the job once more" in scene.screen_text()
            await scene.press("enter")
            await until(scene, "abandoned")
            assert "not used by any job: file-9" in scene.screen_text() and not fake.jobs
            assert [run.status for run in ledger.runs()] == ["abandoned"]


def damage(file: Path, how: str) -> None:
    """What a crash elsewhere, another version or a stranger may have left as a list of trainings."""
    if how == "no database":
        file.write_bytes(b"not a database at all" * 100)
        return
    with Ledger(file) as ledger:
        ledger.claim(Run("run-1", "openai", "x", MODEL, "running", "print", 1.7e9, job_id="ftjob-1"))
        ledger.add_events("run-1", [records.event({"id": "ftevent-1", "message": "Hello"})])
        ledger.mark("run-1", "estimate", "done")
    with closing(sqlite3.connect(file)) as db:
        db.executescript(
            {
                "a view": "CREATE VIEW v AS SELECT 1",
                "a newer version": "PRAGMA user_version = 99",
                "broken JSON": "UPDATE runs SET job = '{x'; UPDATE events SET data = '['; "
                "UPDATE steps SET detail = ''",
                "other types": "UPDATE runs SET created_at = 'x', epochs = 'y', status = x'00ff', "
                "provider = x'ff', "
                "params = '[1]', result_files = '5', job = '7'; UPDATE events SET created_at = 'x', level = x'00'",
            }[how]
        )
        db.commit()


@pytest.mark.parametrize(
    ("how", "told"),
    every(
        2,
        [
            ("no database", "Move it away"),
            ("a view", "holds a trigger or a view"),
            ("a newer version", "update Curator"),
            ("other types", "unknown"),
            ("broken JSON", "Hello"),
        ],
    ),
)
async def test_a_damaged_list_of_trainings_is_told_and_the_data_stays_open(
    tmp_path: Path, how: str, told: str
) -> None:
    path = dataset(tmp_path, many(3))
    with open_workspace(path) as workspace:
        place = workspace.path
    damage(place / "runs.db", how)
    with Ledger.for_path(None) as own:
        own.note_place(place / "runs.db")
    async with opened(path, WIDE) as scene:
        for keys in ("alt+4", "alt+5", "alt+6", "alt+4"):
            await scene.press(keys)
        assert told in scene.screen_text() + scene.toasts() and not scene.app.crash
        await scene.press("T")
        await until(scene, "examples" if told in ("Hello", "unknown") else "✗")
        await scene.press("escape", "alt+1")
        assert "Question number 1" in scene.screen_text()
    with runs.open_all() as ledgers:
        assert len(ledgers) == (2 if told in ("Hello", "unknown") else 1), "what cannot be read hides no other"


async def test_an_unsent_listing_never_holds_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as fake:
        configure(fake, monkeypatch)
        fake.fault("GET", "/jobs$", "delay", seconds=30)
        async with opened(dataset(tmp_path, many(3)), NARROW) as scene:
            await scene.press("alt+4")
            await scene.pilot.press("J")
            await scene.pilot.pause(0.3)
            await scene.pilot.press("alt+1")
            await scene.pilot.pause(0.1)
            assert "Question number 1" in scene.screen_text()


async def test_a_tuned_model_at_azure_is_deployed_with_its_price_and_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_MANAGEMENT_TOKEN", "management-token")
    path = dataset(tmp_path, many(3))
    async with running("azure") as fake:
        configure(fake, monkeypatch, 'subscription = "s"\nresource_group = "g"\naccount = "a"\n')
        monkeypatch.setattr("curator.jobs.runs.azure_deployments.CONTROL_PLANE", fake.origin)
        monkeypatch.setattr("curator.jobs.runs.azure_deployments.EVERY", 0.01)
        job(fake, "succeeded")
        async with opened(path, WIDE) as scene:
            await scene.press("alt+4", "J")
            await until(scene, "379,446")
            await scene.press("O")
            dialog = scene.app.screen
            assert isinstance(dialog, DeployDialog)
            assert "US$ 1.70 an hour, used or not, about US$ 41 a day" in scene.screen_text()
            dialog.query_one("#kind", Select).value = "developertier"
            await scene.settle()
            assert "no hourly fee" in str(dialog.query_one("#price", Static).content)
            dialog.query_one("#kind", Select).value = "standard"
            dialog.query_one("#name", Input).value = "mine"
            await scene.press("enter")
            await until(scene, "The deployment mine costs $1.70 an hour")
            assert next(iter(fake.deployments)).endswith("/deployments/mine")
        async with opened(path, NARROW) as scene:
            await scene.pilot.pause(1.1)
            assert "The deployment mine costs $1.70 an hour" in scene.toasts()
            await scene.press("alt+4")
            await until(scene, "The deployment mine costs")
            await scene.press("D")
            dialog = scene.app.screen
            assert isinstance(dialog, DeleteDialog) and "Its fee ends" in scene.screen_text()
            assert not any(box.value for box in dialog.query(Tick)), "what serves somebody is not ticked"
            await scene.press("space")
            dialog.action_accept()
            await scene.settle()
            assert scene.app.job_watch.cost_reminders() == [] and not fake.deployments
            assert fake.files, "only what was ticked"


@pytest.mark.parametrize(
    ("wanted", "term", "said"),
    [
        ("off", "xterm", ""),
        ("bell", "xterm", "\a"),
        ("desktop", "xterm", "\a\x1b]9;Curator: done ␛]0;x\x1b\\"),
        ("desktop", "foot", "\a\x1b]777;notify;Curator;done ␛]0;x\x1b\\"),
    ],
)
def test_the_end_is_told_as_configured(
    wanted: str, term: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = paths.config_dir() / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'notify = "{wanted}"\n')
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert alert.signal("Curator", "done \x1b]0;x") == said


def test_a_desktop_is_told_by_its_own_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "notify-send"
    tool.write_text(
        f'#!/bin/sh\nprintf "%s|" "$@" > {tmp_path}/said.part; /bin/mv {tmp_path}/said.part {tmp_path}/said\n'
    )
    tool.chmod(0o755)
    (paths.config_dir()).mkdir(parents=True, exist_ok=True)
    (paths.config_dir() / "config.toml").write_text('notify = "desktop"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert alert.signal("Curator", "-done") == "\a"
    import time

    for _ in range(200):
        if (tmp_path / "said").exists():
            break
        time.sleep(0.02)
    assert (tmp_path / "said").read_text() == "--app-name=Curator|--|Curator|-done|"


async def test_a_message_that_names_a_line_leads_to_its_example(tmp_path: Path) -> None:
    from curator.jobs.planning import training_data as datasets

    lines = many(5)
    async with opened(dataset(tmp_path, lines), NARROW) as scene:
        ledger = scene.app.job_watch.ledger
        frozen = datasets.freeze([lines[4], lines[2], lines[0]], ledger.datasets)
        said = {"code": "invalid_training_file", "message": "Line 2, message 1: Input should be a valid string"}
        run = Run("run-1", "openai", "o", MODEL, "failed", "f", 1.0, dataset_sha256=frozen.sha256, error=said)
        ledger.claim(run)
        await scene.press("alt+4")
        assert "enter shows line 2 of what was sent" in scene.screen_text()
        await scene.press("enter")
        await scene.settle()
        assert scene.current == 3
        scene.app.session.replace(3, lines[2].replace(b"answer", b"reply"), "Changed")
        await scene.press("alt+4", "enter")
        await scene.settle()
        assert "The example of line 2 was" in scene.screen_text()
