"""A tiny random Llama in a Hugging Face style folder, and a small training file: real training in a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from curator.basemodels.model_shape import LlamaShape
from curator.server.engines.embedded.decode import EmbeddedDecoder
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, layer_sizes

CONFIG = LlamaShape(
    vocab_size=259,
    hidden_size=64,
    intermediate_size=128,
    num_layers=2,
    num_heads=4,
    num_kv_heads=2,
    head_dim=16,
    rope_theta=10000.0,
    rms_eps=1e-5,
    max_positions=512,
    tied=True,
)

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, seed: int = 0, shape: LlamaShape = CONFIG) -> Path:
    """Write the model into `folder` (made if needed) and return it. Its 259 tokens: 256 bytes, three specials."""
    folder.mkdir(parents=True, exist_ok=True)
    ends: dict[str, Any] = {"bos_token_id": 257, "eos_token_id": 258, "pad_token_id": 256}
    (folder / "config.json").write_text(json.dumps(shape.as_hf() | ends))
    save_file(_weights(seed, shape), folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer().save(str(folder / "tokenizer.json"))
    tokens = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **tokens})
    )
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def _weights(seed: int, shape: LlamaShape) -> dict[str, Any]:
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> Any:
        return (random.standard_normal((rows, columns)) * 0.1).astype(np.float32)

    out = {"model.embed_tokens.weight": matrix(shape.vocab_size, shape.hidden_size)}
    out["model.norm.weight"] = np.ones(shape.hidden_size, np.float32)
    for layer in range(shape.num_layers):
        for part, (rows, columns) in layer_sizes(shape).items():
            out[f"model.layers.{layer}.{part}.weight"] = matrix(rows, columns)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            out[f"model.layers.{layer}.{norm}.weight"] = np.ones(shape.hidden_size, np.float32)
    if not shape.tied:
        out["lm_head.weight"] = matrix(shape.vocab_size, shape.hidden_size)
    for layer in range(shape.num_layers):
        for part in shape.biases:
            out[f"model.layers.{layer}.{part}.bias"] = matrix(layer_sizes(shape)[part][0], 1)[:, 0] * 5
        for part in ("self_attn.q_norm", "self_attn.k_norm") * shape.head_norms:
            out[f"model.layers.{layer}.{part}.weight"] = 1 + matrix(shape.head_dim, 1)[:, 0] * 5
    return out


def _tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={character: n for n, character in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    names = ("<|pad|>", "<|im_start|>", "<|im_end|>")
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return made


def read_prompts(model: Llama, adapter: Adapter | None, prompts: Sequence[Sequence[int]]) -> EmbeddedDecoder:
    """A decoder that has read its prompts."""
    decoder = EmbeddedDecoder(model, adapter, prompts)
    while not decoder.ready:
        decoder.read()
    return decoder


def examples(count: int = 20) -> list[dict[str, Any]]:
    """Short conversations that share a system prompt; the answer follows from the question."""
    answers = ("(sun)", "(car)", "(dog)")
    return [
        {
            "messages": [
                {"role": "system", "content": "Answer in emoji."},
                {"role": "user", "content": f"question {number}"},
                {"role": "assistant", "content": answers[number % 3]},
            ]
        }
        for number in range(count)
    ]


def write_jsonl(path: Path, values: list[dict[str, Any]]) -> Path:
    """Write the values as JSONL and return the path."""
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")
    return path


def write_job(folder: Path, model: Path, training: Path, **changes: Any) -> Path:
    """Write `job.json` for a job on `model` into `folder` (made if needed) and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    spec: dict[str, Any] = {
        "job_id": "ftjob-tiny",
        "model": "tiny",
        "model_path": str(model),
        "engine": "embedded",
        "method": "supervised",
        "training_file": str(training),
        "validation_file": None,
        "hyperparameters": {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 5},
        "seed": 7,
        "threads": 1,
    }
    (folder / "job.json").write_text(json.dumps(spec | changes))
    return folder


def facts(folder: Path) -> list[dict[str, Any]]:
    """Everything the worker told so far."""
    path = folder / "progress.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
