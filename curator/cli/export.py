"""`curator export`: write the examples of a view to a file, completely or not at all."""

from __future__ import annotations

import argparse
from pathlib import Path

from curator.cli import output
from curator.core.text import count_of
from curator.errors import UsageError

EXAMPLE = "curator export data.curator -o good.jsonl --filter 'label:good -is:error'"
FORMATS = (
    *("chat", "preference", "completion", "sharegpt", "alpaca", "csv"),
    *("trl", "axolotl", "llamafactory", "unsloth", "together", "mistral", "gemini", "bedrock"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file, '-' or a workspace")
    parser.add_argument(
        "-o", "--output", type=output.target, required=True, metavar="OUT", help="the file to write or replace"
    )
    parser.add_argument("--filter", default="", metavar="QUERY", help="see docs/query.md")
    parser.add_argument("--sort", default="", metavar="FIELD", help="the order; -FIELD for descending")
    parser.add_argument("--format", choices=FORMATS, help="default: every line as it is")
    parser.add_argument(
        "--marks",
        choices=("sidecar", "keys"),
        help="labels, ratings, reviews and notes go along: in OUT.marks.jsonl, or under a key of each example",
    )


def run(args: argparse.Namespace) -> int:
    """Write the file and print its size and hash; exit status 1 if examples had to be left out."""
    from curator.workspace.exchange.export import export  # heavy
    from curator.workspace.opening import open_for_reading

    out = Path(args.output)
    if str(args.path) != "-" and out.exists() and Path(args.path).exists() and out.samefile(args.path):
        raise UsageError("the output is the input; name another file with -o, the original stays untouched")
    if args.marks and args.format == "csv":
        raise UsageError("a CSV file holds no marks: leave out --marks, or choose another format")
    with open_for_reading(args.path) as workspace:
        view = workspace.view(args.filter, args.sort.removeprefix("-"), args.sort.startswith("-"))
        report = export(workspace, view.ids, out, args.format, marks=args.marks)
        rejected = workspace.rejected_among(view.ids)
        skipped = [row.line or row.id for row in workspace.rows(report.skipped[:1000])]
    if rejected:
        words = "--filter '-review:rejected' leaves them out"
        output.say(f"note: rejected in review: {count_of(rejected)} of these; {words}")
    if report.skipped:
        lines = ", ".join(map(str, skipped[:5])) + ("…" if len(report.skipped) > 5 else "")
        were = "was" if len(report.skipped) == 1 else "were"
        output.say(
            f"{count_of(len(report.skipped))} cannot be written as {args.format} and {were} left out: {lines}"
        )
    if report.unmarked:
        words = "broken lines have no keys: their labels, ratings, reviews and notes were left out"
        output.say(f"{report.unmarked:,} {words}; --marks sidecar takes them along")
    if args.json:
        output.emit({
            "path": str(report.path), "examples": report.examples, "bytes": report.bytes, "sha256": report.sha256,
            "skipped": len(report.skipped), "rejected": rejected, "format": args.format or "as they are",
            "also_right": str(report.right_answers) if report.right_answers else None,
            "marks": str(report.marks) if report.marks else None,
        })  # fmt: skip
    else:
        output.out(
            f"{count_of(report.examples)}, {count_of(report.bytes, 'byte')} "
            f"→ {output.styled(str(report.path), '1')}"
        )
        output.out(f"sha256 {report.sha256}")
    return 1 if report.skipped or report.unmarked else 0
