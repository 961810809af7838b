"""The stylesheet says of every node on every screen what Textual's own says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.css.styles import RulesMap, Styles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widgets import Button

from tests.tui.scene import NARROW, WIDE, Scene, dataset, many, opened

pytestmark = pytest.mark.by_turns


class Plain(Stylesheet):
    """Textual's stylesheet, which only tells what it would set."""

    said: RulesMap | None = None

    def say(self, node: DOMNode) -> RulesMap:
        """What it would set at a node."""
        self.said = None
        self.apply(node)
        return self.said or RulesMap()

    def replace_rules(self, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:  # type: ignore[override]
        """Keep the rules."""
        self.said = rules

    def _process_component_classes(self, node: DOMNode) -> None:
        pass


def as_set(rules: RulesMap) -> dict[str, Any]:
    """Rules as a node has them once they are set."""
    styles = Styles()
    for name, value in rules.items():
        setattr(styles, name, value)
    return dict(styles._rules)


def differences(scene: Scene) -> list[str]:
    """The nodes of the screen, and their parts, that look other than Textual's stylesheet says."""
    sheet = scene.app.stylesheet
    plain = Plain(variables=sheet._variables)
    plain.source = dict(sheet.source)
    plain.parse()
    different = []
    for node in scene.app.screen.walk_children(with_self=True):
        flags = node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even
        different += [f"{node}: {line}" for line in _unlike(as_set(plain.say(node)), node.styles.base._rules)]
        if flags != (node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even):
            different.append(f"flags of {node}")
        for name in node._get_component_classes():
            part = DOMNode(classes=name)
            part._attach(node)
            styled = node._component_styles[name].base._rules
            different += [f"{name} of {node}: {line}" for line in _unlike(as_set(plain.say(part)), styled)]
    return different


def _unlike(wanted: dict[str, Any], there: RulesMap) -> list[str]:
    """The rules that differ, in words."""
    names = wanted.keys() | there.keys()
    return [
        f"{name} is {there.get(name)}, not {wanted.get(name)}"
        for name in sorted(names)
        if str(wanted.get(name)) != str(there.get(name))
    ]


async def test_every_node_looks_as_textual_would_have_it(tmp_path: Path) -> None:
    async with opened(dataset(tmp_path, many(3)), NARROW) as scene:
        assert differences(scene) == []
        for keys in ("tab", "e", "f6", "escape", "r", "tab", "slash", "escape", "t", "escape", "question_mark"):
            await scene.press(keys)
            assert differences(scene) == [], keys
        await scene.press("escape")
        await scene.pilot.resize_terminal(*WIDE)
        await scene.settle()
        assert differences(scene) == []
        for theme in ("textual-light", "nord"):
            scene.app.theme = theme
            await scene.settle()
            assert differences(scene) == [], theme
        await scene.app.run_action("dialog('settings')")
        await scene.settle()
        await scene.pilot.hover(Button)
        await scene.settle()
        assert differences(scene) == []
        await scene.pilot.hover(offset=(0, 0))
        scene.app.screen.query(Button).first().disabled = True
        await scene.settle()
        assert differences(scene) == []
        for stage in ("history", "split", "train", "compare", "data"):
            await scene.press("escape")
            await scene.app.run_action(f"stage('{stage}')")
            await scene.settle()
            assert differences(scene) == [], stage
