"""`curator study next`: which raw prompts to answer next, never one that is held out; the order by hand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curator.cli.main import main
from curator.core.scores.queue import rank, vectors_of
from curator.jobs.planning import training_data
from curator.jobs.runs.asking import Way
from curator.jobs.studies.next_prompts import Data, make_queue
from curator.jobs.studies.raw_prompts import read_prompts
from curator.jobs.studies.suggestions import propose_cards
from curator.workspace.opening import open_workspace
from curator.workspace.operations.proposed import proposals_of
from tests.jobs.conftest import client_for
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run
from tests.jobs.test_drafts import ANSWERS, TEXTS, chat

pytestmark = pytest.mark.by_turns

FRESH = ["Puddles in every street", "The sourdough rose twice", "My canary learnt to whistle"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(chat(*pair)) + "\n" for pair in zip(TEXTS, ANSWERS, strict=True)))
    with open_workspace(data) as workspace:
        workspace.changes.assign(range(1, 11), "train")
        workspace.changes.assign([11, 12], "validation")
        workspace.set_meta("contract", {"vocabulary": sorted(set(ANSWERS))})
    (tmp_path / "raw.txt").write_text("\n".join([*FRESH, TEXTS[10] + "!", TEXTS[1].upper(), FRESH[0] + "."]))
    return workspace.path


def test_uncertain_and_far_first_and_no_two_alike() -> None:
    known = vectors_of(["the cat sleeps", "the dog barks"])
    texts = ["the cat sleeps", "rain on the roof", "rain on the roof today", "a parrot speaks", ""]
    order = [each.at for each in rank([0.9, 0.9, 0.7, 0.4, 0.1], vectors_of(texts), known, known[:0], 5)]
    assert order[:2] == [1, 3], "the second about rain is like the first, the cat is known"
    assert set(order) == set(range(5))
    missed = vectors_of(["a parrot talks"])
    first = rank([0.5, 0.5], vectors_of(["a parrot speaks", "a cuckoo clock"]), known, missed, 1)[0]
    assert (first.at, first.misses) == (0, 1) and 0 < first.distance <= 1
    assert np.allclose(np.linalg.norm(vectors_of(texts)[:4], axis=1), 1) and not vectors_of([""]).any()
    assert rank([], vectors_of([]), known, missed, 3) == []


def test_the_queue_of_a_file(served: FakeProvider, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served.reply = lambda model, asked: "(bread)" if "sourdough" in asked else "(rain)"
    words = ("study", "next", folder, "--from", folder.parent / "raw.txt", "--provider", "fake", "--model", MODEL)
    status, lines, error = run(capsys, *words)
    assert status == 2 and not lines and "6 questions: about $" in error and "add --yes" in error
    assert not [request for request in served.wire.requests if "chat" in request.path]
    status, [report], _ = run(capsys, *words, "--yes")
    assert status == 0 and (report["prompts"], report["asked"], report["model"]) == (6, 3, MODEL)
    assert report["left_out"] == {"held_out": 1, "copies": 2}  # and never asked
    assert {card["prompt"] for card in report["queue"]} <= {*FRESH, FRESH[0] + "."} and len(report["queue"]) == 3
    bread = next(card for card in report["queue"] if "sourdough" in card["prompt"])
    assert bread["answer"] == "(bread)" and bread["certainty"] is None
    assert "an answer outside the contract" in bread["reasons"] and "far from all there is" in bread["reasons"]
    assert "does not tell how sure" in report["notices"][0]
    before = len(served.wire.requests)
    assert run(capsys, *words, "--yes", "--limit", "1")[1][0]["queue"] == report["queue"][:1]
    assert len(served.wire.requests) == before  # answers are stored, and never asked for twice
    _, [report], said = run(capsys, *words, "--yes", "--propose")
    made = {card["prompt"]: row for card, row in zip(report["queue"], report["proposed"], strict=True)}
    assert "allowed answers" in made[bread["prompt"]]["why_not"] and len(made) == 3  # behind the gate, as drafts
    with open_workspace(folder, read_only=True) as workspace:
        waiting = {each.operation["example"]["messages"][1]["content"] for each in proposals_of(workspace)}
    assert waiting == made.keys() - {bread["prompt"]}


DIES = """
import os, signal, sys
from curator.cli.main import main
from curator.jobs.drafts import write
from curator.jobs.ledger.ledger import Ledger

def dying_the_second_time(function):
    times = []
    def counted(*given, **named):
        found = function(*given, **named)
        times.append(found)
        if len(times) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return counted

