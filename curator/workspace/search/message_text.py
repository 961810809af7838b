"""Whether a word is said in a line: decoded for its contents alone, which takes a tenth of asking the example."""

from __future__ import annotations

from typing import Any

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from curator.workspace.analysis.flag_columns import EACH, HEAD, LAST, NEXT, QUOTES
from curator.workspace.storage.line_file import Block


class _Message(Struct, forbid_unknown_fields=True, gc=False):
    role: str
    content: str


class _Chat(Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_Message]


class _AnyMessage(Struct, gc=False):
    content: Any = None


class _AnyChat(Struct, gc=False):
    messages: list[_AnyMessage]


class _Function(Struct, gc=False):
    name: str = ""
    arguments: str = ""


class _Call(Struct, gc=False):
    function: _Function | None = None


class _Calling(Struct, gc=False):
    tool_calls: list[_Call] | None = None


class _CallingChat(Struct, gc=False):
    messages: list[_Calling]


_FAILS = (MsgspecError, UnicodeDecodeError, RecursionError)
_chat, _any_chat, _calling_chat = Decoder(_Chat).decode, Decoder(_AnyChat).decode, Decoder(_CallingChat).decode


def says(raw: bytes, word: str, *, plain: bool) -> bool | None:
    """Whether a line whose bytes have a word in lower case says it; None where more is to be asked.

    `plain`: it is worth trying whether the line is nothing but messages of a role and a text each. A line that is
    no valid JSON is its own text, and so has the word whatever was decoded.
    """
    if plain:
        try:
            messages = _chat(raw).messages
            return any(word in message.content.lower() for message in messages) if messages else None
        except _FAILS:
            pass
    try:
        for message in _any_chat(raw).messages:
            content = message.content
            if content.__class__ is str and word in content.lower():
                return True
        for calling in _calling_chat(raw).messages:
            for call in calling.tool_calls or ():
                said = call.function
                if said is not None and (word in said.arguments.lower() or word in said.name.lower()):
                    return True
    except _FAILS:
        pass
    return None


def is_content(before: bytes) -> bool:
    """Whether what stands behind these bytes of a line, which begins with contents, is for sure said in one.

    It is where all quotes before it are those of messages of a role and a text each.
    """
    quotes = before.count(b'"')
    if quotes == QUOTES:
        return True
    more, rest = divmod(quotes - QUOTES, EACH)
    return more > 0 and not rest and len(NEXT.findall(before)) == more


def begins_with(word: bytes, block: Block, start: int, end: int) -> bool | None:
    """Whether a word in lower case is in one of the plain messages that a line in a block begins with.

    None where these are not all of it, or where an escape is in the way. Its bytes are known: no key stands twice,
    and a letter is a letter; but it may be no valid JSON.
    """
    head = HEAD.match(block, start, end)
    while head is not None:
        begin = head.end()
        quote = block.find(b'"', begin, end)
        if quote < 0:
            return None
        text = block[begin:quote].lower()
        at = text.find(word)
        if at >= 0:
            return None if b"\\" in text[max(at - 5, 0) : at] else True
        head = NEXT.match(block, quote, end)  # never behind an escaped quote: what follows would be no JSON
        if head is None and block[quote:end].rstrip() == LAST and block[quote - 1 : quote] != b"\\":
            return False
    return None
