"""Counting for a local model: what its own chat template renders, by its own tokenizer.

A template is rendered once for each arrangement of roles, with stand-ins for the contents; the text between
the stand-ins is kept. Counting a conversation then needs no template, and only what changed is counted again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import Any

from curator.core.counting.counter import Counter, RoleTexts, Span, Tokens
from curator.core.counting.vocabulary import Tokenizer
from curator.core.example import format_path
from curator.core.turns import Turn, compact, definitions, is_completion, turns

Message = dict[str, Any]
Render = Callable[[list[Message], Any], str]
"""Messages and tool definitions (or None) to the text that the model reads."""

_OPENING = {"role": "system", "content": ""}
_STAND_IN = "\ue000{}\ue001"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a template writes around contents: one text before each and one after the last."""

    around: tuple[str, ...]
    trimmed: tuple[bool, ...]
    """Whether the template strips the content."""


@dataclass(frozen=True, slots=True)
class CountingPlan:
    """How chats of the same roles are counted."""

    around: int
    """Tokens of all that the template writes and no text can merge with."""
    leads: tuple[str, ...]
    """What is counted together with each text: the marks before it; nothing before an answer."""


class TemplateCounter(Counter):
    """Counts what a chat template renders; an example it refuses is counted by the formula and estimated."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        encoding: str,
        render: Render,
        breaks: Sequence[str] = (),
        estimated: bool = False,
    ) -> None:
        super().__init__(tokenizer, encoding, estimated)
        self._render = render
        self._break = re.compile("|".join(map(re.escape, breaks))) if breaks else None
        self._skeletons = lru_cache(maxsize=512)(self._skeleton)
        self._plans = lru_cache(maxsize=512)(self._plan)

    def message(self, message: Any) -> int:
        """Tokens that one message adds to a conversation that a system message opened."""
        return self.example({"messages": [_OPENING, message]}).total - self._opening

    @cached_property
    def _opening(self) -> int:
        return self.example({"messages": [_OPENING]}).total

    def example(self, value: Any) -> Tokens:
        """Tokens of the rendered conversation, and of its assistant contents."""
        formula = super().example(value)
        if is_completion(value) or not any(turns(value)):
            return formula
        rendered = self._rendered(value)
        if rendered is None:
            return Tokens(formula.total, formula.assistant, True)
        return Tokens(sum(span.tokens for span in rendered), formula.assistant, self.estimated)

    def chats(self, many: Sequence[RoleTexts]) -> list[Tokens]:
        """As `example`, for many plain chats: what the template writes around their texts is counted once."""
        plans = [self._plans(roles) for roles, _ in many]
        counts = iter(self.tokenizer.counts([*chain.from_iterable(map(_pieces, plans, many))]))
        return [self._planned(plan, chat, counts) for plan, chat in zip(plans, many, strict=True)]

    def _planned(self, plan: CountingPlan | None, chat: RoleTexts, counts: Iterator[int]) -> Tokens:
        roles, texts = chat
        if plan is None:
            messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
            return self.example({"messages": messages})
        mine = [*islice(counts, len(roles))]
        answers = sum(count for role, count in zip(roles, mine, strict=True) if role == "assistant")
        return Tokens(plan.around + sum(mine), answers, self.estimated)

    def _plan(self, roles: tuple[str, ...]) -> CountingPlan | None:
        """How plain chats of these roles are counted; None where the template refuses or strips them."""
        frames = [plain({"role": role, "content": _STAND_IN.format(at)}) for at, role in enumerate(roles)]
        skeleton = self._skeletons(compact([frames, None])) if roles else None
        if skeleton is None or any(skeleton.trimmed):
            return None
        around, leads, ending = 0, [], ""
        for index, role in enumerate(roles):
            before = skeleton.around[index][len(ending) :]
            tail = self._last_chunk(before)
            around += self._chunks(before[: len(before) - len(tail)])
            if role == "assistant":
                around, tail = around + self.text(tail), ""
            leads.append(tail)
            ending = self._ending(skeleton.around[index + 1])
            around += self.text(ending)
        return CountingPlan(around + self._chunks(skeleton.around[-1][len(ending) :]), tuple(leads))

    def spans(self, value: Any) -> list[Span]:
        """The rendered conversation, piece by piece; the token that ends an answer is trained with it."""
        rendered = None if is_completion(value) else self._rendered(value)
        return super().spans(value) if rendered is None else rendered

    def _rendered(self, value: Any) -> list[Span] | None:
        listed = list(turns(value))
        tools = next((tools for path, tools in definitions(value) if path[-1] == "tools"), None)
        messages = [plain(turn.message) for turn in listed]
        contents = [message["content"] for message in messages]
        frames = [{**message, "content": _STAND_IN.format(index)} for index, message in enumerate(messages)]
        skeleton = self._skeletons(compact([frames, tools])) if listed else None
        if skeleton is not None:
            texts = [text.strip() if trim else text for text, trim in zip(contents, skeleton.trimmed, strict=True)]
            return list(self._woven(skeleton.around, texts, listed))
        whole = self._apply(messages, tools) if listed else None
        return None if whole is None else [Span(-1, whole, False, "", "", self._chunks(whole))]

    def _woven(self, around: Sequence[str], texts: Sequence[str], listed: Sequence[Turn]) -> Iterator[Span]:
        """Marks and contents in turn. A prompt's content is tokenised together with the marks before it, an
        answer apart from them, exactly as in training (the prompt must end as it does when the model is asked)."""
        ending = ""
        for index, (marks, text, turn) in enumerate(zip(around, texts, listed, strict=False)):
            before = marks if not index else marks[len(ending) :]
            tail = self._last_chunk(before)
            alone = self.text(text)
            joint = self.text(tail) + alone if turn.role == "assistant" else self.text(tail + text)
            marked = self._chunks(before[: len(before) - len(tail)]) + joint - alone
            yield Span(index, before, False, turn.role, "", marked)
            yield Span(index, text, turn.trained, turn.role, _place(turn, text), alone)
            ending = self._ending(around[index + 1])
            if ending:
                yield Span(index, ending, turn.trained, turn.role, "", self.text(ending))
        rest = around[-1][len(ending) :]
        if rest:
            yield Span(-1, rest, False, "", "", self._chunks(rest))

    def _chunks(self, text: str) -> int:
        """Tokens of a text with special tokens in it; no token spans the beginning of one."""
        starts = [match.start() for match in self._break.finditer(text)] if self._break else []
        bounds = [0, *(start for start in starts if start), len(text)]
        return sum(self.text(text[a:b]) for a, b in zip(bounds, bounds[1:], strict=False))

    def _last_chunk(self, text: str) -> str:
        """The part of `text` from its last special token on: what follows may merge with it."""
        starts = [match.start() for match in self._break.finditer(text)] if self._break else []
        return text[starts[-1] :] if starts else text

    def _ending(self, marks: str) -> str:
        """The special token that `marks` begin with, if any: it ends the content before them."""
        match = self._break.match(marks) if self._break else None
        return match[0] if match else ""

    def _apply(self, messages: list[Message], tools: Any) -> str | None:
        try:
            return self._render(messages, tools)
        except Exception:  # a template is somebody's program: whatever it raises, it did not render
            return None

    def _skeleton(self, arrangement: str) -> Skeleton | None:
        """The skeleton of messages whose contents are stand-ins, and tools, as JSON; None where the template
        refuses them or leaves a content out."""
        if not arrangement:
            return None
        frames, tools = json.loads(arrangement)
        padded = [{**frame, "content": f" {frame['content']} "} for frame in frames]
        text = self._apply(padded, tools)
        if text is None:
            return None
        around, trimmed, at = [], [], 0
        for frame in frames:
            start = text.find(frame["content"], at)
            if start < 0:
                return None
            end = start + len(frame["content"])
            padded_still = text[start - 1 : start] == " " and text[end : end + 1] == " "
            around.append(text[at : start - padded_still])
            trimmed.append(not padded_still)
            at = end + padded_still
        return Skeleton((*around, text[at:]), tuple(trimmed))


def _pieces(plan: CountingPlan | None, chat: RoleTexts) -> Iterator[str]:
    """The texts of a chat as they are counted."""
    return (lead + text for lead, text in zip(plan.leads, chat[1], strict=True)) if plan is not None else iter(())


def _place(turn: Turn, text: str) -> str:
    """The location of a turn's content, where `text` is that content itself."""
    content = turn.message.get("content") if isinstance(turn.message, dict) else None
    return format_path((*turn.path, "content")) if content == text else format_path(turn.path)


