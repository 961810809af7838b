"""Which metrics fit a task, and why others do not: closed answers are counted, free text is compared by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curator.core.scores import free_text
from curator.core.scores.closed_answers import Task, find_task

_CLOSED: tuple[str, ...] = ("exact_match", "contract", "accuracy", "macro_f1", "length")
_FREE: tuple[str, ...] = (
    "exact_match",
    "contract",
    "token_f1",
    "bleu",
    "chrf",
    "rouge1",
    "rougeL",
    "meteor",
    "length",
)
_OVERLAP = ("bleu", "chrf", "rouge1", "rouge2", "rougeL", "meteor")


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """The metrics that fit a task, and those that are hidden with the reason, a text without a full stop."""

    task: Task
    names: tuple[str, ...]
    hidden: dict[str, str]

    @property
    def hidden_words(self) -> list[str]:
        """A sentence for each reason, with the metrics that it hides."""
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.hidden.items():
            by_reason.setdefault(reason, []).append(name)
        return [f"Not shown: {', '.join(names)}, because {reason}." for reason, names in by_reason.items()]


def choose_metrics(expected: Sequence[str], vocabulary: int | None, has_contract: bool) -> MetricChoice:
    """The metrics that fit the wanted answers. `vocabulary` is how many answers the contract lists, if it does."""
    task = find_task(expected, vocabulary)
    if task.kind == "closed":
        reason = f"{task.words}: an answer is the wanted one or it is not, and common words say nothing"
        hidden = dict.fromkeys(_OVERLAP, reason)
        names = _CLOSED
    else:
        references = [[text] for text in expected]
        reasons = {name: free_text.why_absent(name, references) for name in _OVERLAP}
        hidden = {name: reason for name, reason in reasons.items() if reason is not None}
        names = tuple(name for name in _FREE if name not in hidden)
        hidden |= {"accuracy": task.words, "macro_f1": task.words}
    if not has_contract:
        names = tuple(name for name in names if name != "contract")
        hidden["contract"] = "no contract says which answers are allowed"
    return MetricChoice(task, names, hidden)
