"""`curator study` as a program: a real server, real (tiny) trainings, answers that were exchanged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from curator import paths
from curator.cli.main import main
from curator.core.scores.surprise import choose_planted, measure_planted, surprise
from curator.errors import CuratorError
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.studies import arms, asking, suspects
from curator.jobs.studies.arms import _sample_both
from curator.jobs.studies.examples import MOST, StudyExamples
from curator.jobs.studies.suggestions import propose_repairs
from curator.workspace.opening import open_workspace
from curator.workspace.operations.proposed import proposals_of
from curator.workspace.operations.settle import accept, reject
from curator.workspace.storage import surprises
from curator.workspace.storage.surprises import StudiedExample, StudiedExamples, digest_of
from tests.jobs.test_commands import run
from tests.server.running import workers
from tests.thorough import rotating

FAST = ("--epochs", "10", "--batch-size", "4", "--learning-rate-multiplier", "8", "--model", "tiny")
"""What lets the tiny model learn letters within a second."""


def letters(count: int, wrong: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Chats that answer a word and a row of one letter with that letter; those in `wrong` answer with another."""
    chance = random.Random(5)
    rows = []
    for place in range(count):
        letter = "abc"[place % 3]
        said = "abc"[(place + 1) % 3] if place in wrong else letter
        question = "".join(chance.choices("defghijklmnopqrstuvwxyz", k=9)) + " " + letter * 4
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": said * 3}]
        rows.append({"messages": messages})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_exchanged_answers_are_suspects_and_it_measures_itself(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = (7, 22, 40)
    data = write(tmp_path / "letters.jsonl", letters(60, wrong))
    status, [told], said = run(capsys, "study", "suspects", data, *FAST)
    assert status == 0, said
    assert told["measured"]["tells"] and told["measured"]["planted"] == 3 and "planted" in told["measured"]["says"]
    first = told["suspects"][:5]
    assert {each["line"] - 1 for each in first} >= set(wrong), first
    by_line = {each["line"] - 1: each for each in first}
    assert by_line[7]["given"] == "ccc" and by_line[7]["instead"] == "bbb" and 0 < by_line[7]["sure"] <= 1
    assert by_line[7]["surprise"] > 0 and by_line[7]["id"] == 8
    curves = [each["curve"] for each in first]  # what is planted in the copy was not learnt as it is
    assert {len(curve) for curve in curves} <= {0, 10} and by_line[7]["curve"][0] > by_line[7]["curve"][-1] > 0
    # again: nothing is trained, the same is told
    assert run(capsys, "study", "suspects", data, *FAST)[1] == [told]
    # what it would have answered waits as proposals, and what was rejected is not proposed again
    status, lines, said = run(capsys, "study", "suspects", data, *FAST, "--propose")
    assert status == 2 and lines == [] and "is no workspace" in said
    workspace = tmp_path / "letters.curator"
    run(capsys, "import", data, "-w", workspace)
    _, [told], said = run(capsys, "study", "suspects", workspace, *FAST, "--propose", "--limit", "3")
    assert len(told["proposed"]) == len(told["suspects"]) == 3, said
    with open_workspace(workspace) as opened:
        proposals = proposals_of(opened)
        assert [each.id for each in proposals] == [each["proposal"] for each in told["proposed"]]
        for proposal, suspect in zip(proposals, told["suspects"], strict=True):
            assert proposal.ids == [suspect["id"]] and proposal.operation["value"] == suspect["instead"]
        accept(opened, [proposals[0].id])
        reject(opened, [proposals[1].id])
        mended = opened.record(proposals[0].ids[0]).example.value["messages"][1]["content"]
        assert mended == proposals[0].operation["value"]
        left = propose_repairs(opened, [each.ids[0] for each in proposals])
        assert "not studied as it is now" in left[0].why_not and "rejected the very same" in left[1].why_not
        assert left[2].proposal == proposals[2].id
    # answers that have nothing to do with the question: it says so, and marks nothing
    chance = random.Random(2)
    rows = letters(60)
    shuffled = [row["messages"][1] for row in rows]
    chance.shuffle(shuffled)
    for row, answer in zip(rows, shuffled, strict=True):
        row["messages"][1] = answer
    _, [told], _ = run(capsys, "study", "suspects", write(tmp_path / "shuffled.jsonl", rows), *FAST)
    assert told["suspects"] == [] and "cannot tell here" in told["measured"]["says"]


@pytest.mark.parametrize(
    "kind", rotating(3, [("suspects",), ("whatif", "--without", "line:4 or line:5"), ("more",)]), ids="-".join
)
def test_whoever_asked_is_killed_and_asking_again_goes_on(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str], kind: tuple[str, ...]
) -> None:
    """kill -9 of the program that asked, its server and the study: asked again, the same study is finished."""
    data = write(tmp_path / "letters.jsonl", letters(60))
    words = ("study", kind[0], str(data), *kind[1:], "--epochs", "12", *FAST[2:])
    folder = paths.server_dir() / "studies"
    asking_program = subprocess.Popen([sys.executable, "-m", "curator", *words], stderr=subprocess.DEVNULL)
    while not list(folder.glob("shared/trial-*/ckpt-*")):
        assert asking_program.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    asking_program.kill()
    asking_program.wait()
    server = json.loads((paths.server_dir() / "server.json").read_text())["pid"]
    [study] = folder.glob("study-*")
    for pid in (server, *workers(study)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status, _, said = run(capsys, *words)
    assert status == 0, said
    assert list(folder.glob("study-*")) == [study]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(letters(20), "20 examples are too few", id="twenty"),
        pytest.param([letters(1)[0] for _ in range(60)], "the same answer", id="one-answer"),
        pytest.param(
            [
                {
                    "input": {"messages": [{"role": "user", "content": "x"}]},
                    "preferred_output": [{"role": "assistant", "content": "a"}],
                    "non_preferred_output": [{"role": "assistant", "content": "b"}],
                }
            ]
            * 40,
            "preference pairs",
            id="pairs",
        ),
    ],
)
def test_data_that_cannot_be_studied_is_told_in_words(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], words: str
) -> None:
    data = write(tmp_path / "data.jsonl", rows)
    status, lines, said = run(capsys, "study", "suspects", data, "--model", tiny)
    assert status == 2 and lines == [] and words in said


