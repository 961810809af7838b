"""Run by training.py with the Python of an environment that has trl, peft and torch, but not Curator.

Reads a JSON object from stdin: `folder` of a Hugging Face model, `rows` with `input_ids` and `labels`, `epochs`,
`batch_size`, `rank`, `alpha`, `rate`, `threads`, `seed`. Trains a LoRA adapter on the CPU with TRL's SFTTrainer
and prints the losses of the steps and the versions as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRL_EXPERIMENTAL_SILENCE": "1"}
os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error"}
asked = json.load(sys.stdin)
os.environ["OMP_NUM_THREADS"] = str(asked["threads"])

import torch  # noqa: E402  (after the environment is set)
import transformers  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402

torch.set_num_threads(asked["threads"])
with tempfile.TemporaryDirectory() as place:
    trainer = trl.SFTTrainer(
        model=transformers.AutoModelForCausalLM.from_pretrained(asked["folder"], dtype=torch.float32),
        args=trl.SFTConfig(
            output_dir=place,
            per_device_train_batch_size=asked["batch_size"],
            num_train_epochs=asked["epochs"],
            learning_rate=asked["rate"],
            lr_scheduler_type="linear",
            warmup_steps=0.1,
            max_length=None,
            seed=asked["seed"],
            logging_steps=1,
            save_strategy="no",
            activation_checkpointing=False,
            bf16=False,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=Dataset.from_list(asked["rows"]),
        processing_class=transformers.AutoTokenizer.from_pretrained(asked["folder"]),
        peft_config=LoraConfig(
            r=asked["rank"], lora_alpha=asked["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
versions = {"trl": trl.__version__, "torch": torch.__version__, "transformers": transformers.__version__}
print(json.dumps({"losses": losses, "versions": versions}))
