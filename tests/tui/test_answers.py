"""The answer contract: proposed, set, cleared; problems repaired by one key; answers completed while typing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select

from curator import paths
from curator.core.answers.contract import Contract
from curator.tui.screens.data.fix_dialog import FixDialog
from curator.tui.screens.dataset.answers_dialog import AnswersDialog
from curator.tui.stage_models import answer_contracts
from curator.tui.widgets.text_field import MessageField
from tests.thorough import every
from tests.tui.scene import NARROW, SIZES, Scene, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns

AT_EACH_SIZE = pytest.mark.parametrize("size", SIZES, ids=str)
RULE = "answer_outside_contract"


def sample(folder: Path) -> Path:
    """A copy of the sample."""
    return Path(shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", folder))


def planted(*kinds: str) -> list[dict[str, Any]]:
    """The sample's known faults of some kinds."""
    table = json.loads((paths.packaged("sample_data") / "emojibot-faults.json").read_text())
    return [fault for fault in table["faults"] if fault["kind"] in kinds]


def answer(scene: Scene, example: int) -> str:
    """The answer of an example as saved."""
    return str(json.loads(scene.workspace.raw(example))["messages"][2]["content"])


def contract(scene: Scene) -> Contract | None:
    """The contract as the rules know it."""
    found = scene.workspace.context().contract
    return found if isinstance(found, Contract) else None


@AT_EACH_SIZE
async def test_sample_offers_a_contract_and_makes_none_by_itself(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(sample(tmp_path), size) as scene:
        assert "A makes that the answer contract" in scene.toasts()
        assert contract(scene) is None
        await scene.press("A")
        shown = scene.screen_text()
        assert "94 % of answers look like (word)" in shown
        assert "the 235 of Curator's EmojiBot sample" in shown
        assert "Microsoft" not in shown
        names = list(scene.app.screen._choices)  # type: ignore[attr-defined]
        assert names == ["used", "repeated", "sample", "any"]
        assert "28 of 318 answers break it" in shown
        assert "(brokenhart) → (brokenheart)" in shown
        assert contract(scene) is None
        await scene.press("enter")
        assert contract(scene) == Contract(answer_contracts.shortcodes())
        assert scene.workspace.view(f"rule:{RULE}").total == 28


@AT_EACH_SIZE
async def test_the_answers_that_the_data_uses_are_the_first_offer(tmp_path: Path, size: tuple[int, int]) -> None:
    often = [chat(f"Q{n}", f"({'beast' if n % 3 else 'brain teaser'})") for n in range(9)]
    once = [chat(f"R{n}", f"(only{n})") for n in range(12)]
    async with opened(dataset(tmp_path, [*often, *once]), size) as scene:
        await scene.press("A")
        dialog = scene.app.screen
        assert isinstance(dialog, AnswersDialog)
        assert dialog.query_one("#allowed", Select).value == "used"
        assert [choice.words for choice in dialog._choices.values()] == [
            "the 14 that this data uses",
            "the 2 used at least twice (9 of 21)",
            "any answer",
        ]
        shown = scene.screen_text()
        assert "✓ all 21 answers keep it" in shown
        assert "(beast) 6 · (brain teaser) 3" in shown
        assert "used once  12: (only0)" in shown
        dialog.query_one("#allowed", Select).value = "repeated"
        await scene.settle()
        assert "12 of 21 answers break it" in scene.screen_text()
        await scene.press("enter")
        assert contract(scene) == Contract(frozenset({"(beast)", "(brain teaser)"}))


async def test_every_planted_answer_is_repaired_and_undone_by_one_key(tmp_path: Path) -> None:
    faults = planted("unknown_answer", "emoji_answer", "chatty_answer")
    assert len(faults) == 20
    clean = (paths.packaged("sample_data") / "emojibot-clean.jsonl").read_text().splitlines()
    async with opened(sample(tmp_path), NARROW) as scene:
        await scene.press("A", "enter")
        found = set(scene.workspace.view(f"rule:{RULE}").ids)
        as_wanted = 0
        tried = every(3, faults)
        for fault in tried:
            line = fault["line"]
            assert line in found
            scene.data.examples.go_to(line)
            await scene.settle()
            assert scene.data.problems.rule == RULE
            before = scene.workspace.raw(line)
            assert f"{answer(scene, line)} → " in scene.data.problems.preview
            await scene.pilot.press("F")
            await scene.pilot.pause()
            assert RULE not in {problem.rule for problem in scene.workspace.problems(line)}
            repaired = answer(scene, line)
            assert repaired in answer_contracts.shortcodes()
            as_wanted += repaired == json.loads(clean[fault["clean_line"] - 1])["messages"][2]["content"]
            await scene.pilot.press("u")
            await scene.pilot.pause()
            assert scene.workspace.raw(line) == before
        # (doublebooked): only who reads the prompt knows that (calendar) is meant
        assert as_wanted == len(tried) - any(answer(scene, fault["line"]) == "(doublebooked)" for fault in tried)


async def test_a_refusal_goes_with_one_key_and_comes_back_with_one(tmp_path: Path) -> None:
    async with opened(sample(tmp_path)) as scene:
        await scene.press("A", "enter")
        for fault in planted("refusal"):
            scene.data.examples.go_to(fault["line"])
            await scene.press("F")
            assert scene.data.problems.rule == RULE
            assert "d deletes it" in scene.toasts()
            await scene.press("d")
            assert fault["line"] not in scene.workspace.ids()
            await scene.press("u")
            assert fault["line"] in scene.workspace.ids()


async def test_a_repair_that_is_not_seen_in_full_is_asked_for(tmp_path: Path) -> None:
    long = "Well, thank you so much for asking me about this; I would say that it is (tea) and nothing else."
    async with opened(dataset(tmp_path, [chat("Cuppa?", long), *many(2)])) as scene:
        scene.workspace.set_meta("contract", Contract(frozenset({"(tea)", "(answer1)", "(answer2)"})).to_json())
        scene.app.session.publish(None)
        await scene.settle()
        await scene.press("F")
        assert isinstance(scene.app.screen, FixDialog)
        await scene.press("enter")
        assert answer(scene, 1) == "(tea)"


async def test_pattern_only_and_clearing_again(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [*many(15), chat("Q", "Sure!")])) as scene:
        await scene.press("A")
        dialog = scene.app.screen
        assert isinstance(dialog, AnswersDialog)
        assert dialog.query_one("#pattern", Input).value == r"\([a-z0-9]+\)"
        assert "1 of 16 answers break it" in scene.screen_text()
        await scene.press("enter")
        assert contract(scene) == Contract(pattern=r"\([a-z0-9]+\)")
        assert scene.workspace.view(f"rule:{RULE}").ids == [16] or list(
            scene.workspace.view(f"rule:{RULE}").ids
        ) == [16]
        await scene.press("A")
        assert "✓ now pattern" in scene.screen_text()
        await scene.pilot.click("#clear")
        await scene.settle()
        assert contract(scene) is None
        assert scene.workspace.view(f"rule:{RULE}").total == 0


