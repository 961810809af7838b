"""Which columns of a record are its question and its answer, and whether that leaves no doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from curator.core.convert.carried import MisfitError
from curator.core.convert.maps import Map

_QUESTION = ("question", "query", "instruction", "input", "inputs", "prompt", "text", "message", "user", "human")
_ANSWER = (
    "answer", "response", "output", "assistant", "completion", "reply", "label text", "label name", "label",
    "target", "targets", "gpt", "bot", "expected output", "expected", "expectedoutput", "ideal", "ground truth",
)  # fmt: skip
_PAIRS = (
    ("q", "a"), ("problem", "solution"), ("frage", "antwort"), ("pregunta", "respuesta"), ("question", "réponse"),
    ("question", "reponse"), ("domanda", "risposta"), ("pergunta", "resposta"), ("vraag", "antwoord"),
    ("pytanie", "odpowiedź"), ("вопрос", "ответ"), ("问题", "回答"), ("问题", "答案"),
    ("質問", "回答"), ("질문", "답변"),
)  # fmt: skip
"""Headings that are a question and its answer only where both stand side by side, and no other question does."""
_SPEAKERS = ("user", "human")
"""Headings of a question where an answer of `_PARTNERS` stands beside it; elsewhere they may name a person."""
_PARTNERS = ("assistant", "gpt", "bot", "ai", "model")
_CONTEXT = ("input", "context", "passage", "article", "document", "paragraph")
"""Columns that are joined to the question where it has another column: Alpaca's `input`, Dolly's `context`."""
_SYSTEM = ("system", "system prompt", "system message", "system instruction", "system instructions")
_CLASSES = ("label", "labels", "class", "target", "targets", "category")
"""Headings of answers that may be the number of a class, whose name stands elsewhere."""
_CHOICES = re.compile(
    r"(?:answer |mc )?(?:choices?|options?|candidates|endings|distractors?)"
    r"|(?:option|choice|opt|answer|ending) ?[a-e\d]|op ?[a-e]"
)
"""Headings of the answers that a question offers."""
_MATERIAL = frozenset(
    ("contexts", "documents", "docs", "passages", "ctxs", "retrieved context", "retrieved contexts", "schema")
)
"""Headings of what a question is about, where it is no text to join."""
_LETTERS = ("a", "b")
_TOOL_MARKS = ("_input_hash", "_task_hash")
"""Keys of an annotation tool whose `answer` says what was done with the task."""
_HEADING = frozenset((*_QUESTION, *_ANSWER, "content", "turn", "the", "of", "ai", "model", "customer", "agent"))
"""Words of which a heading may consist: `User Message`, but no `response_time`."""
_WORD = re.compile(r"[a-z]+|[^a-z\W_]+")


def columns_map(record: Mapping[str, Any]) -> Map | None:
    """The map of columns whose headings name a question and an answer; None where there are no two such."""
    if any(mark in record for mark in _TOOL_MARKS) or _is_decided(record):
        return None
    question = _question(record)
    answer = _column(record, _ANSWER, question)
    if question is None:
        return _of_a_known_pair(record)
    if answer is None:
        return _of_a_known_pair(record)
    contexts = (_column(record, (word,), question, answer, exact=True) for word in _CONTEXT)
    users = (question, *(each for each in contexts if each is not None))
    return Map(users, (answer,), system_columns(record), "question_answer")


def _of_a_known_pair(record: Mapping[str, Any]) -> Map | None:
    headings = {_heading(key) for key in record}
    return next((_map_of(record, pair) for pair in _PAIRS if headings.issuperset(pair)), None)


def _is_decided(record: Mapping[str, Any]) -> bool:
    """Whether the `answer` says what somebody decided about the label beside it."""
    return "label" in record and record.get("answer") in ("accept", "reject", "ignore")


def _map_of(record: Mapping[str, Any], pair: tuple[str, str]) -> Map:
    question, answer = (next(str(key) for key in record if _heading(key) == heading) for heading in pair)
    return Map((question,), (answer,), system_columns(record), "question_answer")


def system_columns(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns whose headings name a system prompt."""
    return tuple(key for key in map(str, record) if _heading(key) in _SYSTEM)


