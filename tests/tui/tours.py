"""Tours of the program: each goes from screen to screen and has a picture taken of every one.

The snapshot tests compare the pictures with stored ones; `scripts/screenshots.py` draws those of the docs.
Clock, time zone, cursor and animations are frozen, so that the same program draws the same pictures.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from textual.widgets import Input, Select, TextArea

from curator import paths
from curator.jobs import providers as providers_of_user
from curator.jobs.http import provider_records as records
from curator.jobs.ledger.ledger import Deployment, Run
from curator.jobs.planning import training_data
from curator.jobs.runs import evaluation
from curator.jobs.studies.next_prompts import Card, PromptQueue
from curator.tui.looks.themes import DEFAULT
from curator.tui.screens.data.query_bar import QueryInput
from curator.tui.screens.train.model_export import ModelExportDialog
from curator.tui.screens.working import Working
from curator.tui.session import next_cards
from curator.tui.session.job_watch import JobWatch
from curator.workspace import background
from curator.workspace.exchange.disagreements import Disagreement
from curator.workspace.opening import open_workspace
from curator.workspace.operations.propose import Proposing
from curator.workspace.storage import surprises, typed_text
from curator.workspace.storage.surprises import StudiedExample, StudiedExamples, digest_of
from curator.workspace.storage.typed_text import TypedText
from tests.jobs.fake_provider import KEY, REFUSED, FakeProvider, running
from tests.tui.scene import Scene, opened, without_messages
from tests.tui.tour_of_rounds import ledger_of_rounds

NOW = 1_790_000_000.0
"""The frozen clock: 21 September 2026, 14:13:20 UTC."""
SAMPLE = paths.packaged("sample_data") / "emojibot.jsonl"
MODEL = "gpt-4.1-mini-2025-04-14"
TUNED, AT_AZURE = f"ft:{MODEL}:org:emoji:0003", f"{MODEL}.ft-0001"
OF_TEXTUAL = ("nord", "textual-light")

STAND_INS = {
    r"/tmp/c-[a-z0-9_]{8}": "/home/user/proj",
    r"http://127\.0\.0\.1:\d{5}/v1": "https://api.openai.com/v1",
    r"bak-\d{8}-\d{6}": "bak-20260921-141320",
}
"""Texts on the screen that differ from run to run, as patterns, and texts of the same length that replace them."""

Show = Callable[[Scene, str], Awaitable[None]]
"""Takes a picture of a scene's screen under a name."""
Tour = Callable[[Path, tuple[int, int], Show], Coroutine[Any, Any, None]]
"""Goes through screens, in a folder of its own, at a size of the terminal."""


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """What differs from run to run stands still; the user's folders are in `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATOR_HOME", str(folder / "home"))
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.setattr(time, "time", lambda: NOW)
        patch.setattr(Input, "_toggle_cursor", lambda self: None)
        patch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
        patch.setattr("textual._wait.SLEEP_GRANULARITY", 0.004)  # a pilot waits twice as long after each key
        patch.setattr("textual._wait.SLEEP_IDLE", 0.001)
        patch.setattr("curator.jobs.runs.questions.clock", lambda: 0.0)
        patch.setattr(JobWatch, "start", lambda self: None)  # no provider is asked for news of made-up jobs
        yield
    time.tzset()


@contextmanager
def samples() -> Iterator[Callable[[], Path]]:
    """Yields a function that makes a folder of the sample dataset, already analysed, and returns its path.

    It is the same path each time: a short one of always the same length, since dialogs show it.
    """
    parent = "/tmp" if Path("/tmp").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="curator-", dir=parent) as store:
        folder, analysed = Path(tempfile.mkdtemp(prefix="c-", dir=parent)), Path(store) / "analysed"
        shutil.copy(SAMPLE, folder)
        with frozen(folder):
            analyse(folder / SAMPLE.name)
        folder.rename(analysed)

        def new() -> Path:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(analysed, folder)
            return folder

        try:
            yield new
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def analyse(path: Path) -> None:
    """Import a dataset file for the default provider, and wait until the analysis child has read all of it."""
    with open_workspace(path) as workspace:
        provider = providers_of_user.get()
        workspace.set_meta("context", {"profile": provider.profile, "model": provider.model or ""})
        child = background.start(workspace)
        while child.progress().running:
            child.poll()
            time.sleep(0.02)
        child.stop()


@asynccontextmanager
async def on_sample(folder: Path, size: tuple[int, int]) -> AsyncIterator[Scene]:
    """The app on the sample dataset, once it counts tokens."""
    async with opened(folder / SAMPLE.name, size) as scene:
        scene.app.animation_level = "none"
        for _ in range(600):
            if scene.app.session.counting:
                break
            await scene.pilot.pause(0.02)
        await without_messages(scene)
        yield scene


# The Data stage and its dialogs


async def data_stage(folder: Path, size: tuple[int, int], show: Show) -> None:
    """List, problems, query, editor, and what is asked there."""
    async with on_sample(folder, size) as scene:
        await show(scene, "list")
        await scene.press("right_square_bracket")
        await show(scene, "problem")
        await scene.press("G", "space", "space", "1", "a", "f", "asterisk", "g", "space", "v", "down", "down")
        await show(scene, "marks")
        await scene.press("escape", "escape", "g", "w")
        await show(scene, "as-the-model-sees-it")
        await scene.press("w", "tab", "tab", "r")
        await show(scene, "problems-by-rule")
        await scene.press("r", "shift+tab", "shift+tab", "slash")
        scene.app.screen.query_one(
            QueryInput
        ).value = "rule:su"  # at once: what is typed is looked for after a pause
        await scene.until("did you mean")
        await show(scene, "query")
        await scene.press("escape", "escape")
        scene.data.show_query("rule:surrounding_whitespace")
        await scene.settle()
        await show(scene, "filtered")
        await scene.press("F")
        await show(scene, "fixed")
        await scene.press("u")
        scene.data.show_query("rule:unrecognized_role")
        await scene.settle()
        await scene.press("tab", "tab")
        while scene.data.problems.rule != "unrecognized_role":
            await scene.press("j")
        await scene.press("F")
        await show(scene, "fix-one")
        await scene.press("escape", "shift+tab", "shift+tab")
        scene.data.show_query("")
        await scene.settle()
        await scene.press("g")
        scene.data.fix_all("unrecognized_role")
        await scene.until("Fix all")
        await show(scene, "fix")
        await scene.press("escape")
        await facets_and_replacing(scene, show)
        for name, key in (("note", "t"), ("similar", "equals_sign"), ("labels", "L")):
            await scene.press(key)
            await show(scene, name)
            await scene.press("escape")


async def facets_and_replacing(scene: Scene, show: Show) -> None:
    """What the view consists of, find and replace, the choice of an answer."""
    await scene.press("c")
    await scene.until("Messages: 2")
    await show(scene, "facets")
    await scene.press("escape", "percent_sign")
    scene.app.screen.query_one("#find", Input).value = "birthday"
    scene.app.screen.query_one("#replacement", Input).value = "wedding"
    await scene.until("1 hit in 1 example")
    await show(scene, "replace")
    await scene.press("escape", "O")
    await scene.settle()
    scene.app.screen.query_one("#typed", Input).value = "party"
    await scene.settle()
    await show(scene, "one-answer")
    await scene.press("escape")


async def editor(folder: Path, size: tuple[int, int], show: Show) -> None:
    """A draft left from the last time, editing in place, and the screens that explain and find keys."""
    with open_workspace(folder / SAMPLE.name) as workspace:
        saved = workspace.raw(1)
        typed = saved.replace(b"dinner", b"supper")
        typed_text.write(workspace.path, TypedText("example", (1,), saved, typed))
    async with on_sample(folder, size) as scene:
        await show(scene, "draft")
        await scene.press("escape", "enter", "alt+down", "alt+down")
        await scene.type("!")
        await scene.until("draft kept")
        await show(scene, "message")
        await scene.press("f6")
        await show(scene, "json")
        await scene.press("escape", "u", "plus")
        await show(scene, "new")
        await scene.press("escape", "question_mark")
        await show(scene, "help")
        await scene.press("escape", "ctrl+p")
        await scene.until("Find any action")
        await show(scene, "palette")
        await scene.press("escape")
        await scene.pilot.resize_terminal(30, 8)
        await scene.settle()
        await show(scene, "too-small")


# Dialogs about the whole dataset


async def proposals(scene: Scene, show: Show) -> None:
    """What a model and a program suggest, one of them out of date."""
    at = "messages[2].content"
    with Proposing(scene.workspace, "smollm2-135m") as model:
        model.propose({"op": "edit", "example": 3, "location": at, "value": "(sleepy)", "why": "nobody cries"})
        model.propose({"op": "edit", "example": 5, "location": at, "value": "(smile)"})
    with Proposing(scene.workspace, "nightly-check") as program:
        program.propose({"op": "label", "filter": "line:7-12", "label": "short"})
        program.propose({"op": "delete", "example": 9})
    scene.app.session.edit(5, "messages[1].content", "Somebody left it there")
    scene.app.clear_notifications()
    await scene.press("W")
    await scene.until("because nobody cries")
    await show(scene, "proposals")
    await scene.press("X", "escape")
    scene.app.session.undo()
    scene.app.session.undo()
    scene.app.clear_notifications()


async def disagreements(scene: Scene, show: Show) -> None:
    """What two people judged differently, after a merge."""
    differing = [Disagreement(1, "rating", 2, 5, "alex"), Disagreement(2, "label:good", True, False, "alex")]
    parts = [each.part(None) for each in differing]
    scene.workspace.journal.commit("marks", "Merged the judgements of alex", parts)
    await scene.app.run_action("dialog('disagreements')")
    await scene.until("Disagreement 1 of 2")
    await show(scene, "disagreements")
    await scene.press("escape")
    scene.workspace.changes.undo()


async def study_dialogs(scene: Scene, show: Show) -> None:
    """What a study of suspects said, and the question before another study."""
    workspace = scene.workspace
    numbers = {
        4: (3.2, "(cake)", 0.81, (6.1, 4.0, 2.2)),
        7: (2.4, "(dog)", 0.64, (5.0, 3.1, 0.9)),
        9: (-4.0, "(sun)", 0.2, (4.2, 1.3, 0.1)),
    }
    rows = {
        example: StudiedExample(digest_of(workspace.raw(example)), *study) for example, study in numbers.items()
    }
    says = "Measured here: of the first 20 like these 13 were planted."
    surprises.write(workspace.path, StudiedExamples(says, rows))
    scene.app.session.publish_results(None)
    await scene.press("U")
    await show(scene, "suspects")
    await scene.press("escape", "space", "space", "V")
    await show(scene, "what-if")
    await scene.press("escape", "escape")
    (workspace.path / surprises.NAME).unlink()
    scene.app.session.publish_results(None)


async def next_prompts(scene: Scene, show: Show) -> None:
    """The question for a file of raw prompts, then what is worth answering of it."""
    await scene.press("Q")
    await scene.settle()
    await show(scene, "next")
    told = [
        (
            "Three hundred photos of the same sunset.",
            "(photographer)",
            0.01,
            ("unsure: 1%", "an answer never used"),
        ),
        ("Marathon number three, mile twenty, send bananas.", "(rocket)", 0.06, ("unsure: 6%", "like 2 misses")),
        ("My tomatoes drowned in the garden.", "(rain)", 0.31, ("unsure: 31%", "far from all there is")),
    ]
    cards = [
        Card([{"role": "user", "content": prompt}], prompt, answer, sure, reasons)
        for prompt, answer, sure, reasons in told
    ]
    queue = PromptQueue(cards, "smollm2-135m-instruct", read=240, held_out=2, copies=7, asked=200)
    with patch.object(next_cards, "make_cards", lambda *asked: queue):
        await scene.type("questions.txt")
        await scene.press("enter")
        await scene.until("200 of 240 prompts")
        await show(scene, "next-cards")
    await scene.press("escape")
    scene.workspace.set_meta(next_cards.FILE, "")


async def dialogs(folder: Path, size: tuple[int, int], show: Show) -> None:
    """Answers, balance, settings, files and long work."""
    async with on_sample(folder, size) as scene:
        names = {"answers": "answers break it", "balance": "One system prompt", "settings": "Settings"}
        for name, words in names.items():
            await scene.app.run_action(f"dialog('{name}')")
            await scene.until(words)
            await show(scene, name)
            if name == "balance":
                await scene.press("U")
                await show(scene, "system-prompt")
                await scene.press("escape")
            await scene.press("escape")
        await scene.app.run_action("dialog('columns')")
        await scene.settle()
        await show(scene, "columns")
        await scene.press("escape")
        task = scene.app.session.tasks.begin("asking models")
        task.report(0.4, seconds_left=3.0)
        await scene.press("exclamation_mark")
        await show(scene, "activity")
        await scene.press("escape")
        task.end()
        while "asking models" in scene.screen_text():
            await scene.pilot.pause(0.1)
        await scene.app.run_action("tour")
        await scene.settle()
        await show(scene, "tour")
        await scene.press("backslash")
        await without_messages(scene)
        await proposals(scene, show)
        await disagreements(scene, show)
        await study_dialogs(scene, show)
        await next_prompts(scene, show)
        scene.app.theme = DEFAULT  # the one that the list begins at
        await scene.app.run_action("dialog('theme')")
        await scene.settle()
        await show(scene, "theme")
        await scene.press("escape", "E")
        await show(scene, "export")
        (folder / "old.jsonl").write_text("{}\n")
        scene.app.screen.query_one("#path", Input).value = str(folder / "old.jsonl")
        await scene.pilot.press("enter")
        await scene.until("Replace?")
        await show(scene, "confirm")
        await scene.press("escape", "escape", "I")
        await scene.until("Type or paste the path")
        await show(scene, "import")
        shutil.copy(SAMPLE.with_name("tools.jsonl"), folder)
        scene.app.screen.query_one("#path", Input).value = str(folder / "tools.jsonl")
        await scene.until("JSON Lines")
        await scene.pilot.press("enter")
        await scene.until("Import 13")
        await show(scene, "import-read")
        await scene.press("escape")
        await files(scene, folder, show)


async def files(scene: Scene, folder: Path, show: Show) -> None:
    """The imported file was changed outside; then it is written back; then work takes long."""
    await scene.press("u")
    await scene.app.run_action("dialog('write_back')")
    await scene.settle()
    await show(scene, "write-back")
    await scene.press("escape")
    await scene.app.run_action("dialog('source')")
    await scene.settle()
    await show(scene, "source-unchanged")
    await scene.press("escape")
    with (folder / SAMPLE.name).open("ab") as file:
        file.write(SAMPLE.with_name("tools.jsonl").read_bytes())
    await scene.app.run_action("dialog('source')")
    await scene.until("13")
    await show(scene, "source-changed")
    await scene.press("escape")
    goes_on = threading.Event()
    scene.app.push_screen(Working("Labelling 8 examples", lambda: goes_on.wait(60)))
    await scene.until("Working …")
    await show(scene, "working")
    goes_on.set()
    await scene.settle()


async def providers(folder: Path, size: tuple[int, int], show: Show) -> None:
    """The list, the forms, the models of one."""
    async with running() as fake, on_sample(folder, size) as scene:
        configure(fake.base_url)
        await scene.press("P", "down")
        await show(scene, "list")
        await scene.pilot.press("t")
        await scene.until("answers; lists")
        await show(scene, "tested")
        await scene.pilot.press("m")
        await scene.until(MODEL)
        await show(scene, "models")
        await scene.press("escape", "K")
        await show(scene, "key")
        await scene.press("escape", "plus")
        await show(scene, "new")
        scene.app.screen.query_one("#kind", Select).value = "azure"
        await scene.settle()
        await show(scene, "new-azure")


def configure(base_url: str) -> None:
    """config.toml with the provider `openai` at this address."""
    file = paths.config_dir() / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[providers.openai]\nkind = "openai"\nbase_url = "{base_url}"\n'
        f'api_key_env = "OPENAI_API_KEY"\nmodel = "{MODEL}"\n'
        '[providers.azure]\nkind = "azure"\nbase_url = "https://example.openai.azure.com"\n'
    )


# The other stages


async def duplicates_to_history(folder: Path, size: tuple[int, int], show: Show) -> None:
    """Duplicates, Split, History, and Train and Compare before there is anything."""
    async with on_sample(folder, size) as scene:
        await scene.press("alt+2")
        await show(scene, "duplicates")
        await scene.press("alt+3")
        await show(scene, "split-empty")
        await scene.press("S")
        await show(scene, "split-dialog")
        await scene.press("enter")
        await scene.settle()
        await scene.until("validation 33")
        await show(scene, "split")
        await scene.press("f")
        await show(scene, "split-test-file")
        await scene.press("escape", "alt+4")
        await show(scene, "train-empty")
        await scene.press("alt+5")
        await show(scene, "compare-empty")
        await scene.press("alt+1", "d", "2", "alt+6")
        await show(scene, "history")
        await scene.press("down", "down", "down", "d")
        await scene.until("1 removed")
        await show(scene, "history-version")


async def training(folder: Path, size: tuple[int, int], show: Show) -> None:
    """The question before a training, a refusal, then jobs of every kind and the comparison of one's model."""
    async with running() as fake, on_sample(folder, size) as scene:
        await scene.press("S", "enter")
        await without_messages(scene)
        await scene.press("T")
        await scene.until("tokens ×")
        await show(scene, "dialog")
        scene.app.screen.query_one("#advanced").focus()
        await scene.press("space", "tab")
        await show(scene, "advanced")
        await scene.press("escape")
        configure(fake.base_url)
        fake.fault("POST", "fine_tuning/jobs$", "refuse", times=9, status=403, body=REFUSED)
        scene.workspace.set_meta("ui.provider", "openai")
        await scene.press("T")
        await scene.until("US$")
        await scene.pilot.press("enter")
        await scene.until("winding")
        await show(scene, "refused")
        await scene.press("escape")
        await jobs(scene, fake.base_url, show)
        await comparison(scene, fake, show)


