"""Keep an answer inside a grammar: before each token llguidance says which tokens may follow.

The grammars are a JSON schema, calls of declared tools, and the answers of a contract. llguidance is loaded by the
generation process only, at the first request with a constraint.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.basemodels.chat_tools import ToolForm
from curator.basemodels.text_model import TextModel
from curator.errors import InputError

LARGEST = 1_000_000
"""Longest grammar in characters."""


class UnmetConstraint(InputError):
    """A constraint that cannot be met. `param` is the request's field that asks for it."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class ConstraintCompiler:
    """Makes constraints for one model. Its vocabulary is read once, at the first constraint."""

    def __init__(self, text: TextModel) -> None:
        self._text = text
        self._tokenizer: Any = None

    def compile(self, wish: dict[str, Any], form: ToolForm) -> Constraint:
        """The constraint of a request (`schema`, `calls`, `choices` or `pattern`, and `param`). Raises
        UnmetConstraint."""
        from llguidance import LLMatcher, LLTokenizer  # heavy

        param = str(wish.get("param") or "response_format")
        grammar = write_grammar(wish, form)
        if len(grammar) > LARGEST:
            raise UnmetConstraint(f"it is too large: {len(grammar):,} characters as a grammar", param)
        if self._tokenizer is None:
            ends = list(self._text.end_ids) or None
            self._tokenizer = LLTokenizer(self._text.tokenizer.to_str(), eos_token=ends)
        matcher = LLMatcher(self._tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
        fault = matcher.get_error() or next(iter(matcher.get_grammar_warnings()), "")
        if fault:
            raise UnmetConstraint(_reason(fault), param)
        matcher.compute_bitmask()
        if matcher.get_error():
            raise UnmetConstraint("no answer meets it: a definition refers to itself and never ends", param)
        return Constraint(matcher, param)


def _reason(fault: str) -> str:
    """What llguidance says of a grammar, without its place in the grammar and the grammar's lines."""
    lines = itertools.takewhile(lambda line: not re.match(r"\s*\d+ \|", line), fault.splitlines())
    words = " ".join(" ".join(lines).split())
    return re.sub(r"^at \d+\(\d+\): ", "", words).removeprefix("failed to compile JSON schema: ")[:300]


class Constraint:
    """Which tokens may follow in one answer."""

    def __init__(self, matcher: Any, param: str) -> None:
        self._matcher = matcher
        self.param = param
        """The request's field that asks for it."""

    def copy(self) -> Constraint:
        """A constraint at the same place, for another answer."""
        return Constraint(self._matcher.deep_copy(), self.param)

    def mask(self, logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The logits (vocabulary,) with minus infinity for every token that may not follow. Raises InputError
        where none may and the answer is not whole."""
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        if self._matcher.get_error():
            raise self._lost()
        allowed = np.zeros(len(logits), bool)
        allowed[: len(bits)] = bits[: len(logits)]
        return np.where(allowed, logits, -np.inf)

    def take(self, token: int) -> None:
        """Advance the grammar by a token that it allows. Raises InputError if the grammar became too complex."""
        if not self._matcher.consume_token(token):
            raise self._lost()

    def _lost(self) -> InputError:
        why = " ".join(self._matcher.get_error().partition("<state>")[0].split())[:200]
        return InputError(
            "The schema became too large or too deep while it was followed: make it smaller, or let its "
            f"recursive parts end ({why or 'no token may follow'})."
        )

    @property
    def complete(self) -> bool:
        """Whether the answer is whole and nothing may follow."""
        return bool(self._matcher.is_stopped())


_NO_BLANKS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON as `json.dumps` writes it, which is how calls are trained: without endless blanks."""


def write_grammar(wish: dict[str, Any], form: ToolForm) -> str:
    """The grammar of a constraint in llguidance's Lark dialect."""
    rules: list[str] = []
    starts: list[str] = []
    if "schema" in wish:
        starts.append("answer")
        rules.append(f"answer: %json {_json(wish['schema'])}")
    if wish.get("calls"):
        starts.append("call")
        opening = json.dumps(form.opening + ("[" if form.listed else ""))
        closing = json.dumps(("]" if form.listed else "") + form.closing)
        parts = [part for part in (opening, "body", closing) if part != '""']
        rules += [f"call: {' '.join(parts)}", f"body: {' | '.join(f'f{n}' for n in range(len(wish['calls'])))}"]
        rules += [f"f{n}: %json {_json(_call_schema(tool, form))}" for n, tool in enumerate(wish["calls"])]
    if "choices" in wish:
        starts.append("choice")
        rules.append(f"choice: {' | '.join(json.dumps(choice, ensure_ascii=False) for choice in wish['choices'])}")
    if "pattern" in wish:
        starts.append("PATTERN")
        rules.append(f"PATTERN: /{wish['pattern'].replace('/', chr(92) + '/')}/")
    return "\n".join([f"start: {' | '.join(starts)}", *rules])


def _json(schema: Any) -> str:
    if not isinstance(schema, dict):
        return json.dumps(schema)
    return json.dumps({**schema, "x-guidance": _NO_BLANKS})


def _call_schema(tool: dict[str, Any], form: ToolForm) -> dict[str, Any]:
    function = tool["function"]
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    definitions = {key: parameters[key] for key in ("$defs", "definitions") if key in parameters}
    properties = {"name": {"const": function["name"]}, form.arguments: parameters}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **definitions,
    }
