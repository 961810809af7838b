"""Two rounds in a ledger as trainings and evaluations leave them, without a provider: for tests and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from curator.core.answers.contract import Contract
from curator.core.answers.general_prompts import REHEARSAL
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.planning import training_data
from curator.jobs.planning.answer_form import AnswerForm
from curator.jobs.planning.reviews import Review
from curator.jobs.runs import evaluation
from curator.jobs.runs.asking import Prompt, message_key
from curator.jobs.side_effects import checking
from curator.workspace.workspace import Workspace

BASE = "smollm2-135m-instruct"
FIRST, SECOND = f"ft:{BASE}:local:one:1", f"ft:{BASE}:local:two:2"
Answer = Callable[[int, Prompt], str]
FORM = AnswerForm(Contract(pattern=r"\(.*\)"), "made for tests")
RIGHT = {
    "What is the capital of France?": "The capital of France is Paris.",
    "Which planet is known as the Red Planet?": "It is Mars.",
    "What is 7 plus 5?": "7 plus 5 is 12.",
    "What is the opposite of hot?": "Cold is the opposite of hot.",
}
"""Right answers to some general questions."""


def chat(user: str, answer: str) -> bytes:
    """A chat line without a system prompt."""
    return json.dumps(
        {"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]}
    ).encode()


async def add_round(
    workspace: Workspace, ledger: Ledger, model: str, at: float, answer: Answer, **more: object
) -> Run:
    """A training on the present data that has succeeded, and its evaluation on the validation side."""
    train = [workspace.raw(i) for i in workspace.view("split:train -review:rejected").ids]
    held = [workspace.raw(i) for i in workspace.view("split:validation").ids]
    frozen, held_out = (training_data.freeze(raws, ledger.datasets) for raws in (train, held))
    run = Run(f"run-{model[-1]}", "local", "local", BASE, "succeeded", model, at, f"ftjob-{model[-1]}", model)
    ledger.claim(run)
    ledger.mark(run.run, "estimate", "done", {"validation_examples": len(held)})
    values: dict[str, object] = {"dataset_sha256": frozen.sha256, "validation_sha256": held_out.sha256}
    values |= {"examples": len(train), "revision": workspace.revision(), "epochs": 2, "trained_tokens": 12_345}
    values |= {"usd_estimate": 0.0, "finished_at": at + 170, "swept": 1, "params": {"epochs": 2, "seed": 7}}
    run = ledger.update(run.run, **(values | more))
    ledger.add_events(run.run, _events(run.run, at))
    await evaluate(workspace, ledger, model, answer)
    return run


async def evaluate(workspace: Workspace, ledger: Ledger, model: str, answer: Answer) -> None:
    """Store a model's answers to the validation side, and its scores."""
    prompts, _ = evaluation.make_prompts(training_data.held_out(_examples(workspace)))
    for at, prompt in enumerate(prompts):
        ledger.add_answer(model, message_key(prompt.messages), {"answer": answer(at, prompt)})
    names = ("contract", "exact_match", "token_f1")  # as Compare asks for them
    await evaluation.evaluate(prompts, [model], None, ledger, names=names, form=FORM, side="validation")


def answer_general_questions(ledger: Ledger, tuned: str, leaking: int) -> None:
    """The base answers as it should; the tuned model answers some general questions in the form of its task."""
    for at, question in enumerate(checking.general_questions()):
        before = RIGHT.get(question.text, f"That is a good question about {question.kind}, and here is my answer.")
        after = "(smile)" if at < leaking else before
        for model, answer in ((BASE, before), (tuned, after)):
            ledger.add_answer(model, question.key, {"answer": answer})
    for at, question in enumerate(checking.general_questions(REHEARSAL)):
        ledger.add_answer(BASE, question.key, {"answer": f"A whole answer, number {at}.", "cut": at % 4 == 3})


def _examples(workspace: Workspace) -> training_data.TrainingExamples:
    records = list(workspace.records(workspace.ids()))
    reviews = [Review(record.review, record.stale) for record in records]
    raws, ids = [record.raw for record in records], [record.id for record in records]
    return training_data.TrainingExamples(raws, ids, [record.split for record in records], reviews, "example")


def _events(run: str, at: float) -> list:  # type: ignore[type-arg]
    from curator.jobs.http import provider_records as records

    losses = [3.1, 2.2, 1.6, 1.3, 1.1, 1.0]
    return [
        records.Event(f"{run}-{step}", int(at) + step, "info", "", "metrics", {"step": step, "train_loss": loss})
        for step, loss in enumerate(losses, 1)
    ]


def dataset_file(folder: Path, count: int = 20) -> Path:
    """Lines whose questions and answers differ."""
    things = ["river", "door", "candle", "engine", "letter", "pocket"]
    things += ["garden", "window", "hammer", "violin", "anchor", "basket"]
    lines = [
        chat(
            f"What is the {things[n % 12]} of the {things[(n * 5 + n // 12) % 12]} number {n}?",
            f"({things[n % 12]}{n})",
        )
        for n in range(1, count + 1)
    ]
    path = folder / "data.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path
