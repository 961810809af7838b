"""Scores of free text are the packages' own numbers: sacrebleu's and rouge-score's."""

from __future__ import annotations

import random
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from curator.core.scores import choice, free_text, metrics

pytestmark = pytest.mark.skipif(
    not (find_spec("sacrebleu") and find_spec("rouge_score") and find_spec("nltk")),
    reason="the extra metrics is not installed",
)

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "lay",
    "on",
    "under",
    "mat",
    "bed",
    "while",
    "it",
    "rained",
    "and",
    "nobody,",
    "really",
    "nobody,",
    "came",
]


def sentences(seed: int, count: int = 20) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(3, 14))) + "." for _ in range(count)]


REFERENCES, ANSWERS = (
    sentences(1),
    [f"{one[:30]} {two}" for one, two in zip(sentences(1), sentences(2), strict=True)],
)


def test_bleu_and_chrf_are_sacrebleus() -> None:
    import sacrebleu  # slow, as the next two: only where these tests run

    right = [[text] for text in REFERENCES]
    for name, function in (("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)):
        score = free_text.measure(name, right, ANSWERS)
        theirs = function(ANSWERS, [REFERENCES]).score
        assert 100 * score.interval.value == pytest.approx(theirs, abs=1e-12)
        assert f"{100 * score.interval.value:.6f}" == f"{theirs:.6f}"
        assert 0 < score.interval.low < score.interval.value < score.interval.high
        assert f"version:{sacrebleu.__version__}" in score.signature
        # the rows that intervals resample give the same number, so no change inside the package goes unnoticed
        metric = free_text._corpus_metric(name, "13a")
        rows = free_text._corpus_statistic(metric, right, ANSWERS)(np.arange(len(ANSWERS)))
        assert rows == pytest.approx(theirs / 100, abs=1e-12)
    assert free_text.measure("bleu", right, ANSWERS).signature.startswith(
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"
    )


def test_rouge_is_rouge_scores() -> None:
    from rouge_score import rouge_scorer

    right = [[text] for text in REFERENCES]
    for name in free_text.ROUGE:
        scorer = rouge_scorer.RougeScorer([name])
        theirs = [
            scorer.score(text, answer)[name].fmeasure for text, answer in zip(REFERENCES, ANSWERS, strict=True)
        ]
        assert free_text.answer_scores(name, right, ANSWERS) == theirs
        assert free_text.measure(name, right, ANSWERS).interval.value == pytest.approx(sum(theirs) / 20, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "wanted", "answer", "score"),
    [
        # worked out by hand: 3 of 4 words, 1 of 3 pairs, "police the gunman" in order
        ("rouge1", "police killed the gunman", "police kill the gunman", 3 / 4),
        ("rouge2", "police killed the gunman", "police kill the gunman", 1 / 3),
        ("rougeL", "police killed the gunman", "police kill the gunman", 3 / 4),
        ("rougeL", "police killed the gunman", "the gunman kill police", 2 / 4),
        # all n-grams of orders 1 to 4 are right: 5, 4, 3, 2; brevity exp(1 - 6/5)
        ("bleu", "one two three four five six", "one two three four five", float(np.exp(1 - 6 / 5))),
        # precisions 3/4, 2/3, 1/2 and, none of one, half of half: (3/4 · 2/3 · 1/2 · 1/2)^(1/4)
        ("bleu", "a b c d", "a b c x", float((3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4))),
        ("bleu", "a b c d", "a b c d", 1.0),
        ("chrf", "abcdefg", "abcdefg", 1.0),
        ("chrf", "abcdefg", "hijklmn", 0.0),
    ],
)
def test_a_table_worked_out_by_hand(name: str, wanted: str, answer: str, score: float) -> None:
    assert free_text.measure(name, [[wanted]], [answer]).interval.value == pytest.approx(score)


class SmallWordNet:
    """Knows one pair of synonyms, and speaks as nltk's reader of WordNet does."""

    def synsets(self, word: str) -> list[Any]:
        if word not in ("d", "x"):
            return []
        lemmas = [SimpleNamespace(name=lambda name=name: name) for name in ("d", "x")]
        return [SimpleNamespace(lemmas=lambda: lemmas)]


@pytest.fixture(autouse=True)
def _small_wordnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """WordNet is no part of a package: a small one stands in for it."""
    monkeypatch.setattr(free_text, "_wordnet", SmallWordNet)


def test_meteor_is_nltks() -> None:
    import nltk
    from nltk.tokenize import wordpunct_tokenize
    from nltk.translate.meteor_score import meteor_score

    theirs = [
        meteor_score([wordpunct_tokenize(text)], wordpunct_tokenize(answer), wordnet=SmallWordNet())
        for text, answer in zip(REFERENCES, ANSWERS, strict=True)
    ]
    right = [[text] for text in REFERENCES]
    assert free_text.answer_scores("meteor", right, ANSWERS) == theirs
    scored = free_text.measure("meteor", right, ANSWERS)
    assert scored.interval.value == pytest.approx(sum(theirs) / 20, abs=1e-15)
    assert "wordpunct" in scored.signature and nltk.__version__ in scored.signature
    # by hand: F of 3 in 4, one chunk of 3; all 4 by stem or synonym in one chunk; the best of two right answers
    for texts, answer, score in (
        (["a b c d"], "a b c y", 3 / 4 * (1 - 0.5 / 27)),
        (["a b c d"], "a b c x", 1 - 0.5 / 64),
        (["runs b c d"], "Running b c x", 1 - 0.5 / 64),
        (["y y y y", "a b c d"], "a b c d", 1 - 0.5 / 64),
        (["a b c d"], "e f", 0.0),
    ):
        assert free_text.answer_scores("meteor", [texts], [answer]) == [pytest.approx(score)]
    change = free_text.measure_difference("meteor", right, ANSWERS, REFERENCES)
    assert change.low <= change.value <= change.high and change.value > 0


def test_several_right_answers_are_all_references() -> None:
    right = [["the cat is on the mat", "there is a cat on the mat"], ["hello there my friend"]]
    answers = ["there is a cat on the mat", "hello there my friend"]
    for name in free_text.NAMES:
        tolerance = 0.01 if name == "meteor" else 1e-6  # it takes a little off a lone chunk too
        assert free_text.measure(name, right, answers).interval.value == pytest.approx(1, abs=tolerance)
    assert "nrefs:var" in free_text.measure("bleu", right, answers).signature


def test_differences_are_paired() -> None:
    right = [[text] for text in REFERENCES]
    for name in ("bleu", "chrf", "rougeL"):
        before = free_text.measure(name, right, ANSWERS).interval.value
        change = free_text.measure_difference(name, right, ANSWERS, REFERENCES)
        assert change.value == pytest.approx(1 - before) and 0 < change.low <= change.value <= change.high
        same = free_text.measure_difference(name, right, ANSWERS, ANSWERS)
        assert (same.value, same.low, same.high) == (0, 0, 0)


def test_other_scripts_and_odd_texts() -> None:
    assert "tok:zh" in free_text.measure("bleu", [["今天天气很好"]], ["今天天气好"]).signature
    assert "tok:char" in free_text.measure("bleu", [["カーテンを開けて"]], ["開けて"]).signature
    assert free_text.why_absent("bleu", [["日本語"]]) is None
    reason = free_text.why_absent("rouge1", [["日本語"], ["word"]])
    assert reason is not None and "1 wanted answer has none of them" in reason
    for name in free_text.NAMES:
        odd = free_text.measure(name, [["\x00\ud83d"], [""], [" "]], ["", "\u2028", "x" * 5000]).interval
        assert 0 <= odd.low <= odd.value <= odd.high <= 1
        assert free_text.measure(name, [], []).interval == metrics.Interval(0, 0, 0)
        with pytest.raises(ValueError, match="right answers|shorter|longer"):
            free_text.measure(name, [["a"]], [])


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        return None

    monkeypatch.setattr(free_text, "find_spec", nothing)
    chosen = choice.choose_metrics(REFERENCES, None, has_contract=False)
    assert chosen.task.kind == "free" and chosen.names == ("exact_match", "token_f1", "length")
    assert (
        "pip install 'curator-ft[metrics]'" in chosen.hidden["bleu"] and "rouge-score" in chosen.hidden["rougeL"]
    )
    assert "nltk, which is not installed" in chosen.hidden["meteor"]


def test_metrics_fit_the_task() -> None:
    closed = choice.choose_metrics(["(tired)", "(happy)"], None, has_contract=True)
    assert "bleu" not in closed.names and "macro_f1" in closed.names and "contract" in closed.names
    [sentence] = closed.hidden_words
    assert sentence.startswith("Not shown: bleu, chrf, rouge1") and "1 word at the median" in sentence
    free = choice.choose_metrics(REFERENCES, None, has_contract=False)
    assert {"bleu", "chrf", "rougeL"} <= set(free.names) and "accuracy" in free.hidden
