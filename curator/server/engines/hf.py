"""The hf engine: TRL's trainers with PEFT under the same worker protocol; any causal model, many GPUs.

Rendering, order of examples, learning rates and adapters are those of the embedded engine, so that both can be
compared step by step. Under `accelerate launch` every process runs this; the first one reports and decides.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from curator import paths
from curator.atomic import sync_folder
from curator.basemodels import chat_render as render
from curator.basemodels import text_model as tokenizer
from curator.server.engines import hf_models
from curator.server.engines.examples import read_examples, render_examples
from curator.server.engines.job import (
    ALPHA,
    BETA,
    KEPT_CHECKPOINTS,
    RANK,
    STATE_EVERY,
    JobError,
    JobSpec,
    ProgressFile,
    StopRequest,
)
from curator.server.engines.schedule import Schedule, epoch_order, learning_rate, make_schedule, peak_rate

_LAUNCHED = "CURATOR_HF_LAUNCHED"
"""Set for launched processes, so that they do not launch again."""
_WORDS = (None, "save", "pause", "cancel", "stop")
"""What the processes agree on after a step."""


def relaunch(job: Path) -> None:
    """Replace this process by the launcher that `hf-launch` in the configuration folder names, if there is one.

    Several GPUs or machines are configured there, never coded: the file (or CURATOR_HF_LAUNCH) holds the words
    that start a Python module on all of them, such as `accelerate launch --config_file gpus.yaml` or
    `torchrun --nproc-per-node 2`. Does nothing inside a launched process.
    """
    words = os.environ.get("CURATOR_HF_LAUNCH") or _launch_file()
    if not words or _LAUNCHED in os.environ:
        return
    command = [*shlex.split(words, comments=True), "-m", "curator.server.children.worker", str(job)]
    os.environ[_LAUNCHED] = "1"
    beside = Path(sys.executable).parent / command[0]  # the launcher of this environment, whatever PATH says
    try:
        os.execvp(str(beside) if beside.is_file() else command[0], command)
    except OSError as error:
        raise JobError("launch_failed", f"'{command[0]}' cannot be started: {error.strerror}.") from error


def _launch_file() -> str:
    try:
        return (paths.config_dir() / "hf-launch").read_text("utf-8")
    except OSError:
        return ""


class HfTrainer:
    """One job on TRL."""

    def __init__(self, job: JobSpec, progress: ProgressFile, stop: StopRequest) -> None:
        hf_models.silence_libraries()
        self._job, self._progress, self._stop = job, progress, stop
        self._text = tokenizer.load(job.model_path)
        raw = list(read_examples(job.training_file))
        self._training, tokens = render_examples(job, self._text, raw, "training")
        self._valid: list[Any] = []
        if job.validation_file:
            raw = list(read_examples(job.validation_file))
            self._valid, _ = render_examples(job, self._text, raw, "validation")
        self._plan = make_schedule(job.hyperparameters, len(self._training))
        self._tokens = tokens * self._plan.n_epochs

    def run(self) -> None:
        """Train; every fact goes to the job's progress file."""
        import torch

        torch.set_num_threads(self._job.threads)
        reporter = _reporter(self._job, self._plan, self._progress, self._stop)
        trainer = self._trainer(reporter)
        saved = _newest_checkpoint(self._job.folder / "hf")
        trainer.train(resume_from_checkpoint=str(saved) if saved else None)
        if reporter.stopped in ("pause", "cancel"):
            kind = "paused" if reporter.stopped == "pause" else "cancelled"
            reporter.report(kind, step=trainer.state.global_step)
        elif reporter.stopped is None:
            last = f"ckpt-{trainer.state.global_step}"
            reporter.report("succeeded", trained_tokens=self._tokens, path=last)

    def _trainer(self, reporter: Any) -> Any:
        from datasets import Dataset, disable_progress_bars
        from peft import LoraConfig

        disable_progress_bars()
        where = hf_models.device()
        base = hf_models.load_model(self._job.model_path, where)
        lora = LoraConfig(
            r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        column = _pair_columns if self._job.method == "dpo" else _columns
        rows = [
            Dataset.from_list([column(item) for item in items]) for items in (self._training, self._valid) if items
        ]
        return _trainer_class(self._job, self._plan)(
            model=base,
            args=self._arguments(where),
            train_dataset=rows[0],
            eval_dataset=rows[1] if len(rows) > 1 else None,
            processing_class=hf_models.load_tokenizer(self._text),
            peft_config=lora,
            callbacks=[reporter],
        )

    def _arguments(self, where: str) -> Any:
        from trl import DPOConfig, SFTConfig

        job, plan = self._job, self._plan
        world = int(os.environ.get("WORLD_SIZE", "1"))
        common: dict[str, Any] = {
            "output_dir": str(job.folder / "hf"),
            "per_device_train_batch_size": max(1, plan.batch_size // world),
            "per_device_eval_batch_size": 8,
            "num_train_epochs": plan.n_epochs,
            "learning_rate": peak_rate(job.method, plan.multiplier),
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
            "seed": job.seed,
            "logging_steps": 1,
            "save_strategy": "epoch",
            "save_total_limit": 2,
            "eval_strategy": "epoch" if self._valid else "no",
            "bf16": hf_models.half_precision(where),
            "use_cpu": where == "cpu",
            "gradient_checkpointing": False,
            "report_to": "none",
            "disable_tqdm": True,
            "max_length": None,
        }
        if job.method == "dpo":
            beta = job.hyperparameters.get("beta", "auto")
            return DPOConfig(**common, beta=BETA if beta in ("auto", None) else float(beta))
        return SFTConfig(**common, packing=False, dataset_kwargs={"skip_prepare_dataset": True})


def _columns(example: render.Rendered) -> dict[str, list[int]]:
    return {"input_ids": example.ids, "labels": example.labels}


def _pair_columns(pair: render.RenderedPair) -> dict[str, list[int]]:
    preferred, rejected = pair.chosen, pair.rejected
    start = next(n for n, label in enumerate(preferred.labels) if label != render.IGNORED)
    return {
        "prompt_ids": preferred.ids[:start],
        "chosen_ids": _answer(preferred, start),
        "rejected_ids": _answer(rejected, start),
    }


def _answer(side: render.Rendered, start: int) -> list[int]:
    """The trained tokens after the prompt, without what the template puts behind them."""
    last = max(n for n, label in enumerate(side.labels) if label != render.IGNORED)
    return side.ids[start : last + 1]


def _newest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of the trainer's own, to go on from."""
    checkpoints = [
        p for p in folder.glob("checkpoint-*") if p.name[11:].isdigit() and (p / "trainer_state.json").is_file()
    ]
    return max(checkpoints, key=lambda path: int(path.name[11:]), default=None)


def _trainer_class(job: JobSpec, plan: Schedule) -> Any:
    """TRL's trainer for the method, with the embedded engine's order of examples and learning rates."""
    import torch
    from trl import DPOTrainer, SFTTrainer

    parent: Any = DPOTrainer if job.method == "dpo" else SFTTrainer

    class EpochOrder(torch.utils.data.Sampler):  # type: ignore[misc]
        """The examples of the epoch that the trainer is in."""

        def __init__(self, trainer: Any, size: int) -> None:
            self.trainer, self.size = trainer, size

        def __len__(self) -> int:
            return self.size

        def __iter__(self) -> Iterator[int]:
            epoch = self.trainer.state.global_step // max(1, self.trainer.state.max_steps // plan.n_epochs)
            return iter(epoch_order(self.size, job.seed, epoch).tolist())

    class Trainer(parent):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return EpochOrder(self, len(self.train_dataset if train_dataset is None else train_dataset))

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            if getattr(self, "lr_scheduler", None) is None:
                self.lr_scheduler: Any = torch.optim.lr_scheduler.LambdaLR(
                    optimizer or self.optimizer, lambda step: learning_rate(step + 1, num_training_steps, 1.0)
                )
            return self.lr_scheduler

        if job.method == "dpo":

            def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
                return dataset  # rendered already

    return Trainer


def _reporter(job: JobSpec, plan: Schedule, progress: ProgressFile, stop: StopRequest) -> Any:
    """The callback that turns what the trainer does into the protocol's facts."""
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.stopped: str | None = None
            self._step: dict[str, Any] | None = None
            self._told: dict[str, Any] = {}
            self._begun = self._saved = time.monotonic()

        def report(self, kind: str, **facts: Any) -> None:
            """Report, from the first process only."""
            if int(os.environ.get("RANK", "0")) == 0:
                progress.append(kind, **facts)

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.report(
                "started",
                total_steps=state.max_steps,
                steps_per_epoch=state.max_steps // plan.n_epochs,
                n_epochs=plan.n_epochs,
                batch_size=plan.batch_size,
                learning_rate_multiplier=plan.multiplier,
                seed=job.seed,
            )

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._flush()
            self._begun = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            reason = stop.reason()
            late = time.monotonic() - self._saved > STATE_EVERY
            word = _agree_among_processes(reason or ("save" if late else None))
            if word is not None:
                control.should_save = True
            if word not in (None, "save") and state.global_step < state.max_steps:
                self.stopped = word
                control.should_training_stop = True

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if logs is None or "loss" not in logs:
                return
            self._flush()
            self._step = {
                "step": state.global_step,
                "total_steps": state.max_steps,
                "train_loss": float(logs["loss"]),
                "train_mean_token_accuracy": _accuracy(logs, ""),
                "learning_rate": float(logs["learning_rate"]),
                "grad_norm": float(logs["grad_norm"]),
                "seconds": round(time.monotonic() - self._begun, 3),
            }

        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if metrics is None or self._step is None or "eval_loss" not in metrics:
                return
            for name, value in (
                ("loss", float(metrics["eval_loss"])),
                ("mean_token_accuracy", _accuracy(metrics, "eval_")),
            ):
                self._step |= {f"valid_{name}": value, f"full_valid_{name}": value}

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._flush()
            self._saved = time.monotonic()
            step = state.global_step
            if step % (state.max_steps // plan.n_epochs) or int(os.environ.get("RANK", "0")):
                return
            name = _publish_checkpoint(Path(args.output_dir) / f"checkpoint-{step}", job.folder, step)
            unwanted = ("total_steps", "seconds", "learning_rate", "grad_norm")
            metrics = {k: v for k, v in self._told.items() if k not in unwanted}
            self.report("checkpoint", step=step, path=name, metrics=metrics)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._flush()

        def _flush(self) -> None:
            """Tell the last step, now that nothing more can come for it."""
            if self._step is not None:
                self._told, self._step = self._step, None
                self.report("step", **self._told)

    return Reporter()


def _accuracy(logs: dict[str, Any], prefix: str) -> float:
    for name in ("rewards/accuracies", "mean_token_accuracy"):
        if f"{prefix}{name}" in logs:
            return float(logs[f"{prefix}{name}"])
    return 0.0


def _agree_among_processes(word: str | None) -> str | None:
    """What the first process wants, told to all: they must leave the loop at the same step."""
    import torch.distributed as distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return word
    words = [word]
    distributed.broadcast_object_list(words, src=0)
    return words[0] if words[0] in _WORDS else None


def _publish_checkpoint(trained: Path, folder: Path, step: int) -> str:
    """Copy the adapter to the job's `ckpt-STEP`, which appears whole; the last three stay."""
    name = f"ckpt-{step}"
    part = folder / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(trained / file, part / file)
    shutil.rmtree(folder / name, ignore_errors=True)
    part.rename(folder / name)
    sync_folder(folder)
    steps: Sequence[int] = sorted(int(p.name[5:]) for p in folder.glob("ckpt-*") if p.name[5:].isdigit())
    for old in steps[:-KEPT_CHECKPOINTS]:
        shutil.rmtree(folder / f"ckpt-{old}", ignore_errors=True)
    return name
