"""`curator import`: add files to a workspace; print formats and the counts of new, copied and broken records."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.exchange.prepared_files import Import
    from curator.workspace.files.preview import Preview
    from curator.workspace.records import Change
    from curator.workspace.workspace import Workspace

EXAMPLE = "curator import answers.csv -w data.curator --map user=question,assistant=answer"
_EXCERPT = 100
_MOST_PLACES = 12
_MOST_REASONS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="JSONL, JSON, CSV, TSV, Parquet, .gz, .zst")
    parser.add_argument("-w", "--workspace", required=True, metavar="WORKSPACE", help="created if there is none")
    parser.add_argument(
        "--map",
        metavar="SPEC",
        help="user=COLUMN[+COLUMN],assistant=COLUMN[,system=COLUMN][,tools=COLUMN][,keep=COLUMN]; "
        "user=COLUMN,chosen=COLUMN,rejected=COLUMN for pairs; a shape; none keeps lines as they are",
    )
    parser.add_argument(
        "--completions", action="store_true", help="the prompts of completions that the local server stored"
    )
    parser.add_argument(
        "--preview", action="store_true", help="show the first three by the map and change nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Preview the files, then read them and add their examples as one change."""
    if bool(args.files) == args.completions:
        raise UsageError("name FILEs, or --completions for what the local server was asked to store")
    if args.completions:
        return _import_completions(args)
    return _import(args, [Path(name) for name in args.files])


def _import_completions(args: argparse.Namespace) -> int:
    """Import the prompts of the completions that the local server stored."""
    from curator import atomic  # heavy
    from curator.cli.provider_options import run_async

    with tempfile.TemporaryDirectory(prefix="curator-") as folder:
        path = Path(folder) / "stored-completions.jsonl"
        prompts = run_async(_stored_prompts())
        with atomic.dry_run(False):
            atomic.write_bytes(path, b"".join(output.encoded({"messages": each}) + b"\n" for each in prompts))
        return _import(args, [path])


async def _stored_prompts() -> list[list[dict[str, Any]]]:
    """The prompts of stored completions, the oldest first. Raises InputError where there are none."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.studies.raw_prompts import MOST, stored_prompts

    async with await connect(providers.get("local")) as client:
        return (await stored_prompts(client, MOST))[::-1]


def _import(args: argparse.Namespace, files: list[Path]) -> int:
    """Import files and tell what came of it."""
    from curator.core.convert.maps import parse_map  # heavy
    from curator.workspace.files.preview import preview

    field_map = parse_map(args.map) if args.map else None
    if "-" in args.files:
        raise UsageError("import stores which file each line came from: write standard input to a file first")
    previews = [preview(file, field_map) for file in files]
    for file in previews:
        _say_preview(file)
    if args.preview:
        if args.json:
            output.emit({"files": [_as_dict(file) for file in previews]})
        return 0
    if not any(file.sample for file in previews):
        names = ", ".join(str(file.path) for file in previews)
        raise InputError(f"nothing to import: {names} holds no record")
    path = Path(args.workspace)
    if args.dry_run:
        return _try(path, previews, args)
    _add(path, previews, args)
    return 0


def _add(path: Path, previews: list[Preview], args: argparse.Namespace) -> None:
    """Add the files to the workspace; a workspace that was made for them goes again where they cannot be added."""
    from curator.workspace.exchange import import_files  # heavy
    from curator.workspace.opening import remove_unused

    is_new = not path.exists()
    try:
        with _open(path) as workspace:
            prepared = import_files.prepare_previewed(workspace, previews, _progress())
            change = import_files.commit(workspace, prepared)
            is_new = False
            _print_result(prepared, workspace, change, args.json)
    except BaseException:
        if is_new and path.is_dir():
            remove_unused(path)
        raise


def _try(path: Path, previews: list[Preview], args: argparse.Namespace) -> int:
    """Read the files as an import would, beside copies in a temporary folder, and tell what it would add."""
    from curator import atomic  # heavy
    from curator.workspace import opening
    from curator.workspace.exchange.import_files import prepare_previewed

    with tempfile.TemporaryDirectory(prefix="curator-") as folder, atomic.dry_run(False):
        (Path(folder) / "sources").mkdir()
        there = (path / "workspace.db").exists() or path.is_file()
        with (
            opening.open_for_reading(path) if there else opening.create_workspace(Path(folder) / "new.curator")
        ) as workspace:
            prepared = prepare_previewed(workspace, previews, _progress(), Path(folder))
    if args.json:
        output.emit({**_report(prepared), "workspace": str(path), "dry_run": True})
    else:
        added = prepared.total("added")
        output.would(f"add {count_of(added)}, {prepared.total('duplicates'):,} of them duplicates", as_json=False)
        _say_misfits(prepared)
    return 0


def _print_result(prepared: Import, workspace: Workspace, change: Change, as_json: bool) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if as_json:
        twins = [twin._asdict() for twin in change.twins]
        place = {"workspace": str(workspace.path), "revision": change.id}
        output.emit({**_report(prepared), **place, "twins": twins})
    else:
        _print(prepared, workspace)
        if change.twins:
            joined = count_of(len(change.twins))
            output.say(f"copies of held-out ones, exact or near: {joined} on the held-out side, never trained on")


def _progress() -> Callable[[int], None] | None:
    """A function that shows the number of records read on stderr; None without a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int) -> None:
        if done % 10_000 == 0:
            sys.stderr.write(f"\r\x1b[K{count_of(done, 'record')} read")
            sys.stderr.flush()

    return show


