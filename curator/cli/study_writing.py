"""The kinds of `curator study` that write: drafts of a model, which wait as its proposals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import provider_options
from curator.cli.output import emit, out, positive, say, styled, would
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.jobs.drafts.write import Draft
    from curator.jobs.providers import Provider
    from curator.jobs.runs.asking_cost import AskingCost
    from curator.jobs.studies.next_prompts import PromptQueue
    from curator.jobs.studies.suggestions import Suggestion


def configure(kinds: Any) -> None:
    """Add the parsers of these kinds."""
    drafts = _add_kind(kinds, "drafts", "have a model write examples like some that are there, as proposals")
    drafts.add_argument("--like", default="", metavar="QUERY", help="examples to write others like; docs/query.md")
    drafts.add_argument("--count", type=positive, default=5, metavar="N", help="how many (default 5, at most 100)")
    queue = _add_kind(kinds, "next", "which of many raw prompts to answer next, with the model's answers")
    queue.add_argument("--from", dest="raw", metavar="FILE", help="raw prompts; default: stored completions")
    queue.add_argument("--limit", type=positive, default=20, metavar="N", help="at most N (default 20)")
    queue.add_argument("--ask", type=positive, default=200, metavar="N", help="ask at most N (default 200)")
    queue.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample that is asked")
    queue.add_argument(
        "--propose", action="store_true", help="propose each prompt with its answer, behind the gate"
    )
    for each in (drafts, queue):
        each.add_argument("--yes", action="store_true", help="do not ask before money is spent")


def _add_kind(kinds: Any, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=words, description=words + ".")
    parser.add_argument("path", metavar="PATH", help="a workspace")
    parser.add_argument("--model", metavar="M", help="the model that is asked (default: the provider's)")
    provider_options.add_provider(parser)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def require_workspace(path: str) -> None:
    """Raise InputError where a path is no workspace, which alone keeps proposals."""
    from curator.workspace.storage.folder import is_workspace  # heavy

    if not is_workspace(Path(path)):
        raise InputError(f"{path} is no workspace; make one with `curator import FILE -w NAME.curator`")


def suggestions_json(suggestions: Sequence[Suggestion], *, asked: bool) -> dict[str, Any]:
    """What became of suggestions, in the order of what is listed; nothing where none was asked for."""
    rows = [{"proposal": each.proposal, "why_not": each.why_not} for each in suggestions]
    return {"proposed": rows} if asked else {}


def say_suggestions(suggestions: Sequence[Suggestion], path: str) -> None:
    """Tell how many suggestions wait as proposals, and why the first of the others does not."""
    if suggestions:
        passed = sum(each.proposal is not None for each in suggestions)
        refused = next((f"; left out: {each.why_not}" for each in suggestions if each.proposal is None), "")
        words = f"{passed} of {len(suggestions)} proposed{refused}"
        say(f"{words}; curator proposals {one_line(path)} accepts or rejects them")


async def _drafts(args: argparse.Namespace) -> int:
    """Have a model write drafts; exit status 1 where none passed the gate."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.drafts.write import plan_drafts, seeds_of, write_drafts, written_before
    from curator.workspace.opening import open_workspace

    require_workspace(args.path)
    provider = providers.get(args.provider or "local")
    model = args.model or provider.model or providers.LOCAL_MODEL
    with open_workspace(args.path, read_only=True) as workspace:
        workspace.current_results.alone = not workspace.current_results.finished
        plan = plan_drafts(workspace, seeds_of(workspace, workspace.view(args.like).ids), args.count)
        written = written_before(workspace, plan, provider, model)
        cost = plan.cost(provider, model, written)
        if args.dry_run:
            words = (
                f"ask {model} at {provider.name} for {count_of(plan.count, 'draft')} ({cost.words}){plan.notice}"
            )
            words += f"; {len(written)} of them were written before" if written else ""
            facts = cost_json(cost) | {"written_before": len(written)}
            return would(words, args.json, model=model, drafts=plan.count, **facts)
        if cost.usd != 0 and not args.yes:
            _agree(cost, provider, model)
        async with await connect(provider) as client:
            client.waiting = provider_options.say_waiting
            with provider_options.suggest_pull():
                drafts = await write_drafts(workspace, plan, client, model, _report)
    passed = [draft for draft in drafts if draft.proposal is not None]
    if args.json:
        emit(_as_json(drafts, model))
    else:
        _tell(drafts, args.path)
    return 0 if passed else 1


def cost_json(cost: AskingCost | None) -> dict[str, Any]:
    """What a dry run tells of questions, price and time; nulls where the prompts are not known yet."""
    if cost is None:
        return {"questions": None, "usd_estimate": None, "seconds": None}
    return {"questions": cost.questions, "usd_estimate": cost.usd, "seconds": round(cost.seconds)}


