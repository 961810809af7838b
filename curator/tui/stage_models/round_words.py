"""A round of the ledger in words: its line in the list, its facts, and the rows that opening it shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.core.text import count_of, one_line
from curator.tui.stage_models.run_words import STATUS_MARKS, spent_words, time_span

if TYPE_CHECKING:
    from curator.core.scores.metrics import Interval
    from curator.jobs.rounds.comparing import Flip
    from curator.jobs.rounds.explaining import Reason
    from curator.jobs.rounds.rounds import Round

_Pieces = list[tuple[str, str]]
SHARES = (
    *("exact_match", "contract", "accuracy", "macro_f1", "token_f1", "rouge1", "rouge2", "rougeL"),
    "completion",
)
"""Metrics between 0 and 1 that are shown in percent."""
TITLES = {
    "exact_match": "exact",
    "contract": "in the form",
    "token_f1": "token F1",
    "macro_f1": "macro F1",
    "completion": "tasks done",
}
_FEW = 0.05
"""The p value of McNemar's test below which flips count as more than chance."""
HEAD = "  #   when          data           right        delta            flips"


@dataclass(frozen=True)
class RoundRow:
    """A line of an opened round; `example` is where enter leads, None where it leads nowhere."""

    pieces: _Pieces
    example: int | None = None
    detail: list[tuple[str, str, str]] = field(default_factory=list)
    """The paragraphs below the list that tell more of this line: (name, text, theme colour) each."""


class FlipRow:
    """The line of a fixed or broken prompt, worded when it is drawn: there may be thousands."""

    def __init__(self, flip: Flip, mark: tuple[str, str]) -> None:
        self._flip, self._mark = flip, mark
        self.example = flip.prompt.line or None

    @property
    def pieces(self) -> _Pieces:
        """The prompt, and what was said before and is said now."""
        flip = self._flip
        return [
            self._mark,
            (one_line(flip.prompt.text or f"prompt {flip.prompt.line}", 34).ljust(35), ""),
            (one_line(flip.before, 14), "delete"),
            (" ", ""),
            (one_line(flip.after, 18), "insert"),
        ]

    @property
    def detail(self) -> list[tuple[str, str, str]]:
        """The paragraphs below the list: prompt and answers of this line."""
        flip = self._flip
        return [
            ("prompt", flip.prompt.text, "$role-user"),
            ("wanted", flip.prompt.expected, "$accent"),
            ("before", flip.before, "$quiet"),
            ("now", flip.after, "$role-assistant"),
        ]


def round_line(each: Round, marked: bool) -> _Pieces:
    """The line of the list of rounds."""
    mark, kind = STATUS_MARKS.get(each.run.status, ("·", ""))
    name = main_metric(each)
    score = f"{figure(name, each.scores[name].value)} {TITLES.get(name, name)}" if name else "–"
    delta = _delta(name, each.delta[name]) if name in each.delta else ""
    flips = f"+{len(each.fixed)} −{len(each.broken)}" if each.prompts_compared else ""
    tags = " ".join(f"#{tag}" for tag in each.remark.tags) + (" ✎" if each.remark.note else "")
    return [
        ("◆" if marked else " ", "accent"),
        (f"{each.number:>3} ", "accent"),
        (f"{mark} ", kind),
        (f"{_when(each.run.created_at)}  ", "dim"),
        (one_line(counts(each), 14).ljust(15), ""),
        (one_line(score, 12).ljust(13), "ok" if each.scores else "dim"),
        (delta.ljust(17), ""),
        (flips.ljust(9), ""),
        ("! " if each.both_changed else "", "warning"),
        (tags, "accent"),
    ]


def main_metric(each: Round) -> str:
    """The metric that stands for a round in the list; empty where it was not evaluated."""
    preferred = (name for name in ("exact_match", "accuracy", "contract", *each.scores) if name in each.scores)
    return next(preferred, "")


def counts(each: Round) -> str:
    """What changed in the data: `+12 −0 ~3`; `first` where there is no round before it."""
    changed = each.difference
    if changed is None:
        return "first" if each.since is None else "?"
    return f"+{len(changed.added):,} −{len(changed.removed):,} ~{len(changed.edited):,}"


def figure(name: str, value: float) -> str:
    """A score as it is shown: a share in percent, else with two decimals."""
    return f"{100 * value:.0f} %" if name in SHARES else f"{value:.2f}"


def _delta(name: str, delta: Interval) -> str:
    """A difference with its interval: `+7 (−3 to +17)`, of shares in points."""
    factor, form = (100, "+.0f") if name in SHARES else (1, "+.2f")
    value, low, high = (
        format(factor * each, form).replace("-", "−") for each in (delta.value, delta.low, delta.high)
    )
    return f"{value} ({low} to {high})"


def _when(moment: float) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(moment))


