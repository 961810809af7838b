"""Whole conversations: a model answers each turn with its own answers before it. Is the task done?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from curator.core import example as examples
from curator.core.duplicates.texts import message_text
from curator.core.scores.completion import Check
from curator.core.scores.metrics import Interval, wilson
from curator.jobs.http.client import Client
from curator.jobs.ledger.answer_facts import COMPLETION, AnswerKey, text_hash
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.runs.asking import Messages, Prompt, Way, message_key
from curator.jobs.runs.questions import Questions

_MOST_TURNS = 50


@dataclass(frozen=True)
class Script:
    """What a person says in a conversation: everything but the answers, each turn a list of messages."""

    line: int
    turns: tuple[Messages, ...]
    longest: str
    """The longest answer of the example, for the room that a model's answers get."""

    @property
    def key(self) -> str:
        """The name of the conversation in the ledger."""
        return message_key([message for turn in self.turns for message in turn])


@dataclass(frozen=True)
class Played:
    """A conversation as one row held it; `passed` says whether it did the task, `by_person` who says so."""

    script: Script
    answers: tuple[str, ...]
    passed: bool
    by_person: bool = False


@dataclass(frozen=True)
class TaskOutcomes:
    """All conversations of one row."""

    row: str
    played: tuple[Played, ...]

    @property
    def share(self) -> Interval:
        """The share of conversations that did their task."""
        return wilson(sum(each.passed for each in self.played), len(self.played))


def read_scripts(data: TrainingExamples) -> tuple[list[Script], int]:
    """The conversations of chat examples, and how many examples give none: broken, with tools, or unanswered."""
    scripts = []
    for key, raw in zip(data.keys, data.raws, strict=True):
        script = _read_script(key, examples.parse(raw))
        if script is not None:
            scripts.append(script)
    return scripts, len(data.raws) - len(scripts)


def _read_script(line: int, example: examples.Example) -> Script | None:
    if example.broken or not isinstance(example.value, dict):
        return None
    turns: list[Messages] = []
    before: Messages = []
    answers = []
    for message in example.messages:
        if not isinstance(message, dict) or message.get("role") in ("tool", "function") or "tool_calls" in message:
            return None
        if message.get("role") != "assistant":
            before.append({name: value for name, value in message.items() if name != "weight"})
        elif before:
            turns.append(before)
            before = []
            answers.append(message_text(message))
    if not turns or len(turns) > _MOST_TURNS:
        return None
    return Script(line, tuple(turns), max(answers, key=len))


async def play(
    scripts: Sequence[Script],
    way: Way,
    client: Client,
    ledger: Ledger,
    report: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[tuple[str, ...]]:
    """The answers of a row to each conversation, turn by turn; stored ones are used. Raises ProviderError."""
    talks: list[Messages] = [[] for _ in scripts]
    answers: list[list[str]] = [[] for _ in scripts]
    total = sum(len(script.turns) for script in scripts)
    done = 0

    def count(name: str, answered: int, prompts: int) -> None:
        report(way.name, done + answered, total)

    for turn in range(max((len(script.turns) for script in scripts), default=0)):
        going_on = [at for at, script in enumerate(scripts) if turn < len(script.turns)]
        for at in going_on:
            talks[at] += scripts[at].turns[turn]
        prompts = [Prompt(scripts[at].line, list(talks[at]), scripts[at].longest) for at in going_on]
        questions = Questions(way, prompts, ledger)
        await questions.ask(client, count)
        for at, answer in zip(going_on, questions.stored()["answers"], strict=True):
            talks[at].append({"role": "assistant", "content": answer})
            answers[at].append(answer)
        done += len(going_on)
        await asyncio.sleep(0)
    return [tuple(each) for each in answers]


def stored_answers(scripts: Sequence[Script], way: Way, ledger: Ledger) -> list[tuple[str, ...] | None]:
    """What a row said in each conversation, as far as the ledger has it to its end; None where it has not."""
    spoken: list[tuple[str, ...] | None] = []
    for script in scripts:
        talk: Messages = []
        answers: list[str] = []
        for turn in script.turns:
            talk += turn
            questions = Questions(way, [Prompt(script.line, list(talk), script.longest)], ledger)
            if questions.unanswered:
                break
            answers += questions.stored()["answers"]
            talk.append({"role": "assistant", "content": answers[-1]})
        spoken.append(tuple(answers) if len(answers) == len(script.turns) else None)
    return spoken


def store_share(ledger: Ledger, dataset: str, model: str, outcomes: TaskOutcomes) -> bool:
    """Store the share of done tasks as a score of the row's evaluation, which belongs to its round; whether there
    is one. `dataset` is `prompts_key` of the prompts."""
    record = ledger.evaluation(dataset, outcomes.row)
    if record is None:
        return False
    share = outcomes.share
    scores = {**record.get("scores", {}), COMPLETION: [share.value, share.low, share.high]}
    ledger.add_evaluation(dataset, outcomes.row, ledger.run_of_model(model), record | {"scores": scores})
    return True


def judge_completion(
    row: str, scripts: Sequence[Script], answers: Sequence[tuple[str, ...]], passes: Check, ledger: Ledger
) -> TaskOutcomes:
    """Whether each conversation of a row did its task: as a person said, else by the check of the last answer."""
    facts = ledger.facts(COMPLETION, row)
    played = []
    for script, spoken in zip(scripts, answers, strict=True):
        fact = facts.get(_key(row, script, spoken), {}).get("passed")
        by_person = isinstance(fact, bool)
        played.append(Played(script, spoken, fact if isinstance(fact, bool) else passes(spoken[-1]), by_person))
    return TaskOutcomes(row, tuple(played))


def set_completion(
    ledger: Ledger, row: str, script: Script, answers: tuple[str, ...], passed: bool | None
) -> None:
    """Store what a person says of a conversation; None: the check's word again."""
    if passed is None:
        ledger.remove_fact(COMPLETION, _key(row, script, answers))
    else:
        ledger.add_fact(COMPLETION, _key(row, script, answers), {"passed": passed})


def _key(row: str, script: Script, answers: tuple[str, ...]) -> AnswerKey:
    return AnswerKey(row, script.key, text_hash("\x00".join(answers)))