def _agree(cost: AskingCost, provider: Provider, model: str) -> None:
    """Ask whether money may be spent. Raises UsageError where it may not."""
    question = f"{cost.words}. Ask {one_line(model)} at {provider.name}? [y/N] "
    if not provider_options.ask_yes_no(question, False):
        raise UsageError(f"{cost.words}; nothing was asked: add --yes")


async def _next(args: argparse.Namespace) -> int:
    """Print the queue of prompts that should be answered next."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning import training_data
    from curator.jobs.studies import next_prompts, raw_prompts

    if not Path(args.path).exists():
        raise InputError(f"{args.path} does not exist")
    if args.propose:
        require_workspace(args.path)
    provider = providers.get(args.provider or "local")
    raw = raw_prompts.read_prompts(args.raw) if args.raw else None
    data = next_prompts.Data(training_data.read(args.path).without_rejected())
    with Ledger.for_path(args.path) as ledger:
        way = next_prompts.choose_way(args.model, provider, ledger, data)
        cost = next_prompts.cost_of(raw or [], args.ask, provider, way, data)
        if args.dry_run:
            asked = cost.words if raw is not None else f"at most {args.ask:,} of the stored prompts"
            first = "the first " * bool(raw and len(raw) == raw_prompts.MOST)
            sample = f" (a sample of {first}{len(raw):,} prompts)" if raw and len(raw) > args.ask else ""
            words = f"ask {way.model} at {provider.name}: {asked}{sample}"
            return would(words, args.json, model=way.model, **cost_json(cost if raw is not None else None))
        if cost.usd != 0 and not args.yes:
            _agree(cost, provider, way.model)
        async with await connect(provider) as client:
            client.waiting = provider_options.say_waiting
            prompts = raw if raw is not None else await raw_prompts.stored_prompts(client)
            with provider_options.suggest_pull():
                queue = await next_prompts.make_queue(
                    data, prompts, way, client, ledger, _report_asking,
                    contract=training_data.contract(args.path), limit=args.limit, most_asked=args.ask,
                    seed=args.seed,
                )  # fmt: skip
    suggestions = _propose_cards(queue, args.path) if args.propose else []
    if args.json:
        emit(queue.to_json() | suggestions_json(suggestions, asked=args.propose))
        return 0
    for notice in queue.notices:
        say(notice)
    for card in queue.cards:
        sure = "  ?" if card.certainty is None else f"{card.certainty:4.0%}"
        words = f"{one_line(card.prompt, 60)} → {one_line(card.answer, 40)}"
        out(f"{sure}  {styled(words, '1')}  {one_line(', '.join(card.reasons), 80)}")
    there = f"{queue.copies} are there already, {queue.held_out} are like a held-out one"
    say(f"{len(queue.cards)} of {count_of(queue.read, 'prompt')}; {there}")
    say_suggestions(suggestions, args.path)
    return 0


def _propose_cards(queue: PromptQueue, path: str) -> list[Suggestion]:
    from curator.jobs.studies.suggestions import propose_cards  # heavy
    from curator.workspace.opening import open_workspace

    with open_workspace(path, read_only=True) as workspace:
        workspace.current_results.alone = not workspace.current_results.finished
        return propose_cards(workspace, queue.cards, queue.model)


def _report_asking(name: str, done: int, total: int) -> None:
    _report(done, total, "answers")


def _as_json(drafts: list[Draft], model: str) -> dict[str, Any]:
    return {
        "model": model,
        "drafts": [
            {"proposal": draft.proposal, "prompt": draft.prompt, "answer": draft.answer}
            for draft in drafts
            if draft.proposal is not None
        ],
        "refused": [
            {"prompt": draft.prompt, "answer": draft.answer, "why": draft.why_not}
            for draft in drafts
            if draft.proposal is None
        ],
    }


def _tell(drafts: list[Draft], path: str) -> None:
    for draft in drafts:
        words = f"{one_line(draft.prompt, 70)} → {one_line(draft.answer, 40)}"
        if draft.proposal is not None:
            out(f"{draft.proposal:>5}  {styled(words, '1')}")
        else:
            say(f"    −  {words}: {draft.why_not}")
    passed = sum(draft.proposal is not None for draft in drafts)
    say(f"{passed} of {len(drafts)} passed; curator proposals {one_line(path)} accepts or rejects them")


def _report(done: int, total: int, what: str = "drafts") -> None:
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        sys.stderr.write(f"\r\x1b[K{done} of {total} {what}{end}")
        sys.stderr.flush()


KINDS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]] = {"drafts": _drafts, "next": _next}
