"""Studies over real HTTP with real (tiny) trainings: what they tell, broken off and gone on with, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from curator.basemodels import text_model, weights
from curator.server.engines.embedded import batches, loss
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, write_peft
from curator.server.engines.studies import scoring
from tests.server import tiny
from tests.server.running import Running, until, workers

pytestmark = pytest.mark.by_turns

TRIAL = {"train": list(range(18)), "seed": 3, "score": [[18, 18], [18, 19], [19, 19]], "answer": [18, 19]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("studies")
    tiny.write_tiny_model(folder / "models" / "real")
    running = Running(folder, threads=1)
    yield running
    for study in (running.data / "studies").glob("study-*"):
        for pid in workers(study):
            os.kill(pid, signal.SIGKILL)
    running.close()


def ask(server: Running, method: str, path: str, body: Any = None) -> Any:
    key = {"authorization": f"Bearer {server.token}"}
    answer = httpx2.request(method, server.base_url + path, headers=key, json=body, timeout=30)
    return answer.json()


def upload(server: Running, count: int = 20) -> str:
    lines = "".join(json.dumps(each) + "\n" for each in tiny.examples(count))
    with server.client() as client:
        return client.files.create(file=("study.jsonl", lines.encode()), purpose="fine-tune").id


def body(server: Running, trials: list[dict[str, Any]], epochs: int = 2) -> dict[str, Any]:
    rates = {"n_epochs": epochs, "batch_size": 4, "learning_rate_multiplier": 5}
    return {"kind": "trials", "model": "real", "file": upload(server), "hyperparameters": rates, "trials": trials,
            "max_tokens": 8}  # fmt: skip


def result(server: Running, study: dict[str, Any]) -> Any:
    def ended() -> str | None:
        status = ask(server, "GET", f"/studies/{study['id']}")["status"]
        return status if status in ("succeeded", "failed", "cancelled", "interrupted") else None

    status = until(ended)
    assert status == "succeeded", ask(server, "GET", f"/studies/{study['id']}")
    return ask(server, "GET", f"/studies/{study['id']}/result")


def test_a_study_that_is_killed_goes_on_and_ends_as_if_nothing_had_been(server: Running) -> None:
    long = body(server, [TRIAL | {"seed": 5}, TRIAL | {"seed": 6}], epochs=12)
    study = ask(server, "POST", "/studies", long)
    folder = server.data / "studies" / study["id"]
    until(lambda: list((server.data / "studies" / "shared").glob("trial-*/ckpt-*")))
    server.kill()
    for pid in workers(folder):
        os.kill(pid, signal.SIGKILL)
    assert not (folder / "result.json").exists()
    server.start()
    assert ask(server, "GET", f"/studies/{study['id']}")["status"] == "interrupted"
    again = ask(server, "POST", "/studies", long)
    assert again["id"] == study["id"]  # another upload of the same bytes
    resumed = result(server, again)
    # the same training without an interruption, in another study
    alone = result(
        server, ask(server, "POST", "/studies", long | {"trials": [TRIAL | {"seed": 5}], "max_tokens": 7})
    )
    assert resumed["trials"][0]["scores"] == alone["trials"][0]["scores"]
    assert resumed["trials"][0]["scores"] != resumed["trials"][1]["scores"]
    # an answer that is likelier than any other is known without being asked for
    asked = result(server, ask(server, "POST", "/studies", long | {"trials": [TRIAL | {"seed": 5, "score": []}]}))
    for own, other in zip(asked["trials"][0]["answers"], resumed["trials"][0]["answers"], strict=True):
        assert own["text"] == other["text"] and own["logprob"] == pytest.approx(other["logprob"], abs=1e-3)
    curves = resumed["trials"][0]["curves"]
    assert curves == alone["trials"][0]["curves"] and curves["lines"] == list(range(18))
    assert len(curves["losses"]) == 12 and sum(curves["losses"][-1]) < 0.5 * sum(curves["losses"][0])
    kept = {path.name for path in (server.data / "studies" / "shared").glob("trial-*/*")}
    assert kept == {"result.json"}  # adapters and states are gone


def test_a_trial_is_run_once_whoever_asks(server: Running) -> None:
    first = result(server, ask(server, "POST", "/studies", body(server, [TRIAL])))
    wider = body(server, [TRIAL | {"seed": 4}, TRIAL])
    second = result(server, ask(server, "POST", "/studies", wider))
    assert second["trials"][1] == first["trials"][0]  # with the seconds that it took
    assert [len(row) for row in (first["trials"][0]["scores"], first["trials"][0]["answers"])] == [3, 2]


def test_a_cancelled_study_stops_and_goes_on_when_asked_again(server: Running) -> None:
    asked = body(server, [TRIAL | {"seed": 9}, TRIAL | {"seed": 10}], epochs=20)
    study = ask(server, "POST", "/studies", asked)
    until(lambda: (ask(server, "GET", f"/studies/{study['id']}")["progress"] or {}).get("done"))
    ask(server, "POST", f"/studies/{study['id']}/cancel")
    view = until(lambda: (v := ask(server, "GET", f"/studies/{study['id']}"))["status"] == "cancelled" and v)
    assert view["progress"]["done"] < view["progress"]["total"]
    assert len(result(server, ask(server, "POST", "/studies", asked))["trials"]) == 2


def test_influences_that_are_killed_go_on_behind_what_is_stored(server: Running, tmp_path: Path) -> None:
    """kill -9 amid the gradients: what was stored is not computed again, and the result is the same."""
    model = Llama(weights.load(server.folder / "models" / "real"))
    checkpoints = [tmp_path / f"ckpt-{number}" for number in range(1, 9)]
    for number, folder in enumerate(checkpoints):
        adapter = Adapter(model.config, 4, 8)
        adapter.flat[:] = (
            np.random.default_rng(number).standard_normal(len(adapter.flat)).astype(np.float32) * 0.02
        )
        folder.mkdir()
        write_peft(folder, adapter, "real")
    rows = tiny.examples(24)

    def begin(name: str) -> tuple[Path, subprocess.Popen[bytes]]:
        study = tmp_path / name
        study.mkdir(exist_ok=True)
        (study / "examples.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
        asked = {"checkpoints": list(map(str, checkpoints)), "questions": rows[:2]}
        spec: dict[str, Any] = {
            "kind": "influences",
            "model": "real",
            "model_path": str(server.folder / "models" / "real"),
        }
        spec |= {"shared": str(tmp_path / f"shared-{name}"), "threads": 1, "asked": asked}
        (study / "study.json").write_text(json.dumps(spec))
        return study, subprocess.Popen([sys.executable, "-m", "curator.server.children.study", str(study)])

    def stored(name: str) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in tmp_path.glob(f"shared-{name}/*/*.npy")}

    study, process = begin("killed")
    until(lambda: stored("killed"))
    process.kill()
    process.wait()
    kept = stored("killed")
    assert 0 < len(kept) < len(checkpoints) and not (study / "result.json").exists()
    for name in ("killed", "whole"):
        study, process = begin(name)
        assert process.wait(60) == 0
    assert stored("killed").items() >= kept.items() and len(stored("killed")) == len(checkpoints)
    results = [json.loads((tmp_path / name / "result.json").read_bytes()) for name in ("killed", "whole")]
    assert [len(each["questions"]) for each in results] == [2, 2]
    for one, other in zip(*(each["questions"] for each in results), strict=True):
        assert one["push"] == pytest.approx(other["push"], abs=2e-3)
        assert one["influences"][0][0] == other["influences"][0][0]


def test_what_cannot_be_studied_is_refused_in_words(server: Running) -> None:
    asked = body(server, [TRIAL])
    for change, words in (
        ({"kind": "magic"}, "Supported values are: 'trials' and 'influences'"),
        ({"model": "gpt-9"}, "not on this machine"),
        ({"file": "file-0"}, "No such File"),
        ({"trials": [TRIAL | {"train": [-1]}]}, "line numbers"),
        ({"trials": [TRIAL | {"score": [[1]]}]}, "pairs of line numbers"),
        ({"wish": 1}, "Unknown parameter"),
    ):
        assert words in ask(server, "POST", "/studies", asked | change)["error"]["message"], change
    beyond = ask(server, "POST", "/studies", asked | {"trials": [TRIAL | {"answer": [77]}]})
    view = until(lambda: (v := ask(server, "GET", f"/studies/{beyond['id']}"))["status"] == "failed" and v)
    assert "77" in view["error"]["message"]
    assert "no study" in ask(server, "GET", "/studies/study-../../etc")["error"]["message"]
    assert ask(server, "GET", f"/studies/{beyond['id']}/result")["error"]["code"] == "study_not_finished"


def test_scores_are_those_of_each_answer_alone(tmp_path: Path) -> None:
    """Packed together they share prompts, and yet have the log probabilities that each has by itself."""
    folder = tiny.write_tiny_model(tmp_path / "model")
    model, text = Llama(weights.load(folder)), text_model.load(folder)
    adapter = Adapter(model.config, 4, 8)
    adapter.flat[:] = np.random.default_rng(1).standard_normal(len(adapter.flat)).astype(np.float32) * 0.02
    rows = tiny.examples(5)
    pairs = [scoring.render_pair(text, one, other) for one in rows for other in (*rows, rows[0])]
    told = scoring.score_answers(model, adapter, pairs, 2, lambda _: None)
    for pair, score in zip(pairs, told, strict=True):
        [row] = batches.pack_rows([pair], [0])
        hidden, _ = model.forward(row, adapter)
        alone = loss.score(hidden, model.head, row.targets).logprobs.sum()
        assert score.logprob == pytest.approx(float(alone), abs=1e-3) and score.tokens == pair.trained
    [answer] = scoring.answer_prompts(model, adapter, text, rows[:1], 6, 1, lambda _: None)
    assert answer.cut and 0 < len(answer.text) <= 6 and answer.logprob < 0
