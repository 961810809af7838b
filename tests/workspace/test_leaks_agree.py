"""Whoever looks for copies on two sides asks the same: check, split, its last look, twins, the plan."""

from __future__ import annotations

import json

import pytest

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.jobs.planning.leaks import leaking_keys
from curator.jobs.planning.reviews import Review
from curator.jobs.planning.training_data import TrainingExamples
from curator.workspace.duplicates import split
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.duplicates.leak_check import LeakCheck
from curator.workspace.duplicates.split import copies_by_example, find_copied_lines
from curator.workspace.duplicates.twins import find_twins
from tests.meaning_pairs import ANSWERS, LONG, chat, make_copies
from tests.meaning_shapes import pairs_of_frames


def sides() -> tuple[list[bytes], list[bytes]]:
    """Training and held-out examples: pairs that differ, pairs that say the same, and links of a chain."""
    pairs = [*list(pairs_of_frames())[::40], *make_copies()]
    words = LONG.format("").split()
    links = [" ".join([*map(str.upper, words[: step * 6]), *words[step * 6 :]]) for step in range(8)]
    links += [
        " ".join(word[::-1] if at % 9 < step else word for at, word in enumerate(words)) for step in range(4)
    ]
    chats = [chat(text, ANSWERS[1]) for text in links]
    raws = [
        [json.dumps(value).encode() for value in side] for side in zip(*((p.a, p.b) for p in pairs), strict=True)
    ]
    linked = [json.dumps(value).encode() for value in chats]
    return raws[0] + linked[::2], raws[1] + linked[1::2]


def _training(raws: list[bytes]) -> TrainingExamples:
    count = len(raws)
    return TrainingExamples(raws, list(range(1, count + 1)), [None] * count, [Review()] * count, "line")


def test_all_find_the_same_copies() -> None:
    train, held = sides()
    trained, lines = dict(enumerate(train, 1)), dict(enumerate(held, 1))
    both = trained | {len(train) + number: raw for number, raw in lines.items()}
    last_look = LeakCheck(both, DEFAULT_THRESHOLD).pairs(both.keys() - trained.keys())
    leaking = sorted({other for _, other in last_look})
    assert 8 <= len(leaking) < len(train)
    assert sorted(copies_by_example(lines.items(), trained)) == leaking
    assert sorted(find_twins(trained, lines)) == leaking
    assert leaking_keys(_training(train), held) == leaking
    found = find_copied_lines(lines.items(), trained, DEFAULT_THRESHOLD)
    assert sorted({line for line, _ in found}) == sorted({line - len(train) for line, _ in last_look})


def test_in_a_long_chain_a_copy_of_a_copy_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each link is a copy of the next one, and the ends differ: with and without a comparison of all."""
    words = LONG.format("").split()
    links = [
        " ".join([*map(str.upper, words[: step % 7]), *(["kindly"] * (step // 3)), *words[step % 7 :]])
        for step in range(24)
    ]
    raws = {at: json.dumps(chat(text, ANSWERS[1])).encode() for at, text in enumerate(links, 1)}
    held, trained = {at: raws[at] for at in raws if at % 2}, {at: raws[at] for at in raws if not at % 2}
    answers = []
    for most in (10_000, 0):
        monkeypatch.setattr(split, "_COMPARED", most)
        copied = find_copied_lines(held.items(), trained, DEFAULT_THRESHOLD)
        answers.append((copied, copies_by_example(held.items(), trained)))
    assert answers[0] == answers[1]
    assert len(answers[0][0]) > 8
    duplicates = Duplicates.build(raws.items(), raws.__getitem__)
    assert len(duplicates.arrange().chains) == 1
    for group in duplicates.groups():
        assert all(duplicates.are_copies(group.kept, gone) for gone in group.removed)


def test_a_long_chain_gives_groups_of_copies_of_each_other() -> None:
    weights = (0, 0, 1)
    words = [
        f"{one}{two}" for one in ("river", "copper", "velvet", "paper", "amber") for two in ("s", "land", "man")
    ]
    raws: dict[int, bytes] = {}
    for step in range(96):
        shifted = [word if (at * 7 + step) % 31 else word + "x" * (step % 3) for at, word in enumerate(words * 2)]
        said = chat(" ".join([*shifted[step % 5 :], f"part{'a' * (step // 16)}"]), ANSWERS[1])
        said["messages"][1]["weight"] = weights[step % 3]
        raws[step] = json.dumps(said).encode()
    duplicates = Duplicates.build(raws.items(), raws.__getitem__)
    groups = [group for group in duplicates.groups() if group.kind != "family"]
    assert groups
    seen: set[int] = set()
    for group in groups:
        assert not seen & set(group.ids)
        seen |= set(group.ids)
        assert all(duplicates.are_copies(group.kept, gone) for gone in group.removed)
        assert json.loads(raws[group.kept])["messages"][1]["weight"] == max(
            json.loads(raws[example])["messages"][1]["weight"] for example in group.ids
        )
