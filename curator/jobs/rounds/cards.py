"""Cards in Markdown: of a run, of its model and of its data, under the headings that the field knows.

Model and dataset card follow the templates of the Hugging Face Hub. What only people know is left to be filled in.
Text of models and data stands in code spans and blocks, so that it is shown and never interpreted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from curator import __version__
from curator.core.charts.curves import Series, draw
from curator.core.cost import money
from curator.core.text import count_of
from curator.jobs.rounds.data_summary import DataSummary
from curator.jobs.rounds.rounds import Round, settings_of
from curator.jobs.runs.evaluation_card import code

UNKNOWN = "[More Information Needed]"
"""What the templates have where a person has to write."""
_FLIPS = 20
_CURVE = (72, 14)
"""Width and height of the chart, in characters."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class CardFacts:
    """What cards are made of."""

    each: Round
    steps: Sequence[dict[str, float]]
    """The metrics of the training, a dict a step."""
    name: str
    """The name of the dataset."""
    data: DataSummary
    side_effects: Sequence[str] = ()
    """What the check of side effects says, in sentences; empty where it was not made."""


def run_card(facts: CardFacts) -> str:
    """The card of a run: what was trained, what came of it, and what changed since the round before."""
    each, run = facts.each, facts.each.run
    lines = [
        f"# Run {each.number}: {code(run.fine_tuned_model or run.model)}",
        "",
        f"{run.status.capitalize()}, made on {_day(run.created_at)} with Curator {__version__}.",
    ]
    if each.remark.tags or each.remark.note:
        lines += ["", *(f"Tags: {code(' '.join(each.remark.tags))}" for _ in each.remark.tags[:1])]
        lines += ["", code(each.remark.note)] if each.remark.note else []
    lines += ["", "## Data", "", *_data_lines(facts)]
    lines += ["", "## Training Hyperparameters", "", *_hyperparameters(each)]
    lines += ["", "## Speeds, Sizes, Times", "", *_spent(each)]
    lines += ["", "## Training Curve", "", *_curve(facts.steps)]
    lines += ["", "## Evaluation", "", *_results(each)]
    if each.since is not None:
        lines += ["", f"## Changes since round {each.since}", "", *_changes(each)]
    lines += _flips(each)
    lines += ["", "## Side Effects", "", *_side_effects(facts)]
    return "\n".join(lines) + "\n"


def model_card(facts: CardFacts) -> str:
    """The model card, under the headings of the Hub's template."""
    each, run = facts.each, facts.each.run
    name = run.fine_tuned_model or run.model
    local = run.provider == "local"
    front = ["---", f"base_model: {json.dumps(run.model)}", "pipeline_tag: text-generation"]
    front += ["library_name: peft"] if local else []
    front += ["tags:", "- fine-tuned", f"- {'dpo' if run.method == 'dpo' else 'sft'}", "---"]
    lines = [*front, "", f"# Model Card for {code(name)}", ""]
    lines += [f"{code(run.model)}, fine-tuned on {count_of(run.examples or 0)} of {code(facts.name)}."]
    lines += ["", "## Model Details", "", "### Model Description", ""]
    lines += [
        f"- **Developed by:** {UNKNOWN}",
        f"- **Model type:** {'LoRA adapter' if local else 'fine-tuned chat model'}, {run.method}",
        f"- **Language(s) (NLP):** {UNKNOWN}",
        f"- **License:** {UNKNOWN}",
        f"- **Finetuned from model:** {code(run.model)}",
    ]
    lines += ["", "## Uses", "", "### Direct Use", "", UNKNOWN, "", "### Out-of-Scope Use", "", UNKNOWN]
    lines += ["", "## Bias, Risks, and Limitations", "", *_side_effects(facts)]
    lines += ["", "## How to Get Started with the Model", "", *_start(each)]
    lines += ["", "## Training Details", "", "### Training Data", "", *_data_lines(facts)]
    lines += ["", "### Training Procedure", "", "#### Training Hyperparameters", "", *_hyperparameters(each)]
    lines += ["", "#### Speeds, Sizes, Times", "", *_spent(each), "", *_curve(facts.steps)]
    lines += ["", "## Evaluation", "", "### Testing Data, Factors & Metrics", "", *_yardstick(each)]
    lines += ["", "### Results", "", *_results(each)]
    lines += ["", "## Environmental Impact", "", UNKNOWN]
    lines += ["", "## Technical Specifications", "", f"Trained at {code(run.provider)} by Curator {__version__}."]
    lines += ["", "## Model Card Contact", "", UNKNOWN]
    return "\n".join(lines) + "\n"


