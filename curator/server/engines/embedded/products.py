"""Matrix products with frozen weights: how these lie in memory, and how many threads share a product."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from curator.server.engines.embedded.lora import Array

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
DECODING_THREADS = min(4, _CORES)
"""Threads that share a product while answers are decoded and nothing else is at work."""
_LOOK_EVERY = 0.5
"""Seconds between two looks at what else is at work."""
_CORES_OF_OTHERS = 0.5
"""How much of a core other processes may use beyond those that the threads leave to them."""
_LEAST_SHARED = 2**20
"""Multiplications for which a product is shared by threads: for fewer, waiting for a thread costs more (measured
for 1 to 64 rows and the matrices of SmolLM2-135M)."""


class Products:
    """Multiplies with frozen weights (outputs, inputs).

    For training, `threads` 1, weights lie row by row: forward and backward products are equally fast. For decoding
    they lie column by column: the product of a few tokens is up to twice as fast (measured, OpenBLAS 0.3.31). Each
    thread computes some of the outputs; none spins while it waits. On a busy machine one thread does all.
    """

    def __init__(self, threads: int, by_column: bool) -> None:
        self._by_column = by_column
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._quiet, self._looked = _was_quiet(), time.monotonic()
        self._others = _seconds_of_others()

    def stack(self, parts: Sequence[Array]) -> Array:
        """The matrices below each other as one, laid out for the products."""
        rows = sum(len(part) for part in parts)
        if len(parts) == 1 and (parts[0].flags.f_contiguous or not self._by_column):
            return parts[0]
        out: Array = np.empty((rows, parts[0].shape[1]), parts[0].dtype, order="F" if self._by_column else "C")
        return np.concatenate(parts, out=out)

    def multiply(self, x: Array, weight: Array) -> Array:
        """x @ weight.T: (T, inputs) and (outputs, inputs) → (T, outputs)."""
        if len(x) * weight.size < _LEAST_SHARED:
            return multiply(x, weight)
        shares = self.shares(len(weight))
        if len(shares) == 1:
            return multiply(x, weight)
        out = np.empty((len(x), len(weight)), x.dtype)
        self.run(lambda part: np.matmul(x, weight[part].T, out=out[:, part]), shares)
        return out

    def shares(self, count: int) -> list[slice]:
        """What each thread takes of so many equal parts of some work; one thread takes all on a busy machine."""
        threads = min(self._threads, count) if self._pool is not None and count > 1 and self._is_quiet() else 1
        ends = [count * number // threads for number in range(threads + 1)]
        return [slice(first, last) for first, last in zip(ends, ends[1:], strict=False)]

    def run(self, work: Callable[[slice], object], shares: Sequence[slice]) -> None:
        """Do some work on all shares at the same time."""
        others = [self._pool.submit(work, share) for share in shares[1:]] if self._pool is not None else []
        work(shares[0])
        for other in others:
            other.result()

    def _is_quiet(self) -> bool:
        """Whether there are cores for the threads, by what other processes have used since the last look."""
        if (now := time.monotonic()) - self._looked > _LOOK_EVERY:
            others = _seconds_of_others()
            if others is None or self._others is None:
                self._quiet = _was_quiet()
            else:
                used = (others - self._others) / (now - self._looked)
                self._quiet = used <= _CORES - self._threads + _CORES_OF_OTHERS
            self._looked, self._others = now, others
        return self._quiet


def _was_quiet() -> bool:
    """Whether there were cores for the threads in the last minute, by its load average, their own included."""
    try:
        return os.getloadavg()[0] <= _CORES + 0.5
    except (AttributeError, OSError):  # a system that does not tell
        return False


def _seconds_of_others() -> float | None:
    """The processor seconds that all other processes of the machine have used; None on a system that does not
    tell."""
    try:
        with Path("/proc/stat").open("rb") as file:
            user, nice, system, _idle, _waiting, *interrupts = map(int, file.readline().split()[1:8])
        ticks = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    return (user + nice + system + sum(interrupts)) / ticks - time.process_time()


def multiply(x: Array, weight: Array) -> Array:
    """x @ weight.T. Two or three rows are multiplied one by one: twice as fast (measured, OpenBLAS 0.3.31)."""
    if len(x) in (2, 3):
        return np.stack([row @ weight.T for row in x])
    out: Array = x @ weight.T
    return out
