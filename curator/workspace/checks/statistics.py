"""What a dataset is made of, in one pass: tokens, messages and answers of a file or a workspace."""

from __future__ import annotations

from collections import Counter as Bag
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curator import pricing
from curator.core import models
from curator.core.answers.balance import Balance, Share, Tally, text_of
from curator.core.answers.contract import Contract
from curator.core.cost import Cost, estimate
from curator.core.counting.spread import TokenTally, spread
from curator.core.example import Example, parse
from curator.core.models import ModelInfo
from curator.core.problem import Profile
from curator.core.turns import Turn, turns
from curator.tokens import counter
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.storage.folder import is_workspace

NO_ROLE = "(none)"
Progress = Callable[[int], None]
"""Called with the number of examples done."""
Item = tuple[Example, bool]
"""An example, and whether it is trained on (not kept for validation)."""


@dataclass(slots=True)
class Messages:
    """Counts of messages over all examples."""

    roles: Bag[str] = field(default_factory=Bag)
    per_example: list[int] = field(default_factory=list)
    without: Bag[str] = field(default_factory=Bag)
    """Examples without any message of a role (system, user, assistant)."""
    characters: int = 0

    def add(self, listed: list[Turn]) -> None:
        """Count one example's messages."""
        self.per_example.append(len(listed))
        roles = [turn.role or NO_ROLE for turn in listed]
        self.roles.update(roles)
        self.without.update({"system", "user", "assistant"}.difference(roles))
        for turn in listed:
            if isinstance(turn.message, dict):
                self.characters += len(text_of(turn.message.get("content")))

    def as_dict(self) -> dict[str, Any]:
        """As the contract's `messages` object."""
        return {
            "total": sum(self.per_example),
            "roles": dict(self.roles.most_common()),
            "per_example": asdict(spread(self.per_example)),
            "missing_system": self.without["system"],
            "missing_user": self.without["user"],
            "missing_assistant": self.without["assistant"],
            "characters": self.characters,
        }


@dataclass(slots=True)
class Statistics:
    """The whole of it. Examples that are kept for validation count in everything but the cost."""

    examples: int
    broken: int
    validation: int
    model: str
    encoding: str
    tokens: TokenTally
    cost: Cost
    messages: Messages
    answers: Balance

    def as_dict(self, most: int = 50) -> dict[str, Any]:
        """As `curator stats --json` prints it; long lists of answers end after `most`."""
        return {
            "examples": self.examples,
            "broken": self.broken,
            "validation_examples": self.validation,
            "tokens": self.tokens.as_dict(self.model, self.encoding),
            "cost": self.cost.as_dict(),
            "answers": balance_as_dict(self.answers, most),
            "messages": self.messages.as_dict(),
        }


def balance_as_dict(balance: Balance, most: int) -> dict[str, Any]:
    """A balance as JSON."""

    def listed(shares: list[Share]) -> list[dict[str, Any]]:
        return [share._asdict() for share in shares[:most]]

    return {
        "total": balance.total,
        "distinct": len(balance.answers),
        "top": listed(balance.answers),
        "dominant": listed(balance.dominant),
        "unused": balance.unused[:most],
        "unknown": balance.unknown,
        "refusals": balance.refusals,
        "lengths": balance.answer_lengths._asdict(),
        "prompt_lengths": balance.prompt_lengths._asdict(),
        "systems": listed(balance.systems),
        "scripts": listed(balance.scripts),
    }


def collect(
    path: str | Path,
    model: str = "",
    epochs: int | None = None,
    *,
    progress: Progress | None = None,
) -> Statistics:
    """Read all of a dataset file ("-": standard input) or workspace once.

    `model` defaults to the workspace's, else to the usual one of OpenAI's. Raises InputError.
    """
    if str(path) == "-" or not is_workspace(Path(path)):
        with open_dataset(path) as source:
            items = ((parse(raw), True) for _, raw in source.records())
            return _count(items, model, "openai", epochs, Contract(), progress)
    from curator.workspace.opening import open_workspace

    workspace = open_workspace(path, read_only=True)
    try:
        context = workspace.context()
        items = ((record.example, record.split != "validation") for record in workspace.records(workspace.ids()))
        contract = context.contract if isinstance(context.contract, Contract) else Contract()
        return _count(items, model or context.model, context.profile, epochs, contract, progress)
    finally:
        workspace.close()


def _count(
    items: Iterator[Item],
    model: str,
    profile: Profile,
    epochs: int | None,
    contract: Contract,
    progress: Progress | None,
) -> Statistics:
    model = model or models.default(profile)
    table = pricing.table()
    known = models.find(model, table)
    info: ModelInfo | None = known.on(profile) if known else None
    count = counter(model, table)
    tokens, messages, answers = TokenTally(info.context if info else None), Messages(), Tally(contract)
    trained: list[int] = []
    examples = broken = 0
    for example, trains in items:
        examples += 1
        broken += example.broken
        listed = list(turns(example.value))
        tokens.add(count.example(example.value))
        messages.add(listed)
        answers.add([turn.message for turn in listed if wanted(turn)])
        if trains:
            trained.append(tokens.totals[-1])
        if progress is not None:
            progress(examples)
    return Statistics(
        examples=examples,
        broken=broken,
        validation=examples - len(trained),
        model=model,
        encoding=count.encoding,
        tokens=tokens,
        cost=estimate(trained, info, epochs, name=model),
        messages=messages,
        answers=answers.result(),
    )


def wanted(turn: Turn) -> bool:
    """Whether a message belongs to what the model shall learn: not the answer that loses in a preference pair,
    nor an answer within its input."""
    if turn.context:
        return turn.role != "assistant"
    return turn.path[0] not in ("non_preferred_output", "non_preferred_completion")
