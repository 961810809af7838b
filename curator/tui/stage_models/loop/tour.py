"""The tour through the loop: what each step says, on which stage it is, and when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from curator.tui.session.job_watch import JobWatch
    from curator.tui.session.session import Session


class TourStep(NamedTuple):
    """One step."""

    stage: str
    title: str
    words: str
    done_by: str = ""
    """What must have happened: `contract`, `split`, `answers`, `trained`; empty: nothing."""


STEPS = (
    TourStep(
        "data",
        "The data",
        "Each line is a prompt and the answer that a model shall learn. The arrows move, / searches, enter edits, "
        "u takes back, ? tells the keys of what has the focus.",
    ),
    TourStep(
        "data",
        "What is allowed",
        "All answers of this data should come from one list. Press A, then enter: from then on ] goes to answers "
        "outside of it, and F repairs one.",
        "contract",
    ),
    TourStep(
        "data",
        "What is in it",
        "c counts answers, labels and sources, and a tick narrows the list; B draws them as bars. a, x and f "
        "accept, reject and flag an example.",
    ),
    TourStep(
        "duplicates",
        "Copies and contradictions",
        "≠ is one question with two answers: a model can learn neither. Choose the right member and press a; x "
        "keeps one copy and deletes the others.",
    ),
    TourStep(
        "split",
        "Examples to measure by",
        "What a model was trained on cannot tell how good it is. Press S, then enter: some examples are held out, "
        "and no copy of them stays in training.",
        "split",
    ),
    TourStep(
        "compare",
        "The prompt alone first",
        "Space ticks the base model, r asks it the held-out prompts. m adds a row with a better system prompt or "
        "with examples before each question: often that is enough.",
        "answers",
    ),
    TourStep(
        "train",
        "Training",
        "T checks, counts and prices, and enter starts it on this machine; you can work on meanwhile. The curves "
        "tell when it learns by heart.",
        "trained",
    ),
    TourStep(
        "compare",
        "What it learnt",
        "The tuned model stands on the board now: r asks it. f shows what it misses, w why, + begins an example "
        "that teaches it.",
    ),
    TourStep(
        "history",
        "Rounds",
        "Every training is a round: what changed, what it fixed and broke; x shows what it did beside its task. "
        "Mend, train again, compare. I imports your own file.",
    ),
)


def is_done(step: TourStep, session: Session, watch: JobWatch) -> bool:
    """Whether what a step asks for has happened, on this workspace."""
    if step.done_by == "contract":
        return session.workspace.meta("contract") is not None
    if step.done_by == "split":
        return bool(session.summary().validation)
    if not step.done_by or not (session.workspace.path / "runs.db").exists():
        return False
    if step.done_by == "trained":
        return any(run.fine_tuned_model for run in watch.runs())
    return watch.ledger.has_answers()
