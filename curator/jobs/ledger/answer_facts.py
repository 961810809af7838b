"""What is known of single answers beside their text: how likely a wanted one was, what a person said."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from curator.jobs.ledger.file import LedgerFile
from curator.jobs.ledger.rows import dumps, from_json

LIKELIHOOD = "likelihood"
"""The log probabilities that a model gives the tokens of a wanted answer: `{"logprobs": […]}`."""
MISS_KIND = "miss"
"""The kind of miss that a person chose for an answer: `{"kind": "goes_on"}`."""
SCORES = "scores"
"""The scores of all answers of a row to a set of prompts; `answer` is a hash of all that they depend on."""
ROUND = "round"
"""What was worked out of the rounds, see `jobs.rounds.kept`."""
DRAFT = "draft"
"""What a model wrote for drafts that have not all come yet: `{"text": …}`; `answer` is the number of the draft."""
COMPLETION = "completion"
"""Whether a person says that a whole conversation did its task: `{"passed": true}`."""


class AnswerKey(NamedTuple):
    """An answer: the row of an evaluation (`Way.answers_as`), the key of its question, a hash of its text."""

    model: str
    prompt: str
    answer: str


class AnswerFacts(LedgerFile):
    """The part of the ledger that holds facts about answers; a fact belongs to one text, not to a later one."""

    def add_fact(self, kind: str, key: AnswerKey, value: dict[str, Any]) -> None:
        """Store a fact of a kind about an answer, in place of an earlier one."""
        with self._write() as db:
            db.execute(
                "INSERT OR REPLACE INTO answer_facts (kind, model, prompt, answer, at, value) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (kind, *key, time.time(), dumps(value)),
            )

    def remove_fact(self, kind: str, key: AnswerKey) -> None:
        """Forget a fact about an answer."""
        with self._write() as db:
            db.execute(
                "DELETE FROM answer_facts WHERE kind = ? AND model = ? AND prompt = ? AND answer = ?", (kind, *key)
            )

    def facts(self, kind: str, model: str | None = None) -> dict[AnswerKey, dict[str, Any]]:
        """All facts of a kind, of one row's answers or of all."""
        rows = self._all(
            "SELECT model, prompt, answer, value FROM answer_facts WHERE kind = ? AND (? IS NULL OR model = ?)",
            (kind, model, model),
        )
        return {
            AnswerKey(str(row["model"]), str(row["prompt"]), str(row["answer"])): from_json(row["value"], dict)
            for row in rows
        }

    def fact(self, kind: str, key: AnswerKey) -> dict[str, Any]:
        """A fact of a kind about one answer; empty where there is none."""
        row = self._one(
            "SELECT value FROM answer_facts WHERE kind = ? AND model = ? AND prompt = ? AND answer = ?",
            (kind, *key),
        )
        value: dict[str, Any] = from_json(row["value"], dict) if row else {}
        return value

    def state_of(self, models: Sequence[str]) -> list[list[Any]]:
        """How many answers and evaluations each of some models has, and which are the latest: another state
        wherever any of them was added or replaced."""
        states = []
        for model in models:
            answers = self._one("SELECT COUNT(*), MAX(at) FROM answers WHERE model = ?", (model,))
            evaluations = self._one("SELECT COUNT(*), MAX(seq) FROM evaluations WHERE model = ?", (model,))
            states.append([model, *(answers or ()), *(evaluations or ())])
        return states

    def run_of_model(self, model: str) -> str | None:
        """The run whose tuned model, checkpoint or deployment has this name; None where no run has."""
        deployed = self._one("SELECT model FROM deployments WHERE name = ?", (model,))
        names = (model, deployed["model"] if deployed else model)
        row = self._one(
            "SELECT run FROM runs WHERE fine_tuned_model IN (?, ?) "
            "UNION ALL SELECT run FROM checkpoints WHERE model IN (?, ?) LIMIT 1",
            (*names, *names),
        )
        return str(row["run"]) if row else None


def text_hash(text: str) -> str:
    """The name of an answer's text in the ledger."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
