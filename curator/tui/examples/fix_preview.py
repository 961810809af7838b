"""One-line previews of what a rule's fix changes in an example. Pure."""

from __future__ import annotations

from curator.core.example import Example, parse
from curator.core.problem import Problem
from curator.core.text import count_of
from curator.tui.examples.blocks import blocks_of

AROUND = 12
"""Characters of context shown on each side of a change."""
WHOLE = 32
"""Texts whose lengths add up to at most this many characters are shown whole, before and after."""


def one_key_applies(problem: Problem, previewed: bool) -> bool:
    """Whether one key press applies the problem's fix without asking.

    True for a safe fix, and for a replaced answer whose new text has been shown in full (`previewed`).
    """
    return problem.fix == "safe" or (problem.rule == "answer_outside_contract" and previewed)


def preview(before: Example, fixed: bytes) -> str:
    """`before → after` of the first block that a fix changes, cut to the part that differs."""
    after = parse(fixed)
    old, new = blocks_of(before), blocks_of(after)
    if len(old) != len(new):
        return f"{len(old)} → {count_of(len(new), 'message')}"
    for old_block, new_block in zip(old, new, strict=True):
        if old_block.text != new_block.text:
            return _difference(old_block.text, new_block.text)
        if old_block.role != new_block.role:
            return f"{old_block.role} → {new_block.role}"
    return _difference(before.raw.decode("utf-8", "replace"), fixed.decode("utf-8", "replace"))


def _difference(old: str, new: str) -> str:
    """Words for the change between two texts: what is removed, what is added, or both with their surroundings."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    removed, added = old[start : len(old) - end], new[start : len(new) - end]
    if (removed + added).strip() and old and new and len(old) + len(new) <= WHOLE and "\n" not in old + new:
        return f"{old} → {new}"
    if removed.strip() and not added:
        return f"removes {removed.strip(', ')}"
    if added.strip() and not removed:
        return f"adds {added.strip(', ')}"
    low = max(0, start - AROUND)
    dots = not removed.strip() and not added.strip()
    return f"{_window(old, low, len(old) - end, dots)} → {_window(new, low, len(new) - end, dots)}"


def _window(text: str, low: int, high: int, dots: bool) -> str:
    """The text from `low` to `AROUND` characters after `high`; `dots` draws spaces as dots."""
    high = min(len(text), high + AROUND)
    excerpt = text[low:high].replace(" ", "·") if dots else text[low:high]
    return f"{'…' if low else ''}{excerpt}{'…' if high < len(text) else ''}"
