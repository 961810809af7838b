"""Trials: train a small model on some examples, then tell how likely it finds given answers and what it answers.

A trial's result is stored under a hash of all that it depends on, so that no trial is run twice, whichever study
asks for it. A trial that is broken off goes on from its trainer's saved state.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.basemodels import text_model, weights
from curator.basemodels.text_model import TextModel
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, read_peft
from curator.server.engines.embedded.trainer import EmbeddedTrainer
from curator.server.engines.examples import read_examples
from curator.server.engines.job import JobError, JobSpec, ProgressFile, StopRequest
from curator.server.engines.learning_curves import read_curves
from curator.server.engines.schedule import make_schedule
from curator.server.engines.studies import scoring
from curator.server.engines.studies.spec import StudyProgress, StudySpec, StudyStopped, write_json

_TRAINED, _SCORED, _ANSWERED = 2.0, 0.15, 1.5
"""Work of training on an example once, of scoring one answer and of writing one: about their shares of time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: the numbers of the `train` lines and the `seed` of the training; `score`: (line that asks, line
    that answers); `answer`: lines whose prompts are answered."""

    train: tuple[int, ...]
    seed: int
    score: tuple[tuple[int, int], ...]
    answer: tuple[int, ...]

    @staticmethod
    def of(request: dict[str, Any]) -> Trial:
        """The trial of a request's object."""
        return Trial(
            tuple(map(int, request["train"])),
            int(request["seed"]),
            tuple((int(asking), int(answering)) for asking, answering in request.get("score") or ()),
            tuple(map(int, request.get("answer") or ())),
        )


class _Steps(ProgressFile):
    """Receives the trainer's facts: each step is progress of the study; whether it came to its end."""

    def __init__(self, folder: Path, progress: StudyProgress) -> None:
        super().__init__(folder)
        self._study = progress
        self._batch, self._counted = 1, 0
        self.succeeded = False
        self.resumed = False
        self.loss: float | None = None

    def append(self, kind: str, **facts: Any) -> None:
        """Take one fact; none is written."""
        if kind == "started":
            self._batch = int(facts["batch_size"])
        elif kind == "step":
            if not self._counted and facts["step"] > 1:
                self.resumed = True
                self._study.found(_TRAINED * self._batch * (facts["step"] - 1))
            self._counted += 1
            self.loss = float(facts["train_loss"])
            self._study.advance(_TRAINED * self._batch)
        elif kind == "succeeded":
            self.succeeded = True


