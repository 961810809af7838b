"""Which shape a record has, and which map brings most of some records to chat examples or preference pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from curator.core.convert import maps, templates
from curator.core.convert.blocks import has_calls
from curator.core.convert.calls_in_text import glaive_text
from curator.core.convert.cells import CSV_HEADER
from curator.core.convert.columns import columns_map
from curator.core.convert.functions import question_of_calls
from curator.core.convert.maps import UNKNOWN, Map, Shape
from curator.core.convert.pairs import is_pair
from curator.core.convert.rankings import is_ranking
from curator.core.convert.trees import is_export, is_message_tree
from curator.core.convert.turns_in import is_named_text, is_turn
from curator.core.convert.verdicts import verdict_columns
from curator.core.formats import OLD_PREFERENCE_KEYS, PREFERENCE_KEYS, detect

TURN_KEYS = ("conversations", "conversation", "dialogue", "dialog", "turns", "chat")
"""Keys under which other tools keep a list of turns."""

REQUEST_KEYS = ("body", "request", "params", "inputs", "input")
"""Keys under which lines of batch files, logs and stored completions keep the request."""
ANSWER_KEYS = ("response", "output", "outputs", "expectedOutput", "expected_output")
"""Keys under which they keep its answer."""
_SPOKEN = frozenset(("content", "tool_calls", "function_call"))
"""Keys of which a message of the API has at least one."""
_INSIDE = ("row", "example", "record", "sample", "item", "data", "json")
"""Keys under which one record may lie in another: a row of a viewer's JSON, an example with its number."""
_BESIDE = ("metadata", "meta", "features", "truncated_cells")
"""Lists and objects that may stand beside a record that lies inside another."""
_PREFERENCE_KEYS = PREFERENCE_KEYS | OLD_PREFERENCE_KEYS.keys()


def shape_of(record: Any) -> Shape:
    """What one record looks like."""
    if isinstance(record, list):
        return "message_list" if record and all(map(is_turn, record)) else "unknown"
    if not isinstance(record, dict):
        return "unknown"
    if tuple(record) == CSV_HEADER:
        return "curator_csv"
    if is_pair(record):
        return "pair"
    native = detect(record)
    if native == "chat" and _has_foreign_turns(record["messages"]):
        return "sharegpt"
    if native in ("reinforcement", "preference") and _is_answered_request(record):
        return "request"
    if native in maps.NATIVE and not (native == "preference" and _holds_no_messages(record)):
        return native
    return _foreign_shape(record)


def _has_foreign_turns(messages: Any) -> bool:
    """Whether `messages` holds turns or calls of another dialect: `{"role": …, "text": …}`, `["user", "Hi"]`."""
    if not isinstance(messages, list) or not messages:
        return False
    if any(has_calls(each.get("content")) for each in messages if isinstance(each, dict)):
        return True
    native = (isinstance(each, dict) and "role" in each and not _SPOKEN.isdisjoint(each) for each in messages)
    turns = all(is_turn(each) or is_named_text(each) for each in messages)
    return not any(native) and (turns or not any("role" in each for each in messages if isinstance(each, dict)))


def _is_answered_request(record: Mapping[str, Any]) -> bool:
    """Whether a model's answer stands beside the messages of its request, as logs and LangSmith write them."""
    if not record.keys().isdisjoint(_PREFERENCE_KEYS - {"input"}):
        return False
    if isinstance(record.get("messages"), list):  # other keys beside messages are for graders
        response = record.get("response")
        return _has_choices(record) or (isinstance(response, dict) and _has_choices(response))
    return is_request(record) and not record.keys().isdisjoint(ANSWER_KEYS)


def _has_choices(response: Mapping[str, Any]) -> bool:
    choices = response.get("choices")
    return isinstance(choices, list) and bool(choices) and isinstance(choices[0], dict) and "message" in choices[0]


