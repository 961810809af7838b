"""The loop through the UI with real parts: dialog, local server, a real (tiny) training, curves, comparing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from curator import paths
from curator.basemodels.gguf import open_gguf
from curator.core.answers.contract import Contract
from curator.jobs.planning.plan import Params
from curator.tui.screens.compare.screen import CompareScreen
from curator.tui.screens.train.dialog import TrainDialog
from curator.tui.screens.train.screen import TrainScreen
from tests.tui.scene import NARROW, WIDE, Scene, dataset, opened

pytestmark = pytest.mark.by_turns

CLEAN = paths.packaged("sample_data") / "emojibot-clean.jsonl"


def lines() -> list[bytes]:
    return CLEAN.read_bytes().splitlines()[:30]


async def plan_of(scene: Scene) -> str:
    """Wait for the dialog's estimate and return it."""
    dialog = scene.app.screen
    assert isinstance(dialog, TrainDialog)
    for _ in range(200):
        text = str(dialog.query_one("#estimate", Static).content)
        if text and "estimating" not in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError("no estimate came")


async def wait_for(scene: Scene, words: str, seconds: float = 90) -> None:
    """Wait until the screen says something."""
    for _ in range(int(seconds / 0.1)):
        await scene.pilot.pause(0.1)
        if words in scene.screen_text():
            return
    raise AssertionError(f"{words!r} never came:\n{scene.screen_text()}")


async def toast(scene: Scene, words: str) -> None:
    """Wait until a toast says something."""
    for _ in range(900):
        await scene.pilot.pause(0.1)
        if words in scene.toasts():
            return
    raise AssertionError(f"{words!r} never came:\n{scene.toasts()}")


async def test_train_watch_compare_by_keyboard(tmp_path: Path, tiny: str) -> None:
    async with opened(dataset(tmp_path, lines()), NARROW) as scene:
        await scene.press("T")
        dialog = scene.app.screen
        dialog.query_one("#model", Input).value = tiny
        await scene.pilot.pause(0.4)
        text = await plan_of(scene)
        assert "27 examples · 3 held out" in text
        assert "free" in text
        await scene.pilot.press("enter")
        await wait_for(scene, "succeeded")
        screen = scene.app.screen
        assert isinstance(screen, TrainScreen)
        assert "training loss" in scene.screen_text() or "successfully" in scene.screen_text()
        (run,) = scene.app.job_watch.runs()
        assert run.status == "succeeded"
        losses = [row["train_loss"] for row in scene.app.job_watch.ledger.metrics(run.run)]
        assert losses[-1] < losses[0]
        await scene.pilot.press("X")
        await scene.pilot.pause(0.2)
        await scene.pilot.press("enter")
        await toast(scene, "of 3 answers are the same")
        scene.app.clear_notifications()
        await wait_for(scene, "✓ The model is in")
        (exported,) = tmp_path.glob("*-model/*.Q8_0.gguf")
        assert open_gguf(exported).metadata["general.name"] == run.fine_tuned_model
        await scene.pilot.press("X")
        await scene.pilot.pause(0.2)
        await scene.pilot.press("enter")
        await toast(scene, "exists already")
        scene.app.clear_notifications()
        await wait_for(scene, "! The model was not exported")
        await scene.pilot.press("C")
        scene.app.clear_notifications()
        await wait_for(scene, "McNemar")
        assert isinstance(scene.app.screen, CompareScreen)
        assert "round 1" in scene.screen_text()
        before = len(scene.workspace.ids())
        await scene.pilot.press("plus")
        await wait_for(scene, "editing a new example")
        await scene.pilot.press("w", "h", "y", "escape")
        await scene.pilot.pause(0.5)
        assert len(scene.workspace.ids()) == before + 1
        added = scene.workspace.ids()[-1]
        assert scene.workspace.row(added).labels == ("from compare",)
        record = scene.workspace.record(added)
        spoken = [m["content"] for m in record.example.messages if m["role"] in ("user", "assistant")]
        assert spoken == ["why", ""] and record.split != "validation"
        assert "wanted" in record.note


async def test_a_rejected_example_is_in_no_file_of_its_training(tmp_path: Path, tiny: str) -> None:
    async with opened(dataset(tmp_path, lines()), NARROW) as scene:
        await scene.press("down", "down", "x", "f")  # line 3 rejected, line 4 flagged
        await scene.press("T")
        scene.app.screen.query_one("#model", Input).value = tiny
        await scene.pilot.pause(0.4)
        plan = " ".join((await plan_of(scene)).split())
        assert "Rejected in review and left out: 1." in plan
        assert "Flagged in review, trained all the same: 1." in plan
        assert "few_examples 1" in plan
        await scene.pilot.press("enter")
        await wait_for(scene, "succeeded")
    sent = [
        line for file in paths.server_dir().rglob("*") if file.is_file() for line in file.read_bytes().splitlines()
    ]
    assert lines()[2] not in sent
    assert lines()[3] in sent


async def test_what_speaks_against_a_training_is_said_and_nothing_starts(tmp_path: Path, tiny: str) -> None:
    async with opened(dataset(tmp_path, [b"not json"] * 3), WIDE) as scene:
        await scene.press("T")
        text = await plan_of(scene)
        assert "each of the 3 examples has errors: repair them first" in text
        await scene.pilot.press("enter")
        await scene.pilot.pause(0.3)
        assert isinstance(scene.app.screen, TrainDialog)
        assert not (paths.server_dir() / "server.json").exists()
        await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert scene.app.job_watch.runs() == []


