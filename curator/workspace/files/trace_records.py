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
    return True, _prompts(rest, notes, name)


def _are_spans(values: list[object]) -> bool:
    """Whether the other records are spans too, of things that are no calls of models."""
    return all(traces.trace_kind(value) or traces.unread_trace_kind(value) for value in values)


def _prompts(records: Iterator[Record], notes: Notes, name: str) -> Iterator[Record]:
    """The prompts, each with the line of its record; lines that are no JSON stay as they are.

    Raises InputError at the end where there was no prompt.
    """
    count = 0
    for line, raw in records:
        parsed = parse(raw)
        if parsed.value is None and parsed.faults:
            yield line, raw
        for prompt in traces.calls_of(spelled_numbers.read(parsed)):
            if prompt is None:
                notes.unread_calls += 1
                continue
            count += 1
            yield line, splice.encoded(spelled_numbers.spell(prompt))
    if not count:
        words = "no message of a call to a model: have the messages recorded with the spans"
        raise InputError(f"{name} holds traces of {notes.traced_by}, but {words}, and export them again")
