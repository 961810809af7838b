"""The training process as the server sees it: facts, checkpoints, pause, cancel, resume, failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curator.basemodels.weights import read_safetensors
from curator.server.children import worker
from curator.server.engines.embedded.lora import read_peft
from curator.server.engines.schedule import learning_rate, make_schedule, peak_rate
from tests.server import tiny

pytestmark = pytest.mark.by_turns

Fact = dict[str, Any]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model's folder."""
    return tiny.write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A training file of 12 examples."""
    return tiny.write_jsonl(tmp_path / "train.jsonl", tiny.examples(12))


def steps(facts: list[Fact]) -> list[Fact]:
    """The step facts without what differs from run to run."""
    return [{k: v for k, v in f.items() if k != "seconds"} for f in facts if f["kind"] == "step"]


def kinds(facts: list[Fact]) -> list[str]:
    """The facts' kinds."""
    return [fact["kind"] for fact in facts]


def test_a_job_trains_and_tells_every_fact(tmp_path: Path, model: Path, training: Path) -> None:
    valid = tiny.write_jsonl(tmp_path / "valid.jsonl", tiny.examples(5))
    job = tiny.write_job(tmp_path / "job", model, training, validation_file=str(valid))
    assert worker.train(job) == 0
    facts = tiny.facts(job)
    assert kinds(facts) == ["started", *["step"] * 3, "checkpoint", *["step"] * 3, "checkpoint", "succeeded"]
    assert facts[0] == {
        "kind": "started",
        "total_steps": 6,
        "steps_per_epoch": 3,
        "n_epochs": 2,
        "batch_size": 4,
        "learning_rate_multiplier": 5.0,
        "seed": 7,
    }
    for step in steps(facts):
        whole = {"full_valid_loss", "full_valid_mean_token_accuracy"} & step.keys()
        assert (len(whole) == 2) is (step["step"] % 3 == 0)
        assert step["train_loss"] > 0 and step["valid_loss"] > 0
        assert 0 <= step["train_mean_token_accuracy"] <= 1 and 0 <= step["valid_mean_token_accuracy"] <= 1
    assert steps(facts)[-1]["train_loss"] < steps(facts)[0]["train_loss"] - 1
    last = facts[-2]
    assert last["step"] == 6 and last["metrics"]["train_loss"] == steps(facts)[-1]["train_loss"]
    assert facts[-1]["path"] == last["path"]
    assert facts[-1]["trained_tokens"] > 2 * 12 * 20
    config = json.loads((job / last["path"] / "adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 16, 32.0)


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(
    tmp_path: Path, model: Path, training: Path
) -> None:
    runs = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        job = tiny.write_job(tmp_path / name, model, training, seed=seed)
        assert worker.train(job) == 0
        runs.append(steps(tiny.facts(job)))
    assert runs[0] == runs[1] != runs[2]


def test_rank_targets_and_schedule_are_those_of_the_job(tmp_path: Path, model: Path, training: Path) -> None:
    asked = {
        "lora_rank": 4,
        "lora_targets": "attention",
        "lora_alpha": 12,
        "lora_dropout": 0.1,
        "schedule": "cosine",
    }
    job = tiny.write_job(
        tmp_path / "job", model, training, hyperparameters={"n_epochs": 2, "batch_size": 4, **asked}
    )
    assert worker.train(job) == 0
    told = tiny.facts(job)
    config = json.loads((job / "ckpt-6" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (4, 12.0, 0.1)
    assert config["target_modules"] == ["q_proj", "k_proj", "v_proj", "o_proj"]
    tensors = read_safetensors(job / "ckpt-6" / "adapter_model.safetensors")
    assert not any("mlp" in name for name in tensors) and any(value.any() for value in tensors.values())
    adapter = read_peft(job / "ckpt-6", tiny.CONFIG)
    assert not any(b.any() for layer in adapter.groups for b in layer["down"].b)
    rates = [fact["learning_rate"] for fact in steps(told)]
    peak = peak_rate("supervised", 1.0)
    assert rates == [learning_rate(step, 6, peak, "cosine") for step in range(1, 7)] and rates[-1] < 0.1 * peak
    assert {learning_rate(step, 6, peak, "constant") for step in range(1, 7)} == {peak}


def test_packing_changes_no_loss_of_a_training_and_dropout_does(
    tmp_path: Path, model: Path, training: Path
) -> None:
    losses = []
    settings: list[dict[str, Any]] = [{}, {"packing": False}, {"lora_dropout": 0.2}]
    for number, more in enumerate(settings):
        asked = {"n_epochs": 1, "batch_size": 4, **more}
        job = tiny.write_job(tmp_path / str(number), model, training, hyperparameters=asked)
        assert worker.train(job) == 0
        losses.append([fact["train_loss"] for fact in steps(tiny.facts(job))])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[2][1:] != pytest.approx(losses[0][1:], rel=1e-4)


def job_that_forgets(folder: Path, model: Path, **asked: Any) -> Path:
    """A job whose validation loss falls at first and rises later: it learns one answer by heart, and the
    validation wants others."""
    training = tiny.write_jsonl(folder.parent / "one.jsonl", tiny.examples(1) * 4)
    other = [
        {"messages": [*each["messages"][:2], {"role": "assistant", "content": "x)"}]} for each in tiny.examples(3)
    ]
    valid = tiny.write_jsonl(folder.parent / "other.jsonl", other)
    settings = {"n_epochs": 12, "batch_size": 4, "learning_rate_multiplier": 10, "schedule": "constant", **asked}
    return tiny.write_job(folder, model, training, validation_file=str(valid), hyperparameters=settings)


def test_training_stops_early_and_the_best_checkpoint_is_kept(tmp_path: Path, model: Path) -> None:
    job = job_that_forgets(tmp_path / "job", model, early_stopping=4, lora_dropout=0.1)
    assert worker.train(job) == 0
    told = tiny.facts(job)
    losses = {fact["step"]: fact["metrics"]["full_valid_loss"] for fact in told if fact["kind"] == "checkpoint"}
    best, last, end = min(losses, key=losses.__getitem__), max(losses), told[-1]
    assert last == best + 4 < 12, losses
    assert (end["kind"], end["path"], end["best"], end["stopped_at"]) == ("succeeded", f"ckpt-{best}", best, last)
    assert sorted(path.name for path in job.glob("ckpt-*")) == sorted(
        f"ckpt-{step}" for step in {best, last - 2, last - 1, last}
    )
    first_tokens = tiny.facts(job)[-1]["trained_tokens"]
    assert first_tokens % last == 0

    parts = job_that_forgets(tmp_path / "parts", model, early_stopping=4, lora_dropout=0.1)
    (parts / "control").write_text("pause")
    for _ in range(best + 2):
        assert worker.train(parts) == 0
    (parts / "control").unlink()
    assert worker.train(parts) == 0
    assert steps(tiny.facts(parts)) == steps(told) and tiny.facts(parts)[-1] == end
    assert worker.train(parts) == 0  # killed before the server read its end
    assert tiny.facts(parts)[-1] == end and steps(tiny.facts(parts)) == steps(told)


def test_the_best_checkpoint_alone_and_early_stopping_alone(tmp_path: Path, model: Path) -> None:
    best_only = job_that_forgets(tmp_path / "best", model, best_checkpoint=True)
    assert worker.train(best_only) == 0
    end = tiny.facts(best_only)[-1]
    assert end["path"] == f"ckpt-{end['best']}" != "ckpt-12" and "stopped_at" not in end
    last_one = job_that_forgets(tmp_path / "last", model, best_checkpoint=False, early_stopping=2)
    assert worker.train(last_one) == 0
    end = tiny.facts(last_one)[-1]
    assert end["path"] == f"ckpt-{end['stopped_at']}" and "best" not in end


def test_two_threads_give_the_same_training(tmp_path: Path, model: Path, training: Path) -> None:
    losses = []
    for threads in (1, 2):
        job = tiny.write_job(tmp_path / str(threads), model, training, threads=threads)
        assert worker.train(job) == 0
        losses.append([fact["train_loss"] for fact in steps(tiny.facts(job))])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(("word", "kind"), [("pause", "paused"), ("cancel", "cancelled")])
def test_the_control_file_stops_it_after_the_step(
    tmp_path: Path, model: Path, training: Path, word: str, kind: str
) -> None:
    job = tiny.write_job(tmp_path / "job", model, training)
    (job / "control").write_text(word)
    assert worker.train(job) == 0
    facts = tiny.facts(job)
    assert kinds(facts) == ["started", "step", kind]
    assert facts[-1]["step"] == 1


def test_a_resumed_job_repeats_nothing_and_ends_bit_equal(tmp_path: Path, model: Path, training: Path) -> None:
    whole = tiny.write_job(tmp_path / "whole", model, training)
    assert worker.train(whole) == 0
    parts = tiny.write_job(tmp_path / "parts", model, training)
    (parts / "control").write_text("pause")
    for _ in range(4):
        assert worker.train(parts) == 0
    (parts / "control").unlink()
    assert worker.train(parts) == 0
    assert steps(tiny.facts(parts)) == steps(tiny.facts(whole))
    adapters = [read_safetensors(job / "ckpt-6" / "adapter_model.safetensors") for job in (whole, parts)]
    assert adapters[0].keys() == adapters[1].keys()
    for name, value in adapters[0].items():
        np.testing.assert_array_equal(value, adapters[1][name])


def test_only_the_last_three_checkpoints_are_kept(tmp_path: Path, model: Path, training: Path) -> None:
    job = tiny.write_job(tmp_path / "job", model, training, hyperparameters={"n_epochs": 5, "batch_size": 6})
    assert worker.train(job) == 0
    assert sorted(path.name for path in job.glob("ckpt-*")) == ["ckpt-10", "ckpt-6", "ckpt-8"]
    assert [f["step"] for f in tiny.facts(job) if f["kind"] == "checkpoint"] == [2, 4, 6, 8, 10]


@pytest.mark.parametrize("damage", ["cut", "other job"])
def test_a_state_that_does_not_fit_is_not_used(tmp_path: Path, model: Path, training: Path, damage: str) -> None:
    job = tiny.write_job(tmp_path / "job", model, training)
    (job / "control").write_text("pause")
    assert worker.train(job) == 0
    (job / "control").unlink()
    if damage == "cut":
        state = job / "state.safetensors"
        state.write_bytes(state.read_bytes()[:-100])
    else:
        tiny.write_job(job, model, training, seed=99)
    assert worker.train(job) == 0
    assert [fact["step"] for fact in steps(tiny.facts(job))] == [1, 1, 2, 3, 4, 5, 6]


def run(job: Path) -> subprocess.Popen[bytes]:
    """The worker as the server starts it."""
    command = [sys.executable, "-m", "curator.server.children.worker", str(job)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})


def wait_for_step(job: Path, number: int) -> None:
    """Until the worker has told a step."""
    for _ in range(1200):
        if any(fact.get("step", 0) >= number for fact in tiny.facts(job)):
            return
        time.sleep(0.05)
    raise AssertionError(f"no step {number}: {tiny.facts(job)}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_job_goes_on_from_its_state(
    tmp_path: Path, model: Path, training: Path, number: signal.Signals
) -> None:
    hyperparameters = {"n_epochs": 50, "batch_size": 6, "learning_rate_multiplier": 1}
    job = tiny.write_job(tmp_path / "job", model, training, hyperparameters=hyperparameters)
    process = run(job)
    wait_for_step(job, 3)
    process.send_signal(number)
    _, _ = process.communicate(timeout=60)
    assert process.returncode == (0 if number is signal.SIGTERM else -number)
    told = len(tiny.facts(job))
    saved = json.loads((job / "state.json").read_text())["step"]
    assert saved >= 2
    (job / "control").write_text("cancel")
    assert worker.train(job) == 0
    again = tiny.facts(job)[told:]
    assert [fact["step"] for fact in steps(again)] == [saved + 1]


def test_sigterm_loses_no_step(tmp_path: Path, model: Path, training: Path) -> None:
    hyperparameters = {"n_epochs": 50, "batch_size": 1, "learning_rate_multiplier": 1}
    job = tiny.write_job(tmp_path / "job", model, training, hyperparameters=hyperparameters)
    process = run(job)
    wait_for_step(job, 2)
    process.terminate()
    process.communicate(timeout=60)
    assert json.loads((job / "state.json").read_text())["step"] == steps(tiny.facts(job))[-1]["step"]


def test_preferences_are_trained(tmp_path: Path, model: Path) -> None:
    values = [
        {
            "input": {"messages": [{"role": "user", "content": f"question {n}"}]},
            "preferred_output": [{"role": "assistant", "content": "(sun)"}],
            "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
        }
        for n in range(10)
    ]
    file = tiny.write_jsonl(tmp_path / "pairs.jsonl", values)
    job = tiny.write_job(tmp_path / "job", model, file, method="dpo")
    assert worker.train(job) == 0
    found = steps(tiny.facts(job))
    assert found[0]["train_loss"] == pytest.approx(np.log(2), rel=1e-5)
    assert found[-1]["train_loss"] < 0.5 and found[-1]["train_mean_token_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("lines", "changes", "code", "words"),
    [
        ([], {}, "invalid_training_file", "no example"),
        ([{"prompt": "x"}], {}, "invalid_training_file", "supervised format"),
        ([{"messages": [{"role": "user", "content": "x"}]}], {}, "invalid_training_file", "no example"),
        (tiny.examples(3), {"model_path": "/nowhere"}, "training_failed", "nowhere"),
        (tiny.examples(3), {"hyperparameters": {"learning_rate_multiplier": 1e30}}, "training_diverged", "lower"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_reason(
    tmp_path: Path, model: Path, lines: list[Fact], changes: Fact, code: str, words: str
) -> None:
    job = tiny.write_job(tmp_path / "job", model, tiny.write_jsonl(tmp_path / "t.jsonl", lines), **changes)
    assert worker.train(job) == 1
    last = tiny.facts(job)[-1]
    assert (last["kind"], last["code"]) == ("failed", code)
    assert words in last["message"]


def test_a_missing_spec_fails_with_a_reason(tmp_path: Path) -> None:
    assert worker.train(tmp_path) == 1
    assert "job.json" in tiny.facts(tmp_path)[-1]["message"]


@pytest.mark.parametrize(
    ("examples", "expected"),
    [(4, (25, 4)), (10, (10, 8)), (20, (5, 8)), (33, (3, 8)), (34, (3, 8)), (500, (3, 8)), (9000, (2, 8))],
)
def test_auto_hyperparameters(examples: int, expected: tuple[int, int]) -> None:
    auto = make_schedule({"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}, examples)
    assert (auto.n_epochs, auto.batch_size) == expected
    assert auto.multiplier == 1.0
    assert make_schedule({"n_epochs": 7, "batch_size": 256}, examples).total_steps == 7 * -(-examples // 256)
