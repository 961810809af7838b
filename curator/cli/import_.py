"""`curator import`: adds files to a workspace and says what was detected, new, duplicate and broken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import output
from curator.core.text import one_line
from curator.errors import UsageError

if TYPE_CHECKING:
    from curator.workspace.exchange.import_files import Import
    from curator.workspace.files.preview import Preview
    from curator.workspace.records import Change
    from curator.workspace.workspace import Workspace

EXAMPLE = "curator import answers.csv -w data.curator --map user=question,assistant=answer"
_EXCERPT = 100
_MOST_PLACES = 12
_MOST_REASONS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSONL, JSON, CSV, TSV, Parquet, .gz, .zst")
    parser.add_argument("-w", "--workspace", required=True, metavar="WORKSPACE", help="made where there is none")
    parser.add_argument(
        "--map",
        metavar="SPEC",
        help="user=COLUMN[+COLUMN],assistant=COLUMN[,system=COLUMN][,tools=COLUMN][,keep=COLUMN]; "
        "user=COLUMN,chosen=COLUMN,rejected=COLUMN for pairs; a shape; none keeps lines as they are",
    )
    parser.add_argument(
        "--preview", action="store_true", help="show the first three by the map and change nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Look, copy, count, commit."""
    from curator.core.convert.maps import parse_map
    from curator.workspace.exchange import import_files as importer
    from curator.workspace.files.preview import preview
    from curator.workspace.opening import remove_unused

    by = parse_map(args.map) if args.map else None
    if "-" in args.files:
        raise UsageError("import keeps where its lines came from: write standard input to a file first")
    files = [Path(name) for name in args.files]
    looks = [preview(file, by) for file in files]
    for look in looks:
        _show(look)
    if args.preview:
        if args.json:
            output.emit({"files": [_as_dict(look) for look in looks]})
        return 0
    path = Path(args.workspace)
    fresh = not path.exists()
    try:
        with _open(path) as workspace:
            made = importer.prepare_previewed(workspace, looks, _progress())
            change = importer.commit(workspace, made)
            fresh = False
            _tell(made, workspace, change, args.json)
    except BaseException:
        if fresh and path.is_dir():
            remove_unused(path)
        raise
    return 0


def _tell(made: Import, workspace: Workspace, change: Change, as_json: bool) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if as_json:
        output.emit({**_report(made), "workspace": str(workspace.path), "revision": change.id})
    else:
        _print(made, workspace)


def _progress() -> Callable[[int], None] | None:
    """Records done, on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int) -> None:
        if done % 10_000 == 0:
            sys.stderr.write(f"\r\x1b[K{done:,} records read")
            sys.stderr.flush()

    return show


def _open(path: Path) -> Workspace:
    """The workspace at `path`, made where there is none; of a dataset file the one beside it."""
    from curator.workspace import opening
    from curator.workspace.storage.folder import is_workspace

    folder = is_workspace(path) or not path.is_file()
    if folder and not (path / "workspace.db").exists():
        return opening.create_workspace(path)
    return opening.open_workspace(path, wait=2.0)


def _show(look: Preview) -> None:
    layout = f" ({look.layout})" if look.layout else ""
    output.say(
        f"{look.path.name}: {look.container}{layout}, {look.shape.replace('_', '/')}; map: {look.map.spec()}"
    )
    if look.left_behind:
        places = ", ".join(look.left_behind)
        output.say("  left behind: " + one_line(places, 200) + " (keep=KEY in --map carries a key along)")
    for _, example in look.samples:
        output.say("  " + one_line(example.decode("utf-8", "replace"), _EXCERPT))


def _as_dict(look: Preview) -> dict[str, object]:
    samples = [example.decode("utf-8", "replace") for _, example in look.samples]
    return {
        "path": str(look.path), "container": look.container, "format": look.shape, "map": look.map.spec(),
        "columns": look.columns, "left_behind": look.left_behind, "layout": look.layout, "samples": samples,
    }  # fmt: skip


def _report(made: Import) -> dict[str, object]:
    return {
        "added": made.total("added"),
        "duplicates": made.total("duplicates"),
        "broken": made.total("broken"),
        "new": made.total("added") - made.total("duplicates") - made.total("broken"),
        "unmapped": [
            {"file": file.preview.path.name, "line": line, "reason": reason}
            for file in made.files
            for line, reason in file.misfits
        ],
        "left_behind": dict(made.left_behind),
        "bad_answers": made.total("bad"),
        "format": made.format,
        "files": [
            {**_as_dict(file.preview), "added": file.added, "duplicates": file.duplicates, "broken": file.broken}
            for file in made.files
        ],
    }


def _print(made: Import, workspace: Workspace) -> None:
    report = _report(made)
    output.out(
        f"{report['added']:,} examples added to {output.styled(str(workspace.path), '1')}: {report['new']:,} new, "
        f"{report['duplicates']:,} duplicates, {report['broken']:,} broken"
    )
    _tell_misfits(made)
    if made.left_behind:
        places = ", ".join(f"{place} ({count:,})" for place, count in made.left_behind.most_common(_MOST_PLACES))
        output.say(f"left behind, with the number of records that have it: {one_line(places, 400)}")
    if bad := made.total("bad"):
        output.say(f"{bad:,} answers are marked as bad in the data: labelled bad, rejected, and never trained")


def _tell_misfits(made: Import) -> None:
    """How many records the map did not fit, each reason with the first line that gives it."""
    count = made.total("unmapped")
    if not count:
        return
    output.say(f"{count:,} records did not fit the map and were kept as they are:")
    reasons: dict[tuple[str, str], list[int]] = {}
    for file in made.files:
        for line, reason in file.misfits:
            reasons.setdefault((file.preview.path.name, reason), []).append(line)
    for (name, reason), lines in sorted(reasons.items(), key=lambda item: -len(item[1]))[:_MOST_REASONS]:
        more = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
        output.say("  " + one_line(f"{name}, line {lines[0]:,}{more}: {reason}", 200))
    if len(reasons) > _MOST_REASONS:
        output.say(f"  … and {len(reasons) - _MOST_REASONS:,} other reasons; --json lists every line")
