"""Answers from the embedded engine: a base model in memory, with the most recently used adapters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.server.engines.answer_batch import AnswerBatch, Decoder, LoadedModel, Observe, Request
from curator.server.engines.constraint import ConstraintCompiler
from curator.server.engines.embedded.beginnings import MOST_TOKENS, KeptBeginnings
from curator.server.engines.embedded.decode import EmbeddedDecoder, shared_length
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, read_peft
from curator.server.engines.embedded.products import DECODING_THREADS


class EmbeddedEngine:
    """A loaded base model. At most `adapters_kept` adapters stay in memory."""

    def __init__(self, base: Path, adapters_kept: int) -> None:
        with ThreadPoolExecutor(1) as pool:  # both are read at the same time
            text = pool.submit(tokenizer.load, base)
            self._model = Llama(weights.load(base, by_column=True), decoding_threads=DECODING_THREADS)
            self._text = text.result()
        self._beginnings = KeptBeginnings()
        self._compiler = ConstraintCompiler(self._text)
        self._most_adapters = adapters_kept
        self._adapters: OrderedDict[str, Adapter] = OrderedDict()

    def batch(self, adapter: str | None, requests: list[Request]) -> AnswerBatch:
        """Start answering requests together. Raises InputError if the adapter does not fit the model."""
        lora = self._adapter(adapter) if adapter else None

        def start(prompts: Sequence[Sequence[int]], observe: Observe | None) -> EmbeddedDecoder:
            beginning = self._beginnings.find(adapter, prompts[0][: shared_length(prompts)])
            return EmbeddedDecoder(self._model, lora, prompts, observe, beginning)

        def remember(decoder: Decoder) -> None:
            if isinstance(decoder, EmbeddedDecoder):
                self._beginnings.keep(adapter, *decoder.beginning(MOST_TOKENS))

        limit = self._model.config.max_positions
        return AnswerBatch(LoadedModel(self._text, limit, start, self._compiler, remember), requests)

    def _adapter(self, folder: str) -> Adapter:
        if folder not in self._adapters:
            self._adapters[folder] = read_peft(Path(folder), self._model.config)
            while len(self._adapters) > self._most_adapters:
                self._adapters.popitem(last=False)
        self._adapters.move_to_end(folder)
        return self._adapters[folder]
