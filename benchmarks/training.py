"""Train the clean sample with a local engine; print the time and memory it took and how the answers changed.

    python benchmarks/training.py [--examples 100] [--epochs 3] [--model smollm2-135m-instruct] [--json]

Trains on the first N lines of sample_data/emojibot-clean.jsonl, then asks the base and the tuned model the
held-out prompts of sample_data/emojibot-test.jsonl. On a busy machine compare CPU seconds.
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

from curator import paths
from curator.basemodels import shelf as models

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


if __name__ == "__main__":
    main()
