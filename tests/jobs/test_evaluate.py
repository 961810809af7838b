"""`curator evaluate`: ways of asking, bars, cards, and answers that are stored under their question."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from curator.errors import CuratorError, InputError, UsageError
from curator.jobs.ledger.judgements import Judgement
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs import bars
from curator.jobs.runs.asking import Prompt, Way, message_key
from curator.jobs.runs.evaluation_card import code
from curator.jobs.runs.yardstick import Yardstick
from curator.tui.stage_models.comparing.prompt_sources import PromptSource, load_prompts
from curator.workspace.opening import open_workspace
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run

TUNED = f"ft:{MODEL}:org::1"


def prompt(text: str, answer: str = "a", line: int = 1) -> Prompt:
    return Prompt(line, [{"role": "system", "content": "S"}, {"role": "user", "content": text}], answer)


def test_a_way_of_asking_is_what_is_sent() -> None:
    pool = [prompt("red fish", "1"), prompt("blue bird", "1"), prompt("old dog", "2"), prompt("new question", "3")]
    question = prompt("blue birds sing")
    assert Way("m").messages(question) == question.messages
    other = Way("m", system="T").messages(question)
    assert [message["content"] for message in other] == ["T", "blue birds sing"]
    assert [message["role"] for message in Way("m", system="").messages(question)] == ["user"]
    fixed = Way("m", shots=2, pool=pool).messages(question)
    assert [message["content"] for message in fixed] == ["S", "red fish", "1", "old dog", "2", "blue birds sing"]
    nearest = Way("m", shots=1, nearest=True, pool=pool)
    assert [message["content"] for message in nearest.messages(question)][1:3] == ["blue bird", "1"]
    same = [message["content"] for message in nearest.messages(prompt("new question"))]
    assert same.count("new question") == 1  # an example that asks the same gives nothing away
    names = {Way("m").name, Way("m", system="T").name, Way("m", shots=2).name, nearest.name}
    assert len(names) == 4


def test_a_yardstick_is_named_by_its_questions_and_says_what_it_can_tell() -> None:
    one, two = prompt("a"), prompt("b")
    assert Yardstick.of([one, two], "validation").id == Yardstick.of([two, one], "validation").id
    assert Yardstick.of([one], "").id != Yardstick.of([prompt("a", "other")], "").id
    assert Yardstick.of([prompt(str(n)) for n in range(30)], "").words == "30 prompts tell ±17 points"
    assert Yardstick.of([one, two], "").words.endswith("too few to judge")


@pytest.mark.parametrize(
    "text", ["", "exact_match", "exact_match=", "exact_match=x", "nope=1", "length=3", "bleu=nan"]
)
def test_what_is_no_bar_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        bars.parse_bar(text)


def test_rows_bars_and_a_card(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    served.answers = {f"word {n}": f"answer {n}" for n in range(6)}
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids()[:4], "validation")
        workspace.changes.assign(workspace.ids()[4:], "train")
        folder = workspace.path
    system = tmp_path / "system.txt"
    system.write_text("Be brief.")
    card = tmp_path / "card.md"
    words: list[Any] = ["evaluate", folder, "--model", TUNED, "--metric", "exact_match", "--shots", "2:nearest"]
    status, [report], _ = run(
        capsys, *words, "--system", system, "--fail-under", "exact_match=0.99", "--card", card
    )
    assert list(report["models"]) == [
        MODEL, f"{MODEL} + system prompt 213c", f"{MODEL} + 2 nearest examples", TUNED,
    ]  # fmt: skip
    assert report["yardstick"]["prompts"] == 4 and report["yardstick"]["side"] == "validation"
    assert (status, report["missed"]) == (0, []) if report["models"][TUNED]["exact_match"] == 1 else (1, 1)
    assert card.read_text().startswith("# Evaluation") and f"`{TUNED}`" in card.read_text()
    served.answers = {}
    status, [report], _ = run(capsys, *words[:6], "--fail-under", "exact_match=0.5")
    assert status == 1 and report["missed"] == ["exact_match is 0.000, below 0.5."]
    assert report["rejected"] == 0


async def test_a_rejected_example_is_no_question(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with open_workspace(data) as workspace:
        workspace.changes.assign(workspace.ids()[:4], "validation")
        workspace.changes.review(workspace.ids()[:1], "rejected")
        frozen = tmp_path / "frozen.jsonl"
        frozen.write_bytes(b"".join(record.raw + b"\n" for record in workspace.records(workspace.ids()[:4])))
        _, [report], err = await asyncio.to_thread(
            run, capsys, "evaluate", workspace.path, "--model", TUNED, "--card", tmp_path / "card.md"
        )
        assert (report["examples"], report["rejected"], report["yardstick"]["prompts"]) == (3, 1, 3)
        assert workspace.ids()[0] not in {result["line"] for result in report["results"]}
        told = "Rejected in review and not asked: 1 of the held-out examples."
        assert told in err and told in (tmp_path / "card.md").read_text()
        for source in (PromptSource("validation", "v"), PromptSource("run", "r", frozen)):
            loaded = load_prompts(source, workspace)  # rejected before the training, or since
            assert (len(loaded.prompts), loaded.rejected) == (3, 1)
            assert loaded.examples == list(workspace.ids()[1:4])


def test_not_worse_than_a_run(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = run(capsys, "train", data, "--yes", "--wait")
    first = lines[-1]["fine_tuned_model"]
    served.answers = {f"word {n}": f"answer {n}" for n in range(12)}
    run(capsys, "evaluate", data, "--model", first, "--metric", "exact_match")
    served.answers = {}
    words: list[Any] = [
        "evaluate",
        data,
        "--model",
        TUNED,
        "--metric",
        "exact_match",
        "--not-worse-than",
        lines[-1]["run"],
    ]
    status, [report], _ = run(capsys, *words)
    assert status == 1 and "is worse than" in report["missed"][0]
    status, _, err = run(capsys, *words[:-1], "run-nobody")
    assert status == 2 and "no run 'run-nobody'" in err


def test_answers_are_kept_by_question(data: Path) -> None:
    with Ledger.for_path(None) as ledger:
        key = message_key([{"role": "user", "content": "Hi"}])
        ledger.add_answer("m", key, {"answer": "\ud83d"})
        assert list(ledger.answers("m", [key, "other"])) == [key] and ledger.answers("n", [key]) == {}
        many = [f"{n}" for n in range(1200)]
        for name in many[:3]:
            ledger.add_answer("m", name, {"answer": name})
        assert set(ledger.answers("m", many)) == set(many[:3])


async def test_an_evaluation_that_broke_off_goes_on(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from curator.jobs.runs import evaluation

    prompts = [prompt(f"word {n}", f"answer {n}", n) for n in range(5)]
    with Ledger.for_path(None) as ledger:
        for each in prompts[:3]:
            ledger.add_answer("m", message_key(each.messages), {"answer": each.expected})
        assert evaluation.count_unanswered(prompts, ["m"], ledger) == 2
        with pytest.raises(CuratorError, match="not answered"):
            await evaluation.evaluate(prompts, ["m"], None, ledger)
        result = await evaluation.evaluate(prompts[:3], ["m"], None, ledger, names=["exact_match"])
        assert result.last.scores["exact_match"].value == 1 and result.flips is None


def test_bad_words_are_told(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base: list[Any] = ["evaluate", data, "--model", MODEL]
    for more, part in (
        (["--shots", "many"], "--shots takes"),
        (["--shots", "3"], "split the workspace"),
        (["--system", data / "none.txt"], "cannot be read"),
        (["--on", "test"], "test side"),
        (["--fail-under", "length=3"], "is no bar"),
    ):
        status, _, err = run(capsys, *base, *more)
        assert status == 2 and part in err, err


def test_text_of_models_and_data_is_shown_and_never_interpreted() -> None:
    assert code("a|b") == "`a\\|b`" and code("a`b") == "`` a`b ``"
    assert "\n" not in code("a\n# b") and "\x1b" not in code("\x1b[31m")
    assert json.dumps(code("x"))


def test_a_run_is_found_by_the_beginning_of_its_id() -> None:
    with Ledger.for_path(None) as ledger, pytest.raises(InputError, match="no run"):
        bars.model_of_run(ledger, "x")


async def test_answers_that_an_earlier_version_stored_as_one_list_are_used() -> None:
    from curator.jobs.runs import evaluation

    prompts = [prompt(f"word {n}", f"answer {n}", n) for n in range(3)]
    with Ledger.for_path(None) as ledger:
        ledger.add_evaluation(
            evaluation.prompts_key(prompts), "m", None, {"answers": ["answer 0", "no", "answer 2"]}
        )
        result = await evaluation.evaluate(prompts, ["m"], None, ledger, names=["exact_match"])
        assert result.last.answers == ["answer 0", "no", "answer 2"]
        ledger.add_answer("m", message_key(prompts[1].messages), {"answer": "answer 1"})
        result = await evaluation.evaluate(prompts, ["m"], None, ledger, names=["exact_match"])
        assert result.last.scores["exact_match"].value == 1


def test_a_judgement_is_kept_as_it_was_made_and_can_be_taken_back(tmp_path: Path) -> None:
    given = Judgement(
        "key", 7, [{"role": "user", "content": "q\x00"}], "a", "m", "n", "A", "B", "first", ("accuracy",)
    )
    with Ledger(tmp_path / "runs.db") as ledger:
        kept, other = ledger.add_judgement(given), ledger.add_judgement(replace(given, verdict="both_bad"))
        ledger.remove_judgement(other)
        (read,) = ledger.judgements()
        assert replace(read, id="", at=0.0) == given and read.id == kept
        with ledger._write() as db:
            db.execute("INSERT INTO judgements VALUES ('x', 0, 'p', '{\"verdict\": \"first\"}')")
            db.execute("INSERT INTO judgements VALUES ('y', 0, 'p', 'no json')")
        assert len(ledger.judgements()) == 1
        ledger.keep_talk("t", {"turns": [1]})
        ledger.keep_talk("t", {"turns": [1, 2]})
        assert ledger.talks() == [("t", {"turns": [1, 2]})]
