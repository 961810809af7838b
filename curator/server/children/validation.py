"""`python -m curator.server.children.validation FILE METHOD ROLE [MODEL]`: validates a job's file.

ROLE is "training" or "validation", MODEL a base model's folder. It is a process of its own, so that a large
file neither slows the server nor stays in its memory. It prints one JSON object: `{"examples": n, "empty": [...]}`
with the numbers of the lines that train an answer of white space, with MODEL also `engine`; or
`{"code", "message"}` with the first error, in OpenAI's words (docs/openai.md §3).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from curator.core import example, formats, rules
from curator.core.example import MAX_LINE_BYTES, Example
from curator.core.lines import trim
from curator.core.problem import Method, Problem, Severity
from curator.core.turns import turns
from curator.errors import InputError
from curator.server.engines.choice import choose_engine

MIN_EXAMPLES = 10

_FORMATS = {"supervised": "chat", "dpo": "preference"}
_NAMES = {"chat": "fine-tune-chat", "preference": "fine-tune-preference", "completion": "fine-tune-completion"}
_METHODS = {"chat": "supervised", "preference": "dpo", "reinforcement": "reinforcement"}


class InvalidFileError(Exception):
    """The file's first error: the API's code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number in the file, by the line rule of `core.lines`.

    A line beyond the size limit is cut; the rules refuse it then.
    """
    with path.open("rb") as file:
        number = 0
        while block := file.readline(MAX_LINE_BYTES + 2):
            number += 1
            line = trim(block, first=number == 1)
            while not block.endswith(b"\n") and (block := file.readline(MAX_LINE_BYTES)):
                pass
            if line.strip():
                yield number, line


class TemplateCheck:
    """Whether a model's chat template can show every example. Raises InvalidFileError for one that it cannot.

    Of plain chats with the same roles only the first is rendered, of those with tools each.
    """

    def __init__(self, model: Path) -> None:
        from curator.basemodels import text_model  # heavy: tokenizers

        self._shapes: set[tuple[Any, ...]] = set()
        try:
            self._text: Any = text_model.load(model)
        except InputError:  # training will say what is wrong with the model
            self._text = None

    def require(self, item: Example, count: int, number: int) -> None:
        """Check one example, which is valid otherwise; `number` is its line."""
        from curator.basemodels import chat_render  # heavy: Jinja

        if self._text is None or b'"tool' not in item.raw and b'"function' not in item.raw:
            shape = tuple((turn.path[:-1], turn.role) for turn in turns(item.value))
            if self._text is None or shape in self._shapes:
                return
            self._shapes.add(shape)
        try:
            chat_render.require_renderable(self._text, item.value)
        except InputError as error:
            message = (
                f"Invalid file format. Example {count} (line {number}) cannot be trained on with this model: "
            )
            raise InvalidFileError("invalid_file_format", f"{message}{error.message}") from error


def validate(path: Path, method: Method, role: str, model: Path | None = None) -> tuple[int, list[int]]:
    """The number of examples in the file, and the lines with an empty answer that is trained on.

    Raises InvalidFileError with the file's first error.
    """
    context = rules.Context(profile="local", method=method)
    template = None if model is None else TemplateCheck(model)
    empty: list[int] = []
    count = 0
    for count, (number, raw) in enumerate(read_lines(path), 1):  # noqa: B007
        item = example.parse(raw)
        _require_object(item, count, number)
        _require_format(item, method)
        problems = rules.check(item, context)
        problem = next((p for p in problems if p.severity is Severity.ERROR), None)
        if problem is not None:
            raise InvalidFileError(
                "invalid_file_format", f"Invalid file format. {_sentence(problem, count, item)}"
            )
        if any(each.rule == "empty_answer" for each in problems):
            empty.append(number)
        if template is not None:
            template.require(item, count, number)
    least = MIN_EXAMPLES if role == "training" else 1
    if count < least:
        message = f"{role.capitalize()} file has {count} example(s), but must have at least {least} examples"
        raise InvalidFileError("invalid_n_examples", message)
    return count, empty


def _require_object(item: Example, count: int, number: int) -> None:
    if item.faults:
        fault = item.faults[0].message
        message = (
            f"Invalid file format. Example {count} cannot be parsed. "
            f"Error: line contains invalid json: {fault} (line {number})"
        )
        raise InvalidFileError("invalid_file_format", message)
    if not isinstance(item.value, dict):
        message = f"Invalid file format. Example {count} is not a JSON dictionary (line {number})"
        raise InvalidFileError("invalid_file_format", message)


def _require_format(item: Example, method: Method) -> None:
    actual = formats.detect(item.value)
    if actual in ("unknown", _FORMATS[method]):
        return
    if actual == "completion":
        message = "Unexpected file format, expected chat messages, but the file holds prompt/completion pairs."
    else:
        message = (
            f"The file is in the {_NAMES.get(actual, actual)} format, but the specified fine-tuning job is not "
            f"using '{_METHODS.get(actual, actual)}' as the training method (provided method={method})."
        )
    raise InvalidFileError("invalid_training_file", message)


def _sentence(problem: Problem, count: int, item: Example) -> str:
    if problem.rule == "missing_messages_list" and "messages" not in item.value:
        return f"Example {count} is missing key 'messages'"
    place = f"Example {count}"
    for step in example.parse_path(problem.location):
        if isinstance(step, int):
            place += f", message {step + 1}"
        elif step != "messages":
            place += f', key "{step}"'
            break
    return f"{place}: {problem.message}"


def main(path: str, method: Method, role: str, model: str | None = None) -> None:
    """Validate the file and print the result."""
    verdict: dict[str, Any]
    try:
        count, empty = validate(Path(path), method, role, None if model is None else Path(model))
        verdict = {"examples": count, "empty": empty}
        if model is not None:
            verdict["engine"] = choose_engine(Path(model)).engine
    except InvalidFileError as error:
        verdict = {"code": error.code, "message": str(error)}
    except InputError as error:
        verdict = {"code": "model_not_supported", "message": error.message}
    try:
        sys.stdout.buffer.write(orjson.dumps(verdict) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the server has gone; the next one validates anew
        os._exit(1)  # without a second attempt to flush, which Python makes at exit


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