def _question(record: Mapping[str, Any]) -> str | None:
    headings = {_heading(key) for key in record}
    if not headings.isdisjoint(_PARTNERS) and (speaker := _column(record, _SPEAKERS, exact=True)) is not None:
        return speaker
    return _column(record, _QUESTION)


def _column(
    record: Mapping[str, Any], words: tuple[str, ...], *carried: str | None, exact: bool = False
) -> str | None:
    """The column that is named by the first of some words: in full, else (`User Message`) by words of its kind."""
    names = [str(key) for key in record if key not in carried]
    for word in words:
        for name in names:
            if _heading(name) == word:
                return name
    if exact:
        return None
    for word in words:
        for name in names:
            heading = _WORD.findall(name.lower())
            if word in heading and _HEADING.issuperset(heading):
                return name
    return None


def check_that_nothing_is_doubtful(record: Mapping[str, Any], by: Map) -> None:
    """Raise MisfitError where the columns of a detected map leave a doubt what the question or the answer is.

    That is the case where the question offers choices in other columns, where the answer is the number of a class,
    and where another column says something else under a heading of a question or an answer.
    """
    used_keys = {*by.user, *by.assistant, *by.chosen, *by.rejected, *by.system}
    question = "\n".join(_texts(record.get(key) for key in by.user))
    answer = "\n".join(_texts(record.get(key) for key in by.assistant))
    for key in _choices(record):
        if key not in used_keys and not all(text in question for text in _texts([record[key]])):
            raise MisfitError(f"it has '{key}', without which its question is another one")
    for key in by.assistant:
        if _heading(key) in _CLASSES and re.fullmatch(r"-?\d+(\.0)?", str(record.get(key)).strip()):
            raise MisfitError(f"'{key}' is the number of a class whose name is not known")
    if by.shape == "question_answer":
        _check_rivals(record, used_keys, question, answer)


def _check_rivals(record: Mapping[str, Any], used_keys: set[str], question: str, answer: str) -> None:
    for key, value in record.items():
        heading = _heading(key)
        kind = _kind(heading)
        texts = list(_texts([value]))
        if key in used_keys or kind is None or not texts:
            continue
        other, text_of_map = "\n".join(texts), question if kind == "question" else answer
        rendered = question.strip() in other and answer.strip() in other  # a template's text of both
        if not (other.strip() in text_of_map or rendered):
            raise MisfitError(f"'{key}' could be the {kind} as well: name the columns in a map")


def _kind(heading: str) -> str | None:
    """Whether a heading names a question or an answer; a label beside an answer may be a verdict or a class."""
    if heading in (*_QUESTION, *_CONTEXT) and heading not in _SPEAKERS:
        return "question"
    return "answer" if heading in _ANSWER and not heading.startswith("label") else None


def _choices(record: Mapping[str, Any]) -> Iterator[str]:
    """The columns that hold what a question offers to choose from, or what it is about."""
    headings = {_heading(key): key for key in record}
    lettered = all(letter in headings for letter in _LETTERS)
    for heading, key in headings.items():
        if (
            _CHOICES.fullmatch(heading)
            or heading in _MATERIAL
            or (lettered and heading in ("a", "b", "c", "d", "e"))
        ):
            yield key


def _texts(values: Any) -> Iterator[str]:
    """The texts and numbers in some values, at every depth, without empty ones."""
    for value in values:
        if isinstance(value, dict):
            yield from _texts(value.values())
        elif isinstance(value, list):
            yield from _texts(value)
        elif value not in (None, ""):
            yield str(value)


def _heading(key: Any) -> str:
    """A column's heading in small letters, its words divided by one blank each."""
    return " ".join(str(key).lower().replace("_", " ").replace("-", " ").split())
