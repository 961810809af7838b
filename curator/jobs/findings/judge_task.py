"""What a judge model is asked about two rows: their answers, and the pairs that a person has marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from curator.core.scores.agreement import Choice
from curator.jobs.findings.judge_report import JudgeReport, make_report
from curator.jobs.findings.judging import AnswerPair, Judge, ask_judge, marked_pairs, require_other_judge, unasked
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.providers import Provider
from curator.jobs.runs.asking_cost import AskingCost, cost_of_messages


@dataclass(frozen=True)
class JudgeTask:
    """Two rows, the pairs of their answers, and the marked pairs that the judge is held against."""

    judge: Judge
    rows: tuple[str, str]
    pairs: Sequence[AnswerPair]
    marks: Sequence[tuple[AnswerPair, Choice]]

    @staticmethod
    def make(judge: Judge, rows: tuple[str, str], pairs: Sequence[AnswerPair], ledger: Ledger) -> JudgeTask:
        """Build the task from the person's marks so far. Raises UsageError where the judge is a judged model."""
        require_other_judge(judge, rows)
        return JudgeTask(judge, rows, pairs, marked_pairs(ledger.judgements(), judge))

    @property
    def all_pairs(self) -> list[AnswerPair]:
        """Everything that the judge compares."""
        return [*self.pairs, *(pair for pair, _ in self.marks)]

    def cost(self, ledger: Ledger, provider: Provider) -> AskingCost:
        """What the requests cost that are still to be made, each pair in both orders."""
        return cost_of_messages(unasked(ledger, self.judge, self.all_pairs), provider, self.judge.model)

    async def run(self, client: Client, ledger: Ledger, report: Callable[[str, int, int], None]) -> JudgeReport:
        """Ask the judge for the verdicts that are missing; returns the summary of all. Raises ProviderError."""
        verdicts = await ask_judge(client, self.judge, self.all_pairs, ledger, report)
        count, choices = len(self.pairs), [choice for _, choice in self.marks]
        marks = list(zip(verdicts[count:], choices, strict=True))
        return make_report(self.judge, self.rows, verdicts[:count], marks)
