"""Ranked samples of the playground as judgements: of each two with different ranks the better is preferred."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.jobs.ledger.judgements import Judgement
    from curator.jobs.ledger.ledger import Ledger
    from curator.tui.stage_models.comparing.talk import Talk

LOWEST = 9


def ranked_pairs(talk: Talk, at: int) -> list[Judgement]:
    """The judgements that the ranks of a turn's samples give; samples after different conversations give none.

    The id of a judgement is the same each time, so that another ranking takes its place.
    """
    from curator.jobs.ledger.judgements import Judgement  # heavy
    from curator.jobs.runs.asking import message_key

    judgements = []
    ranked = [
        (number, each) for number, each in enumerate(talk.turns[at].samples) if each.rank and each.text.strip()
    ]
    for (number, one), (other_number, other) in combinations(ranked, 2):
        messages = talk.messages(one.row, at)
        if one.rank == other.rank or messages != talk.messages(other.row, at):
            continue
        better, worse = (one, other) if one.rank < other.rank else (other, one)
        judgements.append(
            Judgement(
                message_key(messages),
                0,
                messages,
                "",
                f"{better.row} + ranked",
                f"{worse.row} + ranked",
                better.text,
                worse.text,
                "first",
                id=pair_id(talk, at, number, other_number),
            )  # fmt: skip
        )
    return judgements


def pair_id(talk: Talk, at: int, one: int, other: int) -> str:
    """The id of the judgement of two samples of a turn."""
    return f"{talk.key}-{at}-{one}-{other}"


def keep_ranking(talk: Talk, at: int, ledger: Ledger) -> int:
    """Store the judgements of a turn in the place of earlier ones, and the conversation; returns how many."""
    judgements = ranked_pairs(talk, at)
    every = {pair_id(talk, at, *pair) for pair in combinations(range(len(talk.turns[at].samples)), 2)}
    for key in every - {judgement.id for judgement in judgements}:
        ledger.remove_judgement(key)
    for judgement in judgements:
        ledger.add_judgement(judgement)
    ledger.keep_talk(talk.key, talk.to_json())
    return len(judgements)
