"""Answers from the hf engine: any causal model of transformers, adapters through PEFT.

Late imports of torch and PEFT: heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curator.basemodels import text_model as tokenizer
from curator.errors import InputError
from curator.server.engines import hf_models
from curator.server.engines.answer_batch import AnswerBatch, LoadedModel, Request


class HfEngine:
    """A loaded base model. An adapter is loaded when a request first needs it, and switched on by its name."""

    def __init__(self, base: Path) -> None:
        hf_models.silence_libraries()
        self._text = tokenizer.load(base)
        self._device = hf_models.device()
        self._model = hf_models.load_model(base, self._device).to(self._device).eval()
        self._limit = int(getattr(self._model.config, "max_position_embeddings", 0) or 4096)
        self._names: dict[str, str] = {}

    def batch(self, adapter: str | None, requests: list[Request]) -> AnswerBatch:
        """Start answering requests together. Raises InputError if the adapter does not fit the model."""
        name = self._adapter(adapter) if adapter else None

        def start(prompts: Sequence[Sequence[int]]) -> HfDecoder:
            return HfDecoder(self._model, name, self._device, prompts)

        return AnswerBatch(LoadedModel(self._text, self._limit, start), requests)

    def _adapter(self, folder: str) -> str:
        from peft import PeftModel

        if folder in self._names:
            return self._names[folder]
        name = f"adapter{len(self._names)}"
        if not (Path(folder) / "adapter_model.safetensors").is_file():
            raise InputError(f"{folder} is no PEFT adapter folder with safetensors")
        try:
            if self._names:
                self._model.load_adapter(folder, adapter_name=name)
            else:
                self._model = PeftModel.from_pretrained(self._model, folder, adapter_name=name).eval()
        except (RuntimeError, ValueError, KeyError) as error:
            raise InputError(f"{Path(folder).name} does not fit the base model: {error}") from error
        self._names[folder] = name
        return name


class HfDecoder:
    """Left-padded sequences with transformers' cache; `logits` is (sequences, vocabulary), float32 in NumPy."""

    def __init__(self, model: Any, adapter: str | None, device: str, prompts: Sequence[Sequence[int]]) -> None:
        import torch

        self._model, self._adapter, self._device = model, adapter, device
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts], device=device)
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        self._mask = torch.tensor(mask, device=device)
        self._cache: Any = None
        self.logits: Any = None
        self._forward(ids)

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token to each sequence."""
        import torch

        column = torch.tensor([[token] for token in tokens], device=self._device)
        self._mask = torch.cat([self._mask, torch.ones_like(column)], dim=1)
        self._forward(column)

    def keep(self, indexes: Sequence[int]) -> None:
        """Drop all sequences but these."""
        import torch

        rows = torch.tensor(list(indexes), device=self._device)
        self._cache.batch_select_indices(rows)
        self._mask = self._mask[rows]
        self.logits = self.logits[list(indexes)]

    def _forward(self, ids: Any) -> None:
        import torch

        positions = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        arguments = {"input_ids": ids, "attention_mask": self._mask, "position_ids": positions, "use_cache": True}
        with torch.inference_mode():
            out = self._run({**arguments, "past_key_values": self._cache, "logits_to_keep": 1})
        self._cache = out.past_key_values
        self.logits = out.logits[:, -1].float().cpu().numpy().astype(np.float32)

    def _run(self, arguments: dict[str, Any]) -> Any:
        if self._adapter is not None:
            self._model.set_adapter(self._adapter)
            return self._model(**arguments)
        if hasattr(self._model, "disable_adapter"):
            with self._model.disable_adapter():
                return self._model(**arguments)
        return self._model(**arguments)