def plain(message: Any) -> Message:
    """A message as templates take it: one text (parts joined), `developer` called `system`, no weight."""
    if not isinstance(message, dict):
        return {"role": "user", "content": message if isinstance(message, str) else compact(message)}
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") or part.get("refusal") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    refusal = message.get("refusal")
    text = content if isinstance(content, str) and content else refusal if isinstance(refusal, str) else ""
    role = message.get("role")
    other_keys = {key: value for key, value in message.items() if key not in ("weight", "content", "role")}
    return {"role": "system" if role == "developer" else role, "content": text, **other_keys}


class _Encoded:
    """A bare `encode` function as a Tokenizer."""

    def __init__(self, encode: Callable[[str], Sequence[int]]) -> None:
        self._encode = encode

    def count(self, text: str) -> int:
        return len(self._encode(text))

    def counts(self, texts: list[str]) -> list[int]:
        return [*map(self.count, texts)]

    def cut(self, text: str, limit: int) -> int:
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.count(text[:middle]) <= limit else (low, middle - 1)
        return low


def template_counter(
    encode: Callable[[str], Sequence[int]],
    render: Callable[[list[Message]], str],
    *,
    name: str = "own",
    breaks: Sequence[str] = (),
) -> TemplateCounter:
    """A counter from a model's `encode(text)` and `render(messages)`; `breaks` are its special tokens' texts,
    before which no other token spans."""
    return TemplateCounter(_Encoded(encode), name, lambda messages, tools: render(messages), breaks)
