"""What a judge model's verdicts amount to, and what may be shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curator.core.scores.agreement import Agreement, Choice, measure_agreement
from curator.core.scores.metrics import Interval, bootstrap_mean
from curator.core.text import count_of, one_line
from curator.jobs.findings.judging import Judge, Verdict

_POINTS: dict[Choice, float] = {"first": 0.0, "tie": 0.5, "second": 1.0}


@dataclass(frozen=True)
class JudgeReport:
    """The verdicts on two rows of an evaluation, and how far the judge agrees with the person."""

    judge: Judge
    first: str
    second: str
    verdicts: Sequence[Verdict]
    agreement: Agreement

    @property
    def readable(self) -> list[Verdict]:
        """The verdicts with a choice: their replies could be read."""
        return [verdict for verdict in self.verdicts if verdict.choice is not None]

    @property
    def rubbish(self) -> bool:
        """Whether not even half of the replies were verdicts, so that there is nothing to score."""
        choices = [verdict.choice for verdict in self.verdicts if verdict.asked]
        return 2 * choices.count(None) > len(choices) or not self.readable

    @property
    def score(self) -> Interval | None:
        """The share of pairs that the second row wins, ties as half; None where it may not be shown."""
        if self.rubbish or not self.agreement.enough:
            return None
        return bootstrap_mean([_POINTS[verdict.choice] for verdict in self.readable if verdict.choice])

    @property
    def words(self) -> list[str]:
        """The sentences for people."""
        sentences = []
        judge, first, second = (one_line(name, 60) for name in (self.judge.model, self.first, self.second))
        unreadable = [verdict for verdict in self.verdicts if verdict.choice is None]
        if unreadable:
            sentences.append(
                f"{judge} answered {len(unreadable)} of "
                f"{count_of(len(self.verdicts), 'comparison')} with something that is "
                f"no verdict, e.g. “{one_line(unreadable[0].reply, 60)}”."
            )
        if self.rubbish:
            return [*sentences, "Its score is worth nothing: take another judge or a clearer rubric."]
        if self.score is not None:
            low, high = self.score.low, self.score.high
            sentences.append(
                f"{judge} prefers {second} to {first} in {self.score.value:.0%} "
                f"of {count_of(len(self.readable), 'pair')} "
                f"({low:.0%} to {high:.0%}), ties as half."
            )
        sentences.append(self.agreement.words)
        swayed = sum(verdict.swayed for verdict in self.verdicts)
        if swayed:
            pairs = count_of(swayed, "pair")
            sentences.append(f"In {pairs} it chose by the place alone, which counts as a tie.")
        return sentences

    def to_json(self) -> dict[str, Any]:
        """The object `judge` of `evaluate --json`; `score` is null where it may not be shown."""
        score = self.score
        counts = {name: sum(verdict.choice == name for verdict in self.readable) for name in _POINTS}
        share = self.agreement.share
        return {
            "model": self.judge.model,
            "first": self.first,
            "second": self.second,
            "score": None if score is None else score.value,
            "ci": None if score is None else [score.low, score.high],
            "verdicts": counts if score is not None else None,
            "pairs": len(self.verdicts),
            "unreadable": len(self.verdicts) - len(self.readable),
            "swayed": sum(verdict.swayed for verdict in self.verdicts),
            "agreement": {
                "marks": self.agreement.marks,
                "share": share.value if self.agreement.marks else None,
                "ci": [share.low, share.high],
                "kappa": self.agreement.kappa,
            },
            "says": self.words,
        }


def make_report(
    judge: Judge, rows: tuple[str, str], verdicts: Sequence[Verdict], marks: Sequence[tuple[Verdict, Choice]]
) -> JudgeReport:
    """The report on two rows. `marks`: the judge's verdicts on pairs that a person marked, with the choice."""
    both = [(choice, verdict.choice) for verdict, choice in marks if verdict.choice is not None]
    by_person, by_judge = [person for person, _ in both], [other for _, other in both]
    return JudgeReport(judge, *rows, verdicts, measure_agreement(by_person, by_judge))
