"""What a dataset consists of, counted in one pass: tokens, messages and answers of a file or a workspace."""

from __future__ import annotations

from collections import Counter as Bag
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curator import pricing
from curator.core import models
from curator.core.answers.balance import Balance, BalanceTally, Share, text_of
from curator.core.answers.contract import Contract
from curator.core.answers.refusal import is_refusal
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
"""An example, and whether it is trained on (not on the validation side)."""


@dataclass(slots=True)
class MessageCounts:
    """Counts of messages over all examples."""

    roles: Bag[str] = field(default_factory=Bag)
    """Messages by role; `NO_ROLE` for those without one."""
    per_example: list[int] = field(default_factory=list)
    """Messages of each example."""
    without: Bag[str] = field(default_factory=Bag)
    """Examples without any message of a role (system, user, assistant)."""
    characters: int = 0
    """Characters of all texts."""

    def add(self, example_turns: list[Turn]) -> None:
        """Count one example's messages."""
        self.per_example.append(len(example_turns))
        roles = [turn.role or NO_ROLE for turn in example_turns]
        self.roles.update(roles)
        self.without.update({"system", "user", "assistant"}.difference(roles))
        for turn in example_turns:
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
    """Everything that is counted. Validation examples count in all of it but the cost."""

    examples: int
    broken: int
    """Examples that are no valid JSON."""
    validation: int
    """Examples on the validation side."""
    model: str
    """The model whose tokens and prices are used."""
    encoding: str
    tokens: TokenTally
    cost: Cost
    messages: MessageCounts
    answers: Balance
    contract: str | None = None
    """What the answers were held to, in words; None for nothing."""

    def as_dict(self, most: int = 50) -> dict[str, Any]:
        """As `curator stats --json` prints it; lists of answers are cut after `most` entries."""
        return {
            "examples": self.examples,
            "broken": self.broken,
            "validation_examples": self.validation,
            "tokens": self.tokens.as_dict(self.model, self.encoding),
            "cost": self.cost.as_dict(),
            "answers": {**balance_as_dict(self.answers, most), "contract": self.contract},
            "messages": self.messages.as_dict(),
        }


def balance_as_dict(balance: Balance, most: int) -> dict[str, Any]:
    """A balance as JSON; its lists are cut after `most` entries."""

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


@dataclass(slots=True)
class DatasetCounts:
    """The balance of a dataset, counted example by example; with `keep_ids` also which examples are behind it."""

    tally: BalanceTally
    keep_ids: bool = False
    refusing: list[int] = field(default_factory=list)
    """Ids of examples with an answer that refuses."""
    scripts: dict[str, list[int]] = field(default_factory=dict)
    """Ids by the script (Latin, Cyrillic, …) of the prompt."""
    systems: dict[str, list[int]] = field(default_factory=dict)
    """Ids by system prompt; "" for none."""
    prompts: list[tuple[int, int]] = field(default_factory=list)
    """(characters, id) of each prompt."""
    tokens: list[int] = field(default_factory=list)
    """Tokens of each example, where they are counted."""
    limit: int | None = None
    """Most tokens of an example that training reads; None where unknown."""

    def add(self, example_id: int, example_turns: Iterable[Turn]) -> None:
        """Count one example."""
        conversation = self.tally.add([turn.message for turn in example_turns if _is_counted(turn)])
        if not self.keep_ids:
            return
        self.systems.setdefault(conversation.system, []).append(example_id)
        if conversation.prompt:
            self.scripts.setdefault(conversation.script, []).append(example_id)
            self.prompts.append((len(conversation.prompt), example_id))
        if any(map(is_refusal, conversation.answers)):
            self.refusing.append(example_id)


def collect(
    path: str | Path,
    model: str = "",
    epochs: int | None = None,
    *,
    progress: Progress | None = None,
) -> Statistics:
    """Count a dataset file ("-": standard input) or a workspace.

    `model` defaults to the workspace's, else to the default for OpenAI; `epochs` to the service's default. Raises
    InputError where the path cannot be read.
    """
    if str(path) == "-" or not is_workspace(Path(path)):
        with open_dataset(path) as source:
            items = ((parse(raw), True) for _, raw in source.records())
            return _count(items, model, "openai", epochs, Contract(), progress)
    from curator.workspace.opening import open_workspace  # heavy (50 ms): only for a workspace

    workspace = open_workspace(path, read_only=True)
    try:
        context = workspace.context()
        items = (
            (record.example, record.split not in ("validation", "test"))
            for record in workspace.records(workspace.ids())
        )
        contract = context.contract if isinstance(context.contract, Contract) else Contract()
        statistics = _count(items, model or context.model, context.profile, epochs, contract, progress)
        if contract.words != Contract().words:
            statistics.contract = f"{contract.words} (the workspace's contract)"
        return statistics
    finally:
        workspace.close()


def _count(
    items: Iterable[Item],
    model: str,
    profile: Profile,
    epochs: int | None,
    contract: Contract,
    progress: Progress | None,
) -> Statistics:
    """One pass over the examples."""
    model = model or models.default(profile)
    table = pricing.table()
    entry = models.find(model, table)
    info: ModelInfo | None = entry.on(profile) if entry else None
    count = counter(model, table)
    tokens, messages = TokenTally(info.context if info else None), MessageCounts()
    counts = DatasetCounts(BalanceTally(contract))
    trained_tokens: list[int] = []
    examples = broken = 0
    for examples, (example, is_trained) in enumerate(items, 1):  # noqa: B007
        broken += example.broken
        example_turns = list(turns(example.value))
        tokens.add(count.example(example.value))
        messages.add(example_turns)
        counts.add(examples, example_turns)
        if is_trained:
            trained_tokens.append(tokens.totals[-1])
        if progress is not None:
            progress(examples)
    return Statistics(
        examples=examples,
        broken=broken,
        validation=examples - len(trained_tokens),
        model=model,
        encoding=count.encoding,
        tokens=tokens,
        cost=estimate(trained_tokens, info, epochs, name=model),
        messages=messages,
        answers=counts.tally.result(),
    )


def _is_counted(turn: Turn) -> bool:
    """Whether the balance counts a message: not one of the rejected answer of a preference pair, nor an answer
    within the pair's input, which are not learnt."""
    if turn.context:
        return turn.role != "assistant"
    return turn.path[0] not in ("non_preferred_output", "non_preferred_completion")
