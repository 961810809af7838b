"""The text of an example that is compared with others, and the normal form in which it is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

Scope = Literal["conversation", "prompt", "answer"]

ANSWER = "\x1f"
"""In a compared text: stands before the last assistant message, and before the rejected answer of a preference
pair."""

PREFERENCE, COMPLETION = "\x1c", "\x1d"
"""Begin the compared texts of these formats, since equal words in different formats are no copies."""

SYSTEM_ROLES = ("system", "developer")
"""A tuple, not a set: a role in the data may be a list, which cannot be hashed."""

_PUNCTUATION = "“”‘’«»„‚…–—―·•‐‑¿¡、。，！？：；（）「」"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f"
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LOOSE = "\ue000"
"""A private-use character that stands, within `_fold_foreign`, for a run that begins with a combining mark."""
_SPECIAL = re.compile(f"[{_PUNCTUATION}{_INVISIBLE}]")
FOLD_BYTES = bytes(
    byte if byte == 0 or byte >= 0x80 else ord(chr(byte).lower()) if chr(byte).isalnum() else 0x20
    for byte in range(256)
)
"""Translation of UTF-8 bytes: ASCII letters to lower case; letters, digits, NUL and bytes from 0x80 stay; all
other bytes become blanks."""


def message_text(message: Any) -> str:
    """The text of one message: content (text parts joined), refusal, and name and arguments of tool calls."""
    if not isinstance(message, dict):
        return ""
    content = message.get("content")
    if isinstance(content, str) and len(message) == 2:
        return content
    texts = [content] if isinstance(content, str) else list(_part_texts(content))
    refusal = message.get("refusal")
    if isinstance(refusal, str):
        texts.append(refusal)
    calls = message.get("tool_calls")
    functions = (
        [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    for function in [*functions, message.get("function_call")]:
        if isinstance(function, dict):
            texts.append(f"{function.get('name', '')} {function.get('arguments', '')}")
    return " ".join(texts)


def _part_texts(content: Any) -> Iterable[str]:
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            for key in ("text", "refusal"):
                if isinstance(part.get(key), str):
                    yield part[key]
            image = part.get("image_url")
            if isinstance(image, dict) and isinstance(image.get("url"), str):
                yield image["url"]


def messages_of(value: Any) -> list[Any]:
    """The messages of an example in any format, the preferred output or completion last; [] where there are
    none."""
    if not isinstance(value, dict):
        return []
    messages = value.get("messages")
    if isinstance(messages, list):
        return messages
    if isinstance(value.get("input"), dict):
        prompt = value["input"].get("messages")
        output = value.get("preferred_output", value.get("preferred_completion"))
        return (prompt if isinstance(prompt, list) else []) + (output if isinstance(output, list) else [])
    if "prompt" in value or "completion" in value:
        return [
            {"role": "user", "content": value.get("prompt")},
            {"role": "assistant", "content": value.get("completion")},
        ]
    return []


def compared_text(value: Any, scope: Scope = "conversation") -> str:
    """The text by which duplicates of an example are searched; system prompts are left out.

    With scope `conversation` it is all messages, with `ANSWER` before a final assistant message; with `prompt` all
    before the last assistant message, with `answer` that message.
    """
    messages = messages_of(value)
    if scope == "conversation":
        head, tail = _marks_around(value)
        spoken = [m for m in messages if not (isinstance(m, dict) and m.get("role") in SYSTEM_ROLES)]
        texts = list(map(message_text, spoken))
        if spoken and isinstance(spoken[-1], dict) and spoken[-1].get("role") == "assistant":
            return head + "\n".join(texts[:-1]) + ANSWER + texts[-1] + tail
        return head + "\n".join(texts) + tail
    prompt, answer = prompt_and_answer(value)
    return prompt if scope == "prompt" else answer or ""


def _marks_around(value: Any) -> tuple[str, str]:
    """The beginning and the end of the compared text of an example that is no chat: format mark, rejected
    answer."""
    if not isinstance(value, dict) or isinstance(value.get("messages"), list):
        return "", ""
    if not isinstance(value.get("input"), dict):
        return COMPLETION, ""
    other = value.get("non_preferred_output", value.get("non_preferred_completion"))
    rejected = "\n".join(map(message_text, other)) if isinstance(other, list) else ""
    return PREFERENCE, f"{ANSWER}{rejected}" if rejected else ""


def format_mark(text: str) -> str:
    """The mark of the format at the start of a compared text; "" for a chat."""
    return text[:1] if text[:1] in (PREFERENCE, COMPLETION) else ""


def question_and_answer(text: str) -> tuple[str, str]:
    """The prompt and the answer in a compared text; the answer is empty where there is none."""
    prompt, _, answers = text.partition(ANSWER)
    return prompt.lstrip(PREFERENCE + COMPLETION), answers.partition(ANSWER)[0]


def rejected_answer(text: str) -> str:
    """The rejected answer in a preference pair's compared text; else empty."""
    return text.rpartition(ANSWER)[2] if format_mark(text) == PREFERENCE and text.count(ANSWER) > 1 else ""


def prompt_and_answer(value: Any) -> tuple[str, str | None]:
    """The text before the last assistant message, without system messages, and the text of that message.

    The answer is None where there is no assistant message.
    """
    messages = messages_of(value)
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, dict) and message.get("role") == "assistant":
            before = [m for m in messages[:at] if isinstance(m, dict) and m.get("role") not in SYSTEM_ROLES]
            return "\n".join(map(message_text, before)), message_text(message)
    return "\n".join(message_text(m) for m in messages), None


def normalise(text: str) -> str:
    """The normal form of a text: NFKC, case folded, without punctuation and invisible characters, single blanks.

    A text of nothing but punctuation, such as `:-)`, is only stripped.
    """
    plain = text.replace("\0", " ") if "\0" in text else text
    if not plain.isascii():
        plain = _fold_foreign(plain)
    folded = b" ".join(plain.encode("utf-8", "surrogatepass").translate(FOLD_BYTES).split())
    return folded.decode("utf-8", "surrogatepass") or text.strip()


def _fold_foreign(text: str) -> str:
    """As `fold_whole`, folding only the runs that are not ASCII, unless one begins with a combining mark."""
    folded = _FOREIGN.sub(lambda match: _fold_run(match[0]), text)
    return fold_whole(text) if _LOOSE in folded else folded


@lru_cache(maxsize=1 << 15)
def _fold_run(run: str) -> str:
    return _LOOSE if unicodedata.combining(run[0]) else fold_whole(run)


@lru_cache(maxsize=1 << 15)
def fold_bytes(run: bytes) -> bytes | None:
    """A run of UTF-8 without ASCII, folded; None where it begins with a combining mark of the letter before it."""
    folded = _fold_run(run.decode("utf-8", "surrogatepass"))
    return None if folded == _LOOSE else folded.encode("utf-8", "surrogatepass")


def fold_whole(text: str) -> str:
    """NFKC and case folded, with blanks for punctuation beyond ASCII and without invisible characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPECIAL.sub(lambda match: "" if match[0] in _INVISIBLE else " ", folded)
