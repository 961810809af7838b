"""Several right answers for one prompt: the one that an answer is held against is the one it agrees with best."""

from __future__ import annotations

from collections.abc import Sequence

from curator.core.scores.metrics import exact_match, label, token_f1


def best_reference(expected: str, also_right: Sequence[str], answer: str) -> str:
    """The right answer that `answer` is most like: equal, else of the same label, else with most common words.

    The expected one wins a tie. Every metric then compares with it alone.
    """
    if not also_right:
        return expected
    ranks = (
        ((exact_match(text, answer), label(text) == label(answer), token_f1(text, answer)), -at, text)
        for at, text in enumerate((expected, *also_right))
    )
    return max(ranks)[2]
