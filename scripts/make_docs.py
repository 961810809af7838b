"""Write the documents that come from tables in the code: python scripts/make_docs.py [rules | keys | diagnosis]

Tests check that the committed documents are what this script writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"

FAMILIES = {
    "example": "Rules that look at one example",
    "dataset": "Rules that look at all examples together",
    "file": "Rules that look at the file",
}


def diagnosis() -> str:
    """docs/diagnosis.md: the verdicts on training curves, from the docstring of the module that gives them."""
    from curator.core.scores import diagnosis as rules

    lines = [
        "# Verdicts on training curves",
        "",
        "Written by `python scripts/make_docs.py diagnosis`.",
        "",
        (rules.__doc__ or "").strip(),
        "",
        "The tests use the recorded curves of real runs, and curves made for each verdict:",
        "`python -m pytest tests/core/test_diagnosis.py`.",
    ]
    return "\n".join(lines) + "\n"


def rules() -> str:
    """docs/rules.md: every rule with its severity by profile, condition, reason, fix and source row."""
    from curator.core.rules import REGISTRY
    from curator.core.rules.registry import PROFILES

    lines = [
        "# Rules",
        "",
        "Written by `python scripts/make_docs.py rules`. The severity is E (the service refuses it, or it breaks",
        "training), W (likely a mistake) or i (worth knowing), for the profiles openai, azure and local in",
        "this order; – means that the profile does not have the rule. A *safe* fix changes only what is wrong;",
        "`curator fix` applies it. An *unsafe* fix is shown before and after first. To test one rule:",
        "`python -m pytest tests/core/test_rules.py -k RULE`.",
    ]
    for needs, title in FAMILIES.items():
        family_rules = [rule for rule in REGISTRY.values() if rule.needs == needs]
        lines += ["", f"## {title}", "", "| rule | severity | found when | why | fix |", "|---|---|---|---|---|"]
        for rule in family_rules:
            marks = " ".join(rule.severity[p].mark if p in rule.severity else "–" for p in PROFILES)
            kind = "safe or unsafe" if rule.partly_safe else rule.fix
            fix = f"{kind}: {rule.fix_text}" if rule.fix else "–"
            cells = (f"`{rule.id}`", marks, rule.what, rule.why, fix)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def keys() -> str:
    """docs/keys.md: every action by scope, with its keys, its name in the palette, a test, and its id."""
    from curator.tui import keys as table
    from curator.tui.actions import SCOPES

    sys.path.insert(0, str(DOCS.parent))
    from tests.tui import recorded_actions

    tests = recorded_actions.read()

    lines = [
        "# Keys",
        "",
        "Written from the key table by `python scripts/make_docs.py keys`. `?` shows the keys of the focused",
        "part, and `ctrl+p` finds every action by its name, the words in bold. A test of the file named last runs",
        "the action (`tests/tui/recorded_actions.py`). Set other keys by the id in `config.toml`:",
        "",
        "```toml",
        "[keys]",
        '"data.delete" = "d,backspace"',
        "```",
    ]
    for scope, title in SCOPES.items():
        actions = list(table.of_scope(scope))
        if actions:
            lines += ["", f"## {title}", "", "| key | does | id | test |", "|---|---|---|---|"]
            for action in actions:
                keys_text = table.keys_of(action, {}).replace("|", "\\|")
                keys_cell = f"`{keys_text}`" if keys_text else "palette"
                words = f"**{action.description}**: {action.tooltip}"
                test = f"`{tests[action.id]}`" if action.id in tests else "–"
                lines.append(f"| {keys_cell} | {words} | `{action.id}` | {test} |")
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"rules": rules, "keys": keys, "diagnosis": diagnosis}


def main(names: list[str]) -> None:
    """Write the named pages, or all."""
    for name in names or PAGES:
        (DOCS / f"{name}.md").write_text(PAGES[name](), encoding="utf-8")
        print(DOCS / f"{name}.md")


if __name__ == "__main__":
    main(sys.argv[1:])