async def jobs(scene: Scene, origin: str, show: Show) -> None:
    """The Train stage on a succeeded, a failed and a running job, and its dialogs."""
    make_runs(scene, origin)
    await scene.press("alt+4")
    await show(scene, "running")
    await scene.press("c")
    await show(scene, "cancel")
    await scene.press("escape", "down")
    await show(scene, "succeeded")
    scene.app.push_screen(ModelExportDialog(TUNED, Path("emoji-model")))
    await scene.settle()
    await show(scene, "export-model")
    await scene.press("escape")
    await scene.press("e", "a")
    await show(scene, "checkpoints")
    await scene.press("w")
    await show(scene, "chart")
    await scene.press("escape")
    await scene.press("e", "a", "shift+tab", "g", "down", "D")
    await show(scene, "delete")
    await scene.press("escape", "down")
    await show(scene, "failed")
    await scene.press("down", "O")
    await show(scene, "deploy")
    await scene.press("escape")


def make_runs(scene: Scene, origin: str) -> None:
    """Jobs as the ledger has them: at Azure, failed, succeeded, and one that runs."""
    ledger = scene.app.job_watch.ledger
    held_out = [scene.workspace.raw(example) for example in scene.workspace.view("split:validation").ids]
    sha256 = training_data.freeze(held_out, ledger.datasets).sha256
    run = Run("run-1", "azure", "azure", MODEL, "succeeded", "1", NOW - 9e5, "ftjob-0001", AT_AZURE, swept=1)
    ledger.claim(run)
    ledger.add_deployment(Deployment("azure", "emoji", AT_AZURE, "standard", 1.7, NOW - 8e5))
    error = {"code": "invalid_training_file", "message": "Line 2, message 1: Input should be a valid string"}
    ledger.claim(
        Run("run-2", "openai", origin, MODEL, "failed", "2", NOW - 4e5, "ftjob-0002", error=error, swept=1)
    )
    run = Run(
        "run-3", "openai", origin, MODEL, "succeeded", "3", NOW - 9e4, "ftjob-0003", TUNED, "file-1", "file-2"
    )
    more = {"examples": 279, "validation_sha256": sha256, "epochs": 3, "trained_tokens": 28_431, "swept": 1}
    ledger.claim(run)
    ledger.update("run-3", usd_estimate=0.14, finished_at=NOW - 89_000, **more)
    progress(scene, "run-3", 60, NOW - 90_000)
    points = [(f"{TUNED}:ckpt-step-{step}", step, 1.2 - step / 100 + step**2 / 9000) for step in (20, 40, 60)]
    ledger.set_checkpoints(
        "run-3",
        [
            records.Checkpoint(f"c{step}", model, step, 1, {"full_valid_loss": loss})
            for model, step, loss in points
        ],
    )
    run = Run("run-4", "openai", origin, MODEL, "running", "4", NOW - 600, "ftjob-0004", examples=279, epochs=3)
    ledger.claim(run)
    ledger.update("run-4", usd_estimate=0.14)
    progress(scene, "run-4", 24, NOW - 300)


