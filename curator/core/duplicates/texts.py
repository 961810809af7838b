"""What of an example is compared, and the normal form two texts are compared in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

Scope = Literal["conversation", "prompt", "answer"]

ANSWER = "\x1f"
"""Stands before the last assistant message in a compared text, and before a preference pair's other answer."""

PREFERENCE, COMPLETION = "\x1c", "\x1d"
"""Begin the compared texts of these formats: the same words in another format train something else."""

SYSTEM_ROLES = ("system", "developer")
"""A tuple: a role may be anything, a list too, which a set cannot be asked for."""

_PUNCTUATION = "“”‘’«»„‚…–—―·•‐‑¿¡、。，！？：；（）「」"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f"
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LOOSE = "\ue000"
"""Stands for a combining mark that was cut off from its letter; a private character, gone again at once."""
_SPECIAL = re.compile(f"[{_PUNCTUATION}{_INVISIBLE}]")
FOLD_BYTES = bytes(
    byte if byte == 0 or byte >= 0x80 else ord(chr(byte).lower()) if chr(byte).isalnum() else 0x20
    for byte in range(256)
)
"""What UTF-8 bytes become: capitals small, everything but letters, digits and NUL a blank; foreign ones stay."""


def message_text(message: Any) -> str:
    """The words of one message: content (text parts joined), refusal, tool calls as name and arguments."""
    if not isinstance(message, dict):
        return ""
    content = message.get("content")
    if isinstance(content, str) and len(message) == 2:
        return content
    found = [content] if isinstance(content, str) else list(_part_texts(content))
    refusal = message.get("refusal")
    if isinstance(refusal, str):
        found.append(refusal)
    calls = message.get("tool_calls")
    functions = (
        [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    for function in [*functions, message.get("function_call")]:
        if isinstance(function, dict):
            found.append(f"{function.get('name', '')} {function.get('arguments', '')}")
    return " ".join(found)


def _part_texts(content: Any) -> Iterable[str]:
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            for key in ("text", "refusal"):
                if isinstance(part.get(key), str):
                    yield part[key]
            image = part.get("image_url")
            if isinstance(image, dict) and isinstance(image.get("url"), str):
                yield image["url"]


def turns(value: Any) -> list[Any]:
    """The messages of an example in any format, preferred output or completion last; [] where there are none."""
    if not isinstance(value, dict):
        return []
    messages = value.get("messages")
    if isinstance(messages, list):
        return messages
    if isinstance(value.get("input"), dict):
        asked = value["input"].get("messages")
        output = value.get("preferred_output", value.get("preferred_completion"))
        return (asked if isinstance(asked, list) else []) + (output if isinstance(output, list) else [])
    if "prompt" in value or "completion" in value:
        return [
            {"role": "user", "content": value.get("prompt")},
            {"role": "assistant", "content": value.get("completion")},
        ]
    return []


def compared_text(value: Any, scope: Scope = "conversation") -> str:
    """The text of an example that duplicates are looked for in; system prompts are left out.

    In a conversation `ANSWER` stands before the answer it ends on.
    `prompt` is all before the last assistant message, `answer` that message.
    """
    messages = turns(value)
    if scope == "conversation":
        head, tail = _around(value)
        spoken = [m for m in messages if not (isinstance(m, dict) and m.get("role") in SYSTEM_ROLES)]
        texts = list(map(message_text, spoken))
        if spoken and isinstance(spoken[-1], dict) and spoken[-1].get("role") == "assistant":
            return head + "\n".join(texts[:-1]) + ANSWER + texts[-1] + tail
        return head + "\n".join(texts) + tail
    prompt, answer = prompt_and_answer(value)
    return prompt if scope == "prompt" else answer or ""


def _around(value: Any) -> tuple[str, str]:
    """What begins and ends the compared text of an example that is no chat."""
    if not isinstance(value, dict) or isinstance(value.get("messages"), list):
        return "", ""
    if not isinstance(value.get("input"), dict):
        return COMPLETION, ""
    other = value.get("non_preferred_output", value.get("non_preferred_completion"))
    rejected = "\n".join(map(message_text, other)) if isinstance(other, list) else ""
    return PREFERENCE, f"{ANSWER}{rejected}" if rejected else ""


def kind(text: str) -> str:
    """What stands for the format in a compared text: "" for a chat."""
    return text[:1] if text[:1] in (PREFERENCE, COMPLETION) else ""


def parts(text: str) -> tuple[str, str]:
    """The question and the answer of a compared text; no answer where it ends on the question."""
    asked, _, answers = text.partition(ANSWER)
    return asked.lstrip(PREFERENCE + COMPLETION), answers.partition(ANSWER)[0]


def rejected(text: str) -> str:
    """The answer that is not preferred, of a preference pair's compared text."""
    return text.rpartition(ANSWER)[2] if kind(text) == PREFERENCE and text.count(ANSWER) > 1 else ""


def prompt_and_answer(value: Any) -> tuple[str, str | None]:
    """The text before the last assistant message (system left out) and that message's text, None without one."""
    messages = turns(value)
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, dict) and message.get("role") == "assistant":
            before = [m for m in messages[:at] if isinstance(m, dict) and m.get("role") not in SYSTEM_ROLES]
            return "\n".join(map(message_text, before)), message_text(message)
    return "\n".join(message_text(m) for m in messages), None


def normalise(text: str) -> str:
    """`text` with case, punctuation, invisible characters and runs of blanks folded away (NFKC, case folded).

    A text of nothing but punctuation (say `:-)`) stands for itself.
    """
    plain = text.replace("\0", " ") if "\0" in text else text
    if not plain.isascii():
        plain = _fold_foreign(plain)
    folded = b" ".join(plain.encode("utf-8", "surrogatepass").translate(FOLD_BYTES).split())
    return folded.decode("utf-8", "surrogatepass") or text.strip()


def _fold_foreign(text: str) -> str:
    """Only what is not ASCII is looked at, unless a mark belongs to the letter before it."""
    folded = _FOREIGN.sub(lambda match: _fold_run(match[0]), text)
    return fold_whole(text) if _LOOSE in folded else folded


@lru_cache(maxsize=1 << 15)
def _fold_run(run: str) -> str:
    return _LOOSE if unicodedata.combining(run[0]) else fold_whole(run)


@lru_cache(maxsize=1 << 15)
def fold_bytes(run: bytes) -> bytes | None:
    """A run of UTF-8 without ASCII, folded by itself; None where it belongs to the letter before it."""
    folded = _fold_run(run.decode("utf-8", "surrogatepass"))
    return None if folded == _LOOSE else folded.encode("utf-8", "surrogatepass")


def fold_whole(text: str) -> str:
    """NFKC, case folded, foreign punctuation as blanks, nothing invisible."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPECIAL.sub(lambda match: "" if match[0] in _INVISIBLE else " ", folded)
