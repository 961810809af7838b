"""Rules on what a model on this machine cannot be shown: its chat template makes one text of an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from curator.core.rules.context import Context
from curator.core.rules.families.images import images
from curator.core.rules.families.tools import tool_calls
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule, severities
from curator.core.rules.subject import Subject, quote


@rule(
    "not_readable_locally",
    severities(None, local="E"),
    "own",
    "an image, or a call to be learnt whose arguments are no JSON object, in training on this machine",
    "the local engines read text only and write a call as JSON: what they cannot show would be left out",
    when=Has.TOOLS | Has.PARTS | Has.ODD,
)
def not_readable_locally(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, _, _ in images(subject):
        yield Finding(path, "models on this machine read text only; the image would be left out")
    for turn in subject.turns:
        if not turn.trained:
            continue
        calls: list[tuple[tuple[str | int, ...], Any]] = [
            (("tool_calls", index, "function"), call.get("function"))
            for index, call in enumerate(tool_calls(turn))
            if isinstance(call, dict)
        ]
        calls.append((("function_call",), turn.message.get("function_call")))
        for path, function in calls:
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if isinstance(arguments, str) and not _is_object(arguments):
                words = f"the arguments are no JSON object, so the call cannot be trained: {quote(arguments)}"
                yield Finding((*turn.path, *path, "arguments"), words)


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except ValueError:
        return False