async def _cancel_the_running_study(model: str) -> str:
    """What a caller is told whose study somebody else cancels."""
    raws = [json.dumps(row).encode() for row in letters(40)]
    trial = {"train": list(range(40)), "seed": 1, "score": [], "answer": []}
    body = {"kind": "trials", "model": model, "trials": [trial], "hyperparameters": {"n_epochs": 50}}
    begun = asyncio.Event()
    async with await connect(providers.get("local")) as client:
        create = client.sdk.post

        async def post(path: str, **options: Any) -> Any:
            answer = await create(path, **options)
            if path == "/studies":
                await create(f"/studies/{answer['id']}/cancel", cast_to=object)
                begun.set()
            return answer

        client.sdk.post = post  # type: ignore[method-assign]
        with pytest.raises(CuratorError) as stopped:
            await asking.ask_study(client, raws, body, lambda state: None)
    assert begun.is_set()
    return str(stopped.value)


def test_other_bad_input(tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "data.jsonl", letters(40))
    for words, said in (
        (("study", "suspects", tmp_path / "gone.jsonl"), "does not exist"),
        (("study", "suspects", data), "curator models pull smollm2-135m-instruct"),
        (("study", "suspects", data, "--model", "tiny", "--folds", "1"), "from 2 to 20"),
        (("study", "suspects", data, "--model", "tiny", "--learn", "5"), "from 30"),
        (("study", "suspects", data, "--model", "tiny", "--learning-rate-multiplier", "0"), "above 0"),
        (("study", "suspects", data, "--provider", "openai"), "tells no log probabilities of given texts"),
        (("study", "why", data, "--prompt", "1", "--model", "tiny"), "curator train PATH --provider local --wait"),
    ):
        status, lines, told = run(capsys, *words)
        assert status == 2 and lines == [] and said in told, told
    assert "ask again, and it goes on where it stopped" in asyncio.run(_cancel_the_running_study(tiny))
    many = StudyExamples(
        [b"{}"] * 100_000, list(range(100_000)), ["q"] * 100_000, ["a"] * 100_000, "line", 100_000, 2
    )
    assert len(many.sample(MOST, 0)) == MOST
    assert "100,000 examples take too long here: a sample of 1,000" in " ".join(many.sample(MOST, 0).notices)
    assert len(_sample_both(many, set(range(50_000)), 0)) == MOST


