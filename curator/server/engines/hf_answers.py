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
from curator.server.engines.answer_batch import AnswerBatch, LoadedModel, Observe, Request
from curator.server.engines.constraint import ConstraintCompiler

_SLICE_TOKENS = 256
"""Most tokens of each prompt that are read at once."""


class HfEngine:
    """A loaded base model. An adapter is loaded when a request first needs it, and switched on by its name."""

    def __init__(self, base: Path) -> None:
        hf_models.silence_libraries()
        self._text = tokenizer.load(base)
        self._compiler = ConstraintCompiler(self._text)
        self._device = hf_models.device()
        self._model = hf_models.load_model(base, self._device).to(self._device).eval()
        self._limit = int(getattr(self._model.config, "max_position_embeddings", 0) or 4096)
        self._names: dict[str, str] = {}

    def batch(self, adapter: str | None, requests: list[Request]) -> AnswerBatch:
        """Start answering requests together. Raises InputError if the adapter does not fit the model."""
        name = self._adapter(adapter) if adapter else None

        def start(prompts: Sequence[Sequence[int]], observe: Observe | None) -> HfDecoder:
            return HfDecoder(self._model, name, self._device, prompts, observe)

        return AnswerBatch(LoadedModel(self._text, self._limit, start, self._compiler), requests)

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

    def __init__(
        self,
        model: Any,
        adapter: str | None,
        device: str,
        prompts: Sequence[Sequence[int]],
        observe: Observe | None = None,
    ) -> None:
        import torch

        self._model, self._adapter, self._device, self._observe = model, adapter, device, observe
        width = max(map(len, prompts))
        self._pads = [width - len(prompt) for prompt in prompts]
        rows = [[0] * pad + list(prompt) for pad, prompt in zip(self._pads, prompts, strict=True)]
        self._prompts = torch.tensor(rows, device=device)
        self._mask = torch.zeros((len(prompts), 0), dtype=torch.long, device=device)
        self._read, self._width = 0, width
        self._skipped: set[int] = set()
        self._cache: Any = None
        self.logits: Any = None

    @property
    def ready(self) -> bool:
        """Whether all prompts are read."""
        return self._read == self._width

    def skip(self, index: int) -> None:
        """Mark a sequence as skipped; once all are, the rest of the prompts is not read."""
        self._skipped.add(index)

    def read(self) -> None:
        """Read the next slice of all prompts."""
        import torch

        if len(self._skipped) == len(self._pads):
            self._read = self._width
            self.logits = np.zeros((len(self._pads), 1), np.float32)
            return
        first, self._read = self._read, min(self._width, self._read + _SLICE_TOKENS)
        places = torch.arange(first, self._read, device=self._device)
        pads = torch.tensor(self._pads, device=self._device)[:, None]
        self._mask = torch.cat([self._mask, (places[None, :] >= pads).long()], dim=1)
        logits = self._forward(self._prompts[:, first : self._read], self._observe is not None)
        if self._observe is not None:
            for index, pad in enumerate(self._pads):
                start = max(pad, first)
                if start < self._read:
                    self._observe(index, start - pad, logits[index, start - first :])

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

    def join(self, other: Any) -> bool:
        """Batches of this engine stay apart: their caches are padded differently."""
        return False

    def _forward(self, ids: Any, every: bool = False) -> Any:
        """Read tokens (sequences, T); the logits behind the last one, with `every` behind each, in NumPy."""
        import torch

        positions = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        arguments = {"input_ids": ids, "attention_mask": self._mask, "position_ids": positions, "use_cache": True}
        with torch.inference_mode():
            logits_to_keep = 0 if every else 1
            out = self._run({**arguments, "past_key_values": self._cache, "logits_to_keep": logits_to_keep})
        self._cache = out.past_key_values
        logits = out.logits.float().cpu().numpy().astype(np.float32)
        self.logits = logits[:, -1]
        return logits

    def _run(self, arguments: dict[str, Any]) -> Any:
        if self._adapter is not None:
            self._model.set_adapter(self._adapter)
            return self._model(**arguments)
        if hasattr(self._model, "disable_adapter"):
            with self._model.disable_adapter():
                return self._model(**arguments)
        return self._model(**arguments)
