"""Counting tokens per text, message and example, by the model's own encoding; offline and never raising.

tokens(example)    = 3 + Σ messages (3 + Σ tokens of each string value + 1 for a `name`)
assistant(example) = Σ tokens of the content of assistant messages
(OpenAI Cookbook, "Chat_finetuning_data_prep" and "How_to_count_tokens_with_tiktoken".) Beyond that, and marked
estimated because no official figure exists: tool calls and tool definitions count as compact JSON, an image by
its `detail`. A local model counts what its own chat template renders.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from curator import paths
from curator.core import models, vocabulary
from curator.core.example import Path

PER_MESSAGE, PER_NAME, PER_REPLY = 3, 1, 3
IMAGE_LOW = 85
IMAGE_HIGH = 765
"""Tokens of a 1024 × 1024 image at high detail: 85 + 170 for each of 4 tiles; a guess for training."""

_CACHED_CHARS = 4_000
_HUGE_CHARS = 256_000
_FALLBACK = "o200k_base"
_FAMILIES = (
    ("o200k_harmony", re.compile(r"gpt-oss\b")),
    ("o200k_base", re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|o1|o3|o4-mini)\b")),
    ("cl100k_base", re.compile(r"(gpt-4|gpt-3\.5-turbo)(-|$)|(babbage|davinci)-002\b")),
)
"""tiktoken's model map by family; a name is matched from its beginning, after the table found nothing."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of an example: all of them, and those of assistant contents."""

    total: int
    assistant: int
    estimated: bool = False
    """True where part of the count has no official formula, or the model's encoding is not known."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A message where it stands in an example; `message` is whatever the line holds there."""

    path: Path
    message: Any
    context: bool = False
    """True for the input of a preference pair: its assistant turns are never trained on."""

    @property
    def role(self) -> str:
        """The message's role, empty where it has none."""
        role = self.message.get("role") if isinstance(self.message, dict) else None
        return role if isinstance(role, str) else ""

    @property
    def trained(self) -> bool:
        """Whether the model learns this message: an assistant's, unless its weight is 0."""
        return self.role == "assistant" and not self.context and self.message.get("weight", 1) != 0


def turns(value: Any) -> Iterator[Turn]:
    """The messages of a chat, reinforcement or preference example (input first, then both outputs)."""
    if not isinstance(value, dict):
        return
    given = value.get("input")
    if "messages" not in value and isinstance(given, dict):
        yield from _listed(given.get("messages"), ("input", "messages"), context=True)
        for key in (
            "preferred_output",
            "preferred_completion",
            "non_preferred_output",
            "non_preferred_completion",
        ):
            yield from _listed(value.get(key), (key,))
        return
    yield from _listed(value.get("messages"), ("messages",))


def _listed(messages: Any, path: Path, context: bool = False) -> Iterator[Turn]:
    if isinstance(messages, list):
        for index, message in enumerate(messages):
            yield Turn((*path, index), message, context)


def definitions(value: Any) -> Iterator[tuple[Path, Any]]:
    """Tool and function definitions of an example, with their place."""
    if not isinstance(value, dict):
        return
    given = value.get("input")
    for prefix, holder in (((), value), (("input",), given if isinstance(given, dict) else {})):
        for key in ("tools", "functions"):
            if holder.get(key):
                yield (*prefix, key), holder[key]