def test_a_dry_run_says_that_of_many_examples_a_sample_is_studied(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (suspects, arms):
        monkeypatch.setattr(module, "MOST", 60)  # 1,000, which take long to be divided
    data, raw = write(tmp_path / "letters.jsonl", letters(90)), tmp_path / "raw.txt"
    raw.write_text("".join(f"prompt number {number}\n" for number in range(300)))
    for kind, *words in (["suspects"], ["whatif", "--without", "answer:aaa"], ["more"]):
        status, told, said = run(capsys, "study", kind, data, *words, "--model", tiny, "--dry-run")
        assert status == 0, (kind, said)
        assert "take too long here: a sample of 60 is studied" in told[0]["plan"], told
    main(["study", "next", str(data), "--from", str(raw), "--model", tiny, "--ask", "20", "--dry-run"])
    assert "20 questions: free" in (printed := capsys.readouterr().out) and "(a sample of 300 prompts)" in printed


def test_planted_answers_are_others_and_chance_is_no_finding() -> None:
    answers = ["a", "b", "a ", "c"] * 25
    planted = choose_planted(answers, 0.05, 3)
    assert len(planted) == 5 and all(answers[to].strip() != answers[at].strip() for at, to in planted.items())
    assert choose_planted(answers, 0.05, 3) == planted != choose_planted(answers, 0.05, 4)
    assert choose_planted(["a"] * 9, 0.5, 1) == {}
    assert surprise(-2.0, [-5.0, -3.0]) == -2.0 and surprise(-1.0, []) == 0.0
    ranked = [float(-place) for place in range(400)]
    good, bad = measure_planted(ranked, list(range(20))), measure_planted(ranked, list(range(0, 400, 20)))
    assert (good.found, good.first, good.tells) == (20, 20, True) and good.p_value < 1e-20
    assert (bad.found, bad.tells) == (1, False) and bad.p_value == pytest.approx(0.65, abs=0.05)
    assert "of the first 20 like these 20 were planted" in good.sentence and "cannot tell" in bad.sentence
    # few labels: what it measured here decides, although the first 20 are far better than chance
    planted_ones, labels = [*range(8), *range(20, 33), *range(100, 119)], ["good", "bad"] * 200
    missed = measure_planted(ranked, planted_ones, labels)
    assert (missed.found, missed.in_tenth, missed.tells) == (8, 21, False)
    assert (
        "of 40 planted answers 21 (52%) rank with the first tenth; with few labels 85% should" in missed.sentence
    )
    assert measure_planted(ranked, [*range(34), *range(100, 106)], labels).tells  # 34 of 40
    assert not measure_planted(ranked, [*range(33), *range(100, 107)], labels).tells
    among_slips = measure_planted(ranked, list(range(0, 80, 2)), labels)  # as many slips take every second place
    assert (among_slips.in_tenth, among_slips.tells) == (40, True)
    assert measure_planted(ranked, planted_ones, list(map(str, range(400)))).tells


def test_why_what_if_and_how_many_more(tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One run, then the three studies of it: the examples that teach the answer lead, the harmful ones are found
    out, and the curve says what can be told."""
    rows = letters(48)
    wrong = (3, 9, 15, 21, 27, 33, 39, 45)  # all of them say "bbb" to a row of "a"
    for place in wrong:
        rows[place]["messages"][1]["content"] = "bbb"
    data = write(tmp_path / "letters.jsonl", rows)
    status, lines, said = run(capsys, "study", "why", data, "--prompt", "1", "--model", tiny)
    assert status == 2 and lines == [] and "no finished training of this data yet: curator train" in said
    training = ("--provider", "local", "--model", tiny, "--epochs", "10", "--batch-size", "4", "--yes", "--wait")
    status, lines, said = run(capsys, "train", data, *training, "--learning-rate-multiplier", "8")
    assert status == 0, said

    status, [told], said = run(capsys, "study", "why", data, "--prompt", "2", "--model", tiny)
    assert status == 0, said
    assert told["prompt"]["id"] == 2 and told["wanted"] == "bbb"
    assert told["answer"] == "bbb", "the tiny model has learnt nothing"
    answers = [each["answer"] for each in told["why"][:5]]
    assert answers == ["bbb"] * 5 and all(each["teaches"] for each in told["why"][:5])
    shares = [each["share"] for each in told["why"]]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1
    assert {"id", "share", "words"} <= told["why"][0].keys()
    assert all(len(each["curve"]) == 10 and each["curve"][0] > each["curve"][-1] for each in told["why"][:5])
    _, lines, said = run(capsys, "study", "why", data, "--prompt", "999", "--model", tiny)
    assert lines == [] and "line 999 is no example" in said
    with Ledger.for_path(data) as ledger:
        datasets = ledger.datasets
    datasets.rename(tmp_path / "away")
    status, lines, said = run(capsys, "study", "why", data, "--prompt", "2", "--model", tiny)
    assert status == 2 and lines == [] and "the data of this round is gone" in said, said
    (tmp_path / "away").rename(datasets)

    harmful = " or ".join(f"line:{place + 1}" for place in wrong)
    fast = (*FAST[:2], *FAST[2:])
    status, [told], said = run(capsys, "study", "whatif", data, "--without", harmful, *fast)
    assert status == 0, said
    tried = told["whatif"]
    assert tried["examples"] <= len(wrong) and tried["seeds"] == 2
    assert tried["ci"][0] <= tried["difference"] <= tried["ci"][1]
    assert tried["difference"] == pytest.approx(tried["without"] - tried["with"])
    assert "held-out prompts are right" in tried["says"]
    _, lines, said = run(capsys, "study", "whatif", data, "--without", "nothinglikethis", *fast)
    assert lines == [] and "leaving them out changes nothing" in said

    status, [told], said = run(capsys, "study", "more", data, *fast)
    assert status == 0, said
    sizes = [point["examples"] for point in told["points"]]
    assert len(sizes) == 4 and sizes == sorted(sizes) and told["says"]
    for point in told["points"]:
        assert point["ci"][0] <= point["value"] <= point["ci"][1]

    # Raw prompts: what the running server was asked to store comes into a workspace, without the answers.
    workspace = tmp_path / "asked.curator"
    status, lines, said = run(capsys, "import", "--completions", "-w", workspace)
    assert status == 2 and "stored no completions" in said and not workspace.exists()
    asyncio.run(_store_completions(tiny, "aaa", "bbb"))
    status, [told], said = run(capsys, "import", "--completions", "-w", workspace)
    assert status == 0 and told["added"] == 2, said
    _, [listed], _ = run(capsys, "list", workspace)
    messages = [each["example"]["messages"] for each in listed["examples"]]
    assert messages == [[{"role": "user", "content": text}] for text in ("aaa", "bbb")]


async def _store_completions(model: str, *questions: str) -> None:
    async with await connect(providers.get("local")) as client:
        for question in questions:
            message: Any = {"role": "user", "content": question}
            await client.sdk.chat.completions.create(model=model, messages=[message], max_tokens=2, store=True)


def test_a_workspace_keeps_surprises_until_an_example_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "letters.curator"
    run(capsys, "import", write(tmp_path / "letters.jsonl", letters(6)), "-w", workspace)
    with open_workspace(workspace) as opened:
        raws = {record.id: record.raw for record in opened.records(opened.ids())}
    numbers = {1: -3.0, 2: 2.0, 3: 2.5, 4: 4.0}
    rows = {at: StudiedExample(digest_of(raws[at]), number, "x", 0.5) for at, number in numbers.items()}
    surprises.write(workspace, StudiedExamples("measured", rows))

    def listed(query: str, *more: str) -> list[int]:
        [page] = run(capsys, "list", workspace, "--filter", query, *more)[1]
        return [example["id"] for example in page["examples"]]

    assert listed("surprise>2") == [3, 4] and listed("surprise>=2") == [2, 3, 4]
    assert listed("surprise<2") == [1] and listed("surprise<-2.5") == [1] and listed("surprise:2-3") == [2, 3]
    assert listed("", "--sort", "-surprise")[:4] == [4, 3, 2, 1]
    [page] = run(capsys, "list", workspace)[1]
    assert [example["surprise"] for example in page["examples"]] == [-3.0, 2.0, 2.5, 4.0, None, None]
    with open_workspace(workspace) as opened:
        opened.changes.edit(3, "messages[1].content", "ddd")
        assert list(opened.view("surprise>2").ids) == [4]
        opened.changes.undo()
        assert list(opened.view("surprise>2").ids) == [3, 4]
    for hostile in (
        b"{",
        b"[]",
        b'{"says": 1, "examples": {"x": 1}}',
        b'{"says": "", "examples": {"1": [1, "y", 2, 3]}}',
    ):
        (workspace / surprises.NAME).write_bytes(hostile)
        assert listed("surprise>2") == []
