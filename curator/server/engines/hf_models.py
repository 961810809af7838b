"""Load models for the hf engine: a Hugging Face folder as it is, or a GGUF folder through Curator's own reader.

Late imports of torch and transformers: heavy.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from curator.basemodels.text_model import TextModel
from curator.basemodels.weights import find_gguf
from curator.server.engines.choice import accelerator


def silence_libraries() -> None:
    """Turn off downloads, telemetry, progress bars and warnings of the Hugging Face libraries."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")


def device() -> str:
    """The device to compute on: "cuda", "mps" or "cpu"; ACCELERATE_USE_CPU=1 selects the CPU."""
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return "cpu"
    return accelerator() or "cpu"


def half_precision(where: str) -> bool:
    """Whether to compute in bfloat16: only on CUDA devices that support it. Most CPUs are slower with it."""
    import torch

    return where == "cuda" and torch.cuda.is_bf16_supported()


def load_model(folder: Path, where: str) -> Any:
    """The causal language model of a folder for device `where`, in float32 or bfloat16 (see `half_precision`).
    With CURATOR_LOAD_IN_4BIT=1 on CUDA the frozen weights are 4-bit (QLoRA, Dettmers et al. 2023; needs
    bitsandbytes)."""
    import torch
    from transformers import AutoModelForCausalLM

    kind = torch.bfloat16 if half_precision(where) else torch.float32
    if find_gguf(folder) is not None:
        return _from_gguf(folder).to(kind)
    options: dict[str, Any] = {}
    if where == "cuda" and os.environ.get("CURATOR_LOAD_IN_4BIT") == "1":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=kind
        )
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=kind, use_safetensors=True, trust_remote_code=False, local_files_only=True, **options
    )


def _from_gguf(folder: Path) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from curator.basemodels import weights

    loaded = weights.load(folder)
    settings = loaded.config.as_hf()
    for unwanted in ("architectures", "torch_dtype", "rope_theta", "rope_scaling"):
        settings.pop(unwanted, None)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(settings.pop("model_type"), **settings))
    tensors = {name: torch.from_numpy(value) for name, value in loaded.tensors.items()}
    if loaded.config.tied:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    model.load_state_dict(tensors)
    return model


def load_tokenizer(text: TextModel) -> Any:
    """The model's tokenizer as a transformers object with a padding token, as trainers need it."""
    from transformers import PreTrainedTokenizerFast

    end = text.special.get("eos_token") or text.tokenizer.id_to_token(text.end_ids[0])
    pad = text.special.get("pad_token") or end
    return PreTrainedTokenizerFast(tokenizer_object=text.tokenizer, eos_token=end, pad_token=pad)


def base_name(adapter: Path) -> str:
    """The base model's name in a PEFT folder's configuration."""
    return str(json.loads((adapter / "adapter_config.json").read_bytes()).get("base_model_name_or_path", ""))
