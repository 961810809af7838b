"""The commands as a script sees them: stdout, exit status, and one sentence on stderr."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from curator import settings
from curator.cli.main import main
from curator.jobs.ledger.ledger import Ledger
from tests.jobs.fake_provider import KEY, REFUSED, FakeProvider

MODEL = "gpt-4.1-mini-2025-04-14"


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[Any], str]:
    """Exit status, stdout as JSON lines, stderr."""
    status = main([*map(str, words), "--json"])
    said = capsys.readouterr()
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def test_train_waits_and_tells_every_event(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, _ = run(capsys, "train", data, "--yes", "--wait", "--events")
    *events, last = lines
    assert status == 0 and [event["id"] for event in events] == [e["id"] for e in served.jobs["ftjob-0001"].events]
    assert last["status"] == "succeeded" and last["job_id"] == "ftjob-0001" and last["provider"] == "fake"
    assert last["usd_estimate"] > 0 and last["metrics"]["valid_loss"] == 1.2


def test_train_again_attaches(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, [first], _ = run(capsys, "train", data, "--yes")
    status, [second], _ = run(capsys, "train", data, "--yes")
    assert status == 0 and second["job_id"] == first["job_id"] and len(served.jobs) == 1
    _, [third], _ = run(capsys, "train", data, "--yes", "--again")
    assert third["job_id"] != first["job_id"]


def test_a_refused_organisation_is_exit_3_with_the_way_out(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.fault("POST", "/jobs$", "refuse", times=9, status=403, body=REFUSED)
    status, lines, said = run(capsys, "train", data, "--yes")
    assert status == 3 and not lines and "--provider local" in said and not served.files


def test_a_failed_job_is_exit_1(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served.script = ("validating_files", "failed")
    status, lines, _ = run(capsys, "train", data, "--yes", "--wait")
    assert status == 1 and lines[-1]["error"]["code"] == "invalid_training_file"


def test_errors_in_the_data_and_the_budget_stop_everything(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, said = run(capsys, "train", data, "--yes", "--budget", "0.000001")
    assert status == 1 and "over the budget" in said
    data.write_text(data.read_text() + '{"messages": []}\n')
    status, _, said = run(capsys, "train", data, "--yes")
    assert status == 1 and "missing_messages_list" in said
    assert not served.wire.requests


def test_a_project_is_held_to_what_it_may_cost(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "import", data, "-w", tmp_path / "w.curator")
    words = ("train", tmp_path / "w.curator", "--yes", "--epochs")
    first = run(capsys, *words, "3")[1][-1]
    file = settings.path()
    file.write_text(f"project_budget = {first['usd_estimate'] * 1.5}\n" + file.read_text())
    assert run(capsys, *words, "3")[1][-1]["job_id"] == first["job_id"], "attaching costs nothing"
    status, _, said = run(capsys, *words, "4")
    assert status == 1 and "project_budget" in said and len(served.jobs) == 1
    assert run(capsys, "train", data, "--yes", "--epochs", "3")[0] == 0, "another project"
    served.jobs["ftjob-0001"].script = ("failed",)
    run(capsys, "jobs")
    assert run(capsys, *words, "4")[0] == 0, "what failed is free"


def test_what_may_cost_is_asked_for(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = run(capsys, "train", data)
    assert status == 2 and "--yes" in said and not served.files


@pytest.mark.parametrize(
    "words",
    [
        ("--epochs", "0"),
        ("--seed", "-1"),
        ("--suffix", "x" * 65),
        ("--validation", "nowhere"),
        ("--beta", "1"),
        ("--lora-rank", "8"),
        ("--early-stopping", "2"),
    ],
)
def test_options_out_of_range_are_usage(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    status, _, said = run(capsys, "train", data, "--yes", *words)
    assert status == 2 and words[0] in said and not served.files


def test_jobs_watch_and_steering(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, [started], _ = run(capsys, "train", data, "--yes")
    job = started["job_id"]
    _, [listed], _ = run(capsys, "jobs")
    assert [(j["id"], j["run"]["run"]) for j in listed["jobs"]] == [(job, started["run"])]
    assert run(capsys, "pause", job)[1][0]["status"] == "paused"
    assert run(capsys, "resume", job)[1][0]["status"] in served.script
    status, lines, _ = run(capsys, "watch", job)
    assert status == 0 and lines[-1]["id"] == job and lines[0]["object"] == "fine_tuning.job.event"
    status, _, said = run(capsys, "cancel", job)
    assert status == 3 and "already succeeded" in said


def test_a_submission_without_a_job_is_told_and_given_up(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.jobs.runs.submission.LOOKS", (0.0,))
    served.fault("POST", "/jobs$", "refuse", status=400)
    served.fault("POST", "/jobs$", "drop_before")
    status, lines, said = run(capsys, "train", data, "--yes")
    assert status == 3 and not lines and "--again" in said
    with Ledger.for_path(None) as ledger:
        (unclear,) = ledger.runs()
    for command in ("watch", "pause"):
        status, lines, said = run(capsys, command, unclear.run)
        assert status == 3 and not lines and f"curator cancel {unclear.run}" in said
    status, [given], said = run(capsys, "cancel", unclear.run)
    assert status == 0 and given["status"] == "abandoned" and not served.jobs
    status, [started], _ = run(capsys, "train", data, "--yes")
    assert status == 0 and list(served.jobs) == [started["job_id"]] and started["run"] != unclear.run


def test_jobs_renews_the_runs_of_workspaces_too(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "import", data, "-w", tmp_path / "w.curator")
    run(capsys, "train", tmp_path / "w.curator", "--yes")
    served.jobs["ftjob-0001"].at = 99
    _, [listed], _ = run(capsys, "jobs")
    assert [job["run"]["status"] for job in listed["jobs"]] == ["succeeded"]


def test_a_job_started_elsewhere_is_watched(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], curator_home: Path
) -> None:
    run(capsys, "train", data, "--yes")
    (curator_home / "data" / "runs.db").unlink()
    status, lines, _ = run(capsys, "watch", "ftjob-0001")
    assert status == 0 and lines[-1]["status"] == "succeeded"


@pytest.mark.parametrize("again", [False, True])
def test_a_job_that_failed_before_it_was_first_watched_says_why(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], curator_home: Path, again: bool
) -> None:
    served.script = ("validating_files", "failed")
    run(capsys, "train", data, "--yes", "--wait")
    (curator_home / "data" / "runs.db").unlink()
    if again:  # an older version stored such a job without its error
        run(capsys, "watch", "ftjob-0001")
        with sqlite3.connect(curator_home / "data" / "runs.db") as db:
            db.execute("UPDATE runs SET error = NULL")
    for _ in range(2):
        assert main(["watch", "ftjob-0001"]) == 1
        assert "✗ failed: ftjob-0001 at fake: The job failed." in capsys.readouterr().err
    assert main(["jobs"]) == 0
    assert "  The job failed." in capsys.readouterr().out.splitlines()
    _, [listed], _ = run(capsys, "jobs")
    assert listed["jobs"][0]["run"]["error"]["message"] == "The job failed."


def test_evaluate_scores_both_models_and_asks_the_base_once(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = f"ft:{MODEL}:org::1"
    served.answers = {f"word {n}": f"answer {n}" for n in range(6)}
    status, [first], _ = run(capsys, "evaluate", data, "--model", tuned, "--metric", "exact_match")
    assert status == 0 and first["examples"] == 12 and first["models"][tuned]["exact_match"] == 0.5
    assert len(first["results"][0]["answers"]) == 2 and first["flips"]["fixed"] == 0
    asked = len(served.wire.requests)
    served.answers = {f"word {n}": f"answer {n}" for n in range(12)}
    _, [second], _ = run(capsys, "evaluate", data, "--model", tuned, "--metric", "exact_match")
    assert len(served.wire.requests) == asked + 12
    assert second["flips"]["fixed_lines"] == [7, 8, 9, 10, 11, 12]


def test_chat_answers_and_takes_options_between_its_words(
    served: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    status, [said], _ = run(capsys, "chat", "m", "--system", "Be kind.", "good day")
    assert status == 0 and said["answer"] == "m says good day" and said["usage"]["total_tokens"] == 7


def test_chat_asks_as_compare_does_and_says_why_an_answer_ends(
    served: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    served.answers = {"sing": "la la la, so it goes on and on; " * 40}
    status, [said], told = run(capsys, "chat", "m", "sing")
    body = served.wire.requests[-1].json()
    assert (body["temperature"], body["max_completion_tokens"]) == (0, 200)
    assert status == 0 and said["stopped"] == "repetition" and len(said["answer"]) < 400
    assert "repeats itself" in told and "--temperature 0.7" in told
    run(capsys, "chat", "m", "hello", "--temperature", "1.5", "--max-tokens", "9")
    body = served.wire.requests[-1].json()
    assert (body["temperature"], body["max_completion_tokens"]) == (1.5, 9)


def test_chat_leaves_out_a_default_that_the_model_refuses(
    served: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "Unsupported value: 'temperature' does not support 0 with this model."
    refusal = {"error": {"message": words, "type": "invalid_request_error", "param": "temperature", "code": None}}
    served.fault("POST", "/chat/completions$", "refuse", times=1, status=400, body=refusal)
    status, [said], _ = run(capsys, "chat", "m", "hi")
    assert status == 0 and said["answer"] == "m says hi"
    assert "temperature" not in served.wire.requests[-1].json()
    served.fault("POST", "/chat/completions$", "refuse", times=1, status=400, body=refusal)
    status, _, told = run(capsys, "chat", "m", "hi", "--temperature", "0")
    assert status == 3 and "temperature" in told


def test_chat_asks_for_answers_of_a_contract_only(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("(happy)\n(sad)\nnone\n")
    run(capsys, "chat", "m", "hi", "--contract", words, "--pattern", r"\([a-z]+\)")
    assert served.wire.requests[-1].json()["structured_outputs"] == {"choice": ["(happy)", "(sad)"]}
    run(capsys, "chat", "m", "hi", "--pattern", r"\([a-z]+\)")
    assert served.wire.requests[-1].json()["structured_outputs"] == {"regex": r"\([a-z]+\)"}
    status, _, told = run(capsys, "chat", "m", "hi", "--contract", words, "--pattern", "[0-9]")
    assert status == 2 and "matches --pattern" in told
    status, _, told = run(capsys, "chat", "m", "hi", "--contract", tmp_path / "none.txt")
    assert status == 2 and "cannot be read" in told


def test_doctor_tells_all_and_no_key(served: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    status, [report], _ = run(capsys, "doctor")
    states = {finding["name"]: finding["state"] for finding in report["providers"]}
    assert status == 0 and states == {"local": "ok", "openai": "off", "azure": "off", "fake": "ok"}
    assert KEY not in json.dumps(report) and "FAKE_KEY" in json.dumps(report)
