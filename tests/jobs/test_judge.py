"""`curator evaluate --judge`: both orders, the person's marks, rubbish, money first, never the model itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from curator.core.scores.agreement import Choice, measure_agreement
from curator.jobs.findings.judging import Judge, is_judged, marked_pairs, read_verdict
from curator.jobs.ledger.judgements import Judgement, Verdict
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import message_key
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run
from tests.jobs.test_evaluate_metrics import write_lines

pytestmark = pytest.mark.by_turns

TUNED = f"ft:{MODEL}:org::1"
JUDGE = "gpt-4.1-2025-04-14"
PAIRS = [(f"word {n}", f"answer {n}") for n in range(24)]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("A", "A"), ("b.", "B"), (" **TIE** ", "TIE"), ("[[B]]", "B"), ("Answer A", "A"), ("Verdict: tie", "TIE"),
        ("The better answer is B.", "B"), ("A\n\nIt is shorter.", "A"), ("Let me think …\nB", "B"),
        ("neither", "TIE"), ("The best one is: tie", "TIE"),
        ("A good answer would be shorter", None), ("", None), ("A or B", None), ("I'd say A is better", None),
        ("(tired)", None), ("AB", None), ("🤷", None),
    ],
)  # fmt: skip
def test_a_reply_is_a_verdict_or_none(reply: str, verdict: str | None) -> None:
    assert read_verdict(reply) == verdict


def test_nobody_judges_themselves() -> None:
    assert is_judged("m", ["m"]) and is_judged("m", ["n", "m + 8 examples"]) and is_judged("m", ["m at openai"])
    assert not is_judged("m", ["mm", "ft:m:org::1"])


def test_agreement_by_hand() -> None:
    first: Choice = "first"
    tie: Choice = "tie"
    by_person = [first] * 8 + [tie] * 2
    found = measure_agreement(by_person, [first] * 7 + [tie] * 3)
    # same on 9 of 10; by chance 0.8 · 0.7 + 0.2 · 0.3 = 0.62
    assert found.share.value == 0.9 and found.kappa == pytest.approx((0.9 - 0.62) / 0.38) and not found.enough
    assert "mark 10 more" in found.words
    assert measure_agreement([], []).marks == 0 and measure_agreement(["tie"], ["tie"]).kappa is None


def mark(n: int, verdict: Verdict) -> Judgement:
    messages, right = [{"role": "user", "content": f"word {n}"}], f"answer {n}"
    said = f"{MODEL} says word {n}"
    return Judgement(message_key(messages), n + 1, messages, right, MODEL, TUNED, said, right, verdict)


def honest(model: str, asked: str) -> str | None:
    """A judge that knows: the answer that is the right one wins."""
    if model != JUDGE:
        return None
    parts = dict(re.findall(r"## ([^\n]+)\n(.*?)(?=\n\n##|\n\nWhich)", asked, re.DOTALL))
    right = [parts[f"Answer {name}"] == parts["A right answer"] for name in "AB"]
    return "TIE" if right[0] == right[1] else "A" if right[0] else "B"


def judge_requests(served: FakeProvider) -> int:
    return sum(b"Which answer is better" in request.body for request in served.wire.requests)


def test_a_judge_from_price_to_score(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "data.jsonl", PAIRS)
    rubric = tmp_path / "rubric.txt"
    rubric.write_text("Shorter is better.")
    served.answers = {f"{TUNED}: {question}": answer for question, answer in PAIRS[:18]}
    served.reply = honest
    words: list[Any] = ["evaluate", data, "--model", TUNED, "--metric", "exact_match"]
    judged: list[Any] = [*words, "--judge", JUDGE, "--rubric", rubric]

    status, _, error = run(capsys, *judged)
    assert status == 2 and "48 questions: about $" in error and "add --yes" in error  # money first
    assert judge_requests(served) == 0

    def dying(model: str, asked: str) -> str | None:
        if judge_requests(served) == 20:
            served.fault("POST", "/chat/completions", "fail_before", times=10_000, status=401)
        return honest(model, asked)

    served.reply = dying
    status, _, error = run(capsys, *judged, "--yes")
    assert status == 3, error  # the provider has gone in the middle
    before = judge_requests(served)
    served.wire.faults.clear()
    served.reply = honest
    status, [report], error = run(capsys, *judged, "--yes")
    assert status == 0, error
    assert 20 <= before < 48 and judge_requests(served) <= before + 48 - 19  # it goes on where it stopped
    told = report["judge"]
    assert (told["pairs"], told["unreadable"], told["swayed"], told["score"]) == (24, 0, 0, None)
    assert told["verdicts"] is None and "mark 20 more" in told["says"][0]

    with Ledger.for_path(None) as ledger:
        for n in range(20):
            ledger.add_judgement(mark(n, "second" if n < 17 else "both_right"))
    status, [report], _ = run(capsys, *judged, "--yes")
    told = report["judge"]
    assert told["score"] == (18 + 3) / 24 and told["ci"][0] < told["score"] < told["ci"][1]
    assert told["agreement"]["marks"] == 20 and told["agreement"]["share"] == 17 / 20
    assert told["verdicts"] == {"first": 0, "tie": 6, "second": 18}
    assert f"prefers {TUNED} to {MODEL} in 88% of 24 pairs" in told["says"][0]

    served.reply = lambda model, asked: "A" if model == JUDGE else None
    rubric.write_text("Whatever stands first.")
    status, [report], _ = run(capsys, *judged, "--yes")
    told = report["judge"]
    assert (told["swayed"], told["score"]) == (24, 0.5) and "by the place alone" in told["says"][-1]

    served.reply = lambda model, asked: "As an AI, I like both!" if model == JUDGE else None
    rubric.write_text("Say anything.")
    status, [report], error = run(capsys, *judged, "--yes")
    told = report["judge"]
    assert status == 1 and told["unreadable"] == 24 and told["score"] is None
    assert "24 of 24 comparisons" in error and "As an AI, I like both!" in error and "worth nothing" in error


def test_bad_words_for_a_judge(served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = data.with_name("empty.txt")
    empty.write_text(" \n")
    base: list[Any] = ["evaluate", data, "--model", TUNED]
    for more, part in (
        (["--judge", JUDGE], "go together"),
        (["--rubric", empty], "go together"),
        (["--judge", JUDGE, "--rubric", empty], "is empty"),
        (["--judge", JUDGE, "--rubric", data.with_name("none.txt")], "cannot be read"),
        (["--judge", MODEL, "--rubric", data], "nobody judges themselves"),
        (["--judge", TUNED, "--rubric", data], "nobody judges themselves"),
    ):
        status, _, error = run(capsys, *base, *more)
        assert status == 2 and part in error, error
    assert not served.wire.requests


def test_marks_on_the_judges_own_answers_do_not_count() -> None:
    marks = [mark(0, "first"), mark(1, "tie")]
    assert len(marked_pairs(marks, Judge("other", "r"))) == 2
    assert marked_pairs(marks, Judge(MODEL, "r")) == []


def test_many_questions_are_asked_for_first(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "many.jsonl", [(f"word {n}", "answer") for n in range(10_000)])
    status, _, error = run(capsys, "evaluate", data, "--model", MODEL)
    assert status == 2 and "10,000 questions: about $" in error and "minutes" in error and "--yes" in error
    assert not served.wire.requests
