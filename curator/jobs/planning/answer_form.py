"""Which answer contract applies to a file or workspace, and where does it come from? Used by evaluate and
Compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from curator.core import example as examples
from curator.core.answers.contract import Contract, propose
from curator.core.turns import OUTPUTS, turns
from curator.jobs.planning import training_data

SAMPLE = 20_000
"""Examples whose answers are read to suggest a contract."""
_NOT_LEARNT = OUTPUTS[2:]
"""Keys of the answers of a preference pair that training teaches to avoid."""


@dataclass(frozen=True)
class AnswerForm:
    """A contract and where it comes from, in words."""

    contract: Contract
    origin: str

    @property
    def words(self) -> str:
        """In words, e.g. `122 allowed answers (the workspace's contract)`."""
        return f"{self.contract.words} ({self.origin})"


def find_form(path: Path | str, raws: Iterable[bytes], asked_for: AnswerForm | None = None) -> AnswerForm | None:
    """`asked_for`, else what the workspace declares, else what all answers suggest; None where none of these
    exists.

    `raws` are the examples of `path`, all of them: a part of them might suggest something else.
    """
    return asked_for or declared_form(training_data.contract(path)) or suggested_form(raws)


def declared_form(contract: Contract | None) -> AnswerForm | None:
    """The form of a workspace that declares a contract; None for none, or one that allows everything."""
    return None if contract in (None, Contract()) else AnswerForm(contract, "the workspace's contract")


def suggested_form(raws: Iterable[bytes]) -> AnswerForm | None:
    """The form that the answers of the first `SAMPLE` examples suggest; None where they suggest none."""
    proposal = propose(learnt_texts(islice(raws, SAMPLE)))
    return None if proposal is None else as_suggested(proposal.contract)


def as_suggested(contract: Contract) -> AnswerForm:
    """The form of a contract that answers suggest."""
    return AnswerForm(contract, "suggested by the answers, declared by nobody")


def learnt_texts(raws: Iterable[bytes]) -> Iterator[str]:
    """The text answers that training on these examples teaches; messages with tool calls are left out."""
    for raw in raws:
        for turn in turns(examples.parse(raw).value):
            content = turn.message.get("content") if turn.trained and turn.path[0] not in _NOT_LEARNT else None
            if isinstance(content, str) and content and not turn.message.get("tool_calls"):
                yield content
