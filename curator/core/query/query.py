"""The query language of `/`, bulk actions and `--filter` (docs/query.md).

`parse` gives a tree; `curator.workspace.search` evaluates it over stored results and the bytes of the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from curator.core.query.nodes import And, Choice, Not, Or, Query, Range, Text, alike
from curator.core.query.parser import CHOICES, FIELDS, NUMBERS, QueryError, parse

__all__ = [
    "And", "Choice", "Not", "Or", "Query", "QueryCompletion", "QueryError", "Range", "Text", "alike",
    "completions", "grouped", "mentions", "parse", "spans", "texts", "CHOICES", "FIELDS", "NUMBERS",
]  # fmt: skip


@dataclass(frozen=True)
class QueryCompletion:
    """A proposal: `text` replaces the characters from `start` to `end` of the query."""

    text: str
    start: int
    end: int


def texts(query: Query) -> list[Text]:
    """The text nodes whose matches are highlighted: all but those under a `Not`."""
    if isinstance(query, Text):
        return [query]
    if isinstance(query, And | Or):
        return [node for item in query.items for node in texts(item)]
    return []


def spans(query: Query, text: str, role: str | None = None) -> list[tuple[int, int]]:
    """The matches of a query's text nodes in one message of a role, ascending and without overlaps."""
    all_spans = sorted(span for node in texts(query) if node.is_in(role) for span in node.spans(text))
    out: list[tuple[int, int]] = []
    for start, end in all_spans:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def mentions(query: Query, field: str, value: str) -> bool:
    """Whether the query contains a choice such as `is:deleted`."""
    if isinstance(query, Choice):
        return query.field == field and value in query.values
    if isinstance(query, Not):
        return mentions(query.item, field, value)
    return isinstance(query, And | Or) and any(mentions(item, field, value) for item in query.items)


def grouped(text: str) -> str:
    """A query that can stand beside others, with a blank behind it; "" for the empty one.

    The blanks make it a group whatever it is: `(word)` would look for the parentheses too.
    """
    return f"( {text} ) " if text.strip() else ""


def completions(
    text: str, cursor: int, labels: Iterable[str] = (), sources: Iterable[str] = ()
) -> list[QueryCompletion]:
    """The proposals at the cursor: field names, or the values of the field before it."""
    start = cursor
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_.:|"):
        start -= 1
    typed = text[start:cursor]
    field, colon, value = typed.partition(":")
    if not colon:
        names = [name + ("" if name in NUMBERS else ":") for name in FIELDS] + ["or"]
        return [QueryCompletion(name, start, cursor) for name in names if field and name.startswith(field.lower())]
    value = value.rpartition("|")[2]
    values = CHOICES.get(field.lower(), ())
    if field.lower() == "rule":
        from curator.core.rules import REGISTRY  # heavy: all rules

        values = tuple(sorted(REGISTRY))
    elif field.lower() in ("label", "source"):
        values = tuple(_quote(name) for name in sorted(labels if field.lower() == "label" else sources))
    at = cursor - len(value)
    return [
        QueryCompletion(name, at, cursor) for name in values if name.lower().lstrip('"').startswith(value.lower())
    ]


def _quote(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else '"' + name.replace('"', '\\"') + '"'
