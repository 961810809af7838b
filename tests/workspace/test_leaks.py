"""The last look at a split finds what its groups missed, whichever way it looks."""

from __future__ import annotations

import json

import pytest

from curator.workspace.duplicates import leak_check as leaks
from curator.workspace.duplicates.leak_check import LeakCheck


def raw(text: str, answer: str = "Of course, right after lunch.") -> bytes:
    said = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": said}).encode()


@pytest.mark.parametrize("every_pair", [1_000, 0])
def test_copies_across_the_sides_are_leaks_and_other_facts_are_none(
    every_pair: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "_EVERY_PAIR", every_pair)
    watered = "Please water all of the plants that stand near the kitchen window tomorrow"
    raws = {
        1: raw(watered),
        2: raw(watered.replace("all of the", "all the").upper()),
        3: raw("How many days are in 2 weeks of a plain year?"),
        4: raw("How many days are in 3 weeks of a plain year?"),
        5: raw("Something else"),
        6: raw("something ELSE!"),
        7: b"broken",
        8: b"broken",
    }
    look = LeakCheck(raws, 72.0)
    assert look.leaking([2, 4, 6, 8]) == {2, 6}
    assert look.leaking([4, 8]) == set()
    assert look.leaking([1, 2, 5, 6]) == set()
