"""What a fix would change, in words short enough for one line. Pure."""

from __future__ import annotations

from curator.core.example import Example, parse
from curator.core.problem import Problem
from curator.tui.examples.blocks import blocks_of

AROUND = 12
"""Characters shown around a change."""
WHOLE = 32
"""Texts of up to so many characters together are shown whole, before and after."""


def at_once(problem: Problem, seen: bool) -> bool:
    """Whether one key applies a fix: a safe one, or another answer that is `seen` in full."""
    return problem.fix == "safe" or (problem.rule == "answer_outside_contract" and seen)


def preview(before: Example, fixed: bytes) -> str:
    """`before → after` of the first text that a fix changes, cut to what differs."""
    after = parse(fixed)
    old, new = blocks_of(before), blocks_of(after)
    if len(old) != len(new):
        return f"{len(old)} → {len(new)} messages"
    for one, other in zip(old, new, strict=True):
        if one.text != other.text:
            return _difference(one.text, other.text)
        if one.role != other.role:
            return f"{one.role} → {other.role}"
    return _difference(before.raw.decode("utf-8", "replace"), fixed.decode("utf-8", "replace"))


def _difference(old: str, new: str) -> str:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    gone, come = old[start : len(old) - end], new[start : len(new) - end]
    if (gone + come).strip() and old and new and len(old) + len(new) <= WHOLE and "\n" not in old + new:
        return f"{old} → {new}"
    if gone.strip() and not come:
        return f"removes {gone.strip(', ')}"
    if come.strip() and not gone:
        return f"adds {come.strip(', ')}"
    low = max(0, start - AROUND)
    dots = not gone.strip() and not come.strip()
    return f"{_window(old, low, len(old) - end, dots)} → {_window(new, low, len(new) - end, dots)}"


def _window(text: str, low: int, high: int, dots: bool) -> str:
    """The text from `low` to a little after `high`; spaces as dots where they are what changes."""
    high = min(len(text), high + AROUND)
    shown = text[low:high].replace(" ", "·") if dots else text[low:high]
    return f"{'…' if low else ''}{shown}{'…' if high < len(text) else ''}"
