"""Rules on the order of messages by their roles."""

from __future__ import annotations

from collections.abc import Iterator

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.structure import first_prompt
from curator.core.rules.has import Has
from curator.core.rules.registry import CHAT, Finding, rule
from curator.core.rules.subject import Subject, Turn, quote
from curator.core.splice import Edit, Raw


def _trim_tail(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    for turn in reversed(subject.turns):
        if turn.role == "assistant":
            return
        yield Edit("remove", turn.path)


@rule(
    "last_message_not_assistant",
    "W",
    27,
    "the example ends on another role than assistant",
    "what follows the last answer trains nothing and is billed all the same",
    formats=CHAT,
    fix=("unsafe", "remove the messages after the last assistant message", _trim_tail),
    when=Has.TAIL,
)
def last_message_not_assistant(subject: Subject, context: Context) -> Iterator[Finding]:
    turns = subject.turns
    if not turns or turns[-1].role == "assistant":
        return
    if all(turn.role != "assistant" for turn in turns):
        return  # example_missing_assistant_message reports it
    end = max(at for at, turn in enumerate(turns) if turn.role == "assistant") + 1
    removed_roles = [turn.role for turn in turns[end:] if turn.role in ("system", "developer", "user")]
    kept_roles = [turn.role for turn in turns[:end]]
    fix = len(turns) == len(subject.value["messages"]) and all(role in kept_roles for role in removed_roles)
    yield Finding(turns[-1].path, f"the last message is of role {quote(turns[-1].role)}", fix=fix)


@rule(
    "missing_user_message",
    "W",
    28,
    "no user message",
    "the model learns to speak unasked; usually a line was lost",
    when=Has.NO_USER,
)
def missing_user_message(subject: Subject, context: Context) -> Iterator[Finding]:
    if subject.roles and "user" not in subject.roles:
        yield Finding((), "the example has no user message")


@rule(
    "missing_system_message",
    "W",
    28,
    "no system (or developer) message",
    "the prompt used at inference should be the one trained with",
    when=Has.NO_SYSTEM,
)
def missing_system_message(subject: Subject, context: Context) -> Iterator[Finding]:
    if subject.roles and "system" not in subject.roles and "developer" not in subject.roles:
        if subject.has & Has.EXTRA_KEYS and first_prompt(subject) is not None:
            return  # unknown_top_level_key tells that it stands beside the messages
        yield Finding((), "the example has no system message")


def _move_first(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    raw = subject.example.raw
    yield Edit("insert", (*path[:-1], 0), Raw(raw[slice(*subject.span(path))]))
    yield Edit("remove", path)


@rule(
    "system_not_first",
    "W",
    29,
    "a system message that is not the first message, or more than one",
    "chat templates and models expect one, at the start",
    fix=("safe", "move a single system message to the start; turns of one role may then meet", _move_first),
    when=Has.MOVED_SYSTEM,
)
def system_not_first(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        systems = [turn for turn in thread if turn.role == "system" or turn.role == "developer"]
        if not systems or (len(systems) == 1 and systems[0] is thread[0]):
            continue
        single = len(systems) == 1
        for turn in systems:
            if turn is not thread[0]:
                words = "after other messages" if single else "one of several"
                yield Finding(turn.path, f"the system message is {words}", fix=single and _movable(turn, subject))


def _movable(turn: Turn, subject: Subject) -> bool:
    """Whether a system message can move to the start: it is in the same list, and has no calls with answers
    there."""
    first = subject.threads[0]
    return bool(first) and turn.path[:-1] == first[0].path[:-1] and not turn.message.get("tool_calls")


def _merge(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """Join a run of messages of one role into its first one; only at the last message of the run."""
    thread, last = subject.place(path)
    if last + 1 < len(thread) and _mergeable(thread[last], thread[last + 1]):
        return  # the run goes on: the fix at its last message joins all
    first = last
    while first and _mergeable(thread[first - 1], thread[first]):
        first -= 1
    joined = "\n\n".join(turn.content for turn in thread[first : last + 1])
    yield Edit("set", (*thread[first].path, "content"), joined)
    for turn in thread[first + 1 : last + 1]:
        yield Edit("remove", turn.path)


def _mergeable(one: Turn, two: Turn) -> bool:
    """Whether two messages of one role and list have only texts, so that joining them loses nothing."""
    same = one.role == two.role and one.path[:-1] == two.path[:-1]
    plain = all(
        isinstance(t.content, str) and t.content and t.message.keys() == {"role", "content"} for t in (one, two)
    )
    return same and plain


@rule(
    "consecutive_same_role",
    "I",
    30,
    "two user or two assistant messages in a row",
    "some chat templates refuse it; often one turn was split",
    fix=("unsafe", "join the texts with an empty line between", _merge),
    when=Has.REPEATS,
)
def consecutive_same_role(subject: Subject, context: Context) -> Iterator[Finding]:
    for thread in subject.threads:
        before = None
        for turn in thread:
            role = turn.role
            if before is not None and role == before.role and (role == "user" or role == "assistant"):
                yield Finding(
                    turn.path, f"the message before is of role {quote(role)} too", fix=_mergeable(before, turn)
                )
            before = turn
