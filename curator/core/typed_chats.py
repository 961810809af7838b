"""Well-formed chat examples as typed objects: a line that decodes to one of these breaks hardly any rule on
formats.

Decoding is faster than parsing to dicts and lists, because it makes no objects for keys and roles. What a
schema cannot express (do calls and answers match, does a key occur twice) is checked in
`curator.core.rules.quick`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from msgspec import UNSET, Meta, MsgspecError, Raw, Struct, UnsetType
from msgspec.json import Decoder

Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]


class _Object(Struct, forbid_unknown_fields=True, gc=False):
    """An object without other keys than the declared ones."""


class _Message(_Object, tag_field="role"):
    """A message; its class is its role."""


class PlainSystem(_Message, tag="system"):
    """`{"role": "system", "content": …}`."""

    content: Text


class PlainUser(_Message, tag="user"):
    """`{"role": "user", "content": …}`."""

    content: Text


class PlainAssistant(_Message, tag="assistant"):
    """`{"role": "assistant", "content": …}`."""

    content: Text


class PlainChat(_Object):
    """A chat whose messages have only a role and a text, like most lines of most files."""

    messages: Annotated[list[PlainSystem | PlainUser | PlainAssistant], Meta(min_length=1)]


class Part(_Object):
    """A text part of a content."""

    type: Literal["text"]
    text: Text


Parts = Annotated[list[Part], Meta(min_length=1)]


class Called(_Object):
    """The function of a call."""

    name: Text
    arguments: str


class Call(_Object):
    """A tool call."""

    id: Text
    type: Literal["function"]
    function: Called


class System(_Message, tag="system"):
    """A system message."""

    content: Text | Parts
    name: Name | UnsetType = UNSET


class User(_Message, tag="user"):
    """A user's message without images."""

    content: Text | Parts
    name: Name | UnsetType = UNSET


class Assistant(_Message, tag="assistant"):
    """An answer, calls, or both; that at least one is present is not checked here."""

    content: str | Parts | None | UnsetType = UNSET
    tool_calls: Annotated[list[Call], Meta(min_length=1)] | UnsetType = UNSET
    weight: Literal[0, 1] | UnsetType = UNSET
    name: Name | UnsetType = UNSET


class ToolResult(_Message, tag="tool"):
    """The result of a tool."""

    content: Text
    tool_call_id: str


Message = System | User | Assistant | ToolResult


class Function(_Object):
    """A declared function; its parameters are a JSON Schema, kept as bytes."""

    name: Name
    description: str | UnsetType = UNSET
    parameters: Raw | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class Tool(_Object):
    """A declared tool."""

    type: Literal["function"]
    function: Function


class Chat(_Object):
    """A chat example with everything that the format allows but images."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    tools: Annotated[list[Tool], Meta(max_length=128)] | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET


REFUSED = (MsgspecError, UnicodeDecodeError)
"""The exceptions that decoding raises for all other lines."""
decode_plain = Decoder(PlainChat).decode
decode_chat = Decoder(Chat).decode


@lru_cache(maxsize=4_096)
def roles_of(kinds: tuple[type[Struct], ...]) -> tuple[str, ...]:
    """The roles of messages of these classes."""
    return tuple(str(kind.__struct_config__.tag) for kind in kinds)
