"""What is proposed: checked as `apply` does, accepted as one change, never applied where it is out of date."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import CuratorError, InputError, NotSaved, UsageError
from curator.workspace.checks.soundness import soundness
from curator.workspace.opening import open_workspace
from curator.workspace.operations import inbox
from curator.workspace.operations.effects import effects
from curator.workspace.operations.perform import perform
from curator.workspace.operations.propose import Kept, Proposing
from curator.workspace.operations.proposed import Proposal, changed_since, proposals_of, shares, words_of
from curator.workspace.operations.settle import accept, reject
from curator.workspace.workspace import Workspace
from tests.thorough import examples
from tests.workspace.crashes import write

ADDED = {"messages": [{"role": "user", "content": "hey"}, {"role": "assistant", "content": "hello"}]}
EDIT = {"op": "edit", "example": 3, "location": "messages[1].content", "value": "better"}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(write(tmp_path / "data.jsonl", 12)) as opened:
        yield opened


def propose(workspace: Workspace, *ops: dict[str, Any], by: str = "claude") -> list[Kept]:
    with Proposing(workspace, by) as proposing:
        return [proposing.propose(op) for op in ops]


def everything(workspace: Workspace) -> list[tuple[Any, ...]]:
    """All that an action can change of the examples, in order; ids of changes aside."""
    return [
        (r.id, r.raw, r.labels, r.rating, r.review, r.stale, r.note, r.deleted, r.split)
        for r in workspace.records(workspace.ids(deleted=True))
    ]


def test_a_proposal_changes_nothing_until_somebody_accepts_it_and_one_undo_takes_it_back(
    workspace: Workspace,
) -> None:
    before = everything(workspace)
    kept = propose(
        workspace,
        {**EDIT, "why": "clearer"},
        {"op": "label", "filter": "line:1-4", "label": "good"},
        {"op": "add", "example": ADDED, "labels": ["drafted"], "after": 2},
        {"op": "delete", "example": 7},
        {"op": "review", "example": 3, "state": "accepted"},
    )
    assert [(each.id, each.examples) for each in kept] == [(1, 1), (2, 4), (3, 1), (4, 1), (5, 1)]
    assert everything(workspace) == before and workspace.revision() == 1
    first = proposals_of(workspace)[0]
    assert (first.by, first.why, words_of(workspace, first)) == (
        "claude", "clearer", "edit messages[1].content of line 3",
    )  # fmt: skip
    (effect,) = effects(workspace, first)
    assert (effect.example, effect.before, effect.after) == (3, "answer 3", "better")
    settled = accept(workspace, [1, 2, 3, 4, 5])
    assert settled.ids == (1, 2, 3, 4, 5) and not settled.left and settled.change is not None
    assert settled.change.label == "Accepted 5 proposals · proposed by claude" and workspace.revision() == 2
    three = workspace.record(3)
    assert b"better" in three.raw and three.review == "accepted" and not three.stale  # of its new text
    assert list(workspace.ids())[:4] == [1, 2, 13, 3] and workspace.record(13).labels == ("drafted",)
    assert workspace.record(7).deleted and workspace.counts().labels == {"good": 4, "drafted": 1}
    assert not proposals_of(workspace) and soundness(workspace.path) == []
    workspace.changes.undo()
    assert [*everything(workspace)] == before and len(proposals_of(workspace)) == 5
    workspace.changes.redo()
    assert not proposals_of(workspace) and workspace.record(7).deleted
    assert shares(proposals_of(workspace, None)) == {
        "claude": {"open": 0, "accepted": 5, "edited": 0, "rejected": 0}
    }


ONE_OP = st.one_of(
    st.builds(
        lambda i, at, text: {"op": "edit", "example": i, "location": f"messages[{at}].content", "value": text},
        st.integers(1, 8), st.integers(0, 1), st.sampled_from(("x", "ÿ\u2028", "")),
    ),
    st.builds(lambda i, on: {"op": "label", "examples": i, "label": "l", "on": on},
              st.lists(st.integers(1, 8), min_size=1, unique=True), st.booleans()),
    st.builds(lambda i, r: {"op": "rate", "example": i, "rating": r}, st.integers(1, 8), st.integers(0, 5)),
    st.builds(lambda i: {"op": "review", "example": i, "state": "flagged"}, st.integers(1, 8)),
    st.builds(lambda i: {"op": "delete", "example": i}, st.integers(1, 8)),
    st.builds(lambda i: {"op": "add", "example": {"n": i}, "after": i}, st.integers(1, 8)),
    st.builds(lambda i: {"op": "also_right", "example": i, "answer": "yes"}, st.integers(1, 8)),
)  # fmt: skip


def test_accepting_all_at_once_is_applying_each_in_turn(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("both")
    with (
        open_workspace(write(folder / "one.jsonl", 8)) as one,
        open_workspace(write(folder / "other.jsonl", 8)) as other,
    ):

        @settings(max_examples=examples(15), deadline=None)
        @given(st.lists(ONE_OP, max_size=6))
        def check(ops: list[dict[str, Any]]) -> None:
            one_before, start = everything(one), one.revision()
            with Proposing(one, "m") as proposing:
                for op in ops:
                    try:
                        proposing.propose(op)
                    except CuratorError as error:
                        assert "nothing would change" in error.message
            settled = accept(one, [each.id for each in proposals_of(one)])
            done = [each for each in proposals_of(one, None) if each.id in settled.ids]
            for each in done:
                perform(other, each.operation)
            same = everything(one) == everything(other) and one.also_right() == other.also_right()
            changes = one.revision() - start
            if done:
                one.changes.undo()
            for _ in done:
                other.changes.undo()
            reject(one, [each.id for each in proposals_of(one)])
            assert same and changes == bool(done)  # one change, however many
            assert all("same place" in why or "nothing would" in why for why in settled.left.values())
            assert everything(one)[:8] == one_before[:8]

        check()
    assert soundness(folder / "one.curator") == []


@pytest.mark.parametrize(
    ("op", "words"),
    [
        ({"op": "undo"}, "history is for people"),
        ({"op": "restore", "revision": 0}, "history is for people"),
        ({"op": "shell", "example": 1}, "is no operation"),
        ({"op": "edit", "example": 99, "location": "x", "value": 1}, "no example 99"),
        ({"op": "edit", "example": 1, "location": "messages[9].content", "value": 1}, "cannot edit"),
        ({"op": "label", "example": 1, "label": "\x1b[2J"}, "visible characters"),
        ({"op": "rate", "filter": "is:deleted", "rating": 3}, "chooses no example"),
        ({"op": "restore", "example": 1}, "nothing would change"),
        ({"op": "add", "example": ADDED, "labels": ["\n"]}, "visible characters"),
        ({"op": "add", "example": {"deep": json.loads("[" * 400 + "]" * 400)}}, "cannot be kept"),
        ({"op": "note", "example": 1, "note": "n", "why": ["no text"]}, "is a text"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_apply_would_refuse_is_refused_before_it_is_kept(
    workspace: Workspace, op: dict[str, Any], words: str
) -> None:
    with pytest.raises(CuratorError, match=words):
        propose(workspace, op)
    assert not proposals_of(workspace, None) and workspace.revision() == 1


def test_names_of_authors_are_one_visible_line(workspace: Workspace) -> None:
    for name in ("", "two\nlines", "\x1b[31m", "x" * 101, "\ud800"):
        with pytest.raises(UsageError, match="visible characters"):
            Proposing(workspace, name)


def test_a_proposal_about_an_example_that_changed_since_is_not_applied_blindly(workspace: Workspace) -> None:
    propose(workspace, EDIT, {"op": "label", "example": 4, "label": "l"}, {**EDIT, "value": "other"})
    workspace.changes.edit(3, "messages[0].content", "another question")
    workspace.changes.delete([4])
    proposals = proposals_of(workspace)
    assert [changed_since(workspace, each) for each in proposals] == [
        "line 3 changed since", "line 4 was deleted since", "line 3 changed since",
    ]  # fmt: skip
    settled = accept(workspace, [1, 2])
    assert settled.change is None and set(settled.left) == {1, 2} and len(proposals_of(workspace)) == 3
    settled = accept(workspace, [1, 3], even_changed=[1, 3])
    assert settled.ids == (1,) and "same place" in settled.left[3]  # two answers: never the last one unseen
    assert b"better" in workspace.raw(3) and b"another question" in workspace.raw(3)
    workspace.changes.undo_to(1)
    assert not any(changed_since(workspace, each) for each in proposals)  # what was taken back is as it was


def test_what_is_proposed_twice_is_kept_once_and_rejecting_is_a_change(workspace: Workspace) -> None:
    (one,) = propose(workspace, EDIT)
    (again,) = propose(workspace, EDIT)
    assert (again.id, again.known) == (one.id, True)
    assert propose(workspace, EDIT, by="another")[0].id == 2
    settled = reject(workspace, [1])
    assert settled.change is not None and "Rejected the proposal to edit" in settled.change.label
    assert b"better" not in workspace.raw(3)
    with pytest.raises(UsageError, match="rejected already"):
        accept(workspace, [1, 2])
    with pytest.raises(UsageError, match="no proposal 17"):
        reject(workspace, [17])
    assert propose(workspace, EDIT)[0].id == 3  # after a rejection it may be proposed again
    workspace.changes.undo()
    assert [each.id for each in proposals_of(workspace)] == [1, 2, 3]


def test_a_proposal_that_a_person_goes_on_to_edit_is_told_from_an_accepted_one(workspace: Workspace) -> None:
    propose(workspace, {"op": "add", "example": ADDED}, {"op": "rate", "example": 1, "rating": 5})
    accept(workspace, [1, 2], to_edit=[1])
    assert [each.state for each in proposals_of(workspace, None)] == ["edited", "accepted"]
    assert shares(proposals_of(workspace, None))["claude"]["edited"] == 1


def test_programs_propose_while_a_window_holds_the_workspace(workspace: Workspace) -> None:
    with open_workspace(workspace.path, read_only=True) as reader:
        propose(reader, EDIT)
        with pytest.raises(NotSaved, match="reading only"):
            accept(reader, [1])
    assert [each.id for each in proposals_of(workspace)] == [1]
    assert accept(workspace, [1]).ids == (1,)


def test_a_copy_of_a_held_out_example_is_told_when_it_is_proposed_and_joins_it_when_accepted(
    workspace: Workspace,
) -> None:
    workspace.changes.assign([5], "validation")
    copy = {"op": "add", "example": json.loads(workspace.raw(5))}
    (kept,) = propose(workspace, copy)
    assert [(twin.twin, twin.side) for twin in kept.twins] == [(5, "validation")]
    settled = accept(workspace, [1])
    assert settled.change is not None and settled.change.twins[0].twin == 5
    assert workspace.record(13).split == "validation"
    workspace.changes.undo()
    assert workspace.changes.add(copy["example"]).twins  # what was tried left nothing in memory

    new = workspace.ids()[-1]
    text = {"op": "edit", "example": new, "location": "messages[0].content", "value": "Something else entirely"}
    (kept,) = propose(workspace, text)
    assert [(each.example, each.side) for each in kept.parted] == [(new, None)]
    assert workspace.record(new).split == "validation"
    settled = accept(workspace, [kept.id])
    assert settled.change is not None and settled.change.parted == kept.parted
    assert workspace.record(new).split is None
    # a division that somebody accepted put it there: no text takes it away
    (kept,) = propose(workspace, {"op": "split", "examples": list(workspace.ids()), "validation": 0.4, "seed": 1})
    accept(workspace, [kept.id])
    held = next(i for i in workspace.ids() if workspace.record(i).split == "validation")
    changed = workspace.changes.edit(held, "messages[0].content", "Nobody ever asked for this one")
    assert changed.parted == () and workspace.record(held).split == "validation"


def test_a_foreign_or_damaged_file_of_proposals_is_refused(workspace: Workspace) -> None:
    propose(workspace, EDIT)
    path = workspace.path / inbox.FILE
    good = path.read_bytes()
    for statement, words in (
        ("UPDATE proposal SET targets = '[[1]]'", "no Curator writes"),
        ("UPDATE proposal SET operation = '[]'", "no Curator writes"),
        ("UPDATE proposal SET author = x'00'", "no Curator writes"),
        ("CREATE TRIGGER t AFTER INSERT ON proposal BEGIN DELETE FROM proposal; END", "more than"),
        ("PRAGMA user_version = 9", "newer Curator"),
        ("PRAGMA application_id = 9", "does not hold"),
    ):
        path.write_bytes(good)
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()
        with pytest.raises(InputError, match=words):
            proposals_of(workspace)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(InputError, match="cannot be read"):
        proposals_of(workspace)
    path.unlink()
    assert proposals_of(workspace) == []
    workspace.set_meta("proposal.x", "accepted")  # keys of strangers are no verdicts
    assert propose(workspace, EDIT)[0].id == 1


def test_a_file_whose_maker_was_killed_before_the_first_proposal_holds_none(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.path / inbox.FILE)) as db:
        db.execute("VACUUM")  # writes the header of a database without tables
    assert inbox.read(workspace.path) == []
    (workspace.path / inbox.FILE).write_bytes(b"")
    assert inbox.read(workspace.path) == []


def test_the_ids_of_settled_proposals_are_never_used_again(workspace: Workspace) -> None:
    propose(workspace, EDIT, {"op": "rate", "example": 1, "rating": 5})
    accept(workspace, [2])
    (workspace.path / inbox.FILE).unlink()
    assert propose(workspace, EDIT)[0].id == 3
    assert isinstance(proposals_of(workspace)[0], Proposal)
