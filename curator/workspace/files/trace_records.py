"""Files of traces as records: a raw prompt for each call of a model, whatever else the file holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from curator.core import spelled_numbers, splice
from curator.core.convert.traces import prompts as traces
from curator.core.example import parse
from curator.errors import InputError
from curator.workspace.files.line_splitter import Notes, Record

_LOOKED_AT = 200
"""Records from which a file of traces is told."""


def prompts_of_traces(records: Iterator[Record], notes: Notes, name: str) -> tuple[bool, Iterator[Record]]:
    """Whether a file is one of traces, and its records: then a raw prompt for each call of a model.

    Raises InputError for traces of a kind that is not read, where they are half of the first records or more.
    """
    first = list(itertools.islice(records, _LOOKED_AT))
    values = [parse(raw).value for _, raw in first]
    kinds = [kind for value in values if (kind := traces.trace_kind(value))]
    rest = itertools.chain(first, records)
    if not kinds:
        reasons = [reason for value in values if (reason := traces.unread_trace_kind(value))]
        if reasons and 2 * len(reasons) >= len(first):
            raise InputError(f"{name} is {reasons[0]}")
        return False, rest
    if 2 * len(kinds) < len(first) and not _are_spans(values):
        return False, rest
    notes.traced_by = kinds[0]
    return True, _prompts(rest, name, kinds[0])


def _are_spans(values: list[object]) -> bool:
    """Whether the other records are spans too, of things that are no calls of models."""
    return all(traces.trace_kind(value) or traces.unread_trace_kind(value) for value in values)


def _prompts(records: Iterator[Record], name: str, kind: str) -> Iterator[Record]:
    """The prompts, each with the line of its record. Raises InputError at the end where there was none."""
    count = 0
    for line, raw in records:
        for prompt in traces.prompts_of(spelled_numbers.read(parse(raw))):
            count += 1
            yield line, splice.encoded(spelled_numbers.spell(prompt))
    if not count:
        words = "no message of a call to a model: have the messages recorded with the spans"
        raise InputError(f"{name} holds traces of {kind}, but {words}, and export them again")
