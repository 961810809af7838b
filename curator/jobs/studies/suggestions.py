"""What a study suggests, kept as proposals: for suspects the answers that its model would have given, and the
prompts of the queue with the answers of the model that was asked. Nothing changes until a person accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from curator.core import splice
from curator.core.example import parse
from curator.core.text import one_line
from curator.jobs.studies.next_prompts import Card
from curator.workspace.operations.gate import Gate, propose_new, why_broken
from curator.workspace.operations.propose import MAX_AUTHOR, Proposing
from curator.workspace.storage import surprises
from curator.workspace.storage.surprises import StudiedExample
from curator.workspace.workspace import Workspace

AUTHOR = "suspects"


class Suggestion(NamedTuple):
    """What became of one suggestion: the proposal's id, or None and why there is none."""

    proposal: int | None
    why_not: str = ""


def propose_repairs(workspace: Workspace, ids: Sequence[int]) -> list[Suggestion]:
    """Propose for each of these suspects the answer that the study's model would have given."""
    studied = surprises.read(workspace.path).examples
    with Proposing(workspace, AUTHOR) as proposing:
        return [_propose_repair(workspace, proposing, example, studied.get(example)) for example in ids]


def _propose_repair(
    workspace: Workspace, proposing: Proposing, example: int, studied: StudiedExample | None
) -> Suggestion:
    raw = workspace.raw(example)
    if studied is None or not studied.holds_for(raw):
        return Suggestion(None, "it was not studied as it is now")
    if not studied.whole or not studied.instead.strip():
        return Suggestion(None, "the model's answer is not known to its end: study anew")
    value, place = parse(raw).value, _place_of_answer(raw)
    if place is None:
        return Suggestion(None, "its answer is no plain text")
    value["messages"][place]["content"] = studied.instead.strip()
    operation = {
        "op": "edit",
        "example": example,
        "location": f"messages[{place}].content",
        "value": studied.instead.strip(),
    }
    if proposing.was_rejected(operation):
        return Suggestion(None, "you rejected the very same before")
    if broken := why_broken(splice.dump(value), workspace.context()):
        return Suggestion(None, broken)
    why = f"surprise {studied.surprise:+.1f}; the study's model is {studied.sure:.0%} sure of this answer"
    return Suggestion(proposing.propose(operation, why).id)


def _place_of_answer(raw: bytes) -> int | None:
    """The place of the last answer among the messages; None where it is no text."""
    messages: list[Any] = parse(raw).value["messages"]
    place = max(at for at, message in enumerate(messages) if message.get("role") == "assistant")
    return place if isinstance(messages[place].get("content"), str) else None


def propose_cards(workspace: Workspace, cards: Sequence[Card], model: str) -> list[Suggestion]:
    """Propose each prompt of the queue with the model's answer as a new example; the gate comes first."""
    gate = Gate(workspace)
    with Proposing(workspace, one_line(model, MAX_AUTHOR)) as proposing:
        return [_propose_card(gate, proposing, card) for card in cards]


def _propose_card(gate: Gate, proposing: Proposing, card: Card) -> Suggestion:
    if not card.answer.strip():
        return Suggestion(None, "it answered nothing")
    if card.is_cut:
        return Suggestion(None, "its answer is longer than any that is there, and was cut")
    return Suggestion(*propose_new(gate, proposing, card.example(), ", ".join(card.reasons)))
