"""What copies a held-out example is told at once; one key keeps it held out, another trains on both."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from curator.core import splice
from tests.tui.scene import opened
from tests.workspace.test_twins import COPY, QUESTIONS, example


def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    lines = [splice.dump(example(text, f"Answer {n}.")) for n, text in enumerate(QUESTIONS)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


async def test_one_key_keeps_it_and_one_trains_on_both(tmp_path: Path) -> None:
    async with opened(data(tmp_path)) as scene:
        changes = scene.workspace.changes
        changes.assign([1, 2, 3], "validation")
        await scene.press("K")
        assert "No example has joined" in scene.toasts()
        change = scene.app.session.add(splice.dump(COPY), None)
        assert change is not None
        new = change.ids[0]
        await scene.pilot.pause()
        assert "Held out (validation): it copies example 1 there, or asks the same" in scene.toasts()
        await scene.press("K")
        row = scene.workspace.row(new)
        assert (row.split, row.labels) == ("validation", ("pinned",))
        await scene.press("M")  # there is nothing to decide any more
        assert scene.workspace.record(1).split == "validation"

        scene.app.session.replace(5, splice.dump(example(QUESTIONS[1], "Answer 1.")))
        await scene.press("M")
        assert [scene.workspace.record(i).split for i in (2, 5)] == ["train", "train"]
        assert "The validation side shrinks from 4 to 3 prompts" in scene.toasts()
        await scene.press("u")
        assert [scene.workspace.record(i).split for i in (2, 5)] == ["validation", "validation"]

        # a copy that becomes another question goes back to training, which is told, until a key holds it out
        scene.app.session.edit(5, "messages[1].content", QUESTIONS[1] + " !")
        await scene.pilot.pause()
        assert "any more" not in scene.toasts()
        scene.app.session.edit(5, "messages[1].content", "Who painted the ceiling of the chapel in Rome?")
        await scene.pilot.pause()
        assert "Back to training: example 5 copies no held-out one any more. K holds it out" in scene.toasts()
        assert [scene.workspace.record(i).split for i in (2, 5)] == ["validation", None]
        await scene.press("K")
        row = scene.workspace.row(5)
        assert (row.split, row.labels) == ("validation", ("pinned",))
        await scene.press("u", "u")
        assert scene.workspace.record(5).split == "validation"
        for held_out in (new, 3):  # pinned by a person, or put there by a split
            text = f"Something else that nobody asked, number {held_out}?"
            change = scene.app.session.edit(held_out, "messages[1].content", text)
            assert change is not None and change.parted == ()
            assert scene.workspace.record(held_out).split == "validation"


async def test_a_training_that_leaks_leads_to_the_copies(tmp_path: Path) -> None:
    async with opened(data(tmp_path)) as scene:
        changes = scene.workspace.changes
        changes.assign(scene.workspace.ids(), "train")
        changes.assign([1, 2], "validation")
        (new,) = changes.add(COPY).ids
        changes.assign([new], "train")
        await scene.press("T")
        scene.app.screen.query_one("#model", Input).value = "smollm2-135m-instruct"
        for _ in range(100):
            await scene.pilot.pause(0.1)
            if "enter lists the copies" in scene.screen_text():
                break
        assert "copy or near copy of a held-out one" in " ".join(scene.screen_text().split())
        await scene.press("enter")
        await scene.pilot.pause()
        assert list(scene.app.session.view.ids) == [new]
