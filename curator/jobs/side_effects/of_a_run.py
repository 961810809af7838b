"""The side effects of one run: who is asked what, what is known already, and rehearsal against them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from curator.core.answers.contract import Contract
from curator.core.answers.general_prompts import REHEARSAL
from curator.errors import CuratorError
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.rounds.round_data import frozen_file, read_lines
from curator.jobs.side_effects import checking
from curator.jobs.side_effects.habit import MOST_READ, Habit

LABEL = "rehearsal"
"""The label of rehearsal examples."""
_LONGEST = 200
"""Most tokens of an answer that is rehearsed; a longer one would teach to stop in the middle."""


@dataclass(frozen=True)
class RunCheck:
    """The check of one run: base and tuned model, their questions, and the habit of the training data."""

    base: str
    tuned: str
    questions: tuple[checking.Question, ...]
    habit: Habit

    def known(self, ledger: Ledger) -> checking.SideEffects | None:
        """What stored answers tell; None where any is missing."""
        return checking.stored_effects(self.base, self.tuned, self.questions, ledger, self.habit)

    async def ask(
        self, client: Client, ledger: Ledger, report: checking.Report = lambda model, done, total: None
    ) -> checking.SideEffects:
        """Ask what is not answered yet. Raises ProviderError."""
        await checking.ask((self.base, self.tuned), self.questions, client, ledger, report)
        effects = self.known(ledger)
        if effects is None:
            raise CuratorError("an answer was not stored; ask again")
        return effects


def make_check(run: Run, model: str, ledger: Ledger, contract: Contract | None, own: Path | None) -> RunCheck:
    """The check of a run whose tuned model is asked under the name `model`.

    `own` is a file of what must still work; raises InputError where it has no questions. Reads up to `MOST_READ`
    training examples: call it in a thread.
    """
    try:
        lines = read_lines(frozen_file(ledger, run))
        raws = [lines.line(at) for at in range(min(len(lines), MOST_READ))]
    except CuratorError:  # its data is gone: the contract alone tells a leak
        raws = []
    questions = checking.general_questions() + (checking.own_questions(own) if own is not None else [])
    return RunCheck(run.model, model, tuple(questions), Habit.of(raws, contract))


def known_words(run: Run, model: str | None, ledger: Ledger, contract: Contract | None) -> list[str]:
    """What is known of a run's side effects, in sentences; nothing where it was not checked."""
    effects = make_check(run, model, ledger, contract, None).known(ledger) if model else None
    return effects.sentences() if effects is not None else []


async def rehearsal(
    base: str, client: Client, ledger: Ledger, report: checking.Report = lambda model, done, total: None
) -> list[bytes]:
    """Examples of the base's own answers to general questions, which no check asks; whole ones only.

    Raises ProviderError.
    """
    await checking.ask([base], checking.general_questions(REHEARSAL), client, ledger, report, _LONGEST)
    return known_rehearsal(base, ledger) or []


def known_rehearsal(base: str, ledger: Ledger) -> list[bytes] | None:
    """The examples that stored answers give; None where any answer is missing."""
    questions = checking.general_questions(REHEARSAL)
    answers = ledger.answers(base, [question.key for question in questions])
    if not all(question.key in answers for question in questions):
        return None
    examples = []
    for question in questions:
        stored = answers.get(question.key, {})
        answer = str(stored.get("answer") or "").strip()
        if answer and not stored.get("cut"):
            messages = [*question.messages, {"role": "assistant", "content": answer}]
            examples.append(orjson.dumps({"messages": messages}))
    return examples
