"""Raw prompts, which nobody has answered yet: of a file of any kind, or those that the local server answered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from curator.core.example import parse
from curator.errors import InputError
from curator.jobs.http.client import Client

MOST = 10_000
"""Prompts that are read."""
_FIELDS = ("prompt", "question", "instruction", "input", "text", "message", "query", "content")
"""Fields of a record that may hold a prompt, the likeliest first."""
_KEPT = ("role", "content", "name", "tool_calls", "tool_call_id")
_PAGE = 100
Messages = list[dict[str, Any]]


def read_prompts(path: Path | str) -> list[Messages]:
    """The prompts of a file: one on each line of a text, or of a dataset the messages before the last answer.

    Raises InputError for a file that cannot be read or holds none.
    """
    lines = _text_lines(Path(path)) if Path(path).suffix.lower() in (".txt", ".md", "") else _records(path)
    prompts = []
    for messages in lines:
        prompts.append(messages)
        if len(prompts) == MOST:
            break
    if not prompts:
        fields = ", ".join(_FIELDS)
        raise InputError(f"{path} holds no prompt: it needs lines of text, chats, or one of the fields {fields}")
    return prompts


def _text_lines(path: Path) -> Iterator[Messages]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in file:
                if line.strip():
                    yield [{"role": "user", "content": line.strip()}]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _records(path: Path | str) -> Iterator[Messages]:
    from curator.workspace.files.preview import records  # heavy

    with records(Path(path)) as (_, _, lines, _):
        for _, raw in lines:
            messages = _prompt_of(parse(raw).value)
            if messages:
                yield messages


def _prompt_of(value: Any) -> Messages:
    """The messages of a record that ask, its text as a question, or nothing."""
    if isinstance(value, str) and value.strip():
        return [{"role": "user", "content": value.strip()}]
    if not isinstance(value, dict):
        return []
    messages = value.get("messages", value.get("input"))
    if isinstance(messages, dict):
        messages = messages.get("messages")
    if isinstance(messages, list):
        return _asking([message for message in messages if isinstance(message, dict)])
    text = next((value[name] for name in _FIELDS if isinstance(value.get(name), str)), "")
    return [{"role": "user", "content": text.strip()}] if text.strip() else []


def _asking(messages: Messages) -> Messages:
    """The messages up to the last question; nothing where there is none."""
    last = max((at for at, each in enumerate(messages) if each.get("role") == "user"), default=None)
    return [] if last is None else [_plain(each) for each in messages[: last + 1]]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name in _KEPT}


async def stored_prompts(client: Client, most: int = 1_000) -> list[Messages]:
    """The prompts of completions that the local server was asked to store, the newest first. Raises InputError
    where there are none, ProviderError."""
    doing, stored = "list the stored completions", client.sdk.chat.completions
    completions: list[str] = []
    query: dict[str, Any] = {"order": "desc", "limit": _PAGE}
    while len(completions) < most:
        page: Any = await client.read(doing, partial(stored.list, **query))
        completions += [item.id for item in page.data]
        if len(page.data) < _PAGE:
            break
        query["after"] = completions[-1]
    prompts: dict[bytes, Messages] = {}
    for number in completions[:most]:
        answered: Any = await client.read(doing, partial(stored.messages.list, number, limit=_PAGE))
        messages = _asking([{"role": str(each.role), "content": each.content} for each in answered.data])
        if messages:
            prompts.setdefault(orjson.dumps(messages), messages)
    if not prompts:
        raise InputError(
            "the local server has stored no completions (a request with `store: true` has it store one); "
            "--from FILE takes the prompts of a file"
        )
    return list(prompts.values())