async def test_examples_with_errors_are_left_out_unless_unticked(tmp_path: Path, tiny: str) -> None:
    broken = [b'{"messages": 1}', b"not json"]
    async with opened(dataset(tmp_path, [*lines(), *broken])) as scene:
        await scene.press("T")
        assert "2 examples with errors are left out" in await plan_of(scene)
        scene.app.screen.query_one("#sound").toggle()  # type: ignore[attr-defined]
        await scene.pilot.pause(0.5)
        assert "The data has errors" in await plan_of(scene)


async def test_answers_outside_the_contract_are_told_and_trained(tmp_path: Path, tiny: str) -> None:
    answers = [json.loads(line)["messages"][-1]["content"] for line in lines()]
    async with opened(dataset(tmp_path, [*lines(), lines()[5]]), (80, 20)) as scene:
        allowed = frozenset(answers) - {answers[0]}
        scene.workspace.set_meta("contract", Contract(allowed).to_json())
        ids = list(scene.workspace.ids())
        for each, state in zip(ids[1:4], ("rejected", "flagged", "accepted"), strict=True):
            scene.workspace.changes.review([each], state)
        for each in ids[3:5]:
            scene.workspace.changes.edit(each, "messages[1].content", f"{each}: write to anna@example.org")
        await scene.press("T")
        plan = " ".join((await plan_of(scene)).split())
        assert "with errors" not in plan
        assert f"Answers outside the answer contract, trained all the same: {answers.count(answers[0])}." in plan
        await scene.pilot.pause()
        assert "outside the answer contract" not in scene.screen_text() and "pgdn" in scene.screen_text()
        await scene.press("pagedown", "pagedown")  # what is told is reached by keys, from the button too
        assert "outside the answer contract" in scene.screen_text()
        await scene.press("pageup", "pageup")
        assert "Provider" in scene.screen_text()


async def test_preferences_are_trained_by_dpo_without_asking(tmp_path: Path, tiny: str) -> None:
    pairs = [
        {
            "input": {"messages": [{"role": "user", "content": f"word {n}"}]},
            "preferred_output": [{"role": "assistant", "content": f"yes {n}"}],
            "non_preferred_output": [{"role": "assistant", "content": f"never {n}"}],
        }
        for n in range(12)
    ]
    async with opened(dataset(tmp_path, [json.dumps(pair).encode() for pair in pairs])) as scene:
        await scene.press("T")
        dialog = scene.app.screen
        assert isinstance(dialog, TrainDialog)
        dialog.query_one("#model", Input).value = tiny
        await scene.pilot.pause(0.4)
        assert "11 examples · 1 held out" in await plan_of(scene)
        assert dialog._wish().method == "dpo"
        await scene.pilot.press("enter")
        await wait_for(scene, "succeeded")
        (run,) = scene.app.job_watch.runs()
        assert (run.method, run.status) == ("dpo", "succeeded")


async def plan_after(scene: Scene, field: str, text: str) -> str:
    """The plan after a text was put into a field."""
    scene.app.screen.query_one(f"#{field}", Input).value = text
    await scene.pilot.pause(0.5)
    return " ".join((await plan_of(scene)).split())


async def test_fields_that_cannot_be_used_are_sentences_and_advanced_ones_are_folded(
    tmp_path: Path, tiny: str
) -> None:
    async with opened(dataset(tmp_path, lines()), NARROW) as scene:
        await scene.press("T")
        dialog = scene.app.screen
        assert isinstance(dialog, TrainDialog)
        assert "GB of memory" in await plan_after(scene, "model", tiny)
        assert "Epochs is a whole" in await plan_after(scene, "epochs", "many")
        assert "from 1 to 50" in await plan_after(scene, "epochs", "99")
        assert "27 examples" in await plan_after(scene, "epochs", "")
        assert "Dropout" not in scene.screen_text() and dialog._wish().params == Params()
        dialog.query_one("#advanced").focus()
        await scene.press("space", "tab", "tab", "tab", "0", ".", "2")
        assert "Dropout" in scene.screen_text() and "learning by heart" in scene.screen_text()
        await scene.press("tab", "tab", "tab", "4", "tab", "tab", "space")
        assert "share a row" in scene.screen_text()
        assert dialog._wish().params == Params(lora_dropout=0.2, early_stopping=4, packing=False)
        assert "3 held out" in await plan_after(scene, "validation", "10%")
        assert "name a validation file or share" in await plan_after(scene, "validation", "")
        assert "share from 0 to 0.9" in await plan_after(scene, "lora_dropout", "1")
        assert "Dropout is a number" in await plan_after(scene, "lora_dropout", "some")
        dialog.query_one("#advanced").focus()
        await scene.press("space")
        assert "Layers" not in scene.screen_text() and dialog._wish().params == Params()


async def test_empty_stages_say_what_to_do(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, lines())) as scene:
        for key, words in (
            ("alt+4", "T starts one"),
            ("alt+5", "S splits the data"),
            ("alt+6", "Imported 30 examples"),
        ):
            await scene.press(key)
            assert words in scene.screen_text()
