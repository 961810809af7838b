"""Train the clean sample with a local engine; print the time and memory it took and how the answers changed.

    python benchmarks/training.py [--examples 100] [--epochs 3] [--model smollm2-135m-instruct] [--json]
                                  [--trl PYTHON] [--products]

Trains on the first N lines of sample_data/emojibot-clean.jsonl, then asks the base and the tuned model the
held-out prompts of sample_data/emojibot-test.jsonl. On a busy machine compare CPU seconds.

--trl trains the same tokens with TRL's SFTTrainer too, with the same adapter, batches, epochs and threads, on the
CPU: PYTHON is that of an environment with `pip install torch transformers trl peft datasets`. --products takes the
time of the embedded engine's matrix products alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import state

from curator import paths
from curator.basemodels import shelf as models
from curator.basemodels import text_model
from curator.basemodels.chat_render import Rendered
from curator.server.engines.embedded import batches
from curator.server.engines.examples import read_examples, render_examples
from curator.server.engines.exports.folders import export_merged
from curator.server.engines.job import ALPHA_PER_RANK, RANK, JobSpec
from curator.server.engines.schedule import epoch_order, make_schedule, peak_rate

SHORTCODE = re.compile(r"\([a-z0-9_ ]+\)\Z")
DATA = Path(__file__).parent.parent / "sample_data"


def main() -> None:
    """Run the benchmark and print its figures."""
    args = _arguments()
    base = Path(args.model) if Path(args.model).is_dir() else models.pull(args.model)
    with tempfile.TemporaryDirectory() as place:
        job = _job(Path(place), base, args)
        figures = _train(job, args.json)
        held_out = [json.loads(line) for line in Path(args.test).read_text("utf-8").splitlines()]
        for name, adapter in (("base", None), ("tuned", str(job / figures.pop("path")))):
            figures[name] = _evaluate(base, adapter, held_out)
        if args.products:
            figures["products"] = _multiply(job, base, args)
        if args.trl:
            figures["trl"] = _train_with_trl(job, base, args)
    if args.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        _show(figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the clean sample and print its cost and effect.")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="a pullable name, or a model folder")
    parser.add_argument("--data", default=str(DATA / "emojibot-clean.jsonl"))
    parser.add_argument("--test", default=str(DATA / "emojibot-test.jsonl"))
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--multiplier", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--engine", default="embedded", choices=["embedded", "hf"])
    parser.add_argument("--validate", action="store_true", help="use the held-out file as validation file")
    parser.add_argument("--trl", metavar="PYTHON", help="also train with TRL, run by this Python")
    parser.add_argument("--products", action="store_true", help="also multiply the training's matrices alone")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _job(place: Path, base: Path, args: argparse.Namespace) -> Path:
    lines = Path(args.data).read_bytes().splitlines(keepends=True)[: args.examples]
    (place / "train.jsonl").write_bytes(b"".join(lines))
    spec = {
        "job_id": "ftjob-benchmark",
        "model": base.name,
        "model_path": str(base),
        "engine": args.engine,
        "method": "supervised",
        "training_file": str(place / "train.jsonl"),
        "validation_file": args.test if args.validate else None,
        "hyperparameters": {
            "n_epochs": args.epochs,
            "batch_size": args.batch_size,
            "learning_rate_multiplier": args.multiplier,
        },
        "seed": args.seed,
        "threads": args.threads,
    }
    (place / "job.json").write_text(json.dumps(spec))
    return place


def _train(job: Path, quiet: bool) -> dict[str, Any]:
    """Run the training process: wall and CPU seconds, peak memory and what it reported."""
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "curator.server.children.worker", str(job)])
    first_step = 0.0
    printed = 0
    while process.poll() is None:
        time.sleep(0.1)
        steps = [fact for fact in _facts(job) if fact["kind"] == "step"]
        if steps and not first_step:
            first_step = time.monotonic() - begun
        for fact in [] if quiet else steps[printed:]:
            print(f"step {fact['step']}/{fact['total_steps']}: loss {fact['train_loss']:.3f}", file=sys.stderr)
        printed = len(steps)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    facts = _facts(job)
    if facts[-1]["kind"] != "succeeded":
        raise SystemExit(f"training did not succeed: {facts[-1]}")
    steps = [fact for fact in facts if fact["kind"] == "step"]
    return {
        "steps": len(steps),
        "wall_seconds": round(time.monotonic() - begun, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "first_step_after_seconds": round(first_step, 1),
        "median_step_seconds": round(statistics.median(fact["seconds"] for fact in steps), 3),
        "peak_memory_mb": used.ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2),
        "first_loss": round(steps[0]["train_loss"], 3),
        "last_metrics": {k: round(v, 4) for k, v in steps[-1].items() if isinstance(v, float)},
        "path": facts[-1]["path"],
    }


def _rendered(job: Path, base: Path) -> tuple[JobSpec, list[Rendered]]:
    spec = JobSpec.read(job)
    examples = render_examples(spec, text_model.load(base), list(read_examples(spec.training_file)), "training")
    return spec, examples.examples


def _measured(command: list[str], asked: dict[str, Any]) -> tuple[Any, float, float]:
    """What a program answers to `asked`, both as JSON; its CPU and wall seconds."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout.splitlines()[-1]), round(cpu, 1), round(time.monotonic() - begun, 1)