def compact(value: Any) -> str:
    """`value` as compact JSON, empty where it is nested too deeply for that."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return ""


def is_completion(value: Any) -> bool:
    """Whether `value` is a prompt/completion pair."""
    return isinstance(value, dict) and "messages" not in value and "prompt" in value and "completion" in value


class Counter:
    """Counts by one vocabulary. Counts of texts are remembered, so after a key press in one message of an
    example only that message is counted again."""

    def __init__(self, tokenizer: vocabulary.Tokenizer, encoding: str, estimated: bool = False) -> None:
        self.tokenizer = tokenizer
        self.encoding = encoding
        """The encoding's name, for reports."""
        self.estimated = estimated
        self._short = lru_cache(maxsize=8_192)(tokenizer.count)
        self._long = lru_cache(maxsize=64)(tokenizer.count)

    def text(self, text: str) -> int:
        """Tokens of a plain text; text that looks like a special token is plain text too."""
        if len(text) <= _CACHED_CHARS:
            return self._short(text)
        return self._long(text) if len(text) <= _HUGE_CHARS else self.tokenizer.count(text)

    def message(self, message: Any) -> int:
        """Tokens of one message with what surrounds it; works for whatever the line holds."""
        return self._message(message)[0]

    def example(self, value: Any) -> Tokens:
        """Tokens of a parsed example of any format; 0 where there is nothing to train on."""
        if is_completion(value):
            prompt, completion = self._value(value["prompt"])[0], self._value(value["completion"])[0]
            return Tokens(prompt + completion, completion, self.estimated)
        total = assistant = 0
        estimated = self.estimated
        for turn in turns(value):
            count, answer, guessed = self._message(turn.message)
            total += count
            estimated |= guessed or turn.path[0] != "messages"
            if not turn.context:
                assistant += answer
        for _, tools in definitions(value):
            total += self.text(compact(tools))
            estimated = True
        if total or (isinstance(value, dict) and isinstance(value.get("messages"), list)):
            total += PER_REPLY
        return Tokens(total, assistant, estimated)

    def _message(self, message: Any) -> tuple[int, int, bool]:
        """All tokens, those of an assistant's answer, and whether a part is estimated."""
        if not isinstance(message, dict):
            return PER_MESSAGE + self._value(message)[0], 0, True
        total, answer, estimated = PER_MESSAGE, 0, False
        speaks = message.get("role") == "assistant"
        for key, value in message.items():
            if type(value) is str:
                count = self.text(value)
                total += count + (PER_NAME if key == "name" else 0)
            else:
                count, guessed = self._parts(value) if key == "content" else self._value(value)
                total += count
                estimated |= guessed
            if speaks and key in ("content", "tool_calls", "function_call"):
                answer += count
        return total, answer, estimated

    def _value(self, value: Any) -> tuple[int, bool]:
        """Tokens of a message's value, and whether that is estimated: null, numbers and flags are none."""
        if isinstance(value, str):
            return self.text(value), False
        if value is None or isinstance(value, (bool, int, float)):
            return 0, False
        return self.text(compact(value)), True

    def _parts(self, content: Any) -> tuple[int, bool]:
        """As `_value`, for a content that may be a list of parts."""
        if not isinstance(content, list):
            return self._value(content)
        counts = [self._part(part) for part in content]
        return sum(count for count, _ in counts), any(guessed for _, guessed in counts)

    def _part(self, part: Any) -> tuple[int, bool]:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("text", "refusal") and isinstance(part.get(kind), str):
            return self.text(part[kind]), False
        if kind == "image_url":
            image = part.get("image_url")
            low = isinstance(image, dict) and image.get("detail") == "low"
            return (IMAGE_LOW, False) if low else (IMAGE_HIGH, True)
        if kind in ("input_audio", "file"):
            return 0, True
        return self.text(compact(part)), True


