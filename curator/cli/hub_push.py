"""`curator hub push`: tell what would leave, ask, then send it as one commit."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.atomic import dry_run
from curator.cli import output
from curator.cli.output import emit, out, say, styled, would
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.jobs.hub.hub import Hub
    from curator.jobs.hub.push import PushPlan
    from curator.workspace.exchange.carried_along import CarriedAlong
    from curator.workspace.workspace import Workspace

_SIDES = {"train": "-split:validation -split:test", "validation": "split:validation", "test": "split:test"}
_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "source", metavar="PATH", help="a dataset file or workspace; with --adapter a tuned model's name"
    )
    parser.add_argument("repo", metavar="OWNER/NAME", help="where it goes; made where there is none")
    parser.add_argument("--adapter", action="store_true", help="send the PEFT adapter of a model tuned here")
    parser.add_argument("--filter", default="", metavar="QUERY", help="which examples; see docs/query.md")
    parser.add_argument("--marks", choices=("sidecar", "keys"), help="labels, ratings, reviews and notes go along")
    parser.add_argument("--public", action="store_true", help="everybody may read it (default: private)")
    parser.add_argument("--replace", action="store_true", help="replace files of these names at the hub")
    parser.add_argument("--message", default="", metavar="TEXT", help="of the commit")
    parser.add_argument("--yes", action="store_true", help="do not ask before anything leaves")


def run(args: argparse.Namespace) -> int:
    """Write the files to a temporary folder, compare with the hub, tell, ask, and send."""
    from curator.jobs.hub.hub import Hub, require_name  # heavy
    from curator.jobs.hub.push import plan_push

    name = require_name(args.repo, owner=True)
    if args.adapter and (args.filter or args.marks):
        raise UsageError("--filter and --marks are for data sets: leave out --adapter, or these")
    hub = Hub()
    if not hub.has_token:
        raise UsageError(
            "a push needs a token with the right to write: `hf auth login` stores one, or set HF_TOKEN"
        )
    with tempfile.TemporaryDirectory(prefix="curator-hub-") as folder:
        with dry_run(False):  # a dry run compares these files with those at the hub
            if args.adapter:
                files, carried = _write_adapter(args.source, Path(folder)), None
            else:
                files, carried = _write_data(args, name, Path(folder))
        plan = plan_push(hub, name, "model" if args.adapter else "dataset", files, public=args.public)
        for line in [] if args.json else [*_told(plan, files, hub), *(_carried_words(carried) if carried else [])]:
            out(line)
        return _decide(args, hub, plan, files, carried)


def _decide(
    args: argparse.Namespace, hub: Hub, plan: PushPlan, files: dict[str, Path], carried: CarriedAlong | None
) -> int:
    """Send what is to be sent, if that is wanted. Raises UsageError."""
    from curator.cli.provider_options import ask_yes_no  # heavy
    from curator.jobs.hub.push import push

    facts = _facts(plan, files, carried)
    if plan.replaced and not args.replace:
        raise UsageError(
            f"{_names(plan.replaced)} at {plan.name} would be replaced: add --replace, or name another"
        )
    if not plan.sent:
        return _finish(args, facts, None, f"{plan.name} has all of this already; nothing was sent")
    words = f"send {_names(plan.sent)} to {plan.name} at {hub.host}"
    if args.dry_run:
        return would(words, args.json, **facts)
    if not args.yes and not ask_yes_no(f"{words[0].upper()}{words[1:]}? [y/N] ", False):
        raise UsageError("nothing was sent: add --yes to send what is told above")
    address = push(hub, plan, files, one_line(args.message, 200) or count_of(len(plan.sent), "file"))
    return _finish(args, facts, address, f"sent: {one_line(address, 200)}")


def _facts(plan: PushPlan, files: dict[str, Path], carried: CarriedAlong | None) -> dict[str, Any]:
    """The JSON object of a push, without the commit."""
    names = {"new": plan.new, "replaced": plan.replaced, "equal": plan.equal, "kept": plan.kept}
    size = sum(files[name].stat().st_size for name in plan.sent)
    whose = {"repo": plan.name, "private": plan.private, "made": plan.there is None}
    return {**whose, **names, "bytes": size, "carries": carried.to_json() if carried else None}


def _finish(args: argparse.Namespace, facts: dict[str, Any], commit: str | None, words: str) -> int:
    if args.json:
        emit({**facts, "commit": commit})
    else:
        say(words)
    return 0


def _write_adapter(name: str, folder: Path) -> dict[str, Path]:
    """Export a tuned model's adapter; its files by name."""
    from curator.cli.models import export_peft  # heavy

    adapter_folder = export_peft(name, folder / "adapter")
    return {path.name: path for path in sorted(adapter_folder.iterdir())}


