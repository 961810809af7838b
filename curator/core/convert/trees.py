"""Conversations kept as trees: the data exports of ChatGPT and Claude, and OpenAssistant's message trees.

Of a tree one path is the example: the one that the export calls current, or that of the best ranked answers. What
other branches say is left behind and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from curator.core.convert.carried import Carried, MisfitError
from curator.core.convert.texts_in import kind_of
from curator.core.example import Path
from curator.core.role_words import role_of

Message = dict[str, Any]
Node = Mapping[str, Any]

_ASIDE = ("thoughts", "reasoning_recap", "user_editable_context", "model_editable_context")
"""Kinds of content that are no turns: thoughts, custom instructions, memories. They are left behind."""
_SOUNDS = ("audio_asset_pointer", "real_time_user_audio_video_asset_pointer")


def is_export(record: Mapping[str, Any]) -> bool:
    """Whether a record is a conversation of ChatGPT's or Claude's data export."""
    return _is_mapping(record.get("mapping")) or _is_claude(record.get("chat_messages"))


def is_message_tree(record: Mapping[str, Any]) -> bool:
    """Whether a record is a tree of OpenAssistant: a prompt with replies."""
    prompt = record.get("prompt")
    return isinstance(prompt, dict) and isinstance(prompt.get("replies"), list) and "text" in prompt


def _is_mapping(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(node, dict) and ("parent" in node or "children" in node) for node in value.values())
        and any("message" in node for node in value.values())
    )


def _is_claude(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and "sender" in each and "text" in each for each in value)
    )


def from_export(record: Mapping[str, Any], carried: Carried) -> list[Message]:
    """The messages of a conversation of a data export. Raises MisfitError with the number of the message."""
    if "mapping" in record:
        carried.add(("mapping",))
        if isinstance(record.get("current_node"), str):
            carried.add(("current_node",))
        spoken = _numbered(_from_mapping(record["mapping"], record.get("current_node"), carried))
    else:
        carried.add(("chat_messages",))
        spoken = _numbered(_from_claude(record["chat_messages"], carried))
    roles = [message["role"] for message in spoken]
    if "user" not in roles or "assistant" not in roles:
        raise MisfitError("it holds no question with an answer")
    return spoken


def _numbered(messages: Iterator[Message | None]) -> list[Message]:
    spoken: list[Message] = []
    number = 0
    try:
        for message in messages:
            number += 1
            if message is not None:
                spoken.append(message)
    except MisfitError as misfit:
        raise MisfitError(f"message {number + 1}: {misfit}") from None
    return spoken


def _from_mapping(mapping: Mapping[str, Node], current: Any, carried: Carried) -> Iterator[Message | None]:
    path = _path_to(mapping, _leaf(mapping, current))
    if len(path) < len(mapping):
        carried.tell("mapping (other branches)")
    read = Carried()
    nodes = [mapping[key] for key in path]
    for number, node in enumerate(nodes):
        if isinstance(node.get("parent"), str | None):
            read.add((number, "parent"))
        if all(isinstance(child, str) for child in node.get("children") or ()):
            read.add((number, "children"))
        if isinstance(node.get("message"), dict):
            yield _message_of_export(node["message"], read, (number, "message"))
        elif node.get("message") is None:
            read.add((number, "message"))
    for place in read.left_behind(nodes):
        carried.tell(f"mapping{place}")


def _leaf(mapping: Mapping[str, Node], current: Any) -> str:
    if isinstance(current, str) and current in mapping:
        return current
    parents = {parent for node in mapping.values() if isinstance(parent := node.get("parent"), str)}
    leaves = [key for key in mapping if key not in parents]
    if len(leaves) != 1:
        raise MisfitError("the conversation has branches, and none is called current")
    return leaves[0]


def _path_to(mapping: Mapping[str, Node], leaf: str) -> list[str]:
    """The keys from the root to a node."""
    path: dict[str, None] = {}
    at: Any = leaf
    while isinstance(at, str) and at in mapping:
        if at in path:
            raise MisfitError("its messages go round in a circle")
        path[at] = None
        at = mapping[at].get("parent")
    return [*path][::-1]


def _message_of_export(message: Mapping[str, Any], read: Carried, path: Path) -> Message | None:
    """The message that a node of ChatGPT's export says; None for one without a word."""
    author, content = message.get("author"), message.get("content")
    word = author.get("role") if isinstance(author, dict) else None
    role = role_of(word)
    if not isinstance(content, dict):
        raise MisfitError("it has no content")
    if content.get("content_type") in _ASIDE:
        return None
    recipient = message.get("recipient")
    if role == "tool" or recipient not in (None, "all"):
        called = author.get("name") if role == "tool" and isinstance(author, dict) else recipient
        raise MisfitError(f"it uses the tool '{str(called)[:40]}', whose calls are no JSON")
    text = _text_of(content, read, (*path, "content"))
    read.add((*path, "recipient"))
    read.add((*path, "author", "role"))
    if isinstance(content.get("content_type"), str):
        read.add((*path, "content", "content_type"))
    if not text.strip():
        return None
    if role not in ("user", "assistant", "system", "developer"):
        raise MisfitError(f"its role '{str(word)[:40]}' is no known one")
    spoken: Message = {"role": role, "content": text}
    if message.get("weight") in (0, 1) and not isinstance(message["weight"], bool):
        read.add((*path, "weight"))
        if role == "assistant" and not message["weight"]:
            spoken["weight"] = 0
    return spoken


