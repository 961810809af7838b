"""The whole loop with a real (tiny) training on one server, by keys: round 0, three sides, a miss, rounds, the
ledger; then the same workspace by commands."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from curator import paths
from curator.tui.screens.compare.screen import CompareScreen
from curator.tui.screens.train.screen import TrainScreen
from curator.tui.widgets.line_list import LineList
from tests.jobs.test_commands import run
from tests.tui.scene import WIDE, Scene, chat, dataset, opened
from tests.tui.test_compare import ask, shown
from tests.tui.test_training import CLEAN, plan_of, wait_for


async def train(scene: Scene, tiny: str, number: int) -> None:
    """Train by the dialog's keys, and wait until the board has asked the new model by itself."""
    await scene.press("T")
    dialog = scene.app.screen
    for name, text in (("model", tiny), ("epochs", "1")):
        dialog.query_one(f"#{name}", Input).value = text
    await scene.pilot.pause(0.4)
    assert "held out" in await plan_of(scene)
    await scene.pilot.press("enter")
    while not isinstance(scene.app.screen, TrainScreen):
        await scene.pilot.pause(0.1)
    await scene.press("alt+5")  # the board is on the screen when the training ends
    await wait_for(scene, f"round {number}")
    await ask(scene)


async def paste(scene: Scene, text: str) -> None:
    """Put a text at once in the place of that of the message that has the focus."""
    focused = scene.app.screen.focused
    assert isinstance(focused, TextArea)
    focused.replace(text, focused.document.start, focused.document.end)
    await scene.pilot.pause()


async def at_miss(scene: Scene) -> tuple[int, str, str]:
    """Put the cursor on the first miss of the newest model: the held-out example, its prompt and answer."""
    screen = shown(scene)
    screen.query_one("#board", LineList).cursor = max(
        at for at, row in enumerate(screen.rows) if row.kind == "tuned"
    )
    await scene.settle()
    board, row = screen.board, screen.row
    assert board is not None and row is not None
    at = min(board.misses[row.name])
    answers = screen.query_one("#answers", LineList)
    answers.focus()
    answers.cursor = screen._listed.index(at)
    prompt, example = board.prompts.prompts[at], board.prompts.examples[at]
    assert example is not None
    return example, prompt.text, prompt.expected


async def write_example(scene: Scene, question: str, answer: str) -> int:
    """`+` on the miss under the cursor, a question and an answer in the editor; returns the new example."""
    await scene.press("plus")
    await paste(scene, question)
    await scene.press("alt+down")
    await paste(scene, answer)
    scene.app.clear_notifications()
    await scene.press("escape")
    return scene.workspace.ids()[-1]


class Commands:
    """The commands that a person runs on a workspace."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._capsys, self._patch = path, capsys, monkeypatch

    def tell(self, *words: str | Path) -> Any:
        """The last JSON line that a successful command prints."""
        status, lines, error = run(self._capsys, *words)
        assert status == 0, error
        return lines[-1]

    def apply(self, **operation: Any) -> Any:
        """The answer of `apply` to one operation."""
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(operation).encode())))
        return self.tell("apply", self.path)


async def test_from_round_0_to_the_ledger(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = paths.config_dir() / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[providers.local]\nkind = "local"\nmodel = "{tiny}"\n')
    async with opened(dataset(tmp_path, CLEAN.read_bytes().splitlines()[:40]), WIDE) as scene:
        workspace = scene.workspace
        workspace.set_meta("ui.provider", "local")
        workspace.set_meta("context", {"profile": "local", "model": tiny})
        scene.app.session.split(validation=0.2, test=0.1, seed=3)

        await scene.press("alt+5", "m")  # round 0: the base as it is, and with the nearest examples
        scene.app.screen.query_one("#shots", Input).value = "4"
        await ask(scene, "enter", "r")
        board = shown(scene).board
        assert not shown(scene).troubles, shown(scene).troubles
        assert board is not None and len(board.scored) == 2 and board.prompts.source.kind == "validation"
        ledger = scene.app.job_watch.ledger
        assert len(ledger.evaluations()) == 2 and not ledger.runs()

        await train(scene, tiny, 1)
        held, prompt, wanted = await at_miss(scene)
        near = f"Really, {prompt[:1].lower()}{prompt[1:]}".rstrip(".!?")
        added = await write_example(scene, near, wanted)
        assert workspace.record(added).split == "validation" and f"copies example {held}" in scene.toasts()
        workspace.changes.delete([added])
        trained = workspace.view("split:train").ids[0]
        await scene.app.show_example(trained, edit=True)  # the editor on an example that is trained
        await scene.settle()
        await scene.press("alt+up")
        await paste(scene, near)
        await scene.press("escape")
        assert workspace.record(trained).split == "validation" and f"copies example {held}" in scene.toasts()
        await scene.press("u")
        assert workspace.record(trained).split == "train"

        await scene.press("alt+5")
        await ask(scene)
        await at_miss(scene)
        fresh = await write_example(scene, "The ferry to the island was late once more, what a morning", wanted)
        assert workspace.record(fresh).split != "validation"

        await train(scene, tiny, 2)
        assert isinstance(scene.app.screen, CompareScreen)
        await scene.press("alt+6")
        await wait_for(scene, "+1 −0 ~0")
        one, two = reversed(ledger.runs())
        await scene.press("shift+tab", "x")
        await scene.until("general question", minutes=2)
        await scene.press("escape", "down", "R", "enter")  # back to the data of round 1
        assert workspace.counts().examples == 40

    commands = Commands(workspace.path, capsys, monkeypatch)
    out = tmp_path / "one.jsonl"
    sha256 = commands.tell("export", workspace.path, "-o", out, "--filter", "split:train")["sha256"]
    assert sha256 == one.dataset_sha256 == hashlib.sha256(out.read_bytes()).hexdigest() != two.dataset_sha256
    commands.tell("history", workspace.path, "--round", "2", "--write", "data", "-o", out)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == two.dataset_sha256
    card = tmp_path / "card.md"
    commands.tell("history", workspace.path, "--round", "2", "--write", "model-card", "-o", card)
    assert "general question" in card.read_text("utf-8")

    rounds = commands.tell("history", workspace.path, "--rounds")["rounds"]
    assert rounds[1]["added"] == [fresh] and rounds[1]["removed"] == rounds[1]["edited"] == []
    assert rounds[1]["prompts_compared"] >= 8 and "exact_match" in rounds[1]["delta"]
    assert set(rounds[1]["flips"]) == {"fixed", "broken"} and rounds[1]["settings_changed"] == []
    assert rounds[1]["examples"] == rounds[0]["examples"] + 1

    copy = json.loads(chat(near, wanted))
    answer = commands.apply(op="add", example=copy)
    assert (answer["side"], answer["twin"]) == ("validation", held)
    answer = commands.apply(op="edit", example=trained, location="messages[1].content", value=near)
    assert answer["side"] == "validation"
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps(copy) + "\n")
    assert [twin["side"] for twin in commands.tell("import", more, "-w", workspace.path)["twins"]] == [
        "validation"
    ]
