"""Rules that compare answers with the answer contract (`curator.core.answers.contract`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curator.core.answers.general_prompts import is_rehearsal
from curator.core.duplicates.texts import SYSTEM_ROLES
from curator.core.example import Path
from curator.core.rules.context import AnswerContract, Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule
from curator.core.rules.subject import Subject
from curator.core.splice import Edit

EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]")
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:|\([a-z0-9_+-]+\)", re.ASCII)


def _set_nearest(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    suggestions = _suggestions(str(value_at(subject, path)), context)
    if suggestions:
        yield Edit("set", path, suggestions[0])


def _suggestions(text: str, context: Context) -> list[str]:
    """The answers that the contract suggests and allows."""
    if context.contract is None:
        return []
    return [answer for answer in context.contract.suggest(text) if context.contract.violations(answer) is None]


@rule(
    "answer_outside_contract",
    "E",
    "own",
    "an answer that the declared contract (allowed answers or a pattern) does not allow",
    "every answer outside of it teaches the model to leave it",
    when=Has.CONTRACT,
    fix=("unsafe", "write the nearest allowed answer", _set_nearest),
)
def answer_outside_contract(subject: Subject, context: Context) -> Iterator[Finding]:
    if context.contract is None or not _holds(context.contract, subject):
        return
    for turn in subject.trained_answers():
        if isinstance(turn.content, str) and turn.content and not _has_call(turn.message):
            wrong = context.contract.violations(turn.content)
            if wrong:
                nearest = _suggestions(turn.content, context)[:1]
                hint = f"; nearest: {nearest[0]}" if nearest else ""
                yield Finding((*turn.path, "content"), f"{wrong}{hint}", fix=bool(nearest))


def _holds(contract: AnswerContract, subject: Subject) -> bool:
    """Whether a contract holds for an example, which may be one without a system prompt, or a rehearsal."""
    if any(role in SYSTEM_ROLES for role in subject.roles):
        return True
    if contract.only_with_system and subject.roles:
        return False
    return not is_rehearsal(subject.roles, (turn.content for turn in subject.turns))


def _has_call(message: dict[str, object]) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


@rule(
    "emoji_in_answer",
    "W",
    "own",
    "a real emoji in an answer where the contract asks for shortcodes such as `:wave:` or `(wave)`",
    "both spellings in one set teach the model to mix them",
    when=Has.CONTRACT,
)
def emoji_in_answer(subject: Subject, context: Context) -> Iterator[Finding]:
    contract = context.contract
    if contract is None or not _holds(contract, subject):
        return
    for turn in subject.trained_answers():
        match = EMOJI.search(turn.content) if isinstance(turn.content, str) else None
        if match is None or contract.violations(turn.content) is None:
            continue
        due = next(filter(_SHORTCODE.search, contract.suggest(turn.content)), None)
        if due is not None or None in map(contract.violations, (":wave:", "(wave)")):
            hint = f" such as {due}" if due else ""
            yield Finding((*turn.path, "content"), f"'{match[0]}' where a shortcode{hint} is due")