def progress(scene: Scene, run: str, steps: int, began: float) -> None:
    """Events of so many steps out of 60, with losses that fall."""
    events = []
    for step in range(1, steps + 1):
        loss = 0.4 + 2.6 / (1 + step / 6) + (step * 7 % 5) / 20
        data: dict[str, float] = {"step": step, "total_steps": 60, "train_loss": loss}
        data["train_mean_token_accuracy"] = 1 - loss / 4
        if step % 10 == 0:
            data |= {"valid_loss": loss + 0.1, "valid_mean_token_accuracy": 0.95 - loss / 4}
        message = f"Step {step}/60: training loss={loss:.2f}"
        events.append(records.Event(f"{run}-{step}", int(began) + 5 * step, "info", message, "metrics", data))
    scene.app.job_watch.ledger.add_events(run, events)


async def without_tasks(scene: Scene) -> None:
    """Wait until nothing is asked or looked for any more, and the status line says so."""
    while any(True for _ in scene.app.session.tasks):
        await scene.pilot.pause(0.02)
    while " more ·" in scene.screen_text():
        await scene.pilot.pause(0.02)


async def comparison(scene: Scene, fake: FakeProvider, show: Show) -> None:
    """The Compare stage with the answers of both models, and what is asked there."""
    ledger = scene.app.job_watch.ledger
    run = ledger.get("run-3")
    frozen_set = ledger.datasets / f"{run.validation_sha256}.jsonl"
    prompts, _ = evaluation.make_prompts(training_data.read(frozen_set))
    for at, prompt in enumerate(prompts):
        right = prompt.expected
        fake.answers[f"{MODEL}: {prompt.text}"] = right if at % 6 == 0 else f"I would say {right}."
        fake.answers[f"{TUNED}: {prompt.text}"] = "(smile)" if at % 5 == 1 else "Sure!" if at % 9 == 4 else right
    await scene.press("alt+5", "r")
    await scene.until("McNemar")
    await scene.press("tab", "down")
    await without_tasks(scene)
    await show(scene, "compare")
    await scene.press("i")
    await scene.until("How many")
    await show(scene, "drafts")
    await scene.press("escape")
    await scene.pilot.press("m")
    await scene.pilot.pause()
    scene.app.screen.query_one("#shots", Input).value = "8"
    await show(scene, "compare-row")
    await scene.press("enter", "r")
    await scene.until("prompts cannot tell")
    await without_tasks(scene)
    await show(scene, "compare-rows")
    await scene.press("w")
    await show(scene, "compare-why")
    await scene.press("escape", "b", "3")
    await show(scene, "compare-judge")
    await scene.press("escape", "J")
    scene.app.screen.query_one("#model", Input).value = "gpt-4.1-2025-04-14"
    scene.app.screen.query_one("#rubric", Input).value = "The better answer is one shortcode that fits the mood."
    await show(scene, "compare-judge-model")
    await scene.press("escape", "c")
    await scene.until("conversations held")
    await show(scene, "compare-conversations")
    await scene.press("escape")
    await scene.pilot.press("a")
    await scene.pilot.pause()
    scene.app.screen.query_one("#prompt", Input).value = "The train leaves without me."
    await scene.press("enter")
    await show(scene, "playground")
    await scene.press("escape")
    await scene.pilot.press("o")
    await scene.pilot.pause()
    scene.app.screen.query_one("#path", Input).value = "/home/user/emojibot-test.jsonl"
    await show(scene, "compare-prompts")
    await scene.press("escape")