async def test_vocabulary_of_a_file_and_what_is_wrong_with_one(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("(answer1)\n(answer2)\n")
    async with opened(dataset(tmp_path, many(12))) as scene:
        await scene.press("A")
        scene.app.screen.query_one("#allowed", Select).value = "file"
        await scene.settle()
        scene.app.screen.query_one("#pattern", Input).value = ""
        file = scene.app.screen.query_one("#file", Input)
        file.value = str(tmp_path / "none.txt")
        await scene.settle()
        assert "cannot be read" in scene.screen_text()
        await scene.press("enter")
        assert contract(scene) is None
        file.value = str(words)
        await scene.settle()
        assert "10 of 12 answers break it" in scene.screen_text()
        scene.app.screen.query_one("#accept").focus()
        await scene.press("enter")
        assert contract(scene) == Contract(frozenset({"(answer1)", "(answer2)"}))


async def test_a_pattern_that_cannot_be_used_is_told_and_not_stored(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(12))) as scene:
        await scene.press("A")
        scene.app.screen.query_one("#pattern", Input).value = "(a"
        await scene.settle()
        assert "✗" in scene.screen_text()
        await scene.press("enter")
        assert isinstance(scene.app.screen, AnswersDialog)
        await scene.press("escape")
        assert contract(scene) is None


@AT_EACH_SIZE
async def test_an_answer_is_completed_while_it_is_typed(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(dataset(tmp_path, [chat("Late again", "(ti"), *many(2)]), size) as scene:
        scene.workspace.set_meta("contract", Contract(frozenset({"(tired)", "(tiger)", "(tea)"})).to_json())
        await scene.press("e")
        field = scene.app.focused
        assert isinstance(field, MessageField)
        await scene.type("r")
        assert field.suggestion == "ed)"
        assert "tab (tired)" in scene.screen_text()
        await scene.press("tab")
        assert field.text == "(tired)"
        assert "tab (tired)" not in scene.screen_text()
        await scene.press("tab")
        assert field.text == "(tired)"
        assert scene.app.focused is not field
        field.focus()
        await scene.press("escape")
        assert answer(scene, 1) == "(tired)"


async def test_what_was_meant_is_offered_where_nothing_begins_so(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [chat("Late again", "(tierd"), *many(2)])) as scene:
        scene.workspace.set_meta("contract", Contract(frozenset({"(tired)", "(tea)"})).to_json())
        await scene.press("e")
        await scene.type(")")
        await scene.press("tab", "escape")
        assert answer(scene, 1) == "(tired)"


async def test_without_a_contract_tab_changes_the_pane(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(2))) as scene:
        await scene.press("e", "tab", "escape")
        assert answer(scene, 1) == "(answer1)"
