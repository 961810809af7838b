"""Pairs of answers for blind judging: in random order, which row stands left left to chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from curator.core.scores.preferences import Preferences, count_preferences

if TYPE_CHECKING:
    from curator.jobs.findings.judging import AnswerPair
    from curator.jobs.ledger.judgements import Judgement, Verdict
    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.board import LoadedBoard

_TURNED = {"first": "second", "second": "first"}


@dataclass(frozen=True, slots=True)
class BlindPair:
    """Two answers to the prompt at a position; `turned`: the second row's answer stands left."""

    at: int
    first_answer: str
    second_answer: str
    turned: bool

    @property
    def left(self) -> str:
        """The answer on the left."""
        return self.second_answer if self.turned else self.first_answer

    @property
    def right(self) -> str:
        """The answer on the right."""
        return self.first_answer if self.turned else self.second_answer


def blind_pairs(
    board: LoadedBoard, first: BoardRow, second: BoardRow, judgements: Sequence[Judgement], seed: int
) -> list[BlindPair]:
    """The pairs that differ and were not judged yet, in random order."""
    judged = {
        (judgement.prompt, frozenset((judgement.first_answer.strip(), judgement.second_answer.strip())))
        for judgement in of_rows(judgements, first, second)
    }
    generator = random.Random(seed)
    pairs = []
    for at, prompt in enumerate(board.prompts.prompts):
        answers = board.answer(first.name, at), board.answer(second.name, at)
        if None in answers or str(answers[0]).strip() == str(answers[1]).strip():
            continue
        if (_key(prompt.messages), frozenset(str(answer).strip() for answer in answers)) not in judged:
            pairs.append(BlindPair(at, str(answers[0]), str(answers[1]), generator.random() < 0.5))
    generator.shuffle(pairs)
    return pairs


def answer_pairs(board: LoadedBoard, first: BoardRow, second: BoardRow) -> list[AnswerPair]:
    """The answers of two rows to each prompt that both answered, for a judge model."""
    from curator.jobs.findings.judging import AnswerPair  # heavy

    pairs = []
    for at, prompt in enumerate(board.prompts.prompts):
        one, other = board.answer(first.name, at), board.answer(second.name, at)
        if one is not None and other is not None:
            pairs.append(AnswerPair(prompt.messages, prompt.expected, one, other))
    return pairs


def of_rows(judgements: Sequence[Judgement], first: BoardRow, second: BoardRow) -> list[Judgement]:
    """The judgements of these two rows, in either order."""
    names = {first.name, second.name}
    return [judgement for judgement in judgements if {judgement.first, judgement.second} == names]


def judgement_of(
    pair: BlindPair, board: LoadedBoard, rows: tuple[BoardRow, BoardRow], verdict: str, criteria: Sequence[str]
) -> Judgement:
    """The judgement that a person made by `left`, `right`, `tie`, `both_bad` or `both_right`."""
    from curator.jobs.ledger.judgements import Judgement  # heavy

    prompt = board.prompts.prompts[pair.at]
    by_place = {"left": "second" if pair.turned else "first", "right": "first" if pair.turned else "second"}
    return Judgement(
        _key(prompt.messages),
        prompt.line,
        prompt.messages,
        prompt.expected,
        rows[0].name,
        rows[1].name,
        pair.first_answer,
        pair.second_answer,
        cast("Verdict", by_place.get(verdict, verdict)),
        tuple(criteria),
        board.prompts.source.side,
    )


def preferences(judgements: Sequence[Judgement], first: BoardRow, second: BoardRow) -> Preferences:
    """What the judgements of these two rows amount to."""
    verdicts: list[tuple[str, Sequence[str]]] = []
    for judgement in of_rows(judgements, first, second):
        verdict: str = judgement.verdict
        if judgement.first != first.name:
            verdict = _TURNED.get(verdict, verdict)
        verdicts.append((verdict, judgement.criteria))
    return count_preferences(verdicts)


def _key(messages: list[dict[str, object]]) -> str:
    from curator.jobs.runs.asking import message_key  # heavy

    return message_key(messages)
