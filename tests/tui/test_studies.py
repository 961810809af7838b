"""Studies in the Data stage: the column, suspects, what if, how many more; the studying is scripted here."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from curator.errors import InputError
from curator.jobs.studies import arms, examples
from curator.jobs.studies.asking import StudyState
from curator.tui.screens.studies import studies
from curator.tui.screens.studies.suspects_dialog import SuspectsDialog
from curator.workspace.opening import open_workspace
from curator.workspace.operations.proposed import proposals_of
from curator.workspace.storage import surprises
from curator.workspace.storage.surprises import StudiedExample, StudiedExamples, digest_of
from tests.tui.scene import NARROW, WIDE, Scene, chat, dataset, opened

pytestmark = pytest.mark.by_turns

SAYS = "Measured here: of the first 20 like these 13 were planted."


def study(path: Path, numbers: dict[int, float]) -> None:
    """Have the workspace keep what a study said of these examples."""
    with open_workspace(path, read_only=True) as workspace:
        raws = {record.id: record.raw for record in workspace.records(sorted(numbers))}
    rows = {
        at: StudiedExample(
            digest_of(raws[at]), number, "(moon)", 0.9, (6.0, 3.25, at / 2) if at != 3 else (), at != 3
        )
        for at, number in numbers.items()
    }
    surprises.write(path, StudiedExamples(SAYS, rows))


async def test_every_key_of_the_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = dataset(tmp_path, [chat(f"question {at}", f"({at} sun)") for at in range(8)])
    asked: list[Any] = []

    async def suspects(folder: Path, report: Any) -> None:
        asked.append(folder)
        report(StudyState("running", "training 2 of 3", 0.41, 130.0))
        study(folder, {2: 3.1, 3: -1.0, 5: 4.5})

    async def what_if(folder: Path, ids: Any, report: Any) -> list[str]:
        asked.append(tuple(ids))
        if len(asked) == 2:
            raise InputError("none of these examples is trained on")
        return ["The model is better without them.\x1b[31m"]

    async def how_many_more(folder: Path, report: Any) -> list[str]:
        return ["    25 examples   40% right", "It cannot be told whether 100 more examples would help."]

    for each in (suspects, what_if, how_many_more):
        monkeypatch.setattr(studies, each.__name__, each)
    async with opened(path, NARROW) as scene:
        assert "surprise" not in scene.screen_text()
        await scene.press("U")
        assert isinstance(scene.app.screen, SuspectsDialog) and "No study yet" in scene.screen_text()
        await scene.press("r")
        text = scene.screen_text()
        assert asked == [scene.workspace.path] and "13 were planted" in text
        assert text.index("+4.5") < text.index("+3.1") < text.index("-1.0") and "(moon) (90%)" in text
        assert "Learnt: 6.0 → 3.2 → 2.5 nats (median of all at the end 1.8)" in text
        await scene.press("p")
        assert "W accepts or rejects it" in scene.toasts()
        await scene.until("suspects proposes 1 change")
        scene.app.clear_notifications()
        [proposal] = proposals_of(scene.workspace)
        assert (proposal.ids, proposal.by) == ([5], "suspects") and "90% sure" in proposal.why
        assert proposal.operation["value"] == "(moon)" and b"(4 sun)" in scene.workspace.raw(5)
        await scene.press("down", "down", "p", "up")
        assert "not known to its end" in scene.toasts() and len(proposals_of(scene.workspace)) == 1
        await scene.press("enter")
        assert scene.current == 2 and "surprise" in scene.screen_text() and "+3.1" in scene.screen_text()
        await scene.press("slash", *"surprise>2", "enter")
        assert sorted(scene.data.session.view.ids) == [2, 5]

        await scene.press("V", "enter")
        assert "without these 2 examples" in scene.screen_text()
        assert "Not studied: none of these examples" in scene.screen_text()
        await scene.pilot.pause(0.3)  # a button takes no second press at once
        await scene.press("enter")  # again, as nothing was done
        assert "better without them" in scene.screen_text() and "\x1b" not in scene.screen_text()
        assert asked[1:] == [(2, 5), (2, 5)]
        await scene.pilot.pause(0.3)
        await scene.press("enter", "escape")
        assert scene.data.session.query == ""
        await scene.press("V")
        assert "Select the examples that may be left out" in scene.toasts()
        await scene.press("colon", *"how many more", "enter")
        assert "What may 100 more examples bring?" in scene.screen_text()
        await scene.press("enter")
        assert "cannot be told whether 100 more" in scene.screen_text()
        await scene.press("escape")
        await study_that_goes_on(scene, monkeypatch)


@pytest.mark.parametrize(
    ("answers", "words"),
    [([f"({at} sun)" for at in range(20)], "20 examples are too few"), (["(sun)"] * 40, "have the same answer")],
    ids=["twenty", "one answer"],
)
async def test_what_cannot_be_studied_is_told_in_the_dialog(
    tmp_path: Path, answers: list[str], words: str
) -> None:
    rows = [chat(f"question {at} of many", answer) for at, answer in enumerate(answers)]
    async with opened(dataset(tmp_path, rows), WIDE) as scene:
        for pressed in (("U", "r"), ("space", "V", "enter"), ("colon", *"how many more", "enter", "enter")):
            await scene.press(*pressed)
            await scene.until("Not studied")
            text = " ".join(scene.screen_text().replace("│", " ").split())
            assert words in text, text
            await scene.press("escape")


async def test_a_large_dataset_is_read_beside_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reading = dataset(tmp_path, [chat("question", "(sun)")]), list[bool]()

    def read(*given: Any) -> None:
        reading.append(threading.current_thread() is threading.main_thread())
        raise InputError("enough was seen")

    monkeypatch.setattr(examples, "usable", read)
    monkeypatch.setattr(arms, "divide", read)
    for ask in (studies.suspects, lambda *given: studies.what_if(given[0], [1], given[1]), studies.how_many_more):
        with pytest.raises(InputError):
            await ask(path, lambda state: None)
    assert reading == [False] * 3


async def study_that_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left while it runs, a study is told in the status line; it ends with a message, or is stopped in `!`."""
    go_on, ends = asyncio.Event(), []

    async def how_many_more(folder: Path, report: Any) -> list[str]:
        report(StudyState("planned", "train tiny 8 times on many examples each", 0.0, None))
        assert [task.words for task in scene.app.session.tasks] == ["study: how many more"]
        report(StudyState("running", "training 2 of 8", 0.41, 130.0))
        try:
            await go_on.wait()
        finally:
            ends.append(go_on.is_set())
        return ["It would help."]

    async def begin() -> None:
        scene.data.action_how_many()
        await scene.pilot.pause()
        await scene.pilot.press("enter")
        await scene.until("esc leaves, and it goes on")
        await scene.pilot.press("escape")
        scene.app.clear_notifications()
        await scene.until("▸ study: training 2 of 8 41 %, 2 min left")

    monkeypatch.setattr(studies, "how_many_more", how_many_more)
    await begin()
    scene.data.action_how_many()
    await scene.pilot.pause(0.3)
    await scene.pilot.press("enter")
    await scene.until("Another study runs")
    await scene.pilot.press("escape", "exclamation_mark", "c", "escape")
    await scene.settle()
    assert ends == [False] and not list(scene.app.session.tasks)
    await begin()
    go_on.set()
    await scene.settle()
    assert ends == [False, True] and "It would help." in scene.toasts()
