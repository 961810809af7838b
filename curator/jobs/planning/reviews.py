"""Reviews of examples, and what a training does with them: rejected examples are left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Review(NamedTuple):
    """The review of one example."""

    state: str | None = None
    """`accepted`, `rejected`, `flagged`, or None: not reviewed."""
    stale: bool = False
    """Whether the example was changed after its review."""

    @property
    def rejected(self) -> bool:
        """Whether a person rejected it; a later change of the example does not undo that."""
        return self.state == "rejected"


def left_out_words(reviews: Iterable[Review]) -> str:
    """The sentence about the rejected examples, which are neither trained nor validated with; "" where none is."""
    rejected = [review for review in reviews if review.rejected]
    if not rejected:
        return ""
    changed = sum(review.stale for review in rejected)
    words = f"Rejected in review and left out: {len(rejected):,}"
    return f"{words}, {changed:,} of them changed since (accept those to train them)." if changed else f"{words}."


def review_counts(stored: Iterable[Review], trained: Iterable[Review]) -> dict[str, int]:
    """How many examples are rejected, and how many of the trained ones are flagged, or changed since accepted."""
    trained = list(trained)
    return {
        "rejected": sum(review.rejected for review in stored),
        "flagged": sum(review.state == "flagged" for review in trained),
        "stale": sum(review.state == "accepted" and review.stale for review in trained),
    }


def trained_words(reviews: Iterable[Review]) -> list[str]:
    """Sentences about trained examples that are flagged, or were changed after they were accepted."""
    counts = review_counts((), reviews)
    sentences = []
    if flagged := counts["flagged"]:
        sentences.append(f"Flagged in review, trained all the same: {flagged:,}.")
    if stale := counts["stale"]:
        sentences.append(f"Changed after they were accepted, trained all the same: {stale:,}.")
    return sentences
