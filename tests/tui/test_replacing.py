"""Find and replace, and one answer for many: every hit is shown, one undo takes all back, bytes beside stay."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.widgets import Input

from curator.tui.screens.data.answer_dialog import AnswerDialog
from curator.tui.screens.data.replace_dialog import ReplaceDialog
from curator.tui.stage_models.many.replacing import ReplaceWish, find_hits, hits_in, replaced
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.thorough import examples
from tests.tui.scene import Scene, chat, dataset, opened

pytestmark = pytest.mark.by_turns

ALL = frozenset({"system", "user", "assistant", "tool"})
TEXTS = [{"type": "text", "text": "one STOP"}, {"type": "text", "text": "STOP"}]
PARTS = json.dumps(
    {
        "messages": [{"role": "user", "content": TEXTS}, {"role": "assistant", "content": "STOP  \u00e9"}],
        "kept": 1.0,
    }
).encode()
LINES = [chat("Stop it. stop!", "(halt) STOP", "Never stop."), PARTS, chat("unstoppable", "(go)"), b"no json STOP"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return open_workspace(dataset(tmp_path_factory.mktemp("w"), LINES))


@pytest.mark.parametrize(
    ("wish", "hits", "touched"),
    [
        (ReplaceWish("stop", "go", ALL), 8, {1, 2, 3}),
        (ReplaceWish("stop", "go", frozenset({"assistant"})), 2, {1, 2}),
        (ReplaceWish("stop", "go", ALL, whole_words=True), 7, {1, 2}),
        (ReplaceWish(" STOP", "", frozenset({"assistant"}), same_case=True), 1, {1}),
        (ReplaceWish(r"\((\w+)\)", r"[\1]", ALL, regex=True), 2, {1, 3}),
        (ReplaceWish("(go)", "(go)", ALL), 0, set()),
    ],
)
def test_hits_and_bytes(workspace: Workspace, wish: ReplaceWish, hits: int, touched: set[int]) -> None:
    found = find_hits(workspace, workspace.ids(), wish, lambda share: False)
    assert found is not None
    assert (found.total, set(found.ids)) == (hits, touched)
    raws = replaced(workspace, workspace.ids(), wish)
    assert set(raws) == touched
    if 2 in raws:
        assert raws[2].endswith(b'"kept": 1.0}')
        assert "\u00e9".encode() in raws[2] or b"\\u00e9" in raws[2]


def test_a_hit_that_is_left_out_stays(workspace: Workspace) -> None:
    wish = ReplaceWish("stop", "go", frozenset({"user"}))
    first, *_ = hits_in(workspace.record(1), wish, wish.pattern())
    raw = replaced(workspace, [1], wish, {first.place})[1]
    assert json.loads(raw)["messages"][1]["content"] == "Stop it. go!"


@pytest.mark.parametrize(("find", "by"), [("(", ""), ("a", r"\9"), ("(?P<n", ""), ("a", "\\")])
def test_an_invalid_expression_is_a_sentence(find: str, by: str) -> None:
    with pytest.raises(ValueError, match="is invalid"):
        ReplaceWish(find, by, ALL, regex=True).pattern()


@settings(max_examples=examples(40), deadline=None)
@given(st.text(max_size=12), st.text("ab(\\", min_size=1, max_size=2), st.text(max_size=3))
def test_words_are_replaced_as_python_does(text: str, find: str, by: str) -> None:
    wish = ReplaceWish(find, by, ALL, same_case=True)
    assert wish.pattern().sub(lambda match: wish.expand(match), text) == text.replace(find, by)
    assert re.compile(re.escape(find)).search(text) is None or find in text


async def fill(scene: Scene, **fields: str) -> None:
    """Set fields of the dialog, and wait for what is found."""
    for name, text in fields.items():
        scene.app.screen.query_one(f"#{name}", Input).value = text
    await scene.pilot.pause(0.3)
    await scene.settle()


async def test_replace_in_the_view_shows_hits_and_is_one_undo(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, LINES)) as scene:
        before = [scene.workspace.raw(i) for i in scene.workspace.ids()]
        await scene.press("percent_sign")
        assert isinstance(scene.app.screen, ReplaceDialog)
        await fill(scene, find="stop", replacement="go")
        text = scene.screen_text()
        assert "7 hits in 3 examples of the 4 of this view" in text
        assert "−Stop +go it. stop!" in text
        await fill(scene, find="(")
        scene.app.screen.query_one("#regex").toggle()  # type: ignore[attr-defined]
        await fill(scene)
        assert "The regular expression is invalid" in scene.screen_text()
        scene.app.screen.query_one("#regex").toggle()  # type: ignore[attr-defined]
        await fill(scene, find="stop")
        scene.app.screen.query_one("#hits").focus()
        await scene.press("space", "enter")
        assert b"Stop it. go!" in scene.workspace.raw(1)
        assert "Replaced 'stop' in 3 examples" in scene.toasts()
        await scene.press("u")
        assert [scene.workspace.raw(i) for i in scene.workspace.ids()] == before


async def test_one_answer_for_a_selection_is_found_by_letters_and_by_meaning(tmp_path: Path) -> None:
    lines = [chat("happy birthday to you", "(cake)"), chat("night bird", "(owl)"), chat("an owl", "(bird)"), PARTS]
    async with opened(dataset(tmp_path, lines)) as scene:
        await scene.press("ctrl+a", "O")
        assert isinstance(scene.app.screen, AnswerDialog)
        for typed, first in (("ow", "(owl)"), ("birthday", "(cake)"), ("bird", "(bird)")):
            scene.app.screen.query_one("#typed", Input).value = typed
            await scene.settle()
            assert scene.app.screen._listed[0] == first
        await scene.press("down", "enter")  # the next after (bird): the answer to "night bird" or "birthday"
        answers = {json.loads(scene.workspace.raw(i))["messages"][-1]["content"] for i in (1, 2, 3)}
        assert len(answers) == 1
        await scene.press("u")
        assert b"(cake)" in scene.workspace.raw(1)
        assert b"(owl)" in scene.workspace.raw(2)
        await scene.press("escape", "g", "e", "ctrl+g")
        assert isinstance(scene.app.screen, AnswerDialog)
        scene.app.screen.query_one("#typed", Input).value = "never given yet"
        await scene.settle()
        await scene.press("enter", "escape")
        assert b"never given yet" in scene.workspace.raw(1)
