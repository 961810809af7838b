"""`curator stats`: tokens, cost, messages and answers of a dataset."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from curator.cli.output import emit, out, say, styled
from curator.core.charts.bar_text import bar_text
from curator.core.cost import money
from curator.core.text import count_of, one_line
from curator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.workspace.checks.statistics import Progress, Statistics

EXAMPLE = "curator stats data.jsonl --model gpt-4.1-mini"
BAR = 30
"""Width of the longest bar in cells."""
_SHOWN = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file, - for standard input, or a workspace")
    parser.add_argument(
        "--model", metavar="M", default="", help="count tokens and cost as for this model (default: the data's)"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data (default: by its size)")


def run(args: argparse.Namespace) -> int:
    """Print the statistics. Exit status 0 also for data with errors, which `check` reports."""
    if args.epochs is not None and not 1 <= args.epochs <= 50:
        raise UsageError(f"--epochs is from 1 to 50, not {args.epochs}.")
    from curator.workspace.checks.statistics import collect  # heavy

    progress = _progress()
    statistics = collect(args.path, args.model, args.epochs, progress=progress)
    if progress is not None:
        sys.stderr.write(f"{'':<24}\r")
    if args.json:
        emit({"path": args.path, **statistics.as_dict()})
    else:
        _show(args.path, statistics)
    return 0


def _progress() -> Progress | None:
    """A function that shows the number of examples on stderr, updated each second; None without a terminal."""
    if not sys.stderr.isatty():
        return None
    last_time = time.monotonic()

    def report(done: int) -> None:
        nonlocal last_time
        if done % 256 == 0 and time.monotonic() - last_time > 1:
            last_time = time.monotonic()
            sys.stderr.write(f"\r{count_of(done)}\r")
            sys.stderr.flush()

    return report


def _show(path: str, statistics: Statistics) -> None:
    parts = [count_of(statistics.examples)]
    parts += [f"{statistics.validation:,} of them for validation"] if statistics.validation else []
    parts += [styled(f"{statistics.broken:,} broken", "31")] if statistics.broken else []
    out(f"{styled(one_line(path), '1')}   {', '.join(parts)}")
    _show_tokens(statistics)
    _show_cost(statistics)
    _show_messages(statistics)
    _show_answers(statistics)
    if statistics.broken:
        say(f"curator check {one_line(path)} reports what is wrong with the broken ones.")


def _show_tokens(statistics: Statistics) -> None:
    from curator.core.counting.spread import histogram, spread  # heavy

    numbers, summary = statistics.tokens, spread(statistics.tokens.totals)
    about = " (estimated)" if numbers.estimated else ""
    _head("Tokens", f"as {one_line(statistics.model)} counts, {statistics.encoding}{about}")
    limit = f", {numbers.over_limit:,} over the limit of {numbers.limit:,}" if numbers.limit else ""
    out(f"  {sum(numbers.totals):,} in all, {sum(numbers.assistants):,} of them answers{limit}")
    out(
        f"  per example {summary.min:,.0f} to {summary.max:,.0f}, mean {summary.mean:,.1f}, "
        f"median {summary.median:,.0f}, 80 % from {summary.p10:,.0f} to {summary.p90:,.0f}"
    )
    bins = histogram(numbers.totals)
    rows = [(f"{part.low:,}–{max(part.low, part.high - 1):,}", part.count) for part in bins[:-1]]
    rows += [(f"{part.low:,}–{max(numbers.totals):,}", part.count) for part in bins[-1:]]
    _bars(rows)


def _show_cost(statistics: Statistics) -> None:
    bill = statistics.cost
    _head("Cost", f"{bill.epochs} epoch{'s' * (bill.epochs != 1)} of {count_of(bill.tokens_per_epoch, 'token')}")
    if bill.usd is None:
        price = f"price of {one_line(bill.model)} unknown"
    elif bill.usd == 0:
        price = "free"
    else:
        price = f"about ${money(bill.usd)} (price of {bill.priced_on})"
    out(f"  {count_of(bill.billed_tokens, 'token')} billed: {price}")


def _show_messages(statistics: Statistics) -> None:
    from curator.core.counting.spread import spread  # heavy

    counts, summary = statistics.messages, spread(statistics.messages.per_example)
    _head("Messages", f"{sum(counts.per_example):,}")
    roles = ", ".join(f"{one_line(role, 20)} {count:,}" for role, count in counts.roles.most_common(_SHOWN))
    out(f"  {roles or 'none'}")
    average = f"mean {summary.mean:.1f}, median {summary.median:.0f}"
    out(f"  per example {summary.min:,.0f} to {summary.max:,.0f}, {average}")
    lacking = [f"{counts.without[role]:,} without {role}" for role in counts.without if counts.without[role]]
    if lacking:
        out(f"  {', '.join(sorted(lacking))}")


def _show_answers(statistics: Statistics) -> None:
    answers = statistics.answers
    _head("Answers", f"{answers.total:,}, {len(answers.answers):,} different")
    if len(answers.answers) < answers.total:
        _bars([(one_line(share.text, 28), share.times) for share in answers.answers[:_SHOWN]])
        if len(answers.answers) > _SHOWN:
            rest = sum(share.times for share in answers.answers[_SHOWN:])
            out(f"  and {count_of(len(answers.answers) - _SHOWN, 'other')}, {rest:,} times together")
    size = answers.answer_lengths
    span = f"{size.least:,} to {count_of(size.most, 'character')}"
    out(f"  {span}, mean {size.mean:,.1f}, median {size.median:,.0f}")
    if answers.dominant:
        names = ", ".join(f"{one_line(each.text, 30)} {each.share:.0%}" for each in answers.dominant[:3])
        out(styled(f"  dominant: {names}", "33"))
    if answers.refusals:
        out(f"  {count_of(answers.refusals, 'refusal')} ({answers.refusal_share:.0%})")
    if statistics.contract:
        _show_contract(statistics.contract, answers.unknown)
    if len(answers.systems) > 1:
        out(f"  {count_of(len(answers.systems), 'different system prompt')} (none counts as one)")


def _show_contract(contract: str, unknown: int) -> None:
    words = f"  {f'{unknown:,}' if unknown else 'none'} outside the contract: {one_line(contract, 200)}"
    out(styled(words, "33") if unknown else words)


def _head(title: str, words: str) -> None:
    out(f"\n{styled(title, '1')}  {words}")


def _bars(rows: Sequence[tuple[str, int]]) -> None:
    """Print one bar a row of (name, count), the largest count at full width, with the count after it."""
    most = max((count for _, count in rows), default=0)
    wide = max((len(name) for name, _ in rows), default=0)
    for name, count in rows:
        out(f"  {name:>{wide}} {_bar(count / most if most else 0)} {count:,}")


def _bar(share: float) -> str:
    """A bar for a share of 0 to 1, exact to an eighth of a cell; at least an eighth for any share above 0."""
    return bar_text(share, BAR, least=int(share > 0))
