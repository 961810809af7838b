"""Counts tokens for a local model: the text that its chat template renders, by its own tokenizer.

A template is rendered once for each sequence of roles, with stand-ins for the contents, and the text between the
stand-ins is cached. Counting a conversation then needs no template, and after an edit only the changed text is
counted.
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
Prepare = Callable[[list[Message], Any], tuple[list[tuple[Message, int]], Any]]
"""Messages and tools to those that the template is given; each message with the number of the one that it comes
from, -1 for an added one."""

_RESULTS = frozenset({"tool", "function"})

_ADDED = Turn((), {"role": "system"})
_OPENING = {"role": "system", "content": ""}
_STAND_IN = "\ue000{}\ue001"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The text that a template writes around contents: one text before each, and one after the last."""

    around: tuple[str, ...]
    trimmed: tuple[bool, ...]
    """For each content: whether the template strips it."""


@dataclass(frozen=True, slots=True)
class CountingPlan:
    """How to count chats with a sequence of roles."""

    around: int
    """The tokens of the template's own text that cannot merge with a content."""
    leads: tuple[str, ...]
    """For each content the marks before it that are counted together with it; empty before an answer."""


class TemplateCounter(Counter):
    """Counts the text that a chat template renders; an example that it refuses is counted by the formula, as an
    estimate."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        encoding: str,
        render: Render,
        breaks: Sequence[str] = (),
        estimated: bool = False,
        prepare: Prepare | None = None,
    ) -> None:
        super().__init__(tokenizer, encoding, estimated)
        self._render = render
        self._prepare = prepare
        self._break = re.compile("|".join(map(re.escape, breaks))) if breaks else None
        self._skeletons = lru_cache(maxsize=512)(self._skeleton)
        self._plans = lru_cache(maxsize=512)(self._plan)

    def message(self, message: Any) -> int:
        """The tokens that one message adds to a conversation after a system message."""
        return self.example({"messages": [_OPENING, message]}).total - self._opening

    @cached_property
    def _opening(self) -> int:
        return self.example({"messages": [_OPENING]}).total

    def example(self, value: Any) -> Tokens:
        """The tokens of the rendered conversation, and of its assistant contents."""
        formula = super().example(value)
        if is_completion(value) or not any(turns(value)):
            return formula
        rendered = self._count_rendered(value)
        if rendered is None:
            return Tokens(formula.total, formula.assistant, True)
        return Tokens(sum(span.tokens for span in rendered), formula.assistant, self.estimated)

    def chats(self, many: Sequence[RoleTexts]) -> list[Tokens]:
        """As `example`, for many plain chats: the template's own text is counted once for each sequence of
        roles."""
        plans = [self._plans(roles) for roles, _ in many]
        counts = iter(self.tokenizer.counts([*chain.from_iterable(map(_pieces, plans, many))]))
        return [self._count_planned(plan, chat, counts) for plan, chat in zip(plans, many, strict=True)]

    def _count_planned(self, plan: CountingPlan | None, chat: RoleTexts, counts: Iterator[int]) -> Tokens:
        roles, texts = chat
        if plan is None:
            messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
            return self.example({"messages": messages})
        mine = [*islice(counts, len(roles))]
        answers = sum(count for role, count in zip(roles, mine, strict=True) if role == "assistant")
        return Tokens(plan.around + sum(mine), answers, self.estimated)

    def _plan(self, roles: tuple[str, ...]) -> CountingPlan | None:
        """The plan for plain chats with these roles; None where the template refuses them or strips contents, or
        a role is a tool's."""
        if not _RESULTS.isdisjoint(roles):
            return None
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
        rendered = None if is_completion(value) else self._count_rendered(value)
        return super().spans(value) if rendered is None else rendered

    def _count_rendered(self, value: Any) -> list[Span] | None:
        listed = list(turns(value))
        conversation = self._conversation(value, listed) if listed else None
        if conversation is None:
            return None
        prepared, tools = conversation
        messages = [message for message, _ in prepared]
        contents = [message["content"] for message in messages]
        frames = [{**message, "content": _STAND_IN.format(index)} for index, message in enumerate(messages)]
        skeleton = self._skeletons(compact([frames, tools]))
        if skeleton is not None:
            texts = [text.strip() if trim else text for text, trim in zip(contents, skeleton.trimmed, strict=True)]
            places = [(number, listed[number] if number >= 0 else _ADDED) for _, number in prepared]
            return list(self._woven(skeleton.around, texts, places))
        whole = self._apply(messages, tools)
        return None if whole is None else [Span(-1, whole, False, "", "", self._chunks(whole))]

    def _conversation(self, value: Any, listed: Sequence[Turn]) -> tuple[list[tuple[Message, int]], Any] | None:
        """The messages and tools that the template is given; None where they are none."""
        tools = None
        for path, items in definitions(value):
            if tools is None and isinstance(items, list):
                old = path[-1] == "functions"
                tools = [{"type": "function", "function": item} for item in items] if old else items
        messages = [plain(turn.message) for turn in listed]
        if self._prepare is None:
            return [(message, number) for number, message in enumerate(messages)], tools
        try:
            return self._prepare(messages, tools)
        except (AttributeError, TypeError, ValueError, KeyError):  # calls that are no calls
            return None

    def _woven(
        self, around: Sequence[str], texts: Sequence[str], places: Sequence[tuple[int, Turn]]
    ) -> Iterator[Span]:
        """The spans of marks and contents, alternating.

        A prompt's content is tokenised together with the marks before it, an answer by itself, exactly as in
        training (where the prompt must end as it does when the model is asked).
        """
        ending = ""
        for at, (marks, text, (index, turn)) in enumerate(zip(around, texts, places, strict=False)):
            before = marks if not at else marks[len(ending) :]
            tail = self._last_chunk(before)
            alone = self.text(text)
            joint = self.text(tail) + alone if turn.role == "assistant" else self.text(tail + text)
            marked = self._chunks(before[: len(before) - len(tail)]) + joint - alone
            yield Span(index, before, False, turn.role, "", marked)
            yield Span(index, text, turn.trained, turn.role, _place(turn, text), alone)
            ending = self._ending(around[at + 1])
            if ending:
                yield Span(index, ending, turn.trained, turn.role, "", self.text(ending))
        rest = around[-1][len(ending) :]
        if rest:
            yield Span(-1, rest, False, "", "", self._chunks(rest))

    def _chunks(self, text: str) -> int:
        """The tokens of a text that contains special tokens; no token crosses the beginning of one."""
        starts = [match.start() for match in self._break.finditer(text)] if self._break else []
        bounds = [0, *(start for start in starts if start), len(text)]
        return sum(self.text(text[a:b]) for a, b in zip(bounds, bounds[1:], strict=False))

    def _last_chunk(self, text: str) -> str:
        """The part of `text` from its last special token on, with which following text may merge."""
        starts = [match.start() for match in self._break.finditer(text)] if self._break else []
        return text[starts[-1] :] if starts else text

    def _ending(self, marks: str) -> str:
        """The special token at the start of `marks`, which ends the content before them; empty where there is
        none."""
        match = self._break.match(marks) if self._break else None
        return match[0] if match else ""

    def _apply(self, messages: list[Message], tools: Any) -> str | None:
        try:
            return self._render(messages, tools)
        except Exception:  # a template is a program of its own and may raise anything
            return None

    def _skeleton(self, arrangement: str) -> Skeleton | None:
        """The skeleton for messages with stand-ins as contents, and tools, both as JSON; None where the template
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
    """The texts of a chat with the marks that are counted together with them."""
    return (lead + text for lead, text in zip(plan.leads, chat[1], strict=True)) if plan is not None else iter(())


def _place(turn: Turn, text: str) -> str:
    """The location of the content of a message if `text` is that content, else of the message."""
    content = turn.message.get("content") if isinstance(turn.message, dict) else None
    if not turn.path:
        return ""
    return format_path((*turn.path, "content")) if content == text else format_path(turn.path)


def plain(message: Any) -> Message:
    """A message as templates expect it: one text (parts joined), `developer` as `system`, no weight."""
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
    """A Tokenizer made of an `encode` function."""

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
    """A counter of the tokens of a chat, for a model whose `encode(text)` gives token ids and whose
    `render(messages)` gives the text of its chat template.

    `breaks` are the texts of its special tokens, such as `<|im_start|>`. The text may be cut before each of them
    and counted in pieces, since no other token crosses such a place.
    """
    return TemplateCounter(_Encoded(encode), name, lambda messages, tools: render(messages), breaks)
