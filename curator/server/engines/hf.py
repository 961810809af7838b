"""The hf engine: trains any causal model with TRL and PEFT, on several GPUs too.

Token ids, order of examples, learning rates and adapter shape are those of the embedded engine, so that both can
be compared step by step. Under `accelerate launch` every process runs this module; the first one reports and
decides.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

from curator import paths
from curator.basemodels import chat_render as render
from curator.basemodels import text_model as tokenizer
from curator.server.engines import hf_models
from curator.server.engines.best_epoch import ValidationWatch
from curator.server.engines.examples import read_examples, render_examples
from curator.server.engines.job import BETA, JobError, JobSpec, ProgressFile, StopRequest, TrainingSettings
from curator.server.engines.schedule import make_schedule, peak_rate

_LAUNCHED = "CURATOR_HF_LAUNCHED"
"""Environment variable that is set for launched processes, so that they do not launch again."""


def relaunch(job: Path) -> None:
    """Replace this process by the launcher for several GPUs or machines, if one is configured.

    The environment variable CURATOR_HF_LAUNCH or the file `hf-launch` in the configuration folder holds the
    command that starts a Python module in every process, such as `accelerate launch --config_file gpus.yaml` or
    `torchrun --nproc-per-node 2`. Does nothing inside a launched process. Raises JobError if it cannot start.
    """
    words = os.environ.get("CURATOR_HF_LAUNCH") or _launch_file()
    if not words or _LAUNCHED in os.environ:
        return
    command = [*shlex.split(words, comments=True), "-m", "curator.server.children.worker", str(job)]
    os.environ[_LAUNCHED] = "1"
    beside = Path(sys.executable).parent / command[0]  # the launcher of this Python environment, not of PATH
    try:
        os.execvp(str(beside) if beside.is_file() else command[0], command)
    except OSError as error:
        raise JobError("launch_failed", f"'{command[0]}' cannot be started: {error.strerror}.") from error


def _launch_file() -> str:
    try:
        return (paths.config_dir() / "hf-launch").read_text("utf-8")
    except OSError:
        return ""


def _require_targets(base: Any, targets: str) -> None:
    """Raise JobError where the model's layers have other names than the setting `lora_targets` means."""
    wanted = _TARGET_MODULES[targets]
    names = {name.rpartition(".")[2] for name, _ in base.named_modules()}
    if not isinstance(wanted, str) and not names.issuperset(wanted):
        raise JobError(
            "unsupported_parameter",
            f"'lora_targets' is '{targets}', and the model's layers have other names than {', '.join(wanted)}: "
            "use 'all'.",
        )


_TARGET_MODULES: dict[str, str | list[str]] = {
    "all": "all-linear",
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "mlp": ["gate_proj", "up_proj", "down_proj"],
}
"""PEFT's names of the layers, by the job's setting `lora_targets`."""


class HfTrainer:
    """One job, trained with TRL."""

    def __init__(self, job: JobSpec, progress: ProgressFile, stop: StopRequest) -> None:
        hf_models.silence_libraries()
        self._job, self._progress, self._stop = job, progress, stop
        self._text = tokenizer.load(job.model_path)
        raw = list(read_examples(job.training_file))
        self._training, tokens, _ = render_examples(job, self._text, raw, "training")
        self._valid: list[Any] = []
        if job.validation_file:
            raw = list(read_examples(job.validation_file))
            self._valid, _, _ = render_examples(job, self._text, raw, "validation")
        self._plan = make_schedule(job.hyperparameters, len(self._training))
        self._tokens = tokens
        self._settings = TrainingSettings.of(job.hyperparameters)

    def run(self) -> None:
        """Train the job to its end or until it is asked to stop; facts go to its progress file."""
        import torch  # heavy

        from curator.server.engines.hf_reporter import Reporter  # heavy

        torch.set_num_threads(self._job.threads)
        saved = _newest_checkpoint(self._job.folder / "hf")
        done = int(saved.name.rpartition("-")[2]) if saved else 0
        watch = ValidationWatch(self._settings, self._progress.validation_losses() if done else {})
        watch.forget_after(done)
        reporter = Reporter(self._job, self._plan, self._progress, self._stop, watch)
        if watch.is_over:  # it was killed after its last step
            reporter.report("succeeded", **watch.end(done, self._plan, self._tokens))
            return
        trainer = self._trainer(reporter)
        trainer.train(resume_from_checkpoint=str(saved) if saved else None)
        if reporter.stopped in ("pause", "cancel"):
            kind = "paused" if reporter.stopped == "pause" else "cancelled"
            reporter.report(kind, step=trainer.state.global_step)
        elif reporter.stopped is None:
            reporter.report("succeeded", **watch.end(trainer.state.global_step, self._plan, self._tokens))

    def _trainer(self, reporter: Any) -> Any:
        from datasets import Dataset, disable_progress_bars  # heavy
        from peft import LoraConfig  # heavy

        from curator.server.engines.hf_trainers import PreferenceTrainer, SupervisedTrainer  # heavy

        disable_progress_bars()
        where = hf_models.device()
        base = hf_models.load_model(self._job.model_path, where)
        chosen = self._settings
        _require_targets(base, chosen.targets)
        lora = LoraConfig(
            r=chosen.rank,
            lora_alpha=chosen.alpha,
            lora_dropout=chosen.dropout,
            target_modules=_TARGET_MODULES[chosen.targets],
            task_type="CAUSAL_LM",
        )
        column = _pair_columns if self._job.method == "dpo" else _columns
        rows = [
            Dataset.from_list([column(item) for item in items]) for items in (self._training, self._valid) if items
        ]
        trainer_class = PreferenceTrainer if self._job.method == "dpo" else SupervisedTrainer
        trainer = trainer_class(
            model=base,
            args=self._arguments(where),
            train_dataset=rows[0],
            eval_dataset=rows[1] if len(rows) > 1 else None,
            processing_class=hf_models.load_tokenizer(self._text),
            peft_config=lora,
            callbacks=[reporter],
        )
        trainer.schedule_shape = chosen.schedule
        return trainer

    def _arguments(self, where: str) -> Any:
        from trl import DPOConfig, SFTConfig  # heavy

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
    """The trained tokens after the prompt, without the untrained ones that the template adds at the end."""
    last = max(n for n, label in enumerate(side.labels) if label != render.IGNORED)
    return side.ids[start : last + 1]


def _newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint that the trainer wrote, to resume from."""
    checkpoints = [
        p for p in folder.glob("checkpoint-*") if p.name[11:].isdigit() and (p / "trainer_state.json").is_file()
    ]
    return max(checkpoints, key=lambda path: int(path.name[11:]), default=None)
