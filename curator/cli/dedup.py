"""`curator dedup`: find duplicates and contradictions, and write a copy of the file without the duplicates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.duplicates.conflicts import Conflict
    from curator.core.duplicates.groups import Group
    from curator.workspace.any_dataset import Examples

EXAMPLE = "curator dedup data.jsonl -o unique.jsonl"
_SHOWN = 8
_EXCERPT = 70


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file or a workspace")
    parser.add_argument(
        "-o",
        "--output",
        type=output.target,
        metavar="OUT",
        help="write the examples without the copies to this file",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="lowest similarity of near copies, 60 to 100 or 0.6 to 1 (default 72)",
    )
    parser.add_argument(
        "--on",
        choices=("conversation", "prompt", "answer"),
        default="conversation",
        help="the part of an example to compare (default conversation)",
    )
    parser.add_argument("--exact", action="store_true", help="only equal JSON values, no near copies")


def run(args: argparse.Namespace) -> int:
    """Find and print duplicates; with -o write the others. The input stays as it is."""
    from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD  # heavy
    from curator.workspace.any_dataset import open_examples
    from curator.workspace.duplicates.index_by_id import Duplicates, equal_values

    threshold = _threshold(args.threshold, DEFAULT_THRESHOLD)
    if args.output and Path(args.output).resolve() == Path(args.path).resolve():
        raise UsageError("the output is the input; name another file with -o, the original stays untouched")
    with open_examples(args.path) as source:
        uncompared = (0, 0)
        if args.exact:
            groups, conflicts = equal_values(source.physical_lines(), source.raw, args.on)
        else:
            duplicate_index = Duplicates.build(source, source.raw, progress=_progress(), scope=args.on)
            groups, conflicts = duplicate_index.groups(threshold), duplicate_index.conflicts()
            uncompared = duplicate_index.uncompared
        copies = [group for group in groups if group.kind != "family"]
        duplicates = {example for group in copies for example in group.removed}
        written = _write(Path(args.output), source, duplicates) if args.output else None
        if args.json:
            output.emit(_report(groups, conflicts, len(duplicates), threshold, written))
        else:
            _print(groups, conflicts, len(duplicates), source, written)
            _print_uncompared(*uncompared, source.noun, args.on)
    return 0


def _threshold(value: float | None, default: float) -> float:
    if value is None:
        return default
    scaled = value * 100 if 0 < value <= 1 else value
    if not 60 <= scaled <= 100:
        raise UsageError(f"--threshold is from 60 to 100 (or 0.6 to 1), not {value:g}")
    return scaled


def _progress() -> Any:
    if not sys.stderr.isatty():
        return None

    def tell(phase: str, share: float) -> None:
        done = f" {share:.0%}" if share else ""
        sys.stderr.write(f"\r{phase}{done} …\x1b[K" if share < 1 else "\r\x1b[K")
        sys.stderr.flush()

    return tell


def _write(path: Path, source: Examples, duplicates: set[int]) -> dict[str, Any]:
    from curator.atomic import replacing  # heavy

    count = 0
    try:
        with replacing(path) as file:
            for example, raw in source.by_number.in_order():
                if example not in duplicates:
                    count += 1
                    file.write(raw + b"\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return {"path": str(path), "examples": count}


def _report(
    groups: list[Group], conflicts: list[Conflict], removed: int, threshold: float, written: dict[str, Any] | None
) -> dict[str, Any]:
    by_kind = {kind: [list(g.ids) for g in groups if g.kind == kind] for kind in ("exact", "family")}
    near = [sorted(g.ids) for g in groups if g.kind in ("normalised", "near")]
    return {
        "exact": by_kind["exact"],
        "near": near,
        "families": by_kind["family"],
        "conflicts": [
            {"prompt": c.prompt, "lines": sorted(c.ids), "answers": [answer for answer, _ in c.answers]}
            for c in conflicts
        ],
        "removed": removed,
        "threshold": threshold,
        **(written or {}),
    }


def _print(
    groups: list[Group],
    conflicts: list[Conflict],
    removed: int,
    source: Examples,
    written: dict[str, Any] | None,
) -> None:
    titles = {
        "exact": "Exact copies (the same JSON)",
        "normalised": "Copies but for case, spaces or punctuation",
        "near": "Near copies",
        "family": "Look-alikes: something that carries meaning differs (never removed)",
    }
    for kind, title in titles.items():
        of_kind = [group for group in groups if group.kind == kind]
        if of_kind:
            output.out(output.styled(f"{title}: {len(of_kind)}", "1"))
            for group in of_kind[:_SHOWN]:
                _print_group(group, source)
            _print_rest(len(of_kind))
    _print_conflicts(conflicts, source)
    what = f"{count_of(written['examples'])} written to {one_line(written['path'])}" if written else ""
    verdict = (
        f"{count_of(removed, 'copy', 'copies')} {'left out' if written else 'could be removed'}"
        if removed
        else "No copies found"
    )
    output.out(f"{verdict}{'; ' if what else ''}{what}.")


def _print_uncompared(nothing: int, wordless: int, noun: str, scope: str) -> None:
    """Print how many lines are copies of nothing, and of how many only equal values are copies."""
    if nothing:
        what = f"broken {noun}s" if scope == "conversation" else f"{noun}s that are broken or have no {scope}"
        output.out(f"  Not compared: {nothing:,} {what}; curator check names broken ones.")
    if wordless:
        output.out(f"  Of {wordless:,} {noun}s without messages or words only equal ones count as copies.")


def _print_conflicts(conflicts: list[Conflict], source: Examples) -> None:
    if conflicts:
        output.out(output.styled(f"Contradictions (one prompt, different answers): {len(conflicts)}", "1;33"))
        for conflict in conflicts[:_SHOWN]:
            output.out(f"  {source.noun}s {_numbers(conflict.ids)}  {one_line(conflict.prompt, _EXCERPT)}")
            for answer, who in conflict.answers:
                output.out(f"      {one_line(answer, _EXCERPT)}  ({source.noun} {_numbers(who)})")
        _print_rest(len(conflicts))


def _print_group(group: Group, source: Examples) -> None:
    from curator.core.duplicates.texts import compared_text, question_and_answer  # heavy
    from curator.core.example import parse

    score = f"  {group.score:.0f} %" if group.kind in ("near", "family") else ""
    keeps = f"  keeps {group.kept}, which is trained" if group.kept not in (group.ids[0], -1) else ""
    output.out(f"  {source.noun}s {_numbers(group.ids)}{score}{keeps}")
    examples = group.ids[:1] if group.kind == "exact" else group.ids[:3]
    for example in examples:
        raw = source.raw(example)
        text = " → ".join(filter(None, question_and_answer(compared_text(parse(raw).value))))
        output.out(f"      {one_line(text or raw.decode('utf-8', 'replace'), _EXCERPT)}")


def _print_rest(count: int) -> None:
    if count > _SHOWN:
        output.out(f"  … and {count - _SHOWN:,} more; --json lists all")


def _numbers(ids: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, ids[:8]))
    return listed + (f", … ({len(ids):,})" if len(ids) > 8 else "")