def dataset_card(facts: CardFacts) -> str:
    """The dataset card, under the headings of the Hub's template."""
    each, data = facts.each, facts.data
    count = (each.run.examples or 0) + (each.validation_examples or 0)
    size = next((name for most, name in _SIZES if count < most), "n>1M")
    lines = ["---", "task_categories:", "- text-generation", "size_categories:", f"- {size}", "---", ""]
    lines += [f"# Dataset Card for {code(facts.name)}", "", *_data_lines(facts)]
    lines += ["", "## Dataset Details", "", "### Dataset Description", ""]
    lines += [f"- **Curated by:** {UNKNOWN}", f"- **Language(s) (NLP):** {UNKNOWN}", f"- **License:** {UNKNOWN}"]
    lines += ["", "## Uses", "", "### Direct Use", "", f"Fine-tuning {code(each.run.model)} ({each.run.method})."]
    lines += ["", "### Out-of-Scope Use", "", UNKNOWN]
    lines += ["", "## Dataset Structure", "", "One JSON object a line, as OpenAI's fine-tuning API takes it.", ""]
    lines += [*_sides(each), *_frequent_answers(data)]
    lines += ["", "## Dataset Creation", "", "### Curation Rationale", "", UNKNOWN]
    lines += ["", "### Source Data", "", f"Curated in the workspace {code(facts.name)}{_revision(each)}."]
    lines += ["", "### Annotations", "", data.review_words or UNKNOWN]
    lines += ["", "#### Personal and Sensitive Information", "", UNKNOWN]
    lines += ["", "## Bias, Risks, and Limitations", "", *(data.findings or [UNKNOWN])]
    lines += ["", "## Dataset Card Contact", "", UNKNOWN]
    return "\n".join(lines) + "\n"


def _frequent_answers(data: DataSummary) -> list[str]:
    if not data.answers:
        return []
    title = f"Answers, the most frequent of {data.different_answers:,} different ones{_of(data)}:"
    return ["", title, "", "```text", *_bars(data.answers), "```"]


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def _revision(each: Round) -> str:
    return f", revision {each.run.revision}" if each.run.revision is not None else ""


def _of(data: DataSummary) -> str:
    return "" if data.read == data.examples else f" (of {data.read:,} of {count_of(data.examples)})"


def _data_lines(facts: CardFacts) -> list[str]:
    each = facts.each
    held_out = f", {each.validation_examples:,} held out" if each.validation_examples else ""
    return [
        f"- **Dataset:** {code(facts.name)}{_revision(each)}",
        f"- **Examples:** {each.run.examples or 0:,} trained{held_out}",
        f"- **SHA-256 of the training file:** `{each.run.dataset_sha256 or 'unknown'}`",
    ]


def _sides(each: Round) -> list[str]:
    rows = [("train", each.run.examples, each.run.dataset_sha256)]
    rows += [("validation", each.validation_examples, each.run.validation_sha256)]
    lines = ["| split | examples | sha256 |", "|---|---|---|"]
    return lines + [f"| {name} | {count:,} | `{sha256}` |" for name, count, sha256 in rows if count]


def _hyperparameters(each: Round) -> list[str]:
    return [f"- **{name}:** {value}" for name, value in settings_of(each.run).items()] + [
        f"- **method:** {each.run.method}"
    ]