class Trials:
    """All trials of one study, one after another, with the base model loaded once."""

    def __init__(self, spec: StudySpec, progress: StudyProgress, stop: StopRequest) -> None:
        self._spec, self._progress, self._stop = spec, progress, stop
        self._examples = list(read_examples(spec.examples))
        self._hyperparameters: dict[str, Any] = dict(spec.asked.get("hyperparameters") or {})
        self._longest = int(spec.asked.get("max_tokens") or 64)
        self._trials = [Trial.of(each) for each in spec.asked["trials"]]
        self._require_lines()
        self._model: Llama | None = None
        self._text: TextModel | None = None

    def _require_lines(self) -> None:
        for trial in self._trials:
            highest = max((*trial.train, *trial.answer, *(line for pair in trial.score for line in pair)))
            if highest >= len(self._examples):
                raise JobError(
                    "invalid_trial", f"There is no line {highest} among {len(self._examples)} (from 0)."
                )

    def run(self) -> dict[str, Any]:
        """Run what has no stored result; the study's result. Raises StudyStopped, JobError."""
        results: list[dict[str, Any] | None] = [self._stored(trial) for trial in self._trials]
        sizes = [self._work(trial) for trial in self._trials]
        self._progress.total = sum(sizes)
        for result, size in zip(results, sizes, strict=True):
            if result is not None:
                self._progress.found(size)
        for at, trial in enumerate(self._trials):
            if results[at] is None:
                if self._stop.reason():
                    raise StudyStopped
                self._progress.begin(f"training {at + 1} of {len(self._trials)}")
                results[at] = self._run_one(trial)
        return {"trials": results}

    def _work(self, trial: Trial) -> float:
        plan = make_schedule(self._hyperparameters, len(trial.train))
        trained = _TRAINED * plan.total_steps * plan.batch_size
        return trained + _SCORED * len(trial.score) + _ANSWERED * len(trial.answer)

    def _folder(self, trial: Trial) -> Path:
        """The folder of a trial's state and result, named by a hash of all that it depends on."""
        used = sorted({*trial.train, *trial.answer, *(line for pair in trial.score for line in pair)})
        texts = {line: json.dumps(self._examples[line], sort_keys=True) for line in used}
        facts = [
            self._spec.model,
            str(self._spec.model_path),
            self._hyperparameters,
            self._longest,
            trial.seed,
            [texts[line] for line in trial.train],
            [[texts[asking], texts[answering]] for asking, answering in trial.score],
            [texts[line] for line in trial.answer],
        ]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass"))
        return self._spec.shared / f"trial-{digest.hexdigest()[:32]}"

    def _stored(self, trial: Trial) -> dict[str, Any] | None:
        try:
            stored = json.loads((self._folder(trial) / "result.json").read_bytes())
        except (OSError, ValueError):
            return None
        return stored if isinstance(stored, dict) else None

    def _loaded(self) -> tuple[Llama, TextModel]:
        if self._model is None or self._text is None:
            self._model = Llama(weights.load(self._spec.model_path))
            self._text = text_model.load(self._spec.model_path)
        return self._model, self._text

    def _run_one(self, trial: Trial) -> dict[str, Any]:
        began, cpu_began = time.monotonic(), time.process_time()
        model, text = self._loaded()
        folder = self._folder(trial)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        steps = _Steps(folder, self._progress)
        adapter = self._train(trial, folder, steps, model)
        cpu_trained = time.process_time()
        result = {
            **self._ask(trial, model, text, adapter),
            "train_loss": steps.loss,
            "seconds": round(time.monotonic() - began, 3),
            "cpu_seconds": [round(cpu_trained - cpu_began, 2), round(time.process_time() - cpu_trained, 2)],
            "resumed": steps.resumed,
            "curves": read_curves(folder),
        }
        write_json(folder / "result.json", result)
        _keep_result_only(folder)
        return result

    def _train(self, trial: Trial, folder: Path, steps: _Steps, model: Llama) -> Adapter:
        """Train, or go on training. The adapter is read back as it is written: float32 to the bit."""
        lines = [json.dumps(self._examples[line]).encode() + b"\n" for line in trial.train]
        write_bytes(folder / "training.jsonl", b"".join(lines))
        job = JobSpec(
            folder=folder,
            job_id=folder.name,
            model=self._spec.model,
            model_path=self._spec.model_path,
            engine="embedded",
            method="supervised",
            training_file=folder / "training.jsonl",
            validation_file=None,
            hyperparameters=self._hyperparameters,
            seed=trial.seed,
            threads=self._spec.threads,
        )
        EmbeddedTrainer(job, steps, self._stop, model).run()
        if not steps.succeeded:
            raise StudyStopped
        last = make_schedule(self._hyperparameters, len(trial.train)).total_steps
        written = folder / f"ckpt-{last}"
        if not written.is_dir():  # some examples were left out, as nothing in them is trained
            written = max(folder.glob("ckpt-*"), key=lambda path: int(path.name[5:]))
        return read_peft(written, model.config)

    def _ask(self, trial: Trial, model: Llama, text: TextModel, adapter: Adapter) -> dict[str, Any]:
        progress, examples, threads = self._progress, self._examples, self._spec.threads

        def advance(weight: float, count: int) -> None:
            progress.advance(weight * count)
            if self._stop.reason():
                raise StudyStopped

        try:
            pairs = [scoring.render_pair(text, examples[one], examples[other]) for one, other in trial.score]
        except (KeyError, TypeError, AttributeError) as error:
            raise JobError("invalid_examples", "An example to be scored has no prompt or no answer.") from error
        scores = scoring.score_answers(model, adapter, pairs, threads, lambda n: advance(_SCORED, n))
        known: dict[int, scoring.OwnAnswer] = {}
        for (one, other), pair, score in zip(trial.score, pairs, scores, strict=True):
            if one == other and (own := scoring.answer_as_given(text, examples[one], pair, score, self._longest)):
                known[one] = own
        asked = [line for line in trial.answer if line not in known]
        advance(_ANSWERED, len(trial.answer) - len(asked))
        prompts = [examples[line] for line in asked]
        told = scoring.answer_prompts(
            model, adapter, text, prompts, self._longest, threads, lambda n: advance(_ANSWERED, n)
        )
        known |= dict(zip(asked, told, strict=True))
        return {
            "scores": [[round(score.logprob, 5), score.tokens] for score in scores],
            "answers": [_plain(asdict(known[line])) for line in trial.answer],
        }


def _keep_result_only(folder: Path) -> None:
    """Remove the training's data, state and checkpoints."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "result.json":
            path.unlink(missing_ok=True)


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"logprob": round(answer["logprob"], 5)}
