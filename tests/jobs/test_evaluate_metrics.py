"""`curator evaluate`: metrics that fit the task, kinds of misses, perplexity, the best of many is flattered."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import nltk
import pytest

from curator.errors import UsageError
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.findings import row_misses
from curator.jobs.findings.best_of import flattery_of
from curator.jobs.findings.earlier_models import ask_model_before, model_before
from curator.jobs.ledger.answer_facts import LIKELIHOOD
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.rounds.round_facts import count_round_misses, flattery_of_rounds
from curator.jobs.runs import evaluation
from curator.jobs.runs.asking import message_key
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run
from tests.jobs.test_evaluate import prompt

pytestmark = pytest.mark.by_turns

TUNED = f"ft:{MODEL}:org::1"
MOODS = ("(happy)", "(sad)", "(angry)")


def write_lines(path: Path, pairs: list[tuple[str, str]]) -> Path:
    messages = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for question, answer in pairs
    ]
    path.write_text("".join(json.dumps({"messages": each}) + "\n" for each in messages))
    return path


def test_closed_answers_are_counted_one_by_one(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [(f"day {n}", MOODS[n % 3]) for n in range(24)]
    data = write_lines(tmp_path / "moods.jsonl", pairs)
    served.answers = {question: answer for question, answer in pairs if answer != "(sad)"}
    served.answers |= {question: "(happy)" for question, answer in pairs if answer == "(sad)"}
    served.answers["day 1"] = "(sad) That is a pity."
    served.answers["day 4"] = "I'm sorry, but I can't answer that."
    status, [report], error = run(capsys, "evaluate", data, "--model", TUNED, "--baseline", MODEL)
    assert status == 0, error
    assert report["task"]["kind"] == "closed" and "bleu" in report["hidden"] and "rougeL" in report["hidden"]
    scores = report["models"][TUNED]
    assert scores["exact_match"] == scores["accuracy"] == 16 / 24 and "bleu" not in scores
    rows = {row["answer"]: row for row in report["answers"][TUNED]["scores"]}
    assert rows["(happy)"] == {
        "answer": "(happy)", "expected": 8, "given": 14, "precision": 8 / 14, "recall": 1.0, "f1": 16 / 22,
    }  # fmt: skip
    assert report["answers"][TUNED]["confusions"][0] == {
        "expected": "(sad)", "given": "(happy)", "count": 6, "lines": [8, 11, 14, 17, 20, 23],
    }  # fmt: skip
    assert report["misses"][TUNED] == {"wrong": 6, "goes_on": 1, "refuses": 1}
    spent = report["spent"][MODEL]
    assert (spent["prompt_tokens"], spent["completion_tokens"]) == (24 * 5, 24 * 2)
    assert spent["usd"] == pytest.approx((120 * 0.4 + 48 * 1.6) / 1e6) and spent["seconds_an_answer"] > 0
    card = tmp_path / "card.md"
    status, [asked], _ = run(
        capsys, "evaluate", data, "--model", TUNED, "--metric", "bleu", "--metric", "exact_match", "--card", card
    )
    written = card.read_text()
    assert (
        "## Remarks" in written
        and "- `bleu: nrefs:1|" in written.replace("\\|", "|")
        and "6 right form" in written
    )
    assert status == 0 and asked["models"][TUNED]["bleu"] > 0 and "sacrebleu" not in asked["hidden"]
    assert "version:" in asked["signatures"]["bleu"]
    monkeypatch.setattr(nltk.data, "path", [])
    status, _, error = run(capsys, "evaluate", data, "--model", TUNED, "--metric", "meteor")
    assert status == 2 and "python -m nltk.downloader wordnet" in error


def test_free_text_gets_the_fields_metrics(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nltk.data, "path", [])
    pairs = [
        (f"why {n}", f"It was the number {n} that came out of the old hat, as far as anybody could tell, and {n}.")
        for n in range(20)
    ]
    data = write_lines(tmp_path / "why.jsonl", pairs)
    served.answers = {question: answer.replace("old", "new") for question, answer in pairs}
    status, [report], error = run(capsys, "evaluate", data, "--model", TUNED, "--baseline", MODEL)
    assert status == 0, error
    assert report["task"]["kind"] == "free" and report["answers"] is None
    import sacrebleu

    theirs = sacrebleu.corpus_bleu([served.answers[question] for question, _ in pairs], [[a for _, a in pairs]])
    assert f"{100 * report['models'][TUNED]['bleu']:.4f}" == f"{theirs.score:.4f}"
    assert {"chrf", "rouge1", "rougeL"} <= set(report["models"][TUNED])
    assert "WordNet" in report["hidden"]["meteor"] and "accuracy" in report["hidden"]


def test_a_kind_that_a_person_chose_is_kept_with_the_answer(tmp_path: Path) -> None:
    prompts = [prompt(f"word {n}", f"answer {n}", n) for n in range(3)]
    with Ledger(tmp_path / "runs.db") as ledger:
        key = evaluation.prompts_key(prompts)
        ledger.add_evaluation(key, "m", None, {"answers": ["answer 0", "no", "no"]})
        result = asyncio.run(evaluation.evaluate(prompts, ["m"], None, ledger, names=["exact_match"]))
        kinds = [miss.kind for miss in row_misses.misses_of(result, result.last, ledger)]
        assert kinds == ["wrong", "wrong"]
        row_misses.set_miss_kind(ledger, "m", prompts[1], "no", "wanted_wrong")
        row_misses.set_miss_kind(ledger, "m", prompts[2], "another answer", "also_right")
        found = row_misses.misses_of(result, result.last, ledger)
        assert [(miss.at, miss.kind, miss.by_person) for miss in found] == [
            (1, "wanted_wrong", True),
            (2, "wrong", False),
        ]
        row_misses.set_miss_kind(ledger, "m", prompts[1], "no", None)
        assert not row_misses.misses_of(result, result.last, ledger)[0].by_person
        with pytest.raises(UsageError, match="no kind of miss"):
            row_misses.set_miss_kind(ledger, "m", prompts[1], "no", "silly")  # type: ignore[arg-type]


def test_perplexity_is_that_of_the_wanted_answers(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [(f"word {n}", f"answer {n}") for n in range(3)]
    data = write_lines(tmp_path / "data.jsonl", pairs)
    words = ("--provider", "local", "--metric", "perplexity", "--metric", "exact_match")
    status, [report], error = run(capsys, "evaluate", data, "--model", tiny, *words)
    assert status == 0, error

    async def score_texts() -> list[float]:
        values: list[float] = []
        async with await connect(providers.get("local")) as client:
            for question, answer in pairs:
                before = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
                scored: Any = await client.sdk.completions.create(
                    model=tiny, prompt=f"{before}{answer}<|im_end|>", echo=True, logprobs=0, max_tokens=0
                )
                told = scored.choices[0].logprobs
                values += told.token_logprobs[-len(answer) - 1 :]  # one token a letter, and the end's
        return values

    values = asyncio.run(score_texts())
    expected = math.exp(-sum(values) / len(values))
    assert report["models"][tiny]["perplexity"] == pytest.approx(expected, rel=1e-3)
    with Ledger.for_path(None) as ledger:
        assert len(ledger.facts(LIKELIHOOD, tiny)) == 3
        stored = ledger.evaluations()[0]
        assert [len(row) > 0 for row in stored["logprobs"]] == [True] * 3  # each answer's own, prompt by prompt


def test_a_provider_that_cannot_score_a_text_says_so(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, [report], error = run(capsys, "evaluate", data, "--model", MODEL, "--metric", "perplexity")
    assert status == 0 and report["models"][MODEL]["perplexity"] is None
    assert "fake cannot score a given text" in error and "fake cannot" in report["hidden"]["perplexity"]


def test_an_evaluation_belongs_to_its_run_and_the_best_of_many_is_told(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "data.jsonl", [(f"word {n}", f"answer {n}") for n in range(18)])
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids()[:6], "validation")
        workspace.changes.assign(workspace.ids()[6:], "train")
        path = workspace.path
    for at in range(3):
        served.answers = {f"word {n}": f"answer {n}" for n in range(at, at + 3)}
        status, lines, error = run(capsys, "train", path, "--yes", "--wait", "--seed", str(at))
        assert status == 0, error
        status, [report], _ = run(
            capsys, "evaluate", path, "--model", lines[-1]["fine_tuned_model"], "--metric", "exact_match"
        )
        with Ledger.for_path(path) as ledger:
            assert ledger.evaluations()[0]["run"] == lines[-1]["run"]
    flattered = report["flattered"]
    assert (
        flattered["models"] == 3 and flattered["prompts"] == 6 and flattered["fair"] <= flattered["score"] == 0.5
    )
    assert flattered["says"].startswith("The best of 3 models on these 6 prompts has 50%")
    prompts = [prompt("never asked")]
    with Ledger.for_path(path) as ledger:
        ledger.add_evaluation(evaluation.prompts_key(prompts), "m", None, {"answers": ["x"]})
        other = asyncio.run(evaluation.evaluate(prompts, ["m"], None, ledger))
        assert flattery_of(other, ledger) is None


def test_a_ledger_of_the_version_before_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with Ledger(path) as ledger:
        ledger.add_answer("m", "k", {"answer": "a"})
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE answer_facts")
        db.execute("PRAGMA user_version = 2")
    db.close()
    with Ledger(path) as ledger:
        assert ledger.answers("m", ["k"]) == {"k": {"answer": "a"}} and ledger.facts(LIKELIHOOD) == {}


def test_the_model_of_the_round_before_is_asked_what_is_new(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [prompt(f"word {n}", f"answer {n}", n) for n in range(4)]
    models = [f"ft:{MODEL}:org::{name}" for name in "abc"]
    with Ledger(tmp_path / "runs.db") as ledger:
        for number, model in enumerate(models):
            run_of = Run(
                run=f"run-{number}", provider="fake", origin=served.origin, model=MODEL, status="succeeded",
                fingerprint=str(number), created_at=float(number), fine_tuned_model=model,
            )  # fmt: skip
            ledger.claim(run_of)
        for model in models[:2]:
            for each in prompts[:3]:
                ledger.add_answer(model, message_key(each.messages), {"answer": "x"})
            asyncio.run(evaluation.evaluate(prompts[:3], [model], None, ledger))
        assert (
            model_before(ledger, models[2], "fake") == models[1]
            and model_before(ledger, models[0], "fake") is None
        )
        assert model_before(ledger, models[2], "other") is None and model_before(ledger, "unknown", "fake") is None

        async def ask(kind: str) -> str | None:
            async with await connect(providers.get("fake")) as client:
                monkeypatch.setattr(type(client.provider), "kind", property(lambda provider: kind))
                return await ask_model_before(prompts, models[2], client, ledger, lambda *figures: None)

        assert asyncio.run(ask("openai")) is None and not served.wire.requests  # nothing that costs money
        served.fault("POST", "/chat/completions", "fail_before", times=9, status=404)
        gone = asyncio.run(ask("local"))
        assert gone is not None and "has not answered 1 of these prompts" in gone
        served.wire.faults.clear()
        told = asyncio.run(ask("local"))
        assert told is not None and f"{models[1]} of the round before was asked 1 prompt " in told
        assert (
            asyncio.run(ask("local")) is None
            and len(ledger.answers(models[1], [message_key(prompts[3].messages)])) == 1
        )


def test_silence_and_a_model_that_is_gone_are_told(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.reply = lambda model, asked: ""
    words: list[Any] = ["evaluate", data, "--model", MODEL, "--metric", "exact_match"]
    status, [report], error = run(capsys, *words)
    assert status == 0 and f"All 12 answers of {MODEL} are empty." in error
    assert report["models"][MODEL]["exact_match"] == 0 and report["misses"][MODEL] == {"wrong": 12}
    served.fault("POST", "/chat/completions", "fail_before", times=99, status=404)
    status, lines, error = run(capsys, "evaluate", data, "--model", "ft:gone:org::1", "--metric", "exact_match")
    assert status == 3 and not lines and error.strip().splitlines()[-1].startswith("curator: ")
    empty = data.with_name("empty.jsonl")
    empty.write_text('{"messages": [{"role": "user", "content": "no answer"}]}\n')
    status, _, error = run(capsys, "evaluate", empty, "--model", MODEL)
    assert status == 2 and "Nothing to ask" in error


def test_trainings_alike_but_for_the_seed_tell_the_noise(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "data.jsonl", [(f"word {n}", f"answer {n}") for n in range(12)])
    held = write_lines(tmp_path / "held.jsonl", [(f"held {n}", f"answer {n}") for n in range(4)])
    status, lines, error = run(capsys, "train", data, "--yes", "--wait", "--seeds", "3", "--seed", "5")
    assert status == 0 and "3 times that price" in error
    assert [job.body["seed"] for job in served.jobs.values()] == [5, 6, 7]
    trained = [each["fine_tuned_model"] for each in lines[-1]["seeds"]]
    assert len(set(trained)) == 3 and lines[-1]["run"] == lines[-1]["seeds"][0]["run"]
    for count, model in enumerate(trained):
        served.answers = {f"held {n}": f"answer {n}" for n in range(count)}
        status, [report], error = run(capsys, "evaluate", held, "--model", model, "--metric", "exact_match")
        assert status == 0, error
    assert sorted(report["noise"]["scores"]) == [0, 0.25, 0.5] and report["noise"]["spread"] == 0.25
    assert "Trained alike with 3 seeds: 0% to 50%" in report["noise"]["says"]
    assert "71 points by the seed alone" in report["noise"]["says"]
    assert run(capsys, "train", data, "--yes", "--seeds", "1")[0] == 2


def test_misses_are_explained_by_the_training_examples(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [
        ("my cat is ill", "(sad)"), ("the dog is ill", "(sad)"), ("a fine day", "(sun)"),
        ("I adore my cat", "(cat)"), ("cats everywhere", "(cat)"), ("my cat is ill today", "(doctor)"),
        ("rain", "(rain)"),
    ]  # fmt: skip
    data = write_lines(tmp_path / "data.jsonl", pairs)
    with open_workspace(data) as workspace:
        ids = workspace.ids()
        workspace.changes.assign(ids[:3], "validation")
        workspace.changes.assign(ids[3:], "train")
        path = workspace.path
    served.answers = {"my cat is ill": "(cat)", "the dog is ill": "(cat)", "a fine day": "(sun)"}
    words: list[Any] = ["evaluate", path, "--model", MODEL, "--metric", "exact_match", "--explain"]
    status, [report], error = run(capsys, *words)
    assert status == 0, error
    first, second = report["miss_list"]
    assert (first["line"], first["answer"], first["wanted"], first["kind"]) == (ids[0], "(cat)", "(sad)", "wrong")
    reasons = [(each["example"], each["reason"]) for each in first["taught_by"]]
    assert reasons[:2] == [(ids[3], "teaches"), (ids[4], "teaches")] and (ids[5], "near") in reasons
    assert report["miss_groups"] == [
        {
            "kind": "wrong",
            "says": "right form, wrong answer: 2 prompts answered “(cat)”",
            "lines": [ids[0], ids[1]],
        }
    ]
    from curator.cli.main import main

    assert main([*map(str, words)]) == 0
    printed = capsys.readouterr().out
    assert f"  example {ids[3]} teaches: (cat)" in printed and "2 × (cat) for (sad)" in printed


def test_the_ledger_tells_misses_and_luck_of_rounds(tmp_path: Path) -> None:
    prompts = [prompt(f"word {n}", f"answer {n}", n) for n in range(4)]
    with Ledger(tmp_path / "runs.db") as ledger:
        for model, right in (("a", 1), ("b", 2), ("c", 3)):
            for at, each in enumerate(prompts):
                said = each.expected if at < right else f"{each.expected}, and so on"
                ledger.add_answer(model, message_key(each.messages), {"answer": said})
            asyncio.run(
                evaluation.evaluate(prompts, [model], None, ledger, names=["exact_match"], side="validation")
            )
        yardstick = ledger.evaluations()[0]["yardstick"]
        assert count_round_misses(ledger, "a", yardstick, None, {}) == {"goes_on": 3}
        row_misses.set_miss_kind(ledger, "a", prompts[3], "answer 3, and so on", "wanted_wrong")
        assert count_round_misses(ledger, "a", yardstick, None, {}) == {"goes_on": 2, "wanted_wrong": 1}
        also = {2: ("answer 2, and so on",), 3: ("answer 3, and so on",)}
        assert count_round_misses(ledger, "a", yardstick, None, also) == {"goes_on": 1}
        best = flattery_of_rounds(ledger, ["a", "b", "c"], yardstick, {})
        assert best is not None and (best.models, best.prompts, best.score) == (3, 4, 0.75)
        assert flattery_of_rounds(ledger, ["a", "b", "unknown"], yardstick, {}) is None
        assert count_round_misses(ledger, "unknown", yardstick, None, {}) is None
        ledger.add_yardstick("odd", "", [{"key": 1}, {"key": "k", "expected": "x"}, "nothing"])  # type: ignore[list-item]
        assert count_round_misses(ledger, "a", "odd", None, {}) is None
        assert count_round_misses(ledger, "a", "missing", None, {}) is None
