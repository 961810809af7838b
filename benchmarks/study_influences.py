"""What influences cost beside a training; does a model give an answer up without the examples that pushed it?

All in this process, so that its CPU seconds are those of the work; but the questions are asked in processes of
their own, as the local server has them. What is finished lies in a folder.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from curator import paths
from curator.core.scores.metrics import exact_match
from curator.jobs.studies.examples import StudyExamples
from curator.server.engines.job import JobSpec, ProgressFile, StopRequest, limit_threads
from curator.server.engines.studies.spec import StudyProgress, StudySpec

TOP = 5
"""Examples that are left out of a training for each miss."""
LONGEST = 24
"""Tokens of an answer."""
Timed = dict[str, Any]


class Measuring:
    """One model, trained on `training`, and its answers to `held_out`."""

    def __init__(
        self,
        training: StudyExamples,
        held_out: StudyExamples,
        folder: Path,
        model: str,
        settings: dict[str, Any],
        seed: int,
    ):
        self.training, self.held_out, self.folder = training, held_out, folder
        self.model, self.settings, self.seed = model, settings, seed
        self.job = folder / "job"
        self.job.mkdir(parents=True, exist_ok=True)
        (self.job / "training.jsonl").write_bytes(b"".join(raw + b"\n" for raw in training.raws))

    def once(self, name: str, work: Callable[[], Any]) -> Timed:
        """What `work` returns, with its CPU seconds; kept in a file."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            began = time.process_time()
            value = work()
            told = {"value": value, "cpu": time.process_time() - began}
            path.with_suffix(".part").write_text(json.dumps(told))
            path.with_suffix(".part").rename(path)
        timed: Timed = json.loads(path.read_bytes())
        return timed

    def train(self) -> None:
        """Train as a job does, or go on with it; its checkpoints stay in the folder."""
        from curator.server.engines.embedded.trainer import EmbeddedTrainer  # heavy: NumPy, after limit_threads

        job = JobSpec(
            folder=self.job,
            job_id="job",
            model=self.model,
            model_path=paths.models_dir() / self.model,
            engine="embedded",
            method="supervised",
            training_file=self.job / "training.jsonl",
            validation_file=None,
            hyperparameters=self.settings,
            seed=self.seed,
            threads=os.cpu_count() or 1,
        )
        EmbeddedTrainer(job, ProgressFile(self.job), StopRequest(self.job)).run()

    @property
    def checkpoints(self) -> list[str]:
        """The folders of the job's checkpoints, in order."""
        return sorted(map(str, self.job.glob("ckpt-*")), key=lambda path: int(path.rpartition("-")[2]))

    def answer(self) -> list[str]:
        """What the trained model answers to what is held out."""
        from curator.basemodels import text_model, weights  # heavy
        from curator.server.engines.embedded.llama import Llama
        from curator.server.engines.embedded.lora import read_peft
        from curator.server.engines.studies.scoring import answer_prompts

        base = Llama(weights.load(paths.models_dir() / self.model))
        adapter = read_peft(Path(self.checkpoints[-1]), base.config)
        text = text_model.load(paths.models_dir() / self.model)
        asked = [json.loads(raw) for raw in self.held_out.raws]
        told = answer_prompts(base, adapter, text, asked, LONGEST, os.cpu_count() or 1, lambda count: None)
        return [each.text for each in told]

    def spec(self, name: str, kind: str, lines: Sequence[bytes], asked: dict[str, Any]) -> StudySpec:
        """A study of these lines, in a folder of its own."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "examples.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        return StudySpec(
            folder=folder,
            kind=kind,
            model=self.model,
            model_path=paths.models_dir() / self.model,
            examples=folder / "examples.jsonl",
            shared=self.folder / "shared",
            threads=os.cpu_count() or 1,
            asked=asked,
        )

    def ask_influences(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """For each chat the training examples that pushed to its answer."""
        from curator.server.engines.studies.influences import Influences  # heavy

        asked = {"checkpoints": self.checkpoints, "questions": questions}
        spec = self.spec("influences", "influences", self.training.raws, asked)
        told: list[dict[str, Any]] = Influences(spec, StudyProgress(spec.folder), StopRequest(spec.folder)).run()[
            "questions"
        ]
        return told

    def ask_in_process(self, questions: list[dict[str, Any]]) -> Timed:
        """What influences take in a process of their own, in CPU seconds and in seconds, and what they say."""
        asked = {"checkpoints": self.checkpoints, "questions": questions}
        spec = self.spec(f"influences-{len(questions)}", "influences", self.training.raws, asked)
        told = {name: getattr(spec, name) for name in ("kind", "model", "threads", "asked")}
        told |= {"model_path": str(spec.model_path), "shared": str(spec.shared)}
        (spec.folder / "study.json").write_text(json.dumps(told))
        command = [sys.executable, "-m", "curator.server.children.study", str(spec.folder)]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "cpu": after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime,
            "seconds": time.monotonic() - began,
            "questions": json.loads((spec.folder / "result.json").read_bytes())["questions"],
        }

    def retrain_without(self, parts: Sequence[set[int]], lines: Sequence[bytes]) -> list[dict[str, Any]]:
        """For each part a training without it, which answers `lines` and says how likely their answers are."""
        from curator.server.engines.studies.trials import Trials  # heavy

        first = len(self.training)
        asked = list(range(first, first + len(lines)))
        trials = [
            {
                "train": [at for at in range(first) if at not in part],
                "seed": self.seed,
                "score": [[at, at] for at in asked],
                "answer": asked,
            }
            for part in parts
        ]
        body = {"trials": trials, "hyperparameters": self.settings, "max_tokens": LONGEST}
        spec = self.spec("retraining", "trials", [*self.training.raws, *lines], body)
        told: list[dict[str, Any]] = Trials(spec, StudyProgress(spec.folder), StopRequest(spec.folder)).run()[
            "trials"
        ]
        return told


def measure_influences(
    training: StudyExamples,
    held_out: StudyExamples,
    folder: Path,
    model: str,
    settings: dict[str, Any],
    seed: int,
    retrain: bool,
) -> dict[str, Any]:
    """CPU seconds of influences beside those of the training; with `retrain`, what becomes of the answers."""
    limit_threads()
    own = Measuring(training, held_out, folder, model, settings, seed)
    trained = own.once("training", own.train)
    answers = own.once("answers", own.answer)["value"]
    misses = [at for at, answer in enumerate(answers) if not exact_match(held_out.answers[at], answer)]
    questions = [_with_answer(held_out.raws[at], answers[at]) for at in misses]
    once = own.once("gradients", lambda: own.ask_influences([]))
    first = own.once("first question", lambda: own.ask_in_process(questions[:1]))["value"]
    told = own.once("all questions", lambda: own.ask_in_process(questions))["value"]
    result = {
        "checkpoints": len(own.checkpoints),
        "CPU s of training": round(trained["cpu"], 1),
        "CPU s of gradients": round(once["cpu"], 1),
        "gradients / training": round(once["cpu"] / trained["cpu"], 2),
        "questions": len(misses),
        "CPU s of a question alone": round(first["cpu"], 2),
        "CPU s of each further one": round((told["cpu"] - first["cpu"]) / max(1, len(misses) - 1), 3),
        "CPU s a question, all together": round(told["cpu"] / max(1, len(misses)), 3),
        "seconds a question, all together": round(told["seconds"] / max(1, len(misses)), 3),
        "right": f"{len(answers) - len(misses)} of {len(answers)}",
    }
    if not retrain:
        return result
    top = [{at for at, _ in each["influences"][:TOP]} for each in told["questions"]]
    return result | _compare(own, [answers[at] for at in misses], questions, top, trained["cpu"])


def _with_answer(raw: bytes, answer: str) -> dict[str, Any]:
    messages = json.loads(raw)["messages"][:-1]
    return {"messages": [*messages, {"role": "assistant", "content": answer}]}


def _compare(
    own: Measuring, given: list[str], questions: list[dict[str, Any]], top: list[set[int]], training_cpu: float
) -> dict[str, Any]:
    """Train without the strongest examples of each half of the misses. Misses with the same answer are in one
    half, so that each half leaves out examples that are nothing to the other."""
    halves = _halve(given)
    left_out = [set().union(*(top[at] for at in half)) for half in halves]
    size = min(map(len, left_out))
    trials = own.retrain_without(left_out, [json.dumps(each).encode() for each in questions])
    changed, likelier = {"own": 0, "other": 0}, {"own": list[float](), "other": list[float]()}
    for number, half in enumerate(halves):
        for at in half:
            for name, trial in (("own", trials[number]), ("other", trials[1 - number])):
                changed[name] += trial["answers"][at]["text"].strip() != given[at].strip()
                likelier[name].append(trial["scores"][at][0])
    lower = sum(own < other for own, other in zip(likelier["own"], likelier["other"], strict=True))
    return {
        "left out": f"{len(left_out[0])} and {len(left_out[1])}, {len(left_out[0] & left_out[1])} of them in both",
        "smaller part": size,
        "answer changed without its own five": f"{changed['own']} of {len(given)}",
        "answer changed without those of others": f"{changed['other']} of {len(given)}",
        "log probability, own less others": round(mean(likelier["own"]) - mean(likelier["other"]), 3),
        "less likely without its own": f"{lower} of {len(given)}",
        "an arm / training": round(mean(sum(trial["cpu_seconds"]) for trial in trials) / training_cpu, 2),
        "resumed": any(trial["resumed"] for trial in trials),
    }


def _halve(given: list[str]) -> tuple[list[int], list[int]]:
    """Two halves of the places, each answer in one of them only; a single answer is divided."""
    groups: dict[str, list[int]] = {}
    for at, answer in enumerate(given):
        groups.setdefault(answer.strip(), []).append(at)
    halves: tuple[list[int], list[int]] = ([], [])
    for group in sorted(groups.values(), key=len, reverse=True):
        smaller = halves[0] if len(halves[0]) <= len(halves[1]) else halves[1]
        smaller += group
    return halves