def _spent(each: Round) -> list[str]:
    run = each.run
    lines = [f"- **tokens trained:** {run.trained_tokens:,}"] if run.trained_tokens else []
    if run.usd_estimate is not None:
        lines.append(f"- **price:** {'none' if not run.usd_estimate else f'about US$ {money(run.usd_estimate)}'}")
    if run.finished_at:
        lines.append(f"- **time:** {max(0, run.finished_at - run.created_at):,.0f} s")
    return lines or [UNKNOWN]


def _curve(steps: Sequence[dict[str, float]]) -> list[str]:
    """The losses as a chart of characters."""
    names = (
        ("train_loss", "training loss"),
        ("valid_loss", "validation loss"),
        ("full_valid_loss", "all held out"),
    )
    points = [(title, [(row["step"], row[name]) for row in steps if name in row]) for name, title in names]
    series = [Series(title, places) for title, places in points if places]
    if not series:
        return ["No losses are known."]
    return ["```text", str(draw(series, *_CURVE)), "```", "", "Loss by step."]


def _yardstick(each: Round) -> list[str]:
    if each.yardstick is None:
        return ["Not evaluated."]
    side = each.yardstick.get("side") or "a file"
    return [
        f"{count_of(each.yardstick['prompts'], 'held-out prompt')} ({side}), yardstick `{each.yardstick['id']}`. "
        "95 % intervals: Wilson for shares, bootstrap for means, paired for differences."
    ]


def _results(each: Round) -> list[str]:
    if not each.scores:
        return ["Not evaluated."]
    against = f" against round {each.against}" if each.delta else ""
    lines = [f"| metric | value | 95 % | difference{against} |", "|---|---|---|---|"]
    for name, score in each.scores.items():
        change = each.delta.get(name)
        difference = f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})" if change else ""
        lines.append(f"| {name} | {score.value:.3f} | {score.low:.3f}–{score.high:.3f} | {difference} |")
    if each.prompts_compared:
        sure = "" if each.p_value is None else f" (McNemar p = {each.p_value:.2g})"
        lines += [
            "",
            f"{len(each.fixed)} fixed, {len(each.broken)} broken of "
            f"{count_of(each.prompts_compared, 'prompt')}{sure}.",
        ]
    return lines


def _changes(each: Round) -> list[str]:
    data = each.difference
    lines = ["Not known: a revision is missing."]
    if data is not None:
        lines = [f"{len(data.added):,} added, {len(data.removed):,} removed, {len(data.edited):,} edited."]
    if each.settings_changed:
        lines += ["", f"Other settings: {', '.join(each.settings_changed)}."]
    if each.both_changed:
        lines += ["", "Data and settings changed together: either may have made the difference."]
    return lines


def _flips(each: Round) -> list[str]:
    lines: list[str] = []
    for title, flips in (("Fixed", each.fixed), ("Broken", each.broken)):
        if flips:
            lines += ["", f"## {title} Prompts", "", "| prompt | wanted | before | now |", "|---|---|---|---|"]
        for flip in flips[:_FLIPS]:
            texts = (flip.prompt.text, flip.prompt.expected, flip.before, flip.after)
            lines.append(f"| {' | '.join(map(code, texts))} |")
        lines += [f"\nand {len(flips) - _FLIPS} more."] if len(flips) > _FLIPS else []
    return lines


def _side_effects(facts: CardFacts) -> list[str]:
    return [f"- {sentence}" for sentence in facts.side_effects] or ["Not checked for side effects."]


def _start(each: Round) -> list[str]:
    model = json.dumps(each.model or each.run.model)
    return [
        "```python",
        "from openai import OpenAI",
        "",
        "client = OpenAI()  # of the local server: base_url and api_key as `curator serve` prints them",
        f"answer = client.chat.completions.create(model={model}, messages=[",
        '    {"role": "user", "content": "…"},',
        "])",
        "print(answer.choices[0].message.content)",
        "```",
    ]


def _bars(answers: Sequence[tuple[str, int]]) -> list[str]:
    """A bar for each answer: its share of the most frequent one."""
    most = max(count for _, count in answers)
    return [f"{text:<24} {count:>7,} {'█' * max(1, round(30 * count / most))}" for text, count in answers]
