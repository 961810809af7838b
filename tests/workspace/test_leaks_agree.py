"""Whoever looks for copies on two sides asks the same: check, split, its last look, twins, the plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.jobs.planning.leaks import leaking_keys
from curator.jobs.planning.reviews import Review
from curator.jobs.planning.training_data import TrainingExamples
from curator.workspace.checks.check import check_file, copied_lines, value_lines
from curator.workspace.checks.one_pass import Options
from curator.workspace.duplicates import split
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.duplicates.leak_check import LeakCheck
from curator.workspace.duplicates.split import copies_by_example, find_copied_lines
from curator.workspace.duplicates.twins import find_twins
from tests.meaning_pairs import ANSWERS, LONG, chat, make_copies
from tests.meaning_shapes import pairs_of_frames
from tests.thorough import examples


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


TEXTS = (
    "Please explain how the committee decided which of the old proposals deserved a second reading in spring",
    "Is the ferry to the outer islands running on the first Sunday of May?",
    "(tired)",
    "A" + " very" * 30 + " long report on tides, harbours and lighthouses follows. " + LONG.format("") * 4,
    "",
)
"""What is asked: a rewordable text, a question with facts, a label, a long document, nothing."""
REWRITES: dict[str, Callable[[str], str]] = {
    "same": str,
    "capitals": str.upper,
    "signs": lambda text: text.replace(",", " ;").replace("?", " ??"),
    "slip": lambda text: text.replace("decided", "decidde").replace("running", "runing"),
    "filler": lambda text: f"{text} please",
    "fact": lambda text: text.replace("second", "third").replace("May", "June").replace("tides", "storms"),
    "negation": lambda text: text.replace("Is the", "Isn't the").replace("deserved", "did not deserve"),
}
SYSTEMS = ("", "Answer as a pirate.", "Answer as a judge.")


@st.composite
def copied_examples(draw: st.DrawFn) -> bytes:
    """One line: a chat, a preference pair or a raw record; with half of a surrogate pair, or broken."""
    asked = REWRITES[draw(st.sampled_from([*REWRITES]))](draw(st.sampled_from(TEXTS)))
    answer = REWRITES[draw(st.sampled_from(["same", "capitals", "fact"]))](draw(st.sampled_from(TEXTS[:3])))
    system = draw(st.sampled_from(SYSTEMS))
    said = [{"role": "system", "content": system}] if system else []
    said += [{"role": "user", "content": asked}]
    pair = {"preferred_output": [{"role": "assistant", "content": answer}]}
    pair["non_preferred_output"] = [{"role": "assistant", "content": "no idea"}]
    shapes: list[Any] = [{"messages": [*said, {"role": "assistant", "content": answer}]}] * 5
    shapes += [{"input": {"messages": said}, **pair}, {"text": asked}, {"messages": said, "reference": answer}]
    value = draw(st.sampled_from(shapes))
    if draw(st.integers(0, 9)) == 0:
        value = {**value, "metadata": {"n": draw(st.integers(0, 2))}, "text": "half \ud83d"}
    line = json.dumps(value, indent=None, separators=draw(st.sampled_from([(",", ":"), (", ", ": ")])))
    return line.encode()[: None if draw(st.integers(0, 19)) else 40]


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(copied_examples(), min_size=1, max_size=7), st.lists(copied_examples(), min_size=1, max_size=7))
def test_check_and_split_name_the_same_leaks(train: list[bytes], held: list[bytes]) -> None:
    """`check --validation` names training lines, `split --test` lines of the test file: each finds the other's."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("train.jsonl", "held.jsonl")]
        for path, lines in zip(paths, (train, held), strict=True):
            path.write_bytes(b"\n".join(lines) + b"\n")
        options = Options(tokens=False, shown_per_rule=99)
        held_values, copied = value_lines(paths[1], options), copied_lines(*paths)
        shown = check_file(paths[0], options, validation=held_values, copied=copied).findings.shown
    told = {each.line for each in shown if each.problem.rule == "train_validation_overlap"}
    trained = dict(enumerate(train, 1))
    leaks = find_copied_lines(enumerate(held, 1), trained, DEFAULT_THRESHOLD)
    back = find_copied_lines(enumerate(train, 1), dict(enumerate(held, 1)), DEFAULT_THRESHOLD)
    assert told == {line for line, _ in back}
    assert {first for _, first in leaks} <= told
    assert bool(told) == bool(leaks)


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
