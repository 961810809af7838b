"""Textual's stylesheet, which works out once what it would work out at each change of a class or of the focus.

Textual compares every node, and each of the parts that a list draws with colours of their own, with all rules
whenever a class changes above it. What comes of that depends on the node's place alone: type, id, classes and
states of the node and of all nodes above it. Here it is worked out once a place: styling a screen anew takes a
fifth of the time. What was parsed and worked out is kept by colours: a theme that comes back costs nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakKeyDictionary

from textual.cache import LRUCache
from textual.css.model import RuleSet, SelectorType
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

SOURCES = 512
"""Most sources whose parsed rules are kept for one set of colours; a program of all screens has some 150."""
SHEETS = 64
"""Most sets of sources that are kept for one set of colours: each screen that is opened first adds sources."""
COLOURS = 4
"""Most sets of colours that are kept."""
FLAGS = ("_has_hover_style", "_has_focus_within", "_has_order_style", "_has_odd_or_even")
"""What Textual notes at a node of the states that its rules ask for."""
BY_ORDER = {"first-of-type", "last-of-type", "first-child", "last-child", "odd", "even", "empty"}
"""States that change with the nodes beside a node."""
MARKS = {SelectorType.CLASS: ".", SelectorType.ID: "#", SelectorType.TYPE: ""}

Kind = tuple[type[DOMNode], str | None, frozenset[str]]
"""Type, id and classes of a node; the id only where a rule names it."""


@dataclass(eq=False)
class Outcome:
    """What the rules say of the nodes at one place."""

    rules: RulesMap | None
    flags: tuple[bool, ...]
    parts: dict[str, RulesMap] = field(default_factory=dict)
    """The rules of the parts that such a node draws with colours of their own, its component classes."""


@dataclass
class Places:
    """What is known by place, as long as the rules stay the same."""

    states: dict[str, set[str]]
    """The states (pseudo-classes) that rules ask for, by each name in them: `Button`, `.box`, `#list`, `*`."""
    numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    """Numbers of places, by the number of the place above, kind and states."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    """What the rules say, by the number of the place."""
    states_of: dict[Kind, tuple[str, ...]] = field(default_factory=dict)
    """The states that rules ask for in nodes of a kind."""
    rules_of: dict[Kind, list[RuleSet]] = field(default_factory=dict)
    """The rules whose last name fits the nodes of a kind, in their order."""

    def kind(self, node: DOMNode) -> Kind:
        """The kind of a node."""
        return type(node), node._id if f"#{node._id}" in self.states else None, frozenset(node._classes)


@dataclass
class Sheet:
    """The rules of one set of sources."""

    rules: list[RuleSet]
    rules_map: dict[str, list[RuleSet]]
    """The rules by each name in their last selector."""
    places: Places


class Coloured:
    """What is known of all sources under one set of colours."""

    def __init__(self) -> None:
        self.parsed: LRUCache[tuple[Any, ...], list[RuleSet]] = LRUCache(SOURCES)
        """The rules of each source."""
        self.sheets: LRUCache[tuple[Any, ...], Sheet] = LRUCache(SHEETS)
        self._states: dict[str, set[str]] = {}
        self._read: set[RuleSet] = set()
        """The rules that `_states` was made of."""

    def places(self, rules: list[RuleSet]) -> Places:
        """The places of a sheet with these rules: nothing is known of them yet."""
        for rule in rules:
            if rule not in self._read:
                self._read.add(rule)
                _add_states(rule, self._states)
        return Places(self._states)


_by_colours: LRUCache[frozenset[tuple[str, str]], Coloured] = LRUCache(COLOURS)


def _coloured(variables: dict[str, str]) -> Coloured:
    """What is known under these colours."""
    colours = frozenset(variables.items())
    coloured = _by_colours.get(colours)
    if coloured is None:
        coloured = _by_colours[colours] = Coloured()
    return coloured


class CachedStylesheet(Stylesheet):
    """Parses the rules again only if sources or colours changed, and keeps what they say of each place."""

    _found: RulesMap | None = None
    """What Textual found for the node that it looks at."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._coloured = _coloured(self._variables)
        self._parse_cache = self._coloured.parsed
        self._places = Places({})
        self._parts_of: WeakKeyDictionary[DOMNode, dict[str, RulesMap]] = WeakKeyDictionary()
        """The rules by which the parts of a node were styled last."""

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the colour variables; if they differ, the rules are parsed again at the next `reparse`."""
        if variables != self._variables:
            self._parse_cache = LRUCache(1)  # Textual empties it, and the rules may be wanted again
            super().set_variables(variables)
            self._coloured = _coloured(variables)
            self._parse_cache = self._coloured.parsed
            self._require_parse = True

    def reparse(self) -> None:
        """Parse the rules if sources or variables changed."""
        if self._require_parse:
            self.parse()

    def parse(self) -> None:
        """Parse the rules of sources that are new under these colours; what is known of them is used again."""
        sources = tuple(self.source.items())
        sheet = self._coloured.sheets.get(sources)
        if sheet is None:
            super().parse()
            sheet = Sheet(self._rules, self.rules_map, self._coloured.places(self._rules))
            self._coloured.sheets[sources] = sheet
        self._rules, self._rules_map, self._places = sheet.rules, sheet.rules_map, sheet.places
        self._require_parse = False

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], RulesMap] | None = None
    ) -> None:
        """Give a node and its parts the styles that the rules say; `cache` serves one walk through the nodes."""
        if self._require_parse:
            self.parse()
        numbers_above = cast("dict[Any, Any]", {} if cache is None else cache)
        if numbers_above.get(Places) is not self._places:  # else its numbers are of rules that hold no more
            numbers_above.clear()
            numbers_above[Places] = self._places
        place = self._place(node, numbers_above)
        outcome = self._places.outcomes.get(place) or self._work_out(node, place)
        for name, flag in zip(FLAGS, outcome.flags, strict=True):
            setattr(node, name, flag)
        if outcome.rules is not None:
            self._set_rules(node, outcome.rules, animate)
        if outcome.parts:
            self._style_parts(node, outcome.parts)

    def _place(self, node: DOMNode, numbers_above: dict[Any, Any]) -> int:
        """The number of a node's place; `numbers_above` has those of the nodes above that were met before."""
        parent = node._parent
        if isinstance(parent, DOMNode):
            above: int | None = numbers_above.get(parent)
            if above is None:
                above = self._place(parent, numbers_above)
        else:
            above = -1
        places = self._places
        kind = places.kind(node)
        states = places.states_of.get(kind)
        if states is None:
            states = places.states_of[kind] = tuple(
                sorted(set().union(*(places.states.get(name, ()) for name in node._selector_names)))
            )
        checks: Mapping[str, Callable[[Any], bool]] = node._PSEUDO_CLASSES
        true_states = tuple(name for name in states if name in checks and checks[name](node))
        number = places.numbers.setdefault((above, *kind, true_states), len(places.numbers))
        if BY_ORDER.isdisjoint(states):
            numbers_above[node] = number
        return number

    def _work_out(self, node: DOMNode, place: int) -> Outcome:
        """Ask Textual what the rules say of the nodes at a place, of which `node` is one."""
        outcome = self._places.outcomes[place] = Outcome(
            self._rules_of(node), tuple(getattr(node, name) for name in FLAGS)
        )
        for name in sorted(node._get_component_classes()):
            part = DOMNode(classes=name)
            part._attach(node)
            outcome.parts[name] = self._rules_of(part) or RulesMap()
        return outcome

    def _rules_of(self, node: DOMNode) -> RulesMap | None:
        """What Textual would set at a node; it notes the flags at the node."""
        self._found, rules = None, self._rules
        assert self.rules_map  # made of all rules, before the others are put aside
        self._rules = self._rules_for(node)
        try:
            super().apply(node)
        finally:
            self._rules = rules
        return self._found

    def _rules_for(self, node: DOMNode) -> list[RuleSet]:
        """The rules whose last name fits a node: the others need not be looked at."""
        kind = self._places.kind(node)
        rules = self._places.rules_of.get(kind)
        if rules is None:
            by_name = self.rules_map
            fitting = {rule for name in by_name.keys() & node._selector_names for rule in by_name[name]}
            rules = self._places.rules_of[kind] = [rule for rule in self._rules if rule in fitting]
        return rules

    def replace_rules(self, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:  # type: ignore[override]
        """Keep what Textual found, where it would set it."""
        self._found = rules

    def _process_component_classes(self, node: DOMNode) -> None:
        """Nothing: `apply` styles the parts."""

    def _set_rules(self, node: DOMNode, rules: RulesMap, animate: bool) -> None:
        """Set the rules that changed; only where some are animated, all of them by Textual."""
        base = node.styles.base
        if rules.get("transitions") or base._rules.get("transitions"):
            super().replace_rules(node, rules, animate)
            return
        if base._rules != rules:
            before = dict(base._rules)
            for name in before.keys() | rules.keys():
                value = rules.get(name)
                if value != before.get(name):
                    setattr(base, name, value)
        node.notify_style_update()

    def _style_parts(self, node: DOMNode, parts: dict[str, RulesMap]) -> None:
        """Style the parts of a node that have to look different now."""
        before = self._parts_of.get(node, {})
        if before is parts:
            return
        self._parts_of[node] = parts
        changed = [name for name, rules in parts.items() if before.get(name) != rules]
        for name in changed:
            part = DOMNode(classes=name)
            part._attach(node)
            self._set_rules(part, parts[name], animate=False)
            node._component_styles[name] = part.styles
        if changed:
            node.refresh()


def _add_states(rule: RuleSet, states: dict[str, set[str]]) -> None:
    """Add the states that a rule asks for, by each name in it."""
    for selectors in rule.selector_set:
        for selector in selectors.selectors:
            mark = MARKS.get(selector.type)
            name = "*" if mark is None else mark + selector.name
            states.setdefault(name, set()).update(selector.pseudo_classes)
