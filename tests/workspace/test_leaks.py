"""The last look at a split finds what its groups missed, whichever way it looks."""

from __future__ import annotations

import json
import random

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


def test_every_pair_and_pairs_that_share_phrases_give_the_same_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 8))) for _ in range(400)]
    scripts = (range(0x4E00, 0x4F80), range(0xE01, 0xE2F), range(0x410, 0x450))

    def write() -> str:
        if rng.random() < 0.4:
            return "".join(chr(rng.choice(rng.choice(scripts))) for _ in range(rng.randint(4, 50)))
        return " ".join(rng.choices(vocabulary, k=rng.randint(1, 40)))

    def slip(text: str) -> str:
        at = rng.randrange(len(text) + 1)
        return rng.choice((text[:at] + "x" + text[at:], text[:at] + text[at + 1 :], text + " now", text.upper()))

    texts = [write() for _ in range(150)]
    texts += [slip(text) for text in texts[:90]]
    raws = {number: raw(text) for number, text in enumerate(texts, 1)}
    held = rng.sample(sorted(raws), 60)
    found = []
    for every_pair in (10**9, 0):
        monkeypatch.setattr(leaks, "_EVERY_PAIR", every_pair)
        found.append(sorted(LeakCheck(raws, 72.0).pairs(held)))
    assert len(found[0]) > 15
    assert found[0] == found[1]
