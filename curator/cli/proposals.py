"""`curator proposals`: list what machines suggest, and accept or reject it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.operations.effects import ProposedValue
    from curator.workspace.operations.proposed import Proposal
    from curator.workspace.operations.settle import Settled
    from curator.workspace.workspace import Workspace

EXAMPLE = "curator proposals data.curator --accept 3 4"
_WAIT = 5.0
"""Seconds to wait for another writer to close the workspace."""
_SHOWN = 3
"""Values of one proposal that are printed; `--json` has up to 20."""
_MARKS = {"None": "none", "False": "off", "True": "on"}
_WIDTH = 100
"""Characters of a value that are printed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("workspace", metavar="WORKSPACE", help="a workspace (NAME.curator)")
    decision = parser.add_mutually_exclusive_group()
    decision.add_argument("--accept", nargs="*", type=int, metavar="ID", help="apply these, as one change")
    decision.add_argument("--reject", nargs="*", type=int, metavar="ID", help="reject these, as one change")
    parser.add_argument(
        "--all",
        action="store_true",
        help="with --accept or --reject: every open one; alone: list the accepted and rejected ones too",
    )
    parser.add_argument("--by", default="", metavar="NAME", help="only those of this author")
    parser.add_argument(
        "--even-changed", action="store_true", help="accept also where the example changed since it was proposed"
    )


def run(args: argparse.Namespace) -> int:
    """List proposals, or settle some; exit status 1 where one could not be applied."""
    from curator.workspace.opening import open_workspace  # heavy
    from curator.workspace.operations.proposed import proposals_of
    from curator.workspace.storage.folder import is_workspace

    if not is_workspace(Path(args.workspace)):
        raise InputError(f"{args.workspace} is no workspace; make one with `curator import FILE -w NAME.curator`")
    ids = args.accept if args.accept is not None else args.reject
    if ids is not None and bool(ids) == args.all:
        raise UsageError("say which proposals: their ids, or --all")
    with open_workspace(args.workspace, read_only=ids is None or args.dry_run, wait=_WAIT) as workspace:
        if args.dry_run and ids is not None:
            return _tell(workspace, ids, args)
        if ids is None:
            return _list(workspace, args)
        workspace.require_writer()
        if args.all:
            ids = [each.id for each in proposals_of(workspace) if args.by in ("", each.by)]
        return _settle(workspace, ids, args)


def _settle(workspace: Workspace, ids: list[int], args: argparse.Namespace) -> int:
    from curator.workspace.operations import settle  # heavy
    from curator.workspace.operations.propose import held_out_keys

    accepts = args.accept is not None
    if accepts:
        settled = settle.accept(workspace, ids, even_changed=ids if args.even_changed else ())
    else:
        settled = settle.reject(workspace, ids)
    if args.json:
        change = settled.change
        answer: dict[str, Any] = {
            "accepted" if accepts else "rejected": settled.ids,
            "left": [{"id": number, "error": error} for number, error in settled.left.items()],
            "revision": workspace.revision(),
            "examples": change.examples if change else 0,
        }
        output.emit(answer | (held_out_keys(change.twins, change.parted, change.examples) if change else {}))
    else:
        _say_settled(settled)
    return 1 if settled.left else 0


def _tell(workspace: Workspace, ids: list[int], args: argparse.Namespace) -> int:
    """The end of a dry run: which open proposals would be settled, and which are out of date."""
    from curator.workspace.operations.proposed import changed_since, proposals_of  # heavy

    waiting = {each.id: each for each in proposals_of(workspace)}
    wanted = [each for each in waiting.values() if args.by in ("", each.by)] if args.all else None
    if wanted is None:
        if unknown := [number for number in ids if number not in waiting]:
            raise UsageError(f"there is no open proposal {unknown[0]}")
        wanted = [waiting[number] for number in ids]
    stale = {each.id: words for each in wanted if (words := changed_since(workspace, each))}
    left = {} if args.even_changed or args.accept is None else stale
    verb = "accepted" if args.accept is not None else "rejected"
    settled = [each.id for each in wanted if each.id not in left]
    facts = {verb: settled, "left": [{"id": number, "error": words} for number, words in left.items()]}
    output.would(f"have {count_of(len(settled), 'proposal')} {verb}, {len(left):,} left open", args.json, **facts)
    return 1 if left else 0