class TemplateCounter(Counter):
    """Counts what a local model's chat template renders; an example it cannot render is counted as plain."""

    def __init__(
        self,
        tokenizer: vocabulary.Tokenizer,
        encoding: str,
        render: Callable[[list[dict[str, Any]]], str],
        breaks: Sequence[str] = (),
    ) -> None:
        super().__init__(tokenizer, encoding)
        self.render = render
        self._break = re.compile("(?=" + "|".join(map(re.escape, breaks)) + ")") if breaks else None

    def chunks(self, rendered: str) -> list[str]:
        """A rendered text cut before each special token, where no token can span the cut."""
        return [chunk for chunk in self._break.split(rendered) if chunk] if self._break else [rendered]

    def rendered(self, messages: Sequence[Any]) -> str | None:
        """The template's text for `messages`; None where it refuses them."""
        try:
            return self.render([plain(message) for message in messages])
        except Exception:  # a template is somebody's program: whatever it raises, it did not render
            return None

    def message(self, message: Any) -> int:
        """Tokens that one message adds to a conversation."""
        opening = {"role": "system", "content": ""}
        before, after = self.rendered([opening]), self.rendered([opening, message])
        if before is None or after is None:
            return super().message(message)
        return self._rendered(after) - self._rendered(before)

    def example(self, value: Any) -> Tokens:
        """Tokens of the rendered conversation, and of its assistant contents."""
        listed = list(turns(value))
        text = self.rendered([turn.message for turn in listed]) if listed else None
        plainly = super().example(value)
        if text is None:
            return plainly
        tools = sum(self.text(compact(tools)) for _, tools in definitions(value))
        return Tokens(self._rendered(text) + tools, plainly.assistant, plainly.estimated)

    def _rendered(self, text: str) -> int:
        return sum(map(self.text, self.chunks(text)))


def plain(message: Any) -> dict[str, str]:
    """A message as a template takes it: a role and one text (parts joined, calls as JSON)."""
    if not isinstance(message, dict):
        return {"role": "user", "content": message if isinstance(message, str) else compact(message)}
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(text for text in texts if isinstance(text, str))
    calls = message.get("tool_calls") or message.get("function_call")
    said = content if isinstance(content, str) else ""
    return {"role": str(message.get("role") or ""), "content": said + (compact(calls) if calls else "")}


def encoding_for(model: str, table: models.Table | None = None) -> str:
    """The encoding by which `model` (base, tuned or Azure name) counts; `o200k_base` where it is not known.

    A model that has its own tokenizer is called by its own name once that is on this machine.
    """
    return counter(model, table).encoding


def counter(model: str, table: models.Table | None = None) -> Counter:
    """The counter of a model by `table` (default: the packaged one); a vocabulary is read at the first count."""
    info = models.find(model, table)
    name = info.name if info else models.base_name(model)
    if info is None or info.encoding == "own":
        own = _own_counter(name)
        if own is not None:
            return own
    if info is not None and info.encoding in vocabulary.ENCODINGS:
        return _packaged(info.encoding, False)
    for encoding, family in _FAMILIES:
        if family.match(name):
            return _packaged(encoding, False)
    return _packaged(_FALLBACK, True)


@cache
def _packaged(encoding: str, estimated: bool) -> Counter:
    return Counter(vocabulary.Vocabulary(encoding), encoding, estimated)


def _own_counter(name: str) -> Counter | None:
    if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
        return None
    folder = paths.models_dir() / name
    tokenizer, render = vocabulary.own_tokenizer(folder), vocabulary.own_renderer(folder)
    return _templated(name, tokenizer, render) if tokenizer and render else None


@lru_cache(maxsize=4)
def _templated(
    name: str, tokenizer: vocabulary.OwnTokenizer, render: Callable[[list[dict[str, Any]]], str]
) -> TemplateCounter:
    return TemplateCounter(tokenizer, name, render, tokenizer.specials)


class _Encoded:
    """A bare `encode` function as a Tokenizer."""

    def __init__(self, encode: Callable[[str], Sequence[int]]) -> None:
        self._encode = encode

    def count(self, text: str) -> int:
        return len(self._encode(text))

    def cut(self, text: str, limit: int) -> int:
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.count(text[:middle]) <= limit else (low, middle - 1)
        return low


def template_counter(
    encode: Callable[[str], Sequence[int]],
    render: Callable[[list[dict[str, Any]]], str],
    *,
    name: str = "own",
    breaks: Sequence[str] = (),
) -> TemplateCounter:
    """A counter from a model's `encode(text)` and `render(messages)`.

    `breaks` are texts (special tokens) before which no token spans; with them a long conversation is counted
    chunk by chunk, and only a changed chunk again.
    """
    return TemplateCounter(_Encoded(encode), name, render, breaks)
