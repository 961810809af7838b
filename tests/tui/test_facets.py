"""Facets: every count is the number of examples that its query lists, and ticks narrow the view."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from curator.core.answers.contract import Contract
from curator.tui.stage_models.many.facets import Facet, count_facets, narrowed
from curator.workspace.opening import open_workspace
from tests.tui.scene import SIZES, chat, dataset, opened

pytestmark = pytest.mark.by_turns

CALL = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
HOSTILE = ['a "quoted" /slash/ (x)', "line\nbreak", "[/b] ü", "", " ", "x" * 300, "x" * 299 + "y"]
LINES = [
    *[chat(f"question {n}", text, text) for n, text in enumerate(HOSTILE)],
    *[chat(f"again {n}", "(cake)", "Be brief.") for n in range(3)],
    json.dumps({"messages": [{"role": "user", "content": "no system"}, {"role": "assistant", "content": "(x)"}]}),
    json.dumps({"messages": [
        {"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "two systems"}, {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "found", "tool_call_id": "c"}, {"role": "assistant", "content": "(cake)"}]}),
    json.dumps({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "kind"}]}),
    b"no json",
]  # fmt: skip


def as_bytes(lines: Sequence[object]) -> list[bytes]:
    return [
        line.encode() if isinstance(line, str) else bytes(line) for line in lines if isinstance(line, str | bytes)
    ]


def test_every_count_is_what_its_query_lists(tmp_path: Path) -> None:
    with open_workspace(dataset(tmp_path, as_bytes(LINES))) as workspace:
        workspace.set_meta("contract", Contract(frozenset(["(cake)", "(x)", "(owl)"])).to_json())
        workspace.changes.split(validation=0.3, seed=1)
        workspace.changes.label([1, 2], 'odd "label"', True)
        workspace.changes.label([2], "good", True)
        workspace.changes.review([1, 3, 4], "accepted")
        workspace.changes.review([5], "flagged")
        workspace.changes.edit(3, "messages[1].content", "changed after its review")
        workspace.changes.add(chat("new", "(x)"), None)
        facets = count_facets(workspace, workspace.ids(), lambda share: False)
        assert facets is not None
        wrong = {
            (facet.kind, facet.text[:40]): (facet.times, workspace.view(facet.query).total)
            for facet in facets
            if facet.query and workspace.view(facet.query).total != facet.times
        }
        assert wrong == {}
        kinds = {facet.kind for facet in facets if facet.heading}
        assert kinds == {"split", "review", "label", "finding", "source", "turns", "tool", "system", "answer"}
        assert f"Review: 4 of {len(workspace.ids())} reviewed" in {facet.text for facet in facets if facet.heading}
        assert {facet.text for facet in facets if facet.kind == "finding"} >= {"invalid_json", "missing_content"}
        alike = count_facets(workspace, [8, 9], lambda share: False) or []
        assert "System prompts: Be brief. (all)" in [facet.text for facet in alike if facet.kind == "system"]
        assert [facet.text for facet in facets if facet.mark == "unused"] == ["(owl)"]
        assert {facet.text for facet in facets if facet.mark == "rare"} >= {"line\nbreak"}


def test_ticks_of_one_kind_add_up_and_kinds_must_all_hold(tmp_path: Path) -> None:
    with open_workspace(dataset(tmp_path, [chat("a", "(x)"), chat("b", "(y)"), chat("c", "(z)")])) as workspace:
        workspace.changes.label([1, 3], "good", True)
        answers = [Facet("answer", text, 1, rf"answer:/\A\({text}\)\Z/") for text in "xy"]
        assert list(workspace.view(narrowed("", answers)).ids) == [1, 2]
        assert list(workspace.view(narrowed("", [*answers, Facet("label", "good", 2, "label:good")])).ids) == [1]
        assert list(workspace.view(narrowed("a or b", answers)).ids) == [1, 2]
        assert narrowed("a or b", []) == "a or b"


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_tick_narrows_the_list_at_once(tmp_path: Path, size: tuple[int, int]) -> None:
    lines = [*[chat(f"question {n}", "(cake)") for n in range(4)], chat("rare one", "(owl)")]
    async with opened(dataset(tmp_path, lines), size) as scene:
        await scene.press("c")
        text = scene.screen_text()
        assert "Answers: 2" in text
        assert "(owl)" in text
        at = next(at for at, facet in enumerate(scene.data.facets._facets) if facet.text == "(owl)")
        scene.data.facets.cursor = at
        await scene.press("space")
        assert list(scene.app.session.view.ids) == [5]
        assert "[x] (owl)" in scene.screen_text()
        await scene.press("up", "space")
        assert scene.app.session.view.total == 5
        await scene.press("space", "escape")
        assert scene.app.focused is scene.data.examples
        assert "answer:" in scene.app.session.query
        await scene.press("escape")
        assert scene.app.session.view.total == 5