def _write_data(args: argparse.Namespace, name: str, folder: Path) -> tuple[dict[str, Path], CarriedAlong]:
    """Export the examples, a file for each side that has any; the files by name, and what they carry."""
    from curator.workspace.exchange.carried_along import count_carried  # heavy
    from curator.workspace.opening import open_for_reading

    with open_for_reading(args.source) as workspace:
        ids_of_all = workspace.view(args.filter).ids
        if not len(ids_of_all):
            raise InputError(f"{args.source} has no example that this would send")
        carried = count_carried(workspace, args.filter, ids_of_all, marks=args.marks is not None)
        files, examples = _write_sides(args, workspace, folder)
    readme = folder / "README.md"
    readme.write_text(_readme(name, examples), "utf-8")
    return {**files, "README.md": readme}, carried


def _write_sides(
    args: argparse.Namespace, workspace: Workspace, folder: Path
) -> tuple[dict[str, Path], Counter[str]]:
    """Write a file for each side that has examples; the files by name, and the examples of each side."""
    from curator.core.query.query import grouped  # heavy
    from curator.workspace.exchange.export import export

    files: dict[str, Path] = {}
    examples: Counter[str] = Counter()
    for side, query in _SIDES.items():
        ids = workspace.view(f"{grouped(args.filter)}{query}").ids
        if len(ids):
            path = folder / f"{side}.jsonl"
            report = export(workspace, ids, path, marks=args.marks)
            if report.unmarked:
                lacking = count_of(report.unmarked, "broken line has", "broken lines have")
                raise InputError(f"{lacking} no keys for marks: use --marks sidecar")
            examples[side] = report.examples
            files |= {each.name: each for each in (path, report.marks, report.right_answers) if each is not None}
    return files, examples


def _readme(name: str, examples: Counter[str]) -> str:
    """A data set's card, with which file is which side."""
    sides = "".join(f"  - split: {side}\n    path: {side}.jsonl\n" for side in examples)
    counts = "".join(f"- {side}.jsonl: {count_of(count)}\n" for side, count in examples.items())
    task = "task_categories:\n- text-generation\nconfigs:\n- config_name: default\n  data_files:\n"
    about = "One JSON object a line, in the order of the data set; exported with Curator."
    return f"---\n{task}{sides}---\n\n# {name.rpartition('/')[2]}\n\n{about}\n\n{counts}"


def _told(plan: PushPlan, files: dict[str, Path], hub: Hub) -> list[str]:
    """What would happen to each file, and who may read it."""
    who = "only those whom you let in" if plan.private else "everybody"
    beginning = "would be made; " if plan.there is None else ""
    lines = [f"{styled(plan.name, '1')} at {hub.host}: {beginning}{who} can read it"]
    kinds = (
        ("new", plan.new),
        ("replaces", plan.replaced),
        ("the same", plan.equal),
        ("left as it is", plan.kept),
    )
    for words, names in kinds:
        lines += [f"  {words:<14}{files[name].stat().st_size:>14,}  {styled(name, '1')}" for name in names]
    if plan.kind == "model":
        lines.append("  the README holds the training's settings and the usual system prompt of its examples")
    return lines


def _carried_words(carried: CarriedAlong) -> list[str]:
    """What the examples take along, a line for each kind."""
    kinds = {
        "labels": _counted(carried.labels), "reviews": _counted(carried.reviews),
        "ratings": f"{carried.ratings:,}" if carried.ratings else "",
        "notes": f"{carried.notes:,}, such as “{one_line(carried.longest_note, 60)}”" if carried.notes else "",
        "names": _counted(carried.names), "other keys": _counted(carried.keys),
        "looks private": _counted(Counter(carried.private)),
        "rejected": f"{carried.rejected:,}; --filter '-review:rejected' leaves them out" * (carried.rejected > 0),
        "test side": count_of(carried.test, "sealed example") if carried.test else "",
    }  # fmt: skip
    lines = [f"  {kind:<14}{words}" for kind, words in kinds.items() if words]
    stays = "no label, rating, review or note" if not lines else "nothing else"
    return [
        f"{count_of(carried.examples)}:",
        *lines,
        f"  {stays}; the history and who decided what stay here",
    ]


def _counted(counts: Counter[str]) -> str:
    most_common = [f"{one_line(name, 30)} ({count:,})" for name, count in counts.most_common(_SHOWN)]
    more = f" and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
    return output.styled(", ".join(most_common), "0") + more if most_common else ""


def _names(names: list[str]) -> str:
    first = ", ".join(one_line(name, 40) for name in names[:3])
    return first + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
