"""Prove an export: ask the exported file the same prompts as the model that it was made from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.errors import CuratorError

LONGEST_ANSWER = 200
"""Most tokens of an answer, as in Compare."""

Report = Callable[[int, int], None]
"""Called with the number of answers so far, and the number of all."""


@dataclass(frozen=True, slots=True)
class ProofPrompt:
    """A prompt: the line or id that it comes from, the messages and tools that are sent, the wanted answer."""

    line: int
    messages: list[dict[str, Any]]
    expected: str
    tools: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The answers of a model before (`before`) and after its export (`after`), in the order of the questions."""

    program: str
    """What ran the exported file."""
    questions: Sequence[ProofPrompt]
    before: Sequence[str]
    after: Sequence[str]

    @property
    def equal(self) -> int:
        """How many answers are the same."""
        return sum(a == b for a, b in zip(self.before, self.after, strict=True))

    def right(self, answers: Sequence[str]) -> int:
        """How many answers are the wanted ones."""
        pairs = zip(self.questions, answers, strict=True)
        return sum(question.expected.strip() == answer.strip() for question, answer in pairs)

    def to_json(self) -> dict[str, Any]:
        """The proof as `--json` prints it; `flips` holds every answer that changed."""
        rows = zip(self.questions, self.before, self.after, strict=True)
        return {
            "program": self.program,
            "prompts": len(self.questions),
            "equal": self.equal,
            "right": {"before": self.right(self.before), "after": self.right(self.after)},
            "flips": [
                {"line": question.line, "expected": question.expected, "before": before, "after": after}
                for question, before, after in rows
                if before != after
            ],
        }


def ask_engine(base: Path, adapter: Path | None, questions: Sequence[ProofPrompt], report: Report) -> list[str]:
    """The likeliest answers of a model, decoded by the generation process. Raises CuratorError if it fails."""
    model: dict[str, Any] = {
        "base": str(base.resolve()),
        "adapter": None if adapter is None else str(adapter.resolve()),
    }
    model |= {"max_tokens": LONGEST_ANSWER, "temperature": 0}
    requests = [{"id": str(n), **model, "messages": q.messages, "tools": q.tools} for n, q in enumerate(questions)]
    words = [sys.executable, "-m", "curator.server.children.generate"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.writelines(json.dumps(request) + "\n" for request in requests)
            child.stdin.flush()
            return _collect(child.stdout, len(requests), report)
        finally:
            child.kill()


def _collect(lines: Any, count: int, report: Report) -> list[str]:
    """Read answers until all are there. A tool call counts as an answer of its name and arguments."""
    texts, done = [""] * count, 0
    while done < count:
        line = lines.readline()
        if not line:
            raise CuratorError("The exported model could not be asked: the answering process ended early")
        answer = json.loads(line)
        if "error" in answer:
            raise CuratorError(f"The exported model could not be asked: {answer['error']['message']}")
        at = int(answer["id"])
        call = answer.get("call") or {}
        texts[at] += answer.get("delta", "") + call.get("name", "") + call.get("arguments", "")
        if answer.get("done"):
            done += 1
            report(done, count)
    return texts
