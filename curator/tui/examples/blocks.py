"""Divides an example of any format into blocks to read and edit, each with its path in the JSON.

Pure functions from a parsed value to blocks. The conversation widget draws them, the editor edits them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curator.core import splice
from curator.core.counting.counter import Counter
from curator.core.example import Example, Path, parse_path
from curator.core.problem import Problem
from curator.core.turns import is_learnt

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
"""The roles of the chat format, in the order in which the editor offers them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of an example: a message, or a top-level key of another format."""

    path: Path
    """The block's path in the JSON value, e.g. ("messages", 2)."""
    role: str
    """A chat role; outside of chats prompt, completion, preferred, non-preferred, json or the key's own name."""
    text: str
    """The text to show: the content, or JSON where the block is no text."""
    text_path: Path | None
    """The path of the one JSON string that `text` is; None where `text` cannot be edited in place."""
    notes: tuple[str, ...] = ()
    """Lines shown below the text: tool calls, images, names."""
    weight: float | None = None
    """The message's training weight, None without one."""
    message: bool = False
    """True for an item of a messages or preference list: its role can change, it can move and be removed."""


def blocks_of(example: Example) -> list[Block]:
    """The blocks of an example in reading order; never empty, never raises."""
    value = example.value
    if value is None:
        return [Block((), "not JSON", example.raw.decode("utf-8", "surrogateescape"), None)]
    if not isinstance(value, dict):
        return [_json_block((), value, "json")]
    blocks = list(_blocks_by_key(value))
    return blocks or [_json_block((), value, "json")]


def _blocks_by_key(value: dict[str, Any]) -> Iterator[Block]:
    for key, content in value.items():
        if key == "messages" and isinstance(content, list):
            yield from (_message_block(("messages", index), item) for index, item in enumerate(content))
        elif key == "input" and isinstance(content, dict) and isinstance(content.get("messages"), list):
            yield from (
                _message_block(("input", "messages", i), item) for i, item in enumerate(content["messages"])
            )
            rest = {name: item for name, item in content.items() if name != "messages"}
            yield from (_json_block(("input", name), item, name) for name, item in rest.items())
        elif key in PREFERENCES and isinstance(content, list):
            yield from (_preference_block(key, index, item) for index, item in enumerate(content))
        elif isinstance(content, str):
            yield Block((key,), key, content, (key,))
        else:
            yield _json_block((key,), content, key)


PREFERENCES = {
    "preferred_output": "preferred",
    "non_preferred_output": "non-preferred",
    "preferred_completion": "preferred",
    "non_preferred_completion": "non-preferred",
}
"""The keys of a preference example's answers, in both spellings, and the role shown for each."""


def _preference_block(key: str, index: int, item: Any) -> Block:
    block = _message_block((key, index), item)
    return Block(block.path, PREFERENCES[key], block.text, block.text_path, block.notes, block.weight)


def _json_block(path: Path, value: Any, role: str) -> Block:
    return Block(path, role, _dump(value), None)


def _dump(value: Any) -> str:
    try:
        return splice.dump(value).decode()
    except RecursionError:
        return "… nested too deeply to show: the JSON view has it"


def _message_block(path: Path, item: Any) -> Block:
    if not isinstance(item, dict):
        return Block(path, "not a message", _dump(item), None, message=True)
    role = item.get("role")
    text, text_path, notes = _content(path, item)
    weight = item.get("weight")
    number = weight if isinstance(weight, int | float) and not isinstance(weight, bool) else None
    if role == "assistant" and not is_learnt(item):
        number = 0
    role_name = role if isinstance(role, str) and role else "no role"
    return Block(path, role_name, text, text_path, (*notes, *_message_notes(item)), number, message=True)


def _content(path: Path, item: dict[str, Any]) -> tuple[str, Path | None, list[str]]:
    content = item.get("content")
    if isinstance(content, str):
        return content, (*path, "content"), []
    if content is None:
        return "", (*path, "content"), []
    if isinstance(content, list):
        texts = [
            (i, part) for i, part in enumerate(content) if isinstance(part, dict) and part.get("type") == "text"
        ]
        notes = [
            _part_note(part) for part in content if not (isinstance(part, dict) and part.get("type") == "text")
        ]
        if len(texts) == 1 and isinstance(texts[0][1].get("text"), str):
            index, part = texts[0]
            return part["text"], (*path, "content", index, "text"), notes
        joined = "\n".join(str(part.get("text", "")) for _, part in texts)
        return joined, None, notes
    return _dump(content), None, []


def _part_note(part: Any) -> str:
    kind = part.get("type", "part") if isinstance(part, dict) else "part"
    body = part.get(kind, part) if isinstance(part, dict) else part
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        return f"▣ {kind}: {body['url'][:200]}"
    return f"▣ {kind}: {splice.dump(body).decode('utf-8', 'surrogateescape')[:200]}"


def _message_notes(item: dict[str, Any]) -> Iterator[str]:
    if isinstance(item.get("name"), str):
        yield f"name: {item['name']}"
    if isinstance(item.get("tool_call_id"), str):
        yield f"answers {item['tool_call_id']}"
    calls = item.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield f"⚙ {function.get('name')}({function.get('arguments')})"
        else:
            yield f"⚙ {splice.dump(call).decode('utf-8', 'surrogateescape')}"
    if isinstance(item.get("function_call"), dict):
        yield f"⚙ {item['function_call'].get('name')}({item['function_call'].get('arguments')})"


def problems_by_block(problems: list[Problem], blocks: list[Block]) -> dict[int | None, list[Problem]]:
    """Group problems by the index of their block; those of the example as a whole are under None."""
    places = _index_by_path(blocks)
    placed: dict[int | None, list[Problem]] = {}
    for problem in problems:
        placed.setdefault(_block_index(problem, places), []).append(problem)
    return placed


def block_of(problem: Problem, blocks: list[Block]) -> int | None:
    """The index of the block that contains a problem's location, or None."""
    return _block_index(problem, _index_by_path(blocks))


def _index_by_path(blocks: list[Block]) -> dict[Path, int]:
    return {block.path: index for index, block in reversed(list(enumerate(blocks))) if block.path}


def _block_index(problem: Problem, places: dict[Path, int]) -> int | None:
    try:
        path = parse_path(problem.location) if problem.location else ()
    except ValueError:
        return None
    candidates = (places.get(path[:length]) for length in range(1, len(path) + 1))
    return next((index for index in candidates if index is not None), None)


def tokens_of(counter: Counter, value: Any, blocks: list[Block]) -> list[int | None]:
    """The tokens of each block: for a message with those of its role and delimiters, else for the text alone."""
    return [counter.message(value_at(value, b.path)) if b.message else counter.text(b.text) for b in blocks]


def value_at(value: Any, path: Path) -> Any:
    """The value at a path. Raises LookupError or TypeError where the path does not exist."""
    for step in path:
        value = value[step]
    return value