def _multiply(job: Path, base: Path, args: argparse.Namespace) -> dict[str, Any]:
    """The matrix products of all steps alone, in the same number of threads."""
    spec, examples = _rendered(job, base)
    plan = make_schedule(spec.hyperparameters, len(examples))
    rows = []
    for step in range(plan.total_steps):
        epoch, index = divmod(step, plan.steps_per_epoch)
        order = epoch_order(plan.examples, args.seed, epoch)[
            index * plan.batch_size : (index + 1) * plan.batch_size
        ]
        batch = [examples[number] for number in order]
        parts = [batches.pack_rows(batch, part) for part in batches.deal_to_shards(batch, args.threads)]
        rows.append([[(len(row.ids), len(row.read)) for row in part] for part in parts])
    command = [sys.executable, str(Path(__file__).with_name("training_products.py"))]
    seconds, *_ = _measured(command, {"folder": str(base), "rank": RANK, "batches": rows})
    return {"cpu_seconds": round(seconds, 1)}


def _train_with_trl(job: Path, base: Path, args: argparse.Namespace) -> dict[str, Any]:
    spec, examples = _rendered(job, base)
    plan = make_schedule(spec.hyperparameters, len(examples))
    asked = {
        "folder": str(export_merged(base, None, job / "model")),
        "rows": [{"input_ids": one.ids, "labels": one.labels} for one in examples],
        "epochs": plan.n_epochs,
        "batch_size": plan.batch_size,
        "rank": RANK,
        "alpha": RANK * ALPHA_PER_RANK,
        "rate": peak_rate("supervised", plan.multiplier),
        "threads": args.threads,
        "seed": args.seed,
    }
    answer, cpu, wall = _measured([args.trl, str(Path(__file__).with_name("training_trl.py"))], asked)
    losses = answer["losses"]
    figures = {"steps": len(losses), "cpu_seconds": cpu, "wall_seconds": wall}
    return figures | {"first_loss": losses[0], "last_loss": losses[-1]} | answer["versions"]


def _facts(job: Path) -> list[dict[str, Any]]:
    path = job / "progress.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _evaluate(base: Path, adapter: str | None, held_out: list[dict[str, Any]]) -> dict[str, Any]:
    """Answer all held-out prompts greedily as one batch: share of answers in the right form, share of exact
    ones, CPU seconds an answer."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    requests = [
        {
            "id": str(number),
            "base": str(base),
            "adapter": adapter,
            "messages": example["messages"][:-1],
            "max_tokens": 16,
            "temperature": 0,
        }
        for number, example in enumerate(held_out)
    ]
    texts = _answers(requests)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    expected = [example["messages"][-1]["content"] for example in held_out]
    return {
        "format_share": sum(bool(SHORTCODE.match(text)) for text in texts) / len(texts),
        "exact_share": sum(text == want for text, want in zip(texts, expected, strict=True)) / len(texts),
        "cpu_seconds_per_answer": round(cpu / len(texts), 3),
        "first_answers": texts[:5],
    }


def _answers(requests: list[dict[str, Any]]) -> list[str]:
    """The generation process's answers to requests whose ids are their numbers."""
    texts = ["" for _ in requests]
    process = subprocess.Popen(
        [sys.executable, "-m", "curator.server.children.generate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("".join(json.dumps(request) + "\n" for request in requests))
    process.stdin.flush()
    unanswered = len(requests)
    while unanswered and (line := process.stdout.readline()):
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit(f"generation failed: {answer['error']}")
        texts[int(answer["id"])] += answer.get("delta", "")
        unanswered -= bool(answer.get("done"))
    process.stdin.close()
    process.wait()
    return texts


def _show(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for inner, detail in value.items():
                print(f"  {inner.replace('_', ' ')}: {detail}")
        else:
            print(f"{name.replace('_', ' ')}: {value}")
    print(f"models in: {paths.models_dir()}")
    spent = figures["cpu_seconds"]
    state("training", spent, "CPU s")
    if "products" in figures:
        alone = figures["products"]["cpu_seconds"]
        state("training, start included", spent / alone, "x the CPU of its matrix products", at_most=1.4)
    if "trl" in figures:
        state("training", spent / figures["trl"]["cpu_seconds"], "x TRL's CPU", at_most=0.5)


if __name__ == "__main__":
    main()
