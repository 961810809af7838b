"""Answers that were ranked, scored or compared: the best and the worst of them are a preference pair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from curator.core.convert import pairs
from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.turns_in import Message
from curator.core.example import Path

_LISTS = ("answers", "completions", "responses", "candidates", "generations")
_TEXTS = ("answer", "response", "text", "content", "completion", "output", "generated_text")
_RANKS = ("rank",)
"""Keys of numbers of which the lowest is the best."""
_SCORES = ("overall_score", "score", "rating", "reward")
"""Keys of numbers of which the highest is the best."""


class _Columns(NamedTuple):
    """Two answers in columns of their own."""

    first: str
    second: str
    verdict: str
    """The column that says which is better."""
    prompt: str | None = None
    """The column of the prompt, where it has an unusual name."""


_COMPARED = (
    _Columns("human_ref_A", "human_ref_B", "labels", "history"),
    _Columns("conversation_a", "conversation_b", "winner"),
    _Columns("response_a", "response_b", "winner"),
    _Columns("answer_a", "answer_b", "winner"),
    _Columns("response_0", "response_1", "better_response_id"),
    _Columns("response1", "response2", "overall_preference", "context"),
    _Columns("response_1", "response_2", "preference_strength"),
)
"""Stanford Human Preferences, Chatbot Arena, PKU-SafeRLHF, HelpSteer."""
_FIRST = ("a", "model_a", "response_a", "answer_a", "first")
_SECOND = ("b", "model_b", "response_b", "answer_b", "second")


def is_ranking(record: Mapping[str, Any]) -> bool:
    """Whether a record holds two or more answers and says which of them is the best."""
    return _listed(record) is not None or _compared(record) is not None


def _listed(record: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """(key of the list, key of the texts, key of the numbers) of ranked answers; None where there are none."""
    for key in _LISTS:
        answers = record.get(key)
        if (
            not isinstance(answers, list)
            or len(answers) < 2
            or not all(isinstance(each, dict) for each in answers)
        ):
            continue
        for text_key in _TEXTS:
            for number_key in (*_RANKS, *_SCORES):
                if all(
                    isinstance(each.get(text_key), str) and _is_number(each.get(number_key)) for each in answers
                ):
                    return key, text_key, number_key
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _compared(record: Mapping[str, Any]) -> _Columns | None:
    for columns in _COMPARED:
        if all(isinstance(record.get(key), str | list) for key in columns[:2]) and columns.verdict in record:
            return columns
    return None


def from_ranking(
    record: Mapping[str, Any], system: list[Message], earlier: list[Message], carried: Carried
) -> dict[str, Any]:
    """The pair of the best and the worst answer. Raises MisfitError where none is better than another."""
    columns = _compared(record)
    best, worst = _ends_of_list(record) if columns is None else _ends_of_columns(record, columns)
    prompt = columns.prompt if columns is not None else None
    sides = {"chosen": _at(record, best), "rejected": _at(record, worst)}
    if prompt is None:
        value = pairs.from_record({**record, **sides}, system, earlier, carried)
    else:
        inner = Carried()
        value = pairs.from_record({"prompt": record.get(prompt), **sides}, system, earlier, inner)
        carried.add((prompt,))
        for place in inner.left_behind({"prompt": record.get(prompt)}):
            carried.tell(place.replace("prompt", prompt, 1))
    for path in (best, worst, *([(columns.verdict,)] if columns is not None else [])):
        carried.add(path)
    return value


def _at(record: Any, path: Path) -> Any:
    for step in path:
        record = record[step]
    return record


def _ends_of_list(record: Mapping[str, Any]) -> tuple[Path, Path]:
    """Where the best and the worst of some ranked answers stand."""
    keys = _listed(record)
    if keys is None:
        raise MisfitError("it has no answers with ranks or scores")
    key, text_key, number_key = keys
    numbers = [each[number_key] for each in record[key]]
    best, worst = (min(numbers), max(numbers)) if number_key in _RANKS else (max(numbers), min(numbers))
    if numbers.count(best) > 1:
        raise MisfitError(f"no answer is better than all others by '{number_key}'")
    last = len(numbers) - 1 - numbers[::-1].index(worst)
    return (key, numbers.index(best), text_key), (key, last, text_key)


def _ends_of_columns(record: Mapping[str, Any], columns: _Columns) -> tuple[Path, Path]:
    """Where the better and the other of two answers stand."""
    verdict = record[columns.verdict]
    is_first = _is_first(verdict, columns)
    if columns.verdict == "better_response_id" and record.get("safer_response_id", verdict) != verdict:
        raise MisfitError("the better answer is not the safer one: name the columns in a map")
    if is_first is None:
        raise MisfitError(f"'{columns.verdict}' calls neither answer the better one")
    first, second = (columns.first,), (columns.second,)
    return (first, second) if is_first else (second, first)


def _is_first(verdict: Any, columns: _Columns) -> bool | None:
    """Whether a verdict prefers the first of two answers; None where it prefers neither."""
    if isinstance(verdict, str):
        word = verdict.strip().lower()
        return True if word in _FIRST else False if word in _SECOND else None
    if not _is_number(verdict):
        return None
    if columns.verdict == "labels":
        return {1: True, 0: False}.get(verdict)
    if columns.verdict == "better_response_id":
        return {0: True, 1: False}.get(verdict)
    if columns.verdict in ("overall_preference", "preference_strength"):
        return None if verdict == 0 else verdict < 0
    return None
