"""From the shapes that datasets come in to chat examples, and back to the shapes that people ask for.

Everything here is a value in, a value out. What a map does not name is left behind only where the caller was
told so (`leftover`); what cannot be mapped gives None and stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from curator.core.duplicates.texts import message_text
from curator.core.example import parse_path
from curator.core.formats import detect
from curator.errors import UsageError

Shape = Literal[
    "chat",
    "preference",
    "reinforcement",
    "completion",
    "sharegpt",
    "alpaca",
    "question_answer",
    "columns",
    "unknown",
]
Target = Literal["chat", "preference", "completion", "sharegpt", "alpaca", "csv"]
TARGETS: tuple[Target, ...] = ("chat", "preference", "completion", "sharegpt", "alpaca", "csv")
_SHAREGPT_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "bing": "assistant", "bard": "assistant", "bot": "assistant", "model": "assistant", "system": "system",
    "tool": "tool", "function": "function", "observation": "tool", "function_call": "assistant",
}  # fmt: skip
_ASKED = ("question", "query", "input", "user", "human", "instruction", "prompt", "text", "message")
_SAID = ("answer", "response", "output", "assistant", "completion", "reply", "label", "target", "gpt", "bot")
_SYSTEM = ("system", "system_prompt")
_KEYS = ("system", "user", "assistant")
_TOOL_KEYS = frozenset({"tools", "functions", "parallel_tool_calls", "function_call", "tool_choice"})
_NATIVE = ("chat", "preference", "reinforcement")


@dataclass(frozen=True, slots=True)
class Map:
    """Which columns make the messages; several are joined by an empty line, empty ones skipped."""

    user: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    shape: Shape = "columns"

    def spec(self) -> str:
        """As `--map` takes it: `user=question+context,assistant=answer`."""
        if self.shape == "sharegpt":
            return "sharegpt"
        if not self.user and not self.assistant:
            return "none"
        pairs = ((key, getattr(self, key)) for key in _KEYS)
        return ",".join(f"{key}={'+'.join(columns)}" for key, columns in pairs if columns)

    @property
    def columns(self) -> frozenset[str]:
        """Every key that the map takes something from."""
        if self.shape == "sharegpt":
            return frozenset({"conversations", "conversation", "system"})
        return frozenset({*self.user, *self.assistant, *self.system})


KEEP = Map(shape="chat")
"""The map that changes nothing."""


def parse_map(spec: str) -> Map:
    """`user=a+b,assistant=c,system=d`, a shape's name, or `none` (keep every line). Raises UsageError."""
    if spec in ("none", "chat", "keep"):
        return KEEP
    if spec in ("sharegpt", "alpaca", "question_answer", "completion"):
        return _fixed(spec)  # type: ignore[arg-type]
    found: dict[str, tuple[str, ...]] = {}
    for part in spec.split(","):
        key, sign, columns = part.partition("=")
        if not sign or key.strip() not in _KEYS or not columns.strip():
            raise UsageError(f"'{part}' is no map: write user=COLUMN,assistant=COLUMN (or system=, +COLUMN, none)")
        found[key.strip()] = tuple(column.strip() for column in columns.split("+") if column.strip())
    if "user" not in found or "assistant" not in found:
        raise UsageError("a map needs user=… and assistant=…")
    return Map(found["user"], found["assistant"], found.get("system", ()))


def _fixed(shape: Shape) -> Map:
    return {
        "sharegpt": Map(shape="sharegpt"),
        "alpaca": Map(("instruction", "input"), ("output",), ("system",), "alpaca"),
        "question_answer": Map(("question",), ("answer",), (), "question_answer"),
        "completion": Map(("prompt",), ("completion",), (), "completion"),
    }.get(shape, KEEP)


def shape_of(value: Any) -> Shape:
    """What one record looks like."""
    known = detect(value)
    if known != "unknown":
        return "completion" if known == "completion" else known
    if not isinstance(value, dict):
        return "unknown"
    if isinstance(value.get("conversations", value.get("conversation")), list):
        return "sharegpt"
    if "instruction" in value and "output" in value:
        return "alpaca"
    return "question_answer" if _columns(value) is not None else "unknown"


def detect_map(values: Iterable[Any]) -> tuple[Shape, Map]:
    """The shape that most of some records have, and the map that brings it to chat examples."""
    values = list(values)
    counts = Counter(map(shape_of, values))
    for shape, _ in counts.most_common():
        if shape == "question_answer":
            found = Counter(m for m in (_columns(v) for v in values if isinstance(v, dict)) if m is not None)
            return shape, found.most_common(1)[0][0]
        if shape != "unknown":
            return shape, KEEP if shape in _NATIVE else _fixed(shape)
    return "unknown", KEEP


def _columns(value: Mapping[str, Any]) -> Map | None:
    """Columns whose names say question and answer."""
    names = {str(key).lower().strip(): str(key) for key in value}
    asked = next((names[name] for name in _ASKED if name in names), None)
    said = next((names[name] for name in _SAID if name in names and names[name] != asked), None)
    if asked is None or said is None:
        return None
    system = tuple(names[name] for name in _SYSTEM if name in names)
    return Map((asked,), (said,), system, "question_answer")


