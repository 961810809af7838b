"""A Markdown card of an evaluation: what was measured on which prompts, how sure it is, and what is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

from curator.core.scores.metrics import Interval, difference_words
from curator.core.text import one_line
from curator.jobs.runs.evaluation import Evaluation

_MISSES = 20


def card(result: Evaluation, missed: Sequence[str] = (), remarks: Sequence[str] = ()) -> str:
    """The card; text of models and data stands in code spans, so that it is shown and never interpreted.

    `missed` are sentences about bars, `remarks` what else there is to say, such as how metrics were measured.
    """
    lines = [
        "# Evaluation",
        "",
        f"{result.yardstick.words}. Yardstick `{result.yardstick.id}`, {result.yardstick.side or 'a file'}.",
        f"95 % intervals in brackets (Wilson for shares, bootstrap for means). Primary metric: {result.primary}.",
        *filter(None, [result.left_out_words]),
        "",
        "## Results",
        "",
    ]
    names = list(result.models[0].scores)
    lines += [f"| model | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for scored in result.models:
        cells = [_cell(scored.scores.get(name)) for name in names]
        lines.append(f"| {code(scored.model)} | {' | '.join(cells)} |")
    if result.flips is not None:
        fixed, broken = len(result.flips.fixed), len(result.flips.broken)
        lines += [
            "",
            f"From {code(result.models[0].model)} to {code(result.last.model)} by McNemar's test: "
            f"{difference_words(fixed, broken)}.",
        ]
    lines += ["", "## Remarks", "", *(f"- {code(sentence, 400)}" for sentence in remarks)] if remarks else []
    lines += ["", "## Bars", "", *(f"- {sentence}" for sentence in missed)] if missed else []
    lines += [
        "",
        "## Answers that differ from what was wanted",
        "",
        "| prompt | wanted | answer |",
        "|---|---|---|",
    ]
    wrong = [
        (prompt, answer)
        for prompt, answer in zip(result.prompts, result.last.answers, strict=True)
        if prompt.expected.strip() != answer.strip()
    ]
    for prompt, answer in wrong[:_MISSES]:
        lines.append(f"| {code(prompt.text)} | {code(prompt.expected)} | {code(answer)} |")
    if len(wrong) > _MISSES:
        lines += ["", f"and {len(wrong) - _MISSES} more."]
    return "\n".join(lines) + "\n"


def _cell(score: Interval | None) -> str:
    """A value with its interval."""
    if score is None or not math.isfinite(score.value):
        return "not measured"
    return f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})"


def code(text: str, longest: int = 80) -> str:
    """A text in one line as a code span of a table cell."""
    words = one_line(text, longest).replace("|", "\\|")
    fence = "``" if "`" in words else "`"
    padding = " " if "`" in words else ""
    return f"{fence}{padding}{words}{padding}{fence}"
