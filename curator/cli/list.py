"""`curator list`: print the examples of a view."""

from __future__ import annotations

import argparse
import base64
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.example import is_exact
from curator.core.text import count_of, one_line

if TYPE_CHECKING:
    from curator.workspace.records import Record, Row
    from curator.workspace.workspace import Workspace

EXAMPLE = "curator list data.jsonl --filter 'is:error -label:later' --limit 20"
_PROMPT, _ANSWER = 60, 40
"""Characters of the prompt and of the answer that are printed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file, '-' or a workspace")
    parser.add_argument("--filter", default="", metavar="QUERY", help="see docs/query.md")
    parser.add_argument(
        "--sort",
        default="",
        metavar="FIELD",
        help="prompt, answer, tokens, errors, …; -FIELD for descending",
    )
    parser.add_argument("--limit", type=output.count, default=100, metavar="N", help="at most N (default 100)")
    parser.add_argument("--offset", type=output.count, default=0, metavar="N", help="skip the first N")


def run(args: argparse.Namespace) -> int:
    """Print a page of the view."""
    from curator.workspace.opening import open_for_reading  # heavy

    descending = args.sort.startswith("-")
    with open_for_reading(args.path) as workspace:
        view = workspace.view(args.filter, args.sort.removeprefix("-"), descending)
        ids = view.ids[args.offset : args.offset + args.limit]
        workspace.count_tokens(ids)
        rows, records = workspace.rows(ids), list(workspace.records(ids))
        if args.json:
            examples = [_as_dict(row, record) for row, record in zip(rows, records, strict=True)]
            output.emit({"total": view.total, "examples": examples})
        else:
            _print(workspace, rows, view.total)
    return 0


def _as_dict(row: Row, record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": row.id, "line": row.line, "source": row.source, "split": row.split, "labels": row.labels,
        "rating": row.rating, "review": row.review, "note": record.note, "deleted": row.deleted,
        "edited": row.edited, "problems": row.rules, "tokens": row.tokens, "surprise": row.surprise,
    }  # fmt: skip
    example = record.example
    if example.broken or not is_exact(example.raw) or not _is_printable(example.value):
        fields["bytes_b64"] = base64.b64encode(example.raw).decode()
    else:
        fields["example"] = example.value
    return fields


def _is_printable(value: Any) -> bool:
    """Whether orjson can print the value again: no surrogates, not too deeply nested."""
    import orjson  # heavy

    try:
        orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        return False
    return True


def _print(workspace: Workspace, rows: list[Row], total: int) -> None:
    for row in rows:
        place = row.line if row.line is not None else "+"
        tail = " ".join(f"#{one_line(label, 20)}" for label in row.labels)
        mark = {"E": "31", "W": "33"}.get(row.mark, "32")
        answer = f" → {one_line(row.answer, _ANSWER)}" if row.answer else ""
        text = output.styled(f"{one_line(row.preview, _PROMPT)}{answer}", "0")
        numbers = f"{row.id:>7} {place:>7} {row.roles:<8} {row.tokens or 0:>6}"
        output.out(f"{output.styled(row.mark, mark)} {numbers}  {text} {tail}".rstrip())
    output.say(f"{len(rows):,} of {count_of(total)} in {workspace.source_name}")
