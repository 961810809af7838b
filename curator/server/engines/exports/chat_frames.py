"""What a chat template writes around messages, found out by rendering conversations with it.

Programs with templates of another language, such as Ollama's, are given these frames. They exist only for
templates that write each message by its role alone; every other template gives none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Render = Callable[[list[Message], bool], str]
"""Messages, and whether an answer is to begin, to the text that the model reads."""

_SYSTEM, _USER, _ANSWER = "0systemtext0", "0usertext0", "0answertext0"


@dataclass(frozen=True, slots=True)
class ChatFrames:
    """The texts before and after a message by its role, and what stands around the conversation."""

    around: dict[str, tuple[str, str]]
    head: str
    """Before a conversation that has a system message."""
    default_head: str
    """Before one that has none: where a template has a system prompt of its own, that one."""
    ask: str
    """The beginning of an answer."""

    def render(self, messages: list[Message], ask: bool) -> str:
        """The conversation in these frames."""
        system = bool(messages) and messages[0]["role"] == "system"
        parts = [self.head if system else self.default_head]
        for message in messages:
            before, after = self.around[message["role"]]
            parts += [before, message["content"], after]
        return "".join(parts) + (self.ask if ask else "")


def find_frames(render: Render) -> ChatFrames | None:
    """The frames of a template; None if it is not one of frames."""
    try:
        frames = _guess(render)
    except Exception:  # a template is a program of its own and may raise anything
        return None
    if frames is None or any(not _agrees(frames, render, case, ask) for case in _cases() for ask in (True, False)):
        return None
    return frames


def _agrees(frames: ChatFrames, render: Render, messages: list[Message], ask: bool) -> bool:
    try:
        return frames.render(messages, ask) == render(messages, ask)
    except Exception:  # as above
        return False


def _guess(render: Render) -> ChatFrames | None:
    system, user = {"role": "system", "content": _SYSTEM}, {"role": "user", "content": _USER}
    answer = {"role": "assistant", "content": _ANSWER}
    whole = render([system, user, answer, user], True)
    start, rest = whole.split(_SYSTEM)
    between, after_first, rest = rest.split(_USER)
    after_user_and_before_answer, after_answer_and_before_user = after_first.split(_ANSWER)
    after_user = render([system, user], False).split(_USER)[1]
    after_answer = render([system, user, answer], False).split(_ANSWER)[1]
    before_answer = after_user_and_before_answer.removeprefix(after_user)
    before_user = after_answer_and_before_user.removeprefix(after_answer)
    after_system = between.removesuffix(before_user)
    alone = render([user], False).split(_USER)[0]
    if not (rest.startswith(after_user) and alone.endswith(before_user)):
        return None
    around = {
        "system": ("", after_system),
        "user": (before_user, after_user),
        "assistant": (before_answer, after_answer),
    }
    return ChatFrames(around, start, alone.removesuffix(before_user), rest.removeprefix(after_user))


def _cases() -> list[list[Message]]:
    def turns(*pairs: tuple[str, str]) -> list[Message]:
        return [{"role": role, "content": text} for role, text in pairs]

    return [
        turns(("user", "A?")),
        turns(("user", "A?\n\n  B?"), ("assistant", "C."), ("user", "D")),
        turns(("system", "S\nT"), ("user", "A"), ("assistant", "B"), ("user", "C"), ("assistant", "D")),
        turns(("system", "{{S}}"), ("user", "A")),
    ]