async def rounds(folder: Path, size: tuple[int, int], show: Show) -> None:
    """The ledger in the History stage, a round, its data, and what is written about it."""
    async with on_sample(folder, size) as scene:
        await ledger_of_rounds(scene, NOW, show)


async def themes(folder: Path, size: tuple[int, int], show: Show) -> None:
    """The Data stage in each of Curator's themes, and in a dark and a light one of Textual's."""
    async with on_sample(folder, size) as scene:
        await scene.press("right_square_bracket", "space", "a", "1")
        for theme in (*(file.stem for file in sorted(paths.packaged("themes").glob("*.toml"))), *OF_TEXTUAL):
            scene.app.theme = theme
            await show(scene, theme)


async def no_color(folder: Path, size: tuple[int, int], show: Show) -> None:
    """Pictures of other tours where the environment forbids colour from the start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        async with on_sample(folder, size) as scene:
            await show(scene, "data/list")
            await scene.press("right_square_bracket")
            await show(scene, "data/problem")
            await scene.press("alt+2", "alt+3", "S")
            await show(scene, "stages/split-dialog")


TOURS: dict[str, Tour] = {
    "data": data_stage,
    "editor": editor,
    "dialogs": dialogs,
    "providers": providers,
    "stages": duplicates_to_history,
    "training": training,
    "rounds": rounds,
    "themes": themes,
    "no-color": no_color,
}
