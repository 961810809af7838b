"""Task completion in `curator evaluate`: whole conversations, passed or failed by a pattern or a JSON Schema."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli.output import say
from curator.core.text import count_of
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.scores.completion import Check
    from curator.jobs.findings.conversations import Script, TaskOutcomes
    from curator.jobs.http.client import Client
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.runs.asking import Way
    from curator.jobs.runs.evaluation import Evaluation


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the options of task completion."""
    check = parser.add_mutually_exclusive_group()
    check.add_argument(
        "--task-pattern",
        metavar="REGEX",
        help="also hold the whole conversations: a task is done where the last answer holds this pattern",
    )
    check.add_argument(
        "--task-schema", metavar="FILE", help="the same, where the last answer is JSON that fits this JSON Schema"
    )


def read_check(args: argparse.Namespace) -> Check | None:
    """What decides whether a conversation did its task; None: nobody asked. Raises UsageError, InputError."""
    if args.task_pattern is None and args.task_schema is None:
        return None
    from curator.core import example  # heavy
    from curator.core.scores.completion import pattern_check, schema_check

    try:
        if args.task_pattern is not None:
            return pattern_check(args.task_pattern)
        value = example.parse(Path(args.task_schema).read_bytes()).value
        return schema_check(value)
    except OSError as error:
        raise InputError(f"{args.task_schema} cannot be read: {error.strerror or error}") from None
    except ImportError as error:
        raise UsageError(f"{error}") from None
    except ValueError as error:
        raise UsageError(f"--task-{'pattern' if args.task_schema is None else 'schema'}: {error}") from None


def read_scripts(passes: Check | None, data: TrainingExamples) -> list[Script]:
    """The conversations to hold; none where there is no check."""
    if passes is None:
        return []
    from curator.jobs.findings import conversations  # heavy

    scripts, skipped = conversations.read_scripts(data)
    if skipped:
        say(
            f"{count_of(skipped, 'example is', 'examples are')} no conversation "
            "that can be held again (tools, or no answer): left out."
        )
    return scripts


async def complete(
    passes: Check | None,
    scripts: Sequence[Script],
    ways: Sequence[Way],
    client: Client,
    ledger: Ledger,
    report: Callable[[str, int, int], None],
) -> list[TaskOutcomes]:
    """Every row holds every conversation; none where nothing was asked for. Raises ProviderError, UsageError."""
    if passes is None:
        return []
    from curator.jobs.findings import conversations  # heavy

    completions = []
    for way in dict.fromkeys(ways):
        answers = await conversations.play(scripts, way, client, ledger, report)
        try:
            completions.append(conversations.judge_completion(way.name, scripts, answers, passes, ledger))
        except ValueError as error:
            raise UsageError(f"--task-schema: {error}") from None
    return completions


def store_shares(
    result: Evaluation, completions: Sequence[TaskOutcomes], ways: Sequence[Way], ledger: Ledger
) -> None:
    """Keep the shares with the rows' stored evaluations, so that they stand with the rounds."""
    if not completions:
        return
    from curator.jobs.findings.conversations import store_share  # heavy
    from curator.jobs.runs.evaluation import prompts_key

    models = {way.name: way.model for way in ways}
    for each in completions:
        if each.played:
            store_share(ledger, prompts_key(result.prompts), models[each.row], each)


def with_shares(result: Evaluation, completions: Sequence[TaskOutcomes]) -> Evaluation:
    """An evaluation with the share of done tasks as a score of each row."""
    from curator.jobs.runs.bars import COMPLETION  # heavy

    shares = {each.row: each.share for each in completions if each.played}
    rows = [
        replace(scored, scores=scored.scores | {COMPLETION: shares[scored.model]})
        if scored.model in shares
        else scored
        for scored in result.models
    ]
    return replace(result, models=rows)


def completion_json(completions: Sequence[TaskOutcomes]) -> dict[str, Any]:
    """The object `conversations` of `evaluate --json`: what each row said, and whether that did the task."""
    return {
        "conversations": {
            each.row: [
                {
                    "line": played.script.line,
                    "answers": list(played.answers),
                    "passed": played.passed,
                    "by_person": played.by_person,
                }
                for played in each.played
            ]
            for each in completions
        }
        or None
    }