def to_chat(value: Any, by: Map) -> dict[str, Any] | None:
    """A record as a chat example; None where the map does not fit it (it is then kept as it is)."""
    if not isinstance(value, dict) or by == KEEP or detect(value) in _NATIVE:
        return None
    if by.shape == "sharegpt":
        return _from_sharegpt(value)
    messages = []
    for role in _KEYS:
        found = [field for column in getattr(by, role) for field in _fields(value, column)]
        text = "\n\n".join(part for part in map(_text, found) if part)
        if text or (role != "system" and found):
            messages.append({"role": role, "content": text})
    roles = [message["role"] for message in messages]
    return {"messages": messages} if "user" in roles and "assistant" in roles else None


def _fields(value: Mapping[str, Any], column: str) -> list[Any]:
    """What a record has there, or nothing: at a key, or at a location inside (`instances[0].output`)."""
    if column in value:
        return [value[column]]
    found: Any = value
    try:
        for step in parse_path(column):
            if type(found) not in (dict, list):
                return []  # not a letter of a text
            found = found[step]
    except (LookupError, TypeError, ValueError):
        return []
    return [found]


def _key_of(column: str) -> str:
    """The key of a record in which a column's location begins."""
    return re.split(r"[.\[]", column, maxsplit=1)[0]


def leftover(value: Any, by: Map) -> list[str]:
    """Keys of a record that the map leaves behind."""
    if not isinstance(value, dict) or by == KEEP or detect(value) in _NATIVE:
        return []
    taken = by.columns | {_key_of(column) for column in by.columns if column not in value}
    return [str(key) for key in value if key not in taken]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _dumped(value)


def _dumped(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _from_sharegpt(value: Mapping[str, Any]) -> dict[str, Any] | None:
    turns = value.get("conversations", value.get("conversation"))
    if not isinstance(turns, list) or not turns:
        return None
    messages: list[dict[str, Any]] = []
    if isinstance(value.get("system"), str) and value["system"]:
        messages.append({"role": "system", "content": value["system"]})
    for turn in turns:
        if not isinstance(turn, dict):
            return None
        said = str(turn.get("from", turn.get("role", "")))
        text = turn.get("value", turn.get("content"))
        messages.append({"role": _SHAREGPT_ROLES.get(said.lower(), said), "content": text})
    return {"messages": messages}


def to_target(value: Any, target: Target) -> Any | None:
    """A record in another format, further keys carried along.

    None where it says more (tools, several turns) than that format can hold.
    """
    if detect(value) == target:
        return value
    if detect(value) == "completion" and target == "chat":
        return to_chat(value, _fixed("completion"))
    if target == "preference" or detect(value) != "chat":
        return _preferred(value) if detect(value) == "preference" and target == "chat" else None
    messages = value["messages"]
    if target == "csv":
        return value
    if not isinstance(messages, list) or not all(map(_plain, messages)):
        return None
    rest = {key: item for key, item in value.items() if key != "messages"}
    if rest.keys() & _TOOL_KEYS:
        return None
    if target == "sharegpt":
        names = {"user": "human", "assistant": "gpt"}
        turns = [{"from": names.get(m["role"], m["role"]), "value": m["content"]} for m in messages]
        return {"conversations": turns, **rest}
    system = "\n\n".join(m["content"] for m in messages if m["role"] in ("system", "developer"))
    spoken = [m for m in messages if m["role"] not in ("system", "developer")]
    if [m["role"] for m in spoken] != ["user", "assistant"]:
        return None
    asked, said = spoken[0]["content"], spoken[1]["content"]
    if target == "completion":
        return {"prompt": f"{system}\n\n{asked}" if system else asked, "completion": said, **rest}
    record = {"instruction": asked, "input": "", "output": said, **rest}
    return {"system": system, **record} if system else record


def _plain(message: Any) -> bool:
    """Whether a message is a role, a text, and nothing else."""
    if not isinstance(message, dict) or len(message) != 2:
        return False
    return isinstance(message.get("role"), str) and isinstance(message.get("content"), str)


def _preferred(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """A preference pair as a chat example with the preferred answer."""
    if not isinstance(value.get("input"), dict):
        return None
    asked, chosen = value["input"].get("messages"), value.get("preferred_output")
    if not isinstance(asked, list) or not isinstance(chosen, list):
        return None
    rest = {key: value["input"][key] for key in ("tools", "parallel_tool_calls") if key in value["input"]}
    return {"messages": [*asked, *chosen], **rest}


CSV_HEADER = ("system", "user", "assistant", "messages")
_FORMULA = re.compile(r"[=+\-@\t\r]")


def to_cells(value: Any, raw: bytes) -> list[str]:
    """A record as the cells of `CSV_HEADER`: a single question and answer in words, anything else as JSON.

    Cells that a spreadsheet would take for a formula get an apostrophe in front.
    """
    cells = ["", "", "", raw.decode("utf-8", "replace")]
    if detect(value) == "chat":
        simple = to_target(value, "alpaca")
        if simple is not None:
            cells = [simple.get("system", ""), simple["instruction"], simple["output"], ""]
        else:
            cells[3] = _dumped(value["messages"]) if len(value) == 1 else _dumped(value)
    return [guarded(cell) for cell in cells]


def guarded(cell: str) -> str:
    """A CSV cell that no spreadsheet runs as a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def first_words(value: Any) -> str:
    """The first text of a chat example, for a preview."""
    messages = value.get("messages", []) if isinstance(value, dict) else []
    return next((text for text in map(message_text, messages) if text), "")