def _open(path: Path) -> Workspace:
    """The workspace at `path`, created if there is none; for a dataset file the workspace beside it."""
    from curator.workspace import opening  # heavy
    from curator.workspace.storage.folder import is_workspace

    folder = is_workspace(path) or not path.is_file()
    if folder and not (path / "workspace.db").exists():
        return opening.create_workspace(path)
    return opening.open_workspace(path, wait=2.0)


def _say_preview(file: Preview) -> None:
    layout = f" ({file.layout})" if file.layout else ""
    output.say(
        f"{file.path.name}: {file.container}{layout}, {file.shape.replace('_', '/')}; map: {file.map.spec()}"
    )
    if file.left_behind:
        places = ", ".join(file.left_behind)
        output.say("  left behind: " + one_line(places, 200) + " (keep=KEY in --map carries a key along)")
    for _, example in file.samples:
        output.say("  " + one_line(example.decode("utf-8", "replace"), _EXCERPT))


def _as_dict(file: Preview) -> dict[str, object]:
    samples = [example.decode("utf-8", "replace") for _, example in file.samples]
    return {
        "path": str(file.path), "container": file.container, "format": file.shape, "map": file.map.spec(),
        "columns": file.columns, "left_behind": file.left_behind, "layout": file.layout, "samples": samples,
    }  # fmt: skip


def _report(prepared: Import) -> dict[str, object]:
    return {
        "added": prepared.total("added"),
        "duplicates": prepared.total("duplicates"),
        "broken": prepared.total("broken"),
        "new": prepared.total("added") - prepared.total("duplicates") - prepared.total("broken"),
        "unmapped": [
            {"file": file.preview.path.name, "line": line, "reason": reason}
            for file in prepared.files
            for line, reason in file.misfits
        ],
        "left_behind": dict(prepared.left_behind),
        "bad_answers": prepared.total("bad"),
        "unclear_answers": prepared.total("unclear"),
        **{name: prepared.total(name) for name in ("marked", "lost_marks")},
        "format": prepared.format,
        "files": [
            {**_as_dict(file.preview), "added": file.added, "duplicates": file.duplicates, "broken": file.broken}
            for file in prepared.files
        ],
    }


def _print(prepared: Import, workspace: Workspace) -> None:
    added, copies, broken = (prepared.total(name) for name in ("added", "duplicates", "broken"))
    output.out(
        f"{count_of(added)} added to {output.styled(str(workspace.path), '1')}: "
        f"{added - copies - broken:,} new, {count_of(copies, 'duplicate')}, {broken:,} broken"
    )
    _say_misfits(prepared)
    if prepared.left_behind:
        fields = prepared.left_behind.most_common(_MOST_PLACES)
        places = ", ".join(f"{place} ({count:,})" for place, count in fields)
        output.say(f"left behind, with the number of records that have it: {one_line(places, 400)}")
    if marked := prepared.total("marked"):
        output.say(f"{count_of(marked)} came with labels, ratings, reviews or notes")
    if lost := prepared.total("lost_marks"):
        output.say(
            f"left out: {count_of(lost, 'entry', 'entries')} of the .marks.jsonl file, for lines that have changed"
        )
    if bad := prepared.total("bad"):
        output.say(
            f"{count_of(bad, 'answer')} marked as bad in the data: labelled bad, rejected, and never trained"
        )
    if unclear := prepared.total("unclear"):
        output.say(
            f"{count_of(unclear, 'answer')} with a verdict that cannot be read: labelled unclear and flagged"
        )


def _say_misfits(prepared: Import) -> None:
    """Say how many records the map does not fit, and for each reason its first line."""
    count = prepared.total("unmapped")
    if not count:
        return
    output.say(f"{count_of(count, 'record')} did not fit the map, kept unchanged:")
    reasons: dict[tuple[str, str], list[int]] = {}
    for file in prepared.files:
        for line, reason in file.misfits:
            reasons.setdefault((file.preview.path.name, reason), []).append(line)
    for (name, reason), lines in sorted(reasons.items(), key=lambda item: -len(item[1]))[:_MOST_REASONS]:
        more = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
        output.say("  " + one_line(f"{name}, line {lines[0]:,}{more}: {reason}", 200))
    if len(reasons) > _MOST_REASONS:
        output.say(f"  … and {len(reasons) - _MOST_REASONS:,} other reasons; --json lists every line")
