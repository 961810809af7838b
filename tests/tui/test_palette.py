"""The palette as somebody uses it who knows no name of an action: plain words find the right one first."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from curator.tui import actions
from curator.tui.command_words import ONLY_BY_NAME, SYNONYMS
from curator.tui.screens.palette import Palette
from curator.tui.stage_models.command_search import fit
from tests.thorough import every
from tests.tui.scene import Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns

PLAIN_WORDS = {
    "delete": "Delete",
    "remove": "Delete",
    "erase": "Delete",
    "remove duplicates": "Duplicates",
    "dedupe": "Duplicates",
    "contradictions": "Duplicates",
    "evaluate": "Compare",
    "accuracy": "Compare",
    "open": "Import",
    "load": "Import",
    "undo": "Undo",
    "revert": "Undo",
    "redo": "Redo",
    "save": "Export",
    "download": "Export",
    "search": "Query",
    "find": "Query",
    "filter": "Query",
    "fine-tune": "Train",
    "finetune": "Train",
    "train": "Train",
    "jobs": "Train stage",
    "validation set": "Split",
    "hold out": "Split",
    "add": "New",
    "create": "New",
    "edit": "Edit",
    "change": "Edit",
    "repair": "Fix",
    "next error": "Next problem",
    "approve": "Accept",
    "discard": "Reject",
    "label": "Label 1",
    "comment": "Note",
    "stars": "Rate higher",
    "order": "Sort",
    "colors": "Change theme",
    "dark mode": "Change theme",
    "api key": "Providers",
    "preferences": "Settings",
    "statistics": "Balance",
    "vocabulary": "Answer contract",
    "shortcuts": "Help",
    "quit": "Quit",
    "exit": "Quit",
    "cancel training": "Cancel",
    "fullscreen": "Zoom",
    "copy": "Copy message",
    "similar": "Similar",
    "vim": "External editor",
    "replace": "Find and replace",
    "count answers": "Counts",
    "set the answer": "One answer",
    "messages": "What goes on",
    "what is next": "What goes on",
    "tutorial": "Tour",
}


async def first_hit(scene: Scene, words: str) -> str:
    """What the palette shows in its first line for these words."""
    assert isinstance(scene.app.screen, Palette)
    scene.app.screen.query_one("CommandInput").value = words  # type: ignore[attr-defined]
    await scene.settle()
    lines = scene.app.screen.query_one(OptionList)
    return str(lines.get_option_at_index(0).prompt) if lines.option_count else ""


async def test_plain_words_find_the_right_action_first(tmp_path: Path) -> None:
    wrong = {}
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("ctrl+p")
        for words, name in PLAIN_WORDS.items():
            first = await first_hit(scene, words)
            if first.split("  ")[0] != name:
                wrong[words] = first
    assert wrong == {}


async def test_delete_typed_at_speed_deletes_and_stays_in_the_program(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("ctrl+p")
        await scene.pilot.press(*"delete")
        await scene.settle()
        await scene.press("enter")
        assert scene.app.is_running
        assert len(scene.workspace.ids()) == 3


def test_what_leaves_or_costs_is_never_first_for_another_word() -> None:
    own = {action.id: {action.description.casefold()} for action in actions.ACTIONS}
    for id_, words in SYNONYMS.items():
        own[id_] |= {word.strip() for word in words.split(",")}
    typed = {text for words in own.values() for phrase in words for text in (phrase, *phrase.split())}
    typed |= {word.strip(".,;:").casefold() for action in actions.ACTIONS for word in action.tooltip.split()}
    typed |= {word[:length].strip() for word in set(typed) for length in (1, 2, 3, 4)}
    for text in every(4, sorted(typed)):
        scores = {action.id: fit(action, text, action.keys) for action in actions.ACTIONS}
        first = max(scores, key=lambda id_: scores[id_])
        if first in ONLY_BY_NAME and scores[first] > 0:
            assert any(phrase.replace("-", " ").startswith(text.replace("-", " ")) for phrase in own[first]), text


def test_every_other_word_belongs_to_an_action_and_stands_alone() -> None:
    ids = {action.id for action in actions.ACTIONS}
    assert set(SYNONYMS) <= ids
    assert ids >= ONLY_BY_NAME


async def test_an_action_of_another_stage_leads_there(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("ctrl+p")
        assert "in Duplicates  X" in await first_hit(scene, "remove all duplicates")
        await scene.press("enter")
        assert scene.app.current_mode == "duplicates"
        assert "All groups is here: press X" in scene.toasts()
        assert len(scene.workspace.ids()) == 4


@pytest.mark.parametrize(
    ("keys", "typed", "reason"),
    [
        (("e",), "delete", "leave the editor first (esc)"),
        (("alt+4",), "pause", "there is no run yet; T trains a model on this data"),
    ],
)
async def test_what_cannot_run_now_says_why(
    tmp_path: Path, keys: tuple[str, ...], typed: str, reason: str
) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press(*keys, "ctrl+p")
        assert f"Not now: {reason}" in await first_hit(scene, typed)
        await scene.press("enter")
        assert reason in scene.toasts()
        assert len(scene.workspace.ids()) == 4


async def test_undo_stands_once_with_all_its_keys(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(4))) as scene:
        await scene.press("ctrl+p")
        assert (await first_hit(scene, "undo")).startswith("Undo  ctrl+z / u")
        lines = scene.app.screen.query_one(OptionList)
        names = [str(option.prompt).split("  ")[0] for option in lines.options]
        assert names.count("Undo") == 1
