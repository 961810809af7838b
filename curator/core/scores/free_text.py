"""Scores of free text by the field's own packages: sacrebleu (BLEU, chrF), rouge-score (ROUGE), nltk (METEOR).

The packages come with the extra `metrics` and are loaded at the first score. Values are shares from 0 to 1: the
packages' numbers, those of sacrebleu divided by 100. BLEU and chrF belong to all answers together (corpus scores),
ROUGE is the mean of the answers' F1, METEOR that of their scores. Where a prompt has several right answers, all of
them are references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import zip_longest
from typing import Any

from curator.core.scores.metrics import Interval, bootstrap, bootstrap_mean
from curator.core.text import count_of

References = Sequence[Sequence[str]]
"""The right answers of each prompt, at least one."""

CORPUS = ("bleu", "chrf")
ROUGE = ("rouge1", "rouge2", "rougeL")
METEOR = "meteor"
NAMES = (*CORPUS, *ROUGE, METEOR)
INSTALL = "pip install 'curator-ft[metrics]'"
WORDNET = "python -m nltk.downloader wordnet"
"""The command that fetches the lists of synonyms that METEOR needs."""

_PACKAGES = {
    **dict.fromkeys(CORPUS, ("sacrebleu", "sacrebleu")),
    **dict.fromkeys(ROUGE, ("rouge_score", "rouge-score")),
    METEOR: ("nltk", "nltk"),
}
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uac00-\ud7af]")
_READABLE = re.compile("[a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class TextScore:
    """The score of all answers with its 95 % bootstrap interval, and how it was measured."""

    interval: Interval
    signature: str


def why_absent(name: str, references: References = ()) -> str | None:
    """The reason why a metric of `NAMES` cannot be measured on this machine; None where it can be.

    The reason is a sentence without a full stop. `references` are the right answers: rouge-score cannot read
    those of every language.
    """
    module, package = _PACKAGES[name]
    if find_spec(module) is None:
        return f"{name} is measured by {package}, which is not installed: {INSTALL}"
    if name == METEOR and not _has_wordnet():
        return f"{name} is measured by nltk with WordNet's lists of synonyms, which are not here: {WORDNET}"
    unreadable = sum(not any(map(_READABLE.search, texts)) for texts in references) if name in ROUGE else 0
    if unreadable * 10 > len(references):
        lacking = count_of(unreadable, "wanted answer has", "wanted answers have")
        return f"{name}: rouge-score reads only a–z and 0–9, and {lacking} none of them"
    return None


def measure(name: str, references: References, answers: Sequence[str], seed: int = 0) -> TextScore:
    """The score of all answers by one metric of `NAMES`; 0 for no answers.

    Raises ImportError where its package is missing, ValueError for lists of different length.
    """
    if len(references) != len(answers):
        raise ValueError("there are not as many right answers as answers")
    if name in ROUGE:
        return TextScore(bootstrap_mean(answer_scores(name, references, answers), seed), _rouge_signature())
    if name == METEOR:
        return TextScore(bootstrap_mean(answer_scores(name, references, answers), seed), _meteor_signature())
    if not answers:
        return TextScore(Interval(0.0, 0.0, 0.0), "no answers")
    metric = _corpus_metric(name, _tokenizer(references))
    value = _score(metric, references, answers)
    statistic = _corpus_statistic(metric, references, answers)
    resampled = bootstrap(len(answers), statistic, seed)
    return TextScore(Interval(value, resampled.low, resampled.high), str(metric.get_signature()))


def measure_difference(
    name: str, references: References, before: Sequence[str], after: Sequence[str], seed: int = 0
) -> Interval:
    """The score of `after` less that of `before`, on the same prompts, with its paired bootstrap interval.

    Raises ImportError where the metric's package is missing, ValueError for lists of different length.
    """
    if not len(references) == len(before) == len(after):
        raise ValueError("the two models were not asked the same prompts")
    if name not in CORPUS:
        scores = zip(answer_scores(name, references, after), answer_scores(name, references, before), strict=True)
        return bootstrap_mean([new - old for new, old in scores], seed)
    if not references:
        return Interval(0.0, 0.0, 0.0)
    metric = _corpus_metric(name, _tokenizer(references))
    old, new = (_corpus_statistic(metric, references, answers) for answers in (before, after))
    return bootstrap(len(references), lambda rows: new(rows) - old(rows), seed)


def answer_scores(name: str, references: References, answers: Sequence[str]) -> list[float]:
    """The score of each answer alone; BLEU and chrF are then those of a sentence."""
    pairs = list(zip(references, answers, strict=True))
    if name in ROUGE:
        scorer = _rouge(name)
        return [float(scorer.score_multi(list(texts), answer)[name].fmeasure) for texts, answer in pairs]
    if name == METEOR:
        return [_meteor(texts, answer) for texts, answer in pairs]
    metric = _corpus_metric(name, _tokenizer(references), sentence=True)
    return [metric.sentence_score(answer, list(texts)).score / 100 for texts, answer in pairs]


def _tokenizer(references: References) -> str:
    """sacrebleu's tokenizer for the script in which most right answers are written."""
    texts = [text for right in references for text in right]
    unspaced = sum(1 for text in texts if _UNSPACED.search(text))
    han = sum(1 for text in texts if _HAN.search(text))
    if 2 * unspaced > len(texts):
        return "char"
    return "zh" if 2 * han > len(texts) else "13a"


