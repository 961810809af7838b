"""History stage: the ledger of rounds, and every key on it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Input

from curator.jobs.ledger.ledger import Ledger
from curator.tui.session.side_effects import spare_rehearsal
from curator.workspace.opening import open_workspace
from tests.jobs.made_rounds import FIRST, SECOND, add_round, answer_general_questions, chat, dataset_file
from tests.tui.scene import Scene, opened
from tests.tui.scene import chat as task

pytestmark = pytest.mark.by_turns


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Two rounds; between them one prompt was fixed and one broken, and one example added, edited, deleted."""
    with open_workspace(dataset_file(tmp_path)) as workspace, Ledger.for_path(workspace.path) as ledger:
        workspace.changes.split(0.3, 1)
        held = list(workspace.view("split:validation").ids)
        train = [i for i in workspace.ids() if i not in held]
        # every second answer is right
        await add_round(workspace, ledger, FIRST, 1e9, lambda at, prompt: prompt.expected if at % 2 else "(wrong)")
        workspace.changes.edit(train[0], "messages[1].content", "(river99)")
        workspace.changes.delete([train[1]])
        workspace.changes.add(b'{"messages":[{"role":"user","content":"Brand new?"},'
                              b'{"role":"assistant","content":"(surprise)"}]}')  # fmt: skip

        def second(at: int, prompt: object) -> str:
            expected = str(getattr(prompt, "expected", ""))
            return "(surprise)" if at == 1 else expected if at in (0, 3, 5) else "(wrong)"

        await add_round(workspace, ledger, SECOND, 1e9 + 1e4, second, params={"epochs": 3, "seed": 7})
        path = workspace.path
    async with opened(path, (100, 30)) as scene:
        await scene.press("alt+6")
        await scene.until("+1 −1 ~1")
        yield scene


async def test_the_ledger_lists_rounds_and_every_key_on_one_works(scene: Scene, tmp_path: Path) -> None:
    text = scene.screen_text()
    assert text.index("  2 ✓") < text.index("  1 ✓") and "+1 −1" in text and "!" in text  # settings changed too
    await scene.press("t")
    assert "tab goes to the rounds" in scene.toasts()
    await scene.press("shift+tab", "t")
    await scene.type("more of it")
    await scene.press("tab", "b", "e", "s", "t", "space", "v", "2", "enter")
    assert "#best #v2 ✎" in scene.screen_text()

    await scene.press("enter")  # opens round 2
    await scene.until("teaches what it says now")
    text = scene.screen_text()
    assert "Data and settings (epochs) changed together" in text and "#best #v2 more of it" in text
    assert "Fixed: 1" in text and "Broken: 1" in text and "added: teaches what it says now" in text
    await scene.press("G", "up", "up")  # the edited one, which stands before added and deleted
    assert "messages[1].content" in scene.screen_text() and "(river99)" in scene.screen_text()
    await scene.press("G", "enter")
    assert "is:deleted" in scene.toasts()
    await scene.press("up", "enter")
    assert scene.workspace.record(scene.current).new

    await scene.press("alt+6", "v", "G")
    assert "Data of round 2" in scene.screen_text() and "Brand new?" in scene.screen_text()
    await scene.press("escape", "down", "space", "up", "d")
    await scene.until("Round 2 since round 1")
    await scene.press("escape", "down", "d")
    assert "There is no round before this one" in scene.toasts()  # the mark is on this one


async def test_a_rounds_data_is_written_and_restored_with_the_same_sha256(scene: Scene, tmp_path: Path) -> None:
    ledger = scene.app.job_watch.ledger
    first = next(run for run in ledger.runs() if run.fine_tuned_model == FIRST)
    await scene.press("shift+tab", "down", "w", "tab", "end", "enter")
    written = tmp_path / "round-1-train.jsonl"
    await scene.until("sha256")
    assert hashlib.sha256(written.read_bytes()).hexdigest() == first.dataset_sha256
    await scene.press("R")
    assert "It is one change" in scene.screen_text()
    await scene.press("enter")
    raws = [scene.workspace.raw(i) for i in scene.workspace.view("split:train").ids]
    assert hashlib.sha256(b"".join(raw + b"\n" for raw in raws)).hexdigest() == first.dataset_sha256
    assert "Went back to the data" in scene.toasts()
    await scene.press("u")
    assert len(scene.workspace.view("split:train").ids) == len(raws)


async def test_side_effects_are_told_and_rehearsed(scene: Scene, tmp_path: Path) -> None:
    answer_general_questions(scene.app.job_watch.ledger, SECOND, 14)
    await scene.press("shift+tab", "x")
    await scene.until("14 of 40 general questions")
    text = scene.screen_text()
    assert "Forgotten: 3 of the" in text and "−!" in text and "(smile)" in text
    own = tmp_path / "own.jsonl"
    own.write_bytes(chat("What is 7 plus 5?", "12") + b"\n" + chat("What is the opposite of hot?", "/[/") + b"\n")
    await scene.press("o")
    await scene.type("nowhere.jsonl")
    await scene.press("enter")
    assert "There is no file" in scene.toasts()
    scene.app.screen.query_one("#path", Input).value = str(own)
    await scene.press("enter")
    await scene.until("line 2: /[/ is no pattern")
    own.write_bytes(own.read_bytes().replace(b"/[/", b"/cold|chilly/"))
    await scene.press("a")
    await scene.until("1 of 2 things that must still work do")
    await scene.press("R")
    assert "This check asks none of them" in " ".join(scene.screen_text().split())
    await scene.press("enter")
    added = scene.workspace.ids_with_label("rehearsal")
    assert len(added) == 30  # ten answers were cut, and would teach to stop in the middle
    await scene.press("R", "enter")
    assert scene.workspace.ids_with_label("rehearsal") == added and "in the data already" in scene.toasts()
    # a contract holds where the task's system prompt is, if it has one
    assert not spare(scene, {"pattern": "x"}) and scene.workspace.meta("contract") == {"pattern": "x"}
    for example in scene.workspace.ids()[:3]:
        scene.workspace.changes.replace(example, task(f"Line {example}", "(line)"))
    assert spare(scene, {"pattern": "x"}) and scene.workspace.meta("contract")["only_with_system"]
    assert spare(scene, {})  # there is none to spare from


def spare(scene: Scene, contract: dict[str, str]) -> bool:
    scene.workspace.set_meta("contract", contract)
    return spare_rehearsal(scene.workspace, scene.workspace.ids()[:3])


async def test_changes_are_grouped_opened_and_filtered(scene: Scene) -> None:
    for example in scene.workspace.ids()[:4]:
        scene.app.session.edit(example, "messages[0].content", f"Another question, number {example}")
    await scene.press("g")
    assert "▸ Edited 4 examples" in scene.screen_text()
    await scene.press("enter")
    assert "▾ Edited 4 examples" in scene.screen_text()
    await scene.press("slash")
    await scene.type("split")
    assert "to validate" in scene.screen_text() and "Edited 4 examples" not in scene.screen_text()
    await scene.press("enter", "escape")
    assert "Edited 4 examples" in scene.screen_text()