Ledger.add_answer = dying_the_second_time(Ledger.add_answer)
write._keep = dying_the_second_time(write._keep)
main(sys.argv[1:])
"""
"""A program that is killed as soon as its second answer, or its second draft, is stored."""


def test_what_is_killed_goes_on_with_what_it_has(
    served: FakeProvider, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(*words: object) -> int:
        return subprocess.run([sys.executable, "-c", DIES, *map(str, words)], check=False).returncode

    def asked() -> int:
        return sum("chat" in request.path for request in served.wire.requests)

    served.reply = lambda model, question: "(rain)"
    words = (
        "study",
        "next",
        folder,
        "--from",
        folder.parent / "raw.txt",
        "--provider",
        "fake",
        "--model",
        MODEL,
        "--yes",
    )
    assert killed(*words) == -signal.SIGKILL
    before = asked()
    status, [report], _ = run(capsys, *words)
    assert (status, report["asked"], len(report["queue"])) == (0, 3, 3) and asked() == before + 1

    replies = cycle(["Puddles in every street", "The river rises", "Nobody brought an umbrella"])
    served.reply = lambda model, question: next(replies)
    drafts = (
        "study",
        "drafts",
        folder,
        "--like",
        'answer:"(rain)"',
        "--count",
        "3",
        "--provider",
        "fake",
        "--yes",
    )
    assert killed(*drafts) == -signal.SIGKILL
    with open_workspace(folder, read_only=True) as workspace:
        kept = [proposal.operation["example"]["messages"][1]["content"] for proposal in proposals_of(workspace)]
    assert len(kept) == 2  # each was stored before the next was looked at
    [plan] = run(capsys, *drafts, "--dry-run")[1]
    left, before = plan["questions"], asked()
    assert left <= 1 and plan["written_before"] == 3 - left
    replies = cycle(["The roof leaks"])
    status, [report], _ = run(capsys, *drafts)
    assert status == 0 and asked() == before + left  # what was written is not paid twice
    prompts = {each["prompt"] for each in report["drafts"]}
    assert prompts > set(kept) and len(prompts) == 3
    with open_workspace(folder, read_only=True) as workspace:
        assert len(proposals_of(workspace)) == 3  # what was there is not proposed twice
    replies = cycle(["Nobody has a towel"])
    status, [report], _ = run(capsys, *drafts)  # all came: who asks again wants others
    assert asked() == before + left + 3 and "Nobody has a towel" in {each["prompt"] for each in report["drafts"]}


async def test_how_sure_a_model_is_and_what_it_missed(fake: FakeProvider, folder: Path) -> None:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.asking import message_key

    data = Data(training_data.read(folder))
    assert data.system == [chat("", "")["messages"][0]] and data.longest == len("(train)")
    way = Way(MODEL)
    with Ledger.for_path(folder) as ledger:
        [held_out] = [prompt for prompt in data.held_out if "Grandma" in prompt.text]
        ledger.add_answer(MODEL, message_key(held_out.messages), {"answer": "(cat)"})  # wrong
        for text, logprobs in (
            ("Grandpa turns eighty", [-2.3]),
            ("An owl hoots", [-0.001] * 40),
            (FRESH[1], [-0.05]),
        ):
            messages = data.begun([{"role": "user", "content": text}])
            stored = {"answer": "(rain)", "logprobs": logprobs, "cut": text == FRESH[1]}
            ledger.add_answer(MODEL, message_key(messages), stored)
        raw = [[{"role": "user", "content": text}] for text in ("Grandpa turns eighty", "An owl hoots", FRESH[1])]
        async with client_for(fake) as client:
            queue = await make_queue(data, raw, way, client, ledger, lambda name, done, total: None)
    first = queue.cards[0]
    assert first.prompt == "Grandpa turns eighty" and first.certainty == pytest.approx(0.1, abs=0.01)
    assert first.reasons[:1] == ("unsure: 10%",) and "like 1 miss" in first.reasons
    assert {card.prompt: round(card.certainty or 0, 3) for card in queue.cards}["An owl hoots"] == 0.999
    [cut] = [card for card in queue.cards if card.is_cut]
    assert cut.prompt == FRESH[1] and cut.reasons[-1] == "its answer goes on"
    with open_workspace(folder, read_only=True) as workspace:
        made = propose_cards(workspace, [cut, first], MODEL)
    assert "was cut" in made[0].why_not and made[1].proposal == 1
    assert not queue.notices and first.example("(party)")["messages"][-1]["content"] == "(party)"


@pytest.mark.parametrize(
    ("name", "text", "prompts"),
    [
        ("a.txt", "one\n\n two \n", ["one", "two"]),
        (
            "a.jsonl",
            json.dumps(chat("q", "a")) + '\n"plain"\n{"question": "why?"}\n{"id": 3}\n',
            ["q", "plain", "why?"],
        ),
        ("a.csv", "id,question\n1,why?\n", ["why?"]),
        ("a.json", json.dumps([{"input": {"messages": [{"role": "user", "content": "u"}]}}]), ["u"]),
    ],
    ids=["text", "lines", "table", "array"],
)
def test_raw_prompts_of_any_file(tmp_path: Path, name: str, text: str, prompts: list[str]) -> None:
    (tmp_path / name).write_text(text)
    assert [messages[-1]["content"] for messages in read_prompts(tmp_path / name)] == prompts


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.curator", "--from", "raw.txt"], "does not exist"),
        (["data.curator", "--from", "nothing.txt"], "cannot read"),
        (["data.curator", "--from", "empty.txt"], "holds no prompt"),
        (["answers.jsonl", "--from", "raw.txt"], "no example has a prompt"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(
    words: list[str], says: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("empty.txt").write_text("\n \n")
    Path("answers.jsonl").write_text('{"x": 1}\n')
    assert main(["study", "next", *words]) == 2
    printed: Any = capfd.readouterr()
    assert printed.out == "" and says in printed.err and printed.err.count("\n") == 1