def _corpus_metric(name: str, tokenizer: str, sentence: bool = False) -> Any:
    from sacrebleu.metrics import BLEU, CHRF  # heavy: the extra `metrics`

    # `force` silences sacrebleu's remarks on stderr
    return CHRF() if name == "chrf" else BLEU(tokenize=tokenizer, effective_order=sentence, force=True)


def _streams(references: References) -> list[list[str | None]]:
    """The references as sacrebleu takes them: the first of each prompt, the second of each, …; None: no more."""
    return [list(stream) for stream in zip_longest(*references)]


def _score(metric: Any, references: References, answers: Sequence[str]) -> float:
    return float(metric.corpus_score(list(answers), _streams(references)).score) / 100


def _corpus_statistic(metric: Any, references: References, answers: Sequence[str]) -> Callable[[Any], float]:
    """A function from row numbers to the corpus score of these rows.

    sacrebleu sums counts over the rows before it divides. It tells the counts of each row by a method with an
    underscore; a test holds that they give `corpus_score`.
    """
    import numpy as np  # heavy

    counts = np.asarray(metric._extract_corpus_statistics(list(answers), _streams(references)))
    return lambda rows: float(metric._compute_score_from_stats(counts[rows].sum(axis=0).tolist()).score) / 100


def _has_wordnet() -> bool:
    """Whether nltk finds WordNet on this machine."""
    import nltk  # heavy: the extra `metrics`

    for place in ("corpora/wordnet", "corpora/wordnet.zip"):
        try:
            nltk.data.find(place)
        except LookupError:
            continue
        return True
    return False


def _meteor(references: Sequence[str], answer: str) -> float:
    """nltk's METEOR of one answer, the best of all right ones; words and punctuation are tokens."""
    from nltk.tokenize import wordpunct_tokenize  # heavy: the extra `metrics`
    from nltk.translate.meteor_score import meteor_score

    words = [wordpunct_tokenize(text) for text in references]
    return float(meteor_score(words, wordpunct_tokenize(answer), wordnet=_wordnet()))


def _wordnet() -> Any:
    from nltk.corpus import wordnet  # heavy: the extra `metrics`

    return wordnet


def _meteor_signature() -> str:
    from importlib.metadata import version  # heavy: 10 ms, for this line alone

    return f"mean of answers|tokens:wordpunct|stemmer:porter|synonyms:wordnet|version:nltk {version('nltk')}"


@cache
def _rouge(name: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # heavy: the extra `metrics`

    return RougeScorer([name])


def _rouge_signature() -> str:
    from importlib.metadata import version  # heavy: 10 ms, for this line alone

    return f"f-measure|stemmer:no|mean of answers|version:rouge-score {version('rouge-score')}"
