"""The quick answer to one question: has this line any error of format? It only ever says "clean".

Plain chats (system, user and assistant messages with a role and a text, and nothing else) are decoded straight
into typed objects, which is faster than parsing at all. Every other line goes to the rules. A property test
holds the two together: what is called clean here has no error there.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from curator.core.example import parse
from curator.core.problem import Severity
from curator.core.rules import Context, check


class Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that has just a role and a text."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A chat example without tools."""

    messages: list[Message]


_decode = msgspec.json.Decoder(Chat).decode


def is_clean(raw: bytes, context: Context) -> bool:
    """Whether the rules that look at one example find no error in the line."""
    try:
        messages = _decode(raw).messages
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return not any(problem.severity is Severity.ERROR for problem in check(parse(raw), context))
    answered = False
    for message in messages:
        content = message.content
        if not content or (message.role == "assistant" and content.isspace()):
            break
        answered = answered or message.role == "assistant"
    else:
        if answered and context.contract is None and context.profile != "azure":
            return True
    return not any(problem.severity is Severity.ERROR for problem in check(parse(raw), context))
