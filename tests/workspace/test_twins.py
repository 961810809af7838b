"""No leak into the yardstick: what copies a held-out example joins its side, whichever way it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core import splice
from curator.workspace.duplicates.twins import HeldOutTexts
from curator.workspace.exchange import import_files
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.thorough import examples

QUESTIONS = (
    "How do I change the tyre of my bicycle when I have no lever with me?",
    "Which vegetables can I sow on a shaded balcony in early spring?",
    "Why does my sourdough bread always come out flat and dense?",
    "Can you explain how a mortgage with a fixed interest rate works?",
    "What should I pack for a week of hiking in the Norwegian mountains?",
    "How long does a vaccination against tetanus protect an adult?",
)


def example(question: str, answer: str = "Ask somebody who knows it better than me.") -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    data = tmp_path / "data.jsonl"
    data.write_bytes(
        b"\n".join(splice.dump(example(text, f"Answer {n}.")) for n, text in enumerate(QUESTIONS)) + b"\n"
    )
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids(), "train")
        workspace.changes.assign(workspace.ids()[:2], "validation")
        return workspace.path


COPY = example(QUESTIONS[0], "Answer 0.")
REWORDED = example("How do I change a tyre of my bicycle when I have no lever with me, please?", "Answer 0.")
OTHER_ANSWER = example(QUESTIONS[0], "Walk to the next shop and have it done there.")
NEW = example("Who wrote the first novel about a voyage to the moon?", "Answer 0.")


@pytest.mark.parametrize("twin", [COPY, REWORDED, OTHER_ANSWER])
def test_what_is_added_edited_restored_or_imported_joins_its_twin(
    path: Path, tmp_path: Path, twin: dict[str, Any]
) -> None:
    with open_workspace(path) as workspace:
        held = workspace.ids()[0]
        added = workspace.changes.add(twin)
        assert added.twins == ((added.ids[0], held, "validation"),)
        assert workspace.record(added.ids[0]).split == "validation"
        assert "joins the validation side" in added.label

        workspace.changes.undo()
        edited = workspace.changes.replace(4, splice.dump(twin))
        assert edited.twins == ((4, held, "validation"),)
        assert workspace.record(4).split == "validation"
        workspace.changes.undo()
        assert workspace.record(4).split == "train"

        workspace.changes.delete([held])
        fresh = workspace.changes.add(twin)
        assert not fresh.twins  # its twin is deleted
        workspace.changes.delete(fresh.ids)
        workspace.changes.restore([held])
        restored = workspace.changes.restore(fresh.ids)
        assert restored.twins == ((fresh.ids[0], held, "validation"),)

        file = tmp_path / "more.jsonl"
        file.write_bytes(splice.dump(NEW) + b"\n\n" + splice.dump(twin) + b"\n")
        _, change = import_files.add(workspace, [file])
        assert len(change.twins) == 1 and change.twins[0].twin in (held, *fresh.ids)
        record = workspace.record(change.twins[0].example)
        assert (json.loads(record.raw), record.split) == (twin, "validation")
        workspace.changes.undo()


def test_what_is_new_stays_in_training(path: Path) -> None:
    with open_workspace(path) as workspace:
        change = workspace.changes.add(NEW)
        assert not change.twins and workspace.record(change.ids[0]).split is None
        edited = workspace.changes.edit(3, "messages[1].content", "Why is my rye bread always as flat as a plate?")
        assert not edited.twins
        for odd in (b"{", b"[]", b'{"messages": []}', b'{"messages": [{"role": "user", "content": ""}]}'):
            assert not workspace.changes.add(odd).twins


THANKS = "Your message made my day a little brighter"


@pytest.mark.parametrize(
    ("question", "answer", "is_twin"),
    [
        ("Your message made my day a bit brighter", "Answer 0.", True),
        ("your messages have made my day brighter!", "Answer 0.", True),
        ("Your note made my day a little brighter", "Answer 0.", True),
        ("Oh, your message really made my day a little brighter", "Tell them so.", True),
        ("What you wrote this morning made me happy", "Answer 0.", False),
        ("Your message did not make my day brighter", "Answer 0.", False),
        ("Your message made my day a little brighter on 3 days", "Answer 0.", False),
        ("Your parcel made my week a little heavier", "Answer 0.", False),
        ("Your note made my day a little brighter", "Tell them so.", False),
    ],
)
def test_other_words_for_the_same_are_a_twin_though_no_copy_to_remove(
    shared: Workspace, question: str, answer: str, is_twin: bool
) -> None:
    change = shared.changes.add(example(question, answer))
    assert bool(change.twins) == is_twin
    shared.changes.undo()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    data = tmp_path_factory.mktemp("thanks") / "data.jsonl"
    lines = [example(THANKS, "Answer 0."), *map(example, QUESTIONS)]
    data.write_bytes(b"\n".join(map(splice.dump, lines)) + b"\n")
    with open_workspace(data) as workspace:
        workspace.changes.assign([1], "validation")
        yield workspace


def test_words_of_an_instruction_that_stands_in_all_prompts_tell_nothing(tmp_path: Path) -> None:
    animals = ["dog", "cat", "trout", "eagle", "lizard", "horse", "shark", "robin", "whale", "adder"]
    asked = "Classify the following animal as a mammal, bird, fish or reptile: {}"
    data = tmp_path / "data.jsonl"
    data.write_bytes(b"\n".join(splice.dump(example(asked.format(name), "mammal")) for name in animals) + b"\n")
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids()[:8], "validation")
        assert not workspace.changes.add(example(asked.format("mouse"), "mammal")).twins
        assert workspace.changes.add(example(asked.format("a cat"), "mammal")).twins


def test_an_edit_of_many_that_makes_a_copy_of_one_that_it_changes_too(path: Path) -> None:
    with open_workspace(path) as workspace:
        change = workspace.changes.edit_many([1, 5], "messages", NEW["messages"])
        assert change.twins == ((5, 1, "validation"),)
        assert workspace.record(5).split == "validation"


def test_examples_that_join_are_themselves_twins_of_the_next_ones(path: Path) -> None:
    with open_workspace(path) as workspace:
        first = workspace.changes.add(REWORDED)
        workspace.changes.delete([1])
        assert workspace.changes.add(COPY).twins == ((first.ids[0] + 1, first.ids[0], "validation"),)
        workspace.changes.assign(first.ids, "train")
        workspace.changes.assign([first.ids[0] + 1], "train")
        assert not workspace.changes.add(COPY).twins


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["train", "validation", "delete", "restore", "edit", "undo"]),
        st.integers(1, 6),
        st.integers(0, 5),
    ),
    max_size=12,
)


@settings(max_examples=examples(25), deadline=None)
@given(STEPS)
def test_the_kept_texts_are_those_that_a_new_reading_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: Any
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    data = folder / "data.jsonl"
    data.write_bytes(b"\n".join(splice.dump(example(text)) for text in QUESTIONS) + b"\n")
    with open_workspace(data) as workspace:
        kept = HeldOutTexts(workspace.stored)
        for step, one, other in steps:
            _take(workspace, step, one, other)
            fresh = [(100 + n, splice.dump(example(text))) for n, text in enumerate(QUESTIONS)]
            assert kept.twins(fresh, 6) == HeldOutTexts(workspace.stored).twins(fresh, 6)
            held = "SELECT id FROM example WHERE split IS NOT NULL AND split <> 'train' ORDER BY id"
            ids = [example for (example,) in workspace.db.execute(held)]
            assert sorted(workspace.stored.held_out()) == ids
            assert list(workspace.view("split:validation").ids) == [i for i in workspace.ids() if i in ids]
            assert bool(workspace.current_results.count_held_out()) == bool({*ids} & {*workspace.ids()})


def _take(workspace: Workspace, step: str, one: int, other: int) -> None:
    changes = workspace.changes
    if step in ("train", "validation"):
        changes.assign([one], step)
    elif step == "edit":
        changes.edit(one, "messages[1].content", QUESTIONS[other])
    elif step == "undo":
        changes.undo()
    else:
        getattr(changes, step)([one])
