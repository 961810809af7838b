"""A local model's own tokenizer and chat template, from its folder, to count tokens as the model sees them."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any

from curator.basemodels import chat_tools
from curator.basemodels import own_tokenizer_fast as quick_own
from curator.basemodels.tokenizer_config import special_tokens


class OwnTokenizer:
    """Counts tokens by a `tokenizer.json` (Hugging Face's format); a special token counts as one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._quick = quick_own.read_tiktoken_counter(path)
        if self._quick is None:
            _ = self._exact  # raises now if the file is damaged

    @cached_property
    def _exact(self) -> Any:
        from tokenizers import Tokenizer as HuggingFace  # heavy: only for local models

        return HuggingFace.from_file(str(self._path))

    @property
    def specials(self) -> tuple[str, ...]:
        """The texts of the special tokens. The tokenizer cuts a text before each, so no other token spans that
        place."""
        if self._quick is not None:
            return self._quick.specials
        added = self._exact.get_added_tokens_decoder()
        return tuple(str(token.content) for token in added.values() if token.special)

    def count(self, text: str) -> int:
        """The number of tokens of `text`, without those that the tokenizer may add at its ends."""
        count = self._quick.count(text) if self._quick is not None else None
        if count is None:
            count = len(self._exact.encode(_without_surrogates(text), add_special_tokens=False).ids)
        return count

    def counts(self, texts: list[str]) -> list[int]:
        """The number of tokens of each text."""
        return [*map(self.count, texts)]

    def cut(self, text: str, limit: int) -> int:
        """The number of characters that the first `limit` tokens cover."""
        offsets = self._exact.encode(_without_surrogates(text), add_special_tokens=False).offsets
        if len(offsets) <= limit:
            return len(text)
        return int(offsets[limit][0]) if limit > 0 else 0


def _without_surrogates(text: str) -> str:
    """`text` with lone surrogates replaced by "?": the library's strings cannot hold any."""
    return text.encode("utf-8", "replace").decode("utf-8")


def own_tokenizer(folder: Path) -> OwnTokenizer | None:
    """The tokenizer in a model's folder; None if there is none or it cannot be read."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    return _cached_tokenizer(path, path.stat().st_mtime_ns)


@cache
def _cached_tokenizer(path: Path, changed: int) -> OwnTokenizer | None:
    try:
        return OwnTokenizer(path)
    except Exception:  # the library raises Exception itself for a damaged file
        return None


class OwnRenderer:
    """A model's chat template as a function of messages and tools.

    The template runs in Jinja's sandbox, because it comes from the model.
    """

    def __init__(self, template: Any, names: dict[str, str]) -> None:
        self._template, self._names = template, names

    def __call__(self, messages: list[dict[str, Any]], tools: Any) -> str:
        return self._render(messages, tools, False)

    def _render(self, messages: list[dict[str, Any]], tools: Any, ask: bool) -> str:
        text: str = self._template.render(messages=messages, tools=tools, add_generation_prompt=ask, **self._names)
        return text

    @cached_property
    def _form(self) -> chat_tools.ToolForm:
        return chat_tools.find_tool_form(self._render)

    def prepare(self, messages: list[dict[str, Any]], tools: Any) -> tuple[list[tuple[dict[str, Any], int]], Any]:
        """The messages and tools that the template is given: see `chat_tools.prepare`."""
        if not chat_tools.uses_tools(messages, tools) and not any("function_call" in each for each in messages):
            return [(message, number) for number, message in enumerate(messages)], tools
        return chat_tools.prepare(messages, tools, self._form)


def own_renderer(folder: Path) -> OwnRenderer | None:
    """The chat template in a model's folder; None if there is none."""
    path = folder / "chat_template.jinja"
    if not path.is_file():
        return None
    names = special_tokens(folder)
    return _renderer(path.read_text("utf-8", errors="replace"), tuple(sorted(names.items())))


@cache
def _renderer(source: str, names: tuple[tuple[str, str], ...]) -> OwnRenderer | None:
    from jinja2 import TemplateError  # heavy

    from curator.basemodels.chat_template import make_environment  # heavy: Jinja

    environment = make_environment()
    try:
        template = environment.from_string(source)
    except TemplateError:
        return None
    return OwnRenderer(template, dict(names))
