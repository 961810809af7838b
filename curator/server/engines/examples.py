"""A job's examples, read from JSONL and tokenized, the same for both engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from curator.basemodels import chat_render as render
from curator.basemodels.text_model import TextModel
from curator.core import example
from curator.core.lines import trim
from curator.server.engines.job import JobError, JobSpec

MAX_TOKENS = 1024
"""Longest training example in tokens; longer ones are cut at their end."""


def read_examples(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a JSONL file. Raises JobError for any other line, or if the file cannot be read."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                raw = trim(line, first=number == 1)
                if not raw or raw.isspace():
                    continue
                value = example.parse(raw).value
                if not isinstance(value, dict):
                    raise JobError("invalid_training_file", f"Line {number} of the file is no JSON object.")
                yield value
    except OSError as error:
        raise JobError("file_not_found", f"The file {path.name} cannot be read: {error.strerror}.") from error


class RenderedExamples(NamedTuple):
    """Tokenized examples (`Rendered`, for dpo `RenderedPair`), the tokens of all of them, and the place of each
    among those that were given."""

    examples: list[Any]
    tokens: int
    places: list[int]


def render_examples(job: JobSpec, text: TextModel, raw: Sequence[dict[str, Any]], which: str) -> RenderedExamples:
    """The tokenized examples with at least one trained token. `which` is "training" or "validation". Raises
    JobError if a value has another format."""
    try:
        if job.method == "dpo":
            pairs = [render.render_preference(text, value, MAX_TOKENS) for value in raw]
            places = [at for at, pair in enumerate(pairs) if pair.chosen.trained and pair.rejected.trained]
            tokens = sum(len(pairs[at].chosen.ids) + len(pairs[at].rejected.ids) for at in places)
            return RenderedExamples([pairs[at] for at in places], tokens, places)
        rendered = [render.render_chat(text, value, MAX_TOKENS) for value in raw]
    except (KeyError, TypeError, AttributeError) as error:
        raise JobError(f"invalid_{which}_file", f"The {which} file is not in the {job.method} format.") from error
    places = [at for at, one in enumerate(rendered) if one.trained]
    return RenderedExamples([rendered[at] for at in places], sum(len(rendered[at].ids) for at in places), places)
