"""Turn conversations into token ids and labels with the model's own chat template, the same for both engines.

The rendered text is cut where an answer begins and ends, and each piece is tokenized alone. So a prompt has the
same ids in training as when the model is asked.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2

from curator.basemodels import chat_tools
from curator.basemodels.chat_template import make_environment
from curator.basemodels.text_model import TextModel
from curator.core.turns import is_learnt
from curator.errors import InputError

IGNORED = -100
"""Label of a token that is not trained on, as in PyTorch's cross entropy."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One tokenized example: `ids`, and `labels` of the same length (a trained token's id, else IGNORED)."""

    ids: list[int]
    labels: list[int]

    @property
    def trained(self) -> int:
        """The number of trained tokens."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class RenderedPair:
    """One preference example: the same prompt with the chosen and with the rejected answer."""

    chosen: Rendered
    rejected: Rendered


def render_chat(text: TextModel, example: dict[str, Any], max_tokens: int) -> Rendered:
    """The token ids and labels of an example `{"messages": […]}`, cut at the end to `max_tokens`.

    The messages that are learnt (`curator.core.turns.is_learnt`) are trained on, with their end tokens. Raises
    InputError if the template refuses the conversation.
    """
    messages = example["messages"]
    trained = [is_learnt(message) for message in messages]
    return _render(text, messages, trained, chat_tools.current_tools(example), max_tokens)


def _render(
    text: TextModel, messages: list[Message], trained: list[bool], tools: Any, max_tokens: int
) -> Rendered:
    ids, labels = _tokenize(text, messages, trained, tools)
    return Rendered(ids[:max_tokens], labels[:max_tokens])


def render_preference(text: TextModel, example: dict[str, Any], max_tokens: int) -> RenderedPair:
    """The two sides of an example `{"input", "preferred_output", "non_preferred_output"}`; only outputs are
    trained on."""
    question, tools = example["input"]["messages"], chat_tools.current_tools(example["input"])

    def side(output: str) -> Rendered:
        answer = example[output]
        trained = [False] * len(question) + [is_learnt(message) for message in answer]
        return _render(text, [*question, *answer], trained, tools, max_tokens)

    return RenderedPair(side("preferred_output"), side("non_preferred_output"))


def render_prompt(text: TextModel, messages: Sequence[Message], tools: Any = None) -> list[int]:
    """The token ids of a conversation, up to the beginning of the model's answer."""
    ids, _ = _tokenize(text, messages, [False] * len(messages), tools, ask=True)
    return ids


def render_text(text: TextModel, messages: list[Message], ask: bool, tools: Any = None) -> str:
    """The text that a conversation becomes; with `ask` up to the beginning of the model's answer."""
    return "".join(piece for piece, _ in _pieces(text, messages, [False] * len(messages), tools, ask))


def require_renderable(text: TextModel, example: dict[str, Any]) -> None:
    """Raise InputError if the model's template refuses a training example or would leave out part of an answer.
    Nothing is tokenized."""
    sides = [example["messages"]] if "messages" in example else []
    if not sides:
        question = example["input"]["messages"]
        sides = [[*question, *example[key]] for key in ("preferred_output", "non_preferred_output")]
    tools = chat_tools.current_tools(example.get("input") or example)
    for messages in sides:
        _pieces(text, messages, [is_learnt(message) for message in messages], tools, False)


def tool_form(text: TextModel) -> chat_tools.ToolForm:
    """How the model is shown tools and writes calls."""
    added = text.tokenizer.get_added_tokens_decoder().values()
    specials = tuple(str(token.content) for token in added if token.special)
    return _tool_form(text.template, tuple(sorted(text.special.items())), specials)


@lru_cache(maxsize=8)
def _tool_form(
    template: str, special: tuple[tuple[str, str], ...], hidden: tuple[str, ...]
) -> chat_tools.ToolForm:
    return chat_tools.find_tool_form(
        lambda messages, tools, ask: _template(template).render(
            messages=messages, tools=tools, add_generation_prompt=ask, **dict(special)
        ),
        hidden,
    )


def _template_message(message: Message) -> Message:
    """The message in the form that templates expect: content as text, `developer` as `system`."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or part.get("refusal") or "") for part in content)
    role = message.get("role")
    others = {k: v for k, v in message.items() if k not in ("weight", "content", "role")}
    return {
        "role": "system" if role == "developer" else role,
        "content": content or message.get("refusal") or "",
        **others,
    }


def _tokenize(
    text: TextModel, messages: Sequence[Message], trained: list[bool], tools: Any, ask: bool = False
) -> tuple[list[int], list[int]]:
    ids: list[int] = []
    labels: list[int] = []
    for piece, counts in _pieces(text, messages, trained, tools, ask):
        piece_ids = text.encode(piece)
        ids += piece_ids
        labels += piece_ids if counts else [IGNORED] * len(piece_ids)
    return ids, labels


def _pieces(
    text: TextModel, originals: Sequence[Message], learnt: list[bool], tools: Any, ask: bool
) -> list[tuple[str, bool]]:
    """The rendered conversation, cut at both ends of every answer; each piece, and whether it is trained on.

    `ask` adds the beginning of a new answer. Raises InputError if the template changes earlier messages or leaves
    out calls.
    """
    prepared, tools = chat_tools.prepare([*map(_template_message, originals)], tools, tool_form(text))
    messages = [message for message, _ in prepared]
    whole = _apply(text, messages, tools, ask)
    pieces: list[tuple[str, bool]] = []
    done = 0
    for index, (message, source) in enumerate(prepared):
        if message["role"] != "assistant":
            continue
        before = _apply(text, messages[:index], tools, True)
        after = _apply(text, messages[: index + 1], tools, False).rstrip()
        start = len(before) if after.startswith(before) else after.rfind(message["content"].strip())
        if start < done or not whole.startswith(after):
            raise InputError(
                "the model's chat template rewrites earlier turns, so answers cannot be told apart for training: "
                "put a plain chat_template.jinja into the model's folder"
            )
        pieces += [(whole[done:start], False), (whole[start : len(after)], learnt[source])]
        if learnt[source]:
            _require_calls(pieces[-1][0], message, source)
        done = len(after)
    pieces.append((whole[done:], False))
    return [piece for piece in pieces if piece[0]]


def _require_calls(piece: str, message: Message, number: int) -> None:
    """Raise InputError if a message with calls was rendered without one of them, or without its text."""
    calls = message.get("tool_calls") or []
    names = [str(call["function"].get("name")) for call in calls]
    if any(text not in piece for text in [*names, message["content"].strip() if calls else ""]):
        raise InputError(
            f"the model's chat template leaves out a part of message {number + 1}, which has both text and tool "
            "calls: put a plain chat_template.jinja into the model's folder, then calls are written as text"
        )


def _apply(text: TextModel, messages: list[Message], tools: Any, ask: bool) -> str:
    if not messages:
        return ""
    try:
        return _template(text.template).render(
            messages=messages, tools=tools, add_generation_prompt=ask, **text.special
        )
    except (jinja2.TemplateError, TypeError, AttributeError) as error:
        raise InputError(f"the model's chat template refuses the conversation: {error}") from error


@lru_cache(maxsize=8)
def _template(source: str) -> jinja2.Template:
    environment = make_environment()
    environment.globals["strftime_now"] = _now
    return environment.from_string(source)


def _now(form: str) -> str:
    return datetime.datetime.now().strftime(form)
