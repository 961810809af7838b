"""Hundreds of tests start the app: what Textual works out of equal stylesheets and colours is worked out once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.design import ColorSystem

from curator.tui.looks.stylesheet import CachedStylesheet, Places


@pytest.fixture(autouse=True, scope="session")
def shared_looks() -> None:
    """Apps of equal colours share parsed rules and what these say of each place, equal themes share colours."""
    parse_whole = CachedStylesheet.parse
    places_of: dict[tuple[RuleSet, ...], Places] = {}
    parse, generate = Stylesheet.parse, ColorSystem.generate
    rules_of: defaultdict[frozenset[tuple[str, str]], LRUCache[tuple[Any, ...], Any]]
    rules_of = defaultdict(lambda: LRUCache(256))
    colours_of: dict[str, dict[str, str]] = {}

    def parse_once(sheet: Stylesheet) -> None:
        sheet._parse_cache = rules_of[frozenset(sheet._variables.items())]
        parse(sheet)
        sheet._parse_cache = LRUCache(64)  # which the sheet clears when its variables change

    def parse_and_know_once(sheet: CachedStylesheet) -> None:
        Stylesheet.parse(sheet)
        rules = tuple(sheet._rules)  # kept, so that no others get their hashes, which are addresses
        if rules not in places_of:
            parse_whole(sheet)
            places_of[rules] = replace(sheet._places, states=dict(sheet._states))
        sheet._places = places_of[rules]

    def generate_once(system: ColorSystem) -> dict[str, str]:
        theme = repr(sorted(vars(system).items()))
        if theme not in colours_of:
            colours_of[theme] = generate(system)
        return dict(colours_of[theme])

    CachedStylesheet.parse = parse_and_know_once  # type: ignore[method-assign,assignment]
    Stylesheet.parse = parse_once  # type: ignore[method-assign,assignment]
    ColorSystem.generate = generate_once  # type: ignore[method-assign,assignment]
