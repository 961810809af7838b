"""What a proposal would change, value by value: before, as it is now, and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from curator.core import diff, splice
from curator.core.example import parse, parse_path
from curator.errors import CuratorError
from curator.workspace.operations.perform import Operation, note_text
from curator.workspace.operations.proposed import Proposal
from curator.workspace.records import Record
from curator.workspace.workspace import Workspace


class ProposedValue(NamedTuple):
    """One value that would change."""

    example: int | None
    """None for an example that is not there yet, and for all examples together."""
    line: int | None
    field: str
    """A location (`messages[2].content`), or `example`, `label:NAME`, `rating`, `review`, `note`, `also_right`,
    `split`."""
    before: Any
    """The value now, as JSON has it; None where there is none."""
    after: Any


def effects(workspace: Workspace, proposal: Proposal, limit: int = 20) -> list[ProposedValue]:
    """The first values that would change. Of an operation that would fail now, what can still be said."""
    return list(islice(_effects(workspace, proposal), limit))


def _effects(workspace: Workspace, proposal: Proposal) -> Iterator[ProposedValue]:
    op, name = proposal.operation, proposal.operation.get("op")
    if name == "add":
        yield ProposedValue(None, None, "example", None, op.get("example"))
    elif name == "split":
        settings = {key: op[key] for key in ("validation", "test", "seed", "stratify") if key in op}
        yield ProposedValue(None, None, "split", workspace.meta("split"), settings)
    else:
        for example in proposal.ids:
            try:
                record = workspace.record(example)
            except CuratorError:
                continue
            yield from _OF_ONE[str(name)](workspace, record, op) if name in _OF_ONE else ()


def _of_bytes(record: Record, after: bytes) -> Iterator[ProposedValue]:
    """The values that differ between an example and the bytes it would have."""
    new = parse(after)
    if record.example.broken or new.broken:
        yield ProposedValue(record.id, record.line, "example", _text(record.raw), _text(after))
        return
    for one in diff.compare_examples(record.example.value, new.value):
        yield ProposedValue(record.id, record.line, one.location, one.before, one.after)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _edited(_: Workspace, record: Record, op: Operation) -> Iterator[ProposedValue]:
    try:
        after = splice.set_value(record.raw, parse_path(str(op.get("location"))), op.get("value"))
    except (LookupError, ValueError):
        yield ProposedValue(record.id, record.line, str(op.get("location")), None, op.get("value"))
        return
    yield from _of_bytes(record, after)


def _fixed(workspace: Workspace, record: Record, op: Operation) -> Iterator[ProposedValue]:
    from curator.core import rules  # heavy

    context, rule = workspace.current_results.analyst.context, op.get("rule")
    if rule is None:
        after: bytes | None = rules.fix_all(record.example, context)[0]
    else:
        after = rules.fix(record.example, str(rule), context) if str(rule) in rules.REGISTRY else None
    if after is not None:
        yield from _of_bytes(record, after)


def _also_right(workspace: Workspace, record: Record, op: Operation) -> Iterator[ProposedValue]:
    before = list(workspace.also_right().get(record.id, ()))
    others = [text for text in before if text != op.get("answer")]
    after = [*before[: len(others)], op.get("answer")] if op.get("on", True) else others
    yield ProposedValue(record.id, record.line, "also_right", before, after)


def _mark(name: str, before: Callable[[Record], Any], after: Callable[[Operation], Any]) -> Any:
    def mark(_: Workspace, record: Record, op: Operation) -> Iterator[ProposedValue]:
        field = f"label:{op.get('label')}" if name == "label" else name
        old = op.get("label") in record.labels if name == "label" else before(record)
        yield ProposedValue(record.id, record.line, field, old, after(op))

    return mark


def _gone(_: Workspace, record: Record, op: Operation) -> Iterator[ProposedValue]:
    value = _text(record.raw) if record.example.broken else record.example.value
    deletes = op.get("op") == "delete"
    yield ProposedValue(record.id, record.line, "example", value if deletes else None, None if deletes else value)


_OF_ONE: dict[str, Callable[[Workspace, Record, Operation], Iterator[ProposedValue]]] = {
    "edit": _edited,
    "fix": _fixed,
    "delete": _gone,
    "restore": _gone,
    "also_right": _also_right,
    "label": _mark("label", lambda record: record.labels, lambda op: op.get("on", True)),
    "rate": _mark("rating", lambda record: record.rating, lambda op: op.get("rating") or None),
    "review": _mark(
        "review",
        lambda record: record.review,
        lambda op: None if op.get("state") == "none" else op.get("state"),
    ),
    "note": _mark("note", lambda record: record.note, note_text),
}
