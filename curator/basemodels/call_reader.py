"""Read tool calls from the text of an answer while it is being written."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from curator.basemodels.chat_tools import ARGUMENT_KEYS, ToolForm

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)')


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """A piece of an answer: of its text, or, with `call` (a call's number, from 0), of that call's arguments. The
    first piece of a call has its `name`."""

    text: str = ""
    call: int | None = None
    name: str | None = None


@dataclass(slots=True)
class CallReader:
    """Divides an answer into text and calls. What looks like a call but is none stays text, so nothing is lost.

    A call's arguments are passed on as they arrive, unless its keys come in another order.
    """

    form: ToolForm
    names: Collection[str] = ()
    """The declared functions; only needed where calls have no opening."""
    calls: int = 0
    """Number of calls so far."""
    _pending: str = ""
    """Text that was not passed on yet."""
    _inside: bool = False
    """Whether `_pending` begins inside a call, after its opening."""
    _arguments: _ObjectEnd | None = None
    """Finds the end of the arguments that are being passed on; None outside of arguments."""
    _wrote_text: bool = False
    _gap: str = ""
    """The white space before the last opening."""

    def add(self, delta: str) -> list[ReadPiece]:
        """Take the next characters of the answer; return the pieces that no later character can change."""
        self._pending += delta
        return self._read(last=False)

    def finish(self) -> list[ReadPiece]:
        """End the answer; return the pieces that were held back."""
        return self._read(last=True)

    def _read(self, last: bool) -> list[ReadPiece]:
        pieces: list[ReadPiece] = []
        if not self.form.opening.strip():
            return self._read_bare(last)
        before: Any = None
        while before != (before := (self._pending, self._inside, self._arguments)):
            if self._arguments is not None:
                pieces += self._pass_arguments(self._arguments)
            elif self._inside:
                pieces += self._read_call(last)
            else:
                pieces += self._read_text(last)
        return pieces

    def _read_text(self, last: bool) -> list[ReadPiece]:
        opening = self.form.opening.strip()
        at = self._pending.find(opening)
        if at >= 0:
            text, self._pending, self._inside = self._pending[:at], self._pending[at + len(opening) :], True
            self._gap = text[len(text.rstrip()) :]
            return self._text(text.rstrip())
        keep = 0 if last else _open_end(self._pending, opening)
        settled = len(self._pending) - keep
        text, self._pending = self._pending[:settled], self._pending[settled:]
        if self.calls and not text.strip():  # the closing's line break, between two calls
            return []
        return self._text(text)

    def _text(self, text: str) -> list[ReadPiece]:
        self._wrote_text = self._wrote_text or bool(text)
        return [ReadPiece(text)] if text else []

    def _read_call(self, last: bool) -> list[ReadPiece]:
        """The beginning of a call, once its name and the start of its arguments are there, or a whole call."""
        head = _HEAD.match(self._pending)
        if head is not None and not self.form.listed:
            self._pending, self._arguments = self._pending[head.end() :], _ObjectEnd()
            self.calls += 1
            return [ReadPiece(call=self.calls - 1, name=str(json.loads(head[1], strict=False)))]
        closing = self.form.closing.strip()
        at = self._pending.find(closing) if closing else -1
        if at < 0 and not last:
            return []
        body, rest = (self._pending, "") if at < 0 else (self._pending[:at], self._pending[at + len(closing) :])
        calls = _whole_calls(body)
        self._inside = False
        if calls is not None:
            self._pending = rest
            return self._emit(calls)
        # no call: text, with the marks around it, up to what may be the next call
        opening, end = self.form.opening.strip(), closing if at >= 0 else ""
        again = body.find(opening)
        text, self._pending = (body + end, rest) if again < 0 else (body[:again], body[again:] + end + rest)
        return self._text(self._gap + opening + text)

    def _pass_arguments(self, ends: _ObjectEnd) -> list[ReadPiece]:
        size = ends.read(self._pending)
        text, self._pending = self._pending[:size], self._pending[size:]
        piece = [ReadPiece(text, self.calls - 1)] if text else []
        if not ends.done:
            return piece
        closing = self.form.closing.strip()
        rest = self._pending.lstrip().removeprefix("}").lstrip()
        if closing and not rest.startswith(closing) and closing.startswith(rest):
            return piece  # the closing has not arrived wholly
        self._arguments, self._inside = None, False
        self._pending = rest.removeprefix(closing)
        return piece

    def _read_bare(self, last: bool) -> list[ReadPiece]:
        """Calls without an opening: an answer that is wholly JSON, and calls declared functions only."""
        start = self._pending.lstrip()[:1]
        if start and start not in "{[" and not self._wrote_text:
            self._wrote_text = True
        if self._wrote_text or last:
            text, self._pending = self._pending, ""
            calls = None if self._wrote_text else _whole_calls(text)
            if calls is None or not all(name in self.names for name, _ in calls):
                return self._text(text)
            return self._emit(calls)
        return []

    def _emit(self, calls: list[tuple[str, str]]) -> list[ReadPiece]:
        pieces = []
        for name, arguments in calls:
            pieces += [ReadPiece(call=self.calls, name=name), ReadPiece(arguments, self.calls)]
            self.calls += 1
        return pieces


@dataclass(slots=True)
class _ObjectEnd:
    """Finds the end of a JSON object that arrives in pieces."""

    depth: int = 0
    quoted: bool = False
    escaped: bool = False
    done: bool = False

    def read(self, text: str) -> int:
        """The number of characters of `text` that belong to the object."""
        if self.done:
            return 0
        for at, letter in enumerate(text, 1):
            if self.escaped:
                self.escaped = False
            elif letter == '"':
                self.quoted = not self.quoted
            elif self.quoted:
                self.escaped = letter == "\\"
            elif letter in "{[":
                self.depth += 1
            elif letter in "}]":
                self.depth -= 1
                if not self.depth:
                    self.done = True
                    return at
        return len(text)


def _whole_calls(text: str) -> list[tuple[str, str]] | None:
    """The calls that a JSON text holds, (name, arguments as JSON); None where it holds anything else."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    calls = []
    for call in value if isinstance(value, list) else [value]:
        name = call.get("name") if isinstance(call, dict) else None
        arguments: Any = next((call[key] for key in ARGUMENT_KEYS if key in call), {}) if name else None
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return None
        calls.append((name, json.dumps(arguments, ensure_ascii=False)))
    return calls or None


def _open_end(text: str, opening: str) -> int:
    """How many characters at the end may begin an opening, with the white space before them."""
    same = next((n for n in range(min(len(text), len(opening) - 1), 0, -1) if text.endswith(opening[:n])), 0)
    settled = text[: len(text) - same]
    return same + len(settled) - len(settled.rstrip())
