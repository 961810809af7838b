"""Checks a big plain file on several cores: it is cut into byte ranges, which worker processes take.

A range holds whole lines. This process takes ranges too; the findings are joined in the file's order. Where that
is safe the other processes are forks of this one and share its vocabulary, the greatest part of what each needs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

from curator.workspace.checks.json_findings import Rows
from curator.workspace.checks.one_pass import Findings, Options, examine
from curator.workspace.checks.verdict import Progress
from curator.workspace.files.line_splitter import Notes, batches, blocks

SHARE, QUICK_SHARE = 12 << 20, 96 << 20
"""Bytes that each process must have to itself to be worth starting: in a full and in a quick check."""
RANGE = 2 << 20
"""Bytes that a process takes at a time: larger ones take more memory and not less time."""
LARGE = 8 << 20
"""Bytes of a file that is large enough to be worth loading NumPy."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Whole lines of a plain file: byte offsets, and the number of lines before them."""

    start: int
    end: int
    lines: int


def examine_range(path: Path, part: ByteRange, options: Options) -> Findings:
    """`examine` for one range; what a worker process runs."""
    notes = Notes()
    with path.open("rb", buffering=1 << 20) as file:
        file.seek(part.start)
        records = batches(blocks(file, part.end - part.start), notes, part.lines, first=part.start == 0)
        return examine(records, notes, options, large=True)


def examine_in_ranges(path: Path, options: Options, workers: int, progress: Progress | None) -> Findings:
    """Check a file by `workers` processes, this one among them; the findings are joined in the file's order."""
    whole, size = Findings(rows=Rows(spill=True)), path.stat().st_size
    others = set(active_children())
    start_method = "fork" if _may_fork() else "spawn"
    if start_method == "fork" and options.tokens and not options.quick:
        options.counter().text("")  # reads the vocabulary, which the forks then share
    with ProcessPoolExecutor(workers - 1, get_context(start_method), _end_with_parent) as pool:
        pending: deque[tuple[ByteRange, Future[Findings]]] = deque()
        try:
            for part in ranges(path):
                pending.append((part, _submit(pool, pending, 2 * (workers - 1), path, part, options)))
                while pending and pending[0][1].done():
                    _join(whole, *pending.popleft(), options, progress, size)
            while pending:
                _join(whole, *pending.popleft(), options, progress, size)
        except BaseException:
            for child in set(active_children()) - others:
                child.terminate()  # leaving the block waits for them, and a range takes seconds
            raise
    return whole


def _may_fork() -> bool:
    """Whether this process can be copied as it is: on Linux, as long as it has one thread.

    A lock that another thread holds would stay locked in the copy, and macOS forbids most of its libraries there.
    """
    try:
        return sys.platform == "linux" and sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False


def _end_with_parent() -> None:
    """Have a worker process end when its parent is killed: it would wait for work for ever."""
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _submit(
    pool: ProcessPoolExecutor,
    pending: Iterable[tuple[ByteRange, Future[Findings]]],
    most: int,
    path: Path,
    *work: Any,
) -> Future[Findings]:
    """Have another process examine a range; where `most` ranges are with them already, examine it here."""
    if sum(not future.done() for _, future in pending) < most:
        with _uninterrupted():  # the first call starts the processes
            return pool.submit(examine_range, path, *work)
    here: Future[Findings] = Future()
    here.set_result(examine_range(path, *work))
    return here


def _join(
    whole: Findings,
    part: ByteRange,
    future: Future[Findings],
    options: Options,
    progress: Progress | None,
    size: int,
) -> None:
    """Add the findings of a range to those of the ranges before it, and report progress."""
    whole.join(future.result(), options)
    if progress is not None:
        progress(part.end, size)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Block SIGINT while worker processes are started: they inherit that, and print no traceback at Ctrl-C.

    This process ends them itself.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ranges(path: Path, size: int = RANGE) -> Iterator[ByteRange]:
    """Cut a file into ranges of whole lines, about `size` bytes each."""
    start = end = lines = before = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            last = block.rfind(b"\n") + 1
            if last and end + last - start >= size:
                lines += block.count(b"\n", 0, last)
                yield ByteRange(start, end + last, before)
                start, before = end + last, lines
                lines += block.count(b"\n", last)
            else:
                lines += block.count(b"\n")
            end += len(block)
    if end > start:
        yield ByteRange(start, end, before)
