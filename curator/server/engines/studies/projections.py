"""Gradients of single examples, kept as random projections, from the backward pass over a packed row.

The gradient of a LoRA matrix is a sum of outer products, one a token. Each factor is projected by itself, so that
no gradient is ever formed: Kronecker-shaped projections keep inner products in expectation (Choe et al. 2024,
LoGra), and so how alike two gradients are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from curator.server.engines.embedded.batches import PackedRow
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import GROUPS, Adapter, Array

WIDTH = 8
"""Numbers that a layer's outputs, or its inputs, become."""


@lru_cache(maxsize=256)
def _projection(block: int, name: str, size: int) -> Array:
    """A fixed random matrix (size, WIDTH) with entries of variance 1/WIDTH."""
    seed = [block, *name.encode(), size]
    return np.random.default_rng(seed).standard_normal((size, WIDTH), dtype=np.float32) / np.float32(WIDTH**0.5)


class ProjectedGradients:
    """Takes what the backward pass finds in the last blocks, in place of an adapter that sums it up.

    Tokens that examples share (the row's prefix) belong to none of them and are left out.
    """

    def __init__(self, model: Llama, adapter: Adapter, row: PackedRow, blocks: int) -> None:
        self._rank, self._first = adapter.rank, len(model.layers) - blocks
        self._splits = model.splits
        self._row = row
        self._own = row.segments > 0
        segments = row.segments[self._own]
        self._starts = np.flatnonzero(np.diff(segments, prepend=0))
        self._owners = _owner_of_segments(row)
        self._parts: list[Array] = []

    @staticmethod
    def size(model: Llama, adapter: Adapter, blocks: int) -> int:
        """The number of features of an example."""
        return blocks * WIDTH * adapter.rank * 2 * sum(len(parts) for parts in GROUPS.values())

    def add(self, group: str, layer: int, inputs: Array, low: Array, d_low: Array, d_out: Array) -> None:
        """Take one group's factors, see `Adapter.add`."""
        for index, columns in enumerate(self._splits[group]):
            part = slice(index * self._rank, (index + 1) * self._rank)
            outputs = d_out[self._own][:, columns]
            name = f"{group} {index}"
            self._sum(outputs @ _projection(layer, f"{name} out", outputs.shape[1]), low[self._own][:, part])
            self._sum(
                inputs[self._own] @ _projection(layer, f"{name} in", inputs.shape[1]), d_low[self._own][:, part]
            )

    def _sum(self, outer: Array, inner: Array) -> None:
        """Add the outer products of the tokens of each example."""
        products = outer[:, :, None] * inner[:, None, :]
        sums = np.add.reduceat(products, self._starts, axis=0) if len(products) else products
        self._parts.append(sums.reshape(len(self._starts), -1))

    def by_example(self) -> Iterator[tuple[int, Array]]:
        """The number of each example of the row and its features."""
        features = np.concatenate(self._parts, axis=1)
        yield from ((int(owner), feature) for owner, feature in zip(self._owners, features, strict=True))


def _owner_of_segments(row: PackedRow) -> list[int]:
    """The number of the example of each continuation, in their order."""
    owners = dict(zip(row.segments[row.read].tolist(), row.owners.tolist(), strict=True))
    return [owners[segment] for segment in sorted(set(row.segments.tolist()) - {0})]