def _text_of(content: Mapping[str, Any], read: Carried, path: Path) -> str:
    """The text of a content: its parts, each a paragraph. Raises MisfitError where a picture or a file is one."""
    if "parts" not in content:
        return _part_text(content.get("text", ""), read, (*path, "text"))
    if not isinstance(content["parts"], list):
        raise MisfitError(f"its content is {kind_of(content['parts'])}")
    texts = [_part_text(part, read, (*path, "parts", number)) for number, part in enumerate(content["parts"])]
    return "\n\n".join(filter(None, texts))


def _part_text(part: Any, read: Carried, path: Path) -> str:
    if isinstance(part, str):
        read.add(path)
        return part
    kind = part.get("content_type") if isinstance(part, dict) else None
    if kind == "audio_transcription" and isinstance(part.get("text"), str):
        read.add((*path, "text"))
        return str(part["text"])
    if kind in _SOUNDS:
        return ""
    if kind == "image_asset_pointer":
        raise MisfitError("it holds a picture, which is in another file of the export")
    raise MisfitError(f"it holds more than text ({str(kind)[:40]})")


def _from_claude(turns: Sequence[Mapping[str, Any]], carried: Carried) -> Iterator[Message | None]:
    by_id = {uuid: turn for turn in turns if isinstance(uuid := turn.get("uuid"), str)}
    path = [*turns]
    if len(by_id) == len(turns) and all(isinstance(turn.get("parent_message_uuid"), str) for turn in turns):
        path = []
        at: Mapping[str, Any] | None = turns[-1]
        while at is not None:
            if len(path) == len(turns):
                raise MisfitError("its messages go round in a circle")
            path.append(at)
            at = by_id.get(at["parent_message_uuid"])
        path = path[::-1]
    if len(path) < len(turns):
        carried.tell("chat_messages (other branches)")
    read = Carried()
    for number, turn in enumerate(path):
        yield _message_of_claude(turn, read, number)
    for place in read.left_behind(path):
        carried.tell(f"chat_messages{place}")


def _message_of_claude(turn: Mapping[str, Any], read: Carried, number: int) -> Message | None:
    role = role_of(turn["sender"])
    if role not in ("user", "assistant"):
        raise MisfitError(f"its sender '{str(turn['sender'])[:40]}' is no known one")
    if any(turn.get(key) for key in ("attachments", "files", "files_v2")):
        raise MisfitError("it has an attachment, without which it asks something else")
    read.add((number, "sender"))
    blocks, text = turn.get("content"), turn["text"]
    if not isinstance(blocks, list) or not blocks:
        if not isinstance(text, str):
            raise MisfitError(f"its text is {kind_of(text)}")
        read.add((number, "text"))
    else:
        texts = _claude_blocks(blocks, read, number)
        said, text = text, "\n\n".join(texts)
        if said == text or said in texts or not said:
            read.add((number, "text"))
    return {"role": role, "content": text} if text.strip() else None


def _claude_blocks(blocks: list[Any], read: Carried, number: int) -> list[str]:
    """The texts of a message's blocks; what was thought is left behind."""
    texts: list[str] = []
    for at, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            texts.append(block["text"])
            for key in ("type", "text"):
                read.add((number, "content", at, key))
        elif kind != "thinking":
            raise MisfitError(f"it holds more than text ({str(kind)[:40]})")
    return [text for text in texts if text]


def from_message_tree(record: Mapping[str, Any], carried: Carried) -> list[Message]:
    """The messages from the prompt of a tree along its best ranked replies, up to the last answer."""
    carried.add(("prompt",))
    path = [*_best_path(record["prompt"], carried)]
    spoken: list[Message] = []
    for number, node in enumerate(path, 1):
        role, text = role_of(node.get("role")), node.get("text")
        if role not in ("user", "assistant", "system") or not isinstance(text, str) or not text:
            raise MisfitError(f"message {number}: it has no known role, or no text")
        for key in node:
            if key not in ("role", "text", "replies", "rank"):
                carried.tell(f"prompt{'.replies[]' * (number - 1)}.{key}")
        spoken.append({"role": role, "content": text})
    while spoken and spoken[-1]["role"] != "assistant":
        spoken.pop()
        carried.tell("prompt (other branches)")
    if not spoken:
        raise MisfitError("its prompt has no answer")
    return spoken


def _best_path(node: Any, carried: Carried) -> Iterator[Node]:
    number = 0
    while isinstance(node, dict):
        number += 1
        yield node
        replies = [
            each for each in node.get("replies") or () if isinstance(each, dict) and not each.get("deleted")
        ]
        if len(replies) > 1:
            carried.tell("prompt (other branches)")
            ranks = [each.get("rank") for each in replies]
            numbers = [rank for rank in ranks if isinstance(rank, int) and not isinstance(rank, bool)]
            if not numbers or numbers.count(min(numbers)) > 1:
                raise MisfitError(f"message {number}: it has several replies, and none is ranked first")
            node = replies[ranks.index(min(numbers))]
        else:
            node = replies[0] if replies else None
