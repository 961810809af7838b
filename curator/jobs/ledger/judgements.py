"""A person's judgements of answers shown side by side without their models' names, and saved conversations."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal, get_args

from curator.jobs.ledger.file import LedgerFile
from curator.jobs.ledger.rows import dumps, from_json

Verdict = Literal["first", "second", "tie", "both_bad", "both_right"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Judgement:
    """One pair of answers to one prompt, and which of them is better."""

    prompt: str
    """The key of the question, as `answers` and yardsticks have it."""
    line: int
    """The id or line of the prompt's example."""
    messages: list[dict[str, Any]]
    """The prompt itself."""
    expected: str
    first: str
    """The row of the board whose answer this is: a model, or a way of asking one."""
    second: str
    first_answer: str
    second_answer: str
    verdict: Verdict
    criteria: tuple[str, ...] = ()
    """What decided it, e.g. "accuracy"; empty where nothing was said."""
    side: str = ""
    """The side of the split that the prompt was on: "validation", "test", "train" or none."""
    id: str = ""
    at: float = 0.0


class JudgementRows(LedgerFile):
    """The part of the ledger that holds judgements and conversations of the playground."""

    def add_judgement(self, judgement: Judgement) -> str:
        """Store a judgement and return its id."""
        key = judgement.id or uuid.uuid4().hex
        value = {name: part for name, part in vars(judgement).items() if name not in ("id", "at", "prompt")}
        with self._write() as db:
            row = (key, time.time(), judgement.prompt, dumps(value))
            db.execute("INSERT OR REPLACE INTO judgements (id, at, prompt, value) VALUES (?, ?, ?, ?)", row)
        return key

    def remove_judgement(self, key: str) -> None:
        """Take a judgement back."""
        with self._write() as db:
            db.execute("DELETE FROM judgements WHERE id = ?", (key,))

    def judgements(self) -> list[Judgement]:
        """All judgements, oldest first; rows of another shape, as in a foreign ledger, are left out."""
        rows = self._all("SELECT id, at, prompt, value FROM judgements ORDER BY at, id")
        readable = (_judgement(dict(row), from_json(row["value"], dict)) for row in rows)
        return [judgement for judgement in readable if judgement is not None]

    def keep_talk(self, key: str, value: dict[str, Any]) -> None:
        """Store a conversation of the playground, in place of an earlier state of it."""
        with self._write() as db:
            row = (key, time.time(), dumps(value))
            db.execute("INSERT OR REPLACE INTO talks (id, at, value) VALUES (?, ?, ?)", row)

    def talks(self) -> list[tuple[str, dict[str, Any]]]:
        """(key, conversation) of the playground, the one that was kept last first."""
        rows = self._all("SELECT id, value FROM talks ORDER BY at DESC, id")
        return [(str(row["id"]), from_json(row["value"], dict)) for row in rows]


def _judgement(row: dict[str, Any], value: dict[str, Any]) -> Judgement | None:
    """A stored row as a judgement; None for a row of another shape, as in a foreign ledger."""
    texts = ("expected", "first", "second", "first_answer", "second_answer", "side")
    messages, line, criteria = value.get("messages"), value.get("line"), value.get("criteria")
    if value.get("verdict") not in VERDICTS or not all(isinstance(value.get(name), str) for name in texts):
        return None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return None
    spoken = tuple(word for word in criteria if isinstance(word, str)) if isinstance(criteria, list) else ()
    return Judgement(
        str(row["prompt"]),
        line if isinstance(line, int) else 0,
        messages,
        verdict=value["verdict"],
        criteria=spoken,
        id=str(row["id"]),
        at=float(row["at"]),
        **{name: value[name] for name in texts},
    )
