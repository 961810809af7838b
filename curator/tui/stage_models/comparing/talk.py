"""A conversation of the playground: turns, in which several rows of the board answer, with n samples each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curator.core.answers.contract import Contract

MOST_SAMPLES = 32
LONGEST = 4_096
"""Most tokens of an answer that can be asked for."""


@dataclass
class Sample:
    """One answer of one row, as far as it has come."""

    row: str
    """The row's name."""
    text: str = ""
    ended: bool = False
    trouble: str = ""
    rank: int = 0
    """1 for the best of its turn, and so on; 0: not ranked."""


@dataclass
class TalkTurn:
    """What was asked, and the answers to it."""

    prompt: str
    samples: list[Sample] = field(default_factory=list)
    going_on: dict[str, str] = field(default_factory=dict)
    """By row: the answer that its conversation goes on with; without one its first sample."""

    def answer_of(self, row: str) -> str | None:
        """The answer with which a row's conversation goes on; None where it gave none."""
        if row in self.going_on:
            return self.going_on[row]
        return next((sample.text for sample in self.samples if sample.row == row and sample.text), None)


@dataclass
class Talk:
    """A conversation with its system prompt and parameters; `to_json` and `from_json` keep it."""

    key: str
    system: str = ""
    temperature: float = 0.0
    tokens: int = 200
    samples: int = 1
    turns: list[TalkTurn] = field(default_factory=list)

    def messages(self, row: str, upto: int) -> list[dict[str, Any]]:
        """What a row is sent at the turn `upto`: its own answers before it, and that turn's prompt."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns[:upto]:
            answer = turn.answer_of(row)
            if answer is not None:
                messages += [{"role": "user", "content": turn.prompt}, {"role": "assistant", "content": answer}]
        return [*messages, {"role": "user", "content": self.turns[upto].prompt}]

    def example(self, at: int, sample: Sample) -> dict[str, Any]:
        """The conversation up to an answer as a training example."""
        return {"messages": [*self.messages(sample.row, at), {"role": "assistant", "content": sample.text}]}

    def lines(self) -> Iterator[tuple[int, int | None]]:
        """(turn, sample) of each line in which it is shown; the sample is None for the prompt itself."""
        for at, turn in enumerate(self.turns):
            yield at, None
            for number in range(len(turn.samples)):
                yield at, number

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "system": self.system,
            "temperature": self.temperature,
            "tokens": self.tokens,
            "samples": self.samples,
            "turns": [
                {
                    "prompt": turn.prompt,
                    "samples": [
                        {"row": sample.row, "text": sample.text, "rank": sample.rank} for sample in turn.samples
                    ],
                    "going_on": turn.going_on,
                }
                for turn in self.turns
            ],
        }


def from_json(key: str, value: dict[str, Any]) -> Talk:
    """A conversation that was kept; what no Curator writes is left out."""
    talk = Talk(key)
    if isinstance(value.get("system"), str):
        talk.system = value["system"]
    talk.temperature = _within(value.get("temperature"), 0.0, 2.0, 0.0)
    talk.tokens = int(_within(value.get("tokens"), 1, LONGEST, 200))
    talk.samples = int(_within(value.get("samples"), 1, MOST_SAMPLES, 1))
    turns = value.get("turns")
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict) and isinstance(turn.get("prompt"), str):
            rows = turn.get("samples")
            samples = [
                Sample(sample["row"], sample["text"], ended=True, rank=int(_within(sample.get("rank"), 0, 9, 0)))
                for sample in (rows if isinstance(rows, list) else [])
                if isinstance(sample, dict) and all(isinstance(sample.get(name), str) for name in ("row", "text"))
            ]
            going_on = turn.get("going_on")
            pairs = going_on.items() if isinstance(going_on, dict) else ()
            talk.turns.append(
                TalkTurn(turn["prompt"], samples, {row: text for row, text in pairs if isinstance(text, str)})
            )
    return talk


def _within(value: object, low: float, high: float, otherwise: float) -> float:
    """A stored number between two bounds, else what is usual."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return float(value) if good else otherwise  # type: ignore[arg-type]


def share_in_form(samples: Sequence[Sample], contract: Contract | None) -> str:
    """How many of a row's samples keep the contract, and how many differ, in words; empty for a single one."""
    texts = [sample.text.strip() for sample in samples if sample.ended and not sample.trouble]
    if len(texts) < 2:
        return ""
    differing = f"{len(set(texts)):,} different" if len(set(texts)) > 1 else "all the same"
    if contract is None:
        return f"{len(texts):,} samples, {differing}"
    allowed = sum(map(contract.allows, texts))
    return f"{allowed:,} of {len(texts):,} in the form ({allowed / len(texts):.0%}), {differing}"
