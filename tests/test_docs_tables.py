"""The documents that come from tables are what the tables say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ALIKE = re.compile(r"[1-9]$|\.(up|down|first|last|page_up|page_down)$")
"""Actions that differ from others by a number, and the moves that every list has: one of a kind is tested."""
UNTESTED = {
    "compare.remove_row",
    "compare.show_example",
    "compare.tick",
    "conversations.by_rule",
    "conversations.fail",
    "conversations.pass",
    "data.external",
    "editor.external",
    "split.pin_train",
    "why.ask",
}
"""Actions that no test of the screen runs by its key yet."""


def make_docs() -> Any:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["rules", "keys", "diagnosis"])
def test_the_page_is_current(page: str) -> None:
    written = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert written == make_docs().PAGES[page](), f"run: python scripts/make_docs.py {page}"


def test_every_action_with_a_key_has_a_test() -> None:
    from curator.tui.actions import ACTIONS
    from tests.tui import recorded_actions

    tests = recorded_actions.read()
    assert tests.keys() <= {action.id for action in ACTIONS}, "take what is gone out of tests/tui/actions.txt"
    assert [test for test in tests.values() if not (ROOT / "tests" / test).is_file()] == []
    without = {action.id for action in ACTIONS if action.keys and action.id not in tests}
    again = "a new action needs a test: run CURATOR_RECORD_ACTIONS=1 python -m pytest on its file"
    assert {action for action in without if not ALIKE.search(action)} == UNTESTED, again


def test_every_citation_of_the_page_on_the_services_names_a_section_of_it() -> None:
    sections = set(re.findall(r"^#{2,3} ([\d.]*\d)", (ROOT / "docs" / "openai.md").read_text("utf-8"), re.M))
    cited = {
        (section, file.name)
        for file in sorted((ROOT / "curator").rglob("*.py"))
        for citation in re.findall(r"docs/openai\.md (§[\d.]*\d(?:, §[\d.]*\d)*)", file.read_text("utf-8"))
        for section in re.findall(r"[\d.]*\d", citation)
    }
    assert len(cited) > 25
    assert {section for section, _ in cited} <= sections, cited


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    missing = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing
