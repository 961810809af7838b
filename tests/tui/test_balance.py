"""The balance: bars, the queries behind them, one system prompt for all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input

from curator import paths
from curator.core.answers.balance import BalanceTally
from curator.core.answers.contract import Contract
from curator.core.example import parse
from curator.core.query import query
from curator.core.turns import turns
from curator.tui.screens.dataset.balance_dialog import BalanceDialog
from curator.tui.screens.dialog import Confirm
from curator.tui.stage_models import dataset_bars
from curator.tui.stage_models.dataset_bars import (
    RANGES,
    Bar,
    query_for_ids,
    query_for_text,
    with_system,
    words_if_cut,
)
from curator.tui.widgets.line_list import LineList
from curator.workspace.checks.statistics import DatasetCounts
from tests.tui.scene import SIZES, Scene, chat, dataset, many, opened

pytestmark = pytest.mark.by_turns

AT_EACH_SIZE = pytest.mark.parametrize("size", SIZES, ids=str)


def bars(scene: Scene) -> dict[str, Bar]:
    """The bars of the dialog by their text."""
    dialog = scene.app.screen
    assert isinstance(dialog, BalanceDialog)
    return {bar.text: bar for bar in dialog._bars}


async def choose(scene: Scene, text: str) -> None:
    """Put the cursor on a bar and press enter."""
    scene.app.screen.query_one("#bars", LineList).cursor = list(bars(scene)).index(text)
    await scene.press("enter")


def sample(folder: Path) -> Path:
    """A copy of the sample."""
    return Path(shutil.copy(paths.packaged("sample_data") / "emojibot.jsonl", folder))


@AT_EACH_SIZE
async def test_a_bar_lists_its_examples(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(sample(tmp_path), size) as scene:
        await scene.press("B")
        assert "! (smile)" in scene.screen_text()
        times = bars(scene)["(smile)"].times
        assert times == 45
        await scene.press("w")
        scene.app.screen.query_one("#path", Input).value = str(tmp_path / "bars.csv")
        await scene.press("enter")
        assert (tmp_path / "bars.csv").read_text("utf-8").splitlines()[:2] == ["value,examples", "(smile),45"]
        await scene.press("enter")
        assert scene.app.session.view.total == times
        assert r"assistant:/\A\(smile\)\Z/" in scene.app.session.query


async def test_tokens_are_spread_beside_the_limit(tmp_path: Path) -> None:
    long = chat("Go on", "word " * 1_100)
    async with opened(dataset(tmp_path, [long, *many(20)])) as scene:
        scene.workspace.set_meta("context", {"profile": "local", "model": "smollm2-135m-instruct"})
        scene.workspace.current_results.require_tokens()
        await scene.press("B")
        found = bars(scene)
        counted = [bar for text, bar in found.items() if text.endswith(" tokens")]
        assert sum(bar.times or 0 for bar in counted) == 21
        for bar in [each for each in counted if each.query] + [found["over the 1,024 that training reads"]]:
            assert scene.workspace.view(bar.query).total == bar.times


async def test_tokens_say_of_how_many_they_speak_and_follow_the_analysis(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(40))) as scene:
        workspace = scene.workspace
        counted = {example: 20 + example for example in range(1, 9)}
        workspace.tokens = lambda: counted  # type: ignore[method-assign]
        await scene.press("B")
        assert any(text.startswith("Tokens of 8 of 40 examples: ") for text in bars(scene))
        bar_list = scene.app.screen.query_one("#bars", LineList)
        bar_list.cursor = list(bars(scene)).index("(answer10)")
        counted = {example: 20 + example for example in range(1, 41)}
        scene.app.session.publish(())
        await scene.settle()
        texts = list(bars(scene))
        assert any(text.startswith("Tokens: 21 to 60") for text in texts)
        assert texts[bar_list.cursor] == "(answer10)"


async def test_every_bar_with_a_query_lists_as_many_examples_as_it_says(tmp_path: Path) -> None:
    async with opened(sample(tmp_path)) as scene:
        await scene.press("A", "enter", "B")
        found = bars(scene)
        listing = [bar for bar in found.values() if bar.query]
        assert len(listing) > 25
        for bar in listing:
            assert scene.workspace.view(bar.query).total == bar.times, bar
        assert found["refusals"].times == 2
        assert found["outside the answer contract"].times == 28
        assert found["Cyrillic"].times == 1
        assert any(text.startswith("120 allowed and never used: ") for text in found)


@AT_EACH_SIZE
async def test_one_system_prompt_for_all_is_asked_and_one_step(tmp_path: Path, size: tuple[int, int]) -> None:
    lines = [
        *many(6),
        chat("Other", "(o)", system="Be brief."),
        b'{"messages": [{"role": "user", "content": "x"}]}',
    ]
    async with opened(dataset(tmp_path, lines), size) as scene:
        await scene.press("B")
        assert "3 different · U unifies them" in scene.screen_text()
        await scene.press("U")
        assert "Most examples have this one" in scene.screen_text()
        await scene.press("enter")
        assert isinstance(scene.app.screen, Confirm)
        assert "Give 2 examples this system prompt?" in scene.screen_text()
        await scene.press("enter")
        assert "1 different" in scene.screen_text()
        await scene.press("escape")
        for example in range(1, 9):
            first = json.loads(scene.workspace.raw(example))["messages"][0]
            assert first == {"role": "system", "content": "Answer with one shortcode."}
        await scene.press("u")
        assert [scene.workspace.raw(example) for example in range(1, 9)] == lines


async def test_unifying_is_left_by_escape(tmp_path: Path) -> None:
    lines = [*many(3), chat("Other", "(o)", system="Be brief.")]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("B", "U", "escape", "escape")
        assert scene.workspace.raw(4) == lines[3]


async def test_lines_that_cannot_be_read_have_a_balance_too(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, [b"no JSON"])) as scene:
        await scene.press("B")
        assert bars(scene)["(no system prompt)"].times == 1
        await scene.press("enter")
        assert scene.app.session.query == "id:1"


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_exactly_finds_the_text_and_nothing_longer(text: str) -> None:
    parsed = query.parse(query_for_text("assistant", text))
    assert isinstance(parsed, query.Text)
    assert parsed.matches_text(text)
    assert not parsed.matches_text(f"{text}x")
    assert not parsed.matches_text(f"x{text}")


@given(st.sets(st.integers(1, 400), min_size=1))
def test_ids_as_a_query_are_those_ids(ids: set[int]) -> None:
    parsed = query.parse(query_for_ids(sorted(ids)))
    ranges = parsed.items if isinstance(parsed, query.Or) else (parsed,)
    assert {
        i for i in range(1, 401) if any(isinstance(each, query.Range) and each.holds(i) for each in ranges)
    } == ids
    assert words_if_cut(sorted(ids)) == ""


def test_more_ids_than_a_query_holds_are_told() -> None:
    ids = range(1, 4 * RANGES, 2)
    parsed = query.parse(query_for_ids(ids))
    assert isinstance(parsed, query.Or)
    assert len(parsed.items) == RANGES
    assert words_if_cut(ids) == f" The first {RANGES:,} of {2 * RANGES:,} are listed."


@pytest.mark.parametrize(
    "line",
    [
        b'{"messages": []}',
        b'{"messages": [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}]}',
        b'{"messages": [{"role": "system", "content": ["a"]}, {"role": "user", "content": "b"}]}',
        b'{"messages": [{"role": "system", "content": "One."}, {"role": "user", "content": "b"}]}',
        b'{"prompt": "a", "completion": "b"}',
        b"[]",
    ],
)
def test_what_has_no_place_for_another_system_prompt_is_left_alone(line: bytes) -> None:
    assert with_system(line, parse(line).value, "One.") is None


def test_the_system_prompt_of_a_preference_pair() -> None:
    line = b'{"input": {"messages": [{"role": "user", "content": "Hi"}]}, "preferred_output": [], "n": 1.50}'
    made = with_system(line, parse(line).value, "One.")
    assert made is not None
    assert json.loads(made)["input"]["messages"][0] == {"role": "system", "content": "One."}
    assert b'"n": 1.50' in made


def test_never_used_answers_are_named(tmp_path: Path) -> None:
    counted = DatasetCounts(BalanceTally(Contract(frozenset({"(a)", "(b)", "(c)"}))), keep_ids=True)
    counted.add(1, turns(json.loads(chat("Q", "(a)"))))
    assert "2 allowed and never used: (b) (c)" in [bar.text for bar in dataset_bars.bars(counted, True)]
