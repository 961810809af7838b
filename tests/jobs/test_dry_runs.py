"""`--dry-run` of what asks, trains, ships or deletes: it tells, and leaves no file, request or server behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from curator.cli.main import WRITE_ON_REQUEST, WRITES
from curator.paths import config_dir
from tests.cli.test_schema_dry_run import CASES, state
from tests.jobs.fake_hub import TOKEN, FakeHub
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import run

HERE = (
    "history",
    "train",
    "cancel",
    "pause",
    "resume",
    "evaluate",
    "study",
    "side-effects",
    "models",
    "hub",
    "deploy",
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    fake = FakeHub()
    fake.add("dataset", "me/data", {"train.jsonl": b"{}"})
    monkeypatch.setenv("HF_ENDPOINT", fake.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield fake
    fake.close()


def test_every_command_that_writes_is_tried_somewhere() -> None:
    assert {*CASES, *HERE} == WRITES | WRITE_ON_REQUEST


def test_nothing_is_asked_trained_or_written(
    served: FakeProvider,
    hub: FakeHub,
    tiny: str,
    tmp_path: Path,
    curator_home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"word {n} of {n * n}"},
                {"role": "assistant", "content": f"say {n}"},
            ]
        }
        for n in range(60)
    ]
    Path("data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(capsys, "import", "data.jsonl", "-w", "w.curator")[0] == 0
    Path("raw.txt").write_text("What is this?\n")

    def tried(*words: str) -> dict[str, object]:
        before = state(tmp_path), state(curator_home), len(served.wire.requests)
        status, told, error = run(capsys, *words, "--dry-run")
        assert status == 0, (words, error)
        assert (state(tmp_path), state(curator_home), len(served.wire.requests)) == before, words
        assert told[-1]["dry_run"] is True
        first: dict[str, object] = told[-1]
        return first

    tried("train", "data.jsonl", "--epochs", "1")
    status, [trained], error = run(capsys, "train", "w.curator", "--yes", "--wait")
    assert status == 0, error
    for action in ("cancel", "pause", "resume"):
        assert tried(action, str(trained["job_id"]))["job"] == trained["job_id"]
    assert tried("history", "w.curator", "--round", "1", "--write", "run-card", "-o", "run.md", "--note", "x")
    asked = tried("evaluate", "data.jsonl", "--model", "m", "--baseline", "b", "--card", "card.md")
    assert (asked["models"], asked["questions"], asked["prompts"]) == (["b", "m"], 120, 60)
    assert asked["usd_estimate"] is None
    assert tried("side-effects", "w.curator", "--rehearsal", "more.jsonl")["questions"] == 80
    assert (
        tried("study", "next", "data.jsonl", "--from", "raw.txt", "--model", "m", "--provider", "fake")[
            "questions"
        ]
        == 1
    )
    assert (
        tried("study", "drafts", "w.curator", "--model", "m", "--provider", "fake", "--count", "3")["drafts"] == 3
    )
    for words, plan in (
        (("suspects",), "train tiny 3 times"), (("more",), "train tiny 8 times"),
        (("whatif", "--without", "line:1-5"), "train tiny 4 times"),
    ):  # fmt: skip
        kind, *rest = words
        said = tried("study", kind, "data.jsonl", "--provider", "local", "--model", tiny, *rest)
        assert plan in str(said["plan"]), said
    assert tried("models", "export", tiny, "-o", "out")["format"] == "merged"
    assert tried("models", "pull", "smollm2-135m-instruct")["pulled"] is True
    assert tried("models", "remove", tiny)["removed"] is False
    assert tried("hub", "pull", "me/data", "-o", "here")["bytes"] == 2
    assert tried("hub", "push", "data.jsonl", "me/new")["new"] == ["README.md", "train.jsonl"]
    assert run(capsys, "models", "export", tiny, "-o", ".", "--dry-run")[0] == 2

    rules = config_dir() / "rules"
    rules.mkdir(parents=True)
    (rules / "mine.toml").write_text('[no_seven]\nseverity = "error"\nroles = ["user"]\npattern = "word 7 "\n')
    (rules / "bad.py").write_text("def wrong(example):\n    raise KeyError('oh')\n")
    status, _, error = run(capsys, "train", "data.jsonl", "--dry-run")
    assert status == 1 and "own:no_seven 1" in error and "bad.py: wrong raised KeyError" in error
    assert run(capsys, "study", "suspects", "raw.txt", "--provider", "local", "--model", tiny, "--dry-run")[0] == 2


def test_nothing_is_deployed(
    served_azure: FakeProvider, tmp_path: Path, curator_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(tmp_path), state(curator_home)
    status, [told], error = run(capsys, "deploy", "gpt-4.1-mini.ft-1", "--name", "mine", "--dry-run")
    assert status == 0 and told["name"] == "mine", error
    status, [told], error = run(capsys, "deploy", "--delete", "mine", "--dry-run")
    assert status == 0 and told["deleted"] == "mine", error
    assert (state(tmp_path), state(curator_home)) == before and not served_azure.deployments
