"""The held-out conversations as one row of the board holds them, and whether each did its task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.text import count_of
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.scores.completion import Check
    from curator.jobs.findings.conversations import Played, Script
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.asking_cost import AskingCost
    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.prompt_sources import LoadedPrompts
    from curator.workspace.workspace import Workspace


@dataclass
class HeldConversations:
    """The conversations of a set of prompts, and what one row said in them."""

    row: BoardRow
    scripts: list[Script]
    skipped: int
    """Examples that give no conversation: with tools, broken, or without an answer."""
    dataset: str
    """The name of the prompts in the ledger, with which the share is stored."""
    _answers: list[tuple[str, ...] | None]
    """For each conversation what the row said, as far as it was held to its end."""
    _has_rule: bool = False
    _played: dict[int, Played] = field(default_factory=dict)

    @staticmethod
    def read(row: BoardRow, prompts: LoadedPrompts, workspace: Workspace, ledger: Ledger) -> HeldConversations:
        """The conversations of a set, with what the ledger has of the row. Raises CuratorError."""
        from curator.jobs.findings import conversations  # heavy
        from curator.jobs.runs.evaluation import prompts_key
        from curator.tui.stage_models.comparing.prompt_sources import read_source

        scripts, skipped = conversations.read_scripts(read_source(prompts.source, workspace))
        talks = HeldConversations(row, scripts, skipped, prompts_key(prompts.prompts), [])
        talks._answers = conversations.stored_answers(scripts, row.way, ledger)
        return talks

    @property
    def is_complete(self) -> bool:
        """Whether the row has held every conversation."""
        return None not in self._answers

    def answers_of(self, at: int) -> tuple[str, ...]:
        """What the row said in a conversation; nothing where it was not held to its end."""
        return self._answers[at] or ()

    def mark(self, at: int) -> tuple[bool | None, bool]:
        """Whether a conversation did its task (None: nobody says), and whether a person says so."""
        played = self._played.get(at)
        if played is None or not (played.by_person or self._has_rule):
            return None, False
        return played.passed, played.by_person

    def cost(self) -> AskingCost:
        """Estimate the price of asking the conversations that are not complete yet. Raises InputError."""
        from curator.jobs import providers  # heavy
        from curator.jobs.runs.asking_cost import estimate_cost

        turns = sent = received = 0
        for script, answers in zip(self.scripts, self._answers, strict=True):
            if answers is None:
                talk = sum(len(str(message.get("content"))) for turn in script.turns for message in turn)
                turns, sent = turns + len(script.turns), sent + talk * len(script.turns)
                received += len(script.longest) * len(script.turns)
        return estimate_cost(providers.get(self.row.provider), self.row.way.model, turns, sent, received)

    async def play(self, ledger: Ledger, report: Callable[[str, int, int], None]) -> None:
        """Ask for all answers that the ledger lacks. Raises ProviderError."""
        from curator.jobs import providers  # heavy
        from curator.jobs.connections.connect import connect
        from curator.jobs.findings import conversations

        async with await connect(providers.get(self.row.provider)) as client:
            self._answers = list(await conversations.play(self.scripts, self.row.way, client, ledger, report))

    def judge(self, rule: str, ledger: Ledger) -> None:
        """Judge what was held, by a person's word, else by the rule; the share of all is stored with the round.

        Raises UsageError, InputError for a rule that is none; then only the person's words count.
        """
        from curator.jobs.findings import conversations  # heavy

        passes: Check = _never
        self._has_rule = False
        try:
            if rule:
                passes, self._has_rule = read_rule(rule), True
        finally:
            places = [at for at, answers in enumerate(self._answers) if answers is not None]
            scripts = [self.scripts[at] for at in places]
            outcomes = conversations.judge_completion(
                self.row.name, scripts, [self.answers_of(at) for at in places], passes, ledger
            )
            self._played = dict(zip(places, outcomes.played, strict=True))
        if self.scripts and self.is_complete and not self._undecided:
            conversations.store_share(ledger, self.dataset, self.row.way.model, outcomes)

    @property
    def _undecided(self) -> int:
        return sum(self.mark(at)[0] is None for at in range(len(self.scripts)))

    def decide(self, at: int, passed: bool | None, ledger: Ledger) -> None:
        """Keep what a person says of a conversation; None leaves it to the rule."""
        from curator.jobs.findings.conversations import set_completion  # heavy

        set_completion(ledger, self.row.name, self.scripts[at], self.answers_of(at), passed)

    @property
    def words(self) -> str:
        """How many conversations did their task, with the interval, or what is missing."""
        from curator.core.scores.metrics import wilson  # heavy

        count = len(self.scripts)
        others = count_of(self.skipped, "example is", "examples are")
        skipped = f" {others} none (tools, or no answer)." if self.skipped else ""
        if not count:
            return f"no conversation to hold.{skipped}"
        complete = count - self._answers.count(None)
        if complete < count:
            return f"{complete:,} of {count_of(count, 'conversation')} held; enter asks for the others.{skipped}"
        if undecided := self._undecided:
            return (
                f"{undecided:,} of {count:,} not judged: write a rule, or say p (done) or x (not done).{skipped}"
            )
        done = sum(self.mark(at)[0] is True for at in range(count))
        share, by_person = wilson(done, count), sum(self.mark(at)[1] for at in range(count))
        by_word = f", {by_person:,} by your word" if by_person else ""
        return f"{done:,} of {count:,} did their task ({share.low:.0%} to {share.high:.0%}){by_word}.{skipped}"


def read_rule(rule: str) -> Check:
    """What decides by the last answer: the JSON Schema of a `.json` file, else a pattern. Raises UsageError,
    InputError."""
    from curator.core import example  # heavy
    from curator.core.scores.completion import pattern_check, schema_check

    try:
        if not rule.endswith(".json"):
            return pattern_check(rule)
        return schema_check(example.parse(Path(rule).expanduser().read_bytes()).value)
    except OSError as error:
        raise InputError(f"{rule} cannot be read: {error.strerror or error}") from None
    except (ImportError, ValueError) as error:
        raise UsageError(f"{error}") from None


def _never(answer: str) -> bool:
    return False
