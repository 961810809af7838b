"""Blocks: what a person reads in an example, whatever its format, and where each piece is in the JSON.

Pure: a parsed value in, blocks out. The conversation draws them, the editor edits them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curator.core import splice
from curator.core.counting.counter import Counter
from curator.core.example import Example, Path, parse_path
from curator.core.problem import Problem

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
"""The roles of today's chat format, in the order in which the editor offers them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of an example."""

    path: Path
    """Where the block is: ("messages", 2)."""
    role: str
    """A chat role, or what stands for one: prompt, completion, preferred, non-preferred, tools, json."""
    text: str
    """What is shown."""
    text_path: Path | None
    """Where `text` is as one JSON string; None where it is no string that can be edited in place."""
    notes: tuple[str, ...] = ()
    """Tool calls, images, names: shown below the text."""
    weight: float | None = None
    """The training weight, where given."""
    message: bool = False
    """Whether it is an object of a messages list: can change role, move, be removed."""


def blocks_of(example: Example) -> list[Block]:
    """The blocks of an example in reading order; never empty, never raises."""
    value = example.value
    if value is None:
        return [Block((), "not JSON", example.raw.decode("utf-8", "surrogateescape"), None)]
    if not isinstance(value, dict):
        return [_json((), value, "json")]
    found = list(_known(value))
    return found or [_json((), value, "json")]


def _known(value: dict[str, Any]) -> Iterator[Block]:
    for key, content in value.items():
        if key == "messages" and isinstance(content, list):
            yield from (_message(("messages", index), item) for index, item in enumerate(content))
        elif key == "input" and isinstance(content, dict) and isinstance(content.get("messages"), list):
            yield from (_message(("input", "messages", i), item) for i, item in enumerate(content["messages"]))
            rest = {name: item for name, item in content.items() if name != "messages"}
            yield from (_json(("input", name), item, name) for name, item in rest.items())
        elif key in PREFERENCES and isinstance(content, list):
            yield from (_preference(key, index, item) for index, item in enumerate(content))
        elif isinstance(content, str):
            yield Block((key,), key, content, (key,))
        else:
            yield _json((key,), content, key)


PREFERENCES = {
    "preferred_output": "preferred",
    "non_preferred_output": "non-preferred",
    "preferred_completion": "preferred",
    "non_preferred_completion": "non-preferred",
}
"""Both spellings of the preference format's answers."""


def _preference(key: str, index: int, item: Any) -> Block:
    block = _message((key, index), item)
    return Block(block.path, PREFERENCES[key], block.text, block.text_path, block.notes, block.weight)


def _json(path: Path, value: Any, role: str) -> Block:
    return Block(path, role, _dump(value), None)


def _dump(value: Any) -> str:
    try:
        return splice.dump(value).decode()
    except RecursionError:
        return "… nested too deeply to show: the JSON view has it"


def _message(path: Path, item: Any) -> Block:
    if not isinstance(item, dict):
        return Block(path, "not a message", _dump(item), None, message=True)
    role = item.get("role")
    text, text_path, notes = _content(path, item)
    weight = item.get("weight")
    number = weight if isinstance(weight, int | float) and not isinstance(weight, bool) else None
    shown = role if isinstance(role, str) and role else "no role"
    return Block(path, shown, text, text_path, (*notes, *_extras(item)), number, message=True)


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
        notes = [_part(part) for part in content if not (isinstance(part, dict) and part.get("type") == "text")]
        if len(texts) == 1 and isinstance(texts[0][1].get("text"), str):
            index, part = texts[0]
            return part["text"], (*path, "content", index, "text"), notes
        joined = "\n".join(str(part.get("text", "")) for _, part in texts)
        return joined, None, notes
    return _dump(content), None, []


def _part(part: Any) -> str:
    kind = part.get("type", "part") if isinstance(part, dict) else "part"
    body = part.get(kind, part) if isinstance(part, dict) else part
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        return f"▣ {kind}: {body['url'][:200]}"
    return f"▣ {kind}: {splice.dump(body).decode('utf-8', 'surrogateescape')[:200]}"


def _extras(item: dict[str, Any]) -> Iterator[str]:
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


def beside(problems: list[Problem], blocks: list[Block]) -> dict[int | None, list[Problem]]:
    """Problems by the index of the block they are in; those of the whole example under None."""
    places = _places(blocks)
    placed: dict[int | None, list[Problem]] = {}
    for problem in problems:
        placed.setdefault(_place(problem, places), []).append(problem)
    return placed


def block_of(problem: Problem, blocks: list[Block]) -> int | None:
    """The index of the block that a problem's location is in, or None."""
    return _place(problem, _places(blocks))


def _places(blocks: list[Block]) -> dict[Path, int]:
    return {block.path: index for index, block in reversed(list(enumerate(blocks))) if block.path}


def _place(problem: Problem, places: dict[Path, int]) -> int | None:
    try:
        path = parse_path(problem.location) if problem.location else ()
    except ValueError:
        return None
    found = (places.get(path[:length]) for length in range(1, len(path) + 1))
    return next((index for index in found if index is not None), None)


def tokens_of(counter: Counter, value: Any, blocks: list[Block]) -> list[int | None]:
    """Tokens of each block: of the message with what surrounds it, or of the text."""
    return [counter.message(at(value, b.path)) if b.message else counter.text(b.text) for b in blocks]


def at(value: Any, path: Path) -> Any:
    """The value at a path that is known to be there."""
    for step in path:
        value = value[step]
    return value