def facts(each: Round) -> list[tuple[str, str]]:
    """The lines above an opened round, as (text, theme colour)."""
    run = each.run
    lines = [
        (f"{run.status} · {run.fine_tuned_model or run.model} at {run.provider} · {_when(run.created_at)}", "")
    ]
    sha256 = (run.dataset_sha256 or "?")[:12]
    version = f"revision {run.revision}" if run.revision is not None else "a file"
    lines.append((f"data: {version}, {_split_words(each)}, sha256 {sha256}…", "$quiet"))
    lines.append((f"settings: {settings_words(each)}", "$quiet"))
    spent = spent_words(run, run.trained_tokens, run.usd_estimate)
    took = time_span(run.finished_at - run.created_at) if run.finished_at else ""
    if spent or took:
        lines.append((f"spent: {' · '.join(filter(None, (spent, took)))}", "$quiet"))
    if remark := _remark_words(each):
        lines.append((remark, "$accent"))
    if each.both_changed:
        names = ", ".join(each.settings_changed)
        words = f"! Data and settings ({names}) changed together: either may have made the difference."
        lines.append((words, "$mark-warning"))
    return lines


def _miss_words(each: Round) -> str:
    from curator.core.answers.misses import KIND_WORDS  # heavy

    return ", ".join(f"{count} {KIND_WORDS[kind]}" for kind, count in each.misses.items())


def _remark_words(each: Round) -> str:
    tags = " ".join(f"#{tag}" for tag in each.remark.tags)
    return one_line(f"{tags} {each.remark.note}".strip())


def _split_words(each: Round) -> str:
    train = f"{each.run.examples:,} to train" if each.run.examples else "?"
    held_out = f", {each.validation_examples:,} held out" if each.validation_examples else ""
    return train + held_out


def settings_words(each: Round) -> str:
    """The hyperparameters that are known, those that changed marked."""
    from curator.jobs.rounds.rounds import settings_of  # heavy

    settings = settings_of(each.run)
    names = {"learning_rate_multiplier": "learning rate ×", "batch_size": "batch"}
    parts = [f"{names.get(name, name)} {value}" for name, value in settings.items()]
    changed = f" (other {', '.join(each.settings_changed)} than before)" if each.settings_changed else ""
    return one_line(", ".join([each.run.method, *parts]) + changed)


def score_rows(each: Round) -> list[RoundRow]:
    """A row a metric: value, interval, and the difference to the round before."""
    if not each.scores:
        model = "It left no model." if each.run.closed else "It is not finished."
        model = "C in the Train stage, or alt+5, evaluates it." if each.model else model
        return [RoundRow([(f"Not evaluated. {model}", "dim")])]
    yardstick = each.yardstick or {}
    words = count_of(yardstick.get("prompts", 0), "prompt")
    rows = [RoundRow([(f"Scores on {words}{_against_words(each)}", "accent")])]
    for name, score in each.scores.items():
        low, high = figure(name, score.low), figure(name, score.high)
        interval = f"{low.removesuffix(' %')}–{high}" if name in SHARES else f"{low}–{high}"
        delta = _delta(name, each.delta[name]) if name in each.delta else ""
        pieces = [
            (f"  {TITLES.get(name, name):<13}", ""),
            (f"{figure(name, score.value):>7} ", "ok"),
            (f"({interval})".ljust(18), "dim"),
            (delta, ""),
        ]
        rows.append(RoundRow(pieces))
    return rows


def miss_rows(each: Round) -> list[RoundRow]:
    """The kinds of misses, and how far the best of many rounds is flattered, with all there is to say below."""
    rows = []
    if each.misses:
        words = _miss_words(each)
        rows.append(RoundRow([(f"Misses: {words}", "accent")], detail=[("misses", words, "")]))
    if each.flattery is not None:
        best = each.flattery
        words = f"Luck: the best of {best.models} has {best.score:.0%}, {best.fair:.0%} without it"
        rows.append(RoundRow([(words, "accent")], detail=[("luck", best.words, "")]))
    return rows


def _against_words(each: Round) -> str:
    if not each.prompts_compared or each.against is None:
        return ""
    return f" · against round {each.against} on the {each.prompts_compared:,} both answered"


def flip_rows(each: Round, reasons: Sequence[Sequence[Reason]]) -> list[RoundRow | FlipRow]:
    """The fixed and the broken prompts, each followed by the changed examples that explain it.

    `reasons` are those of the fixed ones, then those of the broken ones.
    """
    if not each.prompts_compared:
        return []
    rows: list[RoundRow | FlipRow] = []
    groups = (("Fixed", "✓", "ok", each.fixed), ("Broken", "✗", "error", each.broken))
    at = 0
    for title, mark, kind, flips in groups:
        chance = "" if each.p_value is None or each.p_value < _FEW else ", which may be chance"
        rows.append(RoundRow([(f"{title}: {len(flips)}{chance if flips else ''}", "accent")]))
        for flip in flips:
            rows.append(FlipRow(flip, (f"  {mark} ", kind)))
            rows += [_reason_row(reason) for reason in (reasons[at] if at < len(reasons) else ())]
            at += 1
    return rows


def _reason_row(reason: Reason) -> RoundRow:
    changed = reason.changed
    answer = changed.after if changed.after is not None else changed.before or ""
    pieces = [
        (f"      {changed.sign} ", "warning"),
        (f"{one_line(reason.words, 46)}  ", "dim"),
        (f"{one_line(changed.prompt, 30)} → ", ""),
        (one_line(answer, 16), "accent"),
    ]
    detail = [("changed", reason.words, "$quiet"), ("prompt", changed.prompt, "$role-user")]
    sides = (("before", changed.before, "$quiet"), ("after", changed.after, "$role-assistant"))
    detail += [(name, text, colour) for name, text, colour in sides if text is not None]
    return RoundRow(pieces, changed.id, detail)