def _say_settled(settled: Settled) -> None:
    if settled.change is not None:
        output.out(output.styled(one_line(settled.change.label, 200), "0"))
    elif not settled.left:
        output.say("no proposal is open")
    for number, error in settled.left.items():
        output.say(f"proposal {number} stays open: {error}")


def _list(workspace: Workspace, args: argparse.Namespace) -> int:
    from curator.workspace.operations.proposed import proposals_of, shares  # heavy

    proposals = [each for each in proposals_of(workspace, None) if args.by in ("", each.by)]
    listed = [each for each in proposals if args.all or each.state == "open"]
    if args.json:
        open_ones = sum(each.state == "open" for each in proposals)
        dicts = [_as_dict(workspace, each) for each in listed]
        output.emit({"open": open_ones, "authors": shares(proposals), "proposals": dicts})
        return 0
    for each in listed:
        _print(workspace, each)
    for author, share in shares(proposals).items():
        accepted, settled = share["accepted"] + share["edited"], sum(share.values()) - share["open"]
        words = f"{accepted:,} of {settled:,} accepted" if settled else "none settled yet"
        output.say(f"{one_line(author)}: {share['open']:,} open, {words}")
    if not proposals:
        output.say("nothing is proposed; `curator apply --propose` keeps operations until somebody accepts them")
    return 0


def _print(workspace: Workspace, proposal: Proposal) -> None:
    from curator.workspace.operations.effects import effects  # heavy
    from curator.workspace.operations.proposed import changed_since, words_of

    is_open = proposal.state == "open"
    state = "" if is_open else f"  ({proposal.state})"
    words = f"{proposal.id:>5}  {one_line(proposal.by, 30)}: {words_of(workspace, proposal)}{state}"
    output.out(output.styled(words, "1"))
    if is_open and (stale := changed_since(workspace, proposal)):
        output.out(output.styled(f"       {stale}: accept it with --even-changed", "33"))
    if proposal.why:
        output.out(output.styled(f"       because: {one_line(proposal.why, 200)}", "0"))
    for effect in effects(workspace, proposal, _SHOWN) if is_open else ():
        _print_effect(effect)


def _print_effect(effect: ProposedValue) -> None:
    """Print a text or an example as two lines, before and after, and a mark as one."""
    if isinstance(effect.before, str | dict | list) or isinstance(effect.after, str | dict | list):
        for sign, value, code in (("-", effect.before, "31"), ("+", effect.after, "32")):
            if value is not None:
                output.out(output.styled(f"       {sign} {one_line(_shown(value), _WIDTH)}", code))
        return
    where = f"line {effect.line}" if effect.line is not None else f"example {effect.example}"
    before, after = (_MARKS.get(str(value), str(value)) for value in (effect.before, effect.after))
    output.out(output.styled(f"       {where}, {one_line(effect.field)}: {before} → {after}", "0"))


def _shown(value: Any) -> str:
    """A value on one line: texts as they are, a whole example as its question and answer, others as JSON."""
    from curator.core import splice  # heavy
    from curator.core.duplicates.question import question_and_answer

    if isinstance(value, str):
        return value
    data = splice.dump(value)
    if isinstance(value, dict) and "messages" in value:
        question, answer = question_and_answer(data)
        return f"{question} → {answer}"
    return data.decode("utf-8", "replace")


def _as_dict(workspace: Workspace, proposal: Proposal) -> dict[str, Any]:
    from curator.workspace.operations.effects import effects  # heavy
    from curator.workspace.operations.proposed import changed_since, words_of

    return {
        "id": proposal.id,
        "by": proposal.by,
        "why": proposal.why,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(proposal.created_at)),
        "state": proposal.state,
        "words": words_of(workspace, proposal),
        "stale": changed_since(workspace, proposal) if proposal.state == "open" else "",
        "operation": proposal.operation,
        "examples": proposal.ids,
        "changes": [effect._asdict() for effect in effects(workspace, proposal)],
    }
