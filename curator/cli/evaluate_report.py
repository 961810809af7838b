"""What `curator evaluate` prints for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from curator.cli.output import out, styled
from curator.core.text import count_of, one_line

if TYPE_CHECKING:
    from curator.core.answers.misses import MissKind
    from curator.core.scores.metrics import Flips
    from curator.jobs.runs.evaluation import Evaluation

_SHOWN = 10


def show(result: Evaluation, details: dict[str, Any]) -> None:
    """Print the scores of each row, kinds of misses and flips. `details` is `details_json`."""
    names = list(result.models[0].scores)
    out(f"{result.yardstick.words} (yardstick {result.yardstick.id})")
    if "contract" in names:
        out(f"contract: {one_line(result.contract_words, 200)}")
    for scored in result.models:
        out(styled(one_line(scored.model), "1"))
        for name in names:
            score = scored.scores[name]
            measured = math.isfinite(score.value)
            interval = (
                f"{score.value:8.3f}   95 % from {score.low:.3f} to {score.high:.3f}"
                if measured
                else "not measured"
            )
            out(f"  {name:<12} {interval}")
        out(f"  {_spent_words(details['spent'][scored.model])}")
    for name, signature in details["signatures"].items():
        out(f"{name}: {signature}")
    _show_confusions(details)
    for name in ("flattered", "noise"):
        if details[name]:
            out(details[name]["says"])
    if result.flips is not None:
        _show_flips(result, result.flips)
    if "miss_list" in details:
        from curator.jobs.findings.miss_causes import explained_words  # heavy

        for words in explained_words(details):
            out(one_line(words, 200))


def _spent_words(spent: dict[str, Any]) -> str:
    """Tokens, price and seconds of a row's answers; what is not known is left out."""
    words = []
    if spent["prompt_tokens"] is not None:
        words.append(f"{count_of(spent['prompt_tokens'] + spent['completion_tokens'], 'token')}")
    if spent["usd"] is not None:
        words.append("free" if not spent["usd"] else f"${spent['usd']:.4f}")
    if spent["seconds_an_answer"] is not None:
        words.append(f"{spent['seconds_an_answer']:.2f} s an answer")
    return ", ".join(words) or "what its answers took is not known"


def remarks(details: dict[str, Any]) -> list[str]:
    """What a card says beside the scores: how metrics were measured, misses, luck, the judge."""
    model = list(details["misses"])[-1]
    sentences = [f"{name}: {signature}" for name, signature in details["signatures"].items()]
    if kinds := details["misses"][model]:
        sentences.append(f"misses of {model}: {_kind_words(kinds)}")
    sentences += [details[name]["says"] for name in ("flattered", "noise") if details[name]]
    return sentences + (details["judge"]["says"] if details["judge"] else [])


def _kind_words(kinds: dict[MissKind, int]) -> str:
    from curator.core.answers.misses import KIND_WORDS  # heavy

    return ", ".join(f"{count} {KIND_WORDS[kind]}" for kind, count in kinds.items())


def _show_confusions(details: dict[str, Any]) -> None:
    """The kinds of misses of the last model, and the answers that it mistakes most."""
    model = list(details["misses"])[-1]
    if kinds := details["misses"][model]:
        out(f"misses of {one_line(model, 60)}: {_kind_words(kinds)}")
    repeated = [
        each for each in (details["answers"] or {}).get(model, {}).get("confusions", ()) if each["count"] > 1
    ]
    for each in repeated[:_SHOWN]:
        out(f"  {each['count']} × {one_line(each['given'], 32)} for {one_line(each['expected'], 32)}")


def _show_flips(result: Evaluation, flips: Flips) -> None:
    from curator.core.scores.metrics import difference_words  # heavy

    out(f"{result.primary}: {difference_words(len(flips.fixed), len(flips.broken))}")
    for mark, places in (("+", flips.fixed), ("-", flips.broken)):
        for at in places[:_SHOWN]:
            prompt, answer = result.prompts[at], result.models[-1].answers[at]
            words = f"{one_line(prompt.text, 48)} → {one_line(answer, 32)}"
            expected = "" if mark == "+" else f" (wanted {one_line(prompt.expected, 32)})"
            out(f"  {mark} line {prompt.line}: {words}{expected}")
        if len(places) > _SHOWN:
            out(f"  {mark} and {len(places) - _SHOWN} more; --json lists all")