def _holds_no_messages(record: Mapping[str, Any]) -> bool:
    """Whether nothing in a record but an object called `input` is of a preference pair."""
    return record.keys().isdisjoint(_PREFERENCE_KEYS - {"input"}) and "messages" not in record["input"]


def _foreign_shape(record: Mapping[str, Any]) -> Shape:
    for shape, is_of_shape in _MARKED.items():
        if is_of_shape(record):
            return shape
    if any(isinstance(record.get(key), list) for key in TURN_KEYS):
        return "sharegpt"
    if isinstance(record.get("contents"), list):
        return "gemini"
    if is_request(record):
        return "request"
    if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        return "completion"
    if "instruction" in record and "output" in record:
        return "alpaca"
    if isinstance(record.get("text"), str) and templates.turns_of(record["text"]) is not None:
        return "chat_text"
    return "question_answer" if columns_map(record) is not None else "unknown"


_MARKED: dict[Shape, Callable[[Mapping[str, Any]], bool]] = {
    "chat_export": is_export,
    "message_tree": is_message_tree,
    "ranking": is_ranking,
    "function_calls": lambda record: question_of_calls(record) is not None,
    "glaive": lambda record: glaive_text(record) is not None,
}
"""Shapes that are known by marks of their own, whatever other keys stand beside."""


def is_request(record: Mapping[str, Any]) -> bool:
    """Whether a record holds a chat request: a batch's line, or a stored completion with its request."""
    for key in REQUEST_KEYS:
        body = record.get(key)
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            return True
    return False


def detect_map(records: Iterable[Any]) -> tuple[Shape, Map]:
    """The shape that most of some records have, and the map that brings it to examples."""
    records = list(records)
    places = Counter((shape_of(record), "") for record in records)
    if places.keys() <= {("unknown", "")}:
        places = Counter((shape_of(record[key]), key) for record in records if (key := inside_key(record)))
    for (shape, key), _ in places.most_common():
        if shape != "unknown":
            inner = [_inner(record, key) for record in records] if key else records
            by = replace(_map_of(shape, inner), inside=(key,) if key else ())
            return shape, with_verdicts(by, records)
    return "unknown", UNKNOWN


def _map_of(shape: Shape, records: list[Any]) -> Map:
    """The map of a shape; of question and answer, the most frequent columns, with all columns of context."""
    if shape != "question_answer":
        return maps.named(shape)
    candidates = [columns_map(record) for record in records if isinstance(record, dict)]
    usual = Counter(each for each in candidates if each is not None).most_common(1)[0][0]
    alike = [each for each in candidates if each is not None and each.user[0] == usual.user[0]]
    contexts = dict.fromkeys(column for each in alike for column in (*usual.user, *each.user))
    return replace(usual, user=tuple(key for key in contexts if key not in usual.assistant))


def judges_by_itself(by: Map) -> bool:
    """Whether no column can judge the answers that a map finds: a pair says itself which answer is better."""
    return by.shape in ("pair", "ranking", "preference", "unknown") or by.is_pair


def with_verdicts(by: Map, records: Iterable[Any]) -> Map:
    """The map with the columns that say whether answers are good; a pair says so by itself."""
    if judges_by_itself(by):
        return by
    if by.inside:
        records = [_inner(record, by.inside[0]) for record in records]
    classes = ["label"] if by.assistant and by.assistant[0].lower().startswith("label") else []
    return replace(by, verdict=verdict_columns(records, (*by.user, *by.assistant, *by.system, *classes)))


def _inner(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def inside_key(record: Any) -> str:
    """The key under which the whole record lies, where a record of a known shape does; else empty."""
    if not isinstance(record, dict):
        return ""
    keys = [key for key in _INSIDE if isinstance(record.get(key), dict)]
    beside = (value for key, value in record.items() if key not in (*keys, *_BESIDE))
    if len(keys) != 1 or any(isinstance(value, dict | list) and value for value in beside):
        return ""
    return keys[0] if shape_of(record[keys[0]]) != "unknown" else ""
