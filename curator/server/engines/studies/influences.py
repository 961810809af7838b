"""Influences: which training examples pushed a model to an answer, by the gradients of its last layers.

TracIn (Pruthi et al. 2020): at each kept checkpoint the gradient of the loss of an answer is compared with that of
each training example; where both point the same way, learning the example made the answer likelier. The gradients
are those of the adapter in the last blocks, kept as random projections (`projections`), which are computed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from curator.atomic import write_bytes
from curator.basemodels import text_model, weights
from curator.basemodels.chat_render import Rendered
from curator.basemodels.text_model import TextModel
from curator.server.engines.embedded import batches
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import Adapter, Array, read_peft
from curator.server.engines.embedded.loss import count_answer_tokens, score_and_gradient
from curator.server.engines.examples import read_examples
from curator.server.engines.job import JobError, StopRequest
from curator.server.engines.studies.projections import ProjectedGradients
from curator.server.engines.studies.scoring import render_pair
from curator.server.engines.studies.spec import StudyProgress, StudySpec, StudyStopped

BLOCKS = 2
"""Last blocks whose gradients are compared."""
_TOGETHER = 64
_PART = 512
"""Training examples whose features are stored together, so that little is lost with a process."""
_KEPT = 200
"""Most influences that are told of one question."""


class Influences:
    """One study: the features of a job's training examples at its checkpoints, and what they say to questions."""

    def __init__(self, spec: StudySpec, progress: StudyProgress, stop: StopRequest) -> None:
        self._spec, self._progress, self._stop = spec, progress, stop
        self._text: TextModel = text_model.load(spec.model_path)
        self._training = list(read_examples(spec.examples))
        self._questions = self._render(list(spec.asked["questions"]))
        self._checkpoints = [Path(folder) for folder in spec.asked["checkpoints"]]
        self._model: Llama | None = None

    def run(self) -> dict[str, Any]:
        """For each question the training examples by their influence on its answer. Raises StudyStopped,
        JobError."""
        counts = len(self._training), len(self._questions)
        self._progress.total = float(len(self._checkpoints) * sum(counts))
        totals = np.zeros(counts[::-1])
        for checkpoint in self._checkpoints:
            asked = None
            if self._questions:
                self._progress.begin(f"questions at {checkpoint.name}")
                asked = self._features(checkpoint, self._questions)
            for first in range(0, counts[0], _PART):
                features = self._part_features(checkpoint, first)
                if asked is not None:
                    totals[:, first : first + _PART] += asked @ features.T
        return {"questions": [_strongest(row) for row in totals]}

    def _part_features(self, checkpoint: Path, first: int) -> Array:
        """The features of a part of the training examples; they are computed and stored where they are not yet."""
        part = self._training[first : first + _PART]  # not rendered where their features are stored
        features = self._stored_features(checkpoint, first)
        if features is not None and len(features) == len(part):
            self._progress.found(len(part))
            return features
        self._progress.begin(f"gradients of {checkpoint.name}")
        features = self._features(checkpoint, self._render(part))
        self._store(checkpoint, first, features)
        return features

    def _render(self, examples: Sequence[dict[str, Any]]) -> list[Rendered]:
        """Each example's prompt with its last answer, which alone has a loss."""
        try:
            return [render_pair(self._text, example, example) for example in examples]
        except (KeyError, TypeError, AttributeError) as error:
            raise JobError("invalid_examples", "An example has no prompt or no answer.") from error

    def _features(self, checkpoint: Path, rendered: Sequence[Rendered]) -> Array:
        """The projected gradient of each example's loss at a checkpoint, of length 1: (examples, features)."""
        model, adapter = self._adapter(checkpoint)
        out = np.zeros((len(rendered), ProjectedGradients.size(model, adapter, BLOCKS)), np.float32)
        order = sorted(range(len(rendered)), key=lambda at: rendered[at].ids)
        order = [at for at in order if count_answer_tokens([rendered[at]])]

        def work(row: batches.PackedRow) -> None:
            hidden, tape = model.record(row, adapter, last=BLOCKS)
            scale = np.ones(len(row.targets), hidden.dtype)
            _, d_hidden = score_and_gradient(hidden, model.head, row.targets, scale)
            sink = ProjectedGradients(model, adapter, row, BLOCKS)
            model.backward(tape, d_hidden, adapter, sink, last=BLOCKS)
            for example, feature in sink.by_example():
                out[example] = feature

        with ThreadPoolExecutor(self._spec.threads) as pool:
            for first in range(0, len(order), _TOGETHER):
                part = order[first : first + _TOGETHER]
                list(pool.map(work, batches.pack_rows(rendered, part, apart=True)))
                self._progress.advance(len(part))
                if self._stop.reason():
                    raise StudyStopped
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        out /= np.maximum(norms, 1e-12)
        return out

    def _adapter(self, checkpoint: Path) -> tuple[Llama, Adapter]:
        if not checkpoint.is_dir():
            raise JobError("checkpoint_gone", f"The checkpoint {checkpoint.name} of the job is gone: train again.")
        self._model = self._model or Llama(weights.load(self._spec.model_path))
        return self._model, read_peft(checkpoint, self._model.config)

    def _file(self, checkpoint: Path, first: int) -> Path:
        """The file of the features of a part of the training examples at a checkpoint."""
        digest = hashlib.sha256(self._spec.examples.read_bytes())
        digest.update(f"{checkpoint.parent.name} {BLOCKS} {self._spec.model_path}".encode())
        return self._spec.shared / f"features-{digest.hexdigest()[:32]}" / f"{checkpoint.name}-{first}.npy"

    def _stored_features(self, checkpoint: Path, first: int) -> Array | None:
        try:
            stored: Array = np.load(self._file(checkpoint, first), allow_pickle=False).astype(np.float32)
        except (OSError, ValueError):
            return None
        return stored

    def _store(self, checkpoint: Path, first: int, features: Array) -> None:
        from io import BytesIO  # small, and only here

        path, buffer = self._file(checkpoint, first), BytesIO()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        np.save(buffer, features.astype(np.float16))
        write_bytes(path, buffer.getvalue())


def _strongest(row: Array) -> dict[str, Any]:
    """The influences on one question, the strongest first, and the sum of those that pushed towards the answer."""
    order = np.argsort(-row, kind="stable")[:_KEPT]
    influences = [[int(at), round(float(row[at]), 6)] for at in order if row[at] > 0]
    return {"influences": influences, "push": round(float(row[row > 0].sum()), 6)}
