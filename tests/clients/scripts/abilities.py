"""What every client's script shares: an ability is a function; its result is one JSON line on stdout.

Needs nothing but Python, since it runs in the client's own environment. The server is named by OPENAI_BASE_URL and
OPENAI_API_KEY, as the clients' users name it, and the model by CURATOR_MODEL.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

BASE_URL = os.environ["OPENAI_BASE_URL"]
KEY = os.environ["OPENAI_API_KEY"]
MODEL = os.environ["CURATOR_MODEL"]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "enum": ["Ada", "Bob"]}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
HELLO = [{"role": "user", "content": "Say hello."}]


def ability(column: str) -> Callable[[Callable[[], Any]], None]:
    """Run the decorated function at once and tell whether the ability of this column of the table works."""

    def run(function: Callable[[], Any]) -> None:
        try:
            function()
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            tell(column, False, f"{type(error).__name__}: {error}"[:300])
        else:
            tell(column, True, "")

    return run


def tell(column: str, works: bool, why: str) -> None:
    """Write one result."""
    sys.stdout.write(json.dumps({"ability": column, "works": works, "why": why}) + "\n")
    sys.stdout.flush()


def require_person(value: Any) -> None:
    """Raise AssertionError unless a value, or its JSON, is a person of the schema."""
    person = json.loads(value) if isinstance(value, str) else value
    assert person["name"] in ("Ada", "Bob") and isinstance(person["age"], int), person


def training_file() -> bytes:
    """Ten short conversations, as JSONL."""
    lines = []
    for number in range(10):
        messages = [*HELLO, {"role": "assistant", "content": f"Hello {number}."}]
        lines.append(json.dumps({"messages": messages}))
    return "\n".join(lines).encode()
